//! From tasks, decisions and what they led to, to messages.

use rabt_model::{CitizenId, Judgement, Profile, RecordNumber, ReviewKind};
use rabt_proto::{common, linkage};
use rabt_service::review::{
    DecisionOrigin, DecisionState, DecisionStep, DecisionView, Outcome, Preview, TaskDetail,
    TaskView,
};
use rabt_service::{Audited, Explanation, ExplanationStep, Shadow, Verdict};

use super::change::happened;
use super::{timestamp, value};

/// The engine's units in a bit.
const UNITS: f64 = 1024.0;

/// Returns a task. It names citizens and records and holds no values.
pub(crate) fn task(view: &TaskView) -> linkage::ReviewTask {
    let asked = &view.task;
    linkage::ReviewTask {
        name: format!("reviewTasks/{}", view.number.0),
        kind: of_kind(asked.kind).into(),
        create_time: Some(timestamp(view.created_at)),
        left: Some(side(asked.left)),
        right: Some(side(asked.right)),
        weight_bits: bits(asked.weight),
        pair_count: asked.pairs,
        worth: asked.worth,
        claim: view.claim.as_ref().map(|(by, until)| linkage::ReviewClaim {
            claimant: by.clone(),
            expire_time: Some(timestamp(*until)),
        }),
        proposal: view
            .proposal
            .map(|decision| format!("decisions/{}", decision.0))
            .unwrap_or_default(),
    }
}

/// Returns a task with the values of both citizens.
pub(crate) fn detail(detail: &Audited<TaskDetail>) -> linkage::GetReviewTaskResponse {
    linkage::GetReviewTaskResponse {
        task: Some(task(&detail.task)),
        left: detail.left.as_ref().map(citizen),
        right: detail.right.as_ref().map(citizen),
        protected: detail.protected,
        explanation: detail.explanation.as_ref().map(explanation_of),
    }
}

/// Returns a decision; the reasons of its steps, which may name people, only where it is asked.
pub(crate) fn decision(view: &DecisionView, reasons: bool) -> linkage::Decision {
    let pairs = view.pairs.iter().map(|(left, right)| linkage::RecordPair {
        left_record: record(*left),
        right_record: record(*right),
    });
    linkage::Decision {
        name: format!("decisions/{}", view.number.0),
        judgement: of_judgement(view.judgement).into(),
        origin: of_origin(view.origin).into(),
        state: of_state(view.state()).into(),
        pairs: pairs.collect(),
        steps: view.steps.iter().map(|one| step(one, reasons)).collect(),
    }
}

/// Returns what a decision led to.
pub(crate) fn outcome(outcome: &Audited<Outcome>) -> linkage::DecisionOutcome {
    linkage::DecisionOutcome {
        decision: format!("decisions/{}", outcome.decision.0),
        state: of_state(outcome.state).into(),
        changes: outcome.changes.iter().map(happened).collect(),
    }
}

/// Returns what a decision would lead to.
pub(crate) fn preview(preview: &Audited<Preview>) -> linkage::Preview {
    linkage::Preview {
        changes: preview.changes.iter().map(happened).collect(),
        second_person: preview.second_person,
    }
}

/// Returns what speaks for and against two records. It names comparisons and levels, no values.
pub(crate) fn explanation_of(explained: &Explanation) -> linkage::PairExplanation {
    let (prior, kin) = explained.prior;
    let verdict = match explained.verdict {
        Verdict::Link => linkage::LinkVerdict::Link,
        Verdict::Review => linkage::LinkVerdict::Review,
        Verdict::NonLink => linkage::LinkVerdict::NonLink,
    };
    let step = |step: &ExplanationStep| linkage::EvidenceStep {
        comparison: step.comparison.clone(),
        level: step.level.clone(),
        evidence: Some(evidence(step.stranger, kin.map(|_| step.kin))),
    };
    linkage::PairExplanation {
        prior: Some(evidence(prior, kin)),
        steps: explained.steps.iter().map(step).collect(),
        rule: explained.rule.clone().unwrap_or_default(),
        weight_bits: bits(explained.weight.0),
        verdict: verdict.into(),
    }
}

/// Returns the kind that a request names; `None` when it names none that there is.
pub(crate) fn review_kind(asked: linkage::ReviewKind) -> Option<ReviewKind> {
    ReviewKind::ALL
        .into_iter()
        .find(|kind| of_kind(*kind) == asked)
}

fn citizen(profile: &Profile) -> common::Citizen {
    value::citizen(profile.citizen, &profile.values, "")
}

