//! Auditors read the log through the node, prove it, and let others witness it.

mod files;
mod replay;

use rabt_audit::{CheckpointVerifier, root_of_span, verify_consistency, verify_inclusion};
use rabt_proto::audit as pb;
use rabt_proto::audit::audit_service_client::AuditServiceClient;
use rabt_proto::citizen::LookupCitizenRequest;
use rabt_proto::common::Identifier;
use rabt_tests::{AGENCY_SYSTEM, AUDITOR, Stack, context, reason};
use tonic::transport::Channel;

type Auditor = AuditServiceClient<Channel>;

/// Asks about somebody who is not there, so often; half of it without a purpose that is allowed.
async fn ask(stack: &Stack, times: usize) {
    let mut client = stack.citizens(AGENCY_SYSTEM).await;
    for number in 0..times {
        let mut context = context();
        if number % 2 == 1 {
            "curiosity".clone_into(&mut context.purpose);
        }
        let identifier = Identifier {
            scheme: "national_id".to_owned(),
            value: "29901010100015".to_owned(),
        };
        let request = LookupCitizenRequest {
            context: Some(context),
            identifier: Some(identifier),
            read_mask: None,
        };
        client.lookup_citizen(request).await.unwrap_err();
    }
}

async fn list(auditor: &mut Auditor, request: pb::ListEventsRequest) -> Vec<pb::Event> {
    let (mut all, mut request) = (Vec::new(), request);
    loop {
        let page = auditor
            .list_events(request.clone())
            .await
            .unwrap()
            .into_inner();
        all.extend(page.events);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

async fn checkpoint(auditor: &mut Auditor) -> pb::GetCheckpointResponse {
    let request = pb::GetCheckpointRequest::default();
    auditor.get_checkpoint(request).await.unwrap().into_inner()
}

fn hashes(hashes: &[Vec<u8>]) -> Vec<[u8; 32]> {
    let hashes = hashes
        .iter()
        .map(|hash| hash.as_slice().try_into().unwrap());
    hashes.collect()
}

#[tokio::test]
async fn events_are_filtered_paged_and_in_both_orders() {
    let stack = Stack::start("sqlite::memory:").await;
    ask(&stack, 30).await;
    let mut auditor = stack.audit(AUDITOR).await;
    let denied = pb::EventFilter {
        kind: "denied".to_owned(),
        agency: "tax".to_owned(),
        method: "LookupCitizen".to_owned(),
        outcome: "PURPOSE".to_owned(),
        ..Default::default()
    };
    let request = |order: pb::EventOrder| pb::ListEventsRequest {
        filter: Some(denied.clone()),
        order: order.into(),
        page_size: 4,
        page_token: String::new(),
    };
    let newest = list(&mut auditor, request(pb::EventOrder::NewestFirst)).await;
    let mut oldest = list(&mut auditor, request(pb::EventOrder::OldestFirst)).await;
    assert_eq!(newest.len(), 15);
    assert!(newest.is_sorted_by(|a, b| a.leaf > b.leaf));
    oldest.reverse();
    assert_eq!(newest, oldest);
    assert!(
        newest
            .iter()
            .all(|event| event.actor == "tax:assessment:system")
    );
    // each page that was read is an entry
    let reads = pb::EventFilter {
        kind: "log_read".to_owned(),
        ..Default::default()
    };
    let reads = pb::ListEventsRequest {
        filter: Some(reads),
        page_size: 1_000,
        ..Default::default()
    };
    assert_eq!(list(&mut auditor, reads).await.len(), 8);
    let wrong = pb::ListEventsRequest {
        page_token: "x".to_owned(),
        ..Default::default()
    };
    let refused = auditor.list_events(wrong).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_REQUEST");
    stack.stop().await;
}

#[tokio::test]
async fn a_tail_tells_what_is_written_and_goes_on_from_a_leaf() {
    let stack = Stack::start("sqlite::memory:").await;
    let mut auditor = stack.audit(AUDITOR).await;
    let filter = pb::EventFilter {
        agency: "tax".to_owned(),
        ..Default::default()
    };
    let request = |from_leaf| pb::TailEventsRequest {
        filter: Some(filter.clone()),
        from_leaf,
        heartbeat_seconds: 1,
    };
    let mut tail = auditor
        .tail_events(request(None))
        .await
        .unwrap()
        .into_inner();
    ask(&stack, 3).await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.extend(tail.message().await.unwrap().unwrap().events);
    }
    let life = tail.message().await.unwrap().unwrap();
    assert!(life.events.is_empty() && life.next_leaf > seen[2].leaf);
    // a tail of everything tells of no tail, so that it comes to rest
    let all = pb::TailEventsRequest {
        from_leaf: Some(0),
        heartbeat_seconds: 1,
        ..Default::default()
    };
    let mut everything = auditor.tail_events(all).await.unwrap().into_inner();
    let mut told = 0;
    loop {
        let message = everything.message().await.unwrap().unwrap();
        if message.events.is_empty() {
            break;
        }
        told += message.events.len();
        assert!(told < 100, "a tail that never rests");
    }
    drop(tail);
    let from = Some(seen[1].leaf);
    let mut tail = auditor
        .tail_events(request(from))
        .await
        .unwrap()
        .into_inner();
    let again = tail.message().await.unwrap().unwrap().events;
    assert_eq!(again, seen[1..]);
    stack.stop().await;
}

#[tokio::test]
async fn proofs_hold_against_signed_checkpoints() {
    let stack = Stack::start("sqlite::memory:").await;
    let mut auditor = stack.audit(AUDITOR).await;
    ask(&stack, 20).await;
    let old = checkpoint(&mut auditor).await;
    ask(&stack, 300).await;
    let new = checkpoint(&mut auditor).await;
    let verifier: CheckpointVerifier = new.verifier_key.parse().unwrap();
    let [old, new] = [old, new].map(|got| verifier.open(got.checkpoint.as_bytes()).unwrap());
    for leaf in [0, 7, old.size, 256, new.size - 1] {
        let size = new.size;
        let request = pb::GetInclusionProofRequest { leaf, size };
        let proof = auditor
            .get_inclusion_proof(request)
            .await
            .unwrap()
            .into_inner();
        let hash = proof.leaf_hash.try_into().unwrap();
        verify_inclusion(&hash, leaf, size, &hashes(&proof.hashes), &new.root).unwrap();
    }
    let request = pb::GetConsistencyProofRequest {
        from_size: old.size,
        to_size: new.size,
    };
    let proof = auditor
        .get_consistency_proof(request)
        .await
        .unwrap()
        .into_inner();
    let proof = hashes(&proof.hashes);
    verify_consistency(old.size, &old.root, new.size, &new.root, &proof).unwrap();

    let (from, to) = (100, 300);
    let request = pb::ExportEvidenceRequest {
        from_leaf: from,
        to_leaf: to,
        size: new.size,
    };
    let mut told = auditor.export_evidence(request).await.unwrap().into_inner();
    let (mut leaves, mut beside) = (Vec::new(), Vec::new());
    while let Some(message) = told.message().await.unwrap() {
        leaves.extend(
            message
                .bodies
                .iter()
                .map(|body| rabt_audit::leaf_hash(body)),
        );
        beside = hashes(&message.beside);
    }
    assert_eq!(leaves.len() as u64, to - from);
    assert_eq!(root_of_span(from, &leaves, new.size, &beside), Ok(new.root));

    for (leaf, size) in [(new.size, new.size), (0, 1 << 40)] {
        let request = pb::GetInclusionProofRequest { leaf, size };
        let refused = auditor.get_inclusion_proof(request).await.unwrap_err();
        assert_eq!(reason(&refused), "INVALID_REQUEST");
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_checkpoint_carries_what_a_witness_signed_and_nothing_else() {
    let stack = Stack::start("sqlite::memory:").await;
    let mut auditor = stack.audit(AUDITOR).await;
    let request = pb::GetCheckpointRequest {
        size: 0,
        witnessed: true,
    };
    let none = auditor.get_checkpoint(request).await.unwrap_err();
    assert_eq!(reason(&none), "NOT_FOUND");
    let got = checkpoint(&mut auditor).await;
    let witness = Stack::witness_key();
    let line = witness
        .sign(got.checkpoint.as_bytes(), 1_780_000_000)
        .unwrap();
    let add = |size, line: &str| pb::AddWitnessSignatureRequest {
        size,
        line: line.to_owned(),
    };
    let stranger = rabt_audit::WitnessKey::from_seed("stranger.test", &[9; 32]).unwrap();
    let other = stranger.sign(got.checkpoint.as_bytes(), 1).unwrap();
    for (size, line) in [
        (got.size, &other),
        (got.size + 1, &line),
        (got.size, &got.checkpoint),
    ] {
        let refused = auditor.add_witness_signature(add(size, line)).await;
        assert_eq!(reason(&refused.unwrap_err()), "INVALID_REQUEST", "{size}");
    }
    let added = auditor.add_witness_signature(add(got.size, &line)).await;
    let added = added.unwrap().into_inner().checkpoint;
    assert!(added.ends_with(&format!("{line}\n")), "{added}");
    let kept = auditor.get_checkpoint(request).await.unwrap().into_inner();
    assert_eq!((kept.size, kept.checkpoint), (got.size, added));
    stack.stop().await;
}
