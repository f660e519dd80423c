//! What `[source.config]` holds for this kind.

use std::str::FromStr;
use std::time::Duration;

use rabt_connect::{ConfigKey, ConnectError, Problem, Session};
use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

/// The keys. Either `url`, or `host`, `database` and `user` with the others.
pub(crate) const KEYS: [ConfigKey; 9] = [
    key(
        "url",
        false,
        "the whole address, mysql://user@host:port/database",
    ),
    key("host", false, "the name or address of the server"),
    key(
        "port",
        false,
        "the port of the server, 3306 when it is left out",
    ),
    key("database", false, "the database on the server"),
    key("user", false, "an account that may only read"),
    key("password", true, "the account's password"),
    key(
        "tls",
        false,
        "disable, prefer (the default), require, verify-ca or verify-full",
    ),
    key(
        "ca",
        false,
        "a PEM file with the authority that signed the server's certificate",
    ),
    key(
        "binlog",
        false,
        "true when streams are read with mode = \"changes\" from the binary log of a MariaDB server",
    ),
];

const MODES: [&str; 5] = ["disable", "prefer", "require", "verify-ca", "verify-full"];
const DEFAULT_PORT: u16 = 3306;
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

const fn key(name: &'static str, secret: bool, doc: &'static str) -> ConfigKey {
    ConfigKey {
        name,
        required: false,
        secret,
        doc,
    }
}

/// Returns what is wrong with a configuration beyond its keys.
pub(crate) fn problems_of(config: &toml::Table) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(url) = config.get("url") {
        problems.extend(problem_of_url(url));
        for other in ["host", "port", "database", "user", "password"] {
            if config.contains_key(other) {
                problems.push(Problem::of_key(other, "cannot stand beside `url`"));
            }
        }
    } else {
        for needed in ["host", "database", "user"] {
            if !config.contains_key(needed) {
                problems.push(Problem::of_key(needed, "is missing: give it, or `url`"));
            }
        }
    }
    if let Some(port) = config.get("port")
        && port
            .as_integer()
            .is_none_or(|port| !(1..=65535).contains(&port))
    {
        problems.push(Problem::of_key("port", "is not a number from 1 to 65535"));
    }
    if config.get("binlog").is_some_and(|binlog| !binlog.is_bool()) {
        problems.push(Problem::of_key("binlog", "is neither true nor false"));
    }
    if let Some(mode) = config.get("tls") {
        let text = mode.as_str().unwrap_or_default();
        if !MODES.contains(&text) {
            let problem = Problem::of_key("tls", format!("is none of {}", MODES.join(", ")));
            problems.push(problem.suggest(text, MODES));
        }
    }
    problems
}

fn problem_of_url(url: &toml::Value) -> Option<Problem> {
    let text = url.as_str()?;
    let known = text.starts_with("mysql://") || text.starts_with("mariadb://");
    if !known || MySqlConnectOptions::from_str(text).is_err() {
        let message = "is not of the form mysql://user@host:port/database";
        return Some(Problem::of_key("url", message));
    }
    let account = text
        .split_once("://")?
        .1
        .split('/')
        .next()?
        .rsplit_once('@')?
        .0;
    account.contains(':').then(|| {
        let message = "holds a password in clear; write url = { secret = \"env:NAME\" }";
        Problem::of_key("url", message)
    })
}

/// Returns how to connect. What keeps the session from writing is set after connecting, by
/// [`crate::connection`].
pub(crate) fn options(session: &Session) -> Result<MySqlConnectOptions, ConnectError> {
    let mut options = match session.optional_text("url")? {
        Some(url) => MySqlConnectOptions::from_str(url).map_err(|_| {
            ConnectError::configuration(
                "source.config.url",
                "cannot be understood",
                "write mysql://user@host:port/database",
            )
        })?,
        None => parts(session)?,
    };
    if let Some(mode) = session.optional_text("tls")? {
        options = options.ssl_mode(tls_mode(mode)?);
    }
    if let Some(ca) = session.optional_text("ca")? {
        options = options.ssl_ca(session.resolve(ca));
    }
    // A statement that is kept is not closed. Closing one and preparing the next are two small packets, of
    // which the second waits 40 ms for the server to acknowledge the first.
    Ok(options
        .charset("utf8mb4")
        .statement_cache_capacity(16)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .disable_statement_logging())
}

/// Returns how long one statement may take.
pub(crate) fn timeout(session: &Session) -> Duration {
    session.protect.statement_timeout.unwrap_or(DEFAULT_TIMEOUT)
}

/// Says whether streams of the source may be read from its binary log.
pub(crate) fn binlog(session: &Session) -> bool {
    let binlog = session.config.get("binlog");
    binlog.and_then(toml::Value::as_bool).unwrap_or_default()
}

fn parts(session: &Session) -> Result<MySqlConnectOptions, ConnectError> {
    let mut options = MySqlConnectOptions::new()
        .host(session.text("host")?)
        .port(port(session)?)
        .database(session.text("database")?)
        .username(session.text("user")?);
    if let Some(password) = session.optional_text("password")? {
        options = options.password(password);
    }
    Ok(options)
}

fn port(session: &Session) -> Result<u16, ConnectError> {
    let Some(port) = session.config.get("port") else {
        return Ok(DEFAULT_PORT);
    };
    let number = port.as_integer().and_then(|port| u16::try_from(port).ok());
    number.ok_or_else(|| {
        ConnectError::configuration(
            "source.config.port",
            "is not a number from 1 to 65535",
            "write it without quotes",
        )
    })
}

fn tls_mode(mode: &str) -> Result<MySqlSslMode, ConnectError> {
    match mode {
        "disable" => Ok(MySqlSslMode::Disabled),
        "prefer" => Ok(MySqlSslMode::Preferred),
        "require" => Ok(MySqlSslMode::Required),
        "verify-ca" => Ok(MySqlSslMode::VerifyCa),
        "verify-full" => Ok(MySqlSslMode::VerifyIdentity),
        _ => Err(ConnectError::configuration(
            "source.config.tls",
            "is not a mode",
            format!("write one of {}", MODES.join(", ")),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::problems_of;

    fn lines(config: &str) -> Vec<String> {
        let config = config.parse().unwrap();
        problems_of(&config)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn every_mistake_is_reported() {
        assert_eq!(
            lines("host = 'db'\nport = 0\ntls = 'verifyfull'"),
            [
                "database: is missing: give it, or `url`",
                "user: is missing: give it, or `url`",
                "port: is not a number from 1 to 65535",
                "tls: is none of disable, prefer, require, verify-ca, verify-full; \
                 did you mean 'verify-full'?",
            ]
        );
        assert_eq!(lines("url = 'http://x/y'").len(), 1);
        assert_eq!(lines("url = 'mysql://u:p@h/d'").len(), 1);
        assert_eq!(lines("url = 'mysql://u@h/d'\nhost = 'h'").len(), 1);
        assert!(lines("url = 'mysql://u@h/d'").is_empty());
        assert!(lines("url = { secret = 'env:X' }").is_empty());
    }
}
