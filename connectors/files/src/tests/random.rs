//! What is written in a format is what is read of it.

use proptest::prelude::*;

use super::zip::workbook;
use super::{place, plan, read};

/// Rows of three cells of letters of several scripts, blanks inside, marks and delimiters.
fn table() -> impl Strategy<Value = Vec<[String; 3]>> {
    let cell = "[a-z0-9,;\"'|_x&<>ء-غف-يé]([a-z ,;\"\tء-غف-ي\u{200f}0-9]{0,6}[a-z0-9ء-غف-ي])?";
    let row = [cell, cell, cell];
    prop::collection::vec(row, 0..12)
}

fn taken(bytes: &[u8], name: &str, config: &str) -> Vec<Vec<String>> {
    let folder = place(&[(name, bytes)]);
    let plan = plan(name, &["id", "name", "town"]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let read = runtime.block_on(read(&folder, &format!("path = '.'\n{config}"), &plan, None));
    read.unwrap().0
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        name => {
            let encoding = encoding_rs::Encoding::for_label(name.as_bytes()).unwrap();
            let (bytes, _, failed) = encoding.encode(text);
            assert!(!failed, "{text} in {name}");
            bytes.into_owned()
        }
    }
}

const HEADER: [&str; 3] = ["id", "name", "town"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn delimited_text_comes_back(
        table in table(),
        (encoding, has_mark) in prop::sample::select(vec![
            ("utf-8", false), ("utf-8", true), ("utf-16le", true), ("utf-16be", true),
            ("utf-16le", false), ("windows-1256", false),
        ]),
        delimiter in prop::sample::select(vec![b',', b';', b'|', b'\t']),
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        writer.write_record(HEADER).unwrap();
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let mark = if has_mark { "\u{feff}" } else { "" };
        let bytes = encoded(&format!("{mark}{text}"), encoding);
        let told = if has_mark { "utf-8" } else { encoding };
        let delimiter = char::from(delimiter).to_string().replace('\t', "tab");
        let config = format!("encoding = '{told}'\ndelimiter = '{delimiter}'");
        prop_assert_eq!(taken(&bytes, "a.csv", &config), table);
    }

    #[test]
    fn text_of_fixed_width_comes_back(
        table in table(),
        (encoding, unit) in prop::sample::select(vec![
            ("utf-8", "characters"), ("utf-8", "bytes"), ("windows-1256", "bytes"),
            ("windows-1256", "characters"), ("utf-16le", "characters"),
        ]),
        line_end in prop::sample::select(vec!["\n", "\r\n", ""]),
    ) {
        let width = |text: &str| match (unit, encoding) {
            ("bytes", "utf-8") => text.len(),
            _ => text.chars().count(),
        };
        // Without line ends, only records whose characters are bytes can be found.
        let is_found = unit == "bytes" || encoding == "windows-1256";
        let line_end = if line_end.is_empty() && !is_found { "\n" } else { line_end };
        let mut text = String::new();
        for row in &table {
            for cell in row {
                text.push_str(cell);
                text.push_str(&" ".repeat(18 - width(cell)));
            }
            text.push_str(line_end);
        }
        let columns = HEADER.map(|name| format!("{{ name = '{name}', width = 18 }}")).join(", ");
        let config = format!(
            "format = 'fixed_width'\nencoding = '{encoding}'\nunit = '{unit}'\n\
             columns = [{columns}]\nline_ends = {}", !line_end.is_empty()
        );
        prop_assert_eq!(taken(&encoded(&text, encoding), "a.txt", &config), table);
    }

    #[test]
    fn workbooks_come_back(table in table(), first in (0_u32..5, 0_u16..5)) {
        let (row, column) = first;
        let bytes = workbook(|sheet| {
            sheet.write_row(row, column, HEADER)?;
            for (at, cells) in (row + 1..).zip(&table) {
                sheet.write_row(at, column, cells)?;
            }
            Ok(())
        });
        let letter = char::from(b'A' + u8::try_from(column).unwrap());
        let config = format!("format = 'xlsx'\nrange = '{letter}:Z'");
        prop_assert_eq!(taken(&bytes, "a.xlsx", &config), table);
    }
}
