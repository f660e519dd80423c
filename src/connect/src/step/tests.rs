//! A table test for every step.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rabt_model::PartialDate;

use super::{Calendar, DateFormat, DateFormatError, Out, Step, run};
use crate::mapping::RejectReason;

const YEAR: i16 = 2026;

fn text(step: &Step, input: &str) -> Option<String> {
    let out = run(std::slice::from_ref(step), Some(Cow::Borrowed(input)), YEAR).unwrap();
    match out {
        Out::Absent => None,
        Out::Text(text) => Some(text.into_owned()),
        Out::Date(date) => Some(date.to_string()),
    }
}

fn refused(step: &Step, input: &str) -> RejectReason {
    run(std::slice::from_ref(step), Some(Cow::Borrowed(input)), YEAR)
        .unwrap_err()
        .reason
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    list.iter().map(own).collect()
}

#[test]
fn text_steps() {
    let split = |index| Step::Split {
        separator: "/".into(),
        index,
    };
    let pad = Step::PadLeft {
        width: 4,
        with: '0',
    };
    let cases: Vec<(Step, &str, Option<&str>)> = vec![
        (Step::Trim, " \u{a0}\u{200f}محمد\t\u{feff}", Some("محمد")),
        (Step::Trim, " \u{200b} ", None),
        (Step::CollapseSpaces, "a \t\u{a0}b  c", Some("a b c")),
        (Step::CollapseSpaces, "a b", Some("a b")),
        (Step::Nfc, "A\u{30a}", Some("\u{c5}")),
        (Step::Nfc, "\u{627}\u{653}", Some("\u{622}")),
        (Step::FoldCase, "ÄbC", Some("äbc")),
        (Step::Strip("-. ".into()), "01-2. 3", Some("0123")),
        (Step::DigitsAscii, "٢٩٠ ۱۲ ３", Some("290 12 3")),
        (Step::Take(2), "محمد", Some("مح")),
        (Step::Take(9), "محمد", Some("محمد")),
        (split(1), "a/b/c", Some("b")),
        (split(3), "a/b/c", None),
        (split(1), "a//c", None),
        (
            Step::Replace(pairs(&[("أ", "ا"), ("ا", "A")])),
            "أ ا",
            Some("A A"),
        ),
        (Step::NullIf(vec!["N/A".into()]), "N/A", None),
        (Step::NullIf(vec!["N/A".into()]), "n/a", Some("n/a")),
        (Step::Default("x".into()), "  ", Some("x")),
        (Step::Default("x".into()), "y", Some("y")),
        (pad.clone(), "٧", Some("000٧")),
        (pad.clone(), "", None),
        (pad, "12345", Some("12345")),
        (Step::CheckDigits(3), "123", Some("123")),
        (Step::CheckDigits(3), "", None),
        (
            Step::CheckNationalId,
            "29001010112345",
            Some("29001010112345"),
        ),
    ];
    for (step, input, expected) in cases {
        assert_eq!(
            text(&step, input).as_deref(),
            expected,
            "{step:?} {input:?}"
        );
        assert!(!step.explain().en.is_empty() && !step.explain().ar.is_empty());
    }
    assert_eq!(
        refused(&Step::CheckDigits(3), "12a"),
        RejectReason::BadDigits
    );
    assert_eq!(
        refused(&Step::CheckNationalId, "123"),
        RejectReason::BadNationalId
    );
}

#[test]
fn a_default_stands_in_for_null_too() {
    let out = run(&[Step::Default("x".into())], None, YEAR).unwrap();
    assert_eq!(out, Out::Text("x".into()));
    assert_eq!(run(&[Step::Trim], None, YEAR).unwrap(), Out::Absent);
}

#[test]
fn lookups_can_name_the_empty_text() {
    let table: BTreeMap<String, String> = pairs(&[("1", "male"), ("", "unknown")])
        .into_iter()
        .collect();
    let step = Step::Lookup(table);
    assert_eq!(text(&step, "1").as_deref(), Some("male"));
    assert_eq!(text(&step, "").as_deref(), Some("unknown"));
    assert_eq!(refused(&step, "3"), RejectReason::NotInList);
    let bare = Step::Lookup(pairs(&[("1", "male")]).into_iter().collect());
    assert_eq!(text(&bare, ""), None);
}

#[test]
fn a_refusal_holds_the_text_before_the_step() {
    let steps = [Step::DigitsAscii, Step::Trim, Step::CheckNationalId];
    let refused = run(&steps, Some(" ١٢٣ ".into()), YEAR).unwrap_err();
    assert_eq!(refused.held, "123");
}

fn date(format: &str, calendar: Calendar, input: &str) -> Option<String> {
    let format: DateFormat = format.parse().unwrap();
    format
        .parse(input, calendar, YEAR)
        .map(|date| date.to_string())
}

#[test]
fn gregorian_dates() {
    for (format, input, expected) in [
        ("%d/%m/%Y", "11/02/1984", Some("1984-02-11")),
        ("%d/%m/%Y", "1/2/1984", Some("1984-02-01")),
        ("%d/%m/%Y", "31/02/1984", None),
        ("%d/%m/%Y", "11/02/1984 ", None),
        ("%d/%m/%Y", "11/02/84", None),
        ("%d/%m/%Y", "111/02/1984", None),
        ("%Y%m%d", "19840211", Some("1984-02-11")),
        ("%Y%m%d", "1984211", None),
        ("%d%m%y", "110284", Some("1984-02-11")),
        ("%d/%m/%y", "11/02/26", Some("2026-02-11")),
        ("%d/%m/%y", "11/02/27", Some("1927-02-11")),
        ("%d-%b-%Y", "11-Feb-1984", Some("1984-02-11")),
        ("%d %b %Y", "11 February 1984", Some("1984-02-11")),
        ("%d %b %Y", "11 فبراير 1984", Some("1984-02-11")),
        ("%d %b %Y", "11 كانون الثاني 1984", Some("1984-01-11")),
        ("%d %b %Y", "11 x 1984", None),
        (
            "%Y-%m-%d %H:%M:%S",
            "1984-02-11 23:59:59",
            Some("1984-02-11"),
        ),
        ("%Y-%m-%d", "0000-00-00", None),
        ("%d%%%m%%%Y", "1%2%1984", Some("1984-02-01")),
        ("%d/%m/%Y", "١/٢/١٩٨٤", None),
    ] {
        let got = date(format, Calendar::Gregorian, input);
        assert_eq!(got.as_deref(), expected, "{format} {input}");
    }
}

