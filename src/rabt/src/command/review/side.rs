//! Two citizens side by side, attribute by attribute.

use std::collections::BTreeSet;

use rabt_model::Label;
use rabt_proto::{common, linkage as pb};
use serde::Serialize;

use super::evidence::Waterfall;
use super::view::Task;
use super::word::{both, plain};
use crate::command::citizen::{Row, rows};
use crate::render::table;

/// A task as a clerk sees it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    task: Task,
    protected: bool,
    attributes: Vec<Compared>,
    explanation: Option<Waterfall>,
}

/// One attribute of both citizens.
#[derive(Debug, Serialize)]
struct Compared {
    attribute: String,
    label: Label,
    left: Vec<Held>,
    right: Vec<Held>,
    agreement: Agreement,
}

/// A value and who holds it.
#[derive(Debug, Serialize)]
struct Held {
    value: String,
    agency: String,
    record: String,
}

/// Whether the two agree in an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Agreement {
    /// A value of one is a value of the other, letter by letter.
    Agree,
    /// Both have values, and none is the same.
    Differ,
    /// One of the two has no value.
    OneSided,
}

impl Shown {
    /// Returns a task with both citizens.
    pub(super) fn of(answer: &pb::GetReviewTaskResponse) -> Self {
        Self {
            task: Task::of(&answer.task.clone().unwrap_or_default()),
            protected: answer.protected,
            attributes: compare(answer.left.as_ref(), answer.right.as_ref()),
            explanation: answer.explanation.as_ref().map(Waterfall::of),
        }
    }

    /// Returns the question, both citizens and the evidence for people.
    pub(super) fn to_text(&self) -> String {
        let protected = if self.protected {
            "one of the two is protected: another person must confirm the answer / \
             أحدهما محمي: يجب أن يؤكد الإجابة شخص ثانٍ\n"
        } else {
            ""
        };
        let rows = self.attributes.iter().map(|one| {
            vec![
                both(&one.label),
                cell(&one.left),
                cell(&one.right),
                one.agreement.words().to_owned(),
            ]
        });
        let sides = table(&["attribute", "left", "right", ""], rows);
        let evidence = match &self.explanation {
            Some(waterfall) => waterfall.to_text(),
            None => "one of the two records is no more; look at the list again".to_owned(),
        };
        format!("{}{protected}\n{sides}\n\n{evidence}", self.task.to_text())
    }
}

impl Agreement {
    const fn words(self) -> &'static str {
        match self {
            Self::Agree => "agree / متفقان",
            Self::Differ => "differ / مختلفان",
            Self::OneSided => "one side only / عند أحدهما فقط",
        }
    }
}

fn compare(left: Option<&common::Citizen>, right: Option<&common::Citizen>) -> Vec<Compared> {
    let values = |citizen: Option<&common::Citizen>| citizen.map(rows).unwrap_or_default();
    let (left, right) = (values(left), values(right));
    let mut seen = BTreeSet::new();
    let mut compared = Vec::new();
    for row in left.iter().chain(&right) {
        if seen.insert(row.attribute.as_str()) {
            compared.push(attribute(row, &left, &right));
        }
    }
    compared
}

fn attribute(row: &Row, left: &[Row], right: &[Row]) -> Compared {
    let of = |rows: &[Row]| -> Vec<Held> {
        let rows = rows.iter().filter(|one| one.attribute == row.attribute);
        rows.map(Held::of).collect()
    };
    let (left, right) = (of(left), of(right));
    let agreement = if left.is_empty() || right.is_empty() {
        Agreement::OneSided
    } else if left
        .iter()
        .any(|one| right.iter().any(|other| one.value == other.value))
    {
        Agreement::Agree
    } else {
        Agreement::Differ
    };
    Compared {
        attribute: row.attribute.clone(),
        label: row.label.clone(),
        left,
        right,
        agreement,
    }
}

impl Held {
    fn of(row: &Row) -> Self {
        Self {
            value: row.value.clone(),
            agency: row.agency.clone(),
            record: row.record.clone(),
        }
    }
}

/// Returns the values of one side, a line each.
fn cell(values: &[Held]) -> String {
    let lines: Vec<String> = values
        .iter()
        .map(|one| format!("{} ({}, {})", plain(&one.value), one.agency, one.record))
        .collect();
    lines.join("\n")
}
