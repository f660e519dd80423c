//! Conversions between rows and the types of the repositories, the same for both backends.

use std::collections::BTreeMap;
use std::str::FromStr;

use rabt_model::{CitizenId, ErrorClass, Pii, RecordNumber, RunId, SourceId, StreamId, Timestamp};

use crate::StorageError;
use crate::batch::HeldRow;
use crate::body::decode_profile;
use crate::row::{
    Archived, CaseState, ErasureState, FolderState, RunCounts, RunError, RunState, SourceState,
    StoredArchive, StoredBundle, StoredCase, StoredErasure, StoredRun, StoredStamp, SubjectKey,
};
use crate::row::{CorrectionState, Horizon, StoredCorrection, StoredRevision};
use crate::row::{
    RejectionCount, StoredEntry, StoredFolder, StoredPosition, StoredRejection, StoredSource,
};

/// A row of `sources`, in the order of its columns.
pub(crate) type SourceRow = (String, String, String, String, String, String, i64, i64);

/// A row of `folders`, in the order of its columns.
pub(crate) type FolderRow = (
    String,
    i64,
    String,
    String,
    String,
    String,
    Option<String>,
    i64,
    i64,
);

/// A row of `corrections`, in the order of its columns.
pub(crate) type CorrectionRow = (
    i64,
    Vec<u8>,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    i64,
    i64,
);

/// A row of `erasures`, in the order of its columns.
pub(crate) type ErasureRow = (
    i64,
    Option<Vec<u8>>,
    String,
    String,
    String,
    String,
    i64,
    i64,
);

/// A row of `audit_archives`, in the order of its columns.
pub(crate) type ArchiveRow = (i64, i64, String, String, String, String, i64, i64);

/// A row of `audit_stamps`, in the order of its columns.
pub(crate) type StampRow = (i64, i64, Vec<u8>, Vec<u8>);

/// Stream, column, reason, whether the value alone is left out, and how many.
pub(crate) type RejectionRow = (String, String, String, bool, i64);

/// A row of `runs`: number, source, start, end, state, error class and summary, six counts.
pub(crate) type RunRow = (
    i64,
    String,
    i64,
    Option<i64>,
    String,
    Option<String>,
    Option<String>,
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
);

/// A row of `audit_entries`: leaf, body, hash, outbox number, subject.
pub(crate) type EntryRow = (i64, Vec<u8>, Vec<u8>, Option<i64>);

/// A held record: its place in the question, number, hash, version, event time, whether deleted.
pub(crate) type FoundRow = (i64, i64, Vec<u8>, Option<String>, Option<i64>, bool);

/// A row of `changes`: sequence, kind, citizen, other citizen, body, cause, time, superseded.
pub(crate) type ChangeRow = (
    i64,
    String,
    Vec<u8>,
    Option<Vec<u8>>,
    String,
    String,
    i64,
    Option<i64>,
);

/// A revision: citizen, time of composition, profile, revision, sequence, horizon, time of its end.
pub(crate) type RevisionRow = (Vec<u8>, i64, String, i64, i64, i64, Option<i64>);

/// A revision with the number of its citizen.
pub(crate) type PlacedRow = (Vec<u8>, i64, String, i64, i64, i64, Option<i64>, i64);

/// Returns the error for a row that cannot be read.
pub(crate) const fn corrupt(table: &'static str, problem: &'static str) -> StorageError {
    StorageError::Corrupt { table, problem }
}

pub(crate) fn parse_id<T: FromStr>(table: &'static str, text: &str) -> Result<T, StorageError> {
    text.parse()
        .map_err(|_| corrupt(table, "an id is malformed"))
}

/// Returns the leaf that a list of cases goes on behind; before the first one it is further than any.
pub(crate) fn behind(after: Option<u64>, ascending: bool) -> i64 {
    let end = if ascending { -1 } else { i64::MAX };
    after.map_or(end, to_integer)
}

/// Returns a count or size as the database holds it.
pub(crate) fn to_integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn to_count(integer: i64) -> u64 {
    u64::try_from(integer).unwrap_or(0)
}

pub(crate) fn to_index(integer: i64) -> usize {
    usize::try_from(integer).unwrap_or(usize::MAX)
}

