//! What the feed refuses over the wire, and the entry that each refusal leaves.

use std::time::Duration;

use rabt_audit::{AuditEvent, Entry};
use rabt_proto::change::{ExportSnapshotRequest, ListChangesRequest, WatchChangesRequest};
use rabt_proto::common::RequestContext;
use rabt_tests::{AGENCY_SYSTEM, Stack, Town, context, reason};
use tonic::{Code, Status};
use tonic_types::StatusExt;

const INSURANCE: &str = "urn:rabt:health-insurance:eligibility";

/// A context that the agreement with the health insurance allows.
fn insurance() -> RequestContext {
    RequestContext {
        agreement: "AG-HEALTH-002".to_owned(),
        purpose: "eligibility".to_owned(),
        legal_basis: "health-insurance-act".to_owned(),
        service: "insurance-card".to_owned(),
        channel: "portal".to_owned(),
        end_user: Some(rabt_proto::common::EndUser {
            id: "29001010100011".to_owned(),
            assurance: rabt_proto::common::AssuranceLevel::High.into(),
        }),
        ..RequestContext::default()
    }
}

#[derive(Clone)]
struct Asked {
    urn: &'static str,
    context: RequestContext,
    token: String,
    kinds: Vec<i32>,
}

impl Asked {
    fn by_tax(token: &str) -> Self {
        Self {
            urn: AGENCY_SYSTEM,
            context: context(),
            token: token.to_owned(),
            kinds: Vec::new(),
        }
    }

    fn by_insurance(token: &str) -> Self {
        Self {
            urn: INSURANCE,
            context: insurance(),
            ..Self::by_tax(token)
        }
    }

    fn kinds(mut self, kinds: &[i32]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }

    /// Returns the token of the answer.
    async fn list(self, stack: &Stack) -> Result<String, Status> {
        let request = ListChangesRequest {
            context: Some(self.context),
            resume_token: self.token,
            kinds: self.kinds,
            page_size: 5,
            ..Default::default()
        };
        let answer = stack.changes(self.urn).await.list_changes(request).await;
        answer.map(|page| page.into_inner().resume_token)
    }

    async fn watch(self, stack: &Stack) -> Result<String, Status> {
        let request = WatchChangesRequest {
            context: Some(self.context),
            resume_token: self.token,
            kinds: self.kinds,
            heartbeat_seconds: 1,
            ..Default::default()
        };
        let mut client = stack.changes(self.urn).await;
        let mut messages = client.watch_changes(request).await?.into_inner();
        let message = messages.message().await?;
        Ok(message.unwrap().resume_token)
    }

    async fn export(self, stack: &Stack) -> Result<String, Status> {
        let request = ExportSnapshotRequest {
            context: Some(self.context),
            page_token: self.token,
            page_size: 5,
            ..Default::default()
        };
        let answer = stack.changes(self.urn).await.export_snapshot(request).await;
        answer.map(|page| page.into_inner().next_page_token)
    }
}

/// Returns the reason of the log's last entry, which must be a refusal.
async fn last_refusal(stack: &Stack) -> (u64, String) {
    let log = stack.services.storage.audit_log();
    let size = log.size().await.unwrap();
    let entries = log.entries(size - 1, 1).await.unwrap();
    let event = Entry::decode(&entries[0].1.body).unwrap().event;
    let AuditEvent::Denied(denied) = event else {
        panic!("{event:?}");
    };
    (size, denied.reason)
}

async fn size(stack: &Stack) -> u64 {
    stack.services.storage.audit_log().size().await.unwrap()
}

/// Checks a refusal, its field when it has one, and that it left one entry.
async fn refused(
    stack: &Stack,
    before: u64,
    answer: Result<String, Status>,
    expected: (&str, &str, &str),
) {
    let (public, field, entry) = expected;
    let status = answer.unwrap_err();
    assert_eq!(reason(&status), public, "{status:?}");
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| &bad.field_violations);
    let named = violations.map_or("", |violations| violations[0].field.as_str());
    assert_eq!(named, field);
    assert_eq!(last_refusal(stack).await, (before + 1, entry.to_owned()));
}

