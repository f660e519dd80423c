//! The agency folders, compiled in.

use include_dir::{Dir, include_dir};

static FOLDERS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../agencies");

/// One agency's folder: every text file in it, by its path inside the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyFiles {
    /// The folder's name, which is the agency's id.
    pub id: String,
    /// Path (`mapping.toml`, `fixtures/person.csv`) and text, ordered by path.
    pub files: Vec<(String, String)>,
}

impl AgencyFiles {
    /// Returns the text of one file.
    pub fn file(&self, path: &str) -> Option<&str> {
        let found = self.files.iter().find(|(name, _)| name == path);
        found.map(|(_, text)| text.as_str())
    }
}

/// Returns every agency folder of the project, ordered by id.
pub fn agencies() -> Vec<AgencyFiles> {
    let mut all: Vec<AgencyFiles> = FOLDERS.dirs().map(folder).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

fn folder(dir: &Dir<'_>) -> AgencyFiles {
    let mut files = Vec::new();
    collect(dir, dir, &mut files);
    files.sort();
    AgencyFiles {
        id: dir.path().to_string_lossy().into_owned(),
        files,
    }
}

fn collect(top: &Dir<'_>, dir: &Dir<'_>, files: &mut Vec<(String, String)>) {
    for file in dir.files() {
        let path = file.path().strip_prefix(top.path()).unwrap_or(file.path());
        if let Some(text) = file.contents_utf8() {
            files.push((path.to_string_lossy().into_owned(), text.to_owned()));
        }
    }
    for inner in dir.dirs() {
        collect(top, inner, files);
    }
}

#[cfg(test)]
mod tests;