pub(crate) fn to_micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn to_timestamp(table: &'static str, micros: i64) -> Result<Timestamp, StorageError> {
    Timestamp::from_microsecond(micros).map_err(|_| corrupt(table, "a time is out of range"))
}

pub(crate) fn to_hash(table: &'static str, bytes: &[u8]) -> Result<[u8; 32], StorageError> {
    <[u8; 32]>::try_from(bytes).map_err(|_| corrupt(table, "a hash is not 32 bytes long"))
}

pub(crate) fn citizen_bytes(citizen: CitizenId) -> [u8; 16] {
    citizen.bits().to_be_bytes()
}

/// Returns a text as it is stored: PostgreSQL holds no NUL in one.
pub(crate) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Returns the id as `UNHEX` reads it.
pub(crate) fn citizen_hex(citizen: CitizenId) -> String {
    format!("{:032x}", citizen.bits())
}

pub(crate) fn to_citizen(bytes: &[u8]) -> Result<CitizenId, StorageError> {
    let bytes = <[u8; 16]>::try_from(bytes)
        .map_err(|_| corrupt("citizens", "an id is not 16 bytes long"))?;
    Ok(CitizenId::from_random(u128::from_be_bytes(bytes)))
}

/// Returns memberships in the order of the records, each record once with its last citizen.
pub(crate) fn last_by_record(
    memberships: &[(RecordNumber, CitizenId)],
) -> Vec<(RecordNumber, CitizenId)> {
    let last: BTreeMap<RecordNumber, CitizenId> = memberships.iter().copied().collect();
    last.into_iter().collect()
}

/// Returns ids one behind the other, 16 bytes each.
pub(crate) fn to_id_bytes(citizens: &[CitizenId]) -> Vec<u8> {
    citizens.iter().copied().flat_map(citizen_bytes).collect()
}

pub(crate) fn to_steps(
    rows: Vec<(i64, Vec<u8>)>,
) -> Result<Vec<(u64, Vec<CitizenId>)>, StorageError> {
    let mut steps = Vec::with_capacity(rows.len());
    for (number, bytes) in rows {
        let citizens: Result<_, _> = bytes.chunks(16).map(to_citizen).collect();
        steps.push((to_count(number), citizens?));
    }
    Ok(steps)
}

pub(crate) fn to_memberships(
    rows: Vec<(i64, Vec<u8>)>,
) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError> {
    let mut memberships = Vec::with_capacity(rows.len());
    for (record, citizen) in rows {
        memberships.push((RecordNumber(record), to_citizen(&citizen)?));
    }
    Ok(memberships)
}

pub(crate) fn to_held(
    number: i64,
    content_hash: Vec<u8>,
    version: Option<String>,
    event_at: Option<i64>,
    deleted: bool,
) -> HeldRow {
    HeldRow {
        number,
        content_hash,
        version,
        event_at,
        deleted,
    }
}

/// Returns the counts of streams, some of them negative, by source; sources without any are left
/// out.
pub(crate) fn count_by_source(
    rows: &[(String, i64)],
) -> Result<Vec<(SourceId, u64)>, StorageError> {
    let mut counts: BTreeMap<SourceId, i64> = BTreeMap::new();
    for (source, count) in rows {
        *counts.entry(parse_id("streams", source)?).or_default() += count;
    }
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    Ok(counts.map(|(source, n)| (source, to_count(n))).collect())
}

pub(crate) fn to_revision(row: RevisionRow) -> Result<StoredRevision, StorageError> {
    let (citizen, composed_at, profile, revision, sequence, horizon, ended_at) = row;
    Ok(StoredRevision {
        profile: decode_profile(&(citizen, composed_at, profile))?,
        revision: to_count(revision),
        sequence: to_count(sequence),
        ended_at: ended_at
            .map(|at| to_timestamp("revisions", at))
            .transpose()?,
        horizon: Horizon(horizon),
    })
}

pub(crate) fn to_placed(row: PlacedRow) -> Result<StoredRevision, StorageError> {
    let (citizen, at, profile, revision, sequence, horizon, ended_at, _place) = row;
    to_revision((citizen, at, profile, revision, sequence, horizon, ended_at))
}

