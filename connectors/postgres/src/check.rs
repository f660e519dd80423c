//! Whether a source can be read, and whether it could be read more safely.

use rabt_connect::{Finding, Session};
use sqlx::{PgConnection, Row};

use crate::change;
use crate::config;
use crate::connection::{connect, end, target};

/// Tables the account may change: none, for an account that only reads.
const WRITABLE: &str = "SELECT count(*) FROM pg_catalog.pg_class c \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' \
       AND n.nspname NOT LIKE 'pg\\_%' \
       AND (has_table_privilege(c.oid, 'INSERT') OR has_table_privilege(c.oid, 'UPDATE') \
         OR has_table_privilege(c.oid, 'DELETE'))";

const ENCODING: &str = "SELECT current_setting('server_encoding')";

const ENCRYPTED: &str = "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()";

const RELEASE: &str = "SELECT current_setting('server_version_num')::int4";

/// The oldest release these statements are for.
const OLDEST: i32 = 110_000;

/// Returns every finding about a source.
pub(crate) async fn check(session: &Session) -> Vec<Finding> {
    let options = match config::options(session) {
        Ok(options) => options,
        Err(error) => return vec![Finding::of_error("config", &error)],
    };
    let mut connection = match connect(session).await {
        Ok(connection) => connection,
        Err(error) if error.is_transient() => return vec![Finding::of_error("reach", &error)],
        Err(error) => {
            let reached = Finding::pass("reach", format!("{} answers", target(&options)));
            return vec![reached, Finding::of_error("login", &error)];
        }
    };
    let local = options.get_socket().is_some() || is_loopback(options.get_host());
    let mut findings = vec![
        Finding::pass("reach", format!("{} answers", target(&options))),
        Finding::pass("login", "the account may connect"),
    ];
    findings.push(release(&mut connection).await);
    findings.push(encryption(&mut connection, local).await);
    findings.push(read_only(&mut connection).await);
    findings.push(encoding(&mut connection).await);
    if let Ok(Some(publication)) = session.optional_text("publication") {
        findings.extend(change::findings(&mut connection, publication).await);
    }
    end(connection, &Ok(())).await;
    findings
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.starts_with('/') || host.starts_with("127.") || host == "::1"
}

async fn release(connection: &mut PgConnection) -> Finding {
    let (id, remedy) = ("release", "read this server through a newer replica");
    match sqlx::query(RELEASE)
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get::<i32, _>(0))
    {
        Ok(number) if number >= OLDEST => Finding::pass(id, format!("release {}", number / 10_000)),
        Ok(number) => Finding::warn(id, format!("release {number} is older than 11"), remedy),
        Err(_) => Finding::warn(id, "the release could not be read", remedy),
    }
}

async fn encryption(connection: &mut PgConnection, local: bool) -> Finding {
    let id = "tls";
    match sqlx::query(ENCRYPTED)
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get(0))
    {
        Ok(true) => Finding::pass(id, "the connection is encrypted"),
        Ok(false) if local => Finding::pass(id, "the connection does not leave this machine"),
        Ok(false) | Err(_) => Finding::warn(
            id,
            "the connection is not encrypted",
            "set tls = \"verify-full\" and ca = \"server-ca.pem\" in [source.config]",
        ),
    }
}

async fn read_only(connection: &mut PgConnection) -> Finding {
    let id = "read_only";
    let remedy = "CREATE ROLE rabt_reader LOGIN; GRANT SELECT on the mapped columns only";
    match sqlx::query(WRITABLE)
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get::<i64, _>(0))
    {
        Ok(0) => Finding::pass(id, "the account may change no table"),
        Ok(count) => Finding::warn(id, format!("the account may change {count} tables"), remedy),
        Err(_) => Finding::warn(id, "the account's rights could not be read", remedy),
    }
}

async fn encoding(connection: &mut PgConnection) -> Finding {
    let id = "charset";
    match sqlx::query(ENCODING)
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get::<String, _>(0))
    {
        Ok(name) if name == "SQL_ASCII" => Finding::warn(
            id,
            "the server does not know the encoding of its texts (SQL_ASCII)",
            "values that are not UTF-8 will be set aside as not_text; offer a view that converts them",
        ),
        Ok(name) => Finding::pass(id, format!("texts are {name}")),
        Err(_) => Finding::warn(
            id,
            "the encoding could not be read",
            "ask the administrator",
        ),
    }
}
