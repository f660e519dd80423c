//! Every act that takes two people, tried by one person under every role that may take the second step.

use rabt_model::ErrorClass;

use super::*;
use crate::agreement::{
    activate_agreement, approve_agreement, create_agreement, resume_agreement, suspend_agreement,
};
use crate::operate::{approve_source, update_source};
use crate::oversight::{confirm_erasure, request_erasure};
use crate::review::protect_citizen;
use crate::tests::node::{BUNDLE, folder};
use crate::transparency::Subject;

/// One person, whatever their certificate says they are.
fn one(role: Role) -> Caller {
    person("one", role)
}

/// Says that a step was refused because it takes another person.
#[track_caller]
fn needs_another(class: Result<(), ErrorClass>) {
    assert_eq!(class, Err(ErrorClass::SecondPersonRequired));
}

macro_rules! class {
    ($step:expr) => {
        $step.await.map(|_| ()).map_err(|error| error.class())
    };
}

#[tokio::test]
async fn agreements_and_folders_are_approved_and_resumed_by_nobody_alone() {
    let (_, _, services) = perhaps().await;
    let (first, _) = BUNDLE.split_once("[[agreement]]\nid = \"AG-2\"").unwrap();
    let text = first.replace("id = \"AG-1\"", "id = \"AG-NEW\"");
    let id = "AG-NEW".parse().unwrap();
    let (operator, alone) = (one(Role::Operator), one(Role::Approver));
    let new = create_agreement(&services, &operator, &text).await.unwrap();
    needs_another(class!(approve_agreement(&services, &alone, &id, &new.etag)));
    let approved = approve_agreement(&services, &approver("two"), &id, &new.etag)
        .await
        .unwrap();
    activate_agreement(&services, &operator, &id, &approved.etag)
        .await
        .unwrap();
    for role in [Role::Operator, Role::Approver] {
        let stopped = suspend_agreement(&services, &one(role), &id, "stop").await;
        let etag = stopped.unwrap().etag.clone();
        needs_another(class!(resume_agreement(&services, &alone, &id, &etag)));
        resume_agreement(&services, &approver("two"), &id, &etag)
            .await
            .unwrap();
    }
    let source = source("registry");
    for role in [Role::Operator, Role::Approver] {
        let other = folder("registry");
        let other = crate::operate::NewSource {
            mapping: other.mapping.replace("\"trim\", ", ""),
            ..other
        };
        let views = update_source(&services, &one(role), other).await.unwrap();
        let version = views[0].open.as_ref().unwrap().version;
        needs_another(class!(approve_source(&services, &alone, &source, version)));
    }
}

#[tokio::test]
async fn nobody_decides_about_citizens_alone_where_it_takes_two() {
    let (_, _, services) = perhaps().await;
    let [mona, omar] = holders(&services, &[1, 2]).await[..] else {
        panic!("two")
    };
    let (why, alone) = (why(), [one(Role::Clerk), one(Role::Approver)]);
    // a merge of a clerk, and that it be undone
    let merged = merge_citizens(&services, &alone[0], (mona, omar), &why).await;
    let merged = merged.unwrap().decision;
    for same in &alone {
        needs_another(class!(confirm_decision(&services, same, merged, &why)));
    }
    withdraw_decision(&services, &approver("two"), merged, &why)
        .await
        .unwrap();
    // an answer about somebody protected, and that it be undone
    protect_citizen(&services, &approver("two"), mona, true)
        .await
        .unwrap();
    let task = tasks(&services).await[0].number;
    let answered = resolve_task(&services, &alone[0], task, Judgement::Same, &why).await;
    let answered = answered.unwrap().decision;
    for same in &alone {
        needs_another(class!(confirm_decision(&services, same, answered, &why)));
    }
    confirm_decision(&services, &clerk("two"), answered, &why)
        .await
        .unwrap();
    for asking in &alone {
        let undone = undo_decision(&services, asking, answered, &why).await;
        assert_eq!(undone.unwrap().state, DecisionState::UndoProposed);
        for same in &alone {
            needs_another(class!(confirm_decision(&services, same, answered, &why)));
        }
        withdraw_decision(&services, &clerk("two"), answered, &why)
            .await
            .unwrap();
    }
    // that somebody's keys are destroyed
    let subject = Subject::Citizen(omar.to_string());
    let officer = one(Role::SecurityOfficer);
    let asked = request_erasure(&services, &officer, &subject, "retention ended").await;
    let asked = asked.unwrap().number;
    for same in [&officer, &one(Role::Approver)] {
        needs_another(class!(confirm_erasure(&services, same, asked)));
    }
}
