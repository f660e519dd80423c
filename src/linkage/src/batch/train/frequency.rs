//! How common values are, for the columns whose shares the model's levels ask for.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::Trained;
use crate::model::{ColumnType, ModelError};
use crate::standardise::{Standardised, value};

/// Times that a value must have been seen to be listed.
const SEEN: u32 = 5;

/// The most values that are listed.
const LISTED: usize = 10_000;

/// Learns the shares of the values of every column that a level adjusts by.
pub(super) fn learn(trained: &mut Trained, data: &Standardised) -> Result<(), ModelError> {
    let comparisons = trained.model.comparisons.iter();
    let asked = comparisons.flat_map(|comparison| comparison.frequencies.iter().flatten());
    let mut columns: Vec<usize> = asked.map(|frequency| frequency.column).collect();
    columns.sort_unstable();
    columns.dedup();
    for column in columns {
        let kind = trained.model.columns[column].kind;
        let counts = count(data, kind, column);
        let total: u64 = counts.values().map(|(seen, _)| u64::from(*seen)).sum();
        if total == 0 {
            continue;
        }
        let (values, other) = shares(data, kind, column, &counts, total);
        let id = &trained.model.columns[column].id;
        let sentence = format!(
            "Shares of {} values of '{id}' learned from {total} records.",
            values.len()
        );
        trained.model.set_term_frequency(column, values, other)?;
        trained.report.learned.push(sentence);
    }
    Ok(())
}

/// `(times seen, a row that has it)` by what a card holds of the value.
type Seen = FxHashMap<u64, (u32, u32)>;

fn count(data: &Standardised, kind: ColumnType, column: usize) -> Seen {
    let rows = 0..u32::try_from(data.len()).unwrap_or(u32::MAX);
    let parts = rows.into_par_iter().with_min_len(1 << 15);
    let parts = parts.fold(Seen::default, |mut seen, row| {
        if let Some(key) = value::key_of_card(data, kind, column, data.card(row)) {
            seen.entry(key).or_insert((0, row)).0 += 1;
        }
        seen
    });
    parts.reduce(Seen::default, |mut all, part| {
        for (key, (seen, row)) in part {
            all.entry(key).or_insert((0, row)).0 += seen;
        }
        all
    })
}

fn shares(
    data: &Standardised,
    kind: ColumnType,
    column: usize,
    counts: &Seen,
    total: u64,
) -> (Vec<(String, f64)>, f64) {
    let often = counts.values().filter(|(seen, _)| *seen >= SEEN);
    let mut listed: Vec<(u32, String)> = often
        .map(|(seen, row)| {
            (
                *seen,
                value::text_of_card(data, kind, column, data.card(*row)),
            )
        })
        .collect();
    listed.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    listed.truncate(LISTED);
    let share = |seen: f64| format!("{:.2e}", seen / real(total)).parse().unwrap_or(1.0);
    let rest = total - listed.iter().map(|(seen, _)| u64::from(*seen)).sum::<u64>();
    let unlisted = (counts.len() - listed.len()).max(1) as u64;
    // A value that is not listed is as common as those that are not are on average.
    let other = share((real(rest) / real(unlisted)).max(0.5));
    let values = listed.into_iter();
    (
        values
            .map(|(seen, text)| (text, share(f64::from(seen))))
            .collect(),
        other,
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn real(count: u64) -> f64 {
    count as f64
}
