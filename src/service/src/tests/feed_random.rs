//! Whatever happens to records, and whenever the process is killed, the feed tells all of it once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rabt_model::RecordId;
use rabt_storage::{Deletion, Storage};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::node::{Fragile, MONA, OMAR, Row, Tables, memory, source, start, start_with_agencies};
use crate::change::check_feed;
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
