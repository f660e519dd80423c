//! Watchers far behind, and many at the head of the feed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rabt_model::{Attribute, Change, ChangeCause, ChangeKind, CitizenId};
use rabt_policy::{AccessRequest, Content, Method, Subject};

use super::node::{
    Fragile, MONA, OMAR, Row, Tables, events, memory, request, source, start_with_agencies,
};
use crate::change::{Step, Watch};
use crate::{Services, ingest, link};

const MINUTE: Duration = Duration::from_mins(1);

fn ask(kinds: &[ChangeKind]) -> AccessRequest {
    let kinds = kinds.iter().map(|kind| kind.code().to_owned());
    request(Method::WatchChanges, Subject::Feed(kinds.collect()))
}

fn ask_as_tax() -> AccessRequest {
    let mut asked = ask(&[]);
    asked.caller.agency = "tax".parse().unwrap();
    asked.caller.system = "desk".into();
    asked.context.agreement = "AG-2".into();
    asked
}

async fn read(services: &Arc<Services>, tables: &Tables, table: &str, rows: &[Row]) {
    tables.set(table, rows);
    ingest(services, &source(table)).await.unwrap();
    link(services).await.unwrap();
}

/// Commits changes as another node does, about which this one is not told.
async fn commit(services: &Services, kind: ChangeKind, count: usize) -> u64 {
    let mut tx = services.storage.begin().await.unwrap();
    let citizen: CitizenId = tx.memberships().await.unwrap()[0].1;
    let mut change = Change::new(kind, citizen, ChangeCause::Link);
    if kind == ChangeKind::NameChanged {
        change.attributes = vec![Attribute::NameChain];
    }
    let at = services.clock.now();
    let last = tx.put_changes(&vec![change; count], at).await.unwrap();
    tx.commit().await.unwrap();
    last
}

/// Returns the numbers of the changes that a step tells; none for a sign of life.
fn numbers(step: &Step) -> Vec<u64> {
    let Step::Changes(told, _) = step else {
        return Vec::new();
    };
    let Content::Changes(changes) = told.content() else {
        panic!("changes");
    };
    changes.iter().map(|told| told.sequence).collect()
}

async fn told(watch: &mut Watch) -> Vec<u64> {
    loop {
        let told = numbers(&watch.next().await.unwrap());
        if !told.is_empty() {
            return told;
        }
    }
}

#[tokio::test]
async fn one_far_behind_hears_how_far_it_has_come() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA]).await;
    for _ in 0..4 {
        commit(&services, ChangeKind::NameChanged, 5_000).await;
    }
    let last = commit(&services, ChangeKind::Died, 1).await;
    let asked = || ask(&[ChangeKind::Died]);
    // every page takes longer than this
    let beat = Duration::from_micros(1);
    let mut watch = Watch::begin(&services, asked(), "", beat).await.unwrap();
    let mut signs = Vec::new();
    let found = loop {
        let step = watch.next().await.unwrap();
        match step {
            Step::Heartbeat(resume) => signs.push(resume),
            Step::Changes(..) => break numbers(&step),
        }
    };
    assert_eq!(found, [last]);
    assert!(signs.len() >= 4, "{signs:?}");
    assert!(signs.is_sorted_by(|a, b| a[..16] < b[..16]), "{signs:?}");
    // a sign of life is a place to go on from
    let resume = signs.pop().unwrap();
    let mut watch = Watch::begin(&services, asked(), &resume, MINUTE)
        .await
        .unwrap();
    assert_eq!(told(&mut watch).await, [last]);
}

#[tokio::test]
async fn one_who_is_told_nothing_for_long_does_not_hear_of_every_commit() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    let asked = ask(&[ChangeKind::Died]);
    let mut watch = Watch::begin(&services, asked, "", MINUTE).await.unwrap();
    let quiet = async {
        for phone in ["01012345671", "01012345672", "01012345673"] {
            let row = [MONA[0], MONA[1], MONA[2], MONA[3], phone];
            read(&services, &tables, "registry", &[row]).await;
        }
    };
    tokio::select! {
        step = watch.next() => panic!("{step:?}"),
        () = quiet => {}
    }
}

async fn follow(services: &Arc<Services>, ask: AccessRequest, count: usize) -> Vec<Watch> {
    let mut watches = Vec::new();
    for _ in 0..count {
        let watch = Watch::begin(services, ask.clone(), "", MINUTE).await;
        watches.push(watch.unwrap());
    }
    watches
}

#[tokio::test]
async fn many_at_the_head_share_what_is_read() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    let at_tax = ["T-77", "مني احمد محمود حسن", MONA[2], MONA[3], ""];
    read(&services, &tables, "tax", &[at_tax]).await;
    let mut watches = follow(&services, ask(&[]), 20).await;
    watches.extend(follow(&services, ask_as_tax(), 20).await);
    let first = join(&mut watches).await;
    assert!(first[..20].iter().all(|told| *told == [1, 2, 3]));
    assert!(first[20..].iter().all(|told| *told == [1, 3]), "{first:?}");
    for name in ["منى أحمد محمود السيد", "منى أحمد محمود الشريف"]
    {
        let renamed = [MONA[0], name, MONA[2], MONA[3], MONA[4]];
        read(&services, &tables, "registry", &[renamed, OMAR]).await;
        // the audit log takes its entries from storage too, in its own time
        events(storage.as_ref()).await;
        let linked = snapshots(&storage);
        let told = join(&mut watches).await;
        let number = told[0].clone();
        assert!(!number.is_empty());
        assert!(told.iter().all(|told| *told == number), "{told:?}");
        let asked = snapshots(&storage) - linked;
        assert!(asked <= 1, "{asked} readings of storage for 40 watchers");
    }
}

fn snapshots(storage: &Fragile) -> u64 {
    storage.snapshots.load(Ordering::SeqCst)
}

/// Returns what each of them is told next.
async fn join(watches: &mut [Watch]) -> Vec<Vec<u64>> {
    let steps = watches.iter_mut().map(told);
    futures::future::join_all(steps).await
}

#[tokio::test]
async fn what_another_node_commits_is_told_at_the_next_sign_of_life() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA]).await;
    let beat = Duration::from_millis(30);
    let mut watch = Watch::begin(&services, ask(&[]), "", beat).await.unwrap();
    assert_eq!(told(&mut watch).await, [1]);
    let last = commit(&services, ChangeKind::NameChanged, 700).await;
    let mut all = told(&mut watch).await;
    all.extend(told(&mut watch).await);
    assert_eq!(all, (2..=last).collect::<Vec<_>>());
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    assert_eq!(told(&mut watch).await, [last + 1]);
}
