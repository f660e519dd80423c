//! What `[source.config]` holds for this kind.

use std::str::FromStr;
use std::time::Duration;

use rabt_connect::{ConfigKey, ConnectError, Problem, Session};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// The keys. Either `url`, or `host`, `database` and `user` with the others.
pub(crate) const KEYS: [ConfigKey; 9] = [
    key(
        "url",
        false,
        "the whole address, postgres://user@host:port/database",
    ),
    key(
        "host",
        false,
        "the name of the server, or the folder of its socket",
    ),
    key(
        "port",
        false,
        "the port of the server, 5432 when it is left out",
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
        "publication",
        false,
        "the publication that tells of the tables' changes, for mode = \"changes\"",
    ),
];

const MODES: [&str; 5] = ["disable", "prefer", "require", "verify-ca", "verify-full"];
const DEFAULT_PORT: u16 = 5432;
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
    if config
        .get("publication")
        .is_some_and(|name| !is_publication(name))
    {
        let message = "is not a name of letters, digits, '_', '-', '$' and '.'";
        problems.push(Problem::of_key("publication", message));
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

/// Says whether a publication can have a name; one with a comma or a blank cannot be asked for.
fn is_publication(value: &toml::Value) -> bool {
    let known = |c: char| c.is_alphanumeric() || "_-$.".contains(c);
    value
        .as_str()
        .is_some_and(|name| !name.is_empty() && name.chars().all(known))
}

fn problem_of_url(url: &toml::Value) -> Option<Problem> {
    let text = url.as_str()?;
    let known = text.starts_with("postgres://") || text.starts_with("postgresql://");
    if !known || PgConnectOptions::from_str(text).is_err() {
        let message = "is not of the form postgres://user@host:port/database";
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

/// Returns how to connect: read-only, with the timeout the agency asks for, and a name that its
/// administrator sees.
pub(crate) fn options(session: &Session) -> Result<PgConnectOptions, ConnectError> {
    let mut options = match session.optional_text("url")? {
        Some(url) => PgConnectOptions::from_str(url).map_err(|_| {
            ConnectError::configuration(
                "source.config.url",
                "cannot be understood",
                "write postgres://user@host:port/database",
            )
        })?,
        None => parts(session)?,
    };
    if let Some(mode) = session.optional_text("tls")? {
        options = options.ssl_mode(tls_mode(mode)?);
    }
    if let Some(ca) = session.optional_text("ca")? {
        options = options.ssl_root_cert(session.resolve(ca));
    }
    let timeout = session.protect.statement_timeout.unwrap_or(DEFAULT_TIMEOUT);
    Ok(options
        .application_name("rabt")
        .statement_cache_capacity(0)
        .options([
            ("default_transaction_read_only", "on".to_owned()),
            ("statement_timeout", timeout.as_millis().to_string()),
            ("lock_timeout", "10000".to_owned()),
            ("idle_in_transaction_session_timeout", "60000".to_owned()),
            ("IntervalStyle", "iso_8601".to_owned()),
            ("bytea_output", "hex".to_owned()),
        ])
        .disable_statement_logging())
}

fn parts(session: &Session) -> Result<PgConnectOptions, ConnectError> {
    let mut options = PgConnectOptions::new_without_pgpass()
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

fn tls_mode(mode: &str) -> Result<PgSslMode, ConnectError> {
    match mode {
        "disable" => Ok(PgSslMode::Disable),
        "prefer" => Ok(PgSslMode::Prefer),
        "require" => Ok(PgSslMode::Require),
        "verify-ca" => Ok(PgSslMode::VerifyCa),
        "verify-full" => Ok(PgSslMode::VerifyFull),
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
        assert_eq!(lines("url = 'mysql://x/y'").len(), 1);
        assert_eq!(lines("url = 'postgres://u:p@h/d'").len(), 1);
        assert_eq!(lines("url = 'postgres://u@h/d'\nhost = 'h'").len(), 1);
        assert!(lines("url = 'postgres://u@h/d'").is_empty());
        assert!(lines("url = { secret = 'env:X' }").is_empty());
    }
}
