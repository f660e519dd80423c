//! What only a file can show: rights, opening again, and a kill.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rabt_model::{RecordNumber, RunId};
use sqlx::Connection;

use super::SqliteStorage;
use super::history::AT;
use crate::conformance::sample::{at, record, source, stream};
use crate::{AuditLog, NewEntry, RunCounts, Storage, StorageError, StoredEntry, SubjectKey, open};

/// Tells the test that writes until it is killed where to write.
const CHILD: &str = "RABT_STORAGE_TEST_CHILD";

fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&url(&folder.path().join("rabt.db"))).await.unwrap();
    let mut tx = storage.begin().await.unwrap();
    tx.put_outbox(&[vec![1]]).await.unwrap();
    tx.commit().await.unwrap();
    storage
        .audit_log()
        .append(0, &[], Some(b"x"))
        .await
        .unwrap();
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        names.push(file.file_name().into_string().unwrap());
        assert_eq!(mode & 0o777, 0o600, "{names:?}");
    }
    names.sort();
    assert!(names.contains(&"rabt-audit.db".into()), "{names:?}");
    assert!(names.contains(&"rabt.db-wal".into()), "{names:?}");
}

#[tokio::test]
async fn a_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder.path().join("rabt.db"));
    let first = record("tax", "a", 1);
    for times in 0..3_u64 {
        let storage = open(&url).await.unwrap();
        let mut tx = storage.begin().await.unwrap();
        let put = tx.put_records(RunId(1), std::slice::from_ref(&first)).await;
        assert_eq!(put.unwrap().unchanged, u64::from(times > 0));
        tx.commit().await.unwrap();
        let mut tx = storage.snapshot().await.unwrap();
        let held = tx.records_after(RecordNumber(0), 9).await.unwrap();
        assert_eq!(held[0].record, first);
        drop(tx);
        storage.close().await;
    }
}

#[tokio::test]
async fn who_protected_a_record_first_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder.path().join("rabt.db"));
    let storage = open(&url).await.unwrap();
    let mut tx = storage.begin().await.unwrap();
    let put = tx.put_records(RunId(1), &[record("tax", "a", 1)]).await;
    let numbers = put.unwrap().numbers;
    for (by, seconds) in [("mona", 1), ("omar", 2)] {
        tx.protect(&numbers, by, at(seconds)).await.unwrap();
    }
    tx.commit().await.unwrap();
    storage.close().await;
    // Nothing of ours reads it: it is for those who look into the database.
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let kept: Vec<(String, i64)> =
        sqlx::query_as("SELECT protected_by, protected_at FROM protections")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(kept, [("mona".into(), at(1).as_microsecond())]);
}

/// Somebody writes all the time, so that no pass finds everything moved: a journal that did not begin anew would
/// hold all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_begins_anew_while_somebody_writes() {
    const BODY: usize = 32_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rabt.db");
    let storage = SqliteStorage::open_file(&path).await.unwrap();
    let began = Instant::now();
    let mut leaf = 0;
    while began.elapsed() < Duration::from_secs(3) || leaf < 600 {
        let entry = entry(BODY);
        storage
            .audit_log
            .append(leaf, &[entry], None)
            .await
            .unwrap();
        leaf += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let journal = folder.path().join("rabt-audit.db-wal");
    let held = std::fs::metadata(journal).unwrap().len();
    let written = leaf * BODY as u64;
    assert!(held < written / 2, "{held} of {written} bytes");
    storage.close().await;
}

fn entry(size: usize) -> NewEntry {
    NewEntry {
        entry: StoredEntry {
            body: vec![7; size],
            leaf_hash: [7; 32],
            outbox: None,
        },
        subjects: Vec::new(),
        keys: Vec::new(),
        case: None,
        archive: None,
    }
}

