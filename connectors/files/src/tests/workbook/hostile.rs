//! Workbooks that are damaged, or made to do harm.

use proptest::prelude::*;
use rabt_connect::ConnectError;

use super::super::zip::{archive, of_cells, patched, without, workbook};
use super::super::{place, plan, read};
use super::{XLSX, of_sheets};

const SHEET: &str = "xl/worksheets/sheet1.xml";
const STRINGS: &str = "xl/sharedStrings.xml";

async fn error(bytes: &[u8], config: &str) -> ConnectError {
    let folder = place(&[("a.xlsx", bytes)]);
    let config = format!("{XLSX}{config}");
    let read = read(&folder, &config, &plan("*", &["id"]), None).await;
    read.expect_err("a damaged workbook is read")
}

async fn refused(bytes: &[u8], config: &str, said: &str) {
    let error = error(bytes, config).await;
    assert_eq!(error.name(), "data", "{error}");
    let text = error.to_string();
    assert!(text.contains("file a.xlsx"), "{text}");
    assert!(text.contains(said), "{text}");
}

fn people() -> Vec<u8> {
    workbook(|sheet| {
        sheet.write_row(0, 0, ["id", "name"])?;
        sheet.write_row(1, 0, ["1", "Quetzalcoatl"])?;
        sheet.write_row(2, 0, ["2", "Quetzalcoatl"])?;
        Ok(())
    })
}

#[tokio::test]
async fn what_is_no_workbook_is_named() {
    let other = archive(&[("a.csv", "id\n1\n")]);
    let open_document = archive(&[("mimetype", "application/x"), ("content.xml", "<a/>")]);
    let binary = patched(&of_sheets(), "_rels/.rels", |xml| {
        xml.replace("xl/workbook.xml", "xl/workbook.bin")
    });
    for (bytes, said) in [
        (b"".as_slice(), "no workbook"),
        (b"id,name\n1,a\n", "no workbook"),
        (b"PK\x03\x04", "no workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or a locked"),
        (&other, "zip archive and no workbook"),
        (&open_document, "OpenDocument"),
        (&binary, "binary workbook"),
    ] {
        refused(bytes, "", said).await;
    }
    refused(&without(&people(), SHEET), "", "has no part").await;
    let hidden = patched(&people(), "xl/workbook.xml", |xml| {
        xml.replace("<sheet ", "<sheet state=\"veryHidden\" ")
    });
    refused(&hidden, "", "not hidden").await;
}

#[tokio::test]
async fn rows_and_cells_at_wrong_places_are_refused() {
    let header = "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>id</v></c></row>";
    for (rows, said) in [
        ("<row r=\"1\"/>", "wrong number"),
        ("<row r=\"0\"/>", "wrong number"),
        ("<row r=\"x\"/>", "wrong number"),
        ("<row r=\"1048577\"/>", "wrong number"),
        ("<row r=\"4294967298\"/>", "wrong number"),
        ("<row r=\"2\"><c r=\"A3\"><v>1</v></c></row>", "wrong place"),
        (
            "<row r=\"2\"><c r=\"A4294967298\"><v>1</v></c></row>",
            "wrong place",
        ),
        ("<row r=\"2\"><c r=\"2\"><v>1</v></c></row>", "wrong place"),
        (
            "<row r=\"2\"><c r=\"XFE2\"><v>1</v></c></row>",
            "wrong place",
        ),
        (
            "<row r=\"2\"><c r=\"A2\"/><c r=\"A2\"/></row>",
            "wrong place",
        ),
        ("<row r=\"2\"><c r=\"A2\" s=\"-1\"/></row>", "wrong place"),
        (
            "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>7</v></c></row>",
            "shared text",
        ),
        (
            "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>-1</v></c></row>",
            "shared text",
        ),
        (
            "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>99999999999</v></c></row>",
            "shared text",
        ),
        (
            "<row r=\"2\"><c r=\"A2\" t=\"str\"><v>&harm;</v></c></row>",
            "entity",
        ),
        ("<row r=\"2\"><c r=\"A2\"><v>1</v></row>", "not well-formed"),
        ("<row r=\"2\"><c r=\"A2\"", "not well-formed"),
    ] {
        refused(&of_cells(&format!("{header}{rows}")), "", said).await;
    }
}

