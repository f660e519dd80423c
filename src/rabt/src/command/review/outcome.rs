//! What a decision led to, or would lead to.

use rabt_model::Label;
use rabt_proto::{change, linkage as pb};
use serde::Serialize;

use super::word::{self, both, id};
use crate::command::change::kind_of;
use crate::render::table;

/// What a decision or a step of it led to.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    decision: String,
    state: &'static str,
    label: Label,
    changes: Vec<Happened>,
}

/// What a decision would lead to.
#[derive(Debug, Serialize)]
pub(super) struct Foreseen {
    second_person: bool,
    changes: Vec<Happened>,
}

/// Whether a citizen is protected now.
#[derive(Debug, Serialize)]
pub(super) struct Protected {
    citizen: String,
    protected: bool,
}

/// One thing that happened, or would.
#[derive(Debug, Serialize)]
struct Happened {
    kind: &'static str,
    label: Label,
    citizen: String,
    other: Option<String>,
    attributes: Vec<String>,
    joined: Vec<String>,
    left: Vec<String>,
    supersedes: Option<u64>,
}

impl Outcome {
    /// Returns what was answered.
    pub(super) fn of(outcome: &pb::DecisionOutcome) -> Self {
        let (state, label) = word::state(outcome.state());
        Self {
            decision: id(&outcome.decision),
            state,
            label,
            changes: outcome.changes.iter().map(Happened::of).collect(),
        }
    }

    /// Returns what happened, and what is to be done next.
    pub(super) fn to_text(&self) -> String {
        let Self { decision, .. } = self;
        let next = match self.state {
            "proposed" | "undo_proposed" => {
                format!("another person must run: rabt review confirm {decision} --reason TEXT")
            }
            "standing" => format!("to undo it: rabt review undo {decision} --reason TEXT"),
            _ => String::new(),
        };
        let happened = listed(&self.changes, "nothing happened to citizens");
        let state = both(&self.label);
        format!("decision {decision}: {state}\n{happened}\n{next}")
    }
}

impl Foreseen {
    /// Returns what was answered.
    pub(super) fn of(preview: &pb::Preview) -> Self {
        Self {
            second_person: preview.second_person,
            changes: preview.changes.iter().map(Happened::of).collect(),
        }
    }

    /// Returns what would happen.
    pub(super) fn to_text(&self) -> String {
        let happened = listed(&self.changes, "nothing would happen to citizens");
        let second = if self.second_person {
            "a second person would have to confirm it"
        } else {
            "it would take effect at once"
        };
        format!("{happened}\n{second}; nothing was changed")
    }
}

impl Protected {
    /// Returns the mark of a citizen.
    pub(super) fn of(citizen: &str, protected: bool) -> Self {
        Self {
            citizen: id(citizen),
            protected,
        }
    }

    /// Returns the mark for people.
    pub(super) fn to_text(&self) -> String {
        let is = if self.protected {
            "is protected / محمي"
        } else {
            "is not protected / غير محمي"
        };
        format!("citizen {} {is}", self.citizen)
    }
}

impl Happened {
    fn of(change: &change::Change) -> Self {
        let (kind, label) = kind_of(change);
        Self {
            kind,
            label,
            citizen: id(&change.citizen),
            other: (!change.other_citizen.is_empty()).then(|| id(&change.other_citizen)),
            attributes: change.attributes.clone(),
            joined: change.joined_records.clone(),
            left: change.left_records.clone(),
            supersedes: (change.supersedes > 0).then_some(change.supersedes),
        }
    }
}

fn listed(changes: &[Happened], none: &str) -> String {
    if changes.is_empty() {
        return none.to_owned();
    }
    let rows = changes.iter().map(|one| {
        let superseded = one.supersedes.map(|told| told.to_string());
        vec![
            both(&one.label),
            one.citizen.clone(),
            one.other.clone().unwrap_or_default(),
            one.attributes.join(" "),
            one.joined.join(" "),
            one.left.join(" "),
            superseded.unwrap_or_default(),
        ]
    });
    let head = [
        "what",
        "citizen",
        "other",
        "attributes",
        "records that came",
        "records that left",
        "supersedes",
    ];
    table(&head, rows)
}
