//! Whatever people and portals are refused, for whatever reason, has its entry.

use rabt_audit::{AuditEvent, Entry};
use rabt_proto::audit as pb;
use rabt_proto::audit::oversight_service_client::OversightServiceClient;
use rabt_proto::transparency as tb;
use rabt_proto::transparency::transparency_service_client::TransparencyServiceClient;
use rabt_tests::{APPROVER, AUDITOR, CLERK, PORTAL, SECURITY_OFFICER, Stack, reason};
use tonic::Status;

use super::{agreements, evidence, oversight, review, sources, transparency};

/// How the names of methods begin that change nothing.
const READING: [&str; 5] = ["Get", "List", "Tail", "Export", "SimulatePolicy"];

/// Returns what the log says since it had `before` entries: who did what, and how it ended.
async fn said_since(stack: &Stack, before: u64) -> Vec<(String, String, String)> {
    let log = stack.services.storage.audit_log();
    let new = log.entries(before, 100).await.unwrap().into_iter();
    let new = new.map(|(_, stored)| Entry::decode(&stored.body).unwrap().event);
    let of_calls = new.filter(|event| !matches!(event, AuditEvent::RunFinished(_)));
    of_calls
        .map(|event| {
            let (method, outcome) = (event.method().to_owned(), event.outcome().to_owned());
            (event.actor(), method, outcome)
        })
        .collect()
}

/// Checks that a call was refused and that the log says so, once, with the reason; or that it changes nothing.
async fn check(stack: &Stack, before: u64, who: &str, method: &str, outcome: Result<(), Status>) {
    let said = said_since(stack, before).await;
    let Err(status) = outcome else {
        let reads = READING.iter().any(|start| method.starts_with(start));
        assert!(reads, "{method} was not refused, so nothing is known of it");
        return;
    };
    let expected = match reason(&status).as_str() {
        "NOT_PERMITTED" => "ROLE".to_owned(),
        "STEP_UP_REQUIRED" => "STEP_UP".to_owned(),
        public => public.to_owned(),
    };
    let expected = (who.to_owned(), method.to_owned(), expected);
    assert_eq!(said, [expected], "{method}: {status:?}");
}

#[tokio::test]
async fn every_refusal_of_every_method_has_its_entry() {
    let stack = Stack::start("sqlite::memory:").await;
    let log = stack.services.storage.audit_log();
    // who may call most of them, so that they are refused for another reason than their role, and who may not
    for urn in [APPROVER, SECURITY_OFFICER, AUDITOR, CLERK] {
        let who = urn
            .replacen("urn:rabt:", "", 1)
            .replacen(":person:", ":", 1);
        let channel = stack.connect(Some(urn)).await.unwrap();
        macro_rules! all {
            ($($list:expr, $ask:path;)*) => {$(
                for method in $list {
                    let before = log.size().await.unwrap();
                    let outcome = $ask(channel.clone(), method).await;
                    check(&stack, before, &who, method, outcome).await;
                }
            )*};
        }
        all! {
            sources::METHODS, sources::ask;
            agreements::METHODS, agreements::ask;
            review::METHODS, review::ask;
            evidence::METHODS, evidence::ask;
            oversight::METHODS, oversight::ask;
            transparency::CORRECTIONS, transparency::ask;
        }
    }
    stack.stop().await;
}

#[tokio::test]
async fn what_is_malformed_has_its_entry_whoever_sends_it() {
    let stack = Stack::start("sqlite::memory:").await;
    let log = stack.services.storage.audit_log();
    let before = log.size().await.unwrap();
    let mut officers = OversightServiceClient::new(stack.connect(Some(CLERK)).await.unwrap());
    let request = pb::ConfirmErasureRequest {
        name: "first".to_owned(),
    };
    let outcome = officers.confirm_erasure(request).await.map(|_| ());
    let who = "rabt:clerk-1:clerk";
    check(&stack, before, who, "ConfirmErasure", outcome).await;

    // a portal that is sure enough of its citizen and names nobody
    let before = log.size().await.unwrap();
    let channel = stack.connect_portal(PORTAL).await.unwrap();
    let request = tb::CreateCorrectionRequestRequest {
        viewer: Some(tb::Viewer {
            assurance: rabt_proto::common::AssuranceLevel::High.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut portal = TransparencyServiceClient::new(channel);
    let outcome = portal.create_correction_request(request).await.map(|_| ());
    let who = "egov:portal:system";
    check(&stack, before, who, "CreateCorrectionRequest", outcome).await;
    stack.stop().await;
}
