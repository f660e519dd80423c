//! Opening a file, and telling its failures apart.

use std::time::Duration;

use rabt_connect::{ConnectError, Session};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

/// How long to wait for a writer that holds the file.
const BUSY: Duration = Duration::from_secs(5);

/// Primary result codes of `SQLite`.
const BUSY_CODE: i64 = 5;
const LOCKED_CODE: i64 = 6;
const IO_CODE: i64 = 10;
const CORRUPT_CODE: i64 = 11;
const CANNOT_OPEN_CODE: i64 = 14;
const NOT_A_DATABASE_CODE: i64 = 26;

/// Opens the file of a session, read-only.
pub(crate) async fn open(session: &Session) -> Result<SqliteConnection, ConnectError> {
    let path = session.text("path")?;
    let file = session.resolve(path);
    if !file.is_file() {
        return Err(ConnectError::configuration(
            format!("source.config.path {path}"),
            "there is no such file",
            "correct the path, or mount the folder it is in",
        ));
    }
    SqliteConnectOptions::new()
        .filename(&file)
        .read_only(true)
        .create_if_missing(false)
        .statement_cache_capacity(0)
        .busy_timeout(BUSY)
        .connect()
        .await
        .map_err(|error| explain(&error, path))
}

/// Returns what a failure of `SQLite` means for the operator. The message of `SQLite` names tables
/// and columns, never values.
pub(crate) fn explain(error: &sqlx::Error, place: &str) -> ConnectError {
    let Some(database) = error.as_database_error() else {
        return ConnectError::transient(
            place,
            "the file could not be read",
            "see that the disk is there and the file is not being replaced",
        );
    };
    let code = database
        .code()
        .and_then(|code| code.parse::<i64>().ok())
        .unwrap_or(1);
    match code & 0xff {
        BUSY_CODE | LOCKED_CODE => ConnectError::transient(
            place,
            "another program holds the file",
            "try again when it is done, or read a copy",
        ),
        IO_CODE => ConnectError::transient(
            place,
            "the disk failed while the file was read",
            "check the disk or the mount",
        ),
        CORRUPT_CODE => ConnectError::data(
            place,
            "the file is damaged",
            "run `PRAGMA integrity_check` on it and give a repaired copy",
        ),
        NOT_A_DATABASE_CODE => ConnectError::configuration(
            place,
            "the file is not an SQLite database, or it is encrypted",
            "correct the path",
        ),
        CANNOT_OPEN_CODE => ConnectError::configuration(
            place,
            "the file cannot be opened",
            "let the account of this process read the file and its folder",
        ),
        _ => ConnectError::configuration(
            place,
            database.message().to_owned(),
            "compare `from` and the columns of the mapping with the table",
        ),
    }
}
