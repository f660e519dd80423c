//! Reading a table range by range, and its changes.
//!
//! Invariant: a checkpoint stands between two ranges, so whatever follows it can be asked for by the
//! bound it holds; entries between two checkpoints have no order.

mod cells;
mod table;

use std::sync::Arc;

use rabt_connect::{
    BatchBuilder, ConnectError, Estimate, Identity, Message, Mode, Outlet, Plan, Position, Session,
};
use rabt_model::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

use crate::KIND;
use crate::client::{Ask, Client, Entry, NO_ATTRIBUTE};
use crate::config::{Settings, of_session};
use crate::filter::{all, not, present};
use crate::order::{Bound, By, Keys, Range};
use crate::schema::{Schema, Sort};
use crate::time::{lowered, not_after};

pub(crate) use cells::Cells;
pub(crate) use table::{DN, ENTRY_UUID};

use table::Table;

/// Rows in a message.
const BATCH_ROWS: usize = 1_024;

/// Where a read is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The attribute that the ranges go by.
    by: Option<String>,
    /// Where the next range begins.
    from: Option<Bound>,
    /// How many entries have no value to order them by; they come last.
    absent: u64,
    /// The greatest cursor value that was seen, as the server writes it.
    latest: Option<String>,
    /// Whether the run came to its end: the next one starts anew, or at the cursor less the lag.
    ended: bool,
}

/// Sends the rows behind `from`.
pub(crate) async fn read(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
    outlet: &Outlet,
) -> Result<(), ConnectError> {
    plan.refuse_changes(KIND)?;
    let settings = of_session(session)?;
    let identity = identity(session, plan);
    let place = match from {
        Some(position) => position.place::<Place>(&identity)?,
        None => Place::default(),
    };
    let reading = async {
        let mut client = Client::open(&settings).await?;
        Reading::of(&mut client, &settings, plan, outlet, identity, place)
            .await?
            .run(&mut client)
            .await?;
        client.close().await;
        Ok(())
    };
    tokio::select! {
        done = reading => done,
        () = outlet.cancelled() => Err(ConnectError::Cancelled),
    }
}

/// Returns which table a position belongs to.
fn identity(session: &Session, plan: &Plan) -> Identity {
    let mut parts = vec![session.source.as_str(), plan.table.as_str()];
    match &plan.mode {
        // changes are refused before
        Mode::Snapshot | Mode::Changes { .. } => parts.push("snapshot"),
        Mode::Incremental { cursor, .. } => parts.extend(["incremental", cursor]),
    }
    parts.extend(plan.key.iter().map(String::as_str));
    Identity::new(KIND, &parts)
}

/// One read in progress.
struct Reading<'a> {
    plan: &'a Plan,
    outlet: &'a Outlet,
    identity: Identity,
    table: Table,
    cells: Cells,
    /// What the entries are asked for with: those of the columns and of the order.
    attributes: Vec<String>,
    by: Option<By>,
    builder: BatchBuilder,
    place: Place,
    since_checkpoint: u64,
    done: u64,
    total: Option<u64>,
}

impl<'a> Reading<'a> {
    async fn of(
        client: &mut Client,
        settings: &Settings,
        plan: &'a Plan,
        outlet: &'a Outlet,
        identity: Identity,
        place: Place,
    ) -> Result<Self, ConnectError> {
        let schema = Schema::of(client).await?;
        let table = Table::of(client, settings, plan, schema.as_ref()).await?;
        let cells = Cells::new(plan, settings, schema.as_ref())?;
        let by = table.order(plan, schema.as_ref(), place.by.as_deref())?;
        let mut attributes = cells.attributes();
        attributes.extend(by.iter().flat_map(By::attributes));
        if attributes.is_empty() {
            attributes.push(NO_ATTRIBUTE.to_owned());
        }
        let mut place = place;
        place.by = by.as_ref().map(|by| by.attribute.clone());
        Ok(Self {
            plan,
            outlet,
            identity,
            table,
            cells,
            attributes,
            by,
            builder: BatchBuilder::new(Arc::<[String]>::from(plan.columns.clone())),
            place,
            since_checkpoint: 0,
            done: 0,
            total: None,
        })
    }

