//! Values that records hold and that do not stand in the profile.

use std::fmt::Write;

use rabt_model::Label;
use rabt_proto::citizen as pb;
use serde::Serialize;

use crate::command::citizen::value::rule;

/// One such value.
#[derive(Debug, Serialize)]
pub(super) struct OtherRow {
    value: String,
    lost_by: &'static str,
    disputes: bool,
    holders: Vec<Holder>,
    steps: Vec<Label>,
}

#[derive(Debug, Serialize)]
struct Holder {
    agency: String,
    source: String,
    column: String,
    record: String,
}

impl OtherRow {
    pub(super) fn of(other: &pb::OtherValue) -> Self {
        let holders = other.holders.iter().map(|holder| Holder {
            agency: holder.agency.clone(),
            source: holder.source.clone(),
            column: holder.column.clone(),
            record: holder.record.clone(),
        });
        let steps = other.sentences.iter();
        Self {
            value: other.value.clone(),
            lost_by: rule(other.rule()),
            disputes: other.disputes,
            holders: holders.collect(),
            steps: steps.map(|step| Label::new(&step.en, &step.ar)).collect(),
        }
    }

    /// Returns a paragraph.
    pub(super) fn to_text(&self) -> String {
        let conflict = if self.disputes {
            " / تعارض: conflict"
        } else {
            ""
        };
        let mut text = format!(
            "another value / قيمة أخرى: {}\n  does not stand: {}{conflict}\n",
            self.value, self.lost_by
        );
        for holder in &self.holders {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "  held by {} ({}, column {}), record {}",
                holder.agency, holder.source, holder.column, holder.record
            );
        }
        for step in &self.steps {
            let _ = writeln!(text, "  - {} / {}", step.en, step.ar);
        }
        text
    }
}
