//! Whether a source can be read, and whether it could be read more safely.

use rabt_connect::{Finding, Session};
use sqlx::{MySqlConnection, Row};

use crate::connection::{connect, end, target};
use crate::{change, config};

/// What the account may do, one grant a row.
const GRANTS: &str = "SHOW GRANTS";

const ENCRYPTED: &str = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";

const RELEASE: &str = "SELECT VERSION()";

/// Rights that an account which only reads does not have.
const WRITES: [&str; 7] = [
    "ALL PRIVILEGES",
    "INSERT",
    "UPDATE",
    "DELETE",
    "DROP",
    "ALTER",
    "CREATE",
];

/// Returns every finding about a source.
pub(crate) async fn check(session: &Session) -> Vec<Finding> {
    let options = match config::options(session) {
        Ok(options) => options,
        Err(error) => return vec![Finding::of_error("config", &error)],
    };
    let reached = Finding::pass("reach", format!("{} answers", target(&options)));
    let mut connection = match connect(session).await {
        Ok(connection) => connection,
        Err(error) if error.is_transient() => return vec![Finding::of_error("reach", &error)],
        Err(error) => return vec![reached, Finding::of_error("login", &error)],
    };
    let local = options.get_socket().is_some() || is_loopback(options.get_host());
    let mut findings = vec![reached, Finding::pass("login", "the account may connect")];
    findings.push(release(&mut connection).await);
    findings.push(encryption(&mut connection, local).await);
    findings.push(read_only(&mut connection).await);
    if config::binlog(session) {
        findings.extend(change::findings(&mut connection).await);
    }
    end(connection, &Ok(())).await;
    findings
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.starts_with("127.") || host == "::1"
}

async fn release(connection: &mut MySqlConnection) -> Finding {
    let row = sqlx::query(RELEASE).fetch_one(connection).await;
    match row.and_then(|row| row.try_get::<String, _>(0)) {
        Ok(version) => Finding::pass("release", format!("release {version}")),
        Err(_) => Finding::warn(
            "release",
            "the release could not be read",
            "ask the administrator",
        ),
    }
}

async fn encryption(connection: &mut MySqlConnection, local: bool) -> Finding {
    let row = sqlx::query(ENCRYPTED).fetch_one(connection).await;
    match row.and_then(|row| row.try_get::<String, _>(1)) {
        Ok(cipher) if !cipher.is_empty() => Finding::pass("tls", "the connection is encrypted"),
        Ok(_) if local => Finding::pass("tls", "the connection does not leave this machine"),
        Ok(_) | Err(_) => Finding::warn(
            "tls",
            "the connection is not encrypted",
            "set tls = \"verify-full\" and ca = \"server-ca.pem\" in [source.config]",
        ),
    }
}

async fn read_only(connection: &mut MySqlConnection) -> Finding {
    let id = "read_only";
    let remedy = "CREATE USER 'rabt_reader'@'%' IDENTIFIED BY '…'; \
                  GRANT SELECT (mapped columns) ON database.table TO 'rabt_reader'@'%'";
    let Ok(rows) = sqlx::query(GRANTS).fetch_all(connection).await else {
        return Finding::warn(id, "the account's rights could not be read", remedy);
    };
    let grants = rows
        .iter()
        .filter_map(|row| row.try_get::<String, _>(0).ok());
    if grants.into_iter().any(|grant| may_write(&grant)) {
        return Finding::warn(id, "the account may change tables", remedy);
    }
    Finding::pass(id, "the account may change no table")
}

/// Says whether a line of `SHOW GRANTS` gives a right to change something.
fn may_write(grant: &str) -> bool {
    let rights = grant.split(" ON ").next().unwrap_or_default();
    WRITES.iter().any(|right| rights.contains(right))
}

#[cfg(test)]
mod tests {
    use super::may_write;

    #[test]
    fn grants_are_understood() {
        assert!(may_write("GRANT ALL PRIVILEGES ON *.* TO `rabt`@`%`"));
        assert!(may_write("GRANT SELECT, UPDATE ON `d`.* TO `r`@`%`"));
        assert!(!may_write("GRANT SELECT ON `UPDATE`.* TO `r`@`%`"));
        assert!(!may_write("GRANT USAGE ON *.* TO `r`@`%`"));
    }
}
