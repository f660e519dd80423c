//! From an address to storage.

use std::path::Path;
use std::sync::Arc;

use crate::StorageError;
use crate::postgres::PostgresStorage;
use crate::repository::Storage;
use crate::sqlite::SqliteStorage;

/// Opens storage, and creates or migrates its tables. The addresses are `sqlite://<path>`
/// (`sqlite:///var/lib/rabt/rabt.db`; the audit log is `rabt-audit.db` beside it),
/// `sqlite::memory:` (empty, and gone with the process) and
/// `postgres://<user>:<password>@<host>/<database>`.
pub async fn open(url: &str) -> Result<Arc<dyn Storage>, StorageError> {
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
        return Ok(Arc::new(PostgresStorage::open(url).await?));
    }
    Err(StorageError::Configuration {
        problem: "the address is not one of a database".into(),
        remedy: "write sqlite://<path>, sqlite::memory: or postgres://<host>/<database>",
    })
}
