//! `rabt storage`: what state the node is in, as one number.

use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::{StorageAt, block_on};
use crate::error::CommandError;
use crate::keys;
use crate::render::Render;

/// What to do with storage.
#[derive(Debug, Subcommand)]
pub(crate) enum StorageArgs {
    /// Print the fingerprint of who is who and of every golden value. Equal state has an equal
    /// fingerprint, on any storage, in any order of arrival.
    Fingerprint(StorageAt),
    /// Seal the keys of storage by a new master key. No row is written anew, and nodes may run; each needs the new
    /// file before its next start.
    Rotate(StorageAt),
}

#[derive(Serialize)]
struct State {
    fingerprint: String,
    records: u64,
    backend: &'static str,
}

/// Runs `rabt storage`.
pub(crate) fn run(args: &StorageArgs, render: &Render) -> Result<ExitCode, CommandError> {
    match args {
        StorageArgs::Fingerprint(at) => block_on(fingerprint(at, render)),
        StorageArgs::Rotate(at) => block_on(rotate(at, render)),
    }
}

async fn rotate(at: &StorageAt, render: &Render) -> Result<ExitCode, CommandError> {
    #[derive(Serialize)]
    struct Rotated {
        data_keys: u64,
        master_key: String,
        kept: String,
    }
    let (storage, settled) = at.open().await?;
    let folder = settled.path(&settled.config.audit.keys);
    let (old, new) = keys::read_masters(&folder)?;
    let sealed = rabt_service::reseal(storage.as_ref(), &old, &new).await;
    let data_keys = sealed.map_err(|error| CommandError::failed(error, "nothing was changed"))?;
    storage.close().await;
    let kept = keys::adopt_next_master(&folder)?.display().to_string();
    let master_key = folder.join(keys::MASTER).display().to_string();
    let rotated = Rotated {
        data_keys,
        master_key,
        kept,
    };
    render.result(&rotated, || {
        format!(
            "{data_keys} data keys are sealed by the new {}; copy it to the other nodes, and move the old \
             one, {}, to the backups of before",
            rotated.master_key, rotated.kept
        )
    });
    Ok(ExitCode::SUCCESS)
}

async fn fingerprint(at: &StorageAt, render: &Render) -> Result<ExitCode, CommandError> {
    let failed = |error| CommandError::failed(error, "see storage.url, or give --storage");
    let (storage, _) = at.open().await?;
    let fingerprint = rabt_service::fingerprint(storage.as_ref())
        .await
        .map_err(failed)?;
    let mut snapshot = storage.snapshot().await.map_err(failed)?;
    let records = snapshot.count_records().await.map_err(failed)?;
    drop(snapshot);
    let result = State {
        fingerprint,
        records,
        backend: storage.backend(),
    };
    storage.close().await;
    render.result(&result, || result.fingerprint.clone());
    Ok(ExitCode::SUCCESS)
}
