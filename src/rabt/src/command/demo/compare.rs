//! What was found against what is true, and one citizen worth looking at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rabt_connector_synthetic::Truth;
use rabt_linkage::evaluation::{Metrics, evaluate};
use rabt_model::{Attribute, CitizenId, RecordNumber};
use rabt_storage::{Storage, StorageError, StoredRecord, Transaction};

use crate::error::CommandError;

/// Records that are read at a time.
const PAGE: u32 = 10_000;
/// Citizens that are looked at for an example.
const CANDIDATES: usize = 200;
/// From so many agencies on, a citizen is worth looking at.
const AGENCIES: usize = 4;

/// The comparison.
#[derive(Debug)]
pub(super) struct Compared {
    /// Pairwise agreement with the truth.
    pub(super) metrics: Metrics,
    /// Records held.
    pub(super) records: u64,
    /// Rows, or fields of rows, that were put aside.
    pub(super) rejected: u64,
    /// The fingerprint of the state.
    pub(super) fingerprint: String,
    /// A citizen whom several agencies know.
    pub(super) example: Option<Example>,
}

/// An invented citizen.
#[derive(Debug)]
pub(super) struct Example {
    /// Their national id. Nobody has it.
    pub(super) national_id: String,
}

/// Compares storage with the truth.
pub(super) async fn compare(
    storage: &dyn Storage,
    truth: &Truth,
) -> Result<Compared, CommandError> {
    compare_all(storage, truth)
        .await
        .map_err(|error| CommandError::failed(error, "see `rabt doctor`"))
}

async fn compare_all(storage: &dyn Storage, truth: &Truth) -> Result<Compared, StorageError> {
    let fingerprint = rabt_service::fingerprint(storage).await?;
    let mut snapshot = storage.snapshot().await?;
    let memberships = snapshot.memberships().await?;
    let people = people(snapshot.as_mut(), truth).await?;
    let clusters = number(&memberships);
    let judged = memberships.iter().filter_map(|(record, citizen)| {
        let person = people.get(record)?;
        Some((clusters[citizen], u64::from(*person)))
    });
    let metrics = evaluate(judged);
    let mut rejected = 0;
    for source in snapshot.list_sources().await? {
        let counts = snapshot.count_rejections(&source.id).await?;
        rejected += counts.iter().map(|(_, count)| count).sum::<u64>();
    }
    Ok(Compared {
        metrics,
        records: snapshot.count_records().await?,
        rejected,
        fingerprint,
        example: example(snapshot.as_mut(), &memberships).await?,
    })
}

/// Returns the true person of every record.
async fn people(
    snapshot: &mut dyn Transaction,
    truth: &Truth,
) -> Result<HashMap<RecordNumber, u32>, StorageError> {
    let mut people = HashMap::new();
    let mut after = RecordNumber(i64::MIN);
    loop {
        let page = snapshot.records_after(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(people);
        };
        after = last.number;
        for stored in &page {
            if let Some(person) = truth.person_of(&stored.record.id) {
                people.insert(stored.number, person);
            }
        }
    }
}

/// Numbers the citizens in the order of their first records.
fn number(memberships: &[(RecordNumber, CitizenId)]) -> HashMap<CitizenId, u64> {
    let mut numbers = HashMap::new();
    for (_, citizen) in memberships {
        let next = numbers.len() as u64;
        numbers.entry(*citizen).or_insert(next);
    }
    numbers
}

/// Returns the first citizen whom enough agencies know by one national id.
async fn example(
    snapshot: &mut dyn Transaction,
    memberships: &[(RecordNumber, CitizenId)],
) -> Result<Option<Example>, StorageError> {
    let mut counts: BTreeMap<CitizenId, (usize, RecordNumber)> = BTreeMap::new();
    for (record, citizen) in memberships {
        counts.entry(*citizen).or_insert((0, *record)).0 += 1;
    }
    let mut largest: Vec<(usize, RecordNumber, CitizenId)> = counts
        .into_iter()
        .map(|(citizen, (count, first))| (count, first, citizen))
        .collect();
    largest.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut fewer = None;
    for (_, _, citizen) in largest.into_iter().take(CANDIDATES) {
        let members = snapshot.members_of(citizen).await?;
        let records = snapshot.get_records(&members).await?;
        let Some(national_id) = only_national_id(&records) else {
            continue;
        };
        let agencies: BTreeSet<_> = records.iter().map(|r| &r.record.agency).collect();
        let found = Example { national_id };
        if agencies.len() >= AGENCIES {
            return Ok(Some(found));
        }
        fewer = fewer.or(Some(found));
    }
    Ok(fewer)
}

/// Returns the national id when at least two records hold it and none holds another.
fn only_national_id(records: &[StoredRecord]) -> Option<String> {
    let attribute = Attribute::national_id();
    let mut held = records
        .iter()
        .flat_map(|stored| stored.record.values_of(&attribute))
        .map(|value| value.value.expose().to_line());
    let first = held.next()?;
    let mut others = 0;
    for other in held {
        if other != first {
            return None;
        }
        others += 1;
    }
    (others > 0 && first.len() == 14).then_some(first)
}
