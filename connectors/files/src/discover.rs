//! What a folder holds, and whether it can be read.

use std::path::Path;

use rabt_connect::{ColumnInfo, ConnectError, Fault, Filter, Finding, Session, Table};

use crate::folder::{files, name_of};
use crate::format::{Formats, of_session};
use crate::rows::Rows;

/// Rows that a check looks at.
const SAMPLE_ROWS: u64 = 1_000;

pub(crate) fn discover(session: &Session, filter: &Filter) -> Result<Vec<Table>, ConnectError> {
    let formats = of_session(session)?;
    let mut tables = Vec::new();
    for path in files(session, "*")? {
        let name = name_of(&path);
        // A file that is no table does not hide the others; `check` tells of it.
        for sheet in sheets(&path, &formats).unwrap_or_default() {
            if !filter.wants(sheet.as_deref(), &name) {
                continue;
            }
            if let Ok(rows) = open(&path, &formats, sheet.as_deref()) {
                tables.push(table(sheet, name.clone(), &rows.header));
            }
        }
    }
    Ok(tables)
}

fn sheets(path: &Path, formats: &Formats) -> Result<Vec<Option<String>>, ConnectError> {
    Rows::sheets(path, formats.of(&name_of(path))?)
}

/// Opens a file as its format says.
pub(crate) fn open(
    path: &Path,
    formats: &Formats,
    sheet: Option<&str>,
) -> Result<Rows, ConnectError> {
    Rows::open(path, formats.of(&name_of(path))?, sheet)
}

/// Returns the table that a header describes; the sheet of a workbook stands for its schema.
pub(crate) fn table(sheet: Option<String>, name: String, header: &[String]) -> Table {
    let column = |name: &String| ColumnInfo {
        name: name.clone(),
        declared_type: String::new(),
        nullable: false,
    };
    Table {
        schema: sheet,
        name,
        columns: header.iter().map(column).collect(),
        key: Vec::new(),
        estimated_rows: None,
    }
}

pub(crate) fn check(session: &Session) -> Vec<Finding> {
    let formats = match of_session(session) {
        Ok(formats) => formats,
        Err(error) => return vec![Finding::of_error("format", &error)],
    };
    let paths = match files(session, "*") {
        Ok(paths) => paths,
        Err(error) => return vec![Finding::of_error("reach", &error)],
    };
    let mut findings = vec![Finding::pass("format", "the format is understood")];
    findings.push(if paths.is_empty() {
        Finding::warn("reach", "the folder holds no file", "correct the path")
    } else {
        Finding::pass("reach", format!("{} files can be listed", paths.len()))
    });
    let mut unreadable = Vec::new();
    let mut seen = Seen::default();
    for path in &paths {
        let looked = sheets(path, &formats).and_then(|sheets| {
            sheets.into_iter().try_for_each(|sheet| {
                let rows = open(path, &formats, sheet.as_deref())?;
                seen.sample(rows, sheet)
            })
        });
        unreadable.extend(looked.err().map(|error| error.to_string()));
    }
    findings.push(if unreadable.is_empty() {
        Finding::pass("readable", "every file is a table in its format")
    } else {
        let remedy = "correct the files, or narrow `file` in `from` so that it leaves them out";
        Finding::warn("readable", unreadable.join("; "), remedy)
    });
    findings.extend(seen.findings());
    findings
}

/// The files in which a sampled row is not as it should be.
#[derive(Default)]
struct Seen {
    wrong_text: Vec<String>,
    ragged: Vec<String>,
    errors: Vec<String>,
}

impl Seen {
    fn sample(&mut self, mut rows: Rows, sheet: Option<String>) -> Result<(), ConnectError> {
        let (mut wrong_text, mut ragged, mut errors) = (false, false, false);
        let mut count = 0;
        while count < SAMPLE_ROWS && rows.records_mut().next()? {
            let record = rows.records();
            ragged |= record.is_ragged();
            wrong_text |= record.has(Fault::NotText);
            errors |= record.has(Fault::ErrorCell);
            count += 1;
        }
        let name = match sheet {
            Some(sheet) => format!("{} sheet {sheet}", rows.name),
            None => rows.name,
        };
        let lists = [
            (wrong_text, &mut self.wrong_text),
            (ragged, &mut self.ragged),
            (errors, &mut self.errors),
        ];
        for (_, list) in lists.into_iter().filter(|(is_seen, _)| *is_seen) {
            list.push(name.clone());
        }
        Ok(())
    }

    fn findings(&self) -> [Finding; 3] {
        [
            outcome(
                "encoding",
                &self.wrong_text,
                "every sampled cell is text in the encoding",
                "set `encoding`, as in \"windows-1256\"",
            ),
            outcome(
                "ragged",
                &self.ragged,
                "every sampled row is as long as it should be",
                "see that the delimiter is right and texts with delimiters in them are quoted, or that \
                 the layout and its unit are",
            ),
            outcome(
                "errors",
                &self.errors,
                "no sampled cell of a workbook holds an error",
                "correct the formulas, or let them be calculated before the workbook is saved",
            ),
        ]
    }
}

fn outcome(id: &'static str, files: &[String], fine: &str, remedy: &str) -> Finding {
    if files.is_empty() {
        return Finding::pass(id, fine);
    }
    Finding::warn(id, format!("not so in {}", files.join(", ")), remedy)
}
