//! The ends of transactions.

use rabt_connect::ConnectError;
use sqlx::MySqlConnection;

use super::describe::Shapes;
use super::{Flow, Step};
use crate::change::group::{Changed, Group};
use crate::change::log::{Logged, Phase, What, Wire};
use crate::change::place::{Prepared, Stored, lost};
use crate::change::rows::pairs;
use crate::change::words::{Statement, meaning};

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Holds,
    TakenBack,
    /// The first of its two phases.
    Prepared,
}

impl Flow<'_> {
    /// Tells what a transaction did, when it holds.
    pub(super) async fn end(
        &mut self,
        end: End,
        offset: u64,
        connection: &mut MySqlConnection,
    ) -> Result<Step, ConnectError> {
        let Some(group) = &mut self.group else {
            self.reach(offset);
            return Ok(Step::On);
        };
        match (end, group.begin.phase.clone()) {
            (End::Prepared, Some(Phase::First(xid))) => {
                let changes = (group.changes > 0).then(|| group.stored());
                self.prepared.retain(|known| known.xid != xid);
                self.kept.put(&xid, group);
                self.prepared.push(Prepared { xid, changes });
            }
            (End::Holds, Some(Phase::Second(xid))) => self.second(&xid, connection).await?,
            (End::TakenBack, Some(Phase::Second(xid))) => {
                self.kept.take(&xid);
                self.prepared.retain(|known| known.xid != xid);
            }
            (End::Holds, _) => self.first(connection).await?,
            (End::TakenBack | End::Prepared, _) => {}
        }
        let group = self.group.take();
        self.skip = 0;
        self.reach(offset);
        if group.is_some_and(|group| group.emptied) {
            self.checkpoint().await?;
            return Ok(Step::Ended);
        }
        if self.is_full() {
            self.checkpoint().await?;
        }
        Ok(Step::On)
    }

    /// Tells what a transaction of one phase did.
    async fn first(&mut self, connection: &mut MySqlConnection) -> Result<(), ConnectError> {
        let Some(group) = &mut self.group else {
            return Ok(());
        };
        let stored = group.stored();
        let held = group.held.take();
        self.tell_all(held, &stored, connection).await
    }

    /// Tells of the changes that are held, or else reads them a second time.
    async fn tell_all(
        &mut self,
        held: Option<Vec<Changed>>,
        stored: &Stored,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        let Some(held) = held else {
            return self.read_again(stored, connection).await;
        };
        for (number, changed) in (0..).zip(held) {
            self.tell(number, changed, stored, connection).await?;
        }
        Ok(())
    }

    /// Tells what a transaction of two phases did, which lies in the log before its end.
    async fn second(
        &mut self,
        xid: &str,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        let known = |flow: &Self| flow.prepared.iter().position(|known| known.xid == xid);
        if known(self).is_none() {
            self.look_back(xid, connection).await?;
        }
        let Some(at) = known(self) else {
            if self.is_before_snapshot() {
                // None was prepared when the stream began, so it had ended, and the snapshot has it.
                return Ok(());
            }
            return Err(lost(
                "a transaction of two phases was prepared before the reading began and ended behind it",
            ));
        };
        if let Some(stored) = self.prepared[at].changes.clone() {
            let held = self.kept.take(xid);
            self.tell_all(held, &stored, connection).await?;
        }
        self.prepared.remove(at);
        Ok(())
    }

    /// Reads changes a second time.
    async fn read_again(
        &mut self,
        stored: &Stored,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        let mut wire = Wire::open(self.capture.session, &stored.spot, false).await?;
        if wire.made() != stored.made {
            return Err(lost("a file of the log is another one than was read"));
        }
        let mut shapes = Shapes::default();
        let (mut begun, mut number) = (false, 0);
        loop {
            let Logged { what, .. } = wire.next().await?;
            let mut changes = Vec::new();
            match what {
                What::Begin(_) if begun => return Ok(()),
                What::Begin(_) => begun = true,
                What::Commit | What::Prepare => return Ok(()),
                What::Table(event) => {
                    shapes.of(&event, &self.by, connection).await?;
                }
                What::Rows(rows) => {
                    let shape = rows.table().and_then(|table| shapes.known(table));
                    let Some(shape) = shape else { continue };
                    let pairs = pairs(rows.change, &rows.data()?, &shape).unwrap_or_default();
                    changes.extend(pairs.into_iter().filter_map(|p| Changed::of(&shape, p)));
                }
                What::Query { database, text } => {
                    match meaning(&text, &database, &self.by.table.named) {
                        Statement::Commit | Statement::Rollback => return Ok(()),
                        Statement::Empties => changes.push(Changed::Emptied),
                        Statement::Savepoint(_)
                        | Statement::RollbackTo(_)
                        | Statement::XaCommit
                        | Statement::XaRollback
                        | Statement::Replaces(_)
                        | Statement::Text
                        | Statement::Other => {}
                    }
                }
                What::Rotate(..) if begun => {
                    return Err(lost("a transaction has no end in its file of the log"));
                }
                What::Rotate(..)
                | What::Format(_)
                | What::Incident
                | What::Alive(_)
                | What::Other => {}
            }
            for changed in changes {
                self.tell(number, changed, stored, connection).await?;
                number += 1;
            }
        }
    }

    /// Tells of a change, unless it was taken back or an earlier read has told of it.
    async fn tell(
        &mut self,
        number: u64,
        changed: Changed,
        stored: &Stored,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        if number >= self.skip && !stored.is_void(number) {
            self.change(changed, connection).await?;
        }
        if let Some(group) = &mut self.group {
            group.sent = number + 1;
        }
        if self.is_full() {
            self.checkpoint().await?;
        }
        Ok(())
    }

    pub(super) fn open_group(&mut self) -> Option<&mut Group> {
        self.group.as_mut()
    }
}
