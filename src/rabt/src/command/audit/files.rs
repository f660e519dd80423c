//! The log as a folder of files, and its check without a server or storage.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use rabt_audit::{
    CHECKPOINT, CheckpointVerifier, Export, ExportFile, ExportTrust, Exporter, Receipt, WITNESSED,
    stamp_files, verify_export,
};
use rabt_proto::audit as pb;
use rabt_storage::Archived;
use serde::Serialize;

use super::shelf::Shelf;
use super::stamps::{self, STAMPS, Told};
use super::verify::VerifyArgs;
use super::{ExportArgs, PAGE, hex, log_of, remote};
use crate::client::refusal;
use crate::error::{CommandError, Exit};
use crate::keys;
use crate::render::Render;

const KEY_HELP: &str = "give --public-key the file log.pub of the node whose log it is";

#[derive(Serialize)]
struct Written {
    folder: String,
    entries: u64,
}

/// A folder that is being written, and what it holds so far.
struct Folder<'a> {
    path: &'a Path,
    exporter: Exporter,
    entries: u64,
}

pub(super) async fn export(args: &ExportArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let verifier = verifier_of(args)?;
    let mut folder = Folder::make(&args.folder)?;
    if let Some(verifier) = &verifier {
        from_archives(args, verifier, &mut folder)?;
    }
    if args.offline {
        from_storage(args, &mut folder).await?;
    } else {
        from_server(args, &mut folder).await?;
    }
    let entries = folder.finish()?;
    let written = Written {
        folder: args.folder.display().to_string(),
        entries,
    };
    render.result(&written, || {
        format!(
            "{entries} entries are in {}\ncheck them with: rabt audit verify {} --key log.pub",
            written.folder, written.folder
        )
    });
    Ok(ExitCode::SUCCESS)
}

/// Returns the public key of the log, when archives are given.
fn verifier_of(args: &ExportArgs) -> Result<Option<CheckpointVerifier>, CommandError> {
    if args.archives.is_empty() {
        return Ok(None);
    }
    let settled = args.at.file.settle()?;
    let folder = settled.path(&settled.config.audit.keys);
    keys::read_verifier(&folder.join(keys::VERIFIER)).map(Some)
}

/// Takes the entries that have left storage, from the first one on.
fn from_archives(
    args: &ExportArgs,
    verifier: &CheckpointVerifier,
    folder: &mut Folder<'_>,
) -> Result<(), CommandError> {
    let shelf = Shelf::of(&args.archives, verifier)?;
    while let Some(bodies) = shelf.tile(folder.entries)? {
        for body in bodies {
            folder.entry(&body)?;
        }
    }
    Ok(())
}

async fn from_server(args: &ExportArgs, folder: &mut Folder<'_>) -> Result<(), CommandError> {
    let mut client = remote::connect(&args.connection).await?;
    let request = pb::ExportEvidenceRequest {
        from_leaf: folder.entries,
        ..Default::default()
    };
    let told = client.export_evidence(request).await;
    let mut told = told.map_err(|status| refusal(&status))?.into_inner();
    while let Some(message) = told.message().await.map_err(|status| refusal(&status))? {
        for body in &message.bodies {
            folder.entry(body)?;
        }
        for stamp in &message.stamps {
            folder.stamp(stamp.size, stamp.checkpoint.as_bytes(), &stamp.reply)?;
        }
        if !message.checkpoint.is_empty() {
            folder.put(CHECKPOINT, message.checkpoint.as_bytes())?;
        }
        if !message.witnessed_checkpoint.is_empty() {
            folder.put(WITNESSED, message.witnessed_checkpoint.as_bytes())?;
        }
    }
    Ok(())
}

fn in_archive(archived: &Archived) -> CommandError {
    let Archived { size, folder, .. } = archived;
    let message = format!(
        "the entries before leaf {size} are in the archive, the last of them in its folder {folder}"
    );
    let help = "give --archive each folder that holds them, and a new folder for the export";
    CommandError::usage(message, help)
}

