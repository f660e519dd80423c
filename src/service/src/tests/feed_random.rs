//! Whatever happens to records, and whenever the process is killed, the feed tells all of it once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rabt_model::{CitizenId, RecordId, RecordNumber, View};
use rabt_storage::{Deletion, Storage};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::node::{
    Fragile, MONA, OMAR, Row, Tables, folder, memory, register, source, start, start_with_agencies,
};
use crate::change::{Replay, check_feed};
use crate::directory::Directory;
use crate::operate::NewSource;
use crate::{Services, fingerprint, ingest, link};

const KEYS: [&str; 5] = ["1", "2", "3", "4", "5"];

/// What a row may say: that it is one of three people, or one of them with other particulars.
const PEOPLE: [Row; 6] = [
    MONA,
    OMAR,
    [
        "",
        "ناهد صبري فوزي كامل",
        "26105050199999",
        "1961-05-05",
        "",
    ],
    ["", MONA[1], MONA[2], MONA[3], "01077777777"],
    ["", "منى أحمد محمود السيد", MONA[2], MONA[3], ""],
    ["", OMAR[1], "29107150200999", OMAR[3], ""],
];

struct World {
    storage: Arc<Fragile>,
    tables: Tables,
    services: Arc<Services>,
    random: StdRng,
}

impl World {
    async fn new(seed: u64) -> Self {
        let (storage, tables) = (memory().await, Tables::default());
        let services = start_with_agencies(&storage, &tables).await;
        Self {
            storage,
            tables,
            services,
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// Writes some rows of an agency, each saying to be somebody.
    fn write(&mut self, table: &str) {
        let mut rows = Vec::new();
        for key in KEYS {
            if self.random.random_bool(0.6) {
                let mut row = *PEOPLE.choose(&mut self.random).unwrap();
                row[0] = key;
                rows.push(row);
            }
        }
        self.tables.set(table, &rows);
    }

    async fn delete(&mut self, table: &str) {
        let key = *KEYS.choose(&mut self.random).unwrap();
        let id = RecordId {
            source: source(table),
            stream: "person".parse().unwrap(),
            key: key.to_owned().into(),
        };
        let gone = Deletion {
            id,
            version: None,
            event_at: None,
        };
        let mut tx = self.storage.begin().await.unwrap();
        let at = self.services.clock.now();
        tx.delete_records(&[gone], at).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Reads and links, killed before some transaction.
    async fn be_killed(&mut self, table: &str) {
        let survive = self.random.random_range(0..6);
        self.storage.begins.store(survive, Ordering::SeqCst);
        if ingest(&self.services, &source(table)).await.is_ok() {
            let _ = link(&self.services).await;
        }
        self.services.stop("signal").await;
        self.storage.begins.store(u64::MAX, Ordering::SeqCst);
        self.services = start(&self.storage, &self.tables).await;
    }

    async fn step(&mut self) {
        let table = *["registry", "tax"].choose(&mut self.random).unwrap();
        match self.random.random_range(0..10) {
            0..=3 => self.write(table),
            4..=6 => self.delete(table).await,
            _ => {
                self.write(table);
                self.be_killed(table).await;
            }
        }
        ingest(&self.services, &source(table)).await.unwrap();
        if self.random.random_bool(0.7) {
            link(&self.services).await.unwrap();
        }
    }

    async fn check(&self, place: &str) {
        let problems = check_feed(self.storage.as_ref()).await.unwrap();
        assert!(problems.is_empty(), "{place}: {problems:?}");
    }
}

#[tokio::test]
async fn following_the_feed_gives_what_storage_holds() {
    for seed in 0..6 {
        let mut world = World::new(seed).await;
        for step in 0..25 {
            world.step().await;
            world.check(&format!("seed {seed}, step {step}")).await;
        }
        link(&world.services).await.unwrap();
        world.check(&format!("seed {seed}, the end")).await;
        // another node, from the same records, ends with the same people
        let before = fingerprint(world.storage.as_ref()).await.unwrap();
        world.services.stop("finished").await;
        let again = start(&world.storage, &world.tables).await;
        let linked = link(&again).await.unwrap();
        assert_eq!((linked.profiles, linked.changes), (0, 0), "seed {seed}");
        assert_eq!(fingerprint(world.storage.as_ref()).await.unwrap(), before);
    }
}

/// Returns who has which record that is not of the tax office.
async fn open_memberships(storage: &dyn Storage) -> BTreeMap<RecordNumber, CitizenId> {
    let mut tx = storage.snapshot().await.unwrap();
    let mut held: BTreeMap<_, _> = tx.memberships().await.unwrap().into_iter().collect();
    let numbers: Vec<RecordNumber> = held.keys().copied().collect();
    let owners = tx.agencies_of_records(&numbers).await.unwrap().into_iter();
    for (record, _) in owners.filter(|(_, agency)| agency.as_str() == "tax") {
        held.remove(&record);
    }
    held
}

/// Follows the feed as those who do not see the tax office.
async fn follow_open(storage: &dyn Storage) -> Replay {
    let mut tx = storage.snapshot().await.unwrap();
    let mut replay = Replay::default();
    for mut stored in tx.changes_after(0, 100_000).await.unwrap() {
        if stored.change.view.is_for(false) {
            let moved = stored.change.joined.iter().chain(&stored.change.left);
            let moved: Vec<RecordNumber> = moved.copied().collect();
            let owners = tx.agencies_of_records(&moved).await.unwrap();
            let theirs = owners.iter().find(|(_, agency)| agency.as_str() == "tax");
            assert_eq!(theirs, None, "{stored:?}");
            stored.change.view = View::Every;
            replay.apply(&stored.change);
        }
    }
    replay
}

/// Whoever does not see a restricted source follows a feed of its own, and it is complete too.
#[tokio::test]
async fn following_the_feed_gives_what_storage_holds_without_restricted_sources() {
    for seed in 10..16 {
        let mut world = World::new(seed).await;
        let tax = folder("tax");
        let restricted = NewSource {
            manifest: tax
                .manifest
                .replace("[source.config]", "restricted = true\n[source.config]"),
            ..tax
        };
        register(&world.services, restricted).await;
        for step in 0..25 {
            let place = format!("seed {seed}, step {step}");
            world.step().await;
            world.check(&place).await;
            let storage = world.storage.as_ref();
            let replay = follow_open(storage).await;
            assert_eq!(
                replay.memberships,
                open_memberships(storage).await,
                "{place}"
            );
        }
        link(&world.services).await.unwrap();
        let veil = world.services.veil();
        let loaded = Directory::load(world.storage.as_ref(), &veil).await;
        let held = world.services.directory.open_contents();
        assert_eq!(held, loaded.unwrap().open_contents(), "seed {seed}");
        assert!(!held.is_empty(), "seed {seed}");
        world.services.stop("finished").await;
    }
}
