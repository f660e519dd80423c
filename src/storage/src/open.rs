//! From an address to storage.

use std::path::Path;
use std::sync::Arc;

use crate::StorageError;
use crate::postgres::PostgresStorage;
use crate::repository::Storage;
use crate::sqlite::SqliteStorage;

/// Opens storage for a process whose audit log has no name of its own, as [`open_as`].
pub async fn open(url: &str) -> Result<Arc<dyn Storage>, StorageError> {
    open_as(url, "").await
}

/// Opens storage for a process whose audit log is the one of `origin`, and creates or migrates its
/// tables. On `SQLite` there is one log, whatever its origin. The addresses are `sqlite://<path>`
/// (`sqlite:///var/lib/rabt/rabt.db`; the audit log is `rabt-audit.db` beside it),
/// `sqlite::memory:` (empty, and gone with the process) and
/// `postgres://<user>:<password>@<host>/<database>`.
pub async fn open_as(url: &str, origin: &str) -> Result<Arc<dyn Storage>, StorageError> {
    if url == "sqlite::memory:" {
        return Ok(Arc::new(SqliteStorage::open_memory().await?));
    }
    if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.contains('?') {
            return Err(StorageError::Configuration {
                problem: "a SQLite address takes a path and no parameters".into(),
                remedy: "write sqlite://<path>",
            });
        }
        return Ok(Arc::new(SqliteStorage::open_file(Path::new(path)).await?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(PostgresStorage::open(url, origin).await?));
    }
    Err(StorageError::Configuration {
        problem: "the address is not one of a database".into(),
        remedy: "write sqlite://<path>, sqlite::memory: or postgres://<host>/<database>",
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rabt_model::RunId;

    use super::{open, open_as};
    use crate::conformance::Scratch;
    use crate::conformance::sample::{at, record};
    use crate::lease::Holder;
    use crate::row::{Deletion, NewEntry, StoredEntry};

    fn entry(number: u8, outbox: Option<i64>) -> NewEntry {
        let entry = StoredEntry {
            body: vec![number; 20],
            leaf_hash: [number; 32],
            outbox,
        };
        let subjects = vec![[number; 32]];
        NewEntry {
            entry,
            subjects,
            keys: Vec::new(),
            case: None,
            archive: None,
        }
    }

    #[tokio::test]
    async fn every_origin_has_a_log_and_an_outbox_row_is_in_one() {
        let Some(scratch) = Scratch::postgres("logs").await else {
            return;
        };
        let one = open_as(scratch.url(), "example/one").await.unwrap();
        let two = open_as(scratch.url(), "example/two").await.unwrap();
        let taken = [entry(1, Some(7)), entry(2, None)];
        let log = one.audit_log();
        log.append(0, &taken, Some(b"one")).await.unwrap();
        let other = two.audit_log();
        assert_eq!(other.size().await.unwrap(), 0);
        assert_eq!(other.last_outbox().await.unwrap(), Some(7));
        let again = other.append(0, &taken[..1], Some(b"two")).await;
        assert!(again.is_err(), "the row is in the other log");
        other
            .append(0, &[entry(3, Some(8))], Some(b"two"))
            .await
            .unwrap();
        let origins = one.audit_origins().await.unwrap();
        assert_eq!(origins, ["example/one", "example/two"]);
        let found = one.audit_log_of("example/two").await.unwrap().unwrap();
        assert_eq!(found.checkpoints().await.unwrap(), [(1, b"two".to_vec())]);
        let about = found.entries_about(&[[1; 32], [3; 32]], None, 9).await;
        assert_eq!(about.unwrap(), [(0, entry(3, Some(8)).entry)]);
        assert!(one.audit_log_of("example/three").await.unwrap().is_none());
        one.close().await;
        two.close().await;
        scratch.remove().await;
    }

    #[tokio::test]
    async fn what_another_process_names_is_known() {
        let Some(scratch) = Scratch::postgres("names").await else {
            return;
        };
        let one = open_as(scratch.url(), "example/one").await.unwrap();
        let two = open_as(scratch.url(), "example/two").await.unwrap();
        let records = [record("tax", "a", 1)];
        let mut tx = one.begin().await.unwrap();
        let numbers = tx.put_records(RunId(1), &records).await.unwrap().numbers;
        tx.commit().await.unwrap();
        let mut tx = two.begin().await.unwrap();
        let id = &records[0].id;
        let found = tx.find_records(&id.source, &id.stream, &["a"]).await;
        assert_eq!(found.unwrap(), [Some(numbers[0])]);
        drop(tx);
        let gone = [Deletion {
            id: id.clone(),
            version: None,
            event_at: None,
        }];
        let mut tx = two.begin().await.unwrap();
        let outcome = tx.delete_records(&gone, at(50)).await.unwrap();
        assert_eq!(outcome.deleted, 1);
        drop(tx);
        one.close().await;
        two.close().await;
        scratch.remove().await;
    }

    #[tokio::test]
    async fn a_second_process_on_one_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rabt.db").display());
        let holder = Holder {
            node: "a".to_owned(),
            address: String::new(),
            process: 1,
        };
        let first = open(&url).await.unwrap();
        let second = open(&url).await.unwrap();
        let ttl = Duration::from_secs(5);
        first.leases().take("link", &holder, ttl).await.unwrap();
        let refused = second.leases().take("link", &holder, ttl).await;
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("another process serves it"), "{said}");
        first.close().await;
        second.leases().take("link", &holder, ttl).await.unwrap();
        second.close().await;
    }
}
