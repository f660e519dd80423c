//! Clerical review is for people, and what shows values or decides for clerks and approvers.

use rabt_proto::linkage::linkage_service_client::LinkageServiceClient;
use rabt_proto::linkage::{
    ClaimReviewTaskRequest, ConfirmDecisionRequest, ExplainPairRequest, GetDecisionRequest,
    GetReviewTaskRequest, Judgement, ListDecisionsRequest, ListReviewTasksRequest,
    MergeCitizensRequest, PreviewMergeRequest, PreviewSplitRequest, ProtectCitizenRequest,
    ReleaseReviewTaskRequest, ResolveReviewTaskRequest, ShadowModelRequest, SplitCitizenRequest,
    UndoDecisionRequest, WithdrawDecisionRequest,
};
use rabt_tests::{AGENCY_SYSTEM, APPROVER, CLERK, OPERATOR, SECURITY_OFFICER, Stack, reason};
use tonic::Status;
use tonic::transport::Channel;

pub(super) const METHODS: [&str; 17] = [
    "ListReviewTasks",
    "GetReviewTask",
    "ClaimReviewTask",
    "ReleaseReviewTask",
    "ResolveReviewTask",
    "ListDecisions",
    "GetDecision",
    "PreviewMerge",
    "MergeCitizens",
    "PreviewSplit",
    "SplitCitizen",
    "ConfirmDecision",
    "WithdrawDecision",
    "UndoDecision",
    "ProtectCitizen",
    "ExplainPair",
    "ShadowModel",
];

/// What tells no values and changes nothing.
const LISTS: [&str; 3] = ["ListReviewTasks", "ListDecisions", "GetDecision"];

/// Calls a method about things that are not there. A permitted one would be answered, or told so.
pub(super) async fn ask(channel: Channel, method: &str) -> Result<(), Status> {
    let mut client = LinkageServiceClient::new(channel.clone());
    let name = "reviewTasks/1".to_owned();
    match method {
        "ListReviewTasks" => {
            let request = ListReviewTasksRequest::default();
            client.list_review_tasks(request).await.map(|_| ())
        }
        "GetReviewTask" => {
            let request = GetReviewTaskRequest { name };
            client.get_review_task(request).await.map(|_| ())
        }
        "ClaimReviewTask" => {
            let request = ClaimReviewTaskRequest { name };
            client.claim_review_task(request).await.map(|_| ())
        }
        "ReleaseReviewTask" => {
            let request = ReleaseReviewTaskRequest { name };
            client.release_review_task(request).await.map(|_| ())
        }
        "ResolveReviewTask" => {
            let request = ResolveReviewTaskRequest {
                name,
                judgement: Judgement::Same.into(),
                reason: "seen".to_owned(),
            };
            client.resolve_review_task(request).await.map(|_| ())
        }
        "ExplainPair" => {
            let request = ExplainPairRequest {
                left_record: "1".to_owned(),
                right_record: "2".to_owned(),
            };
            client.explain_pair(request).await.map(|_| ())
        }
        "ShadowModel" => {
            let request = ShadowModelRequest::default();
            client.shadow_model(request).await.map(|_| ())
        }
        "ListDecisions" | "GetDecision" | "ConfirmDecision" | "WithdrawDecision"
        | "UndoDecision" => decide(channel, method).await,
        about => about_citizens(channel, about).await,
    }
}

/// Calls a method about decisions.
async fn decide(channel: Channel, method: &str) -> Result<(), Status> {
    let mut client = LinkageServiceClient::new(channel);
    let (name, reason) = ("decisions/1".to_owned(), "seen".to_owned());
    match method {
        "ListDecisions" => {
            let request = ListDecisionsRequest::default();
            client.list_decisions(request).await.map(|_| ())
        }
        "GetDecision" => {
            let request = GetDecisionRequest { name };
            client.get_decision(request).await.map(|_| ())
        }
        "ConfirmDecision" => {
            let request = ConfirmDecisionRequest { name, reason };
            client.confirm_decision(request).await.map(|_| ())
        }
        "WithdrawDecision" => {
            let request = WithdrawDecisionRequest { name, reason };
            client.withdraw_decision(request).await.map(|_| ())
        }
        "UndoDecision" => {
            let request = UndoDecisionRequest { name, reason };
            client.undo_decision(request).await.map(|_| ())
        }
        other => panic!("{other} is not in the table"),
    }
}

/// Calls a method about citizens.
async fn about_citizens(channel: Channel, method: &str) -> Result<(), Status> {
    let mut client = LinkageServiceClient::new(channel);
    let citizen = format!("citizens/{}", "0".repeat(26));
    let other_citizen = format!("citizens/{}1", "0".repeat(25));
    let (records, reason) = (vec!["1".to_owned()], "seen".to_owned());
    match method {
        "PreviewMerge" => {
            let request = PreviewMergeRequest {
                citizen,
                other_citizen,
            };
            client.preview_merge(request).await.map(|_| ())
        }
        "MergeCitizens" => {
            let request = MergeCitizensRequest {
                citizen,
                other_citizen,
                reason,
            };
            client.merge_citizens(request).await.map(|_| ())
        }
        "PreviewSplit" => {
            let request = PreviewSplitRequest { citizen, records };
            client.preview_split(request).await.map(|_| ())
        }
        "SplitCitizen" => {
            let request = SplitCitizenRequest {
                citizen,
                records,
                reason,
            };
            client.split_citizen(request).await.map(|_| ())
        }
        "ProtectCitizen" => {
            let request = ProtectCitizenRequest {
                citizen,
                protected: true,
            };
            client.protect_citizen(request).await.map(|_| ())
        }
        other => panic!("{other} is not in the table"),
    }
}

fn may(role: &str, method: &str) -> bool {
    match role {
        "approver" => true,
        "clerk" => method != "ProtectCitizen" && method != "ShadowModel",
        "operator" => LISTS.contains(&method) || method == "ShadowModel",
        "auditor" => LISTS.contains(&method),
        _ => false,
    }
}

#[tokio::test]
async fn review_is_for_people_with_the_right_role() {
    let stack = Stack::start("sqlite::memory:").await;
    let callers = [
        ("system", AGENCY_SYSTEM),
        ("unknown", "urn:rabt:nobody:system"),
        ("operator", OPERATOR),
        ("auditor", "urn:rabt:rabt:person:auditor-1:auditor"),
        ("security officer", SECURITY_OFFICER),
        ("clerk", CLERK),
        ("approver", APPROVER),
    ];
    for (role, urn) in callers {
        let channel = stack.connect(Some(urn)).await.unwrap();
        for method in METHODS {
            let before = stack.services.storage.audit_log().size().await.unwrap();
            let outcome = ask(channel.clone(), method).await;
            let refused = outcome.is_err_and(|status| reason(&status) == "NOT_PERMITTED");
            assert_eq!(refused, !may(role, method), "{method}, {role}");
            let after = stack.services.storage.audit_log().size().await.unwrap();
            let entries = u64::from(refused);
            assert!(after >= before + entries, "{method}, {role}: no entry");
        }
    }
    stack.stop().await;
}
