//! The stored form of a change: compact JSON, the same in both backends.

use rabt_model::{Attribute, Change, ChangeCause, ChangeKind, CitizenId, RecordNumber, View};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::StorageError;
use crate::convert::{ChangeRow, corrupt, to_citizen, to_count, to_integer, to_timestamp};
use crate::row::StoredChange;

/// What a change names beside citizens; what it does not name is left out.
#[derive(Serialize, Deserialize)]
struct Body {
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<Attribute>,
    #[serde(rename = "j", default, skip_serializing_if = "Vec::is_empty")]
    joined: Vec<i64>,
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    left: Vec<i64>,
    /// Absent when it is told to everybody.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    view: Option<String>,
}

/// The last change of a transaction that names each citizen.
#[derive(Default)]
pub(crate) struct Told(FxHashMap<CitizenId, i64>);

impl Told {
    /// Learns of changes that stand behind `last`.
    pub(crate) fn add(&mut self, last: u64, changes: &[Change]) {
        for (sequence, change) in (last + 1..).zip(changes) {
            for citizen in [Some(change.citizen), change.other].into_iter().flatten() {
                self.0.insert(citizen, to_integer(sequence));
            }
        }
    }

    /// Returns the number of a citizen's last change, 0 when this transaction has none.
    pub(crate) fn of(&self, citizen: CitizenId) -> i64 {
        self.0.get(&citizen).copied().unwrap_or(0)
    }
}

/// Returns the body of a change.
pub(crate) fn encode_change(change: &Change) -> Result<String, StorageError> {
    let numbers = |records: &[RecordNumber]| records.iter().map(|record| record.0).collect();
    let body = Body {
        attributes: change.attributes.clone(),
        joined: numbers(&change.joined),
        left: numbers(&change.left),
        view: (change.view != View::Every).then(|| change.view.code().to_owned()),
    };
    serde_json::to_string(&body).map_err(|_| corrupt("changes", "a body cannot be written"))
}

/// Returns the change of a row.
pub(crate) fn decode_change(row: ChangeRow) -> Result<StoredChange, StorageError> {
    let (sequence, kind, citizen, other, body, cause, at, supersedes) = row;
    let body: Body =
        serde_json::from_str(&body).map_err(|_| corrupt("changes", "the body is malformed"))?;
    let numbers = |records: Vec<i64>| records.into_iter().map(RecordNumber).collect();
    let view = match body.view {
        None => View::Every,
        Some(code) => {
            View::from_code(&code).ok_or_else(|| corrupt("changes", "the view is unknown"))?
        }
    };
    Ok(StoredChange {
        sequence: to_count(sequence),
        recorded_at: to_timestamp("changes", at)?,
        change: Change {
            kind: ChangeKind::from_code(&kind)
                .ok_or_else(|| corrupt("changes", "the kind is unknown"))?,
            citizen: to_citizen(&citizen)?,
            other: other.map(|other| to_citizen(&other)).transpose()?,
            attributes: body.attributes,
            joined: numbers(body.joined),
            left: numbers(body.left),
            cause: ChangeCause::from_code(&cause)
                .ok_or_else(|| corrupt("changes", "the cause is unknown"))?,
            supersedes: supersedes.map(to_count),
            view,
        },
    })
}