#[tokio::test]
async fn what_unpacks_without_end_is_refused() {
    let bytes = people();
    let many = patched(&bytes, STRINGS, |xml| {
        xml.replace("uniqueCount=\"", "uniqueCount=\"99999999999999")
    });
    let folder = place(&[("a.xlsx", many.as_slice())]);
    let taken = read(&folder, XLSX, &plan("*", &["id"]), None).await;
    assert_eq!(
        taken.unwrap().0,
        [["1"], ["2"]],
        "the count is not believed"
    );

    let large = "<si><t>some text</t></si>".repeat(100_000);
    let bomb = patched(&bytes, STRINGS, |xml| {
        xml.replace("</sst>", &format!("{large}</sst>"))
    });
    refused(&bomb, "max_shared_mib = 1", "too large").await;

    let endless = "x".repeat(9 * 1024 * 1024);
    for (part, close, inside) in [
        (SHEET, "</sheetData>", endless.clone()),
        (SHEET, "</sheetData>", format!("<!--{endless}-->")),
        (STRINGS, "</sst>", format!("<a b=\"{endless}\"/>")),
    ] {
        let bomb = patched(&bytes, part, |xml| {
            xml.replace(close, &format!("{inside}{close}"))
        });
        refused(&bomb, "", "too large").await;
    }
    let entities = format!("{}&amp;", "x".repeat(1024 * 1024)).repeat(9);
    let bomb = patched(&bytes, STRINGS, |xml| {
        xml.replace("</sst>", &format!("<si><t>{entities}</t></si></sst>"))
    });
    refused(&bomb, "", "text of over 8 MiB").await;
    let deep = patched(&bytes, SHEET, |xml| {
        xml.replace("</sheetData>", &"<a>".repeat(100_000))
    });
    refused(&deep, "", "inside each other").await;
    let cells = (0..150).map(|_| {
        format!(
            "<c t=\"inlineStr\"><is><t>{}</t></is></c>",
            "x".repeat(60_000)
        )
    });
    let wide = format!("<row r=\"1\">{}</row>", cells.collect::<String>());
    refused(&of_cells(&wide), "", "over 8 MiB in row 1").await;
    let doctype = patched(&bytes, SHEET, |xml| {
        xml.replacen(
            "<worksheet",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><worksheet",
            1,
        )
    });
    refused(&doctype, "", "document type").await;
}

#[tokio::test]
async fn a_part_that_is_cut_or_changed_is_refused() {
    let bytes = people();
    for length in [4, 100, bytes.len() / 2, bytes.len() - 30] {
        refused(&bytes[..length], "", "no workbook").await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever byte is changed, the rows are those that were written or there is a data error that
    /// names the file and no value.
    #[test]
    fn a_changed_byte_is_harmless(at in any::<prop::sample::Index>(), by in 1_u8..) {
        let mut bytes = people();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let folder = place(&[("a.xlsx", bytes.as_slice())]);
        let plan = plan("*", &["id", "name"]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let taken = runtime.block_on(read(&folder, XLSX, &plan, None));
        match taken {
            Ok((rows, _)) => prop_assert_eq!(rows, [["1", "Quetzalcoatl"], ["2", "Quetzalcoatl"]]),
            Err(error) => {
                prop_assert!(matches!(error.name(), "data" | "configuration"), "{}", error);
                let text = error.to_string();
                prop_assert!(text.contains("a.xlsx") && !text.contains("Quetz"), "{}", text);
            }
        }
    }

    /// Whatever a sheet says, reading it ends.
    #[test]
    fn no_sheet_panics(xml in "(<(row|/row|c|/c|v|/v|f/|is|/is|t|/t)( (r|s|t)=\"(A1|B2|1|2|s|n|str|inlineStr)\")?>|[0-9a&;]){0,40}") {
        let folder = place(&[("a.xlsx", of_cells(&xml).as_slice())]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        if let Err(error) = runtime.block_on(read(&folder, XLSX, &plan("*", &["id"]), None)) {
            prop_assert!(matches!(error.name(), "data" | "configuration"), "{}", error);
        }
    }
}
