//! What manifests may name beside the store: some variables, and the files of one folder.

use std::path::{Path, PathBuf};

use super::{SecretStoreError, failed, unreadable};

/// The variables and files that manifests may name. The environment of a node and the files that its
/// user can read hold more than the passwords of sources: its own keys above all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretReach {
    /// What the names of variables begin with.
    pub env_prefix: String,
    /// The folder of the files; without one, no file.
    pub folder: Option<PathBuf>,
}

impl SecretReach {
    pub(super) fn allow_variable(&self, name: &str) -> Result<(), SecretStoreError> {
        let prefix = &self.env_prefix;
        if name.starts_with(prefix) {
            return Ok(());
        }
        Err(failed(
            format!("the environment variable {name} is not open to manifests"),
            format!(
                "call it {prefix}{name}; secrets.env_prefix in the node's settings says what such \
                 names begin with"
            ),
        ))
    }

    /// Returns where a file is, all links followed. What lies outside the folder is refused alike,
    /// whether it is there or not.
    pub(super) fn allow_file(
        &self,
        written: &str,
        path: &Path,
    ) -> Result<PathBuf, SecretStoreError> {
        let Some(folder) = &self.folder else {
            return Err(failed(
                format!("the secret file {written} cannot be used: no folder is open to manifests"),
                "put it in the store with `rabt secret put`, or name the folder of such files in \
                 secrets.folder of the node's settings",
            ));
        };
        let outside = || {
            failed(
                format!("the secret file {written} is not in {}", folder.display()),
                "move it there; secrets.folder in the node's settings names the folder",
            )
        };
        let folder = folder.canonicalize().map_err(|_| outside())?;
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        if !parent.is_some_and(|parent| parent.starts_with(&folder)) {
            return Err(outside());
        }
        let file = path.canonicalize().map_err(|e| unreadable(written, &e))?;
        if file.starts_with(&folder) {
            Ok(file)
        } else {
            Err(outside())
        }
    }
}