fn side((number, citizen): (RecordNumber, CitizenId)) -> linkage::ReviewSide {
    linkage::ReviewSide {
        citizen: format!("citizens/{citizen}"),
        record: record(number),
    }
}

fn record(number: RecordNumber) -> String {
    number.0.to_string()
}

fn step(step: &DecisionStep, reasons: bool) -> linkage::DecisionStep {
    let reason = reasons.then(|| step.reason.expose().clone());
    linkage::DecisionStep {
        state: of_state(step.state).into(),
        person: step.by.clone(),
        record_time: Some(timestamp(step.at)),
        reason: reason.unwrap_or_default(),
    }
}

fn evidence(stranger: i32, kin: Option<i32>) -> linkage::Evidence {
    linkage::Evidence {
        stranger_bits: bits(stranger),
        relative_bits: kin.map(bits),
    }
}

fn bits(weight: i32) -> f64 {
    f64::from(weight) / UNITS
}

fn of_kind(kind: ReviewKind) -> linkage::ReviewKind {
    match kind {
        ReviewKind::Band => linkage::ReviewKind::Band,
        ReviewKind::Ambiguous => linkage::ReviewKind::Ambiguous,
        ReviewKind::Conflict => linkage::ReviewKind::Conflict,
    }
}

fn of_judgement(judgement: Judgement) -> linkage::Judgement {
    match judgement {
        Judgement::Same => linkage::Judgement::Same,
        Judgement::Different => linkage::Judgement::Different,
        Judgement::Ignore => linkage::Judgement::Ignore,
    }
}

fn of_state(state: DecisionState) -> linkage::DecisionState {
    match state {
        DecisionState::Proposed => linkage::DecisionState::Proposed,
        DecisionState::Standing => linkage::DecisionState::Standing,
        DecisionState::UndoProposed => linkage::DecisionState::UndoProposed,
        DecisionState::Undone => linkage::DecisionState::Undone,
        DecisionState::Withdrawn => linkage::DecisionState::Withdrawn,
    }
}

fn of_origin(origin: DecisionOrigin) -> linkage::DecisionOrigin {
    match origin {
        DecisionOrigin::Task => linkage::DecisionOrigin::Task,
        DecisionOrigin::Merge => linkage::DecisionOrigin::Merge,
        DecisionOrigin::Split => linkage::DecisionOrigin::Split,
        DecisionOrigin::Agency => linkage::DecisionOrigin::Agency,
    }
}

/// Translates what another model would make of the registry.
pub(crate) fn shadow(shadow: &Audited<Shadow>) -> linkage::ShadowModelResponse {
    linkage::ShadowModelResponse {
        model: shadow.model.clone(),
        records: shadow.records,
        citizens: shadow.citizens,
        citizens_then: shadow.citizens_then,
        moved_records: shadow.moved_records,
        merged_citizens: shadow.merged_citizens,
        split_citizens: shadow.split_citizens,
        splits: shadow.splits,
        merges: shadow.merges,
        links: shadow.links,
        reviews: shadow.reviews,
    }
}

#[cfg(test)]
mod tests {
    use rabt_model::{DecisionNumber, Judgement, Pii, RecordNumber, ReviewKind};
    use rabt_proto::linkage;
    use rabt_service::review::{DecisionOrigin, DecisionState, DecisionStep, DecisionView};

    use super::{decision, of_kind, review_kind};

    #[test]
    fn kinds_are_known_by_their_numbers() {
        for kind in ReviewKind::ALL {
            assert_eq!(review_kind(of_kind(kind)), Some(kind));
        }
        assert_eq!(review_kind(linkage::ReviewKind::Unspecified), None);
    }

    #[test]
    fn reasons_leave_only_where_they_are_asked() {
        let view = DecisionView {
            number: DecisionNumber(4),
            judgement: Judgement::Same,
            origin: DecisionOrigin::Merge,
            pairs: vec![(RecordNumber(1), RecordNumber(7))],
            steps: vec![DecisionStep {
                state: DecisionState::Proposed,
                by: "platform:clerk-1".to_owned(),
                at: "2026-06-01T10:00:00Z".parse().unwrap(),
                reason: Pii::new("seen at the desk".to_owned()),
            }],
        };
        let told = decision(&view, true);
        assert_eq!(told.name, "decisions/4");
        assert_eq!(told.state(), linkage::DecisionState::Proposed);
        assert_eq!(told.pairs[0].right_record, "7");
        assert_eq!(told.steps[0].reason, "seen at the desk");
        assert_eq!(decision(&view, false).steps[0].reason, "");
    }
}
