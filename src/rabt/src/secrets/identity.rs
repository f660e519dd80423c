//! The identity that opens secrets: a file as `age-keygen` writes it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use age::secrecy::ExposeSecret;
use age::x25519::{Identity, Recipient};
use rabt_connect::SecretStoreError;
use zeroize::Zeroizing;

use super::{failed, make_folder, replace, wrong};

/// The identities of a file, at least one. Secrets are sealed for the first; the others open what was
/// sealed before.
pub(super) struct Identities(Vec<Identity>);

impl Identities {
    /// Reads a file. No identity is asked a passphrase for.
    pub(super) fn read(path: &Path) -> Result<Self, SecretStoreError> {
        let text = fs::read_to_string(path).map_err(|error| {
            if error.kind() != ErrorKind::NotFound {
                return failed(path, error.kind());
            }
            let remedy =
                "make one with `rabt secret init`, or correct secrets.identity in the settings";
            let what = format!("cannot be opened: there is no identity {}", path.display());
            wrong(what, remedy)
        })?;
        let text = Zeroizing::new(text);
        let mut identities = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let identity: Identity = line.parse().map_err(|_| not_an_identity(path, number))?;
            identities.push(identity);
        }
        if identities.is_empty() {
            return Err(not_an_identity(path, 1));
        }
        Ok(Self(identities))
    }

    /// Returns the identities of a file, which is made when it is not there.
    pub(super) fn make(path: &Path) -> Result<Self, SecretStoreError> {
        if path.exists() {
            return Self::read(path);
        }
        let made = Self(vec![Identity::generate()]);
        made.write(path)?;
        Ok(made)
    }

    /// Returns the identities with a new one before them.
    pub(super) fn with_new(self) -> Self {
        let mut identities = vec![Identity::generate()];
        identities.extend(self.0);
        Self(identities)
    }

    /// Returns the first identity alone.
    pub(super) fn first_alone(mut self) -> Self {
        self.0.truncate(1);
        self
    }

    /// Says whether there are identities that nothing is sealed for any more.
    pub(super) fn has_old(&self) -> bool {
        self.0.len() > 1
    }

    /// Returns the identities, as age takes them.
    pub(super) fn each(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|identity| identity as &dyn age::Identity)
    }

    /// Returns the public half of the first identity.
    pub(super) fn recipient(&self) -> Recipient {
        // There is always a first one: every way to make the list puts it there.
        self.0[0].to_public()
    }

    /// Writes the file, in place of an earlier one.
    pub(super) fn write(&self, path: &Path) -> Result<(), SecretStoreError> {
        let mut text = Zeroizing::new(String::new());
        for identity in &self.0 {
            let public = identity.to_public().to_string();
            let secret = identity.to_string();
            let secret = secret.expose_secret();
            text.extend(["# public key: ", &public, "\n", secret, "\n"]);
        }
        if let Some(folder) = path.parent() {
            make_folder(folder).map_err(|error| failed(folder, error.kind()))?;
        }
        replace(path, text.as_bytes()).map_err(|error| failed(path, error.kind()))
    }
}

fn not_an_identity(path: &Path, line: usize) -> SecretStoreError {
    let path = path.display();
    wrong(
        format!("cannot be opened: {path} line {line} is no X25519 identity of age"),
        "name a file that `rabt secret init` or age-keygen wrote, without a passphrase",
    )
}
