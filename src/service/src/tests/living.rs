//! Whatever the order in which records come, change and go and people decide, in whatever batches,
//! with whatever kills: the end is the one of a single batch.

pub(super) mod images;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rabt_model::{
    Attribute, Judgement, Name, Pii, RecordId, RecordNumber, RecordValue, RunId, SourceRecord,
    Timestamp, Value,
};
use rabt_storage::conformance::Scratch;
use rabt_storage::{
    DecisionOrigin, DecisionState, DecisionStep, Deletion, NewDecision, Storage, TaskFilter,
};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

use images::{Images, check_resumed};

use super::node::{Fragile, Tables, memory, setup};
use crate::change::check_feed;
use crate::link::{Act, carry_out};
use crate::{Arrival, ImageFile, Node, ReviewError, Services, Setup, fingerprint, link, upsert};

const RUN: RunId = RunId(1);
/// Records of the hard set.
const RECORDS: usize = 60;
const GIVEN: [&str; 4] = ["أحمد", "محمد", "محمود", "منى"];
const FATHER: [&str; 3] = ["محمد", "أحمد", "على"];
const FAMILY: [&str; 2] = ["البدري", "سالم"];
const IDS: [&str; 4] = [
    "28402110100028",
    "29107150200131",
    "26105050199999",
    "29002110112357",
];
const BIRTHS: [&str; 3] = ["1984-02-11", "1984-02-12", "1991-07-15"];

/// Something that happens.
#[derive(Debug, Clone)]
enum Event {
    Come(SourceRecord),
    Go(Deletion),
    Decide(Judgement, RecordId, RecordId),
}

fn id(key: usize) -> RecordId {
    RecordId {
        source: ["registry", "tax"][key % 2].parse().unwrap(),
        stream: "person".parse().unwrap(),
        key: Pii::new(format!("{key:03}")),
    }
}

/// Returns a record of few people and many slips, so that clusters form, chain and conflict.
fn record(key: usize, version: u32, random: &mut StdRng) -> SourceRecord {
    let mut texts = vec![(
        Attribute::NameChain,
        Value::Name(Name::whole(format!(
            "{} {} {}",
            GIVEN.choose(random).unwrap(),
            FATHER.choose(random).unwrap(),
            FAMILY.choose(random).unwrap()
        ))),
    )];
    if random.random_bool(0.6) {
        let text = (*IDS.choose(random).unwrap()).to_owned();
        texts.push((Attribute::national_id(), Value::Text(text)));
    }
    if random.random_bool(0.7) {
        let date = BIRTHS.choose(random).unwrap().parse().unwrap();
        texts.push((Attribute::BirthDate, Value::Date(date)));
    }
    if random.random_bool(0.4) {
        let text = format!("0101234567{}", random.random_range(0..3));
        texts.push((Attribute::Phone, Value::Text(text)));
    }
    let values = texts.into_iter().map(|(attribute, value)| RecordValue {
        column: attribute.to_string(),
        attribute,
        value: Pii::new(value),
    });
    let id = id(key);
    let mut content_hash: [u8; 32] = random.random();
    content_hash[0] = u8::try_from(version).unwrap();
    SourceRecord {
        agency: id.source.as_str().parse().unwrap(),
        id,
        values: values.collect(),
        version: Some(version.to_string()),
        event_at: None,
        observed_at: time(1),
        replaced_by: None,
        content_hash,
    }
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

/// What is to happen, and what is there in the end.
struct Story {
    events: Vec<Event>,
    live: Vec<SourceRecord>,
    decisions: Vec<Event>,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut events, mut live) = (Vec::new(), Vec::new());
        for key in 0..RECORDS {
            // What was decided of a record holds while it is about the person it was about, so
            // that a record somebody decides about does not change here, and does not go.
            let versions = if key < 16 {
                1
            } else {
                random.random_range(1..4)
            };
            let mut last = None;
            for version in 1..=versions {
                let record = record(key, version, &mut random);
                events.push(Event::Come(record.clone()));
                last = Some(record);
            }
            if key >= 16 && random.random_bool(0.2) {
                events.push(Event::Go(Deletion {
                    id: id(key),
                    version: Some((versions + 1).to_string()),
                    event_at: None,
                }));
            } else {
                live.extend(last);
            }
        }
        let judgements = [Judgement::Same, Judgement::Different, Judgement::Different];
        let decisions = (0..8).map(|at| {
            let judgement = judgements[at % 3];
            Event::Decide(judgement, id(2 * at), id(2 * at + 1))
        });
        let decisions: Vec<Event> = decisions.collect();
        events.extend(decisions.iter().cloned());
        Self {
            events,
            live,
            decisions,
        }
    }

    /// Returns the events in another order in which nothing goes, and nobody decides, before the
    /// records have come.
    fn shuffled(&self, random: &mut StdRng) -> Vec<Event> {
        let mut events = self.events.clone();
        events.shuffle(random);
        let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
        let (mut ready, mut early) = (Vec::new(), Vec::new());
        for event in events {
            match &event {
                Event::Come(record) => {
                    seen.insert(name(&record.id));
                    ready.push(event);
                }
                Event::Go(deletion) if seen.contains(&name(&deletion.id)) => ready.push(event),
                Event::Decide(_, left, right)
                    if seen.contains(&name(left)) && seen.contains(&name(right)) =>
                {
                    ready.push(event);
                }
                Event::Go(_) | Event::Decide(..) => early.push(event),
            }
        }
        ready.extend(early);
        ready
    }
}

