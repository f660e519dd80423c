//! Storage that exists for one case.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::repository::Storage;

/// Where a server for tests is: the address of a superuser.
const POSTGRES_VARIABLE: &str = "RABT_TEST_POSTGRES_URL";

/// Storage that exists for one case, and how to get rid of it.
pub struct Scratch {
    storage: Arc<dyn Storage>,
    url: String,
    /// The server's address and the database to drop.
    database: Option<(String, String)>,
}

impl Scratch {
    /// Opens storage in memory.
    ///
    /// # Panics
    /// When that fails.
    pub async fn memory() -> Self {
        Self::open("sqlite::memory:".into(), None).await
    }

    /// Opens storage in a file.
    ///
    /// # Panics
    /// When that fails.
    pub async fn file(path: &Path) -> Self {
        Self::open(format!("sqlite://{}", path.display()), None).await
    }

    /// Opens storage in a new database on the server that `RABT_TEST_POSTGRES_URL` names; without
    /// one, returns `None` and says so.
    ///
    /// # Panics
    /// When the server does not let a database be made.
    pub async fn postgres(case: &str) -> Option<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var(POSTGRES_VARIABLE) else {
            eprintln!("skipped: no PostgreSQL ({case})");
            return None;
        };
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let database = format!("rabt_test_{}_{number}", std::process::id());
        administer(
            &server,
            &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
        )
        .await;
        administer(&server, &format!("CREATE DATABASE {database}")).await;
        let url = with_database(&server, &database);
        Some(Self::open(url, Some((server, database))).await)
    }

    async fn open(url: String, database: Option<(String, String)>) -> Self {
        let storage = crate::open(&url).await.expect("storage that opens");
        Self {
            storage,
            url,
            database,
        }
    }

    /// Returns the storage.
    pub fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    /// Returns the storage, shared.
    pub fn shared(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.storage)
    }

    /// Returns the address that opens the same storage again; not in memory.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Closes the storage, and drops its database when it has one. A case that fails leaves its
    /// database behind, to be looked at.
    ///
    /// # Panics
    /// When the server does not let the database be dropped.
    pub async fn remove(self) {
        self.storage.close().await;
        if let Some((server, database)) = self.database {
            administer(&server, &format!("DROP DATABASE {database} WITH (FORCE)")).await;
        }
    }
}

async fn administer(server: &str, statement: &str) {
    let mut connection = PgConnection::connect(server)
        .await
        .expect("a server that answers");
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .expect("a superuser");
    connection.close().await.expect("a connection that closes");
}

/// Returns the address of another database on the same server.
fn with_database(server: &str, database: &str) -> String {
    let (address, parameters) = match server.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (server, String::new()),
    };
    let host = address.find("://").map_or(0, |place| place + 3);
    let end = address[host..]
        .find('/')
        .map_or(address.len(), |place| host + place);
    format!("{}/{database}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_of_an_address_is_replaced() {
        for (server, expected) in [
            ("postgres://u:p@h:5432/postgres", "postgres://u:p@h:5432/x"),
            ("postgres://u@h", "postgres://u@h/x"),
            (
                "postgres://u@h/?host=/tmp/s",
                "postgres://u@h/x?host=/tmp/s",
            ),
        ] {
            assert_eq!(with_database(server, "x"), expected);
        }
    }
}
