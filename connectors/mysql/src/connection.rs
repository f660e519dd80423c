//! One connection to an agency's server.

use std::time::Duration;

use rabt_connect::{ConnectError, Session};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};

use crate::config;
use crate::fault::Doing;

const PATIENCE: Duration = Duration::from_secs(15);

/// Nothing is written, and zero dates are read as they are.
const SESSION: [&str; 3] = [
    "SET SESSION TRANSACTION READ ONLY",
    "SET SESSION sql_mode = ''",
    "SET SESSION lock_wait_timeout = 10",
];

/// Connects as the session says.
pub(crate) async fn connect(session: &Session) -> Result<MySqlConnection, ConnectError> {
    let options = config::options(session)?;
    let doing = Doing::connecting(&options);
    let connecting = open(&options, config::timeout(session));
    match tokio::time::timeout(PATIENCE, connecting).await {
        Ok(connected) => connected.map_err(|error| doing.fault(&error)),
        Err(_) => Err(doing.unreachable("did not answer within 15 seconds")),
    }
}

async fn open(
    options: &MySqlConnectOptions,
    timeout: Duration,
) -> Result<MySqlConnection, sqlx::Error> {
    let mut connection = MySqlConnection::connect_with(options).await?;
    for statement in SESSION {
        connection.execute(statement).await?;
    }
    // MariaDB counts seconds under one name, MySQL milliseconds under another.
    let mariadb = format!("SET SESSION max_statement_time = {}", timeout.as_secs_f64());
    if connection.execute(AssertSqlSafe(mariadb)).await.is_err() {
        let mysql = format!("SET SESSION max_execution_time = {}", timeout.as_millis());
        connection.execute(AssertSqlSafe(mysql)).await?;
    }
    Ok(connection)
}

/// Returns host and port for people. Never the account.
pub(crate) fn target(options: &MySqlConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// Ends a connection: politely after success; else at once, because the rest of a half-read answer
/// would be waited for, and under TLS a farewell that the server never sends.
pub(crate) async fn end<T>(connection: MySqlConnection, outcome: &Result<T, ConnectError>) {
    if outcome.is_ok() {
        // The connection is given up either way; how its end goes changes nothing.
        let _ = connection.close().await;
    }
}
