//! Shares of levels: from the model file, and from counts as far as counts can tell.

use super::evidence::{ComparisonInfo, Evidence};

/// One number per comparison and level; that of level 0, `absent`, stands for no evidence.
pub(super) type Table = Vec<Vec<f64>>;

/// The least share that is reckoned with.
pub(super) const LEAST: f64 = 1e-9;

/// Pairs below which nothing is learned about a comparison.
pub(super) const ENOUGH: f64 = 30.0;

/// Times that a level must have been seen to be learned.
pub(super) const SEEN: f64 = 5.0;

/// The 95 % upper bounds of a Poisson mean of which 0, 1, … 4 events were seen. The first is the
/// rule of three.
const UPPER: [f64; 5] = [3.00, 4.74, 6.30, 7.75, 9.15];

/// The shares of every level in each class of pairs.
#[derive(Debug, Clone)]
pub(super) struct Shares {
    /// Among pairs of one person.
    pub(super) same: Table,
    /// Among close relatives; as among strangers where the model knows none.
    pub(super) kin: Table,
    /// Whether the model knows shares among relatives, by comparison.
    pub(super) kin_known: Vec<bool>,
    /// Among strangers, over all values: rarity averages to it.
    pub(super) stranger: Table,
}

impl Shares {
    /// Returns the shares of the model file, each comparison's summing to one.
    pub(super) fn of(evidence: &Evidence) -> Self {
        let stranger = evidence.comparisons.iter().map(complete).collect();
        Self::with(evidence, stranger)
    }

    /// Returns the shares of the model file, with other ones among strangers.
    pub(super) fn with(evidence: &Evidence, stranger: Table) -> Self {
        let comparisons = &evidence.comparisons;
        let same = comparisons.iter().map(|comparison| {
            let levels = comparison.initial.iter();
            distribution(levels.map(|share| share.m))
        });
        let kin = comparisons.iter().zip(&stranger).map(|(comparison, u)| {
            let levels = comparison.initial.iter().zip(u);
            distribution(levels.map(|(share, u)| share.kin.unwrap_or(*u)))
        });
        let known = comparisons.iter().map(|comparison| {
            let mut levels = comparison.initial[1..].iter();
            levels.any(|share| share.kin.is_some())
        });
        Self {
            same: same.collect(),
            kin: kin.collect(),
            kin_known: known.collect(),
            stranger,
        }
    }

    /// Returns the number of levels of every comparison.
    pub(super) fn levels(&self) -> Vec<usize> {
        self.same.iter().map(Vec::len).collect()
    }

    /// Returns how much more likely a level is among pairs of one person, and among relatives,
    /// than among strangers; held so that a product over all comparisons is finite.
    pub(super) fn ratio(&self, comparison: usize, level: usize) -> [f64; 2] {
        let stranger = self.stranger[comparison][level];
        [&self.same, &self.kin].map(|class| (class[comparison][level] / stranger).min(1.0 / LEAST))
    }
}

/// Returns `u` of every level; levels that have none share what the others leave.
fn complete(comparison: &ComparisonInfo) -> Vec<f64> {
    let levels = &comparison.initial[1..];
    let given: f64 = levels.iter().filter_map(|share| share.u).sum();
    let without = levels.iter().filter(|share| share.u.is_none()).count();
    let rest = (1.0 - given).max(1e-4) / f64::from(u32::try_from(without.max(1)).unwrap_or(1));
    distribution(
        comparison
            .initial
            .iter()
            .map(|share| share.u.unwrap_or(rest)),
    )
}

/// Returns shares that sum to one, that of `absent` left out and set to one.
pub(super) fn distribution(shares: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut shares: Vec<f64> = shares.map(|share| share.max(LEAST)).collect();
    shares[0] = 1.0;
    let sum: f64 = shares[1..].iter().sum();
    for share in &mut shares[1..] {
        *share /= sum;
    }
    shares
}

/// What became of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its share was counted.
    Learned,
    /// It was never seen; the file's share is kept, up to the bound that never seeing it sets.
    NeverSeen,
    /// It was seen too rarely; the file's share is kept, up to the bound that this sets.
    Rare,
    /// What was seen of it belongs to other classes; the file's share is kept.
    Hidden,
    /// The comparison as a whole has too few pairs; the file's share is kept.
    TooFew,
}

/// The shares of one comparison and how they came about.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    pub(super) shares: Vec<f64>,
    pub(super) fates: Vec<Fate>,
    /// Pairs of the class in which both values were present.
    pub(super) pairs: f64,
}

impl Settled {
    /// Returns the file's shares, for a comparison about which nothing is known.
    pub(super) fn kept(file: &[f64], pairs: f64) -> Self {
        Self {
            shares: file.to_vec(),
            fates: vec![Fate::TooFew; file.len()],
            pairs,
        }
    }

    /// Tells whether any level was learned.
    pub(super) fn learned_any(&self) -> bool {
        self.fates.contains(&Fate::Learned)
    }

    /// Tells whether a level was learned.
    pub(super) fn learned(&self, level: usize) -> bool {
        self.fates[level] == Fate::Learned
    }
}

/// Settles the shares of one comparison from the pairs seen at each level. Of `hidden` levels
/// the count is not believed, except that a share is not above it.
pub(super) fn settle(seen: &[f64], file: &[f64], hidden: &[bool]) -> Settled {
    let pairs: f64 = seen[1..].iter().sum();
    if pairs < ENOUGH {
        return Settled::kept(file, pairs);
    }
    let mut shares = vec![1.0; file.len()];
    let mut fates = vec![Fate::TooFew; file.len()];
    for level in 1..file.len() {
        let bound = UPPER
            .iter()
            .zip([0.5, 1.5, 2.5, 3.5, 4.5])
            .find(|(_, below)| seen[level] < *below)
            .map_or(seen[level].max(UPPER[4]), |(upper, _)| *upper);
        let bounded = file[level].min(bound / pairs).max(LEAST);
        (fates[level], shares[level]) = if hidden[level] {
            (Fate::Hidden, bounded)
        } else if seen[level] >= SEEN {
            (Fate::Learned, seen[level] / pairs)
        } else if seen[level] >= 0.5 {
            (Fate::Rare, bounded)
        } else {
            (Fate::NeverSeen, bounded)
        };
    }
    if fates.contains(&Fate::Learned) {
        fill(&mut shares, &fates);
    } else {
        shares = file.to_vec();
    }
    Settled {
        shares,
        fates,
        pairs,
    }
}

/// Scales the learned shares to what the kept ones leave, so that kept ones stay as they are;
/// scales all when the kept ones leave too little.
fn fill(shares: &mut [f64], fates: &[Fate]) {
    let is_learned = |level: &usize| fates[*level] == Fate::Learned;
    let levels = 1..shares.len();
    let learned: f64 = levels.clone().filter(is_learned).map(|l| shares[l]).sum();
    let kept: f64 = shares[1..].iter().sum::<f64>() - learned;
    let rest = 1.0 - kept;
    if rest > 0.5 * learned {
        for level in levels.filter(is_learned) {
            shares[level] *= rest / learned;
        }
    } else {
        let scaled = distribution(shares.iter().copied());
        shares.copy_from_slice(&scaled);
    }
}
