//! The file in which a node keeps an image of its directory.
//!
//! Invariant: the file is a help and never needed. One that is not there, damaged, sealed with
//! another key or of another state of storage is told of and left alone; everything is then read
//! from storage.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rabt_storage::{Storage, StorageError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::compose::Veil;
use crate::directory::{Directory, Imaged};
use crate::services::Services;

/// How often is looked whether an image is due.
const LOOK: Duration = Duration::from_secs(5);
/// Time between two images, at least.
const PAUSE: Duration = Duration::from_mins(1);
/// Rest behind each part of an image while the node serves.
const REST: Duration = Duration::from_millis(10);
/// Changes of profiles after which an image is due: a start then has as many to compose, at a tenth
/// of a millisecond each.
const MANY: u64 = 20_000;
/// Time after which an image is due for any change.
const LONG: Duration = Duration::from_mins(5);

/// Where a node keeps an image of its directory, and the key that seals it.
#[derive(Clone)]
pub struct ImageFile {
    /// The file. Beside it, a new one is written under the same name with `.new`.
    pub path: PathBuf,
    /// 32 random bytes.
    pub key: [u8; 32],
}

/// The images of a running node.
pub(crate) struct Images {
    file: ImageFile,
    last: Mutex<Last>,
}

/// The last image.
#[derive(Debug, Clone, Copy)]
struct Last {
    /// The changes of the directory that are in it.
    changes: u64,
    /// When this process last tried to write one.
    tried: Option<Instant>,
    /// When the node started or the last one was written.
    at: Instant,
}

impl Images {
    pub(crate) fn new(file: ImageFile) -> Self {
        let last = Last {
            changes: 0,
            tried: None,
            at: Instant::now(),
        };
        Self {
            file,
            last: Mutex::new(last),
        }
    }

    fn last(&self) -> Last {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self, changes: u64) -> bool {
        let last = self.last();
        let rested = last.tried.is_none_or(|tried| tried.elapsed() >= PAUSE);
        let new = changes - last.changes;
        rested && (new >= MANY || (new > 0 && last.at.elapsed() >= LONG))
    }

    /// Notes an attempt, and what is in the image when it came to a good end.
    fn tried(&self, written: Option<u64>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        last.tried = Some(now);
        if let Some(changes) = written {
            (last.changes, last.at) = (changes, now);
        }
    }
}

/// Returns the directory as storage has it, and the last step that it holds: from an image and the
/// steps behind it, or else from everything that storage holds.
///
/// # Errors
/// Storage failed.
pub(crate) async fn resume(
    file: Option<&ImageFile>,
    storage: &dyn Storage,
    veil: &Veil<'_>,
) -> Result<(Directory, u64), StorageError> {
    if let Some(file) = file
        && let Some((directory, imaged)) = open(file.clone()).await
    {
        let mut tx = storage.snapshot().await?;
        let head = tx.head().await?;
        if imaged.restricted == veil.known().restricted_list()
            && imaged.step <= head.last_step
            && tx.process_of_step(imaged.step).await? == Some(imaged.process)
        {
            directory.note_changed(tx.as_mut()).await?;
            let step = directory
                .follow_steps(tx.as_mut(), veil, imaged.step)
                .await?;
            tracing::info!(
                citizens = directory.len(),
                steps = step - imaged.step,
                "the directory is there, from its image and the steps behind it"
            );
            return Ok((directory, step));
        }
        tracing::warn!(
            file = %file.path.display(),
            "the image of the directory is of another state of storage, or of other restricted sources; everything is \
             read again"
        );
    }
    // before anything is read: what is committed from here on is followed
    let head = storage.snapshot().await?.head().await?;
    Ok((Directory::load(storage, veil).await?, head.last_step))
}

async fn open(file: ImageFile) -> Option<(Directory, Imaged)> {
    let path = file.path.clone();
    let read = tokio::task::spawn_blocking(move || {
        let input = BufReader::with_capacity(1 << 20, File::open(&file.path)?);
        Directory::read_image(input, &file.key)
    });
    match read
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
    {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(
                file = %path.display(),
                %error,
                "the image of the directory is of no use; everything is read again"
            );
            None
        }
    }
}

/// Writes an image whenever one is due, until the node stops.
pub(crate) async fn keep(services: Arc<Services>) {
    let Some(images) = &services.images else {
        return;
    };
    loop {
        tokio::select! {
            biased;
            () = services.stop_requested() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if images.is_due(services.directory.changes()) {
            let stopping = services.stopping();
            write(&services, images, move || rest(&stopping)).await;
        }
    }
}

/// Lets requests come first. A node that stops waits for nobody: the last image is written then.
fn rest(stopping: &CancellationToken) -> io::Result<()> {
    if stopping.is_cancelled() {
        return Err(io::ErrorKind::Interrupted.into());
    }
    std::thread::sleep(REST);
    Ok(())
}

/// Writes an image when a node stops, unless the last one holds everything.
pub(crate) async fn write_last(services: &Arc<Services>) {
    if let Some(images) = &services.images
        && services.directory.changes() != images.last().changes
    {
        write(services, images, || Ok(())).await;
    }
}

async fn write(
    services: &Arc<Services>,
    images: &Images,
    between: impl Fn() -> io::Result<()> + Send + 'static,
) {
    let changes = services.directory.changes();
    let file = images.file.clone();
    let shown = file.path.clone();
    let began = Instant::now();
    let written = write_to(services, file, between).await;
    images.tried(written.is_ok().then_some(changes));
    match written {
        Ok(()) => tracing::debug!(took = ?began.elapsed(), "an image of the directory is written"),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) => tracing::warn!(
            file = %shown.display(),
            %error,
            "the image of the directory cannot be written; the next start will take longer"
        ),
    }
}

async fn write_to(
    services: &Arc<Services>,
    file: ImageFile,
    between: impl Fn() -> io::Result<()> + Send + 'static,
) -> io::Result<()> {
    let step = services.followed.step();
    let snapshot = services.storage.snapshot().await;
    let mut tx = snapshot.map_err(io::Error::other)?;
    let process = tx.process_of_step(step).await.map_err(io::Error::other)?;
    drop(tx);
    // without a step there is nothing to go on from, and nothing that would take long
    let Some(process) = process else {
        return Ok(());
    };
    let restricted = services.registry.current().restricted_list();
    let mut nonce = [0; 19];
    services.draw(&mut nonce);
    let services = Arc::clone(services);
    let written = tokio::task::spawn_blocking(move || {
        let imaged = Imaged {
            step,
            process,
            restricted,
        };
        replace(&file, |out| {
            let seal = (&file.key, nonce);
            let directory = &services.directory;
            directory.write_image(&imaged, out, seal, &between)
        })
    });
    written.await.map_err(io::Error::other)?
}

/// Writes a file anew beside the old one, and then lets it take its place.
fn replace(
    file: &ImageFile,
    write: impl FnOnce(BufWriter<File>) -> io::Result<BufWriter<File>>,
) -> io::Result<()> {
    let mut beside = file.path.clone().into_os_string();
    beside.push(".new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let out = write(BufWriter::with_capacity(1 << 20, options.open(&beside)?))?;
    out.into_inner()?.sync_all()?;
    fs::rename(&beside, &file.path)
}
