//! A folder with a file, and what `rabt link` says of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rabt_tests::executable;

/// The columns of a small file of people.
pub(crate) const HEADER: &str = "record_id,name_ar,national_id,birth_date,sex\n";

/// A folder with one file to link.
pub(crate) struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    pub(crate) fn of(text: impl AsRef<[u8]>) -> Self {
        let case = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        case.write("data.csv", text);
        case
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Deduplicates the file, with further arguments.
    pub(crate) fn dedupe(&self, more: &[&str]) -> Output {
        self.link(&["dedupe"], &self.path("clusters.csv"), more)
    }

    pub(crate) fn link(&self, command: &[&str], out: &Path, more: &[&str]) -> Output {
        Command::new(executable())
            .arg("link")
            .args(command)
            .arg(self.path("data.csv"))
            .args(["--id", "record_id", "--out"])
            .arg(out)
            .args(more)
            .output()
            .unwrap()
    }

    /// Returns the clusters that were written: a line for each record.
    pub(crate) fn clusters(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("clusters.csv")).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    /// Returns the names of the files in the folder.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

/// Asserts that a command failed with this code and these words, and did not panic.
pub(crate) fn assert_refused(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains("error: "), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// Asserts that a command did its work; returns what it said beside the result.
pub(crate) fn assert_done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}
