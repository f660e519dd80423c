//! What a folder holds, and whether it can be read.

use csv::ByteRecord;
use rabt_connect::{ColumnInfo, ConnectError, Filter, Finding, Session, Table};

use crate::folder::{files, name_of};
use crate::format::of_session;
use crate::rows::Rows;

/// Rows that a check looks at.
const SAMPLE_ROWS: u64 = 1_000;

pub(crate) fn discover(session: &Session, filter: &Filter) -> Result<Vec<Table>, ConnectError> {
    let format = of_session(session)?;
    let mut tables = Vec::new();
    for path in files(session, "*")? {
        let name = name_of(&path);
        if !filter.wants(None, &name) {
            continue;
        }
        // A file that is no table does not hide the others; `check` tells of it.
        if let Ok(rows) = Rows::open(&path, format) {
            tables.push(table(name, &rows.header));
        }
    }
    Ok(tables)
}

/// Returns the table that a header describes.
pub(crate) fn table(name: String, header: &[String]) -> Table {
    let column = |name: &String| ColumnInfo {
        name: name.clone(),
        declared_type: String::new(),
        nullable: false,
    };
    Table {
        schema: None,
        name,
        columns: header.iter().map(column).collect(),
        key: Vec::new(),
        estimated_rows: None,
    }
}

pub(crate) fn check(session: &Session) -> Vec<Finding> {
    let format = match of_session(session) {
        Ok(format) => format,
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
    let mut wrong_text = Vec::new();
    let mut ragged = Vec::new();
    for path in &paths {
        match Rows::open(path, format).and_then(|mut rows| sample(&mut rows)) {
            Err(error) => unreadable.push(error.to_string()),
            Ok(sample) => {
                if sample.wrong_text > 0 {
                    wrong_text.push(name_of(path));
                }
                if sample.ragged > 0 {
                    ragged.push(name_of(path));
                }
            }
        }
    }
    findings.push(if unreadable.is_empty() {
        Finding::pass("readable", "every file is delimited text")
    } else {
        let remedy = "correct the files, or narrow `file` in `from` so that it leaves them out";
        Finding::warn("readable", unreadable.join("; "), remedy)
    });
    findings.push(outcome(
        "encoding",
        &wrong_text,
        "every sampled cell is text in the encoding",
        "set `encoding`, as in \"windows-1256\"",
    ));
    findings.push(outcome(
        "ragged",
        &ragged,
        "every sampled row has as many cells as the header",
        "see that the delimiter is right, and texts with delimiters in them are quoted",
    ));
    findings
}

fn outcome(id: &'static str, files: &[String], fine: &str, remedy: &str) -> Finding {
    if files.is_empty() {
        return Finding::pass(id, fine);
    }
    Finding::warn(id, format!("not so in {}", files.join(", ")), remedy)
}

struct Sample {
    wrong_text: u64,
    ragged: u64,
}

fn sample(rows: &mut Rows) -> Result<Sample, ConnectError> {
    let mut sample = Sample {
        wrong_text: 0,
        ragged: 0,
    };
    let mut record = ByteRecord::new();
    while rows.row < SAMPLE_ROWS && rows.next(&mut record)? {
        sample.ragged += u64::from(record.len() != rows.header.len());
        let is_text = |cell: &[u8]| {
            let encoding = rows.encoding;
            encoding
                .decode_without_bom_handling_and_without_replacement(cell)
                .is_some()
        };
        sample.wrong_text += u64::from(!record.iter().all(is_text));
    }
    Ok(sample)
}
