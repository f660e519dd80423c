//! Running a read to its end, or up to a checkpoint.

use futures::future::join;

use crate::compliance::Row;
use crate::connector::{Connector, Plan, Session};
use crate::error::ConnectError;
use crate::message::{Batch, Cell, Message, Outlet, Position};

/// What a read sent.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The cells; one that could not be read is `!` with its code.
    pub(super) rows: Vec<Row>,
    /// Rows, deletions and emptied tables, in the order in which they came.
    pub(super) told: Vec<Told>,
    /// Each position, and how many rows had come before it.
    pub(super) checkpoints: Vec<(Position, usize)>,
    /// The columns of the batches.
    pub(super) columns: Option<Vec<String>>,
    /// Bytes of text in the largest batch.
    pub(super) largest: usize,
}

/// One thing that a read tells of rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    Row(Row),
    Gone(String),
    Emptied,
}

/// Reads to the end, as a host that commits each checkpoint.
pub(super) async fn read(
    connector: &dyn Connector,
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
) -> Result<Taken, ConnectError> {
    let (taken, result) = read_until(connector, session, plan, from, usize::MAX).await;
    result.map(|()| taken)
}

/// Reads up to a number of checkpoints, commits none, then drops the host's end, as a killed host does. Rows
/// behind the last checkpoint are lost with it.
pub(super) async fn read_until(
    connector: &dyn Connector,
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
    checkpoints: usize,
) -> (Taken, Result<(), ConnectError>) {
    let (outlet, mut inlet) = Outlet::channel(2);
    let host = async move {
        let mut taken = Taken::default();
        while taken.checkpoints.len() < checkpoints {
            match inlet.receive().await? {
                Some(message) => {
                    if let Message::Checkpoint { position, .. } = &message
                        && checkpoints == usize::MAX
                    {
                        inlet.acknowledge(position.clone());
                    }
                    taken.take(message);
                }
                None => break,
            }
        }
        Ok(taken)
    };
    let (result, taken) = join(connector.read(session, plan, from, outlet), host).await;
    match taken {
        Ok(taken) => (taken, result),
        Err(error) => (Taken::default(), Err(error)),
    }
}

impl Taken {
    fn take(&mut self, message: Message) {
        match message {
            Message::Rows(batch) => self.take_rows(&batch),
            Message::Checkpoint { position, .. } => {
                // A position must survive storage.
                let position = position.as_str().parse().unwrap_or(position);
                self.checkpoints.push((position, self.rows.len()));
            }
            Message::Deleted(keys) => {
                let gone = keys.into_iter().map(|gone| gone.key.expose().clone());
                self.told.extend(gone.map(Told::Gone));
            }
            Message::Truncated => self.told.push(Told::Emptied),
            Message::SchemaChanged(_) | Message::Progress(_) => {}
        }
    }

    fn take_rows(&mut self, batch: &Batch) {
        let mut bytes = 0;
        for row in 0..batch.rows() {
            let cells = (0..batch.columns().len()).map(|column| batch.cell(row, column));
            let row: Row = cells.map(owned).collect();
            bytes += row.iter().flatten().map(String::len).sum::<usize>();
            self.told.push(Told::Row(row.clone()));
            self.rows.push(row);
        }
        self.largest = self.largest.max(bytes);
        self.columns = Some(batch.columns().to_vec());
    }
}

fn owned(cell: Cell<'_>) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.to_owned()),
        Cell::Null => None,
        Cell::Unchanged => Some("!unchanged".to_owned()),
        Cell::Unreadable(fault) => Some(format!("!{}", fault.code())),
    }
}

/// Returns the rows in an order of their own.
pub(super) fn sorted(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort();
    rows
}
