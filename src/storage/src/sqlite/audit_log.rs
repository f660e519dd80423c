//! The audit log, in an `SQLite` file of its own.

use std::time::Duration;

use async_trait::async_trait;
use rabt_model::{AgencyId, Timestamp};
use sqlx::{Executor, SqliteConnection, SqlitePool};

use super::appender::{Appender, BEGIN, COMMIT};
use super::audit_index::{Index, entries_about};
use super::bulk::Bulk;
use super::script::Script;
use super::{archives, cases};
use crate::StorageError;
use crate::convert::{
    CaseRow, EntryRow, behind, to_case, to_count, to_entry, to_integer, to_micros, to_subject_key,
};
use crate::error::Doing;
use crate::repository::{AuditLog, leaf_hashes, newest};
use crate::row::{NewEntry, Removal, StoredCase, StoredEntry, SubjectKey};

/// Leaves are numbered without a gap, so the last one tells the size; the first ones may have left for an
/// archive, and the last one never does.
const SIZE: &str = "SELECT COALESCE(MAX(leaf) + 1, 0) FROM audit_entries";

const APPEND: Bulk = Bulk {
    doing: "appending to the audit log",
    head: "INSERT INTO audit_entries (leaf, body, leaf_hash, outbox) VALUES",
    row: "(?,?,?,?)",
    tail: "",
};

const KEYS: Bulk = Bulk {
    doing: "storing keys of persons",
    head: "INSERT INTO subject_keys (name, sealed) VALUES",
    row: "(?,?)",
    tail: "ON CONFLICT (name, sealed) DO NOTHING",
};

const KEYS_OF: &str = "SELECT name, sealed FROM subject_keys WHERE name = $1 ORDER BY sealed";

const DELETE_KEYS: &str = "DELETE FROM subject_keys WHERE name = $1";

const COUNT_ERASURE: &str = "UPDATE subject_erasures SET generation = generation + 1";

const CASES: &str = "SELECT leaf, agency, at, state, reviewer, text, reviewed_at
    FROM audit_cases WHERE leaf < $1 AND ($2 IS NULL OR agency = $2)
    ORDER BY leaf DESC LIMIT $3";

/// What waits longest comes first.
const CASES_OPEN: &str = "SELECT leaf, agency, at, state, reviewer, text, reviewed_at
    FROM audit_cases WHERE leaf > $1 AND ($2 IS NULL OR agency = $2) AND state = 'open'
    ORDER BY leaf LIMIT $3";

const CASE: &str = "SELECT leaf, agency, at, state, reviewer, text, reviewed_at
    FROM audit_cases WHERE leaf = $1";

const OPEN_CASES: &str = "SELECT COUNT(*) FROM audit_cases WHERE state = 'open' AND at < $1";

const ERASURES: &str = "SELECT generation FROM subject_erasures";

/// Pages that become free are overwritten too.
const OVERWRITE: &str = "PRAGMA secure_delete = ON";

/// What is deleted is overwritten where its page is written anyhow; the runs of the index free pages all
/// the time.
const OVERWRITE_CHEAPLY: &str = "PRAGMA secure_delete = FAST";

/// What was written to the journal goes into the file, and the journal is emptied.
const EMPTY_JOURNAL: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

const SQLITE_BUSY: &str = "5";

/// How often the journal is tried to be emptied.
const SCRUBS: u32 = 25;
/// Between two attempts, in which others write.
const PAUSE: Duration = Duration::from_millis(200);

/// An attempt does not wait for readers while others wait to write, milliseconds.
const IMPATIENT: &str = "PRAGMA busy_timeout = 20";

/// Fails, by a value that is no JSON, when another leaf follows than the one that is named.
const FOLLOWS: &str = "SELECT CASE WHEN COALESCE(MAX(leaf) + 1, 0) = ? THEN 0 ELSE json('') END
    FROM audit_entries";

const INDEXED: &str = "SELECT size FROM audit_indexed";

const SET_INDEXED: &str = "UPDATE audit_indexed SET size = ? WHERE size = ?";

const PUT_CHECKPOINT: &str = "INSERT INTO audit_checkpoints (size, body) VALUES (?, ?)
    ON CONFLICT (size) DO UPDATE SET body = excluded.body";

const ENTRIES: &str = "SELECT leaf, body, leaf_hash, outbox FROM audit_entries
    WHERE leaf >= $1 AND leaf < $2 ORDER BY leaf";

