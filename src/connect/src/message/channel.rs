//! The bounded way from a connector to its host.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep_until};

use crate::ConnectError;
use crate::message::Message;

/// The connector's end. Sending waits while the host is busy, so a stalled host stalls the read
/// and memory stays flat.
#[derive(Debug)]
pub struct Outlet {
    sender: mpsc::Sender<Message>,
    pace: Option<Mutex<Pace>>,
}

/// The host's end. Dropping it cancels the read.
#[derive(Debug)]
pub struct Inlet {
    receiver: mpsc::Receiver<Message>,
    since_checkpoint: u64,
}

#[derive(Debug)]
struct Pace {
    rows_per_second: u32,
    free_at: Instant,
}

impl Outlet {
    /// Returns the two ends of a channel that holds at most `capacity` messages (at least one).
    pub fn channel(capacity: usize) -> (Self, Inlet) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let outlet = Self { sender, pace: None };
        let inlet = Inlet {
            receiver,
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

    /// Waits until the host has dropped its end. Long queries race against this.
    pub async fn cancelled(&self) {
        self.sender.closed().await;
    }

    /// Says whether the host has dropped its end.
    pub fn is_cancelled(&self) -> bool {
        self.sender.is_closed()
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
            Message::Deleted(_) | Message::SchemaChanged(_) | Message::Progress(_) => {}
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
