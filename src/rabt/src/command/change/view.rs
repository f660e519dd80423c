//! Changes, as rows for people and objects for programs.

use rabt_model::{ChangeKind, Label};
use rabt_proto::change as pb;
use serde::Serialize;

use crate::command::citizen::instant;
use crate::render::table;

/// Some changes of the feed.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    changes: Vec<Row>,
    resume: String,
    end: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    sequence: u64,
    kind: &'static str,
    label: Label,
    citizen: String,
    other: Option<String>,
    attributes: Vec<String>,
    joined: Vec<String>,
    left: Vec<String>,
    cause: &'static str,
    recorded_at: String,
    supersedes: Option<u64>,
}

impl Told {
    pub(super) fn of(changes: &[pb::Change], resume: String, end: bool) -> Self {
        Self {
            changes: changes.iter().map(row).collect(),
            resume,
            end,
        }
    }

    /// Returns the table for people, and how to go on.
    pub(super) fn to_text(&self) -> String {
        if self.changes.is_empty() {
            return format!("nothing happened\ngo on with --resume {}", self.resume);
        }
        let more = if self.end { "" } else { "; there may be more" };
        format!(
            "{}\ngo on with --resume {}{more}",
            self.to_lines(),
            self.resume
        )
    }

    /// Returns the table for people.
    pub(super) fn to_lines(&self) -> String {
        let rows = self.changes.iter().map(|row| {
            let superseded = row.supersedes.map(|told| told.to_string());
            vec![
                row.sequence.to_string(),
                format!("{} / {}", row.label.en, row.label.ar),
                row.citizen.clone(),
                row.other.clone().unwrap_or_default(),
                row.attributes.join(" "),
                row.cause.to_owned(),
                row.recorded_at.clone(),
                superseded.unwrap_or_default(),
            ]
        });
        let head = [
            "number",
            "what",
            "citizen",
            "other",
            "attributes",
            "cause",
            "recorded",
            "supersedes",
        ];
        table(&head, rows)
    }
}

/// Returns the code of what happened, and what people call it.
pub(crate) fn kind_of(change: &pb::Change) -> (&'static str, Label) {
    let kind = change.kind();
    let known = ChangeKind::ALL.into_iter().find(|known| {
        let name = format!("CHANGE_KIND_{}", known.code().to_uppercase());
        kind.as_str_name() == name
    });
    match known {
        Some(known) => (known.code(), known.label()),
        None => ("unknown", Label::new("Unknown", "غير معروف")),
    }
}

fn row(change: &pb::Change) -> Row {
    let (kind, label) = kind_of(change);
    let id = |name: &str| name.strip_prefix("citizens/").unwrap_or(name).to_owned();
    Row {
        sequence: change.sequence,
        kind,
        label,
        citizen: id(&change.citizen),
        other: (!change.other_citizen.is_empty()).then(|| id(&change.other_citizen)),
        attributes: change.attributes.clone(),
        joined: change.joined_records.clone(),
        left: change.left_records.clone(),
        cause: match change.cause() {
            pb::ChangeCause::Link => "link",
            pb::ChangeCause::Deletion => "deletion",
            pb::ChangeCause::Decision => "decision",
            pb::ChangeCause::Rules => "rules",
            pb::ChangeCause::Unspecified => "unknown",
        },
        recorded_at: instant(change.record_time.as_ref()).unwrap_or_default(),
        supersedes: (change.supersedes > 0).then_some(change.supersedes),
    }
}

#[cfg(test)]
mod tests {
    use super::Told;
    use rabt_proto::change as pb;

    #[test]
    fn the_table_says_what_happened_to_whom() {
        let change = |sequence, kind: pb::ChangeKind| pb::Change {
            sequence,
            kind: kind.into(),
            citizen: "citizens/a".to_owned(),
            cause: pb::ChangeCause::Link.into(),
            record_time: Some(prost_types::Timestamp::default()),
            ..pb::Change::default()
        };
        let mut merged = change(2, pb::ChangeKind::Merged);
        merged.other_citizen = "citizens/b".to_owned();
        merged.supersedes = 1;
        let mut moved = change(3, pb::ChangeKind::Moved);
        moved.attributes = vec!["address".to_owned()];
        let all = [change(1, pb::ChangeKind::Born), merged, moved];
        let changes = Told::of(&all, "t0".to_owned(), true);
        insta::assert_snapshot!(changes.to_text());
    }
}