pub(crate) fn to_source(row: SourceRow) -> Result<StoredSource, StorageError> {
    let (id, agency, kind, manifest, mapping, state, created_at, updated_at) = row;
    Ok(StoredSource {
        id: parse_id("sources", &id)?,
        agency: parse_id("sources", &agency)?,
        kind,
        manifest,
        mapping,
        state: SourceState::from_name(&state)
            .ok_or_else(|| corrupt("sources", "the state is unknown"))?,
        created_at: to_timestamp("sources", created_at)?,
        updated_at: to_timestamp("sources", updated_at)?,
    })
}

pub(crate) fn to_folder(row: FolderRow) -> Result<StoredFolder, StorageError> {
    let (agency, version, manifest, mapping, state, author, approver, created_at, updated_at) = row;
    Ok(StoredFolder {
        agency: parse_id("folders", &agency)?,
        version: u32::try_from(version)
            .map_err(|_| corrupt("folders", "the version is no version"))?,
        manifest,
        mapping,
        state: FolderState::from_name(&state)
            .ok_or_else(|| corrupt("folders", "the state is unknown"))?,
        author,
        approver,
        created_at: to_timestamp("folders", created_at)?,
        updated_at: to_timestamp("folders", updated_at)?,
    })
}

pub(crate) fn to_correction(row: CorrectionRow) -> Result<StoredCorrection, StorageError> {
    const TABLE: &str = "corrections";
    Ok(StoredCorrection {
        number: row.0,
        citizen: to_citizen(&row.1)?,
        agency: parse_id(TABLE, &row.2)?,
        source: parse_id(TABLE, &row.3)?,
        stream: parse_id(TABLE, &row.4)?,
        record_key: Pii::new(row.5),
        attribute: parse_id(TABLE, &row.6)?,
        wrong: Pii::new(row.7),
        evidence: row.8,
        state: CorrectionState::of(&row.9).ok_or_else(|| corrupt(TABLE, "the state is unknown"))?,
        answer: row.10,
        created_at: to_timestamp(TABLE, row.11)?,
        updated_at: to_timestamp(TABLE, row.12)?,
    })
}

pub(crate) fn to_erasure(row: ErasureRow) -> Result<StoredErasure, StorageError> {
    const TABLE: &str = "erasures";
    Ok(StoredErasure {
        number: row.0,
        citizen: row.1.map(|citizen| to_citizen(&citizen)).transpose()?,
        reason: row.2,
        state: ErasureState::of(&row.3).ok_or_else(|| corrupt(TABLE, "the state is unknown"))?,
        proposer: row.4,
        decider: row.5,
        created_at: to_timestamp(TABLE, row.6)?,
        updated_at: to_timestamp(TABLE, row.7)?,
    })
}

/// A row of `audit_cases`, in the order of its columns, without the log.
pub(crate) type CaseRow = (i64, String, i64, String, String, Vec<u8>, Option<i64>);

pub(crate) fn to_case(row: CaseRow) -> Result<StoredCase, StorageError> {
    const TABLE: &str = "audit_cases";
    Ok(StoredCase {
        leaf: to_count(row.0),
        agency: parse_id(TABLE, &row.1)?,
        at: to_timestamp(TABLE, row.2)?,
        state: CaseState::of(&row.3).ok_or_else(|| corrupt(TABLE, "the state is unknown"))?,
        reviewer: row.4,
        text: row.5,
        reviewed_at: row.6.map(|at| to_timestamp(TABLE, at)).transpose()?,
    })
}

pub(crate) fn to_archive(row: ArchiveRow) -> Result<StoredArchive, StorageError> {
    const TABLE: &str = "audit_archives";
    Ok(StoredArchive {
        number: row.0,
        cutoff: to_timestamp(TABLE, row.1)?,
        reason: row.2,
        state: ErasureState::of(&row.3).ok_or_else(|| corrupt(TABLE, "the state is unknown"))?,
        proposer: row.4,
        decider: row.5,
        created_at: to_timestamp(TABLE, row.6)?,
        updated_at: to_timestamp(TABLE, row.7)?,
    })
}

/// A row of what has left a log: how many entries, until when, and the folder of the last ones.
pub(crate) type ArchivedRow = (i64, Option<i64>, String);

