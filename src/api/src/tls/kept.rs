//! A part of the settings that is read from files, and read again when they change.
//!
//! Invariant: what does not load changes nothing; the last that did stays.

use std::path::PathBuf;
use std::time::SystemTime;

use jiff::SignedDuration;
use rabt_model::Timestamp;
use tracing::{error, info};

use crate::ApiError;

/// How often something that stays wrong is told.
pub(super) const ALARM_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// Looks after a change in which the files are read whatever their marks say: a file that is written
/// twice within one tick of the file system's clock keeps its marks.
const FRESH: u8 = 8;

/// A part and where it comes from.
#[derive(Debug)]
pub(super) struct Kept<T> {
    files: Vec<PathBuf>,
    marks: Vec<Option<Mark>>,
    fresh: u8,
    value: T,
    trouble: Option<Trouble>,
}

/// What changes when a file does.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    length: u64,
    modified: Option<SystemTime>,
    place: (u64, u64, i64, i64),
}

#[derive(Debug)]
struct Trouble {
    reason: String,
    told: Timestamp,
}

impl<T: PartialEq> Kept<T> {
    /// Reads the part for the first time.
    pub(super) fn load(
        files: Vec<PathBuf>,
        read: impl FnOnce() -> Result<T, ApiError>,
    ) -> Result<Self, ApiError> {
        let marks = marks(&files);
        let value = read()?;
        Ok(Self {
            files,
            marks,
            fresh: FRESH,
            value,
            trouble: None,
        })
    }

    /// Returns what is in force.
    pub(super) fn value(&self) -> &T {
        &self.value
    }

    /// Looks whether the files have changed and says whether the part has. `must` reads them
    /// whatever their marks say.
    pub(super) fn look(
        &mut self,
        now: Timestamp,
        must: bool,
        read: impl FnOnce() -> Result<T, ApiError>,
    ) -> bool {
        let marks = marks(&self.files);
        if marks != self.marks {
            self.marks = marks;
            self.fresh = FRESH;
        }
        if self.fresh == 0 && self.trouble.is_none() && !must {
            return false;
        }
        self.fresh = self.fresh.saturating_sub(1);
        match read() {
            Ok(value) => {
                if self.trouble.take().is_some() {
                    info!(files = ?self.files, "can be used again");
                }
                let changed = value != self.value;
                self.value = value;
                changed
            }
            Err(error) => {
                self.alarm(now, must, &error);
                false
            }
        }
    }

    /// Tells what is wrong: when it is new, when it was asked for, and from time to time while it
    /// lasts.
    fn alarm(&mut self, now: Timestamp, must: bool, error: &ApiError) {
        let reason = error.to_string();
        let told = self.trouble.as_ref().is_some_and(|trouble| {
            trouble.reason == reason && now.duration_since(trouble.told) < ALARM_INTERVAL
        });
        if must || !told {
            error!(%error, "the last that could be used stays in force");
            self.trouble = Some(Trouble { reason, told: now });
        }
    }
}

fn marks(files: &[PathBuf]) -> Vec<Option<Mark>> {
    files
        .iter()
        .map(|file| {
            let found = std::fs::metadata(file).ok()?;
            Some(Mark {
                length: found.len(),
                modified: found.modified().ok(),
                place: place(&found),
            })
        })
        .collect()
}

/// Returns what tells a file from another one of the same length and time that took its name.
#[cfg(unix)]
fn place(found: &std::fs::Metadata) -> (u64, u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino(), found.ctime(), found.ctime_nsec())
}

#[cfg(not(unix))]
fn place(_: &std::fs::Metadata) -> (u64, u64, i64, i64) {
    (0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rabt_model::Timestamp;

    use super::Kept;
    use crate::ApiError;

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn read(file: &PathBuf) -> Result<String, ApiError> {
        let text =
            std::fs::read_to_string(file).map_err(|error| ApiError::Tls(error.to_string()))?;
        if text == "broken" {
            return Err(ApiError::Tls(text));
        }
        Ok(text)
    }

    #[test]
    fn what_changes_is_taken_and_what_does_not_load_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "first").unwrap();
        let mut kept = Kept::load(vec![file.clone()], || read(&file)).unwrap();
        assert!(!kept.look(now(), false, || read(&file)));
        for (text, changes, stays) in [
            ("other", true, "other"),
            // as long as the one before, and within one tick of the clock
            ("third", true, "third"),
            ("broken", false, "third"),
            ("fourth", true, "fourth"),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(kept.look(now(), false, || read(&file)), changes, "{text}");
            assert_eq!(kept.value(), stays);
        }
        std::fs::remove_file(&file).unwrap();
        assert!(!kept.look(now(), false, || read(&file)));
        assert_eq!(kept.value(), "fourth");
    }

    #[test]
    fn a_file_that_stays_as_it_is_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "first").unwrap();
        let mut kept = Kept::load(vec![file.clone()], || read(&file)).unwrap();
        let mut reads = 0;
        for _ in 0..100 {
            kept.look(now(), false, || {
                reads += 1;
                read(&file)
            });
        }
        assert!(reads < 10, "{reads}");
        kept.look(now(), true, || {
            reads = 1_000;
            read(&file)
        });
        assert_eq!(reads, 1_000);
    }
}
