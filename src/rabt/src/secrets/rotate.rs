//! Sealing every secret for a new identity.

use rabt_connect::SecretStoreError;

use super::identity::Identities;
use super::{SealedStore, wrong};

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rotated {
    /// The public half of the new identity.
    pub(crate) recipient: String,
    /// Secrets that are sealed for it now.
    pub(crate) secrets: usize,
}

impl SealedStore {
    /// Makes a new identity and seals every secret for it. A node that runs opens secrets throughout:
    /// while some are sealed for the old identity, the file holds both. A rotation that was interrupted
    /// is finished by the next one, which then makes no identity of its own.
    ///
    /// # Errors
    /// When a secret cannot be opened: nothing has been changed then.
    pub(crate) fn rotate(&self) -> Result<Rotated, SecretStoreError> {
        let _turn = self.turn()?;
        let identities = Identities::read(&self.identity)?;
        let names = self.names()?;
        for name in &names {
            self.open(&identities, name).map_err(|error| {
                let what = format!("store:{name} {}; nothing was changed", error.what);
                wrong(what, "put it again, or remove it, and rotate then")
            })?;
        }
        let identities = if identities.has_old() {
            identities
        } else {
            let identities = identities.with_new();
            identities.write(&self.identity)?;
            identities
        };
        for name in &names {
            let secret = self.open(&identities, name)?;
            self.seal(&identities, &self.path(name), secret.as_bytes())?;
        }
        let identities = identities.first_alone();
        identities.write(&self.identity)?;
        Ok(Rotated {
            recipient: identities.recipient().to_string(),
            secrets: names.len(),
        })
    }
}
