//! Which files there are.

use std::path::{Path, PathBuf};

use rabt_connect::{ConnectError, Session, refuse_outside};

/// What the names of the files end in.
const EXTENSION: &str = "parquet";

/// The place of a source.
pub(crate) struct Folder {
    path: PathBuf,
    /// The one file, when the path names one.
    only: Option<String>,
}

impl Folder {
    /// Opens the place that the session names.
    pub(crate) fn open(session: &Session) -> Result<Self, ConnectError> {
        let text = session.text("path")?;
        let path = session.resolve(text);
        if path.is_dir() {
            return Ok(Self { path, only: None });
        }
        if !path.is_file() {
            return Err(ConnectError::configuration(
                format!("source.config.path {text}"),
                "there is no such file or folder",
                "correct the path, or mount the folder it is in",
            ));
        }
        if !is_parquet(&path) {
            return Err(ConnectError::configuration(
                format!("source.config.path {text}"),
                "is not the name of a Parquet file",
                "name a file that ends in .parquet, or a folder of such files",
            ));
        }
        let only = name_of(&path);
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        Ok(Self {
            path: folder,
            only: Some(only),
        })
    }

    /// Returns the names of the tables, in their order: each file, and each folder of files.
    pub(crate) fn tables(&self) -> Vec<String> {
        if let Some(only) = &self.only {
            return vec![only.clone()];
        }
        let mut names: Vec<String> = entries(&self.path)
            .into_iter()
            .filter(|path| is_parquet(path) || !parts(path).is_empty())
            .map(|path| name_of(&path))
            .collect();
        names.sort();
        names
    }

    /// Returns the files of a table, in the order of their names: a file, a folder of files, or those
    /// that fit a pattern with `*`.
    ///
    /// # Errors
    /// Configuration when one of them leads out of the place.
    pub(crate) fn files(&self, table: &str) -> Result<Vec<PathBuf>, ConnectError> {
        let found = self.named(table);
        for path in &found {
            self.refuse_outside(path)?;
        }
        Ok(found)
    }

    /// Refuses a file that leads out of the place, as it is now.
    pub(crate) fn refuse_outside(&self, path: &Path) -> Result<(), ConnectError> {
        refuse_outside(&self.path, path)
    }

    fn named(&self, table: &str) -> Vec<PathBuf> {
        let plain = !table.is_empty() && !table.contains(['/', '\\', '\0']) && table != "..";
        if !plain || self.only.as_ref().is_some_and(|only| only != table) {
            return Vec::new();
        }
        let path = self.path.join(table);
        if path.is_dir() {
            return parts(&path);
        }
        let mut found = entries(&self.path);
        found.retain(|path| is_parquet(path) && fits(&name_of(path), table));
        found.sort();
        found
    }
}

/// Returns the name of a file, without its folder.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn parts(folder: &Path) -> Vec<PathBuf> {
    if !folder.is_dir() {
        return Vec::new();
    }
    let mut found = entries(folder);
    found.retain(|path| is_parquet(path));
    found.sort();
    found
}

/// Returns what lies in a folder; hidden things and those that other programs keep for themselves (`_`)
/// do not count.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| !name_of(path).starts_with(['.', '_']))
        .collect()
}

fn is_parquet(path: &Path) -> bool {
    let ends = path
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case(EXTENSION));
    ends && path.is_file()
}

/// Says whether a name fits a pattern in which `*` stands for anything.
fn fits(name: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return name == pattern;
    };
    let Some(name) = name.strip_prefix(first) else {
        return false;
    };
    let starts = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    starts.into_iter().any(|at| fits(&name[at..], rest))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        for pattern in ["a-*.parquet", "*", "*.parquet", "a*2*t"] {
            assert!(fits("a-2024.parquet", pattern), "{pattern}");
        }
        for pattern in ["b*", "a-*.csv", "a", "a-2024.parquet*x"] {
            assert!(!fits("a-2024.parquet", pattern), "{pattern}");
        }
    }
}
