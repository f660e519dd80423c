//! Logs that agencies' servers keep for streams of changes: one that nobody reads any more would fill
//! their disks.

use std::sync::Arc;
use std::time::Duration;

use rabt_connect::{Agency, ConnectError, Mode, StreamSpec};
use rabt_model::StreamId;

use crate::registry::Registered;
use crate::services::Services;

/// Longest time that a database is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The logs of a source that the folder in force now does not read: those of streams and databases
/// that it names no more.
pub(super) struct Left {
    before: Arc<Registered>,
    streams: Vec<StreamId>,
}

impl Left {
    /// Returns what an agency's folder leaves of a source as it was until now, if it leaves anything.
    pub(super) fn of(before: Arc<Registered>, agency: &Agency) -> Option<Self> {
        let now = agency.sources.iter().find(|spec| spec.id == before.spec.id);
        let elsewhere =
            now.is_none_or(|now| now.kind != before.spec.kind || now.config != before.spec.config);
        let left = |stream: &&StreamSpec| {
            let mut streams = now.into_iter().flat_map(|now| &now.streams);
            let reads = streams.any(|now| now.id == stream.id && now.mode == stream.mode);
            is_logged(stream) && (elsewhere || !reads)
        };
        let streams = before.spec.streams.iter().filter(left);
        let streams: Vec<StreamId> = streams.map(|stream| stream.id.clone()).collect();
        (!streams.is_empty()).then_some(Self { before, streams })
    }

    /// Tells the database. What cannot be told does not undo an approval.
    pub(super) async fn let_go(self, services: &Services) {
        let left = |stream: &StreamSpec| self.streams.contains(&stream.id);
        if let Err(error) = let_go(services, &self.before, left).await {
            let source = &self.before.spec.id;
            tracing::warn!(%source, %error, "a server keeps a log that nobody reads; drop it there");
        }
    }
}

const fn is_logged(stream: &StreamSpec) -> bool {
    matches!(stream.mode, Mode::Changes { .. })
}

/// Tells a source's database that the streams of changes that `wanted` names are not read any more.
/// All of them are tried.
///
/// # Errors
/// The first that could not be told; its server keeps its log.
pub(super) async fn let_go(
    services: &Services,
    registered: &Registered,
    wanted: impl Fn(&StreamSpec) -> bool,
) -> Result<(), ConnectError> {
    let streams = registered.spec.streams.iter();
    let kept: Vec<&StreamSpec> = streams
        .filter(|spec| is_logged(spec) && wanted(spec))
        .collect();
    if kept.is_empty() {
        return Ok(());
    }
    let session = registered.session(&services.secrets)?;
    let connector = services.kinds.connect(&registered.spec).await?;
    let mut first = Ok(());
    for spec in kept {
        let plan = spec.plan(1);
        let told = tokio::time::timeout(PATIENCE, connector.forget(&session, &plan)).await;
        let told = told.unwrap_or_else(|_| {
            Err(ConnectError::transient(
                format!("source {}", registered.spec.id),
                "did not answer when it was told to keep no log any more",
                "try it again when its database answers",
            ))
        });
        first = first.and(told);
    }
    first
}
