//! A database of its own for a test, on a server that the tests were given.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};

/// An empty database; dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// Makes a database on a PostgreSQL or MariaDB server.
    ///
    /// # Panics
    /// When the server does not take it.
    pub async fn on(server: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("rabt_it_{}_{number}", std::process::id());
        run(server, &format!("CREATE DATABASE {name}")).await;
        let server = server.to_owned();
        Self { server, name }
    }

    /// Returns the address of the database.
    pub fn url(&self) -> String {
        let server = self
            .server
            .rsplit_once('/')
            .map_or("", |(server, _)| server);
        format!("{server}/{}", self.name)
    }

    /// Runs a script in the database.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn run(&self, script: &str) {
        run(&self.url(), script).await;
    }
}

impl Drop for Database {
    /// Also after a failed test; a test's own runtime cannot be waited for here.
    fn drop(&mut self) {
        let server = self.server.clone();
        let force = if is_postgres(&server) {
            " WITH (FORCE)"
        } else {
            ""
        };
        let statement = format!("DROP DATABASE {}{force}", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime
                .expect("a runtime")
                .block_on(async { run(&server, &statement).await });
        });
        if dropping.join().is_err() {
            eprintln!("a test's database stays behind");
        }
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres")
}

async fn run(url: &str, script: &str) {
    let script = AssertSqlSafe(script.to_owned());
    let outcome = if is_postgres(url) {
        let mut connection = PgConnection::connect(url)
            .await
            .expect("PostgreSQL answers");
        connection.execute(sqlx::raw_sql(script)).await.map(|_| ())
    } else {
        let mut connection = MySqlConnection::connect(url)
            .await
            .expect("MariaDB answers");
        connection.execute(sqlx::raw_sql(script)).await.map(|_| ())
    };
    outcome.expect("the script runs");
}
