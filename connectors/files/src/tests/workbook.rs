//! What is particular to workbooks.

mod hostile;

use rabt_connect::{Connector, Filter, Outcome, Plan};
use rust_xlsxwriter::{Format, Formula, Workbook};

use super::zip::{of_cells, patched, workbook};
use super::{Folder, Mode, place, plan, read, session};
use crate::Files;

const XLSX: &str = "path = '.'\nformat = 'xlsx'\n";

/// Reads the columns of a workbook.
async fn read_workbook(bytes: &[u8], config: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let folder = place(&[("a.xlsx", bytes)]);
    let config = format!("{XLSX}{config}");
    let plan = Plan {
        key: vec![columns[0].to_owned()],
        ..plan("*", columns)
    };
    read(&folder, &config, &plan, None).await.unwrap().0
}

/// Reads the column `v` of a workbook whose cells are written by hand behind a header.
async fn values(cells: &[&str]) -> Vec<String> {
    let mut rows = String::from("<row r=\"1\"><c r=\"A1\" t=\"str\"><v>v</v></c></row>");
    for (row, cell) in (2..).zip(cells) {
        let place = format!("<c r=\"A{row}\"");
        let other = format!("<c r=\"B{row}\"><v>1</v></c>");
        let cell = cell.replace("<c", &place);
        rows.extend([format!("<row r=\"{row}\">{cell}{other}</row>")]);
    }
    let rows = rows.replace(
        "<v>v</v></c>",
        "<v>v</v></c><c r=\"B1\" t=\"str\"><v>w</v></c>",
    );
    let read = read_workbook(&of_cells(&rows), "", &["v"]).await;
    read.into_iter().flatten().collect()
}

#[tokio::test]
async fn values_are_those_that_are_shown() {
    let bytes = workbook(|sheet| {
        let date = Format::new().set_num_format("dd/mm/yyyy");
        let moment = Format::new().set_num_format("yyyy-mm-dd hh:mm");
        let padded = Format::new().set_num_format("00000000000");
        sheet.write_row(0, 0, ["id", "nid", "phone", "born", "seen", "active"])?;
        sheet.write_string(1, 0, "007")?;
        sheet.write_number(1, 1, 29_001_011_234_567_f64)?;
        sheet.write_number_with_format(1, 2, 1_012_345_678_f64, &padded)?;
        sheet.write_number_with_format(1, 3, 32_874, &date)?;
        sheet.write_number_with_format(1, 4, 45_322.354_166_7, &moment)?;
        sheet.write_boolean(1, 5, true)?;
        sheet.write_string(2, 0, "منى \u{200f}أحمد")?;
        sheet.write_string(2, 1, "00123")?;
        sheet.write_formula(2, 2, Formula::new("=A1&A2").set_result("text"))?;
        sheet.write_formula(2, 3, Formula::new("=1+1").set_result("2"))?;
        sheet.write_formula(2, 4, Formula::new("=NA()").set_result("#N/A"))?;
        Ok(())
    });
    let columns = ["id", "nid", "phone", "born", "seen", "active"];
    let expected = [
        [
            "007",
            "29001011234567",
            "01012345678",
            "1990-01-01",
            "2024-01-31 08:30:00",
            "TRUE",
        ],
        [
            "منى \u{200f}أحمد",
            "00123",
            "text",
            "2",
            "<error_cell>",
            "<null>",
        ],
    ];
    assert_eq!(read_workbook(&bytes, "", &columns).await, expected);
}

#[tokio::test]
async fn the_1904_date_system_is_known() {
    let bytes = workbook(|sheet| {
        let date = Format::new().set_num_format("dd/mm/yyyy");
        sheet.write_row(0, 0, ["id", "born"])?;
        sheet.write_number(1, 0, 1)?;
        sheet.write_number_with_format(1, 1, 31_412, &date)?;
        Ok(())
    });
    assert_eq!(read_workbook(&bytes, "", &["born"]).await, [["1985-12-31"]]);
    let bytes = patched(&bytes, "xl/workbook.xml", |xml| {
        xml.replace("<workbookPr ", "<workbookPr date1904=\"1\" ")
    });
    assert_eq!(read_workbook(&bytes, "", &["born"]).await, [["1990-01-01"]]);
}

