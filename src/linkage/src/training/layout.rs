//! Patterns as rows of cell numbers, so that an iteration looks nothing up by hash.
//!
//! Comparisons are taken together in groups; a cell of a group stands for one combination of
//! their levels. A pattern is then two to four cell numbers instead of one level for each
//! comparison: fewer loads and stores for each pattern and iteration, with the same result.

use super::pattern::{Counts, real};
use super::share::Table;

/// The most cells of one group: its numbers stay in the nearest cache.
const CELLS: usize = 1024;

/// One number for pairs of one person and one for relatives.
pub(super) type Both = [f64; 2];

/// Some comparisons taken together.
#[derive(Debug)]
struct Group {
    /// `(comparison, number of its levels)`.
    members: Vec<(usize, usize)>,
    /// The first cell.
    base: usize,
    cells: usize,
}

/// The patterns of a pass in rows of cells.
#[derive(Debug)]
pub(super) struct Layout {
    groups: Vec<Group>,
    /// The cells of every pattern, one for each group, pattern after pattern.
    pub(super) rows: Vec<u16>,
    /// The pairs of every pattern, in rising order.
    pub(super) pairs: Vec<f64>,
}

impl Layout {
    /// Lays out the patterns of `counts`, by the `used` comparisons alone.
    pub(super) fn of(counts: &Counts, used: &[bool], levels: &[usize]) -> Self {
        let groups = group(used, levels);
        let mut sorted = counts.sorted_by(used);
        // Equal numbers of pairs side by side: their logarithms are then taken together.
        sorted.sort_unstable_by_key(|(pattern, pairs)| (*pairs, *pattern));
        let mut rows = Vec::with_capacity(sorted.len() * groups.len());
        for (pattern, _) in &sorted {
            for group in &groups {
                let index = group.members.iter().fold(0, |index, (comparison, levels)| {
                    index * levels + pattern.level(*comparison)
                });
                rows.push(u16::try_from(group.base + index).unwrap_or(0));
            }
        }
        Self {
            groups,
            rows,
            pairs: sorted.into_iter().map(|(_, pairs)| real(pairs)).collect(),
        }
    }

    /// Returns the number of groups.
    pub(super) fn width(&self) -> usize {
        self.groups.len()
    }

    /// Multiplies the ratios of levels into those of cells.
    pub(super) fn cells(&self, ratio: impl Fn(usize, usize) -> Both) -> Vec<Both> {
        let mut all = Vec::new();
        for group in &self.groups {
            let mut cells = vec![[1.0; 2]];
            for (comparison, levels) in &group.members {
                let own: Vec<Both> = (0..*levels).map(|l| ratio(*comparison, l)).collect();
                cells = cells
                    .iter()
                    .flat_map(|[a, b]| own.iter().map(move |[c, d]| [a * c, b * d]))
                    .collect();
            }
            all.extend(cells);
        }
        all
    }

    /// Sums what lies in cells by level, into one table for each class.
    pub(super) fn by_level(&self, cells: &[Both], levels: &[usize]) -> [Table; 2] {
        let empty: Table = levels.iter().map(|levels| vec![0.0; *levels]).collect();
        let mut tables = [empty.clone(), empty];
        for group in &self.groups {
            let own = &cells[group.base..group.base + group.cells];
            for (index, [same, kin]) in own.iter().enumerate() {
                let mut rest = index;
                for (comparison, levels) in group.members.iter().rev() {
                    tables[0][*comparison][rest % levels] += same;
                    tables[1][*comparison][rest % levels] += kin;
                    rest /= levels;
                }
            }
        }
        tables
    }
}

fn group(used: &[bool], levels: &[usize]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut end = 0;
    for (comparison, levels) in levels.iter().copied().enumerate() {
        if !used[comparison] {
            continue;
        }
        match groups.last_mut() {
            Some(last) if last.cells * levels <= CELLS => {
                last.members.push((comparison, levels));
                last.cells *= levels;
            }
            _ => groups.push(Group {
                members: vec![(comparison, levels)],
                base: 0,
                cells: levels,
            }),
        }
    }
    for group in &mut groups {
        group.base = end;
        end += group.cells;
    }
    groups
}
