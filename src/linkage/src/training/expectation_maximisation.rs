//! Expectation maximisation: the shares that make the patterns of all passes most likely.
//!
//! Every pair is of one person, of relatives, or of strangers, and within its class the levels
//! are independent. The expectation step divides the pairs of each pattern among the classes; the
//! maximisation step counts shares anew. Strangers' shares come from sampling and stay. A level
//! `absent` is as likely in one class as in another: its ratio is 1 and it is counted nowhere.
//!
//! The passes have the shares in common, each leaving out the comparisons that its rule holds
//! constant; how large the classes are is each pass's own. So at every step a pass counts as
//! much as the pairs of one person that it expects, and a pass that holds hardly any relatives
//! cannot shape that class to its own noise.
//!
//! Each comparison starts with one pair that is spread over its levels as the model file says
//! ([`PSEUDO`]), so that no share becomes zero. What never decreases from one iteration to the
//! next is therefore the log-likelihood plus the logarithm of that start; both are in the
//! objective.

use rayon::prelude::*;

use super::layout::{Both, Layout};
use super::pattern::Counts;
use super::share::{LEAST, Shares, Table, distribution};

/// Pairs of the model file that are mixed into every comparison of a class.
const PSEUDO: f64 = 1.0;

/// The largest change of any share at which the iterations end.
const CHANGE: f64 = 1e-5;

/// The most iterations.
pub(super) const ITERATIONS: usize = 200;

/// The pairs of one pass, ready to be fitted.
pub(super) struct Slice {
    layout: Layout,
    /// All of its pairs.
    pub(super) pairs: f64,
    /// The share of pairs of one person and of relatives among them. One that starts as zero
    /// stays zero.
    pub(super) classes: Both,
}

impl Slice {
    /// Makes one, with the comparisons that the pass leaves free.
    pub(super) fn of(counts: &Counts, free: &[bool], file: &Shares, classes: Both) -> Self {
        let layout = Layout::of(counts, free, &file.levels());
        let pairs = layout.pairs.iter().sum();
        Self {
            layout,
            pairs,
            classes,
        }
    }

    /// Returns the expected pairs of one person and of relatives.
    pub(super) fn expected(&self) -> Both {
        self.classes.map(|share| share * self.pairs)
    }
}

/// What the passes came to together.
#[derive(Debug, Clone)]
pub(super) struct Fitted {
    /// Expected pairs at each level, among pairs of one person.
    pub(super) same: Table,
    /// The same among relatives.
    pub(super) kin: Table,
    /// The shares of the last iteration.
    pub(super) shares: Shares,
    /// The objective of every iteration, in natural units, against all pairs being strangers.
    pub(super) objective: Vec<f64>,
    pub(super) converged: bool,
}

/// Fits the shares to the patterns of all passes, and the classes to those of each.
pub(super) fn fit(slices: &mut [Slice], file: &Shares) -> Fitted {
    let mut shares = file.clone();
    let mut objective = Vec::new();
    let mut converged = false;
    loop {
        let steps: Vec<Step> = slices
            .par_iter()
            .map(|slice| expect(slice, &shares))
            .collect();
        let likelihood: f64 = steps.iter().map(|step| step.likelihood).sum();
        objective.push(likelihood + start_likelihood(file, &shares));
        let [same, kin] = sum(&steps, file);
        if converged || objective.len() == ITERATIONS {
            return Fitted {
                same,
                kin,
                shares,
                objective,
                converged,
            };
        }
        let change = maximise(&mut shares, file, [&same, &kin]);
        let moved = slices.iter_mut().zip(&steps).map(|(slice, step)| {
            let old = slice.classes;
            slice.classes = step.pairs.map(|pairs| pairs / slice.pairs.max(1.0));
            let [same, kin] = slice.classes;
            (same - old[0]).abs().max((kin - old[1]).abs())
        });
        converged = moved.fold(change, f64::max) <= CHANGE;
    }
}

/// Sums the expected pairs of all passes by level.
fn sum(steps: &[Step], file: &Shares) -> [Table; 2] {
    let empty: Table = file.levels().iter().map(|l| vec![0.0; *l]).collect();
    let mut sums = [empty.clone(), empty];
    for step in steps {
        for (sums, own) in sums.iter_mut().zip(&step.levels) {
            let levels = sums.iter_mut().flatten().zip(own.iter().flatten());
            levels.for_each(|(sum, own)| *sum += own);
        }
    }
    sums
}

/// What an expectation step gives.
struct Step {
    /// Expected pairs of one person and of relatives by level.
    levels: [Table; 2],
    /// The same in all.
    pairs: Both,
    likelihood: f64,
}