/// Rows of entries that have left are not taken again.
const LAST_OUTBOX: &str = "SELECT MAX(outbox) FROM (
    SELECT MAX(outbox) AS outbox FROM audit_entries WHERE outbox IS NOT NULL
    UNION ALL SELECT outbox FROM audit_archived)";

const LATEST_CHECKPOINT: &str = "SELECT body FROM audit_checkpoints ORDER BY size DESC LIMIT 1";

const LATEST_WITNESSED: &str = "SELECT body FROM audit_checkpoints
    WHERE witnessed = 1 ORDER BY size DESC LIMIT 1";

const CHECKPOINT: &str = "SELECT body FROM audit_checkpoints WHERE size = $1";

const PUT_WITNESSED: &str = "UPDATE audit_checkpoints SET body = $3, witnessed = 1
    WHERE size = $1 AND body = $2";

const CHECKPOINTS: &str = "SELECT size, body FROM audit_checkpoints ORDER BY size";

pub(super) struct SqliteAuditLog {
    pub(super) writer: Appender,
    pub(super) reader: SqlitePool,
}

impl SqliteAuditLog {
    pub(super) const fn new(writer: Appender, reader: SqlitePool) -> Self {
        Self { writer, reader }
    }

    pub(super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

#[async_trait]
impl AuditLog for SqliteAuditLog {
    async fn append(
        &self,
        first_leaf: u64,
        entries: &[NewEntry],
        checkpoint: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        const DOING: &str = "appending to the audit log";
        let mut writing = self.writer.lock(DOING).await?;
        let mut index = writing.index().await?;
        let mut script = Script::default();
        script.add(BEGIN);
        script.add(FOLLOWS).add(to_integer(first_leaf));
        write(&mut script, (first_leaf, entries), &mut index)?;
        if let Some(body) = checkpoint {
            let size = to_integer(first_leaf + entries.len() as u64);
            script.add(PUT_CHECKPOINT).add(size).add(body);
        }
        let removals = entries.iter().filter_map(|new| new.archive.as_ref());
        let removals = removals.filter_map(|step| step.removes.as_ref());
        let removals: Vec<&Removal> = removals.collect();
        if let Err(error) = run(&mut writing, script, &removals).await {
            writing.roll_back().await;
            let size: i64 = sqlx::query_scalar(SIZE)
                .fetch_one(&mut *writing)
                .await
                .doing(DOING)?;
            let size = to_count(size);
            // somebody else wrote, or something is wrong that has a name of its own
            return Err(if size == first_leaf {
                error
            } else {
                StorageError::LeafTaken { first_leaf, size }
            });
        }
        writing.indexed(index);
        writing.done();
        Ok(())
    }

    async fn size(&self) -> Result<u64, StorageError> {
        let size: i64 = sqlx::query_scalar(SIZE)
            .fetch_one(&self.reader)
            .await
            .doing("reading the audit log's size")?;
        Ok(to_count(size))
    }

    async fn entries(
        &self,
        from: u64,
        limit: u64,
    ) -> Result<Vec<(u64, StoredEntry)>, StorageError> {
        let rows: Vec<EntryRow> = sqlx::query_as(ENTRIES)
            .bind(to_integer(from))
            .bind(to_integer(from.saturating_add(limit)))
            .fetch_all(&self.reader)
            .await
            .doing("reading the audit log")?;
        rows.into_iter().map(to_entry).collect()
    }

    async fn entries_about(
        &self,
        subjects: &[[u8; 32]],
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<(u64, StoredEntry)>, StorageError> {
        let mut found = Vec::new();
        for subject in subjects {
            let before = before.map_or(i64::MAX, to_integer);
            for row in entries_about(&self.reader, subject, before, limit).await? {
                found.push(to_entry(row)?);
            }
        }
        Ok(newest(found, limit))
    }

    async fn indexed(&self) -> Result<u64, StorageError> {
        let size: i64 = sqlx::query_scalar(INDEXED)
            .fetch_one(&self.reader)
            .await
            .doing("reading how far the audit log is indexed")?;
        Ok(to_count(size))
    }

    async fn index(
        &self,
        from: u64,
        to: u64,
        subjects: &[(u64, [u8; 32])],
    ) -> Result<(), StorageError> {
        const DOING: &str = "indexing the audit log";
        let mut writing = self.writer.lock(DOING).await?;
        let about: Vec<(i64, [u8; 32])> = subjects
            .iter()
            .map(|(leaf, subject)| (to_integer(*leaf), *subject))
            .collect();
        let mut index = writing.index().await?;
        let mut script = Script::default();
        script.add(BEGIN);
        index.note(&mut script, &about)?;
        set_indexed(&mut script, (from, to));
        script.add(COMMIT);
        script.run(&mut writing).await.doing(DOING)?;
        writing.indexed(index);
        writing.done();
        Ok(())
    }

    async fn leaf_hashes(&self, from: u64, limit: u64) -> Result<Vec<[u8; 32]>, StorageError> {
        leaf_hashes(self, from, limit).await
    }

    async fn last_outbox(&self) -> Result<Option<i64>, StorageError> {
        sqlx::query_scalar(LAST_OUTBOX)
            .fetch_one(&self.reader)
            .await
            .doing("reading the audit log")
    }

    async fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, StorageError> {
        sqlx::query_scalar(LATEST_CHECKPOINT)
            .fetch_optional(&self.reader)
            .await
            .doing("reading the latest checkpoint")
    }

    async fn latest_witnessed(&self) -> Result<Option<Vec<u8>>, StorageError> {
        sqlx::query_scalar(LATEST_WITNESSED)
            .fetch_optional(&self.reader)
            .await
            .doing("reading the latest witnessed checkpoint")
    }

    async fn checkpoint(&self, size: u64) -> Result<Option<Vec<u8>>, StorageError> {
        sqlx::query_scalar(CHECKPOINT)
            .bind(to_integer(size))
            .fetch_optional(&self.reader)
            .await
            .doing("reading a checkpoint")
    }

    async fn put_witnessed(
        &self,
        size: u64,
        held: &[u8],
        signed: &[u8],
    ) -> Result<bool, StorageError> {
        const DOING: &str = "storing a witnessed checkpoint";
        let mut writing = self.writer.lock(DOING).await?;
        let put = sqlx::query(PUT_WITNESSED)
            .bind(to_integer(size))
            .bind(held)
            .bind(signed)
            .execute(&mut *writing)
            .await
            .doing(DOING)?;
        writing.done();
        Ok(put.rows_affected() > 0)
    }

    async fn subject_keys(&self, names: &[[u8; 32]]) -> Result<Vec<SubjectKey>, StorageError> {
        let mut found = Vec::new();
        for name in names {
            let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(KEYS_OF)
                .bind(name.as_slice())
                .fetch_all(&self.reader)
                .await
                .doing("reading keys of persons")?;
            for row in rows {
                found.push(to_subject_key(row)?);
            }
        }
        found.sort_unstable_by_key(|key| key.name);
        Ok(found)
    }

    async fn put_subject_keys(&self, keys: &[SubjectKey]) -> Result<(), StorageError> {
        const DOING: &str = "storing keys of persons";
        let mut writing = self.writer.lock(DOING).await?;
        let mut script = Script::default();
        script.add(BEGIN);
        put_keys(&mut script, &keys.iter().collect::<Vec<_>>());
        script.add(COMMIT);
        script.run(&mut writing).await.doing(DOING)?;
        writing.done();
        Ok(())
    }

    async fn delete_subject_keys(&self, names: &[[u8; 32]]) -> Result<u64, StorageError> {
        const DOING: &str = "destroying keys of persons";
        let mut writing = self.writer.lock(DOING).await?;
        writing.execute(OVERWRITE).await.doing(DOING)?;
        writing.execute(BEGIN).await.doing(DOING)?;
        let mut deleted = 0;
        for name in names {
            let done = sqlx::query(DELETE_KEYS)
                .bind(name.as_slice())
                .execute(&mut *writing)
                .await;
            deleted += done.doing(DOING)?.rows_affected();
        }
        writing.execute(COUNT_ERASURE).await.doing(DOING)?;
        writing.execute(COMMIT).await.doing(DOING)?;
        // behind the commit a failure only makes later commits dearer
        let _ = writing.execute(OVERWRITE_CHEAPLY).await;
        writing.done();
        Ok(deleted)
    }

    async fn scrub_subject_keys(&self) -> Result<(), StorageError> {
        const DOING: &str = "emptying the journal of the audit log";
        for attempt in 1..=SCRUBS {
            // busy while somebody reads a state of before
            let mut writing = self.writer.lock(DOING).await?;
            writing.execute(IMPATIENT).await.doing(DOING)?;
            let busy = sqlx::query_scalar(EMPTY_JOURNAL).fetch_one(&mut *writing);
            let busy: i64 = busy.await.doing(DOING)?;
            // not left to the next writer as it is
            drop(writing);
            if busy == 0 {
                return Ok(());
            }
            if attempt < SCRUBS {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Err(StorageError::Busy {
            doing: DOING,
            code: SQLITE_BUSY.to_owned(),
        })
    }

    async fn cases(
        &self,
        agency: Option<&AgencyId>,
        only_open: bool,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<StoredCase>, StorageError> {
        let rows: Vec<CaseRow> = sqlx::query_as(if only_open { CASES_OPEN } else { CASES })
            .bind(behind(after, only_open))
            .bind(agency.map(AgencyId::as_str))
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await
            .doing("reading cases of emergencies")?;
        rows.into_iter().map(to_case).collect()
    }

    async fn case(&self, leaf: u64) -> Result<Option<StoredCase>, StorageError> {
        let row: Option<CaseRow> = sqlx::query_as(CASE)
            .bind(to_integer(leaf))
            .fetch_optional(&self.reader)
            .await
            .doing("reading the case of an emergency")?;
        row.map(to_case).transpose()
    }

    async fn open_cases(&self, before: Timestamp) -> Result<u64, StorageError> {
        let count: i64 = sqlx::query_scalar(OPEN_CASES)
            .bind(to_micros(before))
            .fetch_one(&self.reader)
            .await
            .doing("counting cases of emergencies")?;
        Ok(to_count(count))
    }

    async fn erasures(&self) -> Result<u64, StorageError> {
        let generation: i64 = sqlx::query_scalar(ERASURES)
            .fetch_one(&self.reader)
            .await
            .doing("reading how often keys were destroyed")?;
        Ok(to_count(generation))
    }

    async fn checkpoints(&self) -> Result<Vec<(u64, Vec<u8>)>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(CHECKPOINTS)
            .fetch_all(&self.reader)
            .await
            .doing("reading checkpoints")?;
        let checkpoints = rows.into_iter();
        Ok(checkpoints
            .map(|(size, body)| (to_count(size), body))
            .collect())
    }
}

/// Runs what is begun in a script, lets entries leave, and commits.
async fn run(
    connection: &mut SqliteConnection,
    mut script: Script,
    removals: &[&Removal],
) -> Result<(), StorageError> {
    const DOING: &str = "appending to the audit log";
    if removals.is_empty() {
        script.add(COMMIT);
        script.run(connection).await.doing(DOING)?;
        return Ok(());
    }
    script.run(connection).await.doing(DOING)?;
    for removal in removals {
        archives::remove(connection, removal).await?;
    }
    connection.execute(COMMIT).await.doing(DOING)?;
    Ok(())
}

/// Adds entries, with whom they are about, the keys they bring, the cases they open or judge, and where archives stand
/// by them.
fn write(
    script: &mut Script,
    (first_leaf, entries): (u64, &[NewEntry]),
    index: &mut Index,
) -> Result<(), StorageError> {
    let rows: Vec<(i64, &NewEntry)> = (to_integer(first_leaf)..).zip(entries).collect();
    APPEND.script(script, &rows, |values, (leaf, new)| {
        let entry = &new.entry;
        values.add(*leaf).add(entry.body.as_slice());
        values.add(entry.leaf_hash.as_slice()).add(entry.outbox);
    });
    let about = rows.iter().flat_map(|(leaf, entry)| {
        let subjects = entry.subjects.iter();
        subjects.map(move |subject| (*leaf, *subject))
    });
    index.note(script, &about.collect::<Vec<_>>())?;
    set_indexed(script, (first_leaf, first_leaf + entries.len() as u64));
    put_keys(
        script,
        &entries.iter().flat_map(|new| &new.keys).collect::<Vec<_>>(),
    );
    for (leaf, new) in &rows {
        if let Some(step) = &new.case {
            cases::put(script, *leaf, step);
        }
        if let Some(step) = &new.archive {
            archives::put(script, &step.archive);
        }
    }
    Ok(())
}

fn put_keys(script: &mut Script, keys: &[&SubjectKey]) {
    KEYS.script(script, keys, |values, key| {
        values.add(key.name.as_slice()).add(key.sealed.as_slice());
    });
}

/// Notes that it is known whom the entries from one leaf up to another are about.
fn set_indexed(script: &mut Script, (from, to): (u64, u64)) {
    let indexed = script.add(SET_INDEXED);
    indexed.add(to_integer(to)).add(to_integer(from));
}