/// A destroyed key is in no file, once nobody reads a state of before it was.
#[tokio::test]
async fn a_journal_that_somebody_reads_is_emptied_behind_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rabt.db");
    let storage = SqliteStorage::open_file(&path).await.unwrap();
    let log = &storage.audit_log;
    let key = SubjectKey {
        name: [7; 32],
        sealed: b"a key that is sealed and says so".to_vec(),
    };
    log.put_subject_keys(std::slice::from_ref(&key))
        .await
        .unwrap();
    let holds = || {
        let files = ["rabt-audit.db", "rabt-audit.db-wal"];
        let mut files = files
            .map(|name| std::fs::read(folder.path().join(name)).unwrap())
            .into_iter();
        files.any(|bytes| {
            bytes
                .windows(key.sealed.len())
                .any(|part| part == key.sealed)
        })
    };
    assert!(holds());
    let mut reading = log.reader.begin().await.unwrap();
    let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM subject_keys")
        .fetch_one(&mut *reading)
        .await
        .unwrap();
    assert_eq!(held, 1);
    assert_eq!(log.delete_subject_keys(&[key.name]).await.unwrap(), 1);
    let busy = log.scrub_subject_keys().await.unwrap_err();
    assert!(matches!(busy, StorageError::Busy { .. }), "{busy}");
    assert!(holds());
    // the reader ends between two attempts
    let emptied = log.scrub_subject_keys();
    let ended = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        reading.rollback().await.unwrap();
    };
    let (emptied, ()) = tokio::join!(emptied, ended);
    emptied.unwrap();
    assert!(!holds());
}

/// Sets how large the file of a log may become, in pages; returns what counts.
async fn limit_pages(log: &super::audit_log::SqliteAuditLog, pages: i64) -> i64 {
    let limit = format!("PRAGMA max_page_count = {pages}");
    let mut writing = log.writer.lock("limiting").await.unwrap();
    let limited = sqlx::query_scalar(sqlx::AssertSqlSafe(limit));
    let limited = limited.fetch_one(&mut *writing).await.unwrap();
    writing.done();
    limited
}

