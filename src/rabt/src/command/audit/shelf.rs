//! The archives that somebody gives: the entries that have left storage.

use std::path::PathBuf;

use rabt_audit::{CHECKPOINT, Checkpoint, CheckpointVerifier, exported_bundle};

use crate::error::CommandError;

/// Folders of archives, ascending.
#[derive(Debug, Default)]
pub(super) struct Shelf(Vec<Folder>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    from: u64,
    to: u64,
}

impl Shelf {
    /// Looks what is in each folder; what they hold is checked as it is read.
    pub(super) fn of(
        paths: &[PathBuf],
        verifier: &CheckpointVerifier,
    ) -> Result<Self, CommandError> {
        let mut folders = Vec::new();
        for path in paths {
            let at = |error: &dyn std::fmt::Display| {
                let help = "give --archive a folder that is in audit.archive of the node";
                CommandError::usage(format!("{}: {error}", path.display()), help)
            };
            let note = std::fs::read(path.join(CHECKPOINT)).map_err(|error| at(&error))?;
            let checkpoint = verifier.open(&note).map_err(|error| at(&error))?;
            folders.push(Folder {
                path: path.clone(),
                from: Checkpoint::archive_from(&note).unwrap_or(0),
                to: checkpoint.size,
            });
        }
        folders.sort_by_key(|folder| (folder.from, folder.to));
        Ok(Self(folders))
    }

    /// Returns the entries of the tile that begins with a leaf, when a folder has them.
    pub(super) fn tile(&self, leaf: u64) -> Result<Option<Vec<Vec<u8>>>, CommandError> {
        let has = |folder: &&Folder| (folder.from..folder.to).contains(&leaf);
        let Some(folder) = self.0.iter().find(has) else {
            return Ok(None);
        };
        let mut read =
            |file: &str| std::fs::read(folder.path.join(file)).map_err(|error| error.to_string());
        let bundle = exported_bundle(&mut read, folder.to, leaf);
        bundle.map(Some).map_err(|error| {
            let message = format!("{}: {error}", folder.path.display());
            let help = "check the folder with `rabt audit verify FOLDER`";
            CommandError::one(crate::error::Exit::VerificationFailed, message, help)
        })
    }
}