async fn from_storage(args: &ExportArgs, folder: &mut Folder<'_>) -> Result<(), CommandError> {
    let failed = |error| CommandError::failed(error, "see storage.url, or give --storage");
    let (storage, settled) = args.at.open().await?;
    let key = settled
        .path(&settled.config.audit.keys)
        .join(keys::VERIFIER);
    let verifier = keys::read_verifier(&key)?;
    let log = log_of(storage.as_ref(), verifier.origin()).await?;
    // before the entries: a running node appends
    let witnessed = log.latest_witnessed().await.map_err(failed)?;
    let checkpoint = log.latest_checkpoint().await.map_err(failed)?;
    let checkpoint = checkpoint.ok_or_else(|| {
        let help = "start the node once; it signs its first entry";
        CommandError::failed("the log has no checkpoint", help)
    })?;
    let opened = verifier.open(&checkpoint);
    let opened = opened.map_err(|error| {
        let message = format!("the latest checkpoint {error}");
        CommandError::failed(message, "see `rabt audit verify`")
    })?;
    let mut next = folder.entries;
    while next < opened.size {
        let page = log.entries(next, PAGE.min(opened.size - next)).await;
        let page = page.map_err(failed)?;
        if page.first().is_none_or(|(leaf, _)| *leaf != next) {
            // they left before, or leave while this is read
            let archived = log.archived().await.map_err(failed)?;
            if next < archived.size {
                return Err(in_archive(&archived));
            }
        }
        if page.is_empty() {
            let help = "see `rabt audit verify`";
            return Err(CommandError::failed(
                "the log ends before its checkpoint",
                help,
            ));
        }
        for (leaf, entry) in page {
            next = leaf + 1;
            folder.entry(&entry.body)?;
        }
    }
    let mut stamped = 0;
    loop {
        let page = log.stamps_after(stamped, STAMPS).await.map_err(failed)?;
        let within = page.iter().filter(|stamp| stamp.size <= opened.size);
        for stamp in within {
            folder.stamp(stamp.size, &stamp.note, &stamp.reply)?;
        }
        match page.last() {
            Some(last) => stamped = last.size,
            None => break,
        }
    }
    storage.close().await;
    folder.put(CHECKPOINT, &checkpoint)?;
    match witnessed {
        Some(note) => folder.put(WITNESSED, &note),
        None => Ok(()),
    }
}

impl<'a> Folder<'a> {
    fn make(path: &'a Path) -> Result<Self, CommandError> {
        fs::create_dir(path).map_err(|error| {
            let help = "name a folder that is not there yet, in one that is";
            CommandError::usage(format!("{}: {error}", path.display()), help)
        })?;
        Ok(Self {
            path,
            exporter: Exporter::new(),
            entries: 0,
        })
    }

    fn entry(&mut self, body: &[u8]) -> Result<(), CommandError> {
        self.exporter.entry(body);
        self.entries += 1;
        let files = self.exporter.take();
        self.put_all(files)
    }

    fn finish(self) -> Result<u64, CommandError> {
        let Self {
            path,
            exporter,
            entries,
        } = self;
        let files = exporter.finish();
        let rest = Self {
            path,
            exporter: Exporter::new(),
            entries,
        };
        rest.put_all(files)?;
        Ok(entries)
    }

    fn put_all(&self, files: Vec<ExportFile>) -> Result<(), CommandError> {
        for (file, bytes) in files {
            self.put(&file, &bytes)?;
        }
        Ok(())
    }

    /// Writes a checkpoint and the time stamp over it.
    fn stamp(&self, size: u64, note: &[u8], reply: &[u8]) -> Result<(), CommandError> {
        let (file, stamp) = stamp_files(size);
        self.put(&file, note)?;
        self.put(&stamp, reply)
    }

    fn put(&self, file: &str, bytes: &[u8]) -> Result<(), CommandError> {
        let path = self.path.join(file);
        let folder = path.parent().unwrap_or(self.path);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
        written.map_err(|error| {
            let help = "see that there is room, and that the folder may be written";
            CommandError::failed(format!("{}: {error}", path.display()), help)
        })
    }
}

