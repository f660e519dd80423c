//! The compliance suite over each format.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rabt_connect::Connector;
use rabt_connect::compliance::{ColumnKind, Features, NewTable, Place, Row, Subject};

use super::zip::{patched, workbook};
use crate::Files;

/// How a subject writes its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Delimited(&'static str),
    FixedWidth,
    Xlsx,
}

/// Files of one format.
struct FilesSubject(Written);

struct Folder {
    path: tempfile::TempDir,
    written: Written,
    /// The layouts of the tables that were made, as TOML.
    layouts: Mutex<BTreeMap<String, toml::Value>>,
}

#[async_trait]
impl Subject for FilesSubject {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Files)
    }

    fn features(&self) -> Features {
        Features {
            nulls: self.0 == Written::Xlsx,
            keys: false,
            ..Features::default()
        }
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        Some(Box::new(Folder {
            path: tempfile::tempdir().unwrap(),
            written: self.0,
            layouts: Mutex::default(),
        }))
    }
}

fn delimited(table: &NewTable, rows: &[Row], encoding: &str) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = table.columns.iter().map(|column| column.name.as_str());
    writer.write_record(header).unwrap();
    for row in rows {
        let cells = row.iter().map(|cell| cell.as_deref().unwrap_or_default());
        writer.write_record(cells).unwrap();
    }
    let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    if encoding == "utf-16le" {
        return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    text.into_bytes()
}

/// Returns the records, as wide as their widest values, and the layout that tells it.
fn fixed_width(table: &NewTable, rows: &[Row]) -> (Vec<u8>, toml::Value) {
    let mut columns = Vec::new();
    let mut widths = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let cells = rows
            .iter()
            .map(|row| row[at].as_deref().unwrap_or_default().len());
        let width = cells.max().unwrap_or(0).max(1);
        widths.push(width);
        let mut described = toml::Table::new();
        described.insert("name".to_owned(), column.name.as_str().into());
        described.insert("width".to_owned(), i64::try_from(width).unwrap().into());
        columns.push(toml::Value::Table(described));
    }
    let mut bytes = Vec::new();
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            let cell = cell.as_deref().unwrap_or_default();
            bytes.extend(cell.bytes());
            bytes.resize(bytes.len() + width - cell.len(), b' ');
        }
    }
    let mut layout = toml::Table::new();
    layout.insert("columns".to_owned(), toml::Value::Array(columns));
    (bytes, toml::Value::Table(layout))
}

/// Stands for the empty text, which the writer has no way to write.
const NOTHING: &str = "@nothing@";

/// Returns a workbook. The writer refuses texts over 32,767 characters, which others write.
fn xlsx(table: &NewTable, rows: &[Row]) -> Vec<u8> {
    let mut long = Vec::new();
    let mut has_nothing = false;
    let bytes = workbook(|sheet| {
        for (at, column) in (0..).zip(&table.columns) {
            sheet.write_string(0, at, &column.name)?;
        }
        for (index, row) in (1..).zip(rows) {
            for ((at, column), cell) in (0..).zip(&table.columns).zip(row) {
                match (cell.as_deref(), column.kind) {
                    (None, _) => {}
                    (Some(number), ColumnKind::Integer) => {
                        sheet.write_number(index, at, number.parse::<f64>().unwrap())?;
                    }
                    (Some(""), ColumnKind::Text) => {
                        let nothing = rust_xlsxwriter::Formula::new("=\"\"").set_result(NOTHING);
                        has_nothing = true;
                        sheet.write_formula(index, at, nothing)?;
                    }
                    (Some(text), ColumnKind::Text) if text.chars().count() > 32_767 => {
                        let instead = format!("@{}@", long.len());
                        sheet.write_string(index, at, &instead)?;
                        long.push((instead, text.to_owned()));
                    }
                    (Some(text), ColumnKind::Text) => {
                        sheet.write_string(index, at, text)?;
                    }
                }
            }
        }
        Ok(())
    });
    let bytes = if has_nothing {
        patched(&bytes, "xl/worksheets/sheet1.xml", |xml| {
            xml.replace(NOTHING, "")
        })
    } else {
        bytes
    };
    if long.is_empty() {
        return bytes;
    }
    patched(&bytes, "xl/sharedStrings.xml", |mut xml| {
        for (instead, text) in &long {
            xml = xml.replace(instead, text);
        }
        xml
    })
}

