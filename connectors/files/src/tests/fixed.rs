//! What is particular to text of fixed width.

use rabt_connect::{Connector, Filter, Outcome};

use super::{Folder, place, plan, read, session};
use crate::Files;

/// Eight for the number, ten for the name, four for the town, in bytes of windows-1256.
const LAYOUT: &str = "path = '.'\nformat = 'fixed_width'\nencoding = 'windows-1256'\n\
                      columns = [{ name = 'id', width = 8 }, { name = 'name', width = 10 }, \
                      { name = 'town', start = 19, width = 4 }]\n";

async fn rows(folder: &Folder, config: &str) -> Vec<Vec<String>> {
    let plan = plan("*", &["id", "name", "town"]);
    read(folder, config, &plan, None).await.unwrap().0
}

#[tokio::test]
async fn lines_are_cut_at_their_places() {
    let bytes = b"00000001\xe3\xe4\xec       1234\r\n       2  x y     ab  \r\n\r\n\x1a";
    let folder = place(&[("a.txt", bytes)]);
    for unit in ["bytes", "characters"] {
        let config = format!("{LAYOUT}unit = '{unit}'");
        let expected = [["00000001", "منى", "1234"], ["2", "x y", "ab"]];
        assert_eq!(rows(&folder, &config).await, expected);
    }
    for (trim, expected) in [
        ("left", ["2", "x y     ", "ab  "]),
        ("right", ["       2", "  x y", "ab"]),
        ("none", ["       2", "  x y     ", "ab  "]),
    ] {
        let config = format!("{LAYOUT}unit = 'bytes'\ntrim = '{trim}'");
        assert_eq!(rows(&folder, &config).await[1], expected, "{trim}");
    }
}

#[tokio::test]
async fn records_without_line_ends_are_counted() {
    let bytes = b"00000001a\n        1234       2b         ab  \r\n\x1a";
    let folder = place(&[("a.txt", bytes)]);
    let config = format!("{LAYOUT}unit = 'bytes'\nline_ends = false");
    assert_eq!(
        rows(&folder, &config).await,
        [["00000001", "a\n", "1234"], ["2", "b", "ab"]]
    );
    // A record that consists of line ends is one.
    let folder = place(&[("a.txt", b"12\n\n34\n")]);
    let config = "path = '.'\nformat = 'fixed_width'\nunit = 'bytes'\nline_ends = false\n\
                  columns = [{ name = 'id', width = 2 }]";
    let plan = plan("*", &["id"]);
    let (rows, _) = read(&folder, config, &plan, None).await.unwrap();
    assert_eq!(rows, [["12"], ["\n\n"], ["34"]]);
}

