//! Clusters: from links between pairs to records held to be one person.
//!
//! A component of linked records is not yet a person: one wrong link would chain two families.
//! Within a component every pair is weighed, and clusters are joined in the order of their mean
//! weight while the evidence across them, taken together, is for one person, and while no two
//! records carry different valid national ids.

mod decided;
mod giant;

pub(crate) use decided::{Constraints, resolve_decided};

use crate::batch::Edge;
use crate::comparison::{ComparisonVector, Pair, score};
use crate::model::{ComparisonType, Decision, Definite, LinkageModel};
use crate::rule;
use crate::standardise::Standardised;

/// Components above this size are resolved on their links alone; all pairs of them would cost
/// more than they tell.
const WHOLE: usize = 150;

/// Returns where a row stands among rows in the order of their identities.
fn place_in(data: &Standardised, rows: &[u32], row: u32) -> Option<usize> {
    let found = rows.binary_search_by_key(&data.identity(row), |other| data.identity(*other));
    found.ok()
}

/// Splits one component into clusters. Rows come back ascending in each cluster; the order of
/// clusters follows their records' identities.
pub(crate) fn resolve(
    model: &LinkageModel,
    data: &Standardised,
    component: &[u32],
    links: &[Edge],
) -> Vec<Vec<u32>> {
    if is_plain(model, data, component, links) {
        let mut cluster = component.to_vec();
        cluster.sort_unstable();
        return vec![cluster];
    }
    resolve_by_weights(model, data, component, links, &Constraints::default())
}

/// As [`resolve`], with every pair weighed, plain or not, and under what people decided. What
/// must be together starts together.
pub(crate) fn resolve_by_weights(
    model: &LinkageModel,
    data: &Standardised,
    component: &[u32],
    links: &[Edge],
    constraints: &Constraints,
) -> Vec<Vec<u32>> {
    let mut rows = component.to_vec();
    rows.sort_unstable_by_key(|row| data.identity(*row));
    let constraints = constraints.map(|row| place_in(data, &rows, row));
    let places = if rows.len() <= WHOLE {
        let mut table = Table::new(model, data, &rows, links);
        table.constrain(&constraints);
        table.agglomerate(model.decision.mean);
        table.members
    } else {
        giant::resolve(model, data, &rows, links, &constraints)
    };
    let kept = places.into_iter().filter(|members| !members.is_empty());
    let clusters = kept.map(|members| {
        let mut cluster: Vec<u32> = members.iter().map(|index| rows[*index]).collect();
        cluster.sort_unstable();
        cluster
    });
    clusters.collect()
}

/// The largest component that is looked at to see whether it is plain.
const PLAIN: usize = 16;

/// Says whether a component is one cluster for certain: all of its pairs are links, so that every
/// mean is high enough and no rule holds them to be two, and no two identifiers exclude each other.
fn is_plain(model: &LinkageModel, data: &Standardised, component: &[u32], links: &[Edge]) -> bool {
    let size = component.len();
    if size > PLAIN || links.len() < size * (size - 1) / 2 {
        return false;
    }
    let exclusive = Exclusive::of(model);
    let Decision { link, mean, .. } = model.decision;
    // A pair that a rule rules out has the weight of one, and is no link above that.
    mean <= link
        && link > rule::NON_MATCH.0
        && component.iter().enumerate().all(|(at, left)| {
            let mut others = component[at + 1..].iter();
            others.all(|right| !exclusive.holds_of(model, data, *left, *right))
        })
}

/// The sums of weights between clusters of a component. Clusters are known by their lowest member,
/// counted in the order of identities.
struct Table {
    size: usize,
    /// `sum[a * size + b]`: the sum of the weights across clusters `a` and `b`.
    sum: Vec<i64>,
    /// Whether a link joins two clusters.
    linked: Vec<bool>,
    /// Whether two clusters may never be joined.
    apart: Vec<bool>,
    members: Vec<Vec<usize>>,
}

