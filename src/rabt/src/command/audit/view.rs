//! Entries, as rows for people and objects for programs.

use rabt_proto::audit as pb;
use serde::Serialize;

use crate::command::citizen::instant;
use crate::render::table;

/// Some entries of the log.
#[derive(Debug, Serialize)]
pub(super) struct Events {
    events: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    leaf: u64,
    occurred_at: String,
    kind: String,
    actor: String,
    agency: String,
    agreement: String,
    method: String,
    outcome: String,
    subject_count: u32,
    /// The entry itself; null when it is no JSON, which no node writes.
    body: serde_json::Value,
}

impl Events {
    pub(super) fn of(events: &[pb::Event]) -> Self {
        Self {
            events: events.iter().map(row).collect(),
        }
    }

    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        if self.events.is_empty() {
            return "there is no such entry".to_owned();
        }
        let rows = self.events.iter().map(|row| {
            vec![
                row.leaf.to_string(),
                row.occurred_at.clone(),
                row.kind.clone(),
                row.actor.clone(),
                row.agreement.clone(),
                row.method.clone(),
                row.outcome.clone(),
                row.subject_count.to_string(),
            ]
        });
        let head = [
            "leaf",
            "when",
            "kind",
            "who",
            "agreement",
            "method",
            "outcome",
            "people",
        ];
        table(&head, rows)
    }
}

fn row(event: &pb::Event) -> Row {
    Row {
        leaf: event.leaf,
        occurred_at: instant(event.occurred_at.as_ref()).unwrap_or_default(),
        kind: event.kind.clone(),
        actor: event.actor.clone(),
        agency: event.agency.clone(),
        agreement: event.agreement.clone(),
        method: event.method.clone(),
        outcome: event.outcome.clone(),
        subject_count: event.subject_count,
        body: serde_json::from_str(&event.body).unwrap_or_default(),
    }
}