fn expect(slice: &Slice, shares: &Shares) -> Step {
    let Slice {
        layout, classes, ..
    } = slice;
    let ratios = layout.cells(|comparison, level| shares.ratio(comparison, level));
    let divided = match layout.width() {
        1 => divide::<1>(layout, &ratios, *classes),
        2 => divide::<2>(layout, &ratios, *classes),
        3 => divide::<3>(layout, &ratios, *classes),
        4 => divide::<4>(layout, &ratios, *classes),
        width => divide_rows(layout, &ratios, *classes, layout.rows.chunks(width.max(1))),
    };
    Step {
        levels: layout.by_level(&divided.cells, &shares.levels()),
        pairs: divided.pairs,
        likelihood: divided.likelihood,
    }
}

/// The pairs of a pass divided among the classes.
struct Divided {
    cells: Vec<Both>,
    pairs: Both,
    likelihood: f64,
}

/// Has the width of a row known when it is compiled, so that the loop over groups unrolls.
fn divide<const WIDTH: usize>(layout: &Layout, ratios: &[Both], classes: Both) -> Divided {
    let rows = layout.rows.as_chunks::<WIDTH>().0.iter();
    divide_rows(layout, ratios, classes, rows)
}

#[inline]
fn divide_rows<Row: AsRef<[u16]>>(
    layout: &Layout,
    ratios: &[Both],
    classes: Both,
    rows: impl Iterator<Item = Row>,
) -> Divided {
    let mut divided = Divided {
        cells: vec![[0.0; 2]; ratios.len()],
        pairs: [0.0; 2],
        likelihood: 0.0,
    };
    let mut likelihood = Likelihood::one();
    let strangers = (1.0 - classes[0] - classes[1]).max(1e-100);
    for (row, pairs) in rows.zip(&layout.pairs) {
        let [mut same, mut kin] = classes;
        for cell in row.as_ref() {
            let ratio = ratios[usize::from(*cell)];
            same *= ratio[0];
            kin *= ratio[1];
        }
        let all = strangers + same + kin;
        let part = pairs / all;
        let expected = [same * part, kin * part];
        for cell in row.as_ref() {
            let sum = &mut divided.cells[usize::from(*cell)];
            sum[0] += expected[0];
            sum[1] += expected[1];
        }
        divided.pairs[0] += expected[0];
        divided.pairs[1] += expected[1];
        likelihood.multiply(all, *pairs);
    }
    divided.likelihood = likelihood.logarithm();
    divided
}

/// A product of powers whose logarithm is wanted. Factors of the same power are multiplied first,
/// as long as the product stays well within range, so that few logarithms are taken.
struct Likelihood {
    taken: f64,
    product: f64,
    power: f64,
}

impl Likelihood {
    const fn one() -> Self {
        Self {
            taken: 0.0,
            product: 1.0,
            power: 0.0,
        }
    }

    #[inline]
    fn multiply(&mut self, factor: f64, power: f64) {
        let product = self.product * factor;
        let in_range = product > 1e-150 && product < 1e150;
        if in_range && power.to_bits() == self.power.to_bits() {
            self.product = product;
        } else {
            self.taken = self.logarithm();
            self.product = factor;
            self.power = power;
        }
    }

    fn logarithm(&self) -> f64 {
        self.taken + self.power * self.product.ln()
    }
}

/// Counts the shares anew and returns the largest change.
fn maximise(shares: &mut Shares, file: &Shares, pairs: [&Table; 2]) -> f64 {
    let every = vec![true; file.same.len()];
    let classes = [
        (&mut shares.same, pairs[0], &file.same, &every),
        (&mut shares.kin, pairs[1], &file.kin, &file.kin_known),
    ];
    let mut change = 0.0_f64;
    for (shares, pairs, file, free) in classes {
        for comparison in (0..free.len()).filter(|comparison| free[*comparison]) {
            let mixed = pairs[comparison].iter().zip(&file[comparison]);
            let new = distribution(mixed.map(|(pairs, file)| pairs + PSEUDO * file));
            for (new, old) in new.iter().zip(&shares[comparison]) {
                change = change.max((new - old).abs());
            }
            shares[comparison] = new;
        }
    }
    change
}

/// The logarithm of the start's density at the present shares, up to a constant.
fn start_likelihood(file: &Shares, shares: &Shares) -> f64 {
    let mut sum = 0.0;
    for (file, shares) in [(&file.same, &shares.same), (&file.kin, &shares.kin)] {
        for (file, shares) in file.iter().zip(shares) {
            for (file, share) in file[1..].iter().zip(&shares[1..]) {
                sum += PSEUDO * file * share.max(LEAST).ln();
            }
        }
    }
    sum
}
