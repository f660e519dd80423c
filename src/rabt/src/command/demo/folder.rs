//! The folder of a demo: agencies, storage, keys, certificates, settings, client profile.
//!
//! ```text
//! agencies/      the agencies' databases          rabt.db  rabt-audit.db   the node's state
//! pki/           certificates                     keys/                    the audit log's keys
//! rabt.toml      settings of the node             profile.toml             for the client commands
//! agreements.toml                                 demo.toml                who was invented
//! ```

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rabt_model::{Clock, SystemClock};
use rabt_policy::{DEMO_BUNDLE, Policy};
use rabt_runtime::Origin;
use tempfile::TempDir;

use super::DemoArgs;
use crate::app::Settled;
use crate::config::{self, Config};
use crate::error::CommandError;
use crate::pki::{self, DevPki};
use crate::profile::{Profile, ProfileContext};

const HELP: &str = "choose a --dir that this user may write";

/// A prepared folder. A temporary one is removed at the end of a demo that runs once.
#[derive(Debug)]
pub(super) struct Folder {
    /// The settings of the node.
    pub(super) settled: Settled,
    pki: DevPki,
    path: PathBuf,
    _temporary: Option<TempDir>,
}

impl Folder {
    /// Makes the folder and everything in it that does not depend on the people.
    pub(super) fn prepare(args: &DemoArgs) -> Result<Self, CommandError> {
        let (dir, once, storage) = (args.dir.as_deref(), args.once, args.storage.as_deref());
        let (path, temporary) = match dir {
            Some(dir) => (dir.to_owned(), None),
            None => temporary(once)?,
        };
        let failed = |error: std::io::Error| {
            CommandError::usage(format!("{}: {error}", path.display()), HELP)
        };
        fs::create_dir_all(path.join("agencies")).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;

        check_people(&path.join("demo.toml"), args)?;
        let folder = path.join("pki");
        let pki = match pki::find(&folder) {
            Some(pki) => pki,
            None => pki::make(&folder, &[], SystemClock.now())
                .map_err(|error| CommandError::failed(error, HELP))?,
        };
        let config = settings(&path, once, storage)?;
        write(&path.join("agreements.toml"), DEMO_BUNDLE)?;
        let text = toml::to_string(&config)
            .map_err(|error| CommandError::failed(format!("settings: {error}"), ""))?;
        write_private(&path.join("rabt.toml"), &text)?;
        Ok(Self {
            settled: Settled {
                config,
                base: path.clone(),
            },
            pki,
            path,
            _temporary: temporary,
        })
    }

    /// Returns the folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the agencies' databases are.
    pub(super) fn agencies(&self) -> PathBuf {
        self.path.join("agencies")
    }

    /// Writes the client profile, now that the address is known, and returns its path.
    pub(super) fn write_profile(
        &self,
        address: std::net::SocketAddr,
    ) -> Result<PathBuf, CommandError> {
        let server = format!("https://localhost:{}", address.port());
        let mut profile = Profile::of_pki(&self.pki, server, true).relative_to(&self.path);
        for (identity, _) in &self.pki.callers {
            if let Some(entry) = profile.identity.get_mut(identity.name) {
                entry.context = context(identity.uri)?;
            }
        }
        let path = self.path.join("profile.toml");
        profile.write(&path)?;
        Ok(path)
    }
}

/// Says whose databases the folder holds, or refuses when it holds those of other people: state
/// that was read from them would be mixed.
fn check_people(path: &Path, args: &DemoArgs) -> Result<(), CommandError> {
    let wanted = format!("people = {}\nseed = {}\n", args.people, args.seed);
    match fs::read_to_string(path) {
        Ok(held) if held == wanted => Ok(()),
        Ok(_) => Err(CommandError::usage(
            format!(
                "{}: the folder holds a demo of other people",
                path.display()
            ),
            "choose another --dir, or the --people and --seed that stand in this file",
        )),
        Err(_) => write(path, &wanted),
    }
}