#[async_trait]
impl Place for Folder {
    fn config(&self) -> toml::Table {
        let text = match self.written {
            Written::Delimited(encoding) => format!("encoding = '{encoding}'"),
            Written::FixedWidth => "format = 'fixed_width'\nunit = 'bytes'\nline_ends = false\n\
                                    trim = 'right'\n[tables]"
                .to_owned(),
            Written::Xlsx => "format = 'xlsx'".to_owned(),
        };
        let mut config: toml::Table = format!("path = '.'\n{text}").parse().unwrap();
        if let Some(tables) = config.get_mut("tables").and_then(toml::Value::as_table_mut) {
            tables.extend(self.layouts.lock().unwrap().clone());
        }
        config
    }

    fn base(&self) -> PathBuf {
        self.path.path().to_owned()
    }

    fn table_name(&self, name: &str) -> String {
        let suffix = match self.written {
            Written::Delimited(_) => "csv",
            Written::FixedWidth => "txt",
            Written::Xlsx => "xlsx",
        };
        format!("{name}.{suffix}")
    }

    fn kept(&self, value: &str) -> String {
        match self.written {
            Written::FixedWidth => value.trim_end_matches(' ').to_owned(),
            Written::Delimited(_) | Written::Xlsx => value.to_owned(),
        }
    }

    async fn create(&self, table: &NewTable, rows: &[Row]) {
        let name = self.table_name(&table.name);
        let bytes = match self.written {
            Written::Delimited(encoding) => delimited(table, rows, encoding),
            Written::FixedWidth => {
                let (bytes, layout) = fixed_width(table, rows);
                self.layouts.lock().unwrap().insert(name.clone(), layout);
                bytes
            }
            Written::Xlsx => xlsx(table, rows),
        };
        std::fs::write(self.path.path().join(name), bytes).unwrap();
    }

    async fn insert(&self, _table: &NewTable, _rows: &[Row]) {}

    async fn state(&self) -> Option<String> {
        let mut state = String::new();
        for entry in std::fs::read_dir(self.path.path()).unwrap() {
            let path = entry.unwrap().path();
            state.push_str(&path.to_string_lossy());
            state.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
        Some(state)
    }

    fn wrong_configs(&self) -> Vec<toml::Table> {
        let mut configs = vec![
            "path = 'absent'",
            "path = 7",
            "",
            "path = '.'\nformat = 'ods'",
        ];
        configs.extend(match self.written {
            Written::Delimited(_) => [
                "path = '.'\nencoding = 'utf-9'",
                "path = '.'\ndelimiter = 'long'",
            ],
            Written::FixedWidth => [
                "path = '.'\nformat = 'fixed_width'\nunit = 'bytes'",
                "path = '.'\nformat = 'fixed_width'\ncolumns = [{ name = 'a', width = 1 }]",
            ],
            Written::Xlsx => [
                "path = '.'\nformat = 'xlsx'\nrange = 'B'",
                "path = '.'\nformat = 'xlsx'\nheader_row = 'first'",
            ],
        });
        configs.iter().map(|text| text.parse().unwrap()).collect()
    }
}

mod utf8 {
    use super::{FilesSubject, Written};
    rabt_connect::compliance_tests!(FilesSubject(Written::Delimited("utf-8")));
}

mod utf16 {
    use super::{FilesSubject, Written};
    rabt_connect::compliance_tests!(FilesSubject(Written::Delimited("utf-16le")));
}

mod fixed_width {
    use super::{FilesSubject, Written};
    rabt_connect::compliance_tests!(FilesSubject(Written::FixedWidth));
}

mod xlsx {
    use super::{FilesSubject, Written};
    rabt_connect::compliance_tests!(FilesSubject(Written::Xlsx));
}
