//! The bounded way from a connector to its host.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, Instant, sleep_until};

use crate::ConnectError;
use crate::message::{Message, Position};

/// The connector's end. Sending waits while the host is busy, so a stalled host stalls the read
/// and memory stays flat.
#[derive(Debug)]
pub struct Outlet {
    sender: mpsc::Sender<Message>,
    committed: watch::Receiver<Option<Position>>,
    pace: Option<Mutex<Pace>>,
}

/// The host's end. Dropping it cancels the read.
#[derive(Debug)]
pub struct Inlet {
    receiver: mpsc::Receiver<Message>,
    committed: watch::Sender<Option<Position>>,
    since_checkpoint: u64,
}

/// Tells a connector of commits, beside whoever receives from it.
#[derive(Debug)]
pub(crate) struct Acknowledger(watch::Sender<Option<Position>>);

/// Hears of the host's commits.
#[derive(Debug)]
pub struct Acknowledgements(watch::Receiver<Option<Position>>);

#[derive(Debug)]
struct Pace {
    rows_per_second: u32,
    free_at: Instant,
}

impl Outlet {
    /// Returns the two ends of a channel that holds at most `capacity` messages (at least one).
    pub fn channel(capacity: usize) -> (Self, Inlet) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let (commit, committed) = watch::channel(None);
        let outlet = Self {
            sender,
            committed,
            pace: None,
        };
        let inlet = Inlet {
            receiver,
            committed: commit,
            since_checkpoint: 0,
        };
        (outlet, inlet)
    }

    /// Returns the outlet with a limit on the rows it lets through in a second: the agency's
    /// database comes first.
    #[must_use]
    pub fn with_rows_per_second(self, limit: Option<u32>) -> Self {
        let pace = limit
            .filter(|limit| *limit > 0)
            .map(|rows_per_second| Pace {
                rows_per_second,
                free_at: Instant::now(),
            });
        Self {
            pace: pace.map(Mutex::new),
            ..self
        }
    }

    /// Sends a message. Waits for room, and for the pace when one is set.
    ///
    /// # Errors
    /// [`ConnectError::Cancelled`] when the host has dropped its end.
    pub async fn send(&self, message: Message) -> Result<(), ConnectError> {
        if let (Some(pace), Message::Rows(batch)) = (&self.pace, &message) {
            let due = pace
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next(batch.rows());
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.sender.closed() => return Err(ConnectError::Cancelled),
            }
        }
        self.sender
            .send(message)
            .await
            .map_err(|_| ConnectError::Cancelled)
    }

    /// Returns the position of the last checkpoint of this read that the host has committed; nothing
    /// before the first. Everything up to there is durable at the host.
    pub fn acknowledged(&self) -> Option<Position> {
        self.committed.borrow().clone()
    }

    /// Returns what waits for the host's commits from now on.
    pub fn acknowledgements(&self) -> Acknowledgements {
        Acknowledgements(self.committed.clone())
    }

    /// Waits until the host has dropped its end. Long queries race against this.
    pub async fn cancelled(&self) {
        self.sender.closed().await;
    }

    /// Says whether the host has dropped its end.
    pub fn is_cancelled(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Acknowledger {
    /// As [`Inlet::acknowledge`].
    pub(crate) fn acknowledge(&self, position: Position) {
        self.0.send_replace(Some(position));
    }
}

impl Acknowledgements {
    /// Waits until the host has committed a checkpoint that this has not returned, and returns the
    /// position of the last one. Never returns when the host has dropped its end. May be dropped
    /// while it waits.
    pub async fn next(&mut self) -> Position {
        loop {
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(position) = self.0.borrow_and_update().clone() {
                return position;
            }
        }
    }
}

impl Pace {
    /// Returns when the next batch may go, and books the time its rows take.
    fn next(&mut self, rows: usize) -> Instant {
        let due = self.free_at.max(Instant::now());
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        let takes = Duration::from_secs(1) / self.rows_per_second;
        self.free_at = due + takes.saturating_mul(rows);
        due
    }
}

impl Inlet {
    /// Tells the connector that everything up to the checkpoint of this position is durable.
    pub fn acknowledge(&self, position: Position) {
        self.committed.send_replace(Some(position));
    }

    /// Returns what tells the connector of commits while somebody else receives.
    pub(crate) fn acknowledger(&self) -> Acknowledger {
        Acknowledger(self.committed.clone())
    }

    /// Returns the next message, or nothing when the connector is done.
    ///
    /// # Errors
    /// A defect when a checkpoint does not count the rows that came before it.
    pub async fn receive(&mut self) -> Result<Option<Message>, ConnectError> {
        let Some(message) = self.receiver.recv().await else {
            return Ok(None);
        };
        match &message {
            Message::Rows(batch) => self.since_checkpoint += batch.rows() as u64,
            Message::Checkpoint { rows, .. } => {
                let counted = std::mem::take(&mut self.since_checkpoint);
                if counted != *rows {
                    return Err(ConnectError::defect(
                        "checkpoint",
                        format!("says {rows} rows where {counted} arrived"),
                    ));
                }
            }
            Message::Deleted(_)
            | Message::Truncated
            | Message::SchemaChanged(_)
            | Message::Progress(_) => {}
        }
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::Outlet;
    use crate::ConnectError;
    use crate::message::{BatchBuilder, Cell, Estimate, Identity, Message, Position};

    fn rows(count: usize) -> Message {
        let mut builder = BatchBuilder::new(vec!["a".to_owned()]);
        for _ in 0..count {
            builder.push_row([Cell::Null]);
        }
        Message::Rows(builder.take())
    }

    fn checkpoint(rows: u64) -> Message {
        let identity = Identity::new("test", &["a"]);
        let position = Position::new(&identity, &0).unwrap();
        Message::Checkpoint { position, rows }
    }

    #[tokio::test]
    async fn a_checkpoint_that_miscounts_is_a_defect() {
        let (outlet, mut inlet) = Outlet::channel(8);
        outlet.send(rows(2)).await.unwrap();
        outlet.send(checkpoint(2)).await.unwrap();
        outlet.send(rows(3)).await.unwrap();
        outlet.send(checkpoint(2)).await.unwrap();
        drop(outlet);
        for _ in 0..3 {
            assert!(inlet.receive().await.unwrap().is_some());
        }
        let error = inlet.receive().await.unwrap_err();
        assert_eq!(error.name(), "defect");
    }

    #[tokio::test]
    async fn a_dropped_inlet_cancels() {
        let (outlet, inlet) = Outlet::channel(1);
        drop(inlet);
        assert!(outlet.is_cancelled());
        let sent = outlet.send(Message::Progress(Estimate::default())).await;
        assert_eq!(sent, Err(ConnectError::Cancelled));
    }

    #[tokio::test]
    async fn what_the_host_commits_is_told_back() {
        let (outlet, inlet) = Outlet::channel(1);
        let mut acknowledgements = outlet.acknowledgements();
        assert_eq!(outlet.acknowledged(), None);
        let Message::Checkpoint { position, .. } = checkpoint(0) else {
            panic!("a checkpoint");
        };
        inlet.acknowledge(position.clone());
        assert_eq!(outlet.acknowledged(), Some(position.clone()));
        assert_eq!(acknowledgements.next().await, position);
        drop(inlet);
        let none = tokio::time::timeout(
            std::time::Duration::from_millis(20),
            acknowledgements.next(),
        );
        assert!(none.await.is_err(), "a host that is gone commits nothing");
    }

    #[tokio::test]
    async fn the_pace_is_kept() {
        let (outlet, mut inlet) = Outlet::channel(100);
        let outlet = outlet.with_rows_per_second(Some(1_000));
        let start = tokio::time::Instant::now();
        for _ in 0..4 {
            outlet.send(rows(20)).await.unwrap();
        }
        assert!(start.elapsed().as_millis() >= 60);
        drop(outlet);
        while inlet.receive().await.unwrap().is_some() {}
    }
}