#[tokio::test]
async fn cells_are_read_as_other_programs_write_them() {
    for (cell, expected) in [
        ("<c t=\"inlineStr\"><is><t>منى</t></is></c>", "منى"),
        (
            "<c t=\"inlineStr\"><is><r><t>a </t></r><r><rPr><b/></rPr><t xml:space=\"preserve\"> b</t></r></is></c>",
            "a b",
        ),
        (
            "<c t=\"inlineStr\"><is><t>東</t><rPh sb=\"0\" eb=\"1\"><t>ひ</t></rPh></is></c>",
            "東",
        ),
        (
            "<c t=\"inlineStr\"><is><t><![CDATA[a < b]]> &amp; &#x645;</t></is></c>",
            "a < b & م",
        ),
        ("<c t=\"inlineStr\"><is><t>  a  </t></is></c>", "a"),
        (
            "<c t=\"inlineStr\"><is><t xml:space=\"preserve\">  a  </t></is></c>",
            "  a  ",
        ),
        ("<c t=\"str\"><f>A1</f><v>a_x000D_b</v></c>", "a\rb"),
        ("<c t=\"str\"><f>A1</f><v></v></c>", ""),
        (
            "<c t=\"d\"><v>2024-01-31T08:30:00</v></c>",
            "2024-01-31 08:30:00",
        ),
        ("<c t=\"b\"><v>0</v></c>", "FALSE"),
        (
            "<c t=\"n\"><v>2.9001011234567E+13</v></c>",
            "29001011234567",
        ),
        ("<c><v>12345678901234567890</v></c>", "12345678901234567890"),
        ("<c><v>text without a type</v></c>", "text without a type"),
        ("<c t=\"e\"><f>B1:B9</f><v>#SPILL!</v></c>", "<error_cell>"),
        ("<c t=\"e\"><v>#N/A</v></c>", "<error_cell>"),
        ("<c><f>1+1</f></c>", "<error_cell>"),
        ("<c><f>1+1</f><v/></c>", "<error_cell>"),
        ("<c t=\"n\"><v>abc</v></c>", "<not_text>"),
        ("<c t=\"b\"><v>2</v></c>", "<not_text>"),
        ("<c t=\"new\"><v>2</v></c>", "<not_text>"),
        ("<c s=\"1\"/>", "<null>"),
        ("<c/>", "<null>"),
        ("<c><v></v></c>", "<null>"),
    ] {
        assert_eq!(values(&[cell]).await, [expected], "{cell}");
    }
    let long = format!(
        "<c t=\"inlineStr\"><is><t>{}</t></is></c>",
        "x".repeat(70_000)
    );
    assert_eq!(values(&[&long]).await, ["<too_long>"]);
}

#[tokio::test]
async fn rows_and_cells_may_leave_their_places_out() {
    let text = |text: &str| format!("<c t=\"str\"><v>{text}</v></c>");
    let rows = format!(
        "<row>{}{}</row><row/><row>{}</row><row r=\"7\"><c r=\"B7\" t=\"str\"><v>y</v></c>{}</row>",
        text("a"),
        text("b"),
        text("x"),
        text("beyond")
    );
    let rows = read_workbook(&of_cells(&rows), "", &["a", "b"]).await;
    assert_eq!(rows, [["x", "<null>"], ["<null>", "y"]]);
}

#[tokio::test]
async fn of_merged_cells_the_first_has_the_value() {
    let bytes = workbook(|sheet| {
        sheet.write_row(0, 0, ["id", "office"])?;
        sheet.write_column(1, 0, [1, 2, 3])?;
        sheet.merge_range(1, 1, 2, 1, "Giza", &Format::new())?;
        sheet.write_string(3, 1, "Cairo")?;
        Ok(())
    });
    let rows = read_workbook(&bytes, "", &["id", "office"]).await;
    assert_eq!(rows, [["1", "Giza"], ["2", "<null>"], ["3", "Cairo"]]);
}

/// A title, a blank row, a header from column B on, rows with a blank one between, and a total.
fn with_title() -> Vec<u8> {
    workbook(|sheet| {
        sheet.write_string(0, 0, "Register of 2024")?;
        sheet.write_row(2, 1, ["id", "", "name"])?;
        sheet.write_row(3, 1, ["1", "x", "a"])?;
        sheet.write_row(5, 1, ["2", "", "b"])?;
        sheet.write_string(5, 0, "in the margin")?;
        sheet.write_string(6, 1, "total: 2")?;
        sheet.write_blank(9, 1, &Format::new().set_bold())?;
        Ok(())
    })
}

#[tokio::test]
async fn a_table_may_stand_anywhere_in_a_sheet() {
    let bytes = with_title();
    let expected = [["1", "a"], ["2", "b"], ["total: 2", "<null>"]];
    for config in [
        "range = 'B3:D'",
        "header_row = 3",
        "range = 'B:D'\nheader_row = 3",
    ] {
        let rows = read_workbook(&bytes, config, &["id", "name"]).await;
        assert_eq!(rows, expected, "{config}");
    }
    let rows = read_workbook(&bytes, "range = 'B3:D6'", &["id", "c2", "name"]).await;
    assert_eq!(rows, [["1", "x", "a"], ["2", "<null>", "b"]]);
    let config = "range = 'B4:D6'\nheader = false";
    let rows = read_workbook(&bytes, config, &["c1", "c3"]).await;
    assert_eq!(rows, [["1", "a"], ["2", "b"]]);
    for config in ["header_row = 2", "header_row = 5", "range = 'F:G'"] {
        let folder = place(&[("a.xlsx", bytes.as_slice())]);
        let config = format!("{XLSX}{config}");
        let error = read(&folder, &config, &plan("*", &["id"]), None).await;
        assert_eq!(error.unwrap_err().name(), "data", "{config}");
    }
}

