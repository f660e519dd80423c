//! What linking would make of records that are not stored.
//!
//! Invariant: the records come into neither storage nor the index.

use rabt_model::{CitizenId, RecordId, RecordNumber, SourceRecord};
use rabt_storage::Storage;
use rustc_hash::{FxHashMap, FxHashSet};

use super::with_index;
use crate::error::LinkError;
use crate::link::LinkSummary;
use crate::services::Services;

/// Keys that are looked up at a time.
const PAGE: usize = 1_000;

/// What linking would make of some records, each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forecast {
    /// Records that would join one citizen.
    pub links: u64,
    /// Records that a clerk would be asked about.
    pub reviews: u64,
    /// Records of people who are not known yet.
    pub new: u64,
    /// Records that are as likely several citizens', who might become one by it.
    pub ambiguous: u64,
    /// Citizens whom several of the records would join: one person may be in the table several
    /// times, or different people may be taken for one.
    pub crowded: u64,
}

/// Says what linking would make of records. Rows of a stream that are held already are not
/// compared with themselves; the records are not compared with each other.
pub(crate) async fn forecast(
    services: &Services,
    records: Vec<SourceRecord>,
) -> Result<Forecast, LinkError> {
    let own = own_numbers(services.storage.as_ref(), &records).await?;
    let mut slot = services.linker.lock().await;
    let (mut linker, _) = slot.take(services, &mut LinkSummary::default()).await?;
    let search = move |index: &mut rabt_linkage::Index| {
        let found = |record: &SourceRecord| index.search_record(record);
        records.iter().map(found).collect::<Vec<_>>()
    };
    let (index, found) = with_index(services, linker.index, search).await?;
    linker.index = index;
    let link = linker.index.model().decision.link;
    let mut forecast = Forecast::default();
    let mut joined: FxHashMap<CitizenId, u64> = FxHashMap::default();
    for (found, own) in found.iter().zip(&own) {
        let others = found.iter().filter(|(number, _)| Some(*number) != *own);
        let mut strong: FxHashSet<CitizenId> = FxHashSet::default();
        let mut weak = false;
        for (number, weight) in others {
            if weight.0 >= link {
                strong.extend(linker.held.of(*number));
            } else {
                weak = true;
            }
        }
        match strong.len() {
            0 if weak => forecast.reviews += 1,
            0 => forecast.new += 1,
            1 => forecast.links += 1,
            _ => forecast.ambiguous += 1,
        }
        for citizen in strong {
            *joined.entry(citizen).or_default() += 1;
        }
    }
    forecast.crowded = joined.values().filter(|rows| **rows > 1).count() as u64;
    slot.rest(linker);
    Ok(forecast)
}

/// Returns the numbers of the rows that are held already, in the order of the records.
async fn own_numbers(
    storage: &dyn Storage,
    records: &[SourceRecord],
) -> Result<Vec<Option<RecordNumber>>, LinkError> {
    let mut tx = storage.snapshot().await?;
    let mut numbers = Vec::with_capacity(records.len());
    let same = |left: &SourceRecord, right: &SourceRecord| stream(&left.id) == stream(&right.id);
    for run in records.chunk_by(same) {
        for page in run.chunks(PAGE) {
            let keys: Vec<&str> = page.iter().map(|r| r.id.key.expose().as_str()).collect();
            let (source, stream) = stream(&page[0].id);
            numbers.extend(tx.find_records(source, stream, &keys).await?);
        }
    }
    Ok(numbers)
}

const fn stream(id: &RecordId) -> (&rabt_model::SourceId, &rabt_model::StreamId) {
    (&id.source, &id.stream)
}