#[test]
fn hijri_dates() {
    for (format, input, expected) in [
        ("%d/%m/%Y", "01/01/1445", Some("2023-07-19")),
        ("%d/%m/%Y", "01/09/1444", Some("2023-03-23")),
        ("%d/%m/%y", "01/01/45", Some("2023-07-19")),
        ("%d/%m/%y", "01/01/90", Some("1970-03-09")),
        ("%d/%m/%Y", "30/13/1445", None),
        ("%d/%m/%Y", "31/01/1445", None),
    ] {
        let got = date(format, Calendar::Hijri, input);
        assert_eq!(got.as_deref(), expected, "{format} {input}");
    }
}

#[test]
fn date_formats_are_checked() {
    let parse = |text: &str| text.parse::<DateFormat>().map(|format| format.to_string());
    assert_eq!(parse("%d.%m.%Y"), Ok("%d.%m.%Y".to_owned()));
    assert_eq!(parse("%d.%q.%Y"), Err(DateFormatError::Directive));
    assert_eq!(parse("%d/%m/%"), Err(DateFormatError::Directive));
    assert_eq!(parse("%d/%m"), Err(DateFormatError::Parts));
    assert_eq!(parse("%d/%m/%Y %d"), Err(DateFormatError::Parts));
    assert_eq!(parse("dd/mm/yyyy"), Err(DateFormatError::Parts));
}

#[test]
fn partial_dates() {
    let parse = |input| super::date::parse_partial(input).map(|date| date.to_string());
    for (input, expected) in [
        ("1984", Some("1984")),
        ("1984-2", Some("1984-02")),
        ("1984/02/11", Some("1984-02-11")),
        ("1984.00.00", Some("1984")),
        ("1984-02-00", Some("1984-02")),
        ("1984-00-11", Some("1984")),
        ("1984--11", None),
        ("1984-13", None),
        ("84", None),
        ("1984-02-11-01", None),
        ("1984x", None),
        ("", None),
    ] {
        assert_eq!(parse(input).as_deref(), expected, "{input}");
    }
}

#[test]
fn unknown_dates_are_absent_not_wrong() {
    let step = Step::ParseDate {
        formats: vec!["%d/%m/%Y".parse().unwrap()],
        calendar: Calendar::Gregorian,
        unknown: vec!["00/00/0000".into()],
    };
    assert_eq!(text(&step, " 00/00/0000 "), None);
    assert_eq!(text(&step, "  "), None);
    assert_eq!(text(&step, " 11/02/1984"), Some("1984-02-11".into()));
    assert_eq!(refused(&step, "never"), RejectReason::BadDate);
    let partial = run(&[Step::ParsePartialDate], Some("1984".into()), YEAR);
    assert_eq!(partial, Ok(Out::Date(PartialDate::of_year(1984).unwrap())));
}

proptest::proptest! {
    #[test]
    fn no_step_panics_on_any_text(text in "\\PC{0,40}|[0-9٠-٩/. -]{0,14}", count in 0_usize..5) {
        let format = |text: &str| text.parse::<DateFormat>().unwrap();
        let date = |calendar| Step::ParseDate {
            formats: vec![format("%d/%m/%Y"), format("%Y%m%d"), format("%d %b %y")],
            calendar,
            unknown: Vec::new(),
        };
        let steps = [
            Step::Trim,
            Step::CollapseSpaces,
            Step::Nfc,
            Step::FoldCase,
            Step::DigitsAscii,
            Step::Strip("- /".into()),
            Step::Take(count),
            Step::Split { separator: " ".into(), index: count },
            Step::Replace(pairs(&[("1", "22"), ("2", "")])),
            Step::PadLeft { width: count * 3, with: 'ي' },
            Step::CheckDigits(count),
            Step::CheckNationalId,
            Step::ParsePartialDate,
            date(Calendar::Gregorian),
            date(Calendar::Hijri),
        ];
        for step in &steps {
            let _ = run(std::slice::from_ref(step), Some(Cow::Borrowed(&text)), YEAR);
        }
        let _ = run(&steps, Some(Cow::Borrowed(&text)), YEAR);
        let _ = crate::cursor::lowered(&text, std::time::Duration::from_secs(90));
    }

    #[test]
    fn quick_paths_agree_with_the_slow_ones(text in "[a-c \t\u{a0}\u{3000}\u{301}\u{627}\u{653}é]{0,12}") {
        use unicode_normalization::UnicodeNormalization;
        let composed: String = text.nfc().collect();
        proptest::prop_assert_eq!(super::text::nfc(Cow::Borrowed(&text)), composed);
        let mut collapsed = String::new();
        for c in text.chars() {
            let c = if c.is_whitespace() { ' ' } else { c };
            if c != ' ' || !collapsed.ends_with(' ') {
                collapsed.push(c);
            }
        }
        proptest::prop_assert_eq!(super::text::collapse_spaces(Cow::Borrowed(&text)), collapsed);
    }
}
