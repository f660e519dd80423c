//! Nothing personal in logs: everything is done at TRACE, and what was written is searched.

mod every;

use rabt_model::RecordNumber;
use rabt_proto::citizen::{LookupCitizenRequest, SearchCitizensRequest, SearchCriteria};
use rabt_proto::common::{EndUser, Identifier};
use rabt_storage::Storage;
use rabt_tests::{AGENCY_SYSTEM, Log, Someone, Stack, Town, context};

/// Returns what must not be found: every value of every record that is long enough to be told from
/// chance.
async fn canaries(storage: &dyn Storage) -> Vec<String> {
    let mut snapshot = storage.snapshot().await.unwrap();
    let records = snapshot
        .records_after(RecordNumber(i64::MIN), 1_000_000)
        .await
        .unwrap();
    let mut canaries = Vec::new();
    for stored in &records {
        canaries.push(stored.record.id.key.expose().clone());
        for value in &stored.record.values {
            canaries.push(value.value.expose().to_line());
        }
    }
    canaries.retain(|text| {
        text.chars().count() >= 9 && text.contains(|c: char| !c.is_ascii_alphabetic())
    });
    canaries.sort();
    canaries.dedup();
    canaries
}

#[tokio::test]
async fn a_run_at_trace_logs_nothing_personal() {
    let town = Town::of(120, 12).await;
    let log = Log::start(tracing::Level::TRACE);
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&format!("sqlite://{}/rabt.db", folder.path().display())).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let someone = Someone::best_known(stack.services.storage.as_ref()).await;
    ask(&stack, &someone).await;
    let mut canaries = canaries(stack.services.storage.as_ref()).await;
    canaries.push("canary-end-user".to_owned());
    canaries.push("canary-not-a-number".to_owned());
    stack.stop().await;

    let text = log.text();
    assert!(
        text.contains("TRACE") && text.contains("rabt"),
        "{} bytes",
        text.len()
    );
    assert!(canaries.len() > 1_000, "{} canaries", canaries.len());
    for canary in canaries {
        if let Some(place) = text.find(&canary) {
            let line = text[..place].lines().count();
            panic!(
                "a value is in the log, line {line}: {}",
                context_of(&text, place)
            );
        }
    }
}

/// Returns what stands before a place in the log; the value itself is not repeated.
fn context_of(text: &str, place: usize) -> String {
    let start = text[..place].rfind('\n').map_or(0, |at| at + 1);
    text[start..place].to_owned()
}

/// Asks in every way that could leave a trace: answered, refused, malformed.
async fn ask(stack: &Stack, someone: &Someone) {
    let mut client = stack.citizens(AGENCY_SYSTEM).await;
    let mut context = context();
    context.end_user = Some(EndUser {
        id: "canary-end-user".to_owned(),
        assurance: 3,
    });
    for value in [someone.national_id.as_str(), "canary-not-a-number"] {
        for purpose in ["assessment", "curiosity"] {
            purpose.clone_into(&mut context.purpose);
            let request = LookupCitizenRequest {
                context: Some(context.clone()),
                identifier: Some(Identifier {
                    scheme: "national_id".to_owned(),
                    value: value.to_owned(),
                }),
                read_mask: None,
            };
            let _ = client.lookup_citizen(request).await;
        }
    }
    "assessment".clone_into(&mut context.purpose);
    let request = SearchCitizensRequest {
        context: Some(context),
        criteria: Some(SearchCriteria {
            name: someone.name.clone(),
            phone: someone.national_id.clone(),
            ..SearchCriteria::default()
        }),
        ..SearchCitizensRequest::default()
    };
    let _ = client.search_citizens(request).await;
}