    async fn run(mut self, client: &mut Client) -> Result<(), ConnectError> {
        match (self.by.clone(), &self.plan.mode) {
            (None, _) => self.whole(client).await,
            (Some(by), Mode::Snapshot | Mode::Changes { .. }) => self.snapshot(client, by).await,
            (Some(by), Mode::Incremental { .. }) => self.changes(client, by).await,
        }
    }

    /// Reads every entry, to one checkpoint.
    async fn whole(&mut self, client: &mut Client) -> Result<(), ConnectError> {
        let filter = self.table.search.entries();
        self.entries(client, filter, None).await?;
        self.end(None).await
    }

    async fn snapshot(&mut self, client: &mut Client, by: By) -> Result<(), ConnectError> {
        if self.place.ended {
            self.place = Place {
                by: self.place.by.take(),
                ..Place::default()
            };
        }
        let from = self.place.from.clone();
        let keys = self.keys(client, &by, from.as_ref()).await?;
        if from.is_none() {
            self.place.absent = keys.absent;
        }
        self.total = Some(keys.seen + self.place.absent);
        self.ranges(client, &by, keys, from).await?;
        if self.place.absent > 0 {
            self.without(client, &by).await?;
        }
        self.end(None).await
    }

    async fn changes(&mut self, client: &mut Client, by: By) -> Result<(), ConnectError> {
        let from = match (&self.place.latest, self.place.ended) {
            (Some(latest), true) => Some(Bound::at(&self.since(latest, by.sort))),
            _ => self.place.from.clone(),
        };
        self.place.ended = false;
        let keys = self.keys(client, &by, from.as_ref()).await?;
        if keys.absent > 0 || (from.is_some() && self.table.has_absent(client, &by).await?) {
            return Err(self.table.no_cursor(&by.attribute));
        }
        if keys.seen == 0 && from.is_some() {
            self.table
                .must_find(client, &by, &present(&by.attribute))
                .await?;
        }
        self.total = Some(keys.seen);
        let seen = keys.greatest.clone();
        let latest = [self.place.latest.take(), seen].into_iter().flatten();
        let latest = latest.max_by(|one, other| by.sort.cmp(one, other));
        self.place.latest.clone_from(&latest);
        self.ranges(client, &by, keys, from).await?;
        let settled = latest.map(|latest| match by.sort {
            // What is stamped with the future must not hide what is not.
            Sort::Time => not_after(&latest, SystemClock.now()),
            Sort::Number | Sort::Text { .. } => latest,
        });
        self.end(settled).await
    }

    /// Returns the first cursor value to read again after a run that ended.
    fn since(&self, latest: &str, sort: Sort) -> String {
        let Mode::Incremental { lag: Some(lag), .. } = &self.plan.mode else {
            return latest.to_owned();
        };
        match sort {
            Sort::Time => lowered(latest, *lag).unwrap_or_else(|| latest.to_owned()),
            Sort::Number | Sort::Text { .. } => rabt_connect::lowered(latest, *lag),
        }
    }

    /// Returns the order values of all entries from a bound on, and sees that they are found by them.
    async fn keys(
        &self,
        client: &mut Client,
        by: &By,
        from: Option<&Bound>,
    ) -> Result<Keys, ConnectError> {
        let mut keys = self.counted(client, by, from).await?;
        if let Some(least) = keys.least() {
            let filter = by.from(&Bound::at(least));
            self.table.must_find(client, by, &filter).await?;
        } else if keys.seen > 0 {
            self.table
                .must_find(client, by, &present(&by.attribute))
                .await?;
        }
        Ok(keys)
    }

    /// Returns the order values of all entries from a bound on.
    async fn counted(
        &self,
        client: &mut Client,
        by: &By,
        from: Option<&Bound>,
    ) -> Result<Keys, ConnectError> {
        let attributes = by.attributes();
        let entries = self.table.search.entries();
        let filter = all([entries]
            .into_iter()
            .chain(from.map(|bound| by.from(bound))));
        let ask = Ask::of(&self.table.place, &self.table.search, &attributes);
        let mut pages = ask.with_filter(filter).pages();
        let mut keys = Keys::new(by.clone());
        while let Some(page) = pages.next(client).await? {
            for entry in &page.entries {
                keys.note(entry);
            }
            self.progress().await?;
        }
        Ok(keys)
    }

