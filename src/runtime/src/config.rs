//! Settings: defaults, then a file, then the environment, each winning over the one before.
//!
//! Invariant: a problem names its place (file and line, or variable) and the remedy, every problem
//! is reported in one run, and no message repeats a value, which may be a secret.

mod check;
mod place;
mod problem;

use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, File, FileFormat, Map};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::place::Places;
pub use self::place::{Origin, Place};
pub use self::problem::Problem;

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A file or folder.
    Path,
    /// Files or folders; in a variable with `:` between them.
    Paths,
    /// An IP address and a port.
    Address,
    /// `true` or `false`.
    Flag,
    /// A whole number in a range, both ends included.
    Integer(i64, i64),
    /// Texts in a list; in a variable, separated by spaces.
    Texts,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// One setting, as people read about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// `section.key`.
    pub path: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether its value is never shown.
    pub secret: bool,
    /// What it does.
    pub doc: &'static str,
}

/// A root of settings: its defaults are its `Default`, its keys are listed.
pub trait Settings: Serialize + DeserializeOwned + Default {
    /// Every setting. A test of the implementor proves that the list and the type agree.
    const ALL: &'static [Setting];
}

/// Settings and where they came from.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The settings themselves.
    pub settings: T,
    /// The folder that relative paths start from: the file's, else the current one.
    pub base: PathBuf,
    /// Who gave each setting its value, in the order of [`Settings::ALL`].
    pub origins: Vec<(&'static str, Origin)>,
}

/// Loads settings from an optional file and from the variables `RABT__SECTION__KEY` among
/// `variables`. Returns every problem there is.
pub fn load<T: Settings>(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded<T>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut places = Places::new();
    let text = match file {
        Some(path) => read_file(path, &mut problems),
        None => String::new(),
    };
    if let Some(path) = file {
        check::check_file(T::ALL, path, &text, &mut places, &mut problems);
    }
    let variables = check::check_variables(T::ALL, variables, &mut places, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let settings = merge(&text, variables).map_err(|error| vec![error])?;
    Ok(Loaded {
        settings,
        base: base_of(file),
        origins: T::ALL
            .iter()
            .map(|setting| (setting.path, places.origin(setting.path)))
            .collect(),
    })
}

fn read_file(path: &Path, problems: &mut Vec<Problem>) -> String {
    match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem {
                place: Place::File(path.to_owned()),
                message: format!("cannot be read: {error}"),
                help: "give the path of a settings file that this user may read, or none to run \
                       with the defaults"
                    .to_owned(),
            });
            String::new()
        }
    }
}

fn merge<T: Settings>(text: &str, variables: Map<String, String>) -> Result<T, Problem> {
    let defaults =
        toml::to_string(&T::default()).map_err(|_| defect(&ConfigError::Message(String::new())))?;
    let environment = Environment::with_prefix("RABT")
        .prefix_separator("__")
        .separator("__")
        .source(Some(variables));
    Config::builder()
        .add_source(File::from_str(&defaults, FileFormat::Toml))
        .add_source(File::from_str(text, FileFormat::Toml))
        .add_source(environment)
        .build()
        .and_then(Config::try_deserialize)
        .map_err(|error| defect(&error))
}

/// The list of settings and the type disagree: the checks let something through. The readers'
/// own messages repeat values, so only the key is taken from them.
fn defect(error: &ConfigError) -> Problem {
    let about = if let ConfigError::Type { key, expected, .. } = error {
        format!(
            "{} must be {expected}",
            key.as_deref().unwrap_or("a setting")
        )
    } else {
        "the defaults do not fit the type".to_owned()
    };
    Problem {
        place: Place::Defaults,
        message: format!("the settings cannot be put together: {about}"),
        help: "this is a fault of Rabt; please report it with the settings in use".to_owned(),
    }
}

fn base_of(file: Option<&Path>) -> PathBuf {
    let folder = file.and_then(Path::parent).map(Path::to_owned);
    match folder {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder,
        None => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests;
