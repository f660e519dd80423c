//! Kinds in processes of their own: the same rows, whatever process they come through, and a host that
//! goes on whatever the process does.

mod confined;
mod conform;
mod equal;
mod isolated;
mod life;
mod logged;
mod misbehaving;
mod place;
mod python;
mod server;
mod stalled;

pub(crate) use life::children as children_of;
use rabt_connect::{Batch, Cell, Connector, Inlet, Message, Mode, Outlet, Plan, Position, Session};

/// Returns a plan that reads these columns of a table as a snapshot.
fn plan(table: &str, columns: &[&str], key: &[&str], chunk_rows: u32) -> Plan {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: table.to_owned(),
        key: own(key),
        columns: own(columns),
        mode: Mode::Snapshot,
        chunk_rows,
    }
}

/// What a read sent: cells, with their absences in angle brackets, and the last position.
#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    rows: Vec<Vec<String>>,
    last: Option<String>,
}

/// Reads a table from a position to its end.
async fn read(
    connector: &dyn Connector,
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
) -> Result<Taken, rabt_connect::ConnectError> {
    let (outlet, inlet) = Outlet::channel(4);
    let reading = connector.read(session, plan, from, outlet);
    let (read, taken) = futures::future::join(reading, take(inlet)).await;
    taken.and_then(|taken| read.map(|()| taken))
}

async fn take(mut inlet: Inlet) -> Result<Taken, rabt_connect::ConnectError> {
    let mut taken = Taken::default();
    while let Some(message) = inlet.receive().await? {
        match message {
            Message::Rows(batch) => {
                let rows = (0..batch.rows()).map(|row| cells(&batch, row));
                taken.rows.extend(rows);
            }
            Message::Checkpoint { position, .. } => {
                taken.last = Some(position.as_str().to_owned());
            }
            Message::Deleted(_)
            | Message::Truncated
            | Message::SchemaChanged(_)
            | Message::Progress(_) => {}
        }
    }
    Ok(taken)
}

fn cells(batch: &Batch, row: usize) -> Vec<String> {
    let columns = 0..batch.columns().len();
    let cell = |column| match batch.cell(row, column) {
        Cell::Text(text) => text.to_owned(),
        Cell::Null => "<null>".to_owned(),
        Cell::Unchanged => "<unchanged>".to_owned(),
        Cell::Unreadable(fault) => format!("<{}>", fault.code()),
    };
    columns.map(cell).collect()
}
