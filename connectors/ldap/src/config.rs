//! What `[source.config]` holds for this kind.
//!
//! Invariant: one function reads it, for a manifest that is checked and for a session, so the two
//! cannot tell different mistakes.

mod keys;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use rabt_connect::{ConfigFields, ConnectError, Problem, Session};
use url::Url;

use crate::attribute::Described;

pub(crate) use keys::KEYS;
pub(crate) use tables::{Order, Search};

/// Longest wait for a connection, when the configuration does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for a page, when neither the configuration nor the agency says.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Entries of a page, when the configuration does not say.
const PAGE_SIZE: u32 = 500;

/// Largest page that may be asked for.
const MAX_PAGE_SIZE: u32 = 10_000;

/// A secret; nothing shows it.
#[derive(Clone)]
pub(crate) struct Secret(String);

/// Where the server is and how the way there is kept private.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// The name or address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) privacy: Privacy,
    /// A file with the one authority to trust; without it, the public ones are.
    pub(crate) ca: Option<PathBuf>,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// Not at all.
    Clear,
    /// From the first byte.
    Tls,
    /// After the server was asked to.
    StartTls,
}

/// Who logs in.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) dn: String,
    pub(crate) password: Secret,
}

/// A configuration that was understood.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) login: Option<Login>,
    pub(crate) page_size: u32,
    pub(crate) connect_timeout: Duration,
    /// Longest wait for a whole page.
    pub(crate) timeout: Duration,
    /// What stands between several values of an attribute.
    pub(crate) join: String,
    /// Attributes whose bytes are sent as base64.
    pub(crate) base64: Vec<Described>,
    /// The tables that are listed.
    pub(crate) tables: BTreeMap<String, Search>,
    default: Search,
}

impl Secret {
    /// Returns the secret, to be sent.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Server {
    /// Returns `server HOST:PORT`, for people.
    pub(crate) fn place(&self) -> String {
        format!("server {}:{}", self.host, self.port)
    }

