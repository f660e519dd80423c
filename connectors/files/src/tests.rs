//! The compliance suite over files, and what is particular to files.

mod delimited;
mod fixed;
mod proposing;
mod random;
mod subjects;
mod workbook;
mod zip;

use rabt_connect::{Cell, ConnectError, Connector, Message, Mode, Outlet, Plan, Position, Session};

use crate::Files;

type Folder = tempfile::TempDir;

fn place(files: &[(&str, &[u8])]) -> Folder {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn session(folder: &Folder, config: &str) -> Session {
    let source = "files".parse().unwrap();
    Session::new(source, config.parse().unwrap(), folder.path())
}

fn plan(pattern: &str, columns: &[&str]) -> Plan {
    Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: pattern.to_owned(),
        key: vec!["id".to_owned()],
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        mode: Mode::Snapshot,
        chunk_rows: 2,
    }
}

type Read = Result<(Vec<Vec<String>>, Vec<Position>), ConnectError>;

/// Reads whole; a cell that could not be read is its code in angle brackets.
async fn read(folder: &Folder, config: &str, plan: &Plan, from: Option<Position>) -> Read {
    let session = session(folder, config);
    let (outlet, mut inlet) = Outlet::channel(4);
    let host = async move {
        let (mut rows, mut positions) = (Vec::new(), Vec::new());
        while let Some(message) = inlet.receive().await.unwrap() {
            match message {
                Message::Rows(batch) => rows.extend((0..batch.rows()).map(|row| {
                    let cells = (0..batch.columns().len()).map(|column| batch.cell(row, column));
                    cells.map(show).collect::<Vec<String>>()
                })),
                Message::Checkpoint { position, .. } => positions.push(position),
                Message::Deleted(_)
                | Message::Truncated
                | Message::SchemaChanged(_)
                | Message::Progress(_) => {}
            }
        }
        (rows, positions)
    };
    let (result, read) =
        futures::future::join(Files.read(&session, plan, from, outlet), host).await;
    result.map(|()| read)
}

fn show(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => text.to_owned(),
        Cell::Null => "<null>".to_owned(),
        Cell::Unchanged => "<unchanged>".to_owned(),
        Cell::Unreadable(fault) => format!("<{}>", fault.code()),
    }
}

const PATH: &str = "path = '.'";

async fn rows(folder: &Folder, config: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let read = read(folder, config, &plan("*.csv", columns), None).await;
    read.unwrap().0
}

async fn error(folder: &Folder, config: &str) -> ConnectError {
    let read = read(folder, config, &plan("*.csv", &["id", "name"]), None).await;
    read.unwrap_err()
}
