//! Secrets by reference: a manifest names where a secret is, never the secret.
//!
//! Invariant: a reference is resolved each time a session is opened, so that a secret that was changed
//! where it is kept counts from the next reading on; a source reaches the secrets of its own agency and
//! what the node's operator opened to manifests, nothing else; no error holds a secret.

mod name;
mod reach;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rabt_model::AgencyId;

use crate::error::ConnectError;
pub use name::{SecretName, SecretNameError};
pub use reach::SecretReach;

/// What a reference looks like, for messages.
pub(crate) const FORMS: &str = "{ secret = \"env:NAME\" }, \"file:PATH\" or \"store:NAME\"";

/// A place that keeps secrets sealed.
pub trait SecretStore: Send + Sync {
    /// Returns the secret of a name.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened.
    fn read(&self, name: &SecretName) -> Result<String, SecretStoreError>;
}

/// Why a store gives no secret. It holds no part of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {remedy}")]
pub struct SecretStoreError {
    /// What is wrong: `is not in the store`.
    pub what: String,
    /// What the operator can do.
    pub remedy: String,
}

/// The places that references are resolved from: the environment, files, and a store when there is
/// one.
#[derive(Clone)]
pub struct Secrets {
    /// Returns a variable of the environment.
    variable: fn(&str) -> Option<String>,
    store: Option<Arc<dyn SecretStore>>,
    /// Which variables and files manifests may name; without it, any.
    reach: Option<SecretReach>,
}

/// Where a secret is.
#[derive(Debug, PartialEq, Eq)]
enum Reference<'r> {
    Environment(&'r str),
    File(&'r str),
    Store(SecretName),
}

impl Secrets {
    /// Returns the environment and files alone, without a bound: whoever writes a manifest reads
    /// whatever this process can. A node bounds them by [`within`](Self::within).
    pub fn new() -> Self {
        Self {
            variable: |name| std::env::var(name).ok(),
            store: None,
            reach: None,
        }
    }

    /// Returns the places with a bound for `env:NAME` and `file:PATH`.
    #[must_use]
    pub fn within(self, reach: SecretReach) -> Self {
        Self {
            reach: Some(reach),
            ..self
        }
    }

    /// Returns the places with a store for `store:NAME`.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn SecretStore>) -> Self {
        Self {
            store: Some(store),
            ..self
        }
    }

    /// Returns the configuration of an agency's source with every `{ secret = "…" }` replaced by the
    /// secret: `env:NAME` from the environment, `file:PATH` from a file, whose path starts at `base` and
    /// whose white space at the end is left out, `store:NAME` from the store.
    ///
    /// # Errors
    /// A configuration error that names the key and the reference, never a secret.
    pub fn resolve(
        &self,
        config: &toml::Table,
        agency: &AgencyId,
        base: &Path,
    ) -> Result<toml::Table, ConnectError> {
        let resolve = |(key, value): (&String, &toml::Value)| {
            let value = match reference_of(value) {
                Some(written) => self
                    .resolve_reference(written, agency, base)
                    .map(Into::into),
                None => Ok(value.clone()),
            };
            let value = value.map_err(|SecretStoreError { what, remedy }| {
                ConnectError::configuration(format!("source.config.{key}"), what, remedy)
            })?;
            Ok((key.clone(), value))
        };
        config.iter().map(resolve).collect()
    }

    fn resolve_reference(
        &self,
        written: &str,
        agency: &AgencyId,
        base: &Path,
    ) -> Result<String, SecretStoreError> {
        let reference =
            Reference::parse(written).map_err(|what| failed(what, format!("write {FORMS}")))?;
        match &reference {
            Reference::Environment(name) => {
                if let Some(reach) = &self.reach {
                    reach.allow_variable(name)?;
                }
                (self.variable)(name).ok_or_else(|| {
                    failed(
                        format!("the environment variable {name} is not set"),
                        format!("set {name} for the process that reads the source"),
                    )
                })
            }
            Reference::File(path) => {
                let full = base.join(path);
                let full = match &self.reach {
                    Some(reach) => reach.allow_file(path, &full)?,
                    None => full,
                };
                let text = std::fs::read_to_string(full).map_err(|e| unreadable(path, &e))?;
                Ok(text.trim_end().to_owned())
            }
            Reference::Store(name) => {
                own(name, agency)?;
                let stored = self.stored(name);
                stored.map_err(|error| {
                    failed(
                        format!("the secret store:{name} {}", error.what),
                        error.remedy,
                    )
                })
            }
        }
    }

    fn stored(&self, name: &SecretName) -> Result<String, SecretStoreError> {
        let store = self.store.as_ref().ok_or_else(|| {
            let what = "is in a store, and this process has none";
            failed(what, "name one in [secrets] of the settings")
        })?;
        store.read(name)
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("has_store", &self.store.is_some())
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}

impl<'r> Reference<'r> {
    /// Returns where a reference points to. What is no reference may be a secret that was written in
    /// its place, so the error does not repeat it.
    fn parse(written: &'r str) -> Result<Self, String> {
        if let Some(name) = written.strip_prefix("env:") {
            return Ok(Self::Environment(name));
        }
        if let Some(path) = written.strip_prefix("file:") {
            return Ok(Self::File(path));
        }
        match written.strip_prefix("store:") {
            Some(name) => match name.parse() {
                Ok(name) => Ok(Self::Store(name)),
                Err(error) => Err(format!("store:{error}")),
            },
            None => Err("is a secret of an unknown place".to_owned()),
        }
    }
}

fn failed(what: impl Into<String>, remedy: impl Into<String>) -> SecretStoreError {
    SecretStoreError {
        what: what.into(),
        remedy: remedy.into(),
    }
}

fn unreadable(path: &str, error: &std::io::Error) -> SecretStoreError {
    failed(
        format!("the secret file {path} cannot be read: {}", error.kind()),
        "create it, readable by this process only",
    )
}

/// Refuses a secret of the store that is not the agency's own.
fn own(name: &SecretName, agency: &AgencyId) -> Result<(), SecretStoreError> {
    if name.is_of(agency) {
        return Ok(());
    }
    Err(failed(
        format!("the secret store:{name} is not of the agency {agency}"),
        format!("name one that begins with store:agencies/{agency}/"),
    ))
}

/// Says for each key of a configuration what is wrong with its reference to the store: a secret of
/// another agency.
pub(crate) fn foreign_secrets(config: &toml::Table, agency: &AgencyId) -> Vec<(String, String)> {
    let foreign = |(key, value): (&String, &toml::Value)| {
        let Reference::Store(name) = Reference::parse(reference_of(value)?).ok()? else {
            return None;
        };
        let error = own(&name, agency).err()?;
        Some((key.clone(), error.to_string()))
    };
    config.iter().filter_map(foreign).collect()
}

fn reference_of(value: &toml::Value) -> Option<&str> {
    value.as_table()?.get("secret")?.as_str()
}

/// Says what is wrong with a value that must be a reference; nothing when it is one.
pub(crate) fn wrong_reference(value: &toml::Value) -> Option<String> {
    let Some(written) = reference_of(value) else {
        return Some(format!("must be a reference: {FORMS}"));
    };
    let wrong = Reference::parse(written).err()?;
    Some(format!("{wrong}; write {FORMS}"))
}
