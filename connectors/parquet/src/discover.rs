//! What the files hold, and whether they can be read.

use rabt_connect::{ConnectError, Filter, Finding, Session, Table};

use crate::file::Opened;
use crate::folder::Folder;

/// Returns the tables. A file that cannot be understood must not hide the others.
pub(crate) fn discover(session: &Session, filter: &Filter) -> Result<Vec<Table>, ConnectError> {
    let folder = Folder::open(session)?;
    let mut tables = Vec::new();
    for name in folder.tables() {
        if filter.wants(None, &name)
            && let Ok(table) = describe(&folder, &name)
        {
            tables.push(table);
        }
    }
    Ok(tables)
}

fn describe(folder: &Folder, name: &str) -> Result<Table, ConnectError> {
    let mut table = Table {
        schema: None,
        name: name.to_owned(),
        columns: Vec::new(),
        key: Vec::new(),
        estimated_rows: Some(0),
    };
    for path in folder.files(name)? {
        let file = Opened::open(&path)?;
        if table.columns.is_empty() {
            table.columns = file.columns();
        }
        table.estimated_rows = table.estimated_rows.map(|rows| rows + file.rows());
    }
    Ok(table)
}

/// Returns the columns of a table with several values a row.
fn lists_of(folder: &Folder, table: &str) -> Result<Vec<String>, ConnectError> {
    let mut lists = Vec::new();
    for path in folder.files(table)? {
        lists.extend(Opened::open(&path)?.lists());
    }
    Ok(lists)
}

/// Returns every finding about the files.
pub(crate) fn check(session: &Session) -> Vec<Finding> {
    let folder = match Folder::open(session) {
        Ok(folder) => folder,
        Err(error) => return vec![Finding::of_error("reach", &error)],
    };
    let mut findings = vec![Finding::pass("reach", "the place can be reached")];
    let tables = folder.tables();
    if tables.is_empty() {
        findings.push(Finding::warn(
            "files",
            "there is no .parquet file",
            "see that the path names the folder that the agency delivers to",
        ));
        return findings;
    }
    let mut lists = Vec::new();
    for table in &tables {
        match lists_of(&folder, table) {
            Ok(found) => lists.extend(found),
            Err(error) => {
                findings.push(Finding::of_error("files", &error));
                return findings;
            }
        }
    }
    findings.push(Finding::pass(
        "files",
        format!("{} tables can be opened", tables.len()),
    ));
    if !lists.is_empty() {
        lists.sort();
        lists.dedup();
        findings.push(Finding::warn(
            "lists",
            format!(
                "columns with several values a row are left out: {}",
                lists.join(", ")
            ),
            "have what is needed of them written into columns of their own",
        ));
    }
    findings
}