#[derive(Serialize)]
struct Checked {
    verified: bool,
    origin: String,
    first: u64,
    entries: u64,
    root: String,
    witnesses: Vec<Witness>,
    stamps: Vec<Told>,
    unchecked_stamps: u64,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Witness {
    name: String,
    entries: u64,
    signed_at: u64,
}

/// Checks an exported folder, or the receipt of one entry.
pub(super) fn verify_folder(
    path: &Path,
    args: &VerifyArgs,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let Some(key) = &args.public_key else {
        return Err(CommandError::usage("the public key is missing", KEY_HELP));
    };
    let verifier = keys::read_verifier(key)?;
    if path.is_file() {
        return verify_receipt(path, &verifier, render);
    }
    let witnesses = args.witnesses.iter().map(|key| keys::read_witness(key));
    let witnesses = witnesses.collect::<Result<Vec<_>, _>>()?;
    let mut files = BTreeSet::new();
    walk(path, "", &mut files)?;
    let mut read = |file: &str| fs::read(path.join(file)).map_err(|error| error.to_string());
    let roots = args.roots()?;
    let trust = ExportTrust {
        log: &verifier,
        witnesses: &witnesses,
        time: roots.as_ref(),
    };
    let found = verify_export(&files, &mut read, trust);
    let checked = Checked::of(&verifier, &found);
    render.result(&checked, || checked.to_text());
    Ok(if checked.verified {
        ExitCode::SUCCESS
    } else {
        Exit::VerificationFailed.into()
    })
}

pub(super) fn walk(
    path: &Path,
    below: &str,
    files: &mut BTreeSet<String>,
) -> Result<(), CommandError> {
    let failed = |error| {
        let help = "name a folder that `rabt audit export` wrote";
        CommandError::usage(format!("{}: {error}", path.display()), help)
    };
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name);
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Receipted {
    verified: bool,
    origin: String,
    leaf: Option<u64>,
    entry: serde_json::Value,
    problem: Option<String>,
}

fn verify_receipt(
    path: &Path,
    verifier: &CheckpointVerifier,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let text = fs::read_to_string(path).map_err(|error| {
        let help = "name a receipt, as a portal gives it";
        CommandError::usage(format!("{}: {error}", path.display()), help)
    })?;
    let read = Receipt::from_text(&text);
    let leaf = read.as_ref().ok().map(|receipt| receipt.index);
    let shown = read.and_then(|receipt| receipt.verify(verifier));
    let origin = verifier.origin().to_owned();
    let receipted = match shown {
        Ok(entry) => Receipted {
            verified: true,
            origin,
            leaf,
            entry: serde_json::from_slice(&entry.encode().body).unwrap_or_default(),
            problem: None,
        },
        Err(error) => Receipted {
            verified: false,
            origin,
            leaf,
            entry: serde_json::Value::Null,
            problem: Some(error.to_string()),
        },
    };
    render.result(&receipted, || match &receipted.problem {
        None => format!(
            "{}\nis leaf {} of the log {}",
            receipted.entry,
            leaf.unwrap_or_default(),
            receipted.origin
        ),
        Some(problem) => format!("{problem}\nthe receipt shows nothing"),
    });
    Ok(if receipted.verified {
        ExitCode::SUCCESS
    } else {
        Exit::VerificationFailed.into()
    })
}

impl Checked {
    fn of(verifier: &CheckpointVerifier, found: &Export) -> Self {
        let witness = |(name, entries, signed_at): &(String, u64, u64)| Witness {
            name: name.clone(),
            entries: *entries,
            signed_at: *signed_at,
        };
        Self {
            verified: found.problems.is_empty(),
            origin: verifier.origin().to_owned(),
            first: found.first,
            entries: found.entries,
            root: hex(&found.root),
            witnesses: found.witnesses.iter().map(witness).collect(),
            stamps: found.stamps.iter().map(Told::of).collect(),
            unchecked_stamps: found.unchecked,
            problems: found.problems.iter().map(ToString::to_string).collect(),
        }
    }

    fn to_text(&self) -> String {
        let Self {
            origin,
            first,
            entries,
            root,
            ..
        } = self;
        let mut lines = vec![
            match first {
                0 => format!("log {origin}: {entries} entries"),
                first => format!(
                    "log {origin}: {entries} entries from leaf {first} on, an archive; those before are in others"
                ),
            },
            format!("root {root}"),
        ];
        for Witness { name, entries, .. } in &self.witnesses {
            lines.push(format!("{name} has signed {entries} entries"));
        }
        lines.extend(stamps::lines(&self.stamps));
        if self.unchecked_stamps > 0 {
            let unchecked = self.unchecked_stamps;
            lines.push(format!(
                "{unchecked} time stamps were not checked; give --tsa-ca the authority's certificate"
            ));
        }
        lines.extend(self.problems.iter().cloned());
        lines.push(if self.verified {
            "nothing was changed".to_owned()
        } else {
            "the export was changed".to_owned()
        });
        lines.join("\n")
    }
}
