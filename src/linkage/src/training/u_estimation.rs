//! `u`: the shares of levels among strangers, from pairs drawn at random.
//!
//! Nearly all pairs drawn at random are strangers, so their levels are counted. The few that are
//! not matter where strangers hardly ever agree: of the sampled pairs with one national id nearly
//! all are true matches, and a count of them says nothing about strangers. For each level it is
//! therefore reckoned how many of its pairs are expected to be of one person or of relatives:
//! from what the *other* comparisons of those pairs say, and from the priors, whichever is more.
//! That number is taken off; where it is most of the pairs, `u` cannot be learned by sampling and
//! the model file's value stays.

use super::evidence::Evidence;
use super::pattern::real;
use super::prior::Odds;
use super::share::{Settled, Shares, Table, settle};

/// The part of a level's pairs beyond which the level cannot be learned.
const EXPLAINED: f64 = 0.5;

/// Pairs at each level of each comparison: all, and those that are not expected to be strangers.
struct Levels {
    seen: Table,
    related: Table,
}

/// Estimates the shares among strangers of every comparison.
pub(super) fn estimate_u(evidence: &Evidence, file: &Shares, odds: Odds) -> Vec<Settled> {
    let levels = count(evidence, file, odds);
    let per_comparison = levels.seen.iter().zip(&levels.related);
    per_comparison
        .enumerate()
        .map(|(comparison, (seen, related))| {
            let pairs: f64 = seen[1..].iter().sum();
            let mut strangers = seen.clone();
            let mut hidden = vec![false; seen.len()];
            for level in 1..seen.len() {
                let share = (odds.same * file.same[comparison][level]
                    + odds.kin * file.kin[comparison][level])
                    / (1.0 + odds.same + odds.kin);
                let explained = related[level].max(pairs * share).min(seen[level]);
                if seen[level] > 0.0 && explained > EXPLAINED * seen[level] {
                    hidden[level] = true;
                } else {
                    strangers[level] -= explained;
                }
            }
            settle(&strangers, &file.stranger[comparison], &hidden)
        })
        .collect()
}

fn count(evidence: &Evidence, file: &Shares, odds: Odds) -> Levels {
    let empty: Table = file.same.iter().map(|l| vec![0.0; l.len()]).collect();
    let mut levels = Levels {
        seen: empty.clone(),
        related: empty,
    };
    for (pattern, pairs) in evidence.random.sorted() {
        let pairs = real(pairs);
        let ratio = |comparison: usize| file.ratio(comparison, pattern.level(comparison));
        let start = [odds.same, odds.kin];
        let [same, kin] = (0..file.same.len()).fold(start, |[same, kin], comparison| {
            let own = ratio(comparison);
            [same * own[0], kin * own[1]]
        });
        for comparison in 0..file.same.len() {
            let level = pattern.level(comparison);
            let own = ratio(comparison);
            let others = same / own[0] + kin / own[1];
            levels.seen[comparison][level] += pairs;
            levels.related[comparison][level] += pairs * (others / (1.0 + others));
        }
    }
    levels
}
