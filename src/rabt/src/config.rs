//! The settings of a node: one section a component.

mod paths;

use std::path::{Path, PathBuf};

use rabt_runtime::Loaded;
use serde::{Deserialize, Serialize};

use crate::error::CommandError;

mod list;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Config {
    /// Who the node is among those that share its storage.
    pub(crate) node: Node,
    /// Where the node listens.
    pub(crate) server: Server,
    /// Who it is, and whose clients it talks to.
    pub(crate) tls: Tls,
    /// How much it takes.
    pub(crate) limits: Limits,
    /// Where its state is kept.
    pub(crate) storage: Storage,
    /// Where agencies' files are.
    pub(crate) sources: Sources,
    /// How kinds run in processes of their own.
    pub(crate) connectors: Connectors,
    /// Where the secrets of sources are sealed.
    pub(crate) secrets: Secrets,
    /// How records are linked.
    pub(crate) linkage: Linkage,
    /// Who may ask what.
    pub(crate) agreements: Agreements,
    /// How evidence is kept.
    pub(crate) audit: Audit,
    /// Who says when the log existed.
    pub(crate) stamps: Stamps,
    /// Where citizens look at their own file.
    pub(crate) transparency: Transparency,
    /// What is logged, and how.
    pub(crate) telemetry: Telemetry,
}

/// `[node]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) address: String,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) listen: String,
    pub(crate) admin_listen: String,
    pub(crate) admin_mtls: bool,
    pub(crate) transparency_listen: String,
}

/// `[tls]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) client_ca: PathBuf,
    #[serde(deserialize_with = "paths::read")]
    pub(crate) crl: Vec<PathBuf>,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) connections_per_caller: usize,
    pub(crate) in_flight: usize,
    pub(crate) in_flight_per_caller: usize,
    pub(crate) requests_per_second_per_caller: u32,
    pub(crate) burst_per_caller: u32,
    pub(crate) batches_in_flight: usize,
    pub(crate) watchers: usize,
    pub(crate) watchers_per_caller: usize,
    pub(crate) message_bytes: usize,
    pub(crate) deadline_ms: u64,
    pub(crate) slow_deadline_ms: u64,
    pub(crate) handshake_ms: u64,
    pub(crate) drain_ms: u64,
}

/// `[storage]`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Storage {
    pub(crate) url: String,
    pub(crate) image: PathBuf,
}

/// `[sources]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sources {
    pub(crate) base: PathBuf,
    pub(crate) scheduled: bool,
    pub(crate) parallel: usize,
    pub(crate) deadline_s: u64,
    pub(crate) idle_s: u64,
}

/// `[connectors]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Connectors {
    pub(crate) folder: PathBuf,
    pub(crate) memory_mib: u64,
}

/// `[secrets]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) store: PathBuf,
    pub(crate) identity: PathBuf,
    pub(crate) env_prefix: String,
    pub(crate) folder: PathBuf,
}

/// `[linkage]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Linkage {
    pub(crate) model: String,
    pub(crate) survivorship: String,
}

/// `[agreements]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreements {
    pub(crate) bundle: PathBuf,
    pub(crate) services: String,
}

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Audit {
    pub(crate) origin: String,
    pub(crate) keys: PathBuf,
    #[serde(deserialize_with = "texts")]
    pub(crate) witnesses: Vec<String>,
    pub(crate) archive: PathBuf,
    pub(crate) retention_days: u32,
}

/// `[stamps]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamps {
    pub(crate) url: String,
    pub(crate) ca: PathBuf,
    pub(crate) every_s: u64,
}

/// `[transparency]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Transparency {
    #[serde(deserialize_with = "texts")]
    pub(crate) portals: Vec<String>,
}

/// `[telemetry]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Telemetry {
    pub(crate) format: String,
    pub(crate) level: String,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            name: "node-1".to_owned(),
            address: String::new(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7443".to_owned(),
            admin_listen: "127.0.0.1:7444".to_owned(),
            admin_mtls: false,
            transparency_listen: String::new(),
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            cert: "pki/server.pem".into(),
            key: "pki/server.key".into(),
            client_ca: "pki/ca.pem".into(),
            crl: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_caller: 256,
            in_flight: 1_024,
            in_flight_per_caller: 512,
            requests_per_second_per_caller: 2_000,
            burst_per_caller: 4_000,
            batches_in_flight: 4,
            watchers: 256,
            watchers_per_caller: 16,
            message_bytes: 1_048_576,
            deadline_ms: 10_000,
            slow_deadline_ms: 300_000,
            handshake_ms: 5_000,
            drain_ms: 30_000,
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            url: "sqlite://rabt.db".to_owned(),
            image: "rabt.image".into(),
        }
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("url", &redact_url(&self.url))
            .field("image", &self.image)
            .finish()
    }
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            base: ".".into(),
            scheduled: true,
            parallel: 8,
            deadline_s: 43_200,
            idle_s: 600,
        }
    }
}

impl Default for Connectors {
    fn default() -> Self {
        Self {
            folder: PathBuf::new(),
            memory_mib: 2_048,
        }
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self {
            store: "secrets".into(),
            identity: "keys/secrets.key".into(),
            env_prefix: "RABT_SECRET_".to_owned(),
            folder: PathBuf::new(),
        }
    }
}

impl Default for Linkage {
    fn default() -> Self {
        Self {
            model: "egypt".to_owned(),
            survivorship: "shipped".to_owned(),
        }
    }
}

impl Default for Agreements {
    fn default() -> Self {
        Self {
            bundle: "agreements.toml".into(),
            services: "egypt".into(),
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            origin: "rabt.local/node-1".to_owned(),
            keys: "keys".into(),
            witnesses: Vec::new(),
            archive: PathBuf::new(),
            retention_days: 0,
        }
    }
}

impl Default for Stamps {
    fn default() -> Self {
        Self {
            url: String::new(),
            ca: PathBuf::new(),
            every_s: 600,
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            format: "text".to_owned(),
            level: "info".to_owned(),
        }
    }
}

/// Reads a list of texts, or one text that spaces separate, as a variable holds it.
fn texts<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Texts::deserialize(deserializer)? {
        Texts::List(texts) => texts,
        Texts::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
    })
}

/// Loads the settings from `file`, else from `rabt.toml` here, else from `/etc/rabt/rabt.toml`,
/// else the defaults; the environment wins over any of them.
pub(crate) fn load(file: Option<&Path>) -> Result<(Loaded<Config>, Option<PathBuf>), CommandError> {
    let usual = ["rabt.toml", "/etc/rabt/rabt.toml"].map(PathBuf::from);
    let file = match file {
        Some(file) => Some(file.to_owned()),
        None => usual.into_iter().find(|path| path.is_file()),
    };
    let loaded = rabt_runtime::load(file.as_deref(), variables())?;
    Ok((loaded, file))
}

/// Loads the settings from the environment and the defaults alone.
pub(crate) fn load_environment() -> Result<Loaded<Config>, CommandError> {
    Ok(rabt_runtime::load(None, variables())?)
}

/// Returns the environment. A variable that is not Unicode cannot be a setting of ours.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((name, value.into_string().ok()?))
    })
}

/// Returns the URL without its password.
pub(crate) fn redact_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "[redacted]".to_owned();
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let rest = match rest.rsplit_once('@') {
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{user}:[redacted]@{place}")
        }
        None => rest.to_owned(),
    };
    let query = if query.is_empty() { "" } else { "?[redacted]" };
    format!("{scheme}://{rest}{query}")
}

#[cfg(test)]
mod tests;
