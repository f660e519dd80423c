//! What to read.

use std::time::Duration;

use rabt_proto::source as pb;

use super::{Misfit, milliseconds};
use crate::connector::{Mode, Plan};

/// Returns a plan as a message.
pub(crate) fn plan(plan: &Plan) -> pb::Plan {
    let (cursor, lag, changes) = match &plan.mode {
        Mode::Snapshot => (None, None, None),
        Mode::Incremental { cursor, lag } => (Some(cursor.clone()), *lag, None),
        Mode::Changes { follow } => (None, None, Some(pb::Changes { follow: *follow })),
    };
    pb::Plan {
        stream: plan.stream.to_string(),
        schema: plan.schema.clone(),
        table: plan.table.clone(),
        key: plan.key.clone(),
        columns: plan.columns.clone(),
        cursor,
        lag_ms: lag.map(milliseconds),
        chunk_rows: plan.chunk_rows,
        changes,
    }
}

/// Returns the plan of a message.
pub(in crate::process) fn plan_of(message: Option<pb::Plan>) -> Result<Plan, Misfit> {
    let message = message.ok_or_else(|| Misfit::new("no plan"))?;
    let stream = message.stream.parse();
    let lag = message.lag_ms.map(Duration::from_millis);
    Ok(Plan {
        stream: stream.map_err(|_| Misfit::new("a plan of no stream"))?,
        schema: message.schema,
        table: message.table,
        key: message.key,
        columns: message.columns,
        mode: match (message.cursor, message.changes) {
            (None, None) => Mode::Snapshot,
            (Some(cursor), None) => Mode::Incremental { cursor, lag },
            (None, Some(pb::Changes { follow })) => Mode::Changes { follow },
            (Some(_), Some(_)) => return Err(Misfit::new("a plan of changes with a cursor")),
        },
        chunk_rows: message.chunk_rows,
    })
}
