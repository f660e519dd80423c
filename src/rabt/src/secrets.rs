//! The store of sealed secrets: a folder with a file for each, encrypted with age, and the identity
//! that opens them, which lies elsewhere.
//!
//! Invariant: what is written is always sealed for the first identity; a file is replaced whole or
//! not at all; nothing that is shown or told holds a secret.

mod identity;
mod rotate;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use age::Decryptor;
use rabt_connect::{SecretName, SecretStore, SecretStoreError};
use zeroize::Zeroizing;

use crate::app::Settled;
use identity::Identities;

/// Largest secret, in bytes: 64 KiB.
pub(crate) const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Largest file of a sealed secret: age adds a header and 16 bytes for each 64 KiB.
const MAX_SEALED_BYTES: u64 = 2 * MAX_SECRET_BYTES;

/// How the files of secrets end.
const SUFFIX: &str = "age";

/// A folder of sealed secrets. The identity is read anew for each secret, so that one that was changed
/// counts at once.
#[derive(Debug, Clone)]
pub(crate) struct SealedStore {
    folder: PathBuf,
    identity: PathBuf,
}

/// The right to change a store until it is dropped; others wait.
struct Turn {
    _lock: File,
}

impl SealedStore {
    /// Returns the store of the settings; nothing when they name none.
    pub(crate) fn of(settled: &Settled) -> Option<Self> {
        let secrets = &settled.config.secrets;
        let is_named = !secrets.store.as_os_str().is_empty();
        is_named.then(|| Self {
            folder: settled.path(&secrets.store),
            identity: settled.path(&secrets.identity),
        })
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder and the identity; returns the public half of the identity.
    pub(crate) fn make(&self) -> Result<String, SecretStoreError> {
        let _turn = self.turn()?;
        Ok(Identities::make(&self.identity)?.recipient().to_string())
    }

    /// Seals a secret, in place of an earlier one of the name. Says whether there was one.
    ///
    /// # Errors
    /// When it is too large to be opened again, or cannot be written.
    pub(crate) fn put(&self, name: &SecretName, secret: &str) -> Result<bool, SecretStoreError> {
        if secret.len() as u64 > MAX_SECRET_BYTES {
            return Err(too_large());
        }
        let _turn = self.turn()?;
        let identities = Identities::read(&self.identity)?;
        let path = self.path(name);
        let was_there = path.exists();
        self.seal(&identities, &path, secret.as_bytes())?;
        Ok(was_there)
    }

    /// Removes a secret.
    pub(crate) fn remove(&self, name: &SecretName) -> Result<(), SecretStoreError> {
        let _turn = self.turn()?;
        let path = self.path(name);
        fs::remove_file(&path).map_err(|error| absent_or_failed(&path, &error))?;
        // Folders that have become empty are of no use; one that has not stays.
        for folder in path.ancestors().skip(1) {
            if folder == self.folder || fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the names of all secrets, ordered.
    pub(crate) fn names(&self) -> Result<Vec<SecretName>, SecretStoreError> {
        let mut names = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            let listed = match fs::read_dir(&folder) {
                Ok(listed) => listed,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(&folder, error.kind())),
            };
            for entry in listed {
                let path = entry.map_err(|error| failed(&folder, error.kind()))?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.extend(self.name(&path));
                }
            }
        }
        names.sort();
        Ok(names)
    }

    /// Returns the name of the secret in a file; nothing when it holds none.
    fn name(&self, path: &Path) -> Option<SecretName> {
        let is_sealed = path.extension().is_some_and(|suffix| suffix == SUFFIX);
        let below = path.strip_prefix(&self.folder).ok()?.with_extension("");
        let words: Option<Vec<&str>> = below.iter().map(|word| word.to_str()).collect();
        words?.join("/").parse().ok().filter(|_| is_sealed)
    }

    fn path(&self, name: &SecretName) -> PathBuf {
        self.folder.join(format!("{name}.{SUFFIX}"))
    }

    /// Opens the secret of a file: whole, or not at all.
    fn open(
        &self,
        identities: &Identities,
        name: &SecretName,
    ) -> Result<Zeroizing<String>, SecretStoreError> {
        let path = self.path(name);
        let mut sealed = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MAX_SEALED_BYTES + 1).read_to_end(&mut sealed))
            .map_err(|error| absent_or_failed(&path, &error))?;
        if sealed.len() as u64 > MAX_SEALED_BYTES {
            return Err(too_large());
        }
        let damaged = || {
            let remedy = "put it again with `rabt secret put`";
            wrong("is damaged, or sealed for another identity", remedy)
        };
        let mut opened = Decryptor::new_buffered(sealed.as_slice())
            .and_then(|sealed| sealed.decrypt(identities.each()))
            .map_err(|_| damaged())?;
        // What is sealed is shorter than its file, so the text never moves and leaves no copy behind.
        let mut secret = Zeroizing::new(String::with_capacity(sealed.len()));
        opened.read_to_string(&mut secret).map_err(|_| damaged())?;
        if secret.len() as u64 > MAX_SECRET_BYTES {
            return Err(too_large());
        }
        Ok(secret)
    }

    /// Seals a secret for the first identity.
    fn seal(
        &self,
        identities: &Identities,
        path: &Path,
        secret: &[u8],
    ) -> Result<(), SecretStoreError> {
        let sealed = age::encrypt(&identities.recipient(), secret).map_err(|_| {
            let what = "cannot be sealed";
            wrong(what, "see that the identity is an X25519 identity of age")
        })?;
        let folder = path.parent().unwrap_or(&self.folder);
        make_folder(folder).map_err(|error| failed(folder, error.kind()))?;
        replace(path, &sealed).map_err(|error| failed(path, error.kind()))
    }

    /// Waits for the right to change the store, whose folder is made when it is not there.
    fn turn(&self) -> Result<Turn, SecretStoreError> {
        make_folder(&self.folder).map_err(|error| failed(&self.folder, error.kind()))?;
        let path = self.folder.join(".lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        private(&mut options);
        let lock = options.open(&path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        let lock = lock.map_err(|error| failed(&path, error.kind()))?;
        Ok(Turn { _lock: lock })
    }
}

impl SecretStore for SealedStore {
    fn read(&self, name: &SecretName) -> Result<String, SecretStoreError> {
        let open = || {
            let identities = Identities::read(&self.identity)?;
            self.open(&identities, name)
        };
        // A rotation may have sealed the secret anew after the identity was read.
        let secret = open().or_else(|_| open())?;
        Ok(secret.as_str().to_owned())
    }
}

fn wrong(what: impl Into<String>, remedy: impl Into<String>) -> SecretStoreError {
    SecretStoreError {
        what: what.into(),
        remedy: remedy.into(),
    }
}

fn too_large() -> SecretStoreError {
    wrong(
        format!("is larger than {MAX_SECRET_BYTES} bytes"),
        "put a smaller one with `rabt secret put`: the password or key alone",
    )
}

fn absent_or_failed(path: &Path, error: &io::Error) -> SecretStoreError {
    if error.kind() != ErrorKind::NotFound {
        return failed(path, error.kind());
    }
    let remedy = "put it there with `rabt secret put`; `rabt secret list` shows what is there";
    wrong("is not in the store", remedy)
}

fn failed(path: &Path, kind: ErrorKind) -> SecretStoreError {
    let what = format!("cannot be had: {}: {kind}", path.display());
    wrong(
        what,
        "let the node's user, and nobody else, read and write it",
    )
}

/// Writes a file beside its place and puts it there when it is whole.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a new file one that its owner alone reads.
fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}
