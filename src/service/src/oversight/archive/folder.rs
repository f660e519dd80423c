//! The folder of an archive: written beside its place, read back, and moved there.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rabt_audit::{CHECKPOINT, ExportFile, ExportTrust, Exporter, verify_export};
use rabt_storage::AuditLog;
use tokio::task::spawn_blocking;

use super::{ArchivePlace, Cut, OversightError, PAGE, Root};
use crate::services::Services;

/// What an archive has to hold.
pub(super) struct Wanted {
    pub(super) from: u64,
    pub(super) to: u64,
    /// The root of the tree of the first `to` leaves.
    pub(super) root: Root,
    /// The roots of the tiles before `from`.
    pub(super) tiles: Vec<Root>,
}

/// Makes sure that the archive lies in its place, whole; returns the name of its folder. One that an earlier attempt
/// left there is taken when it is whole, and half of one is written anew.
pub(super) async fn put(
    services: &Services,
    log: &dyn AuditLog,
    wanted: &Wanted,
) -> Result<String, OversightError> {
    let place = services.archiving.place.as_ref();
    let ArchivePlace { folder, .. } = place.ok_or(OversightError::NotFound("archive"))?;
    let name = name(services.audit.verifier().origin(), wanted);
    let (whole, part) = (folder.join(&name), folder.join(format!("{name}.part")));
    if whole.exists() {
        check(services, &whole, wanted).await?;
        return Ok(name);
    }
    begin(folder, &part).map_err(|error| failed(&part, &error))?;
    let mut exporter = Exporter::new();
    for root in &wanted.tiles {
        exporter.skip_tile(*root);
    }
    let mut next = wanted.from;
    while next < wanted.to {
        let page = log.entries(next, PAGE.min(wanted.to - next)).await?;
        if page.is_empty() {
            let problem = "ends before its size; verify the log".to_owned();
            return Err(crate::AuditError::Unusable(problem).into());
        }
        next += page.len() as u64;
        for (_, entry) in page {
            exporter.entry(&entry.body);
        }
        write(&part, exporter.take()).await?;
        services.archiving.cut_at(Cut::HalfWritten)?;
    }
    let mut files = exporter.finish();
    let note = services
        .audit
        .sign_archive(wanted.from, wanted.to, wanted.root);
    files.push((CHECKPOINT.to_owned(), note));
    write(&part, files).await?;
    check(services, &part, wanted).await?;
    services.archiving.cut_at(Cut::Written)?;
    let moved = fs::rename(&part, &whole).and_then(|()| File::open(folder)?.sync_all());
    moved.map_err(|error| failed(&whole, &error))?;
    Ok(name)
}

/// Returns the name of an archive's folder: the log, and the first leaf and the one behind the last.
fn name(origin: &str, wanted: &Wanted) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    let origin: String = origin.chars().map(plain).collect();
    format!("{origin}-{:012}-{:012}", wanted.from, wanted.to)
}

/// Makes an empty folder; what an attempt before left of it goes.
fn begin(folder: &Path, part: &Path) -> io::Result<()> {
    make(folder)?;
    match fs::remove_dir_all(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    make(part)
}

/// Makes a folder, and those above it, that are on the disk on return.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| *above != Path::new(""));
    let above = above.unwrap_or(Path::new("."));
    make(above)?;
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    File::open(above)?.sync_all()
}

async fn write(part: &Path, files: Vec<ExportFile>) -> Result<(), OversightError> {
    let part = part.to_owned();
    let written = spawn_blocking(move || {
        for (file, bytes) in files {
            let path = part.join(file);
            write_one(&path, &bytes).map_err(|error| failed(&path, &error))?;
        }
        Ok(())
    });
    written.await.map_err(|_| crate::AuditError::Stopped)?
}

/// Writes a file that is on the disk on return, its folder included.
fn write_one(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    make(folder)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

/// Reads an archive back, as `rabt audit verify` does.
async fn check(services: &Services, path: &Path, wanted: &Wanted) -> Result<(), OversightError> {
    let verifier = services.audit.verifier().clone();
    let (from, to, root) = (wanted.from, wanted.to, wanted.root);
    let path = path.to_owned();
    let checked = spawn_blocking(move || {
        let mut files = BTreeSet::new();
        walk(&path, "", &mut files).map_err(|error| failed(&path, &error))?;
        let mut read = |file: &str| fs::read(path.join(file)).map_err(|error| error.to_string());
        let trust = ExportTrust {
            log: &verifier,
            witnesses: &[],
            time: None,
        };
        let found = verify_export(&files, &mut read, trust);
        if let Some(problem) = found.problems.first() {
            return Err(unsound(&path, &problem.to_string()));
        }
        if (found.first, found.size, found.root) != (from, to, root) {
            return Err(unsound(&path, "it holds other entries"));
        }
        Ok(())
    });
    checked.await.map_err(|_| crate::AuditError::Stopped)?
}

fn walk(path: &Path, below: &str, files: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name);
        }
    }
    Ok(())
}

fn failed(path: &Path, error: &io::Error) -> OversightError {
    let path = PathBuf::from(path);
    OversightError::Archive(format!(
        "{}: {error}; see that audit.archive has room and may be written, then confirm the archive again",
        path.display()
    ))
}

fn unsound(path: &Path, problem: &str) -> OversightError {
    OversightError::Archive(format!(
        "{}: {problem}; nothing was taken out of storage; move the folder away, then confirm the archive again",
        path.display()
    ))
}