pub(crate) fn to_archived(row: ArchivedRow) -> Result<Archived, StorageError> {
    let before = row.1.map(|at| to_timestamp("audit_archived", at));
    Ok(Archived {
        size: to_count(row.0),
        before: before.transpose()?,
        folder: row.2,
    })
}

pub(crate) fn to_stamp(row: StampRow) -> Result<StoredStamp, StorageError> {
    Ok(StoredStamp {
        size: to_count(row.0),
        at: to_timestamp("audit_stamps", row.1)?,
        note: row.2,
        reply: row.3,
    })
}

pub(crate) fn to_subject_key(row: (Vec<u8>, Vec<u8>)) -> Result<SubjectKey, StorageError> {
    Ok(SubjectKey {
        name: to_hash("subject_keys", &row.0)?,
        sealed: row.1,
    })
}

/// Returns ids of streams in their order, which is not that of any database's language.
pub(crate) fn to_streams(ids: &[String]) -> Result<Vec<StreamId>, StorageError> {
    let ids = ids.iter().map(|id| parse_id("streams", id));
    let mut ids: Vec<StreamId> = ids.collect::<Result<_, StorageError>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// Returns counts of rejections in their order, which is not that of any database's language.
pub(crate) fn to_rejections(rows: Vec<RejectionRow>) -> Result<Vec<RejectionCount>, StorageError> {
    let count = |(stream, column, reason, field_only, count): RejectionRow| {
        Ok(RejectionCount {
            stream: parse_id("rejections", &stream)?,
            column,
            reason,
            field_only,
            count: to_count(count),
        })
    };
    let mut counts: Vec<_> = rows
        .into_iter()
        .map(count)
        .collect::<Result<_, StorageError>>()?;
    counts.sort_unstable();
    Ok(counts)
}

pub(crate) fn to_position(row: (String, String, i64)) -> Result<StoredPosition, StorageError> {
    let (stream, position, rows) = row;
    Ok(StoredPosition {
        stream: parse_id("positions", &stream)?,
        position,
        rows: to_count(rows),
    })
}

pub(crate) fn to_run(row: RunRow) -> Result<StoredRun, StorageError> {
    let (number, source, started_at, finished_at, state, class, summary, ..) = row;
    let (.., rows, records, rejected, unchanged, deleted, late) = row;
    let class = ErrorClass::ALL
        .into_iter()
        .find(|known| Some(known.reason()) == class.as_deref());
    Ok(StoredRun {
        run: RunId(number),
        source: parse_id("runs", &source)?,
        started_at: to_timestamp("runs", started_at)?,
        finished_at: finished_at.map(|at| to_timestamp("runs", at)).transpose()?,
        state: RunState::from_name(&state)
            .ok_or_else(|| corrupt("runs", "the state is unknown"))?,
        error: class
            .zip(summary)
            .map(|(class, summary)| RunError { class, summary }),
        counts: RunCounts {
            rows: to_count(rows),
            records: to_count(records),
            rejected: to_count(rejected),
            unchanged: to_count(unchanged),
            deleted: to_count(deleted),
            late: to_count(late),
        },
    })
}

pub(crate) fn to_bundle(row: (String, String, i64)) -> Result<StoredBundle, StorageError> {
    let (revision, text, stored_at) = row;
    Ok(StoredBundle {
        revision,
        text,
        stored_at: to_timestamp("bundles", stored_at)?,
    })
}

pub(crate) fn to_entry(row: EntryRow) -> Result<(u64, StoredEntry), StorageError> {
    let (leaf, body, hash, outbox) = row;
    let entry = StoredEntry {
        body,
        leaf_hash: to_hash("audit_entries", &hash)?,
        outbox,
    };
    Ok((to_count(leaf), entry))
}

/// Returns the last rejection of each row and column: one statement may store each only once.
pub(crate) fn last_by_place(rejections: &[StoredRejection]) -> Vec<&StoredRejection> {
    let mut last = BTreeMap::new();
    for rejection in rejections {
        let place = (&rejection.source, &rejection.stream, &rejection.key);
        last.insert((place, &rejection.column), rejection);
    }
    last.into_values().collect()
}
