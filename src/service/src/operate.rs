//! What operators do: describe, look at, approve and read sources, put agreements in force.
//!
//! Invariant: no source is read by a folder that a second person has not approved.

mod approve;
mod folder;
mod inspect;
mod logs;
mod run;
mod view;

use rabt_model::SourceId;
use rabt_policy::{Caller, Role};

use crate::audited::Audited;
use crate::error::{AuditError, OperateError};
use crate::event;
use crate::services::Services;

pub use approve::approve_source;
pub use folder::{
    Exported, NewSource, create_source, export_source, update_source, withdraw_source,
};
pub use inspect::{
    Discovered, Previewed, Proposed, check_source, discover_source, preview_source, propose_source,
};
pub use run::{
    list_runs, pause_source, replay_source, resume_source, retire_source, rewind_source,
    start_source,
};
pub use view::{FolderView, SourceView, get_source, list_sources};

/// What a kind of source says of a database, for those who show it.
pub use rabt_connect::{
    ColumnShapes, Example, Filter, Finding, Outcome, RejectedCount, Shape, StreamPreview, Surveyed,
};
pub use rabt_storage::StoredRun as RunView;

const WRITERS: [Role; 2] = [Role::Operator, Role::Approver];
const READERS: [Role; 4] = [
    Role::Operator,
    Role::Approver,
    Role::Auditor,
    Role::SecurityOfficer,
];

/// Refuses callers of other roles; the refusal is audited.
async fn allow(
    services: &Services,
    caller: &Caller,
    method: &str,
    roles: &[Role],
) -> Result<(), OperateError> {
    match refuse(services, caller, method, roles).await? {
        None => Ok(()),
        Some(refusal) => Err(OperateError::NotPermitted(refusal)),
    }
}

/// Returns the audited refusal of a caller whose role is none of these.
pub(crate) async fn refuse(
    services: &Services,
    caller: &Caller,
    method: &str,
    roles: &[Role],
) -> Result<Option<Audited<()>>, AuditError> {
    if roles.contains(&caller.role) {
        return Ok(None);
    }
    let policy = services.policy.current();
    let (revision, at) = (policy.revision(), services.clock.now());
    let entry = event::of_refusal(caller, (method, "ROLE"), revision, at);
    services.audit.record(entry, ()).await.map(Some)
}

fn unknown(id: &SourceId) -> OperateError {
    OperateError::NotFound {
        thing: "source",
        name: id.to_string(),
    }
}
