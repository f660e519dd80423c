//! Logs that agencies' servers keep for streams of changes: one that nobody reads any more would fill
//! their disks.

use std::time::Duration;

use rabt_connect::{ConnectError, Mode, StreamSpec};

use crate::registry::Registered;
use crate::services::Services;

/// Longest time that a database is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

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
        .filter(|spec| matches!(spec.mode, Mode::Changes { .. }) && wanted(spec))
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
