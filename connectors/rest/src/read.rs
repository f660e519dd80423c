//! Reading a table page by page, and its changes.

use std::sync::Arc;

use rabt_connect::{
    BatchBuilder, ConnectError, Estimate, Identity, Message, Mode, Outlet, Plan, Position, Session,
    lowered,
};
use rabt_model::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

use crate::KIND;
use crate::config::{Endpoint, Paging};
use crate::cursor::{not_after, order};
use crate::page::{At, Page};
use crate::walk::{Server, Walk};

mod columns;

use columns::Columns;

/// Rows in a message.
const BATCH_ROWS: usize = 1_024;

/// Where a read is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The page that is read.
    at: At,
    /// How many of its rows have been sent.
    sent: u64,
    /// The cursor value that the pages were asked from.
    since: Option<String>,
    /// The latest cursor value that was seen.
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
    let mut server = Server::of(session)?;
    let endpoint = server.settings.endpoint(&plan.table).clone();
    must_fit(plan, &endpoint)?;
    let identity = identity(session, plan, &endpoint);
    let place = match from {
        Some(position) => position.place::<Place>(&identity)?,
        None => Place::default(),
    };
    let place = begun(place, plan);
    let walk = Walk::new(&server.settings, &plan.table, &plan.columns);
    let reading = Reading {
        walk: walk.since(place.since.clone()),
        columns: Columns::new(plan, &endpoint.optional),
        builder: BatchBuilder::new(Arc::<[String]>::from(plan.columns.clone())),
        since_checkpoint: 0,
        done: 0,
        total: None,
        plan,
        outlet,
        identity,
        place,
    };
    tokio::select! {
        done = reading.run(&mut server) => done,
        () = outlet.cancelled() => Err(ConnectError::Cancelled),
    }
}

/// Refuses what the configuration does not provide for.
fn must_fit(plan: &Plan, endpoint: &Endpoint) -> Result<(), ConnectError> {
    let place = format!("table {}", plan.table);
    if plan.schema.is_some() {
        let what = "has a schema, and a server of JSON has none";
        let remedy = "leave out `schema` in `from`";
        return Err(ConnectError::configuration(place, what, remedy));
    }
    plan.refuse_changes(KIND)?;
    if plan.mode != Mode::Snapshot && endpoint.since.is_empty() {
        let what =
            "is read incrementally, and the configuration does not say how to ask for changes";
        let remedy = "add `since`, as in since = { updated_from = \"{cursor}\" }, or set mode = \"snapshot\"";
        return Err(ConnectError::configuration(place, what, remedy));
    }
    Ok(())
}

/// Returns which table a position belongs to. A page's number means nothing without its size.
fn identity(session: &Session, plan: &Plan, endpoint: &Endpoint) -> Identity {
    let size = endpoint
        .size
        .as_ref()
        .map_or(0, |size| size.rows)
        .to_string();
    let paging = match &endpoint.paging {
        Paging::None => "none",
        Paging::Offset { .. } => "offset",
        Paging::Page { .. } => "page",
        Paging::Cursor { .. } => "cursor",
        Paging::Link => "link",
        Paging::Next { .. } => "next",
    };
    let sized = if paging == "page" { size.as_str() } else { "" };
    let mut parts = vec![session.source.as_str(), plan.table.as_str(), paging, sized];
    match &plan.mode {
        Mode::Snapshot | Mode::Changes { .. } => parts.push("snapshot"),
        Mode::Incremental { cursor, .. } => parts.extend(["incremental", cursor]),
    }
    parts.extend(plan.key.iter().map(String::as_str));
    Identity::new(KIND, &parts)
}

/// Returns where a run begins that is given a place.
fn begun(place: Place, plan: &Plan) -> Place {
    if !place.ended {
        return place;
    }
    let Mode::Incremental { lag, .. } = &plan.mode else {
        return Place::default();
    };
    let since = place.latest.as_deref().map(|latest| match lag {
        Some(lag) => lowered(latest, *lag),
        None => latest.to_owned(),
    });
    Place {
        since,
        latest: place.latest,
        ..Place::default()
    }
}

/// One read in progress.
struct Reading<'a> {
    plan: &'a Plan,
    outlet: &'a Outlet,
    identity: Identity,
    walk: Walk,
    columns: Columns<'a>,
    builder: BatchBuilder,
    place: Place,
    since_checkpoint: u64,
    /// Rows of this run.
    done: u64,
    total: Option<u64>,
}

impl Reading<'_> {
    async fn run(mut self, server: &mut Server) -> Result<(), ConnectError> {
        loop {
            let at = self.place.at.clone();
            let page = server.page(&mut self.walk, &at).await?;
            if let Some(table) = self.columns.look_at(&page)? {
                self.outlet.send(Message::SchemaChanged(table)).await?;
            }
            self.total = page.total.or(self.total);
            self.send(&page).await?;
            match &page.next {
                Some(next) => {
                    self.place.at = next.clone();
                    self.place.sent = 0;
                    if page.count() > 0 {
                        self.checkpoint().await?;
                    }
                }
                None => return self.end(&page).await,
            }
        }
    }

    /// Sends the rows of a page that have not been sent, with a checkpoint wherever a chunk is
    /// complete before the page is.
    async fn send(&mut self, page: &Page) -> Result<(), ConnectError> {
        let chunk = u64::from(self.plan.chunk_rows.max(1));
        let behind = usize::try_from(self.place.sent).unwrap_or(usize::MAX);
        for at in behind..page.count() {
            let cursor = self.columns.push(page.row(at), &mut self.builder)?;
            if let Some(cursor) = cursor {
                self.note(&cursor);
            }
            self.place.sent += 1;
            self.since_checkpoint += 1;
            if self.since_checkpoint >= chunk && at + 1 < page.count() {
                self.checkpoint().await?;
            } else if self.builder.is_full(BATCH_ROWS) {
                self.outlet.send(Message::Rows(self.builder.take())).await?;
            }
        }
        Ok(())
    }

    fn note(&mut self, cursor: &str) {
        let latest = self.place.latest.as_deref();
        if latest.is_none_or(|latest| order(cursor, latest).is_gt()) {
            self.place.latest = Some(cursor.to_owned());
        }
    }

    async fn end(mut self, page: &Page) -> Result<(), ConnectError> {
        // The agency's own clock, where it tells it: that is the one its rows are stamped by.
        let now = page.date.unwrap_or_else(|| SystemClock.now());
        let latest = self.place.latest.take();
        self.place = Place {
            latest: latest.map(|latest| not_after(&latest, now)),
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
        let progress = Estimate {
            done: self.done,
            of: self.total,
        };
        self.outlet.send(Message::Progress(progress)).await
    }
}
