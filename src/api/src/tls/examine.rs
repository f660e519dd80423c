//! The same reading as at a start, for somebody who wants to know before.

use rabt_model::Timestamp;

use super::{Ending, Source, Stage};
use crate::{ApiError, TlsFiles};

/// What the files of `[tls]` say of themselves.
#[derive(Debug)]
pub struct Examined {
    /// Each certificate and list with its time, and how soon that ends.
    pub endings: Vec<(Ending, Stage)>,
    /// What revocation lists do not cover.
    pub notes: Vec<String>,
}

/// Reads the files as a start would.
///
/// # Errors
/// One cannot be used; a node would not start.
pub fn examine(files: &TlsFiles, now: Timestamp) -> Result<Examined, ApiError> {
    let source = Source::load(files)?;
    source.verifier()?;
    let with_stage = |ending: &Ending| (ending.clone(), ending.stage(now));
    Ok(Examined {
        endings: source.endings.iter().map(with_stage).collect(),
        notes: source.coverage(),
    })
}
