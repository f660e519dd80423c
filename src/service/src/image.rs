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
    /// The changes of the directory until then; 0 when this process has written none.
    changes: u64,
    at: Instant,
}

impl Images {
    pub(crate) fn new(file: ImageFile) -> Self {
        let last = Last {
            changes: 0,
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
        let (new, passed) = (changes - last.changes, last.at.elapsed());
        let first = last.changes == 0 && new >= MANY;
        first || (new >= MANY && passed >= PAUSE) || (new > 0 && passed >= LONG)
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
) -> Result<(Directory, u64), StorageError> {
    if let Some(file) = file
        && let Some((directory, imaged)) = open(file.clone()).await
    {
        let mut tx = storage.snapshot().await?;
        let head = tx.head().await?;
        if imaged.step <= head.last_step
            && tx.process_of_step(imaged.step).await? == Some(imaged.process)
        {
            directory.note_changed(tx.as_mut()).await?;
            let step = directory.follow_steps(tx.as_mut(), imaged.step).await?;
            tracing::info!(
                citizens = directory.len(),
                steps = step - imaged.step,
                "the directory is there, from its image and the steps behind it"
            );
            return Ok((directory, step));
        }
        tracing::warn!(
            file = %file.path.display(),
            "the image of the directory is of another state of storage; everything is read again"
        );
    }
    // before anything is read: what is committed from here on is followed
    let head = storage.snapshot().await?.head().await?;
    Ok((Directory::load(storage).await?, head.last_step))
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
            write(&services, images, REST).await;
        }
    }
}

/// Writes an image when a node stops, unless the last one holds everything.
pub(crate) async fn write_last(services: &Arc<Services>) {
    if let Some(images) = &services.images
        && services.directory.changes() != images.last().changes
    {
        write(services, images, Duration::ZERO).await;
    }
}

async fn write(services: &Arc<Services>, images: &Images, pause: Duration) {
    let changes = services.directory.changes();
    let file = images.file.clone();
    let shown = file.path.clone();
    let began = Instant::now();
    match write_to(services, file, pause).await {
        Ok(()) => tracing::debug!(took = ?began.elapsed(), "an image of the directory is written"),
        Err(error) => tracing::warn!(
            file = %shown.display(),
            %error,
            "the image of the directory cannot be written; the next start will take longer"
        ),
    }
    *images.last.lock().unwrap_or_else(PoisonError::into_inner) = Last {
        changes,
        at: Instant::now(),
    };
}

async fn write_to(services: &Arc<Services>, file: ImageFile, pause: Duration) -> io::Result<()> {
    let step = services.followed.step();
    let mut tx = services
        .storage
        .snapshot()
        .await
        .map_err(io::Error::other)?;
    let process = tx.process_of_step(step).await.map_err(io::Error::other)?;
    drop(tx);
    // without a step there is nothing to go on from, and nothing that would take long
    let Some(process) = process else {
        return Ok(());
    };
    let mut nonce = [0; 19];
    services.draw(&mut nonce);
    let services = Arc::clone(services);
    let written = tokio::task::spawn_blocking(move || {
        let imaged = Imaged { step, process };
        replace(&file, |out| {
            let seal = (&file.key, nonce);
            services.directory.write_image(imaged, out, seal, pause)
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