/// Returns what a system says about its questions: the first of everything that its agreement
/// allows. People are party to no agreement.
fn context(uri: &str) -> Result<ProfileContext, CommandError> {
    let policy = Policy::from_bundle(DEMO_BUNDLE, "demo agreements").map_err(|problems| {
        let first = problems.first().map(ToString::to_string);
        CommandError::failed(first.unwrap_or_default(), "")
    })?;
    let name = uri.strip_prefix("urn:rabt:").unwrap_or(uri);
    let agreements = policy.agreements();
    let party = agreements.iter().find(|agreement| {
        let systems = agreement.systems().iter();
        systems
            .map(|system| format!("{}:{system}", agreement.agency()))
            .any(|system| system == name)
    });
    let Some(agreement) = party else {
        return Ok(ProfileContext::default());
    };
    let first = |list: &[String]| list.first().cloned().unwrap_or_default();
    let channel = agreement.channels().next();
    Ok(ProfileContext {
        agreement: agreement.id().to_string(),
        purpose: first(agreement.purposes()),
        legal_basis: first(agreement.legal_bases()),
        case_reference: "demo".to_owned(),
        service: first(agreement.services()),
        channel: channel.map_or_else(String::new, |channel| channel.as_str().to_owned()),
    })
}

fn temporary(once: bool) -> Result<(PathBuf, Option<TempDir>), CommandError> {
    let made = tempfile::Builder::new().prefix("rabt-demo-").tempdir();
    let made = made.map_err(|error| {
        CommandError::failed(format!("temporary folder: {error}"), "give one with --dir")
    })?;
    if once {
        return Ok((made.path().to_owned(), Some(made)));
    }
    Ok((made.keep(), None))
}

/// Returns the settings: the environment's, with everything in the folder. A demo that runs once
/// takes free ports, so that it disturbs nobody, unless the environment names some.
fn settings(path: &Path, once: bool, storage: Option<&str>) -> Result<Config, CommandError> {
    let loaded = config::load_environment()?;
    let is_default = |name: &str| {
        let origin = loaded.origins.iter().find(|(path, _)| *path == name);
        origin.is_none_or(|(_, origin)| *origin == Origin::Default)
    };
    let mut config = loaded.settings.clone();
    if once && is_default("server.listen") {
        "127.0.0.1:0".clone_into(&mut config.server.listen);
    }
    if once && is_default("server.admin_listen") {
        "127.0.0.1:0".clone_into(&mut config.server.admin_listen);
    }
    if is_default("telemetry.level") {
        "warn".clone_into(&mut config.telemetry.level);
    }
    config.storage.url = match storage {
        Some(url) => url.to_owned(),
        None => format!("sqlite://{}", path.join("rabt.db").display()),
    };
    config.tls = config::Tls::default();
    config.sources.base = "agencies".into();
    config.agreements = config::Agreements::default();
    config.audit.keys = "keys".into();
    Ok(config)
}

/// The storage address may hold a password.
fn write_private(path: &Path, text: &str) -> Result<(), CommandError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CommandError::failed(format!("{}: {error}", path.display()), HELP))
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    fs::write(path, text)
        .map_err(|error| CommandError::failed(format!("{}: {error}", path.display()), HELP))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Folder, context};
    use crate::command::demo::DemoArgs;
    use crate::pki::IDENTITIES;

    fn demo(dir: &Path, seed: u64) -> DemoArgs {
        DemoArgs {
            people: 10,
            seed,
            dir: Some(dir.to_owned()),
            once: true,
            postgres: None,
            mysql: None,
            storage: None,
        }
    }

    #[test]
    fn every_system_but_a_portal_is_party_to_an_agreement() {
        for identity in IDENTITIES {
            let asks = !identity.uri.contains(":person:") && identity.name != "portal";
            let context = context(identity.uri).unwrap();
            assert_eq!(!context.agreement.is_empty(), asks, "{identity:?}");
        }
    }

    #[test]
    fn a_folder_can_be_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::prepare(&demo(folder.path(), 1)).unwrap();
        let again = Folder::prepare(&demo(folder.path(), 1)).unwrap();
        assert!(Folder::prepare(&demo(folder.path(), 2)).is_err());
        assert_eq!(first.pki, again.pki);
        let profile = again
            .write_profile("127.0.0.1:7443".parse().unwrap())
            .unwrap();
        let profile = crate::profile::Profile::read(Some(&profile)).unwrap();
        assert!(profile.demo);
        let file = again.path().join("rabt.toml");
        let (loaded, _) = crate::config::load(Some(&file)).unwrap();
        assert_eq!(loaded.settings, again.settled.config);
    }
}
