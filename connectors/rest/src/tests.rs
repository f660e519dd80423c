//! Against a server of the test's own, on a free port of the loopback interface.

mod changes;
mod check;
mod compliance;
mod fault;
mod login;
mod paging;
mod server;
mod tls;
mod values;

use rabt_connect::{
    Cell, ConnectError, Connector, Message, Mode, Outlet, Plan, Position, Session, Table,
};

use crate::Rest;

/// Returns a session of a configuration with its address put in.
fn session(url: &str, config: &str) -> Session {
    let mut config: toml::Table = config.parse().unwrap();
    config.insert("url".to_owned(), url.into());
    Session::new("tax".parse().unwrap(), config, "/")
}

/// Returns a plan that reads `persons`.
fn plan(columns: &[&str]) -> Plan {
    Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: "persons".to_owned(),
        key: vec![columns[0].to_owned()],
        columns: columns.iter().map(ToString::to_string).collect(),
        mode: Mode::Snapshot,
        chunk_rows: 1_000,
    }
}

/// What a read sent: rows as text, `∅` for null, `!` and the code for an unreadable cell; the
/// positions; and the table as it was said to have become.
#[derive(Debug, Default)]
struct Sent {
    rows: Vec<String>,
    positions: Vec<Position>,
    changed: Option<Table>,
}

async fn read(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
) -> Result<Sent, ConnectError> {
    let (outlet, mut inlet) = Outlet::channel(2);
    let host = async {
        let mut sent = Sent::default();
        while let Some(message) = inlet.receive().await? {
            match message {
                Message::Rows(batch) => {
                    for row in 0..batch.rows() {
                        let cells = (0..batch.columns().len()).map(|at| shown(batch.cell(row, at)));
                        sent.rows.push(cells.collect::<Vec<_>>().join("|"));
                    }
                }
                Message::Checkpoint { position, .. } => sent.positions.push(position),
                Message::SchemaChanged(table) => sent.changed = Some(table),
                Message::Deleted(_) | Message::Truncated | Message::Progress(_) => {}
            }
        }
        Ok(sent)
    };
    let (done, sent) = futures::future::join(Rest.read(session, plan, from, outlet), host).await;
    done.and(sent)
}

fn shown(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => text.to_owned(),
        Cell::Null => "∅".to_owned(),
        Cell::Unchanged => "=".to_owned(),
        Cell::Unreadable(fault) => format!("!{}", fault.code()),
    }
}

/// Reads `persons` of a server and returns the error.
async fn error_of(url: &str, config: &str, columns: &[&str]) -> ConnectError {
    let session = session(url, config);
    read(&session, &plan(columns), None)
        .await
        .expect_err("the read fails")
}
