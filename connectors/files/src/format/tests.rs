//! Reading configurations.

use super::{Format, Trim, Unit, problems_of, read};

fn problem(text: &str) -> String {
    let problems = problems_of(&text.parse().unwrap());
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn format(text: &str) -> Format {
    let formats = read(&text.parse().unwrap()).unwrap();
    formats.of("a.csv").unwrap().clone()
}

#[test]
fn delimited_formats_are_read() {
    let text = "encoding = 'cp1256'\ndelimiter = 'tab'\nquote = 'none'\nheader = false";
    let Format::Delimited(format) = format(text) else {
        panic!("delimited is the default");
    };
    assert_eq!(format.charset.name(), "windows-1256");
    assert_eq!(
        (format.delimiter, format.quote, format.header),
        (b'\t', None, false)
    );
}

const FIXED: &str = "format = 'fixed_width'\nunit = 'bytes'\ntrim = 'right'\n";

#[test]
fn layouts_are_read() {
    let text = format!(
        "{FIXED}record_length = 40\ncolumns = [{{ name = 'id', width = 14 }}, {{ name = 'a', \
         width = 10, trim = 'none' }}, {{ name = 'b', start = 3, width = 2 }}]"
    );
    let Format::FixedWidth(layout) = format(&text) else {
        panic!("a layout");
    };
    let places: Vec<(usize, usize)> = layout.columns.iter().map(|c| (c.start, c.width)).collect();
    assert_eq!(places, [(0, 14), (14, 10), (2, 2)]);
    assert_eq!(layout.columns[0].trim, Trim::Right);
    assert_eq!(layout.columns[1].trim, Trim::Nothing);
    assert_eq!((layout.unit, layout.record_length), (Unit::Bytes, 40));
}

#[test]
fn tables_have_keys_of_their_own() {
    let text = "encoding = 'cp1256'\n[tables.'*.txt']\nformat = 'fixed_width'\n\
                unit = 'characters'\ncolumns = [{ name = 'id', width = 1 }]\n\
                [tables.'*.xlsx']\nformat = 'xlsx'\nsheet = 'People'";
    let formats = read(&text.parse().unwrap()).unwrap();
    let Format::FixedWidth(layout) = formats.of("b.txt").unwrap() else {
        panic!("a layout");
    };
    assert_eq!(layout.charset.name(), "windows-1256", "of the source");
    assert!(matches!(formats.of("c.xlsx"), Ok(Format::Xlsx(_))));
    assert!(matches!(formats.of("a.csv"), Ok(Format::Delimited(_))));
    let other = text.replace("People", "Houses");
    let other = read(&other.parse().unwrap()).unwrap();
    assert_ne!(formats.written(), other.written());
    let text = format!("{FIXED}[tables.'*.txt']\ncolumns = [{{ name = 'id', width = 1 }}]");
    let formats = read(&text.parse().unwrap()).unwrap();
    assert_eq!(formats.of("a.csv").unwrap_err().name(), "data");
}

#[test]
fn wrong_formats_are_told() {
    for (text, said) in [
        ("encoding = 'windows-1265'", "did you mean 'windows-1256'?"),
        ("encoding = 7", "in quotes"),
        ("delimiter = ';;'", "one ASCII character"),
        ("delimiter = '؛'", "one ASCII character"),
        ("quote = ','", "must differ"),
        ("header = 'yes'", "true or false"),
        ("path = ''", "a path in quotes"),
        ("format = 'fixed'", "must be one of"),
        ("format = 'xls'", "did you mean 'xlsx'?"),
        (
            "format = 'xlsx'\ndelimiter = ';'",
            "belongs to format = delimited",
        ),
        ("sheet = 'a'", "belongs to format = xlsx"),
        ("format = 'xlsx'\nrange = 'B3'", "must be a range"),
        ("format = 'xlsx'\nheader_row = 0", "from 1"),
        (
            "format = 'xlsx'\nheader = false\nheader_row = 2",
            "belongs to",
        ),
        (
            "format = 'xlsx'\nrange = 'A3:B'\nheader_row = 2",
            "not in the range",
        ),
        ("tables = 3", "must be a table"),
        (
            "[tables.'*.csv']\ndelimter = ';'",
            "did you mean 'delimiter'?",
        ),
        (
            "[tables.'*.csv']\ndelimiter = ';;'",
            "tables.*.csv.delimiter",
        ),
    ] {
        assert!(problem(text).contains(said), "{text}: {}", problem(text));
    }
}

#[test]
fn wrong_layouts_are_told() {
    let one = "columns = [{ name = 'a', width = 2 }]";
    for (text, said) in [
        ("format = 'fixed_width'".to_owned(), "unit: is missing"),
        (FIXED.to_owned(), "columns: must be a list"),
        (format!("{FIXED}columns = [3]"), "columns[0]"),
        (
            format!("{FIXED}columns = [{{ name = 'a' }}]"),
            "columns[0].width: is missing",
        ),
        (
            format!("{FIXED}columns = [{{ width = 2 }}]"),
            "columns[0].name: is missing",
        ),
        (
            format!("{FIXED}columns = [{{ name = 'a', width = 2, star = 1 }}]"),
            "did you mean 'start'?",
        ),
        (
            format!("{FIXED}columns = [{{ name = 'a', width = 2 }}, {{ name = 'a', width = 2 }}]"),
            "another column",
        ),
        (
            format!("{FIXED}columns = [{{ name = 'a', start = 2000000, width = 2000000 }}]"),
            "longest record",
        ),
        (
            format!("{FIXED}{one}\nrecord_length = 1"),
            "end of the last column, 2",
        ),
        (
            format!("{FIXED}{one}\nencoding = 'utf-16le'"),
            "must be characters",
        ),
        (
            format!("{FIXED}{one}\nline_ends = false\nshort_lines = true"),
            "short_lines",
        ),
        (
            format!("format = 'fixed_width'\nunit = 'characters'\n{one}\nline_ends = false"),
            "line_ends",
        ),
    ] {
        assert!(problem(&text).contains(said), "{text}: {}", problem(&text));
    }
}