fn name(id: &RecordId) -> (String, String) {
    (id.source.to_string(), id.key.expose().clone())
}

/// A node that is killed now and then.
struct World {
    storage: Arc<Fragile>,
    services: Arc<Services>,
    images: Images,
    starts: u32,
}

/// Starts a node. Each one has its own randomness, as none ever repeats another's.
async fn begin(storage: &Arc<Fragile>, image: ImageFile, starts: u32) -> Arc<Services> {
    let node = Node {
        process: starts.into(),
        ..Node::default()
    };
    let setup = Setup {
        node,
        random: StdRng::seed_from_u64(starts.into()),
        image: Some(image),
        ..setup(storage, &Tables::default())
    };
    Services::start(setup).await.unwrap()
}

impl World {
    async fn over(storage: Arc<Fragile>) -> Self {
        let images = Images::new();
        let services = begin(&storage, images.file(), 0).await;
        Self {
            storage,
            services,
            images,
            starts: 0,
        }
    }

    async fn be_killed(&mut self, random: &mut StdRng) {
        self.services.stop("signal").await;
        self.storage.begins.store(u64::MAX, Ordering::SeqCst);
        self.images.be_killed(random);
        self.starts += 1;
        self.services = begin(&self.storage, self.images.file(), self.starts).await;
        check_resumed(&self.services).await;
    }

    /// Lets a batch happen; says whether it did.
    async fn arrive(&self, batch: &[Event]) -> bool {
        let mut arrival = Arrival {
            run: RUN,
            records: Vec::new(),
            deletions: Vec::new(),
        };
        for event in batch {
            match event {
                Event::Come(record) => arrival.records.push(record.clone()),
                Event::Go(deletion) => arrival.deletions.push(deletion.clone()),
                Event::Decide(..) => {}
            }
        }
        if !arrival.records.is_empty() || !arrival.deletions.is_empty() {
            let stored = upsert(&self.services, arrival).await;
            if stored.is_err() {
                return false;
            }
        }
        for event in batch {
            if let Event::Decide(judgement, left, right) = event
                && self.decide(*judgement, left, right).await.is_err()
            {
                return false;
            }
        }
        true
    }

    async fn decide(
        &self,
        judgement: Judgement,
        left: &RecordId,
        right: &RecordId,
    ) -> Result<(), ReviewError> {
        let numbers = self.numbers().await;
        let (left, right) = (numbers[&name(left)], numbers[&name(right)]);
        let pair = (left.min(right), left.max(right));
        let mut tx = self.services.storage.snapshot().await?;
        let held = tx.decisions_of(&[left], 9).await?;
        drop(tx);
        // A kill behind the commit leaves it made.
        if held.iter().any(|decision| decision.pairs == [pair]) {
            return Ok(());
        }
        let new = NewDecision {
            judgement,
            origin: DecisionOrigin::Task,
            pairs: vec![pair],
            step: DecisionStep {
                state: DecisionState::Standing,
                by: "rabt:a".into(),
                at: time(2),
                reason: Pii::new("because".into()),
            },
        };
        let entry = |effect: &crate::link::Effect| {
            crate::event::of_lapse(effect.decision, judgement, time(2))
        };
        carry_out(&self.services, Act::Make(new, None), entry).await?;
        Ok(())
    }

    /// Returns the number of every record that is there.
    async fn numbers(&self) -> BTreeMap<(String, String), RecordNumber> {
        let mut tx = self.services.storage.snapshot().await.unwrap();
        let held = tx.records_after(RecordNumber(0), 10_000).await.unwrap();
        let held = held.iter();
        held.map(|held| (name(&held.record.id), held.number))
            .collect()
    }

