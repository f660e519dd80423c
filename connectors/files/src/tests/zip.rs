//! Workbooks as bytes: written by a library, and changed part by part into what none would write.

use std::io::{Cursor, Read, Write};

use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Returns a workbook of one sheet.
pub(super) fn workbook(fill: impl FnOnce(&mut Worksheet) -> Result<(), XlsxError>) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet()).unwrap();
    workbook.save_to_buffer().unwrap()
}

/// Returns a workbook whose only sheet holds this XML in its `sheetData`.
pub(super) fn of_cells(cells: &str) -> Vec<u8> {
    let empty = workbook(|_| Ok(()));
    patched(&empty, "xl/worksheets/sheet1.xml", |xml| {
        assert!(xml.contains("<sheetData/>"));
        xml.replace("<sheetData/>", &format!("<sheetData>{cells}</sheetData>"))
    })
}

/// Returns the workbook with a part changed.
pub(super) fn patched(bytes: &[u8], part: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let mut found = false;
    let bytes = with_parts(bytes, |name, text| {
        if name != part {
            return Some(text);
        }
        found = true;
        let changed = change(text.clone());
        assert_ne!(changed, text, "{part} is as it was: {text}");
        Some(changed)
    });
    assert!(found, "no {part}");
    bytes
}

/// Returns the workbook without a part.
pub(super) fn without(bytes: &[u8], part: &str) -> Vec<u8> {
    with_parts(bytes, |name, text| (name != part).then_some(text))
}

fn with_parts(bytes: &[u8], mut change: impl FnMut(&str, String) -> Option<String>) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        if let Some(text) = change(&name, text) {
            writer.start_file(name, stored()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

/// Says that parts are not packed: that takes long, and the library above packs its own.
fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

/// Returns a zip archive of these files.
pub(super) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, stored()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
