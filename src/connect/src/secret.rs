//! Secrets by reference: a manifest names where a secret is, never the secret.
//!
//! Invariant: a reference is resolved each time a session is opened, so that a secret that was changed
//! where it is kept counts from the next reading on; no error holds a secret.

mod name;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::ConnectError;
pub use name::{SecretName, SecretNameError};

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
}

/// Where a secret is.
#[derive(Debug, PartialEq, Eq)]
enum Reference<'r> {
    Environment(&'r str),
    File(&'r str),
    Store(SecretName),
}

impl Secrets {
    /// Returns the environment and files alone.
    pub fn new() -> Self {
        Self {
            variable: |name| std::env::var(name).ok(),
            store: None,
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

    /// Returns the configuration with every `{ secret = "…" }` replaced by the secret: `env:NAME` from
    /// the environment, `file:PATH` from a file, whose path starts at `base` and whose white space at
    /// the end is left out, `store:NAME` from the store.
    ///
    /// # Errors
    /// A configuration error that names the key and the reference, never a secret.
    pub fn resolve(&self, config: &toml::Table, base: &Path) -> Result<toml::Table, ConnectError> {
        let resolve = |(key, value): (&String, &toml::Value)| {
            let value = self.resolve_value(key, value, base)?;
            Ok((key.clone(), value))
        };
        config.iter().map(resolve).collect()
    }

    fn resolve_value(
        &self,
        key: &str,
        value: &toml::Value,
        base: &Path,
    ) -> Result<toml::Value, ConnectError> {
        let Some(written) = reference_of(value) else {
            return Ok(value.clone());
        };
        let failed = |what: String, remedy: String| {
            ConnectError::configuration(format!("source.config.{key}"), what, remedy)
        };
        let reference =
            Reference::parse(written).map_err(|what| failed(what, format!("write {FORMS}")))?;
        let secret = match &reference {
            Reference::Environment(name) => (self.variable)(name).ok_or_else(|| {
                let remedy = format!("set {name} for the process that reads the source");
                failed(
                    format!("the environment variable {name} is not set"),
                    remedy,
                )
            })?,
            Reference::File(path) => {
                let text = std::fs::read_to_string(base.join(path)).map_err(|error| {
                    let what = format!("the secret file {path} cannot be read: {}", error.kind());
                    failed(what, "create it, readable by this process only".to_owned())
                })?;
                text.trim_end().to_owned()
            }
            Reference::Store(name) => self.stored(name).map_err(|error| {
                failed(
                    format!("the secret store:{name} {}", error.what),
                    error.remedy,
                )
            })?,
        };
        Ok(toml::Value::String(secret))
    }

    fn stored(&self, name: &SecretName) -> Result<String, SecretStoreError> {
        let store = self.store.as_ref().ok_or_else(|| SecretStoreError {
            what: "is in a store, and this process has none".to_owned(),
            remedy: "name one in [secrets] of the settings".to_owned(),
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
