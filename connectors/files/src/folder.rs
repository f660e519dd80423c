//! Which files a pattern means.

use std::path::{Path, PathBuf};

use rabt_connect::{ConnectError, Session};

/// Returns the files of a session whose names fit a pattern, in the order of their names. Only
/// files directly in the folder count; hidden ones do not.
pub(crate) fn files(session: &Session, pattern: &str) -> Result<Vec<PathBuf>, ConnectError> {
    let path = session.text("path")?;
    let root = session.resolve(path);
    let place = format!("source.config.path {path}");
    let mut found = Vec::new();
    if root.is_file() {
        found.push(root);
    } else {
        let entries = std::fs::read_dir(&root).map_err(|error| explain(&error, &place))?;
        for entry in entries {
            let path = entry.map_err(|error| explain(&error, &place))?.path();
            let hidden = name_of(&path).starts_with('.');
            if !hidden && path.is_file() {
                found.push(path);
            }
        }
    }
    found.retain(|path| fits(pattern, &name_of(path)));
    found.sort();
    Ok(found)
}

/// Returns the name of a file without its folder.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Returns what a failure of the file system means for the operator.
pub(crate) fn explain(error: &std::io::Error, place: &str) -> ConnectError {
    use std::io::ErrorKind;
    let what = error.kind().to_string();
    if matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::NotADirectory
    ) {
        return ConnectError::configuration(
            place,
            what,
            "correct the path, and let the account of this process read it",
        );
    }
    ConnectError::transient(place, what, "check the disk or the mount")
}

/// Says whether a name fits a pattern, in which `*` is any text and `?` any one character.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            Some(_) | None => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_names() {
        for (pattern, name, expected) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "a.csv.gz", false),
            ("p?-*.csv", "p1-2024.csv", true),
            ("p?-*.csv", "p-2024.csv", false),
            ("*", "anything", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("exact.csv", "exact.csv", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
