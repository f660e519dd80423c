//! How good the data of a source is, from counts alone.

use rabt_model::{SourceId, StreamId, Timestamp};
use rabt_storage::{ColumnCount, RunState, StorageError, Transaction};

use crate::services::Services;

/// Runs among which the last whole reading is looked for.
const RUNS: u32 = 100;

/// How good the data of a source is: parts from 0 to 100, rounded down, so that 100 is faultless.
/// A part that nothing is known of is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quality {
    /// Of the values that its rows could have, the share that is there.
    pub completeness: Option<u8>,
    /// Of the rows and values that are there, the share that the mapping took.
    pub validity: Option<u8>,
    /// 100 until the next reading is due; after twice that time 50. Only of a source that has a
    /// schedule.
    pub freshness: Option<u8>,
    /// The same of each column that is read, in the order of the streams and columns.
    pub columns: Vec<ColumnQuality>,
}

/// How good one column is, over the rows since its stream was last read from its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnQuality {
    /// Of which table or view.
    pub stream: StreamId,
    /// The column.
    pub column: String,
    /// Rows read.
    pub rows: u64,
    /// Rows without a value.
    pub missing: u64,
    /// Values that the mapping refused.
    pub refused: u64,
    /// The share of the rows that have a value.
    pub completeness: Option<u8>,
    /// The share of the values that the mapping took.
    pub validity: Option<u8>,
}

/// Since when data is as it is, and when it should be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Age {
    began: Timestamp,
    due: Timestamp,
}

impl Quality {
    /// Returns the lowest part; `None` when nothing is known.
    pub fn score(&self) -> Option<u8> {
        let parts = [self.completeness, self.validity, self.freshness];
        parts.into_iter().flatten().min()
    }
}

/// Returns how good the data of a source is.
pub(crate) async fn of_source(
    services: &Services,
    tx: &mut dyn Transaction,
    source: &SourceId,
) -> Result<Quality, StorageError> {
    let counts = tx.column_counts(source).await?;
    let registered = services.registry.current().source(source);
    let schedule = registered.and_then(|registered| registered.spec.schedule.clone());
    let freshness = match schedule {
        None => None,
        Some(schedule) => {
            let runs = tx.runs(source, RUNS).await?;
            let whole = runs.iter().find(|run| run.state == RunState::Succeeded);
            let age = whole.and_then(|run| {
                let ended = run.finished_at.unwrap_or(run.started_at);
                let due = schedule.after(run.started_at, ended)?;
                let due = due.checked_add(schedule.jitter).ok()?;
                Some(Age {
                    began: run.started_at,
                    due,
                })
            });
            Some(freshness(age, services.clock.now()))
        }
    };
    Ok(Quality {
        freshness,
        ..of_counts(&counts)
    })
}

/// Returns what counts say.
fn of_counts(counts: &[(StreamId, ColumnCount)]) -> Quality {
    let (mut rows, mut filled, mut there, mut refused) = (0, 0, 0, 0);
    let mut columns = Vec::new();
    for (stream, count) in counts {
        let present = count.rows.saturating_sub(count.missing);
        there += present;
        refused += count.refused.min(present);
        if count.column.is_empty() {
            continue;
        }
        rows += count.rows;
        filled += present;
        columns.push(ColumnQuality {
            stream: stream.clone(),
            column: count.column.clone(),
            rows: count.rows,
            missing: count.missing,
            refused: count.refused,
            completeness: share(present, count.rows),
            validity: share(present.saturating_sub(count.refused), present),
        });
    }
    Quality {
        completeness: share(filled, rows),
        validity: share(there - refused, there),
        freshness: None,
        columns,
    }
}

/// Returns the share in percent, rounded down; `None` of nothing.
fn share(part: u64, whole: u64) -> Option<u8> {
    let percent = u128::from(part) * 100 / u128::from((whole > 0).then_some(whole)?);
    u8::try_from(percent).ok()
}