    /// Returns the fingerprint and what is asked of clerks; citizens go by the first name among
    /// their records, because which of equal pairs stands for a task hangs on record numbers.
    async fn end(&self) -> (String, BTreeSet<String>) {
        let numbers = self.numbers().await.into_iter();
        let names: BTreeMap<RecordNumber, _> = numbers.map(|(name, n)| (n, name)).collect();
        let mut tx = self.services.storage.snapshot().await.unwrap();
        let open = tx.tasks_after(&TaskFilter::default(), None, 10_000).await;
        let mut citizens = BTreeMap::new();
        for (record, citizen) in tx.memberships().await.unwrap() {
            let first = citizens.entry(citizen).or_insert(&names[&record]);
            *first = (*first).min(&names[&record]);
        }
        drop(tx);
        let tasks = open.unwrap().into_iter().map(|open| {
            let task = open.task;
            let mut sides = [citizens[&task.left.1], citizens[&task.right.1]];
            sides.sort();
            let counts = (task.weight, task.pairs, task.worth);
            format!("{sides:?} {:?} {counts:?}", task.kind)
        });
        let tasks = tasks.collect();
        (fingerprint(self.storage.as_ref()).await.unwrap(), tasks)
    }

    async fn live_through(&mut self, story: &Story, random: &mut StdRng) {
        let events = story.shuffled(random);
        let mut rest = events.as_slice();
        while !rest.is_empty() {
            let size = random.random_range(1..=rest.len().min(20));
            let (batch, behind) = rest.split_at(size);
            if random.random_bool(0.25) {
                let survive = random.random_range(0..4);
                self.storage.begins.store(survive, Ordering::SeqCst);
            }
            let done = self.arrive(batch).await;
            if !done || self.storage.begins.load(Ordering::SeqCst) != u64::MAX {
                self.be_killed(random).await;
            }
            // What did not happen happens again, as a source does that was not acknowledged.
            if done {
                rest = behind;
            }
        }
        link(&self.services).await.unwrap();
    }
}

async fn at_once(story: &Story) -> (String, BTreeSet<String>) {
    let world = World::over(memory().await).await;
    let known = story.events.iter().filter_map(|event| match event {
        Event::Come(record) if record.version.as_deref() == Some("1") => Some(record.clone()),
        Event::Come(_) | Event::Go(_) | Event::Decide(..) => None,
    });
    // Decisions name records, so that all of them are known before; what they said is not linked.
    let all: Vec<SourceRecord> = known.collect();
    let mut tx = world.storage.begin().await.unwrap();
    tx.put_records(RUN, &all).await.unwrap();
    tx.put_records(RUN, &story.live).await.unwrap();
    let gone = story.events.iter().filter_map(|event| match event {
        Event::Go(deletion) => Some(deletion.clone()),
        Event::Come(_) | Event::Decide(..) => None,
    });
    let gone: Vec<Deletion> = gone.collect();
    tx.delete_records(&gone, time(3)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(world.arrive(&story.decisions).await);
    link(&world.services).await.unwrap();
    world.end().await
}

async fn check(storage: Arc<dyn Storage>, story: &Story, random: &mut StdRng, place: &str) {
    let expected = at_once(story).await;
    assert!(!expected.1.is_empty(), "{place}: the set is not hard");
    let mut world = World::over(Fragile::over(storage)).await;
    world.live_through(story, random).await;
    assert_eq!(world.end().await, expected, "{place}");
    let problems = check_feed(world.storage.as_ref()).await.unwrap();
    assert!(problems.is_empty(), "{place}: {problems:?}");
    // a node that starts from what is stored finds nothing to do
    world.be_killed(random).await;
    let linked = link(&world.services).await.unwrap();
    assert_eq!((linked.profiles, linked.changes), (0, 0), "{place}");
    assert_eq!(world.end().await, expected, "{place}");
    world.services.stop("finished").await;
}

/// How many orders are tried: a few, or with `RABT_SOAK` many.
fn orders(seldom: u64, often: u64) -> u64 {
    match std::env::var_os("RABT_SOAK") {
        Some(_) => often,
        None => seldom,
    }
}

#[tokio::test]
async fn any_order_ends_as_one_batch_in_memory() {
    for seed in 0..orders(25, 500) {
        let mut random = StdRng::seed_from_u64(1_000 + seed);
        let storage = rabt_storage::open("sqlite::memory:").await.unwrap();
        let story = Story::new(seed % 20);
        check(storage, &story, &mut random, &format!("seed {seed}")).await;
    }
}

#[tokio::test]
async fn any_order_ends_as_one_batch_in_a_file() {
    for seed in 0..orders(15, 300) {
        let mut random = StdRng::seed_from_u64(2_000 + seed);
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/rabt.db", folder.path().display());
        let storage = rabt_storage::open(&url).await.unwrap();
        let story = Story::new(seed % 20);
        check(storage, &story, &mut random, &format!("seed {seed}")).await;
    }
}

#[tokio::test]
async fn any_order_ends_as_one_batch_on_postgres() {
    for seed in 0..orders(10, 200) {
        let mut random = StdRng::seed_from_u64(3_000 + seed);
        let Some(scratch) = Scratch::postgres("living").await else {
            return;
        };
        let story = Story::new(seed % 20);
        let storage = scratch.shared();
        check(storage, &story, &mut random, &format!("seed {seed}")).await;
        scratch.remove().await;
    }
}