impl Table {
    fn new(model: &LinkageModel, data: &Standardised, rows: &[u32], links: &[Edge]) -> Self {
        let size = rows.len();
        let mut table = Self {
            size,
            sum: vec![0; size * size],
            linked: vec![false; size * size],
            apart: vec![false; size * size],
            members: (0..size).map(|index| vec![index]).collect(),
        };
        for (left, right, weight) in links {
            if let (Some(a), Some(b)) = (place_in(data, rows, *left), place_in(data, rows, *right))
            {
                table.set(a, b, i64::from(*weight), true);
            }
        }
        let exclusive = Exclusive::of(model);
        for a in 0..size {
            for b in a + 1..size {
                let (vector, weight) = score(model, data, rows[a], rows[b]);
                if !table.linked[a * size + b] {
                    table.set(a, b, i64::from(weight.0), false);
                }
                if exclusive.holds(&vector) || is_ruled_out(model, data, rows[a], rows[b]) {
                    table.keep_apart(a, b);
                }
            }
        }
        table
    }

    fn set(&mut self, a: usize, b: usize, weight: i64, linked: bool) {
        for place in [a * self.size + b, b * self.size + a] {
            self.sum[place] = weight;
            self.linked[place] = linked;
        }
    }

    fn constrain(&mut self, constraints: &Constraints<usize>) {
        for (a, b) in &constraints.apart {
            self.keep_apart(*a, *b);
        }
        for group in &constraints.together {
            // The lowest first: a cluster is known by it.
            for member in &group[1..] {
                self.join(group[0], *member);
            }
        }
    }

    fn keep_apart(&mut self, a: usize, b: usize) {
        for place in [a * self.size + b, b * self.size + a] {
            self.apart[place] = true;
        }
    }

    /// Joins the two clusters with the highest mean weight until none may be joined.
    fn agglomerate(&mut self, least_mean: i32) {
        while let Some((a, b)) = self.best(least_mean) {
            self.join(a, b);
        }
    }

    fn join(&mut self, a: usize, b: usize) {
        let absorbed = std::mem::take(&mut self.members[b]);
        self.members[a].extend(absorbed);
        for c in 0..self.size {
            if c == a || c == b || self.members[c].is_empty() {
                continue;
            }
            let (from, to) = (b * self.size + c, a * self.size + c);
            let sum = self.sum[to] + self.sum[from];
            let linked = self.linked[to] || self.linked[from];
            let apart = self.apart[to] || self.apart[from];
            for place in [to, c * self.size + a] {
                self.sum[place] = sum;
                self.linked[place] = linked;
                self.apart[place] = apart;
            }
        }
    }

    /// Returns the pair of clusters to join next; ties go to the lower identities.
    fn best(&self, least_mean: i32) -> Option<(usize, usize)> {
        let mut best: Option<(i64, usize, usize)> = None;
        for a in 0..self.size {
            if self.members[a].is_empty() {
                continue;
            }
            for b in a + 1..self.size {
                let place = a * self.size + b;
                if self.members[b].is_empty() || !self.linked[place] || self.apart[place] {
                    continue;
                }
                let pairs = self.members[a].len() * self.members[b].len();
                let mean = self.sum[place].div_euclid(i64::try_from(pairs).unwrap_or(i64::MAX));
                if mean >= i64::from(least_mean) && best.is_none_or(|(top, ..)| mean > top) {
                    best = Some((mean, a, b));
                }
            }
        }
        best.map(|(_, a, b)| (a, b))
    }
}

/// Says whether a rule holds that two records are two people.
fn is_ruled_out(model: &LinkageModel, data: &Standardised, left: u32, right: u32) -> bool {
    rule::definite(model, data, left, right) == Some(Definite::NonMatch)
}

/// The comparison whose last level says that two valid identifiers exclude one person.
#[derive(Clone, Copy)]
struct Exclusive(Option<(usize, u8)>);

impl Exclusive {
    fn of(model: &LinkageModel) -> Self {
        let kind = ComparisonType::NationalId;
        let index = model
            .comparisons
            .iter()
            .position(|comparison| comparison.kind == kind);
        let level = u8::try_from(kind.levels().len() - 1).ok();
        Self(index.zip(level))
    }

    fn holds_of(self, model: &LinkageModel, data: &Standardised, left: u32, right: u32) -> bool {
        self.0.is_some_and(|(index, level)| {
            let pair = Pair::of(model, data, left, right);
            pair.compare(&model.comparisons[index]).level == level
        })
    }

    fn holds(self, vector: &ComparisonVector) -> bool {
        self.0
            .is_some_and(|(index, level)| vector[index].level == level)
    }
}
