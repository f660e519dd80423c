//! Every answer and every refusal has its entry, and a changed byte is found.

use rabt_audit::{AuditEvent, Entry, Report, verify_log};
use rabt_proto::citizen::LookupCitizenRequest;
use rabt_proto::common::Identifier;
use rabt_storage::Storage;
use rabt_tests::{AGENCY_SYSTEM, Someone, Stack, Town, context};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

async fn verify(storage: &dyn Storage) -> Report {
    let log = storage.audit_log();
    let entries = log.entries(0, u64::from(u32::MAX)).await.unwrap();
    let entries = entries
        .into_iter()
        .map(|(leaf, entry)| (leaf, entry.body, entry.leaf_hash));
    let checkpoints = log.checkpoints().await.unwrap();
    let key = Stack::checkpoint_key();
    verify_log(entries, checkpoints, key.verifier())
}

fn lookup(value: &str) -> LookupCitizenRequest {
    LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(Identifier {
            scheme: "national_id".to_owned(),
            value: value.to_owned(),
        }),
        read_mask: None,
    }
}

#[tokio::test]
async fn every_answer_has_its_entry_and_a_changed_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/rabt.db", folder.path().display());
    let town = Town::of(200, 3).await;
    let stack = Stack::start(&url).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let someone = Someone::best_known(stack.services.storage.as_ref()).await;
    let mut client = stack.citizens(AGENCY_SYSTEM).await;
    for _ in 0..50 {
        client
            .lookup_citizen(lookup(&someone.national_id))
            .await
            .unwrap();
    }
    for _ in 0..7 {
        client
            .lookup_citizen(lookup("29901010100015"))
            .await
            .unwrap_err();
    }
    let mut refused = lookup(&someone.national_id);
    refused.context.as_mut().unwrap().purpose = "curiosity".to_owned();
    for _ in 0..3 {
        client.lookup_citizen(refused.clone()).await.unwrap_err();
    }
    stack.stop().await;

    let storage = rabt_storage::open(&url).await.unwrap();
    let entries = storage.audit_log().entries(0, 1_000_000).await.unwrap();
    let (mut disclosed, mut denied) = (0, 0);
    for (_, entry) in &entries {
        let text = String::from_utf8_lossy(&entry.body);
        assert!(!text.contains(&someone.national_id) && !text.contains(&someone.name));
        let event = Entry::decode(&entry.body).unwrap().event;
        disclosed += i32::from(matches!(event, AuditEvent::Disclosed(_)));
        denied += i32::from(matches!(event, AuditEvent::Denied(_)));
    }
    // Nobody is an answer too, so that probing is recorded like reading.
    assert_eq!((disclosed, denied), (57, 3));
    assert!(verify(storage.as_ref()).await.is_sound());
    storage.close().await;

    let middle = entries.len() / 2;
    let log = folder.path().join("rabt-audit.db");
    change_a_byte(&log, middle).await;
    let storage = rabt_storage::open(&url).await.unwrap();
    let report = verify(storage.as_ref()).await;
    assert!(!report.is_sound(), "a changed byte is not found");
    storage.close().await;
}

/// A log whose index is gone is one from before there was an index.
#[tokio::test]
async fn a_log_from_before_the_index_is_indexed_at_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/rabt.db", folder.path().display());
    let town = Town::of(200, 3).await;
    let stack = Stack::start(&url).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    let someone = Someone::best_known(stack.services.storage.as_ref()).await;
    let mut client = stack.citizens(AGENCY_SYSTEM).await;
    for _ in 0..20 {
        client
            .lookup_citizen(lookup(&someone.national_id))
            .await
            .unwrap();
    }
    stack.stop().await;
    let log = folder.path().join("rabt-audit.db");
    let mut connection = SqliteConnectOptions::new()
        .filename(&log)
        .connect()
        .await
        .unwrap();
    let forget = "DELETE FROM audit_arrivals; DELETE FROM audit_run_subjects;
        UPDATE audit_indexed SET size = 0";
    connection.execute(forget).await.unwrap();
    connection.close().await.unwrap();

    let storage = rabt_storage::open(&url).await.unwrap();
    assert!(about(storage.as_ref()).await.is_empty());
    storage.close().await;
    let stack = Stack::start(&url).await;
    let storage = stack.services.storage.as_ref();
    let (found, log) = (about(storage).await, storage.audit_log());
    assert_eq!(found.len(), 20);
    assert!(found.is_sorted_by(|left, right| left > right));
    assert_eq!(log.indexed().await.unwrap(), log.size().await.unwrap());
    stack.stop().await;
}

/// Returns the leaves about whoever the first disclosure of a log is about, the newest first.
async fn about(storage: &dyn Storage) -> Vec<u64> {
    let log = storage.audit_log();
    let entries = log.entries(0, 1_000_000).await.unwrap();
    let disclosed = entries.iter().find_map(|(_, entry)| {
        let AuditEvent::Disclosed(disclosed) = Entry::decode(&entry.body).unwrap().event else {
            return None;
        };
        disclosed.subjects.first().map(|subject| subject.0)
    });
    let found = log.entries_about(&[disclosed.unwrap()], None, 100).await;
    found.unwrap().into_iter().map(|(leaf, _)| leaf).collect()
}

/// Changes one byte of one entry in the file, as somebody with access to the disk could.
async fn change_a_byte(log: &std::path::Path, leaf: usize) {
    let options = SqliteConnectOptions::new().filename(log);
    let mut connection = options.connect().await.unwrap();
    let table: String =
        sqlx::query_scalar("SELECT m.name FROM sqlite_master m WHERE m.sql LIKE '%body%'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    let statement = format!(
        "UPDATE {table} SET body = CAST(replace(CAST(body AS TEXT), ':', ';') AS BLOB) \
         WHERE rowid = (SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {leaf})"
    );
    connection
        .execute(sqlx::AssertSqlSafe(statement))
        .await
        .unwrap();
    connection.close().await.unwrap();
}