#[tokio::test]
async fn bytes_and_characters_differ_where_characters_are_wide() {
    // Four characters of the name are eight bytes in UTF-8, and four in windows-1256.
    let by_characters = "00000001منىم      town\n";
    let by_bytes = "00000001منىم  town\n";
    for (unit, text) in [("characters", by_characters), ("bytes", by_bytes)] {
        let folder = place(&[("a.txt", text.as_bytes())]);
        let config = format!("{LAYOUT}unit = '{unit}'").replace("windows-1256", "utf-8");
        let expected = [["00000001", "منىم", "town"]];
        assert_eq!(rows(&folder, &config).await, expected, "{unit}");
    }
    let wide: Vec<u8> = format!("\u{feff}{by_characters}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let folder = place(&[("a.txt", &wide)]);
    let config = format!("{LAYOUT}unit = 'characters'");
    assert_eq!(rows(&folder, &config).await, [["00000001", "منىم", "town"]]);
    let config = format!("{LAYOUT}unit = 'bytes'");
    let refused = read(&folder, &config, &plan("*", &["id"]), None).await;
    assert_eq!(refused.unwrap_err().name(), "data");
}

#[tokio::test]
async fn a_cell_that_is_not_text_does_not_take_its_row_along() {
    // The broken byte counts as a character, so the town stands where it should.
    let folder = place(&[("a.txt", b"00000001a\xffc       town\n".as_slice())]);
    for unit in ["bytes", "characters"] {
        let config = format!("{LAYOUT}unit = '{unit}'").replace("windows-1256", "utf-8");
        let expected = [["00000001", "<not_text>", "town"]];
        assert_eq!(rows(&folder, &config).await, expected, "{unit}");
    }
    // A width of bytes that cuts a character in two.
    let folder = place(&[("a.txt", "00000001aaaaaaaaaمown\n".as_bytes())]);
    let config = format!("{LAYOUT}unit = 'bytes'").replace("windows-1256", "utf-8");
    let rows = rows(&folder, &config).await;
    assert_eq!(rows, [["00000001", "<not_text>", "<not_text>"]]);
}

#[tokio::test]
async fn of_records_of_another_length_only_the_key_is_taken() {
    let text = b"00000001a         town\n00000002b         to\n00000003c         town!\n0004\n";
    let folder = place(&[("a.txt", text.as_slice())]);
    let config = format!("{LAYOUT}unit = 'bytes'");
    let ragged = "<ragged_row>";
    assert_eq!(
        rows(&folder, &config).await,
        [
            ["00000001", "a", "town"],
            ["00000002", ragged, ragged],
            ["00000003", ragged, ragged],
            [ragged, ragged, ragged],
        ]
    );
    let config = format!("{LAYOUT}unit = 'bytes'\nshort_lines = true");
    assert_eq!(
        rows(&folder, &config).await,
        [
            ["00000001", "a", "town"],
            ["00000002", "b", "to"],
            ["00000003", ragged, ragged],
            ["0004", "", ""],
        ]
    );
    let config = format!("{LAYOUT}unit = 'bytes'\nline_ends = false");
    let short = place(&[("a.txt", b"00000001a         town00000002b".as_slice())]);
    let rows = rows(&short, &config).await;
    assert_eq!(rows[1], ["00000002", ragged, ragged]);
}

#[tokio::test]
async fn a_heading_is_left_out_and_a_record_may_be_longer_than_its_columns() {
    let text = b"HEADING               20240131\n00000001a         town--------\n";
    let folder = place(&[("a.txt", text.as_slice())]);
    let config = format!("{LAYOUT}unit = 'bytes'\nheader = true\nrecord_length = 30");
    assert_eq!(rows(&folder, &config).await, [["00000001", "a", "town"]]);
}

#[tokio::test]
async fn a_file_without_lines_is_named() {
    let bytes = b"x".repeat(9 * 1024 * 1024);
    let folder = place(&[("a.txt", bytes.as_slice())]);
    let config = format!("{LAYOUT}unit = 'bytes'");
    let error = read(&folder, &config, &plan("*", &["id"]), None).await;
    let error = error.unwrap_err();
    assert_eq!(error.name(), "data");
    assert!(error.to_string().contains("line_ends = false"), "{error}");
}

#[tokio::test]
async fn a_layout_is_what_is_discovered() {
    let folder = place(&[
        (
            "persons.txt",
            b"00000001a         town\n00000002\n".as_slice(),
        ),
        ("cars.txt", b"12abc\n"),
        ("other.bin", b"12abc\n"),
    ]);
    let config = "path = '.'\nformat = 'fixed_width'\nunit = 'bytes'\n\
                  [tables.'persons*.txt']\ncolumns = [{ name = 'id', width = 8 }, \
                  { name = 'name', width = 14 }]\n\
                  [tables.'cars.txt']\ncolumns = [{ name = 'plate', width = 5 }]";
    let session = session(&folder, config);
    let tables = Files.discover(&session, &Filter::default()).await.unwrap();
    let found: Vec<(&str, usize)> = tables
        .iter()
        .map(|table| (table.name.as_str(), table.columns.len()))
        .collect();
    assert_eq!(found, [("cars.txt", 1), ("persons.txt", 2)]);
    let findings = Files.check(&session).await;
    let warned: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Warn)
        .map(|finding| finding.summary.as_str())
        .collect();
    assert_eq!(warned.len(), 2, "{warned:?}");
    assert!(warned[0].contains("other.bin: has no layout"));
    assert_eq!(warned[1], "not so in persons.txt");
}
