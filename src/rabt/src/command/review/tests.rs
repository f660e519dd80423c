//! What people read, held as snapshots.

use rabt_proto::{change, common, linkage as pb};

use super::outcome::{Foreseen, Outcome};
use super::side::Shown;
use super::view::{Decided, Decisions, Tasks};

fn at(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

fn task() -> pb::ReviewTask {
    let side = |citizen: &str, record: &str| {
        Some(pb::ReviewSide {
            citizen: format!("citizens/{citizen}"),
            record: record.to_owned(),
        })
    };
    pb::ReviewTask {
        name: "reviewTasks/12".to_owned(),
        kind: pb::ReviewKind::Band.into(),
        create_time: Some(at(0)),
        left: side("a", "4"),
        right: side("b", "9"),
        weight_bits: 3.25,
        pair_count: 1,
        worth: 5,
        claim: Some(pb::ReviewClaim {
            claimant: "platform:clerk-1".to_owned(),
            expire_time: Some(at(900)),
        }),
        proposal: String::new(),
    }
}

fn origin(agency: &str, record: &str) -> common::Provenance {
    common::Provenance {
        agency: agency.to_owned(),
        record: record.to_owned(),
        ..Default::default()
    }
}

fn citizen(name: &str, year: u32, sex: Option<&str>, agency: &str) -> common::Citizen {
    let record = "4";
    common::Citizen {
        name: "citizens/a".to_owned(),
        arabic_names: vec![common::AttributedName {
            value: Some(common::PersonName {
                text: name.to_owned(),
                parts: Vec::new(),
            }),
            provenance: Some(origin(agency, record)),
        }],
        birth_date: Some(common::AttributedDate {
            value: Some(common::PartialDate {
                year,
                month: 2,
                day: 11,
            }),
            provenance: Some(origin(agency, record)),
        }),
        sex: sex.map(|sex| common::AttributedText {
            value: sex.to_owned(),
            provenance: Some(origin(agency, record)),
        }),
        ..Default::default()
    }
}

fn step(comparison: &str, level: &str, bits: f64) -> pb::EvidenceStep {
    pb::EvidenceStep {
        comparison: comparison.to_owned(),
        level: level.to_owned(),
        evidence: Some(pb::Evidence {
            stranger_bits: bits,
            relative_bits: Some(bits - 1.0),
        }),
    }
}

fn detail() -> pb::GetReviewTaskResponse {
    let name = "منى أحمد محمود";
    pb::GetReviewTaskResponse {
        task: Some(task()),
        left: Some(citizen(name, 1984, Some("female"), "civil-registry")),
        right: Some(citizen(name, 1985, None, "health-insurance")),
        protected: true,
        explanation: Some(pb::PairExplanation {
            prior: Some(pb::Evidence {
                stranger_bits: -12.0,
                relative_bits: Some(-8.0),
            }),
            steps: vec![
                step("name_chain", "equal", 18.5),
                step("birth_date", "near_year", -2.25),
            ],
            rule: String::new(),
            weight_bits: 4.25,
            verdict: pb::LinkVerdict::Review.into(),
        }),
    }
}

fn decision() -> pb::Decision {
    let step = |state: pb::DecisionState, person: &str, seconds| pb::DecisionStep {
        state: state.into(),
        person: person.to_owned(),
        record_time: Some(at(seconds)),
        reason: "seen at\u{1b}[31m the desk".to_owned(),
    };
    let pair = |left: usize, right: usize| pb::RecordPair {
        left_record: left.to_string(),
        right_record: right.to_string(),
    };
    pb::Decision {
        name: "decisions/4".to_owned(),
        judgement: pb::Judgement::Same.into(),
        origin: pb::DecisionOrigin::Merge.into(),
        state: pb::DecisionState::Standing.into(),
        pairs: (10..32).map(|right| pair(4, right)).collect(),
        steps: vec![
            step(pb::DecisionState::Proposed, "platform:clerk-1", 0),
            step(pb::DecisionState::Standing, "platform:approver-1", 60),
        ],
    }
}

fn merged() -> change::Change {
    change::Change {
        kind: change::ChangeKind::Merged.into(),
        citizen: "citizens/a".to_owned(),
        other_citizen: "citizens/b".to_owned(),
        joined_records: vec!["9".to_owned()],
        cause: change::ChangeCause::Decision.into(),
        ..Default::default()
    }
}

#[test]
fn the_list_says_what_is_asked_and_who_has_it() {
    let mut waiting = task();
    waiting.proposal = "decisions/4".to_owned();
    waiting.claim = None;
    let tasks = Tasks::of(&pb::ListReviewTasksResponse {
        tasks: vec![task(), waiting],
        next_page_token: "t".to_owned(),
    });
    insta::assert_snapshot!(tasks.to_text());
}

#[test]
fn both_people_stand_side_by_side_above_the_evidence() {
    insta::assert_snapshot!(Shown::of(&detail()).to_text());
}

#[test]
fn programs_get_the_same_as_one_object() {
    let object = serde_json::to_string_pretty(&Shown::of(&detail())).unwrap();
    insta::assert_snapshot!(object);
}

#[test]
fn a_decision_is_told_with_its_life() {
    insta::assert_snapshot!(Decided::of(&decision()).to_text());
    let list = pb::ListDecisionsResponse {
        decisions: vec![decision()],
        next_page_token: String::new(),
    };
    insta::assert_snapshot!(Decisions::of(&list).to_text());
}

#[test]
fn what_waits_and_what_happened_are_told_apart() {
    let outcome = |state: pb::DecisionState, changes| {
        let outcome = pb::DecisionOutcome {
            decision: "decisions/4".to_owned(),
            state: state.into(),
            changes,
        };
        Outcome::of(&outcome).to_text()
    };
    insta::assert_snapshot!(outcome(pb::DecisionState::Proposed, Vec::new()));
    insta::assert_snapshot!(outcome(pb::DecisionState::Standing, vec![merged()]));
    let preview = pb::Preview {
        changes: vec![merged()],
        second_person: true,
    };
    insta::assert_snapshot!(Foreseen::of(&preview).to_text());
}
