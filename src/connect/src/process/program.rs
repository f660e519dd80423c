//! Executables that read a kind of source.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::ConnectError;

/// What the name of an executable begins with; the kind follows.
pub const PREFIX: &str = "rabt-connector-";

/// An executable and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// What it is called in errors and logs.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Whether it is this executable again, whose errors are ours.
    pub(crate) own: bool,
    pub(crate) limits: Limits,
}

/// How much a process may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time until it has answered the first line.
    pub handshake: Duration,
    /// Longest time until a read has ended that the host no longer wants.
    pub grace: Duration,
    /// Longest time in which a read may say nothing, unless a statement may take longer.
    pub silence: Duration,
    /// Most address space, in bytes.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            grace: Duration::from_millis(500),
            silence: Duration::from_mins(15),
            memory: 2 * 1024 * 1024 * 1024,
        }
    }
}

impl Program {
    /// Returns the executable of a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            name: name.to_string_lossy().into_owned(),
            path,
            arguments: Vec::new(),
            own: false,
            limits: Limits::default(),
        }
    }

    /// Returns the executable of Rabt as the process of one of its own kinds.
    pub fn of_kind(rabt: impl Into<PathBuf>, kind: &str) -> Self {
        Self {
            name: format!("rabt source serve {kind}"),
            arguments: ["source", "serve", kind].map(OsString::from).to_vec(),
            own: true,
            ..Self::new(rabt)
        }
    }

    /// Returns the executable with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Returns the executable with one more argument.
    #[must_use]
    pub fn with_argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Returns where its errors are: what they call the thing.
    pub(crate) fn place(&self) -> String {
        format!("connector {}", self.name)
    }
}

/// Returns the executable of a name in the first of these folders that has it. Other programs may lie
/// there too, so it must be called as a connector is: who writes a manifest does not choose what runs.
pub(crate) fn find(name: &str, folders: &[PathBuf]) -> Result<Program, ConnectError> {
    let wrong = |what: String, remedy: &str| {
        Err(ConnectError::configuration(
            format!("executable {name}"),
            what,
            remedy,
        ))
    };
    let kind = name.strip_prefix(PREFIX).unwrap_or_default();
    if kind.is_empty() || name.contains(['/', '\\', '\0']) {
        return wrong(
            format!("is not the name of a connector: {PREFIX} and a word, without a folder"),
            "write such a name, and install the executable, or a link to it, under it",
        );
    }
    for path in folders.iter().map(|folder| folder.join(name)) {
        if path.is_file() {
            return check(path);
        }
    }
    let shown: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    wrong(
        format!("there is no such executable in {}", shown.join(" or ")),
        "install it, or a link to it, there; [connectors] folder in the settings names another folder",
    )
}

/// Returns the kinds of the executables in these folders, each once, with their executables.
pub(crate) fn find_all(folders: &[PathBuf]) -> Vec<(String, Program)> {
    let mut found: Vec<(String, Program)> = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some(kind) = name.strip_prefix(PREFIX).map(str::to_owned) else {
                continue;
            };
            let known = found.iter().any(|(other, _)| *other == kind);
            if !known && let Ok(program) = check(path) {
                found.push((kind, program));
            }
        }
    }
    found
}

fn check(path: PathBuf) -> Result<Program, ConnectError> {
    let metadata = std::fs::metadata(&path);
    let runs = metadata.is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    if runs {
        return Ok(Program::new(path));
    }
    let place = format!("executable {}", path.display());
    let remedy = format!("run `chmod +x {}`", path.display());
    Err(ConnectError::configuration(
        place,
        "may not be executed",
        remedy,
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{find, find_all};

    fn put(folder: &Path, name: &str, mode: u32) {
        let path = folder.join(name);
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn executables_are_found_by_name_in_their_folders_alone() {
        let [first, second] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let folders = [&first, &second].map(|folder| folder.path().to_owned());
        put(first.path(), "rabt-connector-odbc", 0o755);
        put(second.path(), "rabt-connector-odbc", 0o755);
        put(second.path(), "rabt-connector-parquet", 0o755);
        put(second.path(), "rabt-connector-notes", 0o644);
        put(second.path(), "other", 0o755);
        let kinds: Vec<String> = find_all(&folders).into_iter().map(|one| one.0).collect();
        assert_eq!(kinds, ["odbc", "parquet"]);
        let odbc = find("rabt-connector-odbc", &folders).unwrap();
        assert_eq!(odbc.path, first.path().join("rabt-connector-odbc"));
        let error = find("rabt-connector-absent", &folders).unwrap_err();
        let folder = first.path().display().to_string();
        assert!(error.to_string().contains(&folder), "{error}");
        let error = find("rabt-connector-notes", &folders).unwrap_err();
        assert!(error.remedy().starts_with("run `chmod +x "), "{error}");
    }

    #[test]
    fn what_is_not_called_as_a_connector_is_never_run() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().to_owned()];
        std::fs::create_dir(folder.path().join("rabt-connector-sub")).unwrap();
        for name in [
            "other",
            "rabt-connector-",
            "rabt-connector-sub/sh",
            "rabt-connector-odbc",
        ] {
            put(folder.path(), name, 0o755);
        }
        let inside = folder.path().join("rabt-connector-odbc");
        for name in [
            "other",
            "rabt-connector-",
            "rabt-connector-sub/sh",
            "rabt-connector-sub/../other",
            "./rabt-connector-odbc",
            "rabt-connector-odbc/",
            &inside.to_string_lossy(),
            "/bin/sh",
            "..",
            "",
        ] {
            let error = find(name, &folders).unwrap_err();
            assert_eq!(error.name(), "configuration", "{name}");
            let text = error.to_string();
            assert!(text.contains("is not the name of a connector"), "{text}");
            assert!(text.contains("install the executable"), "{text}");
        }
        assert!(find("rabt-connector-odbc", &folders).is_ok());
    }
}
