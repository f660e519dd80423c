//! Tasks and decisions, as rows for people and objects for programs.

use std::fmt::Write;

use rabt_model::Label;
use rabt_proto::linkage as pb;
use serde::Serialize;

use super::word::{self, both, id, plain};
use crate::command::citizen::instant;
use crate::render::table;

/// What is asked.
#[derive(Debug, Serialize)]
pub(super) struct Tasks {
    tasks: Vec<Task>,
    more: bool,
}

/// A task that was claimed or given back.
#[derive(Debug, Serialize)]
pub(super) struct OneTask {
    #[serde(flatten)]
    task: Task,
}

/// One question.
#[derive(Debug, Serialize)]
pub(super) struct Task {
    #[serde(rename = "task")]
    number: String,
    kind: &'static str,
    label: Label,
    created_at: Option<String>,
    left: Side,
    right: Side,
    weight_bits: f64,
    pairs: u32,
    worth: u32,
    claimed_by: Option<String>,
    claimed_until: Option<String>,
    proposal: Option<String>,
}

#[derive(Debug, Serialize)]
struct Side {
    citizen: String,
    record: String,
}

/// Decisions, the last one first.
#[derive(Debug, Serialize)]
pub(super) struct Decisions {
    decisions: Vec<Decided>,
    more: bool,
}

/// A decision with its life so far.
#[derive(Debug, Serialize)]
pub(super) struct Decided {
    decision: String,
    judgement: &'static str,
    judgement_label: Label,
    origin: &'static str,
    origin_label: Label,
    state: &'static str,
    state_label: Label,
    pairs: Vec<[String; 2]>,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize)]
struct Step {
    state: &'static str,
    label: Label,
    by: String,
    at: String,
    reason: String,
}

impl Tasks {
    /// Returns a page of tasks.
    pub(super) fn of(answer: &pb::ListReviewTasksResponse) -> Self {
        Self {
            tasks: answer.tasks.iter().map(Task::of).collect(),
            more: !answer.next_page_token.is_empty(),
        }
    }

    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        if self.tasks.is_empty() {
            return "nothing is asked".to_owned();
        }
        let mut text = table(&TASK_HEAD, self.tasks.iter().map(Task::cells));
        if self.more {
            text.push_str("\nthere are more; answer these, or give a higher --limit");
        }
        text
    }
}

impl OneTask {
    /// Returns one task.
    pub(super) fn of(task: &pb::ReviewTask) -> Self {
        Self {
            task: Task::of(task),
        }
    }

    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        table(&TASK_HEAD, [self.task.cells()])
    }
}

const TASK_HEAD: [&str; 9] = [
    "task",
    "why",
    "left",
    "right",
    "bits",
    "pairs",
    "worth",
    "claimed by",
    "until",
];

impl Task {
    pub(super) fn of(task: &pb::ReviewTask) -> Self {
        let (kind, label) = word::kind(task.kind());
        let side = |side: &Option<pb::ReviewSide>| {
            let side = side.clone().unwrap_or_default();
            Side {
                citizen: id(&side.citizen),
                record: side.record,
            }
        };
        let claim = task.claim.as_ref();
        Self {
            number: id(&task.name),
            kind,
            label,
            created_at: instant(task.create_time.as_ref()),
            left: side(&task.left),
            right: side(&task.right),
            weight_bits: task.weight_bits,
            pairs: task.pair_count,
            worth: task.worth,
            claimed_by: claim.map(|claim| claim.claimant.clone()),
            claimed_until: claim.and_then(|claim| instant(claim.expire_time.as_ref())),
            proposal: (!task.proposal.is_empty()).then(|| id(&task.proposal)),
        }
    }

