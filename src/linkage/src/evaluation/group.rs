//! Whether the errors fall on some groups more than on others.

use rayon::slice::ParallelSliceMut;
use serde::Serialize;

use super::pairs;
use super::rate::Rate;

/// The errors that touch the records of one group. A pair counts for a group when at least one of
/// its records is in it.
///
/// The intervals take pairs to be independent; pairs of one cluster are not, so true intervals are
/// somewhat wider.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GroupErrors {
    /// The group.
    pub group: u32,
    /// Its records.
    pub records: u64,
    /// Pairs found that are false, of the pairs found.
    pub false_links: Rate,
    /// True pairs that are missed, of the true pairs.
    pub missed_links: Rate,
}

/// The greatest gap of an error rate between two groups.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Disparity {
    /// The group that suffers most.
    pub highest: u32,
    /// The group that suffers least.
    pub lowest: u32,
    /// The rate of the first.
    pub rate: Rate,
    /// The highest rate over the lowest; `None` when the lowest is 0 and the highest is not.
    pub ratio: Option<f64>,
    /// Whether their 95 % intervals are apart, so that the gap is hardly chance.
    pub apart: bool,
}

impl Disparity {
    /// Compares the groups by one of their rates; groups without pairs are not compared. `None` when
    /// fewer than two are left.
    pub fn of(groups: &[GroupErrors], rate: impl Fn(&GroupErrors) -> Rate) -> Option<Self> {
        let rates = groups.iter().map(|group| (group.group, rate(group)));
        let rates: Vec<(u32, Rate)> = rates.filter(|(_, rate)| rate.of > 0).collect();
        // Of groups with the same rate the one with most pairs stands for it: it is the surest.
        let by_rate = |left: &Rate, right: &Rate| left.rate.total_cmp(&right.rate);
        let (highest, high) = rates
            .iter()
            .max_by(|l, r| by_rate(&l.1, &r.1).then(l.1.of.cmp(&r.1.of)))?;
        let others = rates.iter().filter(|(group, _)| group != highest);
        let (lowest, low) = others.min_by(|l, r| by_rate(&l.1, &r.1).then(r.1.of.cmp(&l.1.of)))?;
        let ratio = match (high.count, low.count) {
            (0, _) => Some(1.0),
            (_, 0) => None,
            _ => Some(high.rate / low.rate),
        };
        Some(Self {
            highest: *highest,
            lowest: *lowest,
            rate: *high,
            ratio,
            apart: !high.interval.overlaps(low.interval),
        })
    }
}

/// Counts errors by group. `items` gives cluster, person and group of every record; the result is in
/// the order of groups.
pub fn by_group(items: impl Iterator<Item = (u64, u64, u32)>) -> Vec<GroupErrors> {
    of_list(items.collect())
}

fn of_list(mut items: Vec<(u64, u64, u32)>) -> Vec<GroupErrors> {
    let groups = items.iter().map(|item| item.2 as usize + 1).max();
    let groups = groups.unwrap_or_default();
    let mut records = vec![0_u64; groups];
    for item in &items {
        records[item.2 as usize] += 1;
    }
    let found = touched(&mut items, groups, |item| (item.0, 0));
    let right = touched(&mut items, groups, |item| (item.0, item.1));
    let known = touched(&mut items, groups, |item| (0, item.1));
    (0..)
        .zip(records)
        .zip(found.into_iter().zip(right).zip(known))
        .filter(|((_, records), _)| *records > 0)
        .map(|((group, records), ((found, right), known))| GroupErrors {
            group,
            records,
            false_links: Rate::of(found - right, found),
            missed_links: Rate::of(known - right, known),
        })
        .collect()
}

/// Returns, for every group, the pairs within a set that touch it; records of one `key` are a set.
fn touched(
    items: &mut [(u64, u64, u32)],
    groups: usize,
    key: impl Fn(&(u64, u64, u32)) -> (u64, u64) + Sync,
) -> Vec<u64> {
    items.par_sort_unstable_by_key(|item| (key(item), item.2));
    let mut sums = vec![0; groups];
    for set in items.chunk_by(|left, right| key(left) == key(right)) {
        let all = set.len() as u64;
        for part in set.chunk_by(|left, right| left.2 == right.2) {
            // All pairs without those that lie wholly outside the group.
            sums[part[0].2 as usize] += pairs(all) - pairs(all - part.len() as u64);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::{Disparity, by_group};

    #[test]
    fn counts_are_those_of_a_small_case_by_hand() {
        // Cluster 1 holds two records of person 1 (group 0) and one of person 2 (group 1); person
        // 2's other record (group 1) is alone; person 3 (group 2) is alone.
        let items = [(1, 1, 0), (1, 1, 0), (1, 2, 1), (2, 2, 1), (3, 3, 2)];
        let groups = by_group(items.into_iter());
        let counts: Vec<_> = groups
            .iter()
            .map(|group| {
                let (wrong, missed) = (group.false_links, group.missed_links);
                (
                    group.records,
                    wrong.count,
                    wrong.of,
                    missed.count,
                    missed.of,
                )
            })
            .collect();
        assert_eq!(counts, [(2, 2, 3, 0, 1), (2, 2, 2, 1, 1), (1, 0, 0, 0, 0)]);

        let gap = Disparity::of(&groups, |group| group.false_links).expect("two groups");
        assert_eq!((gap.highest, gap.lowest, gap.apart), (1, 0, false));
        assert!(gap.ratio.is_some_and(|ratio| (ratio - 1.5).abs() < 1e-12));
        let gap = Disparity::of(&groups, |group| group.missed_links).expect("two groups");
        assert_eq!(gap.ratio, None);
    }

    #[test]
    fn groups_without_errors_are_alike_and_one_has_no_other() {
        let alike = by_group([(1, 1, 0), (1, 1, 0), (2, 2, 1), (2, 2, 1)].into_iter());
        let gap = Disparity::of(&alike, |group| group.false_links).expect("two groups");
        assert!(gap.ratio.is_some_and(|ratio| (ratio - 1.0).abs() < 1e-12));
        assert_eq!(Disparity::of(&alike[..1], |group| group.false_links), None);
        assert!(by_group(std::iter::empty()).is_empty());
    }
}
