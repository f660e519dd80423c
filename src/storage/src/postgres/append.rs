//! What an append to the audit log writes, on PostgreSQL.

use sqlx::PgConnection;

use super::{archives, cases};
use crate::StorageError;
use crate::convert::to_integer;
use crate::error::Doing;
use crate::row::{NewEntry, SubjectKey};

/// All that most appends write, on one way to the server and in a transaction of its own. Two who append at once
/// want the same leaf, and the second of them breaks the table's key.
const APPEND: &str = "WITH fits AS MATERIALIZED (
        SELECT 1 WHERE $2 = (SELECT COALESCE(MAX(leaf) + 1, 0) FROM audit_entries WHERE log = $1)
    ), marked AS (
        UPDATE audit_logs SET indexed = $3 FROM fits WHERE number = $1 AND indexed = $2
    ), noted AS (
        INSERT INTO audit_subjects (log, subject, leaf)
        SELECT $1, given.* FROM fits, UNNEST($8::BYTEA[], $9::BIGINT[]) AS given
        ON CONFLICT (subject, log, leaf) DO NOTHING
    ), keyed AS (
        INSERT INTO subject_keys (name, sealed)
        SELECT given.* FROM fits, UNNEST($10::BYTEA[], $11::BYTEA[]) AS given
        ON CONFLICT (name, sealed) DO NOTHING
    ), signed AS (
        INSERT INTO audit_checkpoints (log, size, body)
        SELECT $1, $3, $12::BYTEA FROM fits WHERE $12::BYTEA IS NOT NULL
        ON CONFLICT (log, size) DO UPDATE SET body = excluded.body
    ), appended AS (
        INSERT INTO audit_entries (log, leaf, body, leaf_hash, outbox)
        SELECT $1, given.*
        FROM fits, UNNEST($4::BIGINT[], $5::BYTEA[], $6::BYTEA[], $7::BIGINT[]) AS given
    )
    SELECT EXISTS (SELECT FROM fits)";

/// Appends entries with whom they are about, the keys they bring and the checkpoint behind them; says whether the
/// first leaf was the next one. Nothing is written when it was not.
///
/// # Errors
/// The database refused the statement, as it does when somebody else appends at the same moment.
pub(super) async fn append(
    connection: &mut PgConnection,
    log: i64,
    (first_leaf, entries): (u64, &[NewEntry]),
    checkpoint: Option<&[u8]>,
) -> Result<bool, StorageError> {
    let (first, end) = (first_leaf, first_leaf + entries.len() as u64);
    let leaves = to_integer(first)..to_integer(end);
    let column = |of: fn(&NewEntry) -> &[u8]| entries.iter().map(of).collect::<Vec<&[u8]>>();
    let outbox = entries.iter().map(|new| new.entry.outbox);
    let about = leaves.clone().zip(entries).flat_map(|(leaf, new)| {
        let subjects = new.subjects.iter();
        subjects.map(move |subject| (subject.as_slice(), leaf))
    });
    let (subjects, of): (Vec<&[u8]>, Vec<i64>) = about.unzip();
    let keys = in_order(&entries.iter().flat_map(|new| &new.keys).collect::<Vec<_>>());
    let keys = keys.iter();
    let keys = keys.map(|key| (key.name.as_slice(), key.sealed.as_slice()));
    let (names, sealed): (Vec<&[u8]>, Vec<&[u8]>) = keys.unzip();
    sqlx::query_scalar(APPEND)
        .bind(log)
        .bind(to_integer(first))
        .bind(to_integer(end))
        .bind(leaves.collect::<Vec<i64>>())
        .bind(column(|new| &new.entry.body))
        .bind(column(|new| &new.entry.leaf_hash))
        .bind(outbox.collect::<Vec<Option<i64>>>())
        .bind(subjects)
        .bind(of)
        .bind(names)
        .bind(sealed)
        .bind(checkpoint)
        .fetch_one(connection)
        .await
        .doing("appending to the audit log")
}

/// Notes the cases that entries open or judge, and where archives stand by them.
pub(super) async fn put_steps(
    connection: &mut PgConnection,
    log: i64,
    (first_leaf, entries): (u64, &[NewEntry]),
) -> Result<(), StorageError> {
    for (leaf, new) in (first_leaf..).zip(entries) {
        if let Some(step) = &new.case {
            cases::put(connection, (log, leaf), step).await?;
        }
        if let Some(step) = &new.archive {
            archives::step(connection, log, step).await?;
        }
    }
    Ok(())
}

/// Returns the keys in one order, or two inserts could wait for each other.
pub(super) fn in_order<'k>(keys: &[&'k SubjectKey]) -> Vec<&'k SubjectKey> {
    let mut keys = keys.to_vec();
    keys.sort_unstable_by(|a, b| (a.name, &a.sealed).cmp(&(b.name, &b.sealed)));
    keys.dedup();
    keys
}
