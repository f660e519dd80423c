//! Files that are written: whole or not at all.
//!
//! What is written goes to a file beside its target and takes its name when it is complete. A
//! target that is there and is no regular file (a device, a pipe, a link) is written directly.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::CommandError;

/// Says before the work whether every target can be written, is no file that is read, and is named
/// once.
pub(super) fn check(targets: &[&Path], read: &[&PathBuf]) -> Result<(), CommandError> {
    for (at, target) in targets.iter().enumerate() {
        let clash = |what: &str| {
            let message = format!("{} is {what}", target.display());
            Err(CommandError::usage(message, "give another name"))
        };
        if read.iter().any(|path| is_same(path, target)) {
            return clash("both read and written");
        }
        if targets[..at].iter().any(|other| is_same(other, target)) {
            return clash("written twice");
        }
        let opened = if is_direct(target) {
            OpenOptions::new()
                .append(true)
                .create(true)
                .open(target)
                .map(drop)
        } else {
            beside(target).map(drop)
        };
        opened.map_err(|error| unwritable(target, &error))?;
    }
    Ok(())
}

/// Writes a file: whole or not at all.
pub(super) fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CommandError> {
    let written = if is_direct(path) {
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).open(path);
        opened.and_then(|file| fill_buffered(file, fill))
    } else {
        replace(path, fill)
    };
    written.map_err(|error| unwritable(path, &error))
}

fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut beside = beside(path)?;
    fill_buffered(beside.as_file_mut(), fill)?;
    beside.persist(path).map(drop).map_err(|error| error.error)
}

fn fill_buffered(
    target: impl Write,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 18, target);
    fill(&mut writer)?;
    writer.flush()
}

/// Says whether a target is there and is no regular file, nor a folder.
fn is_direct(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Makes a new file in the folder of the target, with the permissions that the target has or would
/// get.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let Some(name) = path.file_name() else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut prefix = OsString::from(".");
    prefix.push(name);
    // In the system's words, which say more than those below.
    folder.metadata()?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    if let Ok(found) = path.metadata() {
        builder.permissions(found.permissions());
    } else {
        // The system takes from these what it takes from every new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    // The name of the file beside it means nothing to the reader.
    let file = builder.tempfile_in(folder);
    file.map_err(|error| io::Error::from(error.kind()))
}

fn is_same(left: &Path, right: &Path) -> bool {
    match (left.canonicalize(), right.canonicalize()) {
        // Devices may be named twice: /dev/null takes anything.
        (Ok(one), Ok(other)) => one == other && one.is_file(),
        _ => left == right,
    }
}

/// Returns the error of a file that cannot be written.
fn unwritable(path: &Path, error: &dyn Display) -> CommandError {
    CommandError::failed(
        format!("{} cannot be written: {error}", path.display()),
        "check the folder, its permissions and the space on the disk",
    )
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::{check, write};

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_that_fails_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        std::fs::write(&path, "old").unwrap();
        let failed = write(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["out.csv"]);
        write(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn checking_leaves_nothing_and_finds_what_cannot_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        check(&[&path], &[]).unwrap();
        assert!(names(folder.path()).is_empty());
        assert!(check(&[&path, &path], &[]).is_err(), "twice");
        assert!(check(&[&path], &[&path]).is_err(), "read too");
        assert!(check(&[folder.path()], &[]).is_err(), "a folder");
        assert!(check(&[&folder.path().join("none/out.csv")], &[]).is_err());
        check(&[Path::new("/dev/null"), Path::new("/dev/null")], &[]).unwrap();
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, "a longer text").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, |out| out.write_all(b"new")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
    }
}
