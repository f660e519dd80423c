//! The messages of a read.

use std::sync::Arc;

use rabt_model::{Pii, Timestamp};
use rabt_proto::source as pb;
use rabt_proto::source::read_response::Message as Kind;

use super::rows::{batch_of, rows};
use super::{Misfit, error_of, table, table_of};
use crate::error::ConnectError;
use crate::message::{Deleted, Estimate, Message};

/// Longest position, in bytes.
const MAX_POSITION: usize = 64 * 1024;

/// Returns a message of a connector as one of the protocol.
pub(in crate::process) fn response(message: Message) -> pb::ReadResponse {
    let kind = match message {
        Message::Rows(batch) => Kind::Rows(rows(batch)),
        Message::Deleted(gone) => Kind::Deleted(pb::DeletedRows {
            rows: gone.into_iter().map(deleted).collect(),
        }),
        Message::Checkpoint { position, rows } => Kind::Checkpoint(pb::Checkpoint {
            position: position.as_str().to_owned(),
            rows,
        }),
        Message::SchemaChanged(changed) => Kind::SchemaChanged(table(changed)),
        Message::Progress(Estimate { done, of }) => Kind::Progress(pb::Progress { done, of }),
        Message::Truncated => Kind::Truncated(pb::Truncated {}),
    };
    pb::ReadResponse {
        message: Some(kind),
    }
}

/// Returns what a message says: something for the host, or why the read ends. `names` are the
/// columns of the plan.
pub(in crate::process) fn message_of(
    response: pb::ReadResponse,
    names: &Arc<[String]>,
) -> Result<Result<Message, ConnectError>, Misfit> {
    let kind = response
        .message
        .ok_or_else(|| Misfit::new("a message that says nothing"))?;
    Ok(Ok(match kind {
        Kind::Rows(message) => Message::Rows(batch_of(message, names)?),
        Kind::Deleted(message) => {
            let rows = message.rows.into_iter().map(deleted_of);
            Message::Deleted(rows.collect::<Result<_, _>>()?)
        }
        Kind::Checkpoint(pb::Checkpoint { position, rows }) => {
            if position.len() > MAX_POSITION {
                let what = format!("a position of more than {MAX_POSITION} bytes");
                return Err(Misfit::new(what));
            }
            match position.parse() {
                Ok(position) => Message::Checkpoint { position, rows },
                Err(never) => match never {},
            }
        }
        Kind::SchemaChanged(changed) => Message::SchemaChanged(table_of(changed)),
        Kind::Progress(pb::Progress { done, of }) => Message::Progress(Estimate { done, of }),
        Kind::Truncated(pb::Truncated {}) => Message::Truncated,
        Kind::Failure(failure) => return Ok(Err(error_of(&failure))),
    }))
}

fn deleted(row: Deleted) -> pb::DeletedRow {
    pb::DeletedRow {
        key: row.key.into_exposed(),
        version: row.version,
        event_at_us: row.event_at.map(Timestamp::as_microsecond),
    }
}

fn deleted_of(row: pb::DeletedRow) -> Result<Deleted, Misfit> {
    let at = row.event_at_us.map(Timestamp::from_microsecond).transpose();
    Ok(Deleted {
        key: Pii::new(row.key),
        version: row.version,
        event_at: at.map_err(|_| Misfit::new("a time that is none"))?,
    })
}