/// A disk without room, as SQLite sees one: nothing of the batch is there, and there is no hole behind it.
#[tokio::test]
async fn a_log_without_room_takes_nothing_and_goes_on_when_there_is_some() {
    let folder = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open_file(&folder.path().join("rabt.db"))
        .await
        .unwrap();
    let log = &storage.audit_log;
    let entry = |leaf: u8, size: usize| NewEntry {
        entry: StoredEntry {
            body: vec![leaf; size],
            leaf_hash: [leaf; 32],
            outbox: None,
        },
        subjects: vec![[leaf; 32]],
        ..entry(size)
    };
    log.append(0, &[entry(0, 10)], Some(b"one")).await.unwrap();
    // no fewer than there are
    let pages = limit_pages(log, 1).await;
    // two small ones and one that has no room
    let batch = [entry(1, 10), entry(2, 10), entry(3, 1_000_000)];
    let full = log.append(1, &batch, Some(b"four")).await.unwrap_err();
    assert!(matches!(full, StorageError::Full { .. }), "{full}");
    assert_eq!(log.size().await.unwrap(), 1);
    assert_eq!(log.latest_checkpoint().await.unwrap().unwrap(), b"one");
    assert_eq!(log.entries_about(&[[1; 32]], None, 9).await.unwrap(), []);
    limit_pages(log, pages + 1_000).await;
    log.append(1, &batch, Some(b"four")).await.unwrap();
    assert_eq!(log.size().await.unwrap(), 4);
    assert_eq!(
        log.entries_about(&[[3; 32]], None, 9).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_wrong_address_is_explained() {
    for address in [
        "",
        "mysql://h/d",
        "sqlite://",
        "sqlite:///no/such/folder/rabt.db",
    ] {
        let error = open(address).await.err().unwrap();
        assert!(
            matches!(error, StorageError::Configuration { .. }),
            "{error}"
        );
    }
    let refused = open("postgres://nobody@127.0.0.1:1/none")
        .await
        .err()
        .unwrap();
    assert!(refused.is_transient(), "{refused}");
}

#[tokio::test]
async fn a_page_of_the_past_passes_over_no_revisions() {
    let storage = SqliteStorage::open_memory().await.unwrap();
    let plan = format!("EXPLAIN QUERY PLAN {AT}");
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(plan))
        .bind(0)
        .bind(0)
        .bind(0)
        .fetch_all(&storage.reader)
        .await
        .unwrap();
    let plan: Vec<String> = plan.into_iter().map(|(.., step)| step).collect();
    assert!(
        !plan.iter().any(|step| step.starts_with("SCAN")),
        "{plan:?}"
    );
    let looks = [
        "SEARCH past USING PRIMARY KEY (citizen=? AND revision=?)",
        "SEARCH revisions USING COVERING INDEX revisions_by_end (citizen=? AND ended_sequence>?)",
    ];
    for look in looks {
        assert!(plan.iter().any(|step| step == look), "{plan:?}");
    }
}

#[tokio::test]
async fn a_kill_leaves_whole_transactions() {
    if let Ok(path) = std::env::var(CHILD) {
        write_until_killed(Path::new(&path)).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rabt.db");
    let mut before = 0;
    for delay in [400, 150, 250] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::tests::a_kill_leaves_whole_transactions"])
            .env(CHILD, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(delay)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let storage = open(&url(&path)).await.unwrap();
        let steps = check_whole(storage.as_ref()).await;
        assert!(steps >= before);
        before = steps;
        storage.close().await;
    }
    assert!(before > 0, "the child never committed");
}

/// Writes steps of ten records each, and an audit entry after each step.
async fn write_until_killed(path: &Path) {
    let storage = open(&url(path)).await.unwrap();
    let log = storage.audit_log();
    let mut tx = storage.begin().await.unwrap();
    tx.interrupt_runs(at(1)).await.unwrap();
    let mut step = tx.count_records().await.unwrap() / 10;
    let run = tx.start_run(&source("tax"), at(1)).await.unwrap();
    tx.commit().await.unwrap();
    loop {
        let key = |place| format!("{step:06}-{place}");
        let records: Vec<_> = (0..10).map(|place| record("tax", &key(place), 1)).collect();
        let mut tx = storage.begin().await.unwrap();
        tx.put_records(run, &records).await.unwrap();
        let counts = RunCounts {
            rows: 10,
            ..RunCounts::default()
        };
        tx.count_run(run, counts).await.unwrap();
        tx.put_outbox(&[step.to_be_bytes().to_vec()]).await.unwrap();
        step += 1;
        let position = step.to_string();
        tx.put_position(&source("tax"), &stream("person"), &position, step * 10)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let leaf = log.size().await.unwrap();
        let entry = StoredEntry {
            body: step.to_be_bytes().to_vec(),
            leaf_hash: [0; 32],
            outbox: None,
        };
        let new = NewEntry {
            entry,
            subjects: vec![[1; 32]],
            keys: Vec::new(),
            case: None,
            archive: None,
        };
        log.append(leaf, &[new], Some(&leaf.to_be_bytes()))
            .await
            .unwrap();
    }
}

/// Returns how many steps storage holds, each of them whole.
async fn check_whole(storage: &dyn Storage) -> u64 {
    let mut tx = storage.begin().await.unwrap();
    let records = tx.count_records().await.unwrap();
    assert_eq!(records % 10, 0);
    let steps = records / 10;
    assert_eq!(
        tx.unlinked_records(u32::MAX).await.unwrap().len() as u64,
        records
    );
    let position = tx
        .get_position(&source("tax"), &stream("person"))
        .await
        .unwrap();
    assert_eq!(position.map_or(0, |text| text.parse().unwrap()), steps);
    assert_eq!(
        tx.outbox_after(0, u32::MAX).await.unwrap().len() as u64,
        steps
    );
    let runs = tx.runs(&source("tax"), 99).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.counts.rows).sum::<u64>(), records);
    // A step is committed before its entry is appended, so the log is never ahead of it.
    let log = storage.audit_log();
    let size = log.size().await.unwrap();
    assert!(size <= steps);
    // whom an entry is about is there with it
    let limit = u32::try_from(steps + 1).unwrap();
    let about = log.entries_about(&[[1; 32]], None, limit).await.unwrap();
    assert_eq!(
        (about.len() as u64, log.indexed().await.unwrap()),
        (size, size)
    );
    assert_eq!(log.checkpoints().await.unwrap().len() as u64, size);
    steps
}
