//! Clerical review over the wire: asked, claimed, answered, confirmed, undone, and told.

use rabt_audit::{AuditEvent, Entry, Reviewed};
use rabt_model::CitizenId;
use rabt_proto::change::{Change, ChangeKind, ListChangesRequest};
use rabt_proto::linkage::{
    ClaimReviewTaskRequest, ConfirmDecisionRequest, DecisionOutcome, DecisionState, DecisionStep,
    GetDecisionRequest, GetReviewTaskRequest, Judgement, ListDecisionsRequest,
    ListReviewTasksRequest, MergeCitizensRequest, PreviewMergeRequest, ProtectCitizenRequest,
    ReleaseReviewTaskRequest, ResolveReviewTaskRequest, ReviewKind, ReviewTask,
    SplitCitizenRequest, UndoDecisionRequest,
};
use rabt_service::change::check_feed;
use rabt_tests::{AGENCY_SYSTEM, APPROVER, CLERK, Stack, Town, context, reason};
use tonic::{Code, Status};

/// Another person of the same role.
const SECOND_CLERK: &str = "urn:rabt:rabt:person:clerk-2:clerk";
/// The clerk, with a certificate of another role.
const CLERK_AS_APPROVER: &str = "urn:rabt:rabt:person:clerk-1:approver";

const WHY: &str = "compared at the desk";

/// A node that knows some people and asks about some of them.
async fn asking() -> Stack {
    let town = Town::of(1_000, 2).await;
    let stack = Stack::start("sqlite::memory:").await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    stack
}

async fn list(stack: &Stack, urn: &str, request: ListReviewTasksRequest) -> Vec<ReviewTask> {
    let mut client = stack.reviews(urn).await;
    let answer = client.list_review_tasks(request).await.unwrap();
    answer.into_inner().tasks
}

async fn first(stack: &Stack) -> ReviewTask {
    let tasks = list(stack, CLERK, ListReviewTasksRequest::default()).await;
    tasks.into_iter().next().expect("something is asked")
}

fn sides(task: &ReviewTask) -> (String, String) {
    let side = |side: &Option<rabt_proto::linkage::ReviewSide>| side.clone().unwrap().citizen;
    (side(&task.left), side(&task.right))
}

async fn resolve(
    stack: &Stack,
    urn: &str,
    task: &ReviewTask,
    judgement: Judgement,
) -> Result<DecisionOutcome, Status> {
    let mut client = stack.reviews(urn).await;
    let request = ResolveReviewTaskRequest {
        name: task.name.clone(),
        judgement: judgement.into(),
        reason: WHY.to_owned(),
    };
    let answer = client.resolve_review_task(request).await?;
    Ok(answer.into_inner().outcome.unwrap())
}

async fn merge(stack: &Stack, urn: &str, task: &ReviewTask) -> Result<DecisionOutcome, Status> {
    let (citizen, other_citizen) = sides(task);
    let request = MergeCitizensRequest {
        citizen,
        other_citizen,
        reason: WHY.to_owned(),
    };
    let answer = stack.reviews(urn).await.merge_citizens(request).await?;
    Ok(answer.into_inner().outcome.unwrap())
}

async fn confirm(stack: &Stack, urn: &str, decision: &str) -> Result<DecisionOutcome, Status> {
    let request = ConfirmDecisionRequest {
        name: decision.to_owned(),
        reason: WHY.to_owned(),
    };
    let answer = stack.reviews(urn).await.confirm_decision(request).await?;
    Ok(answer.into_inner().outcome.unwrap())
}

async fn undo(stack: &Stack, urn: &str, decision: &str) -> DecisionOutcome {
    let request = UndoDecisionRequest {
        name: decision.to_owned(),
        reason: WHY.to_owned(),
    };
    let answer = stack.reviews(urn).await.undo_decision(request).await;
    answer.unwrap().into_inner().outcome.unwrap()
}

/// Returns where the id of a citizen leads today.
async fn leads_to(stack: &Stack, name: &str) -> String {
    let id: CitizenId = name.strip_prefix("citizens/").unwrap().parse().unwrap();
    let mut snapshot = stack.services.storage.snapshot().await.unwrap();
    format!("citizens/{}", snapshot.resolve(id).await.unwrap().unwrap())
}

