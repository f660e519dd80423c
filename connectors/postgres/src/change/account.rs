//! Who connects to which server, for the connection that the changes come over.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use rabt_connect::{ConnectError, Session};
use sqlx::postgres::PgSslMode;
use url::Url;

use crate::config;
use crate::connection::target;
use crate::fault::Doing;

/// Where and as whom to connect. Holds a password, so it has no `Debug`.
pub(super) struct Account {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) socket: Option<PathBuf>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) password: Option<String>,
    pub(super) mode: PgSslMode,
    pub(super) ca: Option<PathBuf>,
    pub(super) place: String,
    pub(super) doing: Doing,
}

impl Account {
    /// Returns the account of a session, the same as that of its other connections.
    pub(super) fn of(session: &Session) -> Result<Self, ConnectError> {
        let options = config::options(session)?;
        let url = session
            .optional_text("url")?
            .and_then(|url| url.parse().ok());
        let of_url = |names: &[&str]| {
            let url: &Url = url.as_ref()?;
            let (_, value) = url
                .query_pairs()
                .find(|(name, _)| names.contains(&&**name))?;
            Some(value.into_owned())
        };
        let ca = session.optional_text("ca")?.map(|ca| session.resolve(ca));
        let password = session.optional_text("password")?.map(str::to_owned);
        let password = password
            .or_else(|| {
                let text = url.as_ref()?.password()?;
                Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
            })
            .or_else(|| of_url(&["password"]))
            .or_else(|| std::env::var("PGPASSWORD").ok());
        let host = options.get_host().to_owned();
        let folder = options.get_socket().cloned();
        let folder = folder.or_else(|| host.starts_with('/').then(|| PathBuf::from(&host)));
        let port = options.get_port();
        let user = options.get_username().to_owned();
        Ok(Self {
            socket: folder.map(|folder| folder.join(format!(".s.PGSQL.{port}"))),
            database: options.get_database().unwrap_or(&user).to_owned(),
            user,
            port,
            host,
            password,
            mode: options.get_ssl_mode(),
            ca: ca
                .or_else(|| of_url(&["sslrootcert", "ssl-root-cert", "ssl-ca"]).map(PathBuf::from)),
            place: format!("server {}", target(&options)),
            doing: Doing::connecting(&options),
        })
    }

    /// Returns what the server is told at the start: the same ways to write values as on the other
    /// connections, so that a row reads alike wherever it comes from.
    pub(super) fn parameters(&self) -> [(&str, &str); 9] {
        [
            ("user", &self.user),
            ("database", &self.database),
            ("replication", "database"),
            ("application_name", "rabt"),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO, MDY"),
            ("TimeZone", "UTC"),
            ("extra_float_digits", "2"),
            ("options", STREAM_OPTIONS),
        ]
    }
}

/// Settings that have no parameter of their own; `config::options` gives them to the others.
const STREAM_OPTIONS: &str = "-c IntervalStyle=iso_8601 -c bytea_output=hex -c statement_timeout=0";
