//! The keys of a node: made once, kept in a folder that only the node's user reads.
//!
//! Invariant: a key that is there is never replaced; without those of the audit log it could not be
//! proven.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rabt_audit::{CheckpointKey, CheckpointVerifier, PseudonymKey, WitnessVerifier};
use rabt_service::{AuditKeys, MasterKey};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use crate::error::CommandError;

/// File of the key that signs checkpoints.
pub(crate) const CHECKPOINT: &str = "checkpoint.key";
/// File of the key that names persons in entries.
pub(crate) const PSEUDONYM: &str = "pseudonym.key";
/// File of the key that seals the keys of persons, and what else storage holds sealed.
pub(crate) const MASTER: &str = "master.key";
/// File of the master key that is about to take over.
const NEXT_MASTER: &str = "master.key.next";
/// File of the key that seals the image of the directory.
pub(crate) const IMAGE: &str = "image.key";
/// File of the public half of the first, which anyone may have.
pub(crate) const VERIFIER: &str = "log.pub";

const HELP: &str = "audit.keys must be a folder that the node's user, and nobody else, can write";

/// Reads the keys in `folder`; makes those that are not there.
pub(crate) fn read_or_make(
    folder: &Path,
    origin: &str,
    witnesses: &[String],
) -> Result<AuditKeys, CommandError> {
    let witnesses = witnesses.iter().map(|key| read_witness(key));
    let witnesses = witnesses.collect::<Result<_, _>>()?;
    let failed = |error: io::Error| CommandError::usage(at(folder, &error), HELP);
    make_folder(folder).map_err(failed)?;
    let checkpoint = CheckpointKey::from_seed(origin, &secret(&folder.join(CHECKPOINT))?)
        .map_err(|error| CommandError::usage(format!("audit.origin: {error}"), ""))?;
    let verifier = checkpoint.verifier().to_string();
    fs::write(folder.join(VERIFIER), format!("{verifier}\n")).map_err(failed)?;
    Ok(AuditKeys {
        checkpoint,
        pseudonyms: PseudonymKey::new(&secret(&folder.join(PSEUDONYM))?),
        master: MasterKey::new(secret(&folder.join(MASTER))?),
        witnesses,
    })
}

/// Reads the verifier key of a witness.
pub(crate) fn read_witness(key: &str) -> Result<WitnessVerifier, CommandError> {
    key.parse().map_err(|error| {
        let help = "a witness gives its key as name+id+key, of the type cosignature/v1";
        CommandError::usage(format!("witness `{key}` {error}"), help)
    })
}

/// Reads the master key, and the one that is to take its place; makes the second when it is not there.
pub(crate) fn read_masters(folder: &Path) -> Result<(MasterKey, MasterKey), CommandError> {
    let path = folder.join(MASTER);
    if !path.is_file() {
        let help = "the first start makes it; restore it when storage is there already";
        return Err(CommandError::usage(at(&path, &"is not there"), help));
    }
    let next = secret(&folder.join(NEXT_MASTER))?;
    Ok((MasterKey::new(secret(&path)?), MasterKey::new(next)))
}

/// Puts the next master key in the place of the present one, which stays beside it; returns where.
pub(crate) fn adopt_next_master(folder: &Path) -> Result<PathBuf, CommandError> {
    let (present, next) = (folder.join(MASTER), folder.join(NEXT_MASTER));
    keep_master(folder)
        .and_then(|kept| {
            fs::rename(&next, &present)?;
            File::open(folder)?.sync_all()?;
            Ok(kept)
        })
        .map_err(|error| {
            let help = "keep a copy of master.key, then move master.key.next to master.key by hand; storage is \
                        sealed by it already";
            CommandError::failed(at(&next, &error), help)
        })
}

/// Keeps the present master key as `master.key.before-<n>`: backups of before are sealed by it.
fn keep_master(folder: &Path) -> io::Result<PathBuf> {
    let text = fs::read(folder.join(MASTER))?;
    for number in 1_u32.. {
        let path = folder.join(format!("{MASTER}.before-{number}"));
        match write_new(&path, &text) {
            Ok(()) => {
                File::open(folder)?.sync_all()?;
                return Ok(path);
            }
            // one that was kept and not replaced, by a command that was killed
            Err(_) if fs::read(&path).is_ok_and(|kept| kept == text) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Writes a file that its owner alone reads, and that was not there.
fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Reads the key that seals the image of the directory; makes it when it is not there.
pub(crate) fn read_or_make_image(folder: &Path) -> Result<[u8; 32], CommandError> {
    make_folder(folder).map_err(|error| CommandError::usage(at(folder, &error), HELP))?;
    secret(&folder.join(IMAGE))
}

/// Reads what is needed to check a log.
pub(crate) fn read_verifier(file: &Path) -> Result<CheckpointVerifier, CommandError> {
    let help = "give --public-key the file log.pub that stands in the folder audit.keys";
    let text =
        fs::read_to_string(file).map_err(|error| CommandError::usage(at(file, &error), help))?;
    text.parse()
        .map_err(|error| CommandError::usage(at(file, &error), help))
}

fn secret(path: &Path) -> Result<[u8; 32], CommandError> {
    match fs::read_to_string(path) {
        Ok(text) => parse(text.trim()).ok_or_else(|| {
            let help = "restore it from a backup; with a new key the audit log could not go on, and an image not be read";
            CommandError::usage(at(path, &"not 64 hexadecimal digits"), help)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(error) => Err(CommandError::usage(at(path, &error), HELP)),
    }
}

fn make(path: &Path) -> Result<[u8; 32], CommandError> {
    let mut secret = [0; 32];
    StdRng::from_os_rng().fill_bytes(&mut secret);
    let mut text = String::with_capacity(65);
    for byte in secret {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    write_new(path, text.as_bytes())
        .map_err(|error| CommandError::usage(at(path, &error), HELP))?;
    Ok(secret)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in secret.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).ok()?;
    }
    Some(secret)
}

fn at(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::{
        CHECKPOINT, MASTER, NEXT_MASTER, VERIFIER, adopt_next_master, read_masters, read_or_make,
        read_verifier,
    };

    #[test]
    fn a_master_key_that_is_replaced_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        read_or_make(folder, "node.example/log", &[]).unwrap();
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let mut replaced = Vec::new();
        for number in 1..=2 {
            replaced.push(read(MASTER));
            read_masters(folder).unwrap();
            let next = read(NEXT_MASTER);
            let kept = adopt_next_master(folder).unwrap();
            assert!(kept.ends_with(format!("master.key.before-{number}")));
            assert_eq!(read(MASTER), next);
        }
        assert_eq!(read("master.key.before-1"), replaced[0]);
        assert_eq!(read("master.key.before-2"), replaced[1]);
    }

    #[test]
    fn keys_are_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let first = read_or_make(&keys, "node.example/log", &[]).unwrap();
        let again = read_or_make(&keys, "node.example/log", &[]).unwrap();
        assert_eq!(first.checkpoint.verifier(), again.checkpoint.verifier());
        let verifier = read_verifier(&keys.join(VERIFIER)).unwrap();
        assert_eq!(&verifier, first.checkpoint.verifier());
        std::fs::write(keys.join(CHECKPOINT), "short").unwrap();
        let error = read_or_make(&keys, "node.example/log", &[]).unwrap_err();
        assert!(error.faults()[0].message.contains("64 hexadecimal digits"));
    }
}