async fn town() -> Stack {
    let stack = Stack::start("sqlite::memory:").await;
    let town = Town::of(30, 17).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    // what the transactions say of themselves comes into the log in its own time
    let storage = &stack.services.storage;
    loop {
        let last = storage.audit_log().last_outbox().await.unwrap();
        let mut tx = storage.snapshot().await.unwrap();
        if tx
            .outbox_after(last.unwrap_or(0), 1)
            .await
            .unwrap()
            .is_empty()
        {
            break;
        }
        drop(tx);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stack
}

#[tokio::test]
async fn a_method_and_kinds_outside_the_agreement_are_refused() {
    let stack = town().await;
    Asked::by_insurance("").list(&stack).await.unwrap();
    let before = size(&stack).await;
    let answer = Asked::by_insurance("").export(&stack).await;
    refused(&stack, before, answer, ("NOT_PERMITTED", "", "METHOD")).await;
    // `born` is not among the kinds of the agreement, `died` is
    let asked = || Asked::by_insurance("").kinds(&[2, 5]);
    let before = size(&stack).await;
    let answer = asked().list(&stack).await;
    refused(&stack, before, answer, ("NOT_PERMITTED", "", "FIELDS")).await;
    let before = size(&stack).await;
    let answer = asked().watch(&stack).await;
    refused(&stack, before, answer, ("NOT_PERMITTED", "", "FIELDS")).await;
    Asked::by_insurance("")
        .kinds(&[5])
        .list(&stack)
        .await
        .unwrap();
    stack.stop().await;
}

#[tokio::test]
async fn an_unknown_kind_is_refused_with_an_entry() {
    let stack = town().await;
    for kind in [0, 99, -1] {
        let asked = || Asked::by_tax("").kinds(&[2, kind]);
        let before = size(&stack).await;
        let answer = asked().list(&stack).await;
        refused(&stack, before, answer, ("INVALID_REQUEST", "", "BAD_KIND")).await;
        let before = size(&stack).await;
        let answer = asked().watch(&stack).await;
        refused(&stack, before, answer, ("INVALID_REQUEST", "", "BAD_KIND")).await;
    }
    // who is no party learns nothing about kinds
    let mut asked = Asked::by_tax("").kinds(&[99]);
    asked.context.purpose = "curiosity".to_owned();
    let before = size(&stack).await;
    let answer = asked.list(&stack).await;
    refused(&stack, before, answer, ("NOT_PERMITTED", "", "PURPOSE")).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_token_works_for_nobody_else_and_not_when_it_is_bent() {
    let stack = town().await;
    let token = Asked::by_tax("").list(&stack).await.unwrap();
    let page = Asked::by_tax("").export(&stack).await.unwrap();
    let resume = ("INVALID_REQUEST", "resume_token", "BAD_TOKEN");
    let before = size(&stack).await;
    let answer = Asked::by_insurance(&token).list(&stack).await;
    refused(&stack, before, answer, resume).await;
    let before = size(&stack).await;
    let answer = Asked::by_insurance(&token).watch(&stack).await;
    refused(&stack, before, answer, resume).await;
    let behind = format!("{token}0");
    let other = format!("{:016x}{}", 1, &token[16..]);
    let long = "f".repeat(9_000);
    let bent = ["x", "رمز", &behind, &other, &long, &token[..20], &page];
    for bent in bent {
        let before = size(&stack).await;
        let answer = Asked::by_tax(bent).list(&stack).await;
        refused(&stack, before, answer, resume).await;
        let before = size(&stack).await;
        let answer = Asked::by_tax(bent).watch(&stack).await;
        refused(&stack, before, answer, resume).await;
    }
    let before = size(&stack).await;
    let answer = Asked::by_tax(&token).export(&stack).await;
    let expected = ("INVALID_REQUEST", "page_token", "BAD_TOKEN");
    refused(&stack, before, answer, expected).await;
    // what was refused has spoilt nothing
    Asked::by_tax(&token).list(&stack).await.unwrap();
    Asked::by_tax(&token).watch(&stack).await.unwrap();
    Asked::by_tax(&page).export(&stack).await.unwrap();
    stack.stop().await;
}

#[tokio::test]
async fn a_place_that_the_feed_does_not_reach_is_refused_with_an_entry() {
    let (stack, empty) = (town().await, Stack::start("sqlite::memory:").await);
    let token = Asked::by_tax("").list(&stack).await.unwrap();
    let before = size(&empty).await;
    let answer = Asked::by_tax(&token).watch(&empty).await;
    assert_eq!(answer.as_ref().unwrap_err().code(), Code::OutOfRange);
    refused(&empty, before, answer, ("SEQUENCE_EXPIRED", "", "EXPIRED")).await;
    stack.stop().await;
    empty.stop().await;
}