/// Three sheets; the first is hidden.
fn of_sheets() -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (name, id) in [("Notes", "n"), ("People", "p"), ("أسماء", "s")] {
        let sheet = workbook.add_worksheet().set_name(name).unwrap();
        sheet.write_row(0, 0, ["id", "name"]).unwrap();
        sheet.write_row(1, 0, [id, "x"]).unwrap();
        sheet.set_hidden(name == "Notes");
        sheet.set_active(name == "People");
    }
    workbook.save_to_buffer().unwrap()
}

#[tokio::test]
async fn sheets_are_tables() {
    let bytes = of_sheets();
    assert_eq!(read_workbook(&bytes, "", &["id"]).await, [["p"]]);
    assert_eq!(
        read_workbook(&bytes, "sheet = 'Notes'", &["id"]).await,
        [["n"]]
    );
    let folder = place(&[("a.xlsx", bytes.as_slice())]);
    let of = |sheet: &str| Plan {
        schema: Some(sheet.to_owned()),
        ..plan("*.xlsx", &["id"])
    };
    let (rows, positions) = read(&folder, XLSX, &of("أسماء"), None).await.unwrap();
    assert_eq!(rows, [["s"]]);
    let foreign = read(&folder, XLSX, &of("People"), positions.first().cloned()).await;
    assert_eq!(foreign.unwrap_err().name(), "configuration");
    let error = read(&folder, XLSX, &of("Poeple"), None).await.unwrap_err();
    assert_eq!(error.name(), "configuration");
    assert!(
        error.to_string().contains("did you mean 'People'?"),
        "{error}"
    );
    let text = place(&[("a.csv", b"id\n1\n".as_slice())]);
    let error = read(&text, "path = '.'", &of("People"), None).await;
    assert_eq!(error.unwrap_err().name(), "configuration");

    let tables = |folder: &Folder, config: &str| {
        let session = session(folder, config);
        async move {
            let tables = Files.discover(&session, &Filter::default()).await.unwrap();
            let of = |table: rabt_connect::Table| (table.schema, table.columns.len());
            tables.into_iter().map(of).collect::<Vec<_>>()
        }
    };
    let found = tables(&folder, XLSX).await;
    let named = |name: &str| (Some(name.to_owned()), 2);
    assert_eq!(found, [named("People"), named("أسماء")]);
    let config = format!("{XLSX}sheet = 'Notes'");
    assert_eq!(tables(&folder, &config).await, [(None, 2)]);
}

#[tokio::test]
async fn reading_goes_on_behind_a_row_and_not_in_another_content() {
    let write = |last: &str| {
        workbook(|sheet| {
            sheet.write_row(0, 0, ["id", "name"])?;
            for row in 1..=5_u32 {
                sheet.write_number(row * 2, 0, row)?;
            }
            sheet.write_string(10, 1, last)?;
            Ok(())
        })
    };
    let folder = place(&[("a.xlsx", write("x").as_slice())]);
    let plan = plan("*", &["id"]);
    let (all, positions) = read(&folder, XLSX, &plan, None).await.unwrap();
    assert_eq!((all.len(), positions.len()), (5, 3));
    for (position, behind) in positions.iter().zip([2, 4]) {
        let (rest, _) = read(&folder, XLSX, &plan, Some(position.clone()))
            .await
            .unwrap();
        assert_eq!(rest, all[behind..]);
    }
    std::fs::write(folder.path().join("a.xlsx"), write("y")).unwrap();
    let changed = read(&folder, XLSX, &plan, positions.first().cloned()).await;
    assert_eq!(changed.unwrap_err().name(), "configuration");
}

#[tokio::test]
async fn a_check_tells_of_errors_in_cells() {
    let bytes = workbook(|sheet| {
        sheet.write_string(0, 0, "id")?;
        sheet.write_formula(1, 0, Formula::new("=1/0").set_result("#DIV/0!"))?;
        Ok(())
    });
    let folder = place(&[("a.xlsx", bytes.as_slice()), ("b.csv", b"id\n1\n")]);
    let findings = Files.check(&session(&folder, XLSX)).await;
    let warned: Vec<(&str, &str)> = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Warn)
        .map(|finding| (finding.id, finding.summary.as_str()))
        .collect();
    assert_eq!(warned.len(), 2, "{findings:?}");
    assert!(warned[0].1.contains("b.csv: is no workbook"), "{warned:?}");
    assert_eq!(warned[1], ("errors", "not so in a.xlsx"));
}

#[tokio::test]
async fn incremental_is_refused() {
    let folder = place(&[("a.xlsx", of_sheets().as_slice())]);
    let mode = Mode::Incremental {
        cursor: "id".to_owned(),
        lag: None,
    };
    let plan = Plan {
        mode,
        ..plan("*", &["id"])
    };
    let refused = read(&folder, XLSX, &plan, None).await;
    assert_eq!(refused.unwrap_err().name(), "configuration");
}
