//! Entries of the audit log and what proves them.

use rabt_model::Timestamp;
use rabt_proto::audit as pb;
use rabt_service::StoredStamp;
use rabt_service::evidence::{Again, Filter, Found};
use tonic::Status;

use super::timestamp;
use crate::status::invalid;

/// Reads a filter. What its texts say is compared and nothing else, so any text is good.
pub(crate) fn filter(filter: Option<pb::EventFilter>) -> Result<Filter, Status> {
    let filter = filter.unwrap_or_default();
    Ok(Filter {
        start: time("filter.start_time", filter.start_time)?,
        end: time("filter.end_time", filter.end_time)?,
        kind: filter.kind,
        agency: filter.agency,
        agreement: filter.agreement,
        method: filter.method,
        outcome: filter.outcome,
    })
}

/// Reads a time that may be unset.
pub(crate) fn time(
    field: &str,
    at: Option<prost_types::Timestamp>,
) -> Result<Option<Timestamp>, Status> {
    let at = at.map(|at| Timestamp::new(at.seconds, at.nanos));
    at.transpose().map_err(|_| invalid(field, "must be a time"))
}

/// Returns a time stamp with the checkpoint that it is over.
pub(crate) fn stamp(stored: &StoredStamp) -> pb::CheckpointStamp {
    pb::CheckpointStamp {
        size: stored.size,
        checkpoint: note(&stored.note),
        reply: stored.reply.clone(),
    }
}

/// Returns an entry. Only its use case can make one, behind the entry that says that it was read.
pub(crate) fn event(found: &Found) -> pb::Event {
    let event = &found.entry.event;
    pb::Event {
        leaf: found.leaf,
        occurred_at: Some(timestamp(found.entry.at)),
        kind: event.kind().to_owned(),
        actor: event.actor(),
        agency: event.agency().map(ToString::to_string).unwrap_or_default(),
        agreement: event
            .agreement()
            .map(ToString::to_string)
            .unwrap_or_default(),
        method: event.method().to_owned(),
        outcome: event.outcome().to_owned(),
        subject_count: u32::try_from(event.subjects().len()).unwrap_or(u32::MAX),
        body: note(&found.body),
    }
}

/// Returns a note, or the body of an entry, as text; both are.
pub(crate) fn note(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns the hashes of a proof.
pub(crate) fn hashes(hashes: &[[u8; 32]]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.to_vec()).collect()
}

/// Returns an answer that was made again.
pub(crate) fn again(again: Again) -> pb::ReplayedAnswer {
    let differences = again.differences.into_iter();
    let difference = |(attribute, reason)| pb::AnswerDifference { attribute, reason };
    pb::ReplayedAnswer {
        outcome: again.outcome,
        same: again.same,
        obstacle: again.obstacle,
        differences: differences.map(difference).collect(),
    }
}
