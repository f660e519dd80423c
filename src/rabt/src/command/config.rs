//! `rabt config`: are the settings right, and what are they.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use rabt_runtime::{Loaded, Settings};
use serde::Serialize;

use super::ConfigFile;
use crate::config::{self, Config, redact_url};
use crate::error::CommandError;
use crate::render::{Render, table};

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigArgs {
    /// Report every mistake in the settings file and the environment.
    Check(ConfigFile),
    /// Show every setting with its value and where it comes from; secrets are redacted.
    Dump(ConfigFile),
}

#[derive(Serialize)]
struct Checked {
    valid: bool,
    file: Option<PathBuf>,
    settings: usize,
    changed: usize,
}

#[derive(Serialize)]
struct Dumped {
    file: Option<PathBuf>,
    settings: BTreeMap<&'static str, Shown>,
}

#[derive(Serialize)]
struct Shown {
    value: serde_json::Value,
    origin: String,
}

/// Runs `rabt config`.
pub(crate) fn run(args: &ConfigArgs, render: &Render) -> Result<ExitCode, CommandError> {
    match args {
        ConfigArgs::Check(file) => check(file, render),
        ConfigArgs::Dump(file) => dump(file, render),
    }
}

fn check(file: &ConfigFile, render: &Render) -> Result<ExitCode, CommandError> {
    let (loaded, file) = config::load(file.config.as_deref())?;
    let default = rabt_runtime::Origin::Default;
    let changed = loaded.origins.iter().filter(|(_, by)| *by != default);
    let checked = Checked {
        valid: true,
        settings: loaded.origins.len(),
        changed: changed.count(),
        file,
    };
    render.result(&checked, || {
        let place = match &checked.file {
            Some(file) => file.display().to_string(),
            None => "no file".to_owned(),
        };
        let Checked {
            settings, changed, ..
        } = checked;
        format!("{place}: {settings} settings are right, {changed} differ from the defaults")
    });
    Ok(ExitCode::SUCCESS)
}

fn dump(file: &ConfigFile, render: &Render) -> Result<ExitCode, CommandError> {
    let (loaded, file) = config::load(file.config.as_deref())?;
    let dumped = Dumped {
        settings: shown(&loaded),
        file,
    };
    render.result(&dumped, || {
        let rows = Config::ALL.iter().filter_map(|setting| {
            let shown = dumped.settings.get(setting.path)?;
            let value = shown.value.to_string();
            Some(vec![setting.path.to_owned(), value, shown.origin.clone()])
        });
        table(&["setting", "value", "from"], rows)
    });
    Ok(ExitCode::SUCCESS)
}

fn shown(loaded: &Loaded<Config>) -> BTreeMap<&'static str, Shown> {
    // The settings are numbers, texts and flags, which JSON can hold.
    let values = serde_json::to_value(&loaded.settings).unwrap_or_default();
    let mut shown = BTreeMap::new();
    for (setting, (_, origin)) in Config::ALL.iter().zip(&loaded.origins) {
        let pointer = format!("/{}", setting.path.replace('.', "/"));
        let mut value = values.pointer(&pointer).cloned().unwrap_or_default();
        if setting.secret {
            value = redact_url(value.as_str().unwrap_or_default()).into();
        }
        let origin = origin.to_string();
        shown.insert(setting.path, Shown { value, origin });
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rabt_runtime::{Loaded, Origin, Settings};

    use super::shown;
    use crate::config::Config;

    #[test]
    fn a_dump_never_shows_a_password() {
        let mut settings = Config::default();
        settings.storage.url = "postgres://rabt:hidden@host/rabt".to_owned();
        let loaded = Loaded {
            settings,
            base: PathBuf::from("."),
            origins: Config::ALL
                .iter()
                .map(|setting| (setting.path, Origin::Default))
                .collect(),
        };
        let text = serde_json::to_string(&shown(&loaded)).unwrap();
        assert!(!text.contains("hidden"), "{text}");
        assert!(text.contains("127.0.0.1:7443"), "{text}");
    }
}
