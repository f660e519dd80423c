//! What `[source.config]` holds for this kind.
//!
//! Invariant: one function reads it, for a manifest that is checked and for a session, so the two
//! cannot tell different mistakes.

mod auth;
mod keys;
mod paging;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use encoding_rs::Encoding;
use http::{HeaderName, HeaderValue};
use rabt_connect::{ConfigFields, ConnectError, Problem, Session};
use url::Url;

pub(crate) use auth::{Auth, KeyPlace, OAuth2, Secret};
pub(crate) use keys::KEYS;
pub(crate) use paging::{CURSOR, Endpoint, Last, Paging};

/// Longest wait for a connection, when the configuration does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for a page, when neither the configuration nor the agency says.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Largest page in MiB, when the configuration does not say.
const MAX_PAGE_MIB: u32 = 32;

/// Headers that are the connector's own to set.
const OWN_HEADERS: [&str; 9] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "proxy-authorization",
    "transfer-encoding",
    "upgrade",
];

/// A configuration that was understood.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The address that the paths of tables start from.
    pub(crate) base: Url,
    pub(crate) auth: Auth,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// A file with the one authority to trust; without it, the public ones are.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) connect_timeout: Duration,
    /// Longest wait for a whole page.
    pub(crate) timeout: Duration,
    /// Largest page, in bytes after decompression.
    pub(crate) max_page: usize,
    /// What the server's text is in, whatever it says itself.
    pub(crate) encoding: Option<&'static Encoding>,
    /// The tables that are listed.
    pub(crate) tables: BTreeMap<String, Endpoint>,
    default: Endpoint,
}

impl Settings {
    /// Returns where a table is; one that is not listed has the source's own keys, and its name as
    /// its path.
    pub(crate) fn endpoint(&self, table: &str) -> &Endpoint {
        self.tables.get(table).unwrap_or(&self.default)
    }

    /// Returns `host:port` for people.
    pub(crate) fn server(&self) -> String {
        server_of(&self.base)
    }
}

/// Returns `host:port` of an address.
pub(crate) fn server_of(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
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
    settings.ca = settings.ca.map(|path| session.resolve(path));
    Ok(settings)
}

fn read(config: &toml::Table) -> Result<Settings, Vec<Problem>> {
    let fields = ConfigFields::new(config, "");
    let base = fields
        .needed("url", "the address that the paths of tables start from")
        .and_then(|text| url_of(&fields, "url", text));
    let auth = auth::read(&fields);
    let headers = headers(&fields);
    let max_page = fields
        .whole("max_page_mib", 1, 1_024)
        .unwrap_or(MAX_PAGE_MIB);
    let connect_timeout = fields.duration("connect_timeout");
    let timeout = fields.duration("timeout");
    let ca = fields.text("ca").map(PathBuf::from);
    let encoding = encoding(&fields);
    let default = paging::read(&fields);
    let (tables, wrong_tables) = tables(&fields, config);
    let mut problems = fields.into_problems();
    problems.extend(wrong_tables);
    match (base, auth, default) {
        (Some(base), Some(auth), Some(default)) if problems.is_empty() => Ok(Settings {
            base,
            auth,
            headers,
            ca,
            connect_timeout: connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            timeout: timeout.unwrap_or(TIMEOUT),
            max_page: max_page as usize * 1024 * 1024,
            encoding,
            tables,
            default,
        }),
        _ => Err(problems),
    }
}

/// Returns an address without an account, a query or a fragment.
fn url_of(fields: &ConfigFields<'_>, key: &str, text: &str) -> Option<Url> {
    let parsed = Url::parse(text).ok();
    let known = parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = known else {
        fields.wrong(
            key,
            "is not an address such as \"https://api.agency.example/v1\"",
        );
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        fields.wrong(key, "holds an account; write it in the keys of `auth`");
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        fields.wrong(key, "holds a '?' or '#'; write the query in `query`");
        return None;
    }
    Some(url)
}

fn headers(fields: &ConfigFields<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for (name, value) in fields.pairs("headers") {
        let key = format!("headers.{name}");
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            fields.wrong(&key, "is not the name of a header");
            continue;
        };
        if OWN_HEADERS.contains(&header.as_str()) {
            fields.wrong(
                &key,
                "is the connector's own to send; use the keys of `auth`",
            );
            continue;
        }
        match HeaderValue::from_str(&value) {
            Ok(value) => headers.push((header, value)),
            Err(_) => fields.wrong(&key, "holds a character that cannot be sent in a header"),
        }
    }
    headers
}

fn encoding(fields: &ConfigFields<'_>) -> Option<&'static Encoding> {
    let name = fields.text("encoding")?;
    let encoding = Encoding::for_label(name.as_bytes());
    if encoding.is_none() {
        let known = [
            "utf-8",
            "windows-1256",
            "iso-8859-6",
            "utf-16le",
            "utf-16be",
        ];
        let problem = Problem::of_key("encoding", "is not the name of an encoding");
        fields.note(problem.suggest(name, known));
    }
    encoding
}

/// Reads the tables that are listed, each over the source's own keys.
fn tables(
    fields: &ConfigFields<'_>,
    config: &toml::Table,
) -> (BTreeMap<String, Endpoint>, Vec<Problem>) {
    let (mut tables, mut problems) = (BTreeMap::new(), Vec::new());
    let Some(value) = fields.get("tables") else {
        return (tables, problems);
    };
    let Some(listed) = value.as_table() else {
        fields.wrong(
            "tables",
            "must be a table: write [source.config.tables.NAME]",
        );
        return (tables, problems);
    };
    for (name, value) in listed {
        let Some(own) = value.as_table() else {
            let message = "must be a table; `{}` is enough for one that is like the others";
            fields.wrong(&format!("tables.{name}"), message);
            continue;
        };
        let prefix = format!("tables.{name}.");
        let own_fields = ConfigFields::new(own, &prefix);
        own_fields.only(&paging::TABLE_KEYS);
        problems.extend(own_fields.into_problems());
        let merged = merged(config, own);
        let over = ConfigFields::new(&merged, &prefix);
        tables.extend(paging::read(&over).map(|endpoint| (name.clone(), endpoint)));
        // What the source's own keys say wrongly has been told once.
        let own_first = |problem: &Problem| {
            let key = problem.key.strip_prefix(&prefix).unwrap_or_default();
            let key = key.split('.').next().unwrap_or_default();
            let of_paging = own.contains_key("paging") && paging::PAGING_KEYS.contains(&key);
            own.contains_key(key) || of_paging
        };
        problems.extend(over.into_problems().into_iter().filter(own_first));
    }
    (tables, problems)
}

fn merged(config: &toml::Table, own: &toml::Table) -> toml::Table {
    let replaced = own.contains_key("paging");
    let inherited = config.iter().filter(|(key, _)| {
        let key = key.as_str();
        let paging = paging::PAGING_KEYS.contains(&key);
        key != "path" && paging::TABLE_KEYS.contains(&key) && !(replaced && paging)
    });
    let own = own.iter();
    inherited
        .chain(own)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
