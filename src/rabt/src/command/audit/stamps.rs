//! Time stamps over checkpoints: since when the log provably exists.

use std::path::Path;

use rabt_audit::{StampRoots, verify_stamp};
use rabt_storage::AuditLog;
use serde::Serialize;

use crate::error::CommandError;

/// Stamps that are read at a time.
pub(super) const STAMPS: u32 = 100;

/// That the first entries of the log existed at a time.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Told {
    entries: u64,
    existed_at: String,
    authority: String,
}

/// The stamps that storage holds.
#[derive(Debug, Default)]
pub(super) struct Stamped {
    /// The checkpoints that were stamped, each under the size it is kept under.
    pub(super) checkpoints: Vec<(u64, Vec<u8>)>,
    /// The stamps that hold.
    pub(super) told: Vec<Told>,
    /// What is wrong with the others, each under its size.
    pub(super) problems: Vec<(u64, String)>,
}

impl Told {
    pub(super) fn of(stamped: &rabt_audit::Stamped) -> Self {
        Self {
            entries: stamped.size,
            existed_at: stamped.at.to_string(),
            authority: stamped.authority.clone(),
        }
    }
}

/// Reads the authorities of time stamps from a file that a setting or an argument names.
pub(crate) fn read_roots(name: &str, path: &Path) -> Result<StampRoots, CommandError> {
    let at = |error: &dyn std::fmt::Display| {
        let help =
            "name a PEM file with the certificate of the authority that signs for its time stamps";
        CommandError::usage(format!("{name}: {}: {error}", path.display()), help)
    };
    let text = std::fs::read(path).map_err(|error| at(&error))?;
    StampRoots::from_pem(&text).map_err(|error| at(&error))
}

/// Reads and checks the stamps of a log.
pub(super) async fn read(log: &dyn AuditLog, roots: &StampRoots) -> Result<Stamped, CommandError> {
    let mut all = Stamped::default();
    let mut after = 0;
    loop {
        let page = log.stamps_after(after, STAMPS).await;
        let page = page
            .map_err(|error| CommandError::failed(error, "see storage.url, or give --storage"))?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        after = last.size;
        for stamp in page {
            match verify_stamp(&stamp.note, &stamp.reply, roots) {
                Ok(told) => all.told.push(Told {
                    entries: stamp.size,
                    existed_at: told.at.to_string(),
                    authority: told.authority,
                }),
                Err(error) => {
                    let size = stamp.size;
                    let problem = format!("time stamp over {size} entries: {error}");
                    all.problems.push((size, problem));
                }
            }
            all.checkpoints.push((stamp.size, stamp.note));
        }
    }
}

/// Says what stamps show: of the first one since when, of the last one up to where.
pub(super) fn lines(stamps: &[Told]) -> Vec<String> {
    let (Some(first), Some(last)) = (stamps.first(), stamps.last()) else {
        return Vec::new();
    };
    let line = |told: &Told| {
        let Told {
            entries,
            existed_at,
            authority,
        } = told;
        format!("the first {entries} entries existed at {existed_at}, says {authority}")
    };
    let mut lines = vec![format!("{} time stamps hold", stamps.len()), line(first)];
    if stamps.len() > 1 {
        lines.push(line(last));
    }
    lines
}
