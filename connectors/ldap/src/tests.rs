//! Against servers of the tests' own: `slapd` in a temporary folder, on a free port of the loopback
//! interface.

mod changes;
mod check;
mod compliance;
mod fault;
mod given;
mod ldif;
mod ranges;
mod relay;
mod slapd;
mod tls;
mod values;

use rabt_connect::{Cell, ConnectError, Connector, Message, Mode, Outlet, Plan, Position, Session};

use crate::Ldap;

/// Returns a session of a configuration.
fn session(config: &str) -> Session {
    Session::new("tax".parse().unwrap(), config.parse().unwrap(), "/")
}

/// Returns a plan whose key is the first column.
fn plan(table: &str, columns: &[&str]) -> Plan {
    Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: table.to_owned(),
        key: vec![columns[0].to_owned()],
        columns: columns.iter().map(ToString::to_string).collect(),
        mode: Mode::Snapshot,
        chunk_rows: 1_000,
    }
}

/// What a read sent: rows as text, `∅` for null, `!` and the code for an unreadable cell; and the
/// positions with the number of rows before each.
#[derive(Debug, Default)]
struct Sent {
    rows: Vec<String>,
    positions: Vec<(usize, Position)>,
}

impl Sent {
    /// Returns the rows in an order of their own.
    fn sorted(mut self) -> Vec<String> {
        self.rows.sort();
        self.rows
    }

    fn last(&self) -> Option<Position> {
        self.positions.last().map(|(_, position)| position.clone())
    }
}

async fn read(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
) -> Result<Sent, ConnectError> {
    let (sent, done) = read_on(session, plan, from).await;
    done.map(|()| sent)
}

/// Reads, and returns what came before the end, whatever the end was.
async fn read_on(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
) -> (Sent, Result<(), ConnectError>) {
    let (outlet, mut inlet) = Outlet::channel(2);
    let host = async {
        let mut sent = Sent::default();
        while let Ok(Some(message)) = inlet.receive().await {
            match message {
                Message::Rows(batch) => {
                    for row in 0..batch.rows() {
                        let cells = (0..batch.columns().len()).map(|at| shown(batch.cell(row, at)));
                        sent.rows.push(cells.collect::<Vec<_>>().join("|"));
                    }
                }
                Message::Checkpoint { position, .. } => {
                    sent.positions.push((sent.rows.len(), position));
                }
                Message::Deleted(_)
                | Message::Truncated
                | Message::SchemaChanged(_)
                | Message::Progress(_) => {}
            }
        }
        sent
    };
    let (done, sent) = futures::future::join(Ldap.read(session, plan, from, outlet), host).await;
    (sent, done)
}

fn shown(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => text.to_owned(),
        Cell::Null => "∅".to_owned(),
        Cell::Unchanged => "=".to_owned(),
        Cell::Unreadable(fault) => format!("!{}", fault.code()),
    }
}

/// Reads and returns the error.
async fn error_of(session: &Session, plan: &Plan) -> ConnectError {
    read(session, plan, None).await.expect_err("the read fails")
}
