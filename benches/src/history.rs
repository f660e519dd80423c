//! A citizen's own entries in a long audit log: how long the newest hundred take.

use std::time::{Duration, Instant};

use rabt_audit::{AuditEvent, Disclosed, Entry, Pseudonym, Question};
use rabt_model::Timestamp;
use rabt_storage::{AuditLog, NewEntry, StoredEntry, open};
use tokio::runtime::Builder;

use crate::meter::Meter;

/// Entries about the one citizen, spread over the log.
const OWN: u64 = 10_000;
/// Entries of a commit, as under load.
const BATCH: u64 = 500;
/// Entries of a page.
const PAGE: u32 = 100;
/// Pages that are asked for, the newest and any others in turn.
const PAGES: u64 = 2_000;
/// What is required at the 99th of a hundred.
const REQUIRED: Duration = Duration::from_millis(100);

/// Writes a log of so many entries, each about a person of its own but for those of one citizen, and asks
/// for that citizen's pages, on SQLite and, where there is a server, on PostgreSQL.
#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
pub(crate) fn run(entries: u64) -> bool {
    let runtime = Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let file = format!("sqlite://{}", folder.path().join("rabt.db").display());
        let mut held = measure("SQLite", &file, entries).await;
        if let Some(server) = rabt_tests::postgres_url() {
            let database = rabt_tests::Database::on(&server).await;
            held &= measure("PostgreSQL", &database.url(), entries).await;
        } else {
            println!("PostgreSQL: skipped, there is no server");
        }
        held
    })
}

#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
async fn measure(name: &str, url: &str, entries: u64) -> bool {
    let storage = open(url).await.expect("storage");
    let log = storage.audit_log();
    let meter = Meter::start();
    for first in (0..entries).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        let batch: Vec<NewEntry> = (first..(first + BATCH).min(entries))
            .map(|leaf| entry(leaf, entries))
            .collect();
        log.append(first, &batch, None).await.expect("an append");
    }
    meter.report(
        &format!("{name}: entries"),
        usize::try_from(entries).unwrap_or(usize::MAX),
    );
    let mut newest = pages(log.as_ref(), |_| None).await;
    let mut anywhere = pages(log.as_ref(), |page| Some(entries * (page + 1) / PAGES)).await;
    storage.close().await;
    let mut held = true;
    for (what, times) in [("newest", &mut newest), ("any", &mut anywhere)] {
        times.sort_unstable();
        let at = |part: usize| times[(times.len() - 1) * part / 100];
        let shown = |part| at(part).as_secs_f64() * 1_000.0;
        println!(
            "{name}, {what} page of {PAGE} of {OWN} among {entries}: p50 {:.2} ms, p99 {:.2} ms, greatest {:.2} ms",
            shown(50),
            shown(99),
            shown(100)
        );
        held &= at(99) < REQUIRED;
    }
    held
}

/// Asks for pages that end below a leaf.
async fn pages(log: &dyn AuditLog, before: impl Fn(u64) -> Option<u64>) -> Vec<Duration> {
    let mut times = Vec::new();
    for page in 0..PAGES {
        let started = Instant::now();
        let found = log.entries_about(&[citizen()], before(page), PAGE).await;
        let found = found.expect("a page");
        times.push(started.elapsed());
        assert!(page < PAGES / 2 || found.len() == PAGE as usize);
    }
    times
}

fn citizen() -> [u8; 32] {
    [0xff; 32]
}

fn entry(leaf: u64, entries: u64) -> NewEntry {
    let own = leaf.is_multiple_of((entries / OWN).max(1));
    let subject = if own { citizen() } else { stranger(leaf) };
    let text = |text: &str| text.to_owned();
    let disclosed = Disclosed {
        changes: None,
        model: "ab".repeat(32),
        outcome: text("disclosed"),
        question: Question {
            agency: "tax".parse().expect("an id"),
            agreement: Some("AG-TAX-001".parse().expect("an id")),
            assurance: text("high"),
            break_glass: String::new(),
            case_reference: format!("case-{leaf}"),
            channel: text("portal"),
            end_user: Some(Pseudonym([3; 32])),
            legal_basis: text("income-tax-act"),
            method: text("LookupCitizen"),
            policy: "cd".repeat(32),
            purpose: text("assessment"),
            represented_party: String::new(),
            request_id: format!("r-{leaf}"),
            role: text("system"),
            service: text("tax-return"),
            system: text("assessment"),
        },
        released: vec!["birth.date".parse().expect("an attribute")],
        subjects: vec![Pseudonym(subject)],
        withheld: Vec::new(),
        withheld_until: None,
    };
    let at = Timestamp::from_millisecond(1_780_000_000_000 + i64::try_from(leaf).unwrap_or(0));
    let event = AuditEvent::Disclosed(disclosed);
    let encoded = Entry::new(at.expect("a time"), event).encode();
    let entry = StoredEntry {
        body: encoded.body,
        leaf_hash: encoded.leaf_hash,
        outbox: None,
    };
    let subjects = vec![subject];
    NewEntry {
        entry,
        subjects,
        keys: Vec::new(),
        case: None,
        archive: None,
    }
}

/// Returns the pseudonym of somebody else, spread as those of people are.
fn stranger(leaf: u64) -> [u8; 32] {
    rabt_audit::leaf_hash(&leaf.to_be_bytes())
}