/// Returns how fresh data is; what was never read whole is not.
fn freshness(age: Option<Age>, now: Timestamp) -> u8 {
    let Some(Age { began, due }) = age else {
        return 0;
    };
    if now <= due {
        return 100;
    }
    let passed = |until: Timestamp| {
        let micros = until.as_microsecond() - began.as_microsecond();
        u64::try_from(micros).unwrap_or_default()
    };
    share(passed(due), passed(now)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rabt_model::{StreamId, Timestamp};
    use rabt_storage::ColumnCount;

    use super::{Age, freshness, of_counts};

    fn count(column: &str, rows: u64, missing: u64, refused: u64) -> (StreamId, ColumnCount) {
        let count = ColumnCount {
            column: column.to_owned(),
            rows,
            missing,
            refused,
        };
        ("person".parse().unwrap(), count)
    }

    #[test]
    fn parts_are_shares_of_what_could_be() {
        let counts = [
            count("", 1_000, 0, 0),
            count("name", 1_000, 0, 1),
            count("phone", 1_000, 500, 100),
            count("fax", 1_000, 1_000, 0),
        ];
        let quality = of_counts(&counts);
        assert_eq!(quality.completeness, Some(50));
        assert_eq!(quality.validity, Some(95));
        assert_eq!(quality.score(), Some(50));
        let parts: Vec<_> = quality
            .columns
            .iter()
            .map(|column| (column.column.as_str(), column.completeness, column.validity))
            .collect();
        assert_eq!(
            parts,
            [
                ("name", Some(100), Some(99)),
                ("phone", Some(50), Some(80)),
                ("fax", Some(0), None)
            ]
        );
    }

    #[test]
    fn of_nothing_nothing_is_said() {
        let quality = of_counts(&[]);
        assert_eq!(
            (quality.completeness, quality.validity, quality.score()),
            (None, None, None)
        );
        let empty = of_counts(&[count("", 0, 0, 0), count("name", 0, 0, 0)]);
        assert_eq!(empty.score(), None);
    }

    #[test]
    fn data_ages_from_when_it_should_have_been_read_again() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let age = Age {
            began: at("2026-06-01T10:00:00Z"),
            due: at("2026-06-01T10:15:00Z"),
        };
        let fresh = |now: &str| freshness(Some(age), at(now));
        assert_eq!(fresh("2026-06-01T10:15:00Z"), 100);
        assert_eq!(fresh("2026-06-01T10:15:01Z"), 99);
        assert_eq!(fresh("2026-06-01T10:30:00Z"), 50);
        assert_eq!(fresh("2026-06-02T10:00:00Z"), 1);
        assert_eq!(freshness(None, age.began), 0);
    }

    proptest! {
        /// Whatever was counted, parts lie between 0 and 100, and are 100 only when nothing is
        /// missing or refused.
        #[test]
        fn parts_are_percentages(
            given in prop::collection::vec((0_u64..1 << 40, 0_u64..1 << 40, 0_u64..1 << 40), 1..9),
        ) {
            let counts: Vec<_> = given
                .iter()
                .enumerate()
                .map(|(place, (rows, missing, refused))| {
                    count(&format!("c{place}"), *rows, *missing.min(rows), *refused)
                })
                .collect();
            let quality = of_counts(&counts);
            prop_assert!(quality.completeness.is_none_or(|part| part <= 100));
            prop_assert!(quality.validity.is_none_or(|part| part <= 100));
            let missing: u64 = counts.iter().map(|(_, count)| count.missing).sum();
            let refused = counts.iter().any(|(_, count)| {
                count.refused > 0 && count.rows > count.missing
            });
            prop_assert_eq!(quality.completeness == Some(100), missing == 0 && quality.completeness.is_some());
            prop_assert_eq!(quality.validity == Some(100), !refused && quality.validity.is_some());
        }
    }
}
