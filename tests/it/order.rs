//! The same records in any order, in any batches, end as the same citizens.

use std::collections::BTreeMap;
use std::sync::Arc;

use rabt_linkage::{Index, LinkageModel, Standing, Survivorship, golden_record};
use rabt_model::{AgencyId, Attribute, RecordId, RecordNumber, SourceRecord};
use rabt_tests::{Stack, Town, soak};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PEOPLE: u32 = 250;

/// Nobody stands above anybody.
struct Equals;

impl Standing for Equals {
    fn rank(&self, _: &AgencyId) -> u8 {
        50
    }

    fn is_record_of_truth(&self, _: &RecordId, _: &Attribute) -> bool {
        false
    }
}

async fn records() -> Vec<SourceRecord> {
    let town = Town::of(PEOPLE, 9).await;
    let stack = Stack::start("sqlite::memory:").await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    let mut snapshot = stack.services.storage.snapshot().await.unwrap();
    let stored = snapshot
        .records_after(RecordNumber(i64::MIN), 1_000_000)
        .await
        .unwrap();
    drop(snapshot);
    stack.stop().await;
    stored.into_iter().map(|stored| stored.record).collect()
}

/// Links records in the order given, in batches of random sizes, and returns every citizen as the
/// sorted ids of the records and the sorted golden values.
fn outcome(
    model: &Arc<LinkageModel>,
    records: &[SourceRecord],
    random: &mut ChaCha8Rng,
) -> Vec<(Vec<String>, Vec<String>)> {
    let mut index = Index::new(Arc::clone(model));
    let mut cluster_of: BTreeMap<RecordNumber, Vec<RecordNumber>> = BTreeMap::new();
    let numbered: Vec<(RecordNumber, &SourceRecord)> =
        (1..).map(RecordNumber).zip(records).collect();
    let mut rest = numbered.as_slice();
    while !rest.is_empty() {
        let size = random.random_range(1..=rest.len().min(600));
        let (batch, behind) = rest.split_at(size);
        rest = behind;
        for cluster in index.link(batch).clusters {
            for member in &cluster {
                cluster_of.insert(*member, cluster.clone());
            }
        }
    }
    let mut citizens: Vec<(Vec<String>, Vec<String>)> = cluster_of
        .iter()
        .filter(|(number, cluster)| cluster.first() == Some(number))
        .map(|(_, cluster)| citizen(cluster, &numbered))
        .collect();
    citizens.sort();
    citizens
}

fn citizen(
    cluster: &[RecordNumber],
    numbered: &[(RecordNumber, &SourceRecord)],
) -> (Vec<String>, Vec<String>) {
    let members: Vec<&SourceRecord> = cluster
        .iter()
        .map(|number| numbered[usize::try_from(number.0 - 1).unwrap()].1)
        .collect();
    let id = |record: &SourceRecord| {
        format!(
            "{}/{}/{}",
            record.id.source,
            record.id.stream,
            record.id.key.expose()
        )
    };
    let mut ids: Vec<String> = members.iter().map(|record| id(record)).collect();
    ids.sort();
    let golden = golden_record(&members, &Survivorship::default(), &Equals);
    let mut values: Vec<String> = golden
        .values
        .iter()
        .map(|value| {
            let member = members[value.member];
            let line = member.values[value.value].value.expose().to_line();
            format!("{} {line} {:?} {}", value.attribute, value.rule, id(member))
        })
        .collect();
    values.sort();
    (ids, values)
}

#[tokio::test]
async fn any_order_and_any_batches_end_as_the_same_citizens() {
    let mut records = records().await;
    assert!(records.len() > 500, "{} records", records.len());
    let model = Arc::new(LinkageModel::shipped("egypt").unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let expected = outcome(&model, &records, &mut random);
    for permutation in 1..=soak(50, 1_000) {
        records.shuffle(&mut random);
        let citizens = outcome(&model, &records, &mut random);
        let differ = citizens
            .iter()
            .zip(&expected)
            .filter(|(a, b)| a != b)
            .count();
        assert!(
            citizens == expected,
            "permutation {permutation}: {differ} citizens differ"
        );
    }
}

#[tokio::test]
async fn agencies_registered_and_read_in_another_order_give_the_same_fingerprint() {
    let town = Town::of(PEOPLE, 10).await;
    let mut fingerprints = Vec::new();
    let mut sources = town.sources();
    for concurrency in [1, 4] {
        let stack = Stack::start("sqlite::memory:").await;
        stack.register(sources.clone()).await;
        stack.read(concurrency).await;
        stack.link().await;
        fingerprints.push(stack.fingerprint().await);
        stack.stop().await;
        sources.reverse();
    }
    assert_eq!(fingerprints[0], fingerprints[1]);
}
