//! One number for the whole linked state, to compare two storages by.
//!
//! Invariant: it depends on which records form a cluster and on their golden values, never on
//! citizen ids, record numbers, times of reading, the backend or the order of arrival.

use rabt_model::{CitizenId, RecordId, RecordNumber, SourceRecord};
use rustc_hash::FxHashMap;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::StorageError;
use crate::convert::corrupt;
use crate::repository::{Storage, Transaction};
use crate::row::{GoldenRef, StoredProfile};

/// Records that are read at a time.
const RECORDS: usize = 5_000;

type Hash = [u8; 32];

/// A cluster: who it is, and its records, ascending.
type Cluster = (CitizenId, Vec<RecordNumber>);

/// Returns the fingerprint of one state of storage, 64 hexadecimal digits: SHA-256 over the sorted
/// digests of the clusters. A cluster's digest covers the sorted ids of its records, and its sorted
/// golden values with rule, column and record id.
pub async fn fingerprint(storage: &dyn Storage) -> Result<String, StorageError> {
    let mut snapshot = storage.snapshot().await?;
    let clusters = clusters(snapshot.as_mut()).await?;
    let mut digests: Vec<Hash> = Vec::with_capacity(clusters.len());
    let mut rest = clusters.as_slice();
    while !rest.is_empty() {
        let (page, behind) = rest.split_at(page_length(rest));
        digests.extend(page_digests(snapshot.as_mut(), page).await?);
        rest = behind;
    }
    digests.sort_unstable();
    let mut hasher = Sha256::new();
    hasher.update(b"rabt fingerprint 1");
    for digest in &digests {
        hasher.update(digest);
    }
    let digest = hasher.finalize();
    Ok(format!("{digest:x}"))
}

/// Returns the clusters in the order of their first records, so that pages read neighbours.
async fn clusters(snapshot: &mut dyn Transaction) -> Result<Vec<Cluster>, StorageError> {
    let mut places: FxHashMap<CitizenId, usize> = FxHashMap::default();
    let mut clusters: Vec<Cluster> = Vec::new();
    for (record, citizen) in snapshot.memberships().await? {
        let place = *places.entry(citizen).or_insert(clusters.len());
        match clusters.get_mut(place) {
            Some((_, members)) => members.push(record),
            None => clusters.push((citizen, vec![record])),
        }
    }
    Ok(clusters)
}

fn page_length(clusters: &[Cluster]) -> usize {
    let mut records = 0;
    let fitting = clusters.iter().take_while(|(_, members)| {
        records += members.len();
        records <= RECORDS
    });
    // A cluster larger than a page is a page of its own.
    fitting.count().max(1)
}

async fn page_digests(
    snapshot: &mut dyn Transaction,
    clusters: &[Cluster],
) -> Result<Vec<Hash>, StorageError> {
    let members = clusters.iter().flat_map(|(_, members)| members);
    let members: Vec<RecordNumber> = members.copied().collect();
    let mut records: FxHashMap<RecordNumber, SourceRecord> = FxHashMap::default();
    for stored in snapshot.get_records(&members).await? {
        records.insert(stored.number, stored.record);
    }
    let citizens: Vec<CitizenId> = clusters.iter().map(|(citizen, _)| *citizen).collect();
    let mut profiles: FxHashMap<CitizenId, StoredProfile> = FxHashMap::default();
    for profile in snapshot.get_profiles(&citizens).await? {
        profiles.insert(profile.citizen, profile);
    }
    let mut digests = Vec::with_capacity(clusters.len());
    for (citizen, members) in clusters {
        let golden = profiles.get(citizen).map(|profile| &profile.values);
        let golden = golden.map_or(&[][..], Vec::as_slice);
        digests.push(cluster_digest(&records, members, golden)?);
    }
    Ok(digests)
}

fn cluster_digest(
    records: &FxHashMap<RecordNumber, SourceRecord>,
    members: &[RecordNumber],
    golden: &[GoldenRef],
) -> Result<Hash, StorageError> {
    let mut ids = Vec::with_capacity(members.len());
    for member in members {
        ids.push(digest(&id_text(&find(records, *member)?.id))?);
    }
    let mut values = Vec::with_capacity(golden.len());
    for reference in golden {
        values.push(golden_digest(records, reference)?);
    }
    ids.sort_unstable();
    values.sort_unstable();
    digest(&(ids, values))
}

fn golden_digest(
    records: &FxHashMap<RecordNumber, SourceRecord>,
    golden: &GoldenRef,
) -> Result<Hash, StorageError> {
    let record = find(records, golden.record)?;
    let value = record
        .values
        .get(usize::from(golden.value))
        .ok_or_else(|| {
            corrupt(
                "citizens",
                "a profile names a value that its record has not",
            )
        })?;
    digest(&(
        golden.attribute.to_string(),
        value.value.expose(),
        golden.rule,
        golden.disputed,
        golden.supporters,
        value.column.as_str(),
        id_text(&record.id),
    ))
}

fn find(
    records: &FxHashMap<RecordNumber, SourceRecord>,
    number: RecordNumber,
) -> Result<&SourceRecord, StorageError> {
    records.get(&number).ok_or_else(|| {
        corrupt(
            "citizens",
            "a profile names a record outside of its cluster",
        )
    })
}

fn id_text(id: &RecordId) -> (&str, &str, &str) {
    (id.source.as_str(), id.stream.as_str(), id.key.expose())
}

/// JSON says where one part ends and the next begins, so different parts never hash alike.
fn digest(parts: &impl Serialize) -> Result<Hash, StorageError> {
    let bytes =
        serde_json::to_vec(parts).map_err(|_| corrupt("records", "a body cannot be written"))?;
    Ok(Sha256::digest(bytes).into())
}
