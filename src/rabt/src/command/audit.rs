//! `rabt audit`: prove that nobody changed the log, without the service.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use rabt_audit::{CheckpointVerifier, LogVerifier, Report};
use rabt_storage::{AuditLog, Storage};
use serde::Serialize;

use super::{StorageAt, block_on};
use crate::error::{CommandError, Exit};
use crate::keys;
use crate::render::Render;

/// Entries that are read at a time.
const PAGE: u64 = 2_000;

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditArgs {
    /// Check every entry against the signed checkpoints. Exit code 4 when something was changed.
    Verify(VerifyArgs),
}

/// `rabt audit verify`
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    at: StorageAt,
    /// Public key of the log; the file `log.pub` in the folder audit.keys when absent.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Checkpoint that was kept elsewhere; shows whether the end of the log was cut off. May be
    /// given again.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Outcome {
    verified: bool,
    origin: String,
    entries: u64,
    signed: u64,
    checkpoints: u64,
    root: String,
    problems: Vec<Found>,
    unlisted: u64,
}

#[derive(Serialize)]
struct Found {
    leaf: u64,
    problem: String,
}

/// Runs `rabt audit`.
pub(crate) fn run(args: &AuditArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let AuditArgs::Verify(args) = args;
    block_on(verify(args, render))
}

async fn verify(args: &VerifyArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let (storage, settled) = args.at.open().await?;
    let usual = settled
        .path(&settled.config.audit.keys)
        .join(keys::VERIFIER);
    let verifier = keys::read_verifier(args.public_key.as_deref().unwrap_or(&usual))?;
    let log = log_of(storage.as_ref(), verifier.origin()).await?;
    let report = read(log.as_ref(), &verifier, kept(&args.checkpoints, &verifier)?).await;
    storage.close().await;

    let outcome = Outcome::of(&verifier, &report?);
    render.result(&outcome, || outcome.to_text());
    Ok(if outcome.verified {
        ExitCode::SUCCESS
    } else {
        Exit::VerificationFailed.into()
    })
}

/// Returns the log that the public key belongs to: on PostgreSQL every node has its own.
async fn log_of(storage: &dyn Storage, origin: &str) -> Result<Arc<dyn AuditLog>, CommandError> {
    let failed = |error| CommandError::failed(error, "see storage.url, or give --storage");
    if let Some(log) = storage.audit_log_of(origin).await.map_err(failed)? {
        return Ok(log);
    }
    let origins = storage.audit_origins().await.map_err(failed)?.join(", ");
    let message = format!("there is no audit log of {origin}; there is: {origins}");
    let help = "give --public-key the file log.pub of the node whose log it is";
    Err(CommandError::usage(message, help))
}

async fn read(
    log: &dyn AuditLog,
    verifier: &CheckpointVerifier,
    mut checkpoints: Vec<(u64, Vec<u8>)>,
) -> Result<Report, CommandError> {
    let failed = |error| CommandError::failed(error, "see storage.url, or give --storage");
    // The checkpoints come first: a running node may append, and a tail that is not signed yet is
    // no problem, but a checkpoint of entries that were not read would be.
    checkpoints.extend(log.checkpoints().await.map_err(failed)?);
    let mut check = LogVerifier::new(verifier, checkpoints);
    let mut next = 0;
    loop {
        let page = log.entries(next, PAGE).await.map_err(failed)?;
        let Some((last, _)) = page.last() else {
            return Ok(check.finish());
        };
        next = last + 1;
        for (leaf, entry) in &page {
            check.entry(*leaf, &entry.body, &entry.leaf_hash);
        }
    }
}

/// Returns the checkpoints that were kept elsewhere, with the sizes they were signed for.
fn kept(
    files: &[PathBuf],
    verifier: &CheckpointVerifier,
) -> Result<Vec<(u64, Vec<u8>)>, CommandError> {
    let help = "give --checkpoint a signed checkpoint of this log";
    let mut kept = Vec::with_capacity(files.len());
    for file in files {
        let at = |error: &dyn std::fmt::Display| {
            CommandError::usage(format!("{}: {error}", file.display()), help)
        };
        let note = std::fs::read(file).map_err(|error| at(&error))?;
        let checkpoint = verifier.open(&note).map_err(|error| at(&error))?;
        kept.push((checkpoint.size, note));
    }
    Ok(kept)
}

impl Outcome {
    fn of(verifier: &CheckpointVerifier, report: &Report) -> Self {
        let found = |problem: &rabt_audit::Problem| Found {
            leaf: problem.leaf,
            problem: problem.to_string(),
        };
        let root = report.root.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self {
            verified: report.problems.is_empty(),
            origin: verifier.origin().to_owned(),
            entries: report.entries,
            signed: report.signed,
            checkpoints: report.checkpoints,
            root,
            problems: report.problems.iter().map(found).collect(),
            unlisted: report.unlisted,
        }
    }

    fn to_text(&self) -> String {
        let Self {
            origin,
            entries,
            signed,
            checkpoints,
            root,
            ..
        } = self;
        let counts = format!(
            "log {origin}: {entries} entries, {signed} of them signed by {checkpoints} checkpoints\n\
             root {root}\n"
        );
        if self.verified {
            return format!("{counts}nothing was changed");
        }
        let mut text = counts;
        for found in &self.problems {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", found.problem);
        }
        if self.unlisted > 0 {
            let _ = writeln!(text, "and {} more", self.unlisted);
        }
        text.push_str("the log was changed");
        text
    }
}