/// Returns the last things that the feed tells, as an agency reads it.
async fn told(stack: &Stack, behind: u64) -> Vec<Change> {
    let mut client = stack.changes(AGENCY_SYSTEM).await;
    let (mut changes, mut resume_token): (Vec<Change>, String) = (Vec::new(), String::new());
    loop {
        let request = ListChangesRequest {
            context: Some(context()),
            resume_token,
            page_size: 500,
            ..Default::default()
        };
        let page = client.list_changes(request).await.unwrap().into_inner();
        changes.extend(page.changes);
        resume_token = page.resume_token;
        if page.end {
            changes.retain(|change| change.sequence > behind);
            return changes;
        }
    }
}

async fn last_change(stack: &Stack) -> u64 {
    let mut snapshot = stack.services.storage.snapshot().await.unwrap();
    snapshot.last_change().await.unwrap()
}

/// Returns the entries about review that the log has behind its first `from` ones.
async fn entries(stack: &Stack, from: u64) -> Vec<Reviewed> {
    let log = stack.services.storage.audit_log();
    let entries = log.entries(from, 1_000_000).await.unwrap().into_iter();
    let reviewed = entries.filter_map(|(_, entry)| {
        let text = String::from_utf8_lossy(&entry.body).into_owned();
        assert!(!text.contains(WHY), "a reason is in the log");
        let event = Entry::decode(&entry.body).unwrap().event;
        if let AuditEvent::Reviewed(reviewed) = event {
            Some(reviewed)
        } else {
            None
        }
    });
    reviewed.collect()
}

async fn log_size(stack: &Stack) -> u64 {
    stack.services.storage.audit_log().size().await.unwrap()
}

#[tokio::test]
async fn a_task_is_listed_shown_claimed_and_answered() {
    let stack = asking().await;
    let mut clerk = stack.reviews(CLERK).await;
    let all = list(&stack, CLERK, ListReviewTasksRequest::default()).await;
    assert!(all.len() > 2, "{} tasks", all.len());
    let order = |task: &ReviewTask| std::cmp::Reverse(task.worth);
    assert!(all.is_sorted_by_key(order), "those worth most come first");
    let task = &all[0];

    let size = log_size(&stack).await;
    let name = task.name.clone();
    let shown = clerk.get_review_task(GetReviewTaskRequest { name }).await;
    let shown = shown.unwrap().into_inner();
    let (left, right) = (shown.left.unwrap(), shown.right.unwrap());
    assert_eq!((left.name, right.name), sides(task));
    assert!(!left.arabic_names.is_empty() || !left.latin_names.is_empty());
    let explanation = shown.explanation.unwrap();
    assert!((explanation.weight_bits - task.weight_bits).abs() < 1e-9);
    assert!(!explanation.steps.is_empty());
    let read = entries(&stack, size).await;
    assert_eq!((read.len(), read[0].action.as_str()), (1, "read"));
    assert_eq!(read[0].subjects.len(), 2, "both people were looked at");

    let claim = |name: &str| ClaimReviewTaskRequest {
        name: name.to_owned(),
    };
    let claimed = clerk.claim_review_task(claim(&task.name)).await.unwrap();
    let held = claimed.into_inner().task.unwrap().claim.unwrap();
    assert_eq!(held.claimant, "rabt:clerk-1");
    let mut second = stack.reviews(SECOND_CLERK).await;
    let status = second.claim_review_task(claim(&task.name)).await;
    let status = status.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "CONFIGURATION");
    let status = resolve(&stack, SECOND_CLERK, task, Judgement::Same).await;
    assert_eq!(reason(&status.unwrap_err()), "CONFIGURATION");
    let release = ReleaseReviewTaskRequest {
        name: task.name.clone(),
    };
    let status = second.release_review_task(release).await.unwrap_err();
    assert_eq!(reason(&status), "INVALID_REQUEST");

    let of_kind = ListReviewTasksRequest {
        kind: ReviewKind::Conflict.into(),
        ..Default::default()
    };
    let conflicts = list(&stack, CLERK, of_kind).await;
    assert!(!conflicts.is_empty() && conflicts.len() < all.len());
    let is_conflict = |task: &ReviewTask| task.kind() == ReviewKind::Conflict;
    assert!(conflicts.iter().all(is_conflict));

    let of = |only_free, mine| ListReviewTasksRequest {
        only_free,
        mine,
        ..Default::default()
    };
    let mine = list(&stack, CLERK, of(false, true)).await;
    assert_eq!((mine.len(), &mine[0].name), (1, &task.name));
    assert!(list(&stack, SECOND_CLERK, of(false, true)).await.is_empty());
    let free = list(&stack, SECOND_CLERK, of(true, false)).await;
    assert_eq!(free.len(), all.len() - 1);

    let led = resolve(&stack, CLERK, task, Judgement::Different).await;
    let led = led.unwrap();
    assert_eq!(led.state(), DecisionState::Standing);
    let left = list(&stack, CLERK, ListReviewTasksRequest::default()).await;
    assert!(left.iter().all(|open| open.name != task.name));
    let citizen = sides(task).0;
    let request = ListDecisionsRequest {
        citizen,
        ..Default::default()
    };
    let of_citizen = clerk.list_decisions(request).await.unwrap().into_inner();
    assert_eq!(of_citizen.decisions[0].name, led.decision);
    assert_eq!(of_citizen.decisions[0].steps[0].reason, WHY);
    let all = clerk.list_decisions(ListDecisionsRequest::default()).await;
    let all = all.unwrap().into_inner();
    assert_eq!(all.decisions[0].steps[0].reason, "");
    stack.stop().await;
}

