//! `rabt audit`: read the log, take it away as files, and prove that nobody changed it.

mod archive;
mod files;
mod remote;
mod replay;
mod shelf;
mod shred;
mod stamps;
mod verify;
mod view;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use rabt_storage::{AuditLog, Storage};

pub(crate) use stamps::read_roots as read_stamp_roots;

use super::{StorageAt, block_on};
use crate::client::Connection;
use crate::error::CommandError;
use crate::render::Render;

/// Entries that are read at a time.
const PAGE: u64 = 2_000;

/// Whose log is read unless --as says otherwise.
const USUAL_IDENTITY: &str = "auditor";

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditArgs {
    /// List entries through a running server, the newest first. Reading is an entry too.
    List(ListArgs),
    /// Show entries as they are written, through a running server.
    Tail(TailArgs),
    /// Print the signed checkpoint of the log through a running server.
    Checkpoint(CheckpointArgs),
    /// Prove through a running server that an entry is in the log, or that the log only grew.
    Proof(ProofArgs),
    /// Hand in the signature of a witness, through a running server.
    Witness(WitnessArgs),
    /// Write the log as files that anybody can verify with the public key alone, C2SP tlog-tiles.
    Export(ExportArgs),
    /// Check every entry against the signed checkpoints, in storage, in an exported folder, or in a receipt.
    /// Exit code 4 when something was changed.
    Verify(verify::VerifyArgs),
    /// Say whether a saved answer is what was recorded, and whether a running server would give it again, as of
    /// then and now. Exit code 4 when it is not what was recorded.
    Replay(replay::ReplayArgs),
    /// Let old entries leave storage for an archive, as two people.
    #[command(subcommand)]
    Archive(archive::ArchiveArgs),
    /// Destroy the keys that lead from a citizen to the entries about them, as two people.
    #[command(subcommand)]
    Shred(shred::ShredArgs),
}

/// Which entries.
#[derive(Debug, clap::Args)]
struct Which {
    /// Kind of event, such as `disclosed` or `denied`.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Agency that asked, or whose source it is.
    #[arg(long, value_name = "AGENCY")]
    agency: Option<String>,
    /// Agreement that was asked under.
    #[arg(long, value_name = "AGREEMENT")]
    agreement: Option<String>,
    /// Method that was called, such as `LookupCitizen`.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// How it ended, such as `absent` or `PURPOSE`.
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// No entry of before this time, such as `2026-06-01T00:00:00Z`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// No entry of this time or later.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// `rabt audit list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// List the oldest first.
    #[arg(long)]
    oldest_first: bool,
    /// Largest number of entries.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt audit tail`
#[derive(Debug, clap::Args)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    which: Which,
    /// Leaf to begin with; what is written from now on when absent.
    #[arg(long, value_name = "LEAF")]
    from: Option<u64>,
    /// End after this many entries; with --json they are one object.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt audit checkpoint`
#[derive(Debug, clap::Args)]
pub(crate) struct CheckpointArgs {
    /// Size of the tree; the largest when absent.
    #[arg(long, value_name = "ENTRIES")]
    size: Option<u64>,
    /// The largest that a witness has signed.
    #[arg(long, conflicts_with = "size")]
    witnessed: bool,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt audit proof`
#[derive(Debug, clap::Args)]
pub(crate) struct ProofArgs {
    /// Prove that this leaf is in the log.
    #[arg(long, value_name = "LEAF", required_unless_present = "from")]
    leaf: Option<u64>,
    /// Prove that the log of so many entries is the beginning of the present one.
    #[arg(long, value_name = "ENTRIES", conflicts_with = "leaf")]
    from: Option<u64>,
    /// Size of the tree; that of the largest checkpoint when absent.
    #[arg(long, value_name = "ENTRIES")]
    size: Option<u64>,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt audit witness`
#[derive(Debug, clap::Args)]
pub(crate) struct WitnessArgs {
    /// Size of the tree whose checkpoint was signed.
    #[arg(long, value_name = "ENTRIES")]
    size: u64,
    /// The witness's line of the note, from the dash to the signature.
    line: String,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt audit export`
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// Folder to make.
    folder: PathBuf,
    /// Read storage instead of asking a running server.
    #[arg(long)]
    offline: bool,
    /// Archive that holds entries that have left storage. May be given again.
    #[arg(long = "archive", value_name = "FOLDER")]
    archives: Vec<PathBuf>,
    #[command(flatten)]
    at: StorageAt,
    #[command(flatten)]
    connection: Connection,
}

/// Runs `rabt audit`.
pub(crate) fn run(args: &AuditArgs, render: &Render) -> Result<ExitCode, CommandError> {
    block_on(Box::pin(async {
        match args {
            AuditArgs::List(args) => remote::list(args, render).await,
            AuditArgs::Tail(args) => remote::tail(args, render).await,
            AuditArgs::Checkpoint(args) => remote::checkpoint(args, render).await,
            AuditArgs::Proof(args) => remote::proof(args, render).await,
            AuditArgs::Witness(args) => remote::witness(args, render).await,
            AuditArgs::Export(args) => files::export(args, render).await,
            AuditArgs::Verify(args) => verify::verify(args, render).await,
            AuditArgs::Replay(args) => replay::replay(args, render).await,
            AuditArgs::Archive(args) => archive::run(args, render).await,
            AuditArgs::Shred(args) => shred::run(args, render).await,
        }
    }))
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