    /// Returns what is asked, in a few lines.
    pub(super) fn to_text(&self) -> String {
        let Self { left, right, .. } = self;
        let mut text = format!(
            "task {}: {}\nleft:  citizen {}, record {}\nright: citizen {}, record {}\n",
            self.number,
            both(&self.label),
            left.citizen,
            left.record,
            right.citizen,
            right.record,
        );
        if let (Some(by), Some(until)) = (&self.claimed_by, &self.claimed_until) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "claimed by {by} until {until}");
        }
        if let Some(proposal) = &self.proposal {
            let _ = writeln!(text, "decision {proposal} waits for a second person");
        }
        text
    }

    fn cells(&self) -> Vec<String> {
        let waits = self.proposal.as_ref();
        let why = match waits {
            None => both(&self.label),
            Some(number) => format!("{}; decision {number} waits", both(&self.label)),
        };
        vec![
            self.number.clone(),
            why,
            self.left.citizen.clone(),
            self.right.citizen.clone(),
            format!("{:+.2}", self.weight_bits),
            self.pairs.to_string(),
            self.worth.to_string(),
            self.claimed_by.clone().unwrap_or_default(),
            self.claimed_until.clone().unwrap_or_default(),
        ]
    }
}

impl Decisions {
    /// Returns a page of decisions.
    pub(super) fn of(answer: &pb::ListDecisionsResponse) -> Self {
        Self {
            decisions: answer.decisions.iter().map(Decided::of).collect(),
            more: !answer.next_page_token.is_empty(),
        }
    }

    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        if self.decisions.is_empty() {
            return "nothing was decided".to_owned();
        }
        let rows = self.decisions.iter().map(|one| {
            let first = one.steps.first();
            vec![
                one.decision.clone(),
                both(&one.judgement_label),
                both(&one.origin_label),
                both(&one.state_label),
                one.pairs.len().to_string(),
                first.map(|step| step.by.clone()).unwrap_or_default(),
                first.map(|step| step.at.clone()).unwrap_or_default(),
            ]
        });
        let head = ["decision", "what", "how", "state", "pairs", "by", "at"];
        let mut text = table(&head, rows);
        if self.more {
            text.push_str("\nthere are more; give a higher --limit");
        }
        text
    }
}

/// Pairs of records that are shown to people.
const PAIRS: usize = 20;

impl Decided {
    /// Returns one decision.
    pub(super) fn of(decision: &pb::Decision) -> Self {
        let (judgement, judgement_label) = word::judgement(decision.judgement());
        let (origin, origin_label) = word::origin(decision.origin());
        let (state, state_label) = word::state(decision.state());
        let pairs = decision.pairs.iter();
        Self {
            decision: id(&decision.name),
            judgement,
            judgement_label,
            origin,
            origin_label,
            state,
            state_label,
            pairs: pairs
                .map(|pair| [pair.left_record.clone(), pair.right_record.clone()])
                .collect(),
            steps: decision.steps.iter().map(Step::of).collect(),
        }
    }

    /// Returns the decision and its steps for people.
    pub(super) fn to_text(&self) -> String {
        let shown = self.pairs.iter().take(PAIRS);
        let shown: Vec<String> = shown.map(|pair| pair.join("–")).collect();
        let more = match self.pairs.len().saturating_sub(PAIRS) {
            0 => String::new(),
            left => format!(" and {left} more"),
        };
        let rows = self.steps.iter().map(|step| {
            vec![
                step.at.clone(),
                both(&step.label),
                step.by.clone(),
                plain(&step.reason),
            ]
        });
        format!(
            "decision {}: {}\nhow: {}\nstate: {}\npairs of records: {}{more}\n\n{}",
            self.decision,
            both(&self.judgement_label),
            both(&self.origin_label),
            both(&self.state_label),
            shown.join(", "),
            table(&["at", "then", "by", "why"], rows)
        )
    }
}

impl Step {
    fn of(step: &pb::DecisionStep) -> Self {
        let (state, label) = word::state(step.state());
        Self {
            state,
            label,
            by: step.person.clone(),
            at: instant(step.record_time.as_ref()).unwrap_or_default(),
            reason: step.reason.clone(),
        }
    }
}