#[tokio::test]
async fn pages_of_tasks_follow_one_another() {
    let stack = asking().await;
    let all = list(&stack, CLERK, ListReviewTasksRequest::default()).await;
    let (mut walked, mut page_token) = (Vec::new(), String::new());
    let mut clerk = stack.reviews(CLERK).await;
    loop {
        let request = ListReviewTasksRequest {
            page_size: 2,
            page_token: page_token.clone(),
            ..Default::default()
        };
        let page = clerk.list_review_tasks(request.clone()).await.unwrap();
        let page = page.into_inner();
        if !page_token.is_empty() {
            let mut second = stack.reviews(SECOND_CLERK).await;
            let status = second.list_review_tasks(request).await.unwrap_err();
            assert_eq!(reason(&status), "INVALID_REQUEST", "another's token");
        }
        walked.extend(page.tasks);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    walked.truncate(all.len());
    assert_eq!(walked, all);
    stack.stop().await;
}

#[tokio::test]
async fn a_clerks_merge_waits_for_an_approver_and_is_undone_without_a_trace_but_the_feed() {
    let stack = asking().await;
    let task = first(&stack).await;
    let (one, other) = sides(&task);
    let known = stack.services.citizens();
    let behind = last_change(&stack).await;

    let request = PreviewMergeRequest {
        citizen: one.clone(),
        other_citizen: other.clone(),
    };
    let seen = stack.reviews(CLERK).await.preview_merge(request).await;
    let seen = seen.unwrap().into_inner().preview.unwrap();
    assert!(seen.second_person, "a clerk's merge takes two people");
    let is_merge = |change: &Change| change.kind() == ChangeKind::Merged;
    assert_eq!(seen.changes.iter().filter(|c| is_merge(c)).count(), 1);
    assert_eq!(last_change(&stack).await, behind, "nothing was changed");

    let led = merge(&stack, CLERK, &task).await.unwrap();
    assert_eq!(led.state(), DecisionState::Proposed);
    assert!(led.changes.is_empty());
    assert_eq!(stack.services.citizens(), known);
    for urn in [CLERK, SECOND_CLERK, CLERK_AS_APPROVER] {
        let status = confirm(&stack, urn, &led.decision).await.unwrap_err();
        assert_eq!(reason(&status), "SECOND_PERSON_REQUIRED", "{urn}");
    }
    let size = log_size(&stack).await;
    let confirmed = confirm(&stack, APPROVER, &led.decision).await.unwrap();
    assert_eq!(confirmed.state(), DecisionState::Standing);
    assert_eq!(stack.services.citizens(), known - 1);
    assert_eq!(leads_to(&stack, &one).await, leads_to(&stack, &other).await);
    let decided = entries(&stack, size).await;
    assert_eq!(decided[0].action, "standing");
    assert_eq!(decided[0].subjects.len(), 2, "an entry about both");

    let undone = undo(&stack, APPROVER, &led.decision).await;
    assert_eq!(undone.state(), DecisionState::Undone);
    assert_eq!(stack.services.citizens(), known);
    assert_eq!(leads_to(&stack, &one).await, one);
    assert_eq!(leads_to(&stack, &other).await, other);

    let told = told(&stack, behind).await;
    let merged = told.iter().find(|change| is_merge(change)).unwrap();
    let split = told
        .iter()
        .find(|change| change.kind() == ChangeKind::Split)
        .unwrap();
    assert_eq!(split.supersedes, merged.sequence);
    let mut pair = [split.citizen.clone(), split.other_citizen.clone()];
    pair.sort();
    let mut names = [one, other];
    names.sort();
    assert_eq!(pair, names);
    let problems = check_feed(stack.services.storage.as_ref()).await.unwrap();
    assert!(problems.is_empty(), "{problems:?}");

    let name = led.decision;
    let decision = stack
        .reviews(CLERK)
        .await
        .get_decision(GetDecisionRequest { name })
        .await
        .unwrap()
        .into_inner();
    let states = decision.decision.unwrap().steps;
    let states: Vec<DecisionState> = states.iter().map(DecisionStep::state).collect();
    assert_eq!(
        states,
        [
            DecisionState::Proposed,
            DecisionState::Standing,
            DecisionState::Undone
        ]
    );
    stack.stop().await;
}

#[tokio::test]
async fn what_contradicts_a_decision_is_refused_with_its_chain() {
    let stack = asking().await;
    let task = first(&stack).await;
    let led = merge(&stack, APPROVER, &task).await.unwrap();
    assert_eq!(led.state(), DecisionState::Standing);
    let record = task.right.as_ref().unwrap().record.clone();
    let behind = last_change(&stack).await;
    let request = SplitCitizenRequest {
        citizen: sides(&task).0,
        records: vec![record.clone()],
        reason: WHY.to_owned(),
    };
    let status = stack.reviews(APPROVER).await.split_citizen(request).await;
    let status = status.unwrap_err();
    assert_eq!(reason(&status), "CONFIGURATION");
    let number = led.decision.strip_prefix("decisions/").unwrap();
    for part in [
        format!("(decision {number})"),
        format!("record {record} "),
        "(this one)".to_owned(),
        "undo one of these decisions first".to_owned(),
    ] {
        assert!(status.message().contains(&part), "{part}: {status:?}");
    }
    assert_eq!(last_change(&stack).await, behind, "nothing was changed");
    stack.stop().await;
}

#[tokio::test]
async fn an_answer_about_a_protected_citizen_takes_two_people() {
    let stack = asking().await;
    let task = first(&stack).await;
    let request = ProtectCitizenRequest {
        citizen: sides(&task).0,
        protected: true,
    };
    let mut approver = stack.reviews(APPROVER).await;
    approver.protect_citizen(request).await.unwrap();
    let name = task.name.clone();
    let shown = approver
        .get_review_task(GetReviewTaskRequest { name })
        .await
        .unwrap();
    assert!(shown.into_inner().protected);

    let led = resolve(&stack, CLERK, &task, Judgement::Same).await;
    let led = led.unwrap();
    assert_eq!(led.state(), DecisionState::Proposed);
    let open = first(&stack).await;
    assert_eq!(
        (open.name, open.proposal),
        (task.name, led.decision.clone())
    );
    let status = confirm(&stack, CLERK, &led.decision).await.unwrap_err();
    assert_eq!(reason(&status), "SECOND_PERSON_REQUIRED");
    let confirmed = confirm(&stack, SECOND_CLERK, &led.decision).await;
    let confirmed = confirmed.unwrap();
    assert_eq!(confirmed.state(), DecisionState::Standing);
    assert!(
        confirmed
            .changes
            .iter()
            .any(|change| change.kind() == ChangeKind::Merged)
    );
    let undone = undo(&stack, CLERK, &led.decision).await;
    assert_eq!(undone.state(), DecisionState::UndoProposed);
    stack.stop().await;
}