    /// Reads one range after the other, with a checkpoint between two.
    async fn ranges(
        &mut self,
        client: &mut Client,
        by: &By,
        keys: Keys,
        from: Option<Bound>,
    ) -> Result<(), ConnectError> {
        if keys.seen == 0 {
            return Ok(());
        }
        for range in keys.ranges(from, self.plan.chunk_rows) {
            let first = match &range.from {
                Some(bound) => by.from(bound),
                None => present(&by.attribute),
            };
            let last = range.to.as_ref().map(|bound| not(&by.from(bound)));
            let filter = [self.table.search.entries(), first].into_iter().chain(last);
            self.entries(client, all(filter), Some(&range)).await?;
            if range.to.is_some() {
                self.place.from = range.to;
                self.checkpoint().await?;
            }
        }
        Ok(())
    }

    /// Reads the entries that have no value to order them by.
    async fn without(&mut self, client: &mut Client, by: &By) -> Result<(), ConnectError> {
        let before = self.done + self.since_checkpoint;
        let filter = [self.table.search.entries(), not(&present(&by.attribute))];
        self.entries(client, all(filter), None).await?;
        // They may have got a value since they were counted; what is counted again and still not found
        // may not be searched for.
        if self.done + self.since_checkpoint == before
            && self.counted(client, by, None).await?.absent > 0
        {
            return Err(self.table.not_found_by(&by.attribute));
        }
        Ok(())
    }

    /// Sends the entries that a filter finds.
    async fn entries(
        &mut self,
        client: &mut Client,
        filter: String,
        range: Option<&Range>,
    ) -> Result<(), ConnectError> {
        let attributes = std::mem::take(&mut self.attributes);
        let (place, search) = (self.table.place.clone(), self.table.search.clone());
        let ask = Ask::of(&place, &search, &attributes).with_filter(filter);
        let mut pages = ask.pages();
        while let Some(page) = pages.next(client).await? {
            for entry in &page.entries {
                self.must_lie_in(range, entry)?;
                self.cells.push(entry, &mut self.builder);
                self.since_checkpoint += 1;
                if self.builder.is_full(BATCH_ROWS) {
                    self.outlet.send(Message::Rows(self.builder.take())).await?;
                }
            }
            self.progress().await?;
        }
        self.attributes = attributes;
        Ok(())
    }

    /// Refuses an entry that a server gives in another range than it belongs to: it would come twice.
    fn must_lie_in(&self, range: Option<&Range>, entry: &Entry) -> Result<(), ConnectError> {
        let (Some(by), Some(range)) = (&self.by, range) else {
            return Ok(());
        };
        if by.holds(range, entry) {
            return Ok(());
        }
        let what = format!(
            "is ordered by '{}' in a way of the server's own",
            by.attribute
        );
        let remedy = "set `order` to another attribute, such as entryUUID, or to \"none\"";
        Err(ConnectError::configuration(&self.table.place, what, remedy))
    }

    async fn end(&mut self, latest: Option<String>) -> Result<(), ConnectError> {
        self.place = Place {
            by: self.place.by.take(),
            latest,
            ended: true,
            ..Place::default()
        };
        self.checkpoint().await
    }

    async fn checkpoint(&mut self) -> Result<(), ConnectError> {
        if !self.builder.is_empty() {
            self.outlet.send(Message::Rows(self.builder.take())).await?;
        }
        let rows = std::mem::take(&mut self.since_checkpoint);
        let position = Position::new(&self.identity, &self.place)?;
        self.outlet
            .send(Message::Checkpoint { position, rows })
            .await?;
        self.done += rows;
        self.progress().await
    }

    /// Tells how far the read is: behind each page too, so that the host hears of a server that has much
    /// to say before there is a row to send.
    async fn progress(&self) -> Result<(), ConnectError> {
        let progress = Estimate {
            done: self.done,
            of: self.total.filter(|total| *total >= self.done),
        };
        self.outlet.send(Message::Progress(progress)).await
    }
}