    /// Says whether the connection stays inside this machine.
    pub(crate) fn is_local(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl Settings {
    /// Returns how a table is searched for; one that is not listed is the object class of its name.
    ///
    /// # Errors
    /// A configuration error when the name can be no object class.
    pub(crate) fn search(&self, table: &str) -> Result<Search, ConnectError> {
        if let Some(search) = self.tables.get(table) {
            return Ok(search.clone());
        }
        if !crate::attribute::is_name(table) {
            let remedy = "write the name of an object class in `from`, or list the table: [source.config.tables.NAME]";
            let place = format!("table {}", table.escape_debug());
            return Err(ConnectError::configuration(
                place,
                "is not listed, and its name can be no object class",
                remedy,
            ));
        }
        Ok(Search {
            classes: vec![table.to_owned()],
            ..self.default.clone()
        })
    }

    /// Returns the search of every entry below the base.
    pub(crate) fn everything(&self) -> &Search {
        &self.default
    }
}

/// Returns everything that is wrong with a configuration.
pub(crate) fn problems_of(config: &toml::Table) -> Vec<Problem> {
    read(config).err().unwrap_or_default()
}

/// Returns the settings of a session.
///
/// # Errors
/// A configuration error for the first mistake.
pub(crate) fn of_session(session: &Session) -> Result<Settings, ConnectError> {
    let mut settings = read(&session.config).map_err(|problems| {
        let problem = problems.into_iter().next();
        let problem = problem.unwrap_or_else(|| Problem::of_key("", "cannot be understood"));
        let remedy = match &problem.suggestion {
            Some(suggestion) => format!("did you mean '{suggestion}'?"),
            None => "correct it in [source.config]".to_owned(),
        };
        let place = format!("source.config.{}", problem.key);
        ConnectError::configuration(place, problem.message, remedy)
    })?;
    if let Some(limit) = session.protect.statement_timeout {
        settings.timeout = settings.timeout.min(limit);
    }
    settings.server.ca = settings.server.ca.map(|path| session.resolve(path));
    Ok(settings)
}

fn read(config: &toml::Table) -> Result<Settings, Vec<Problem>> {
    let fields = ConfigFields::new(config, "");
    let server = server(&fields);
    let login = login(&fields);
    let page_size = fields.whole("page_size", 1, MAX_PAGE_SIZE);
    let connect_timeout = fields.duration("connect_timeout");
    let timeout = fields.duration("timeout");
    let join = fields.text("join").unwrap_or("; ").to_owned();
    let base64 = base64(&fields);
    let default = tables::read(&fields, true);
    let (tables, wrong_tables) = tables::listed(&fields, config);
    let mut problems = fields.into_problems();
    problems.extend(wrong_tables);
    match (server, default) {
        (Some(server), Some(default)) if problems.is_empty() => Ok(Settings {
            server,
            login,
            page_size: page_size.unwrap_or(PAGE_SIZE),
            connect_timeout: connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            timeout: timeout.unwrap_or(TIMEOUT),
            join,
            base64,
            tables,
            default,
        }),
        _ => Err(problems),
    }
}

fn server(fields: &ConfigFields<'_>) -> Option<Server> {
    let text = fields.needed("url", "the server, as in \"ldaps://ldap.agency.example\"")?;
    let start_tls = fields.flag("start_tls", false);
    let ca = fields.filled("ca").map(PathBuf::from);
    let parsed = Url::parse(text).ok();
    let known = parsed.filter(|url| matches!(url.scheme(), "ldap" | "ldaps") && url.has_host());
    let Some(url) = known else {
        fields.wrong(
            "url",
            "is not an address such as \"ldaps://ldap.agency.example\"",
        );
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        fields.wrong(
            "url",
            "holds an account; write it in `bind_dn` and `password`",
        );
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        let message = "holds more than a server; write the rest in `base`, `scope` and `filter`";
        fields.wrong("url", message);
    }
    let privacy = match (url.scheme(), start_tls) {
        ("ldaps", true) => {
            let message = "cannot stand beside ldaps://, which is encrypted from the start";
            fields.wrong("start_tls", message);
            Privacy::Tls
        }
        ("ldaps", false) => Privacy::Tls,
        (_, true) => Privacy::StartTls,
        (_, false) => Privacy::Clear,
    };
    if ca.is_some() && privacy == Privacy::Clear {
        fields.wrong("ca", "has no use without ldaps:// or start_tls = true");
    }
    let host = url.host_str().unwrap_or_default();
    let usual = if privacy == Privacy::Tls { 636 } else { 389 };
    Some(Server {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(usual),
        privacy,
        ca,
    })
}

/// Returns who logs in. Where the password still is a reference, as in a manifest that is only
/// checked, an empty one stands for it.
fn login(fields: &ConfigFields<'_>) -> Option<Login> {
    let dn = fields.filled("bind_dn");
    if !fields.has("password") {
        if fields.has("bind_dn") {
            fields.wrong("password", "is missing: the password of `bind_dn`");
        }
        return None;
    }
    if !fields.has("bind_dn") {
        fields.wrong("bind_dn", "is missing: the account that `password` is of");
    }
    let password = if fields.get("password").is_some_and(toml::Value::is_table) {
        ""
    } else {
        // A server takes a name without a password for nobody, and says that all is well.
        fields.filled("password")?
    };
    Some(Login {
        dn: dn?.to_owned(),
        password: Secret(password.to_owned()),
    })
}

fn base64(fields: &ConfigFields<'_>) -> Vec<Described> {
    let mut attributes = Vec::new();
    for text in fields.one_or_many("base64") {
        match Described::parse(text) {
            Some(described) => attributes.push(described),
            None => fields.wrong("base64", "holds something that is no name of an attribute"),
        }
    }
    attributes
}
