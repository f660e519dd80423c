//! `rabt audit verify`: prove that nobody changed the log, without the service.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use rabt_audit::{CheckpointVerifier, LogVerifier, Report, StampRoots, TILE};
use rabt_storage::AuditLog;
use serde::Serialize;

use super::files::verify_folder;
use super::shelf::Shelf;
use super::stamps::{self, Stamped, Told};
use super::{PAGE, hex, log_of};
use crate::command::StorageAt;
use crate::error::{CommandError, Exit};
use crate::keys;
use crate::render::Render;

/// `rabt audit verify`
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Folder that `rabt audit export` wrote, or receipt of one entry; storage when absent.
    #[arg(value_name = "PATH", conflicts_with_all = ["storage", "checkpoints"])]
    pub(super) path: Option<PathBuf>,
    #[command(flatten)]
    at: StorageAt,
    /// Public key of the log; the file `log.pub` in the folder audit.keys when absent.
    #[arg(long, visible_alias = "key", value_name = "FILE")]
    pub(super) public_key: Option<PathBuf>,
    /// Verifier key of a witness whose signatures a folder carries. May be given again.
    #[arg(long = "witness", value_name = "KEY", requires = "path")]
    pub(super) witnesses: Vec<String>,
    /// Checkpoint that was kept elsewhere; shows whether the end of the log was cut off. May be
    /// given again.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Archive that holds entries that have left storage; without it only their hashes are checked. May be given
    /// again.
    #[arg(long = "archive", value_name = "FOLDER", conflicts_with = "path")]
    archives: Vec<PathBuf>,
    /// Certificates, PEM, of the authorities that time stamps over checkpoints must come from; says since when
    /// the log provably exists.
    #[arg(long, value_name = "FILE")]
    tsa_ca: Option<PathBuf>,
}

impl VerifyArgs {
    /// Reads the authorities of time stamps, when some are given.
    pub(super) fn roots(&self) -> Result<Option<StampRoots>, CommandError> {
        let path = self.tsa_ca.as_deref();
        path.map(|path| stamps::read_roots("--tsa-ca", path))
            .transpose()
    }
}

#[derive(Serialize)]
struct Outcome {
    verified: bool,
    origin: String,
    entries: u64,
    archived: u64,
    signed: u64,
    checkpoints: u64,
    root: String,
    stamps: Vec<Told>,
    problems: Vec<Found>,
    unlisted: u64,
}

#[derive(Serialize)]
struct Found {
    leaf: u64,
    problem: String,
}

pub(super) async fn verify(args: &VerifyArgs, render: &Render) -> Result<ExitCode, CommandError> {
    if let Some(path) = &args.path {
        return verify_folder(path, args, render);
    }
    let (storage, settled) = args.at.open().await?;
    let usual = settled
        .path(&settled.config.audit.keys)
        .join(keys::VERIFIER);
    let verifier = keys::read_verifier(args.public_key.as_deref().unwrap_or(&usual))?;
    let log = log_of(storage.as_ref(), verifier.origin()).await?;
    let mut checkpoints = kept(&args.checkpoints, &verifier)?;
    let stamped = match args.roots()? {
        Some(roots) => stamps::read(log.as_ref(), &roots).await?,
        None => Stamped::default(),
    };
    checkpoints.extend(stamped.checkpoints);
    let shelf = Shelf::of(&args.archives, &verifier)?;
    let report = read(log.as_ref(), &verifier, checkpoints, &shelf).await;
    storage.close().await;

    let mut outcome = Outcome::of(&verifier, &report?);
    outcome.verified &= stamped.problems.is_empty();
    outcome.stamps = stamped.told;
    outcome
        .problems
        .extend(stamped.problems.into_iter().map(|(size, problem)| Found {
            leaf: size.saturating_sub(1),
            problem,
        }));
    render.result(&outcome, || outcome.to_text());
    Ok(if outcome.verified {
        ExitCode::SUCCESS
    } else {
        Exit::VerificationFailed.into()
    })
}

async fn read(
    log: &dyn AuditLog,
    verifier: &CheckpointVerifier,
    mut checkpoints: Vec<(u64, Vec<u8>)>,
    shelf: &Shelf,
) -> Result<Report, CommandError> {
    let failed = |error| CommandError::failed(error, "see storage.url, or give --storage");
    // The checkpoints come first: a running node may append, and a tail that is not signed yet is
    // no problem, but a checkpoint of entries that were not read would be.
    checkpoints.extend(log.checkpoints().await.map_err(failed)?);
    // one that has a time stamp is held with it too, and counts once
    checkpoints.sort_unstable();
    checkpoints.dedup();
    let mut check = LogVerifier::new(verifier, checkpoints);
    let mut next = 0;
    let mut archived = log.archived().await.map_err(failed)?.size;
    loop {
        if next < archived {
            let begun = next % TILE;
            let kept = log.leaf_hashes(next, TILE - begun).await.map_err(failed)?;
            match shelf.tile(next)? {
                Some(bodies) => {
                    let behind = usize::try_from(begun).unwrap_or_default();
                    let bodies = bodies.iter().skip(behind);
                    for ((leaf, body), kept) in (next..).zip(bodies).zip(&kept) {
                        check.entry(leaf, body, kept);
                    }
                }
                None => kept.iter().for_each(|kept| check.archived(kept)),
            }
            next += TILE - begun;
            continue;
        }
        let page = log.entries(next, PAGE).await.map_err(failed)?;
        if page.first().is_none_or(|(leaf, _)| *leaf != next) {
            // they may have left since this was begun
            archived = log.archived().await.map_err(failed)?.size;
            if next < archived {
                continue;
            }
        }
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
        Self {
            verified: report.problems.is_empty(),
            origin: verifier.origin().to_owned(),
            entries: report.entries,
            archived: report.archived,
            signed: report.signed,
            checkpoints: report.checkpoints,
            root: hex(&report.root),
            stamps: Vec::new(),
            problems: report.problems.iter().map(found).collect(),
            unlisted: report.unlisted,
        }
    }

    fn to_text(&self) -> String {
        let Self {
            origin,
            entries,
            archived,
            signed,
            checkpoints,
            root,
            ..
        } = self;
        let counts = format!(
            "log {origin}: {entries} entries, {signed} of them signed by {checkpoints} checkpoints\n\
             root {root}\n"
        );
        let mut text = counts;
        if *archived > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{archived} more are in the archive, and their hashes were read; --archive checks them too"
            );
        }
        for line in stamps::lines(&self.stamps) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{line}");
        }
        if self.verified {
            text.push_str("nothing was changed");
            return text;
        }
        for found in &self.problems {
            let _ = writeln!(text, "{}", found.problem);
        }
        if self.unlisted > 0 {
            let _ = writeln!(text, "and {} more", self.unlisted);
        }
        text.push_str("the log was changed");
        text
    }
}
