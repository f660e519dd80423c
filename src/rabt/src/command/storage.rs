//! `rabt storage`: what state the node is in, as one number.

use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::{StorageAt, block_on};
use crate::error::CommandError;
use crate::render::Render;

/// What to do with storage.
#[derive(Debug, Subcommand)]
pub(crate) enum StorageArgs {
    /// Print the fingerprint of who is who and of every golden value. Equal state has an equal
    /// fingerprint, on any storage, in any order of arrival.
    Fingerprint(StorageAt),
}

#[derive(Serialize)]
struct State {
    fingerprint: String,
    records: u64,
    backend: &'static str,
}

/// Runs `rabt storage`.
pub(crate) fn run(args: &StorageArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let StorageArgs::Fingerprint(at) = args;
    block_on(fingerprint(at, render))
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
