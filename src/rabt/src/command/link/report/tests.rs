//! The page as a whole.

use super::data::{Language, ReportData};
use super::sample::{bare, full};
use super::{render, sample};

/// Elements that have no end.
const VOID: [&str; 3] = ["meta", "input", "!doctype"];

/// Walks the tags of a page and says what is wrong with them: each must be closed by its own end,
/// and nothing within a tag may open another.
fn faults(page: &str) -> Vec<String> {
    let (mut open, mut wrong) = (Vec::new(), Vec::new());
    let start = page.find("<style>").unwrap_or_default();
    let end = page.find("</style>").unwrap_or_default();
    let page = format!("{}{}", &page[..start], &page[end + 8..]);
    for piece in page.split('<').skip(1) {
        let Some((tag, text)) = piece.split_once('>') else {
            wrong.push(format!("not closed: {piece}"));
            continue;
        };
        if text.contains('>') || tag.matches('"').count() % 2 == 1 {
            wrong.push(format!("stray sign after: {tag}"));
        }
        let name = tag
            .trim_matches('/')
            .split_whitespace()
            .next()
            .unwrap_or_default();
        if let Some(ended) = tag.strip_prefix('/') {
            if open.pop() != Some(ended) {
                wrong.push(format!("does not end what is open: {ended}"));
            }
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    wrong.extend(open.iter().map(|name| format!("never ended: {name}")));
    wrong
}

#[test]
fn every_page_is_well_formed() {
    for data in [
        full(Language::English),
        full(Language::Arabic),
        bare(),
        ReportData::default(),
    ] {
        let page = render(&data);
        assert!(page.starts_with("<!doctype html>"), "{page}");
        assert_eq!(faults(&page), Vec::<String>::new());
        assert!(
            !page.contains("NaN") && !page.contains("inf\""),
            "a place that is no number"
        );
    }
}

#[test]
fn the_page_loads_nothing() {
    let page = render(&full(Language::English));
    for word in [
        "src=",
        "href=\"http",
        "url(",
        "@import",
        "<link",
        "<script",
        "<iframe",
    ] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn values_of_records_are_escaped_everywhere() {
    let page = render(&full(Language::English));
    assert!(!page.contains(sample::HOSTILE));
    // Askama writes references by number, the pictures by name; both say the same.
    assert!(page.contains("script") && !page.contains("alert('1')"));
    assert!(page.contains("EDU-&#60;9&#62;"));
}

#[test]
fn every_part_is_there_when_it_is_known() {
    let page = render(&full(Language::English));
    for part in [
        "overview",
        "weights",
        "histogram",
        "thresholds",
        "calibration",
        "groups",
        "false-links",
        "misses",
        "chosen",
        "clusters",
        "blocking",
        "run",
        "terms",
    ] {
        assert!(page.contains(&format!("<section id=\"{part}\">")), "{part}");
    }
    for words in [
        "وزن التطابق",
        "one person",
        "شخص واحد",
        "مقابل الأقارب",
        "never made this pair",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<svg role=\"img\"").count(), 19);
    assert_eq!(
        page.matches("<svg").count(),
        page.matches("</title>").count() - 1 - tips(&page)
    );
}

/// Counts the titles of bars.
fn tips(page: &str) -> usize {
    page.matches("</title></rect>").count()
}

#[test]
fn what_is_not_known_is_left_out() {
    let page = render(&bare());
    for part in [
        "thresholds",
        "calibration",
        "groups",
        "false-links",
        "misses",
    ] {
        assert!(!page.contains(&format!("id=\"{part}\"")), "{part}");
        assert!(!page.contains(&format!("href=\"#{part}\"")), "{part}");
    }
    assert!(page.contains("id=\"histogram\"") && !page.contains("▼"));
    let empty = render(&ReportData::default());
    assert_eq!(
        empty.matches("<section").count(),
        2,
        "the overview and the terms"
    );
}

#[test]
fn the_language_of_the_caller_is_the_first() {
    let chosen = |page: &str, id: &str| page.contains(&format!("id=\"{id}\" checked"));
    let english = render(&full(Language::English));
    assert!(chosen(&english, "show-en") && !chosen(&english, "show-ar"));
    let arabic = render(&full(Language::Arabic));
    assert!(chosen(&arabic, "show-ar") && !chosen(&arabic, "show-en"));
}

/// What a picture looks like to a program: one comparison and one pair, whole.
#[test]
fn pictures_are_drawn_as_they_were() {
    let page = render(&full(Language::English));
    let figure = |id: &str| {
        let section = page
            .split(&format!("<section id=\"{id}\">"))
            .nth(1)
            .unwrap();
        let start = section.find("<svg").unwrap();
        let end = section.find("</svg>").unwrap();
        section[start..end + 6].replace("><", ">\n<")
    };
    insta::assert_snapshot!("levels", figure("weights"));
    insta::assert_snapshot!("waterfall", figure("false-links"));
}
