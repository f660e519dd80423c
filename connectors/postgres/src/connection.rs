//! One connection to an agency's server.

use std::time::Duration;

use rabt_connect::{ConnectError, Session};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::config;
use crate::fault::Doing;

const PATIENCE: Duration = Duration::from_secs(15);

/// Connects as the session says.
pub(crate) async fn connect(session: &Session) -> Result<PgConnection, ConnectError> {
    let options = config::options(session)?;
    let doing = Doing::connecting(&options);
    match tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await {
        Ok(connected) => connected.map_err(|error| doing.fault(&error)),
        Err(_) => Err(doing.unreachable("did not answer within 15 seconds")),
    }
}

/// Returns host and port for people. Never the account.
pub(crate) fn target(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// Ends a connection: politely after success; else at once, because the rest of a half-read answer
/// would be waited for.
pub(crate) async fn end<T>(connection: PgConnection, outcome: &Result<T, ConnectError>) {
    // The connection is given up either way; how its end goes changes nothing.
    let _ = match outcome {
        Ok(_) => connection.close().await,
        Err(_) => connection.close_hard().await,
    };
}
