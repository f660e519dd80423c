//! The client profile: which server to ask, as whom, under which agreement.
//!
//! Written by `demo` and `pki dev`, read by `citizen` and `source`; it names key files and holds no
//! secret itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::pki::DevPki;

/// A server and the identities it can be asked with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// `https://host:port` of the agencies' listener.
    pub(crate) server: String,
    /// The authority that signed the server's certificate.
    pub(crate) ca: PathBuf,
    /// Whether this is a demo with invented people, whose numbers need no care.
    #[serde(default)]
    pub(crate) demo: bool,
    /// Name → identity.
    pub(crate) identity: BTreeMap<String, ProfileIdentity>,
}

/// A certificate, and what is asked with it unless the command line says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileIdentity {
    /// The certificate, PEM.
    pub(crate) certificate: PathBuf,
    /// Its key, PEM.
    pub(crate) key: PathBuf,
    /// The agreement, purpose and so on of a question.
    #[serde(default, skip_serializing_if = "ProfileContext::is_empty")]
    pub(crate) context: ProfileContext,
}

/// What a question says about itself. Empty means: not said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProfileContext {
    /// Agreement id.
    pub(crate) agreement: String,
    /// Purpose code.
    pub(crate) purpose: String,
    /// Legal basis code.
    pub(crate) legal_basis: String,
    /// The caller's own file number.
    pub(crate) case_reference: String,
    /// Entry of the catalogue of public services.
    pub(crate) service: String,
    /// `portal`, `post_office` and so on.
    pub(crate) channel: String,
}

impl ProfileContext {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Profile {
    /// Returns the profile of freshly made certificates.
    pub(crate) fn of_pki(pki: &DevPki, server: String, demo: bool) -> Self {
        let identity = pki.callers.iter().map(|(identity, pair)| {
            let entry = ProfileIdentity {
                certificate: pair.certificate.clone(),
                key: pair.key.clone(),
                context: ProfileContext::default(),
            };
            (identity.name.to_owned(), entry)
        });
        Self {
            server,
            ca: pki.ca.clone(),
            demo,
            identity: identity.collect(),
        }
    }

    /// Returns the profile with paths relative to `folder`, so that the folder can be moved.
    pub(crate) fn relative_to(mut self, folder: &Path) -> Self {
        let shorten = |path: &mut PathBuf| {
            if let Ok(short) = path.strip_prefix(folder) {
                *path = short.to_owned();
            }
        };
        shorten(&mut self.ca);
        for identity in self.identity.values_mut() {
            shorten(&mut identity.certificate);
            shorten(&mut identity.key);
        }
        self
    }

    /// Writes the profile, in place of an earlier one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), CommandError> {
        let text = toml::to_string(self)
            .map_err(|error| CommandError::failed(format!("client profile: {error}"), ""))?;
        fs::write(path, text).map_err(|error| {
            CommandError::failed(
                format!("{}: {error}", path.display()),
                "choose a folder that this user may write",
            )
        })
    }

    /// Reads the profile at `path`, else the one in the user's configuration folder.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, CommandError> {
        let usual = usual_path();
        let Some(path) = path.or(usual.as_deref()) else {
            return Err(CommandError::usage("no client profile", HOW));
        };
        let text = fs::read_to_string(path).map_err(|error| {
            CommandError::usage(format!("client profile {}: {error}", path.display()), HOW)
        })?;
        let mut profile: Self = toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.get(..start).unwrap_or("").matches('\n').count() + 1;
            let message = format!("{}:{line}: {}", path.display(), error.message());
            CommandError::usage(message, HOW)
        })?;
        profile.resolve(path.parent().unwrap_or(Path::new(".")));
        Ok(profile)
    }

    /// Returns an identity by its name.
    pub(crate) fn identity(&self, name: &str) -> Result<&ProfileIdentity, CommandError> {
        self.identity.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.identity.keys().map(String::as_str).collect();
            let help = match rabt_runtime::nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `--as {near}`?"),
                None => format!("the profile's identities are {}", known.join(", ")),
            };
            CommandError::usage(
                format!("the client profile has no identity \"{name}\""),
                help,
            )
        })
    }

    /// Paths of a profile are relative to its own folder.
    fn resolve(&mut self, folder: &Path) {
        self.ca = folder.join(&self.ca);
        for identity in self.identity.values_mut() {
            identity.certificate = folder.join(&identity.certificate);
            identity.key = folder.join(&identity.key);
        }
    }
}

const HOW: &str = "give one with --profile FILE or RABT_PROFILE; `rabt demo` and `rabt pki dev` \
                   write one; or name --server, --ca, --cert and --key";

fn usual_path() -> Option<PathBuf> {
    let home = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(home.join("rabt").join("profile.toml"))
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn paths_are_relative_to_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.toml");
        let text = "server = \"https://localhost:7443\"\nca = \"ca.pem\"\n\
                    [identity.tax]\ncertificate = \"tax.pem\"\nkey = \"/keys/tax.key\"\n";
        std::fs::write(&path, text).unwrap();
        let profile = Profile::read(Some(&path)).unwrap();
        let tax = profile.identity("tax").unwrap();
        assert_eq!(profile.ca, folder.path().join("ca.pem"));
        assert_eq!(tax.certificate, folder.path().join("tax.pem"));
        assert_eq!(tax.key.to_str(), Some("/keys/tax.key"));
        let error = profile.identity("tx").unwrap_err();
        assert_eq!(error.faults()[0].help, "did you mean `--as tax`?");
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.toml");
        std::fs::write(&path, "server = \"x\"\nca = 7\n[identity]\n").unwrap();
        let error = Profile::read(Some(&path)).unwrap_err();
        assert!(error.faults()[0].message.contains("profile.toml:2: "));
    }
}
