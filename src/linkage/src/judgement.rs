//! What people decided about records: it stands above all evidence.
//!
//! Sameness is passed on: who is the same as somebody is whoever they are, also through records
//! that are no longer there. Invariant: nothing that was decided is contradicted, because
//! [`Judgements::contradiction`] is asked before anything is added.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rabt_model::{DecisionNumber, Judgement, RecordNumber, RecordPair};
use rustc_hash::FxHashMap;

/// The human decisions in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgements {
    decisions: FxHashMap<DecisionNumber, (Judgement, Vec<RecordPair>)>,
    /// Both ways, ascending.
    of: FxHashMap<RecordNumber, BTreeSet<(RecordNumber, Judgement, DecisionNumber)>>,
}

/// A link of a chain of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// From this record.
    pub left: RecordNumber,
    /// To this one.
    pub right: RecordNumber,
    /// What was said of the two.
    pub judgement: Judgement,
    /// By which decision; `None` for the one that is asked about.
    pub decision: Option<DecisionNumber>,
}

impl Judgements {
    /// Says whether nothing was decided.
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty()
    }

    /// Adds a decision, in place of one of its number.
    pub fn put(&mut self, number: DecisionNumber, judgement: Judgement, pairs: &[RecordPair]) {
        self.take(number);
        for (left, right) in pairs {
            for (from, to) in [(*left, *right), (*right, *left)] {
                self.of
                    .entry(from)
                    .or_default()
                    .insert((to, judgement, number));
            }
        }
        self.decisions.insert(number, (judgement, pairs.to_vec()));
    }

    /// Takes a decision away and returns its records, ascending; none when it is not in force.
    pub fn take(&mut self, number: DecisionNumber) -> Vec<RecordNumber> {
        let Some((judgement, pairs)) = self.decisions.remove(&number) else {
            return Vec::new();
        };
        for (left, right) in &pairs {
            for (from, to) in [(left, right), (right, left)] {
                if let Some(all) = self.of.get_mut(from) {
                    all.remove(&(*to, judgement, number));
                    if all.is_empty() {
                        self.of.remove(from);
                    }
                }
            }
        }
        records_of(&pairs)
    }

    /// Gives a decision in force another number.
    pub fn renumber(&mut self, from: DecisionNumber, to: DecisionNumber) {
        if let Some((judgement, pairs)) = self.decisions.get(&from).cloned() {
            self.take(from);
            self.put(to, judgement, &pairs);
        }
    }

    /// Returns what was said of a record and which others, ascending.
    pub fn about(
        &self,
        record: RecordNumber,
    ) -> impl Iterator<Item = (RecordNumber, Judgement, DecisionNumber)> + '_ {
        self.of.get(&record).into_iter().flatten().copied()
    }

    /// Returns the records that were decided to be the person of this one, with it, ascending.
    pub fn person(&self, record: RecordNumber) -> Vec<RecordNumber> {
        if !self.of.contains_key(&record) {
            return vec![record];
        }
        let reached = self.reach(record, None, &[]);
        reached.into_keys().collect()
    }

    /// Returns the chain that contradicts a decision before it is made: what was decided joins two
    /// records that are held to be two people, or would be. The last link is the one that
    /// keeps them apart; `None` when nothing contradicts.
    pub fn contradiction(&self, judgement: Judgement, pairs: &[RecordPair]) -> Option<Vec<Judged>> {
        match judgement {
            Judgement::Ignore => None,
            Judgement::Different => pairs.iter().find_map(|(left, right)| {
                let mut chain = self.chain(*left, *right, &[])?;
                chain.push(Judged {
                    left: *left,
                    right: *right,
                    judgement,
                    decision: None,
                });
                Some(chain)
            }),
            Judgement::Same => self.contradiction_of_same(pairs),
        }
    }

    fn contradiction_of_same(&self, pairs: &[RecordPair]) -> Option<Vec<Judged>> {
        pairs.iter().find_map(|(left, _)| {
            let person = self.reach(*left, None, pairs);
            person.keys().find_map(|one| {
                let mut apart = self.about(*one).filter(|(other, judgement, _)| {
                    *judgement == Judgement::Different && person.contains_key(other)
                });
                let (other, judgement, decision) = apart.next()?;
                let mut chain = self.chain(*one, other, pairs)?;
                chain.push(Judged {
                    left: *one,
                    right: other,
                    judgement,
                    decision: Some(decision),
                });
                Some(chain)
            })
        })
    }

    /// Returns the shortest way from one record to another over sameness; empty when they are one.
    fn chain(
        &self,
        from: RecordNumber,
        to: RecordNumber,
        more: &[RecordPair],
    ) -> Option<Vec<Judged>> {
        let reached = self.reach(from, Some(to), more);
        let mut chain = Vec::new();
        let mut at = to;
        while at != from {
            let link = reached.get(&at).copied().flatten()?;
            at = link.left;
            chain.push(link);
        }
        chain.reverse();
        Some(chain)
    }

    /// Walks over sameness, nearest records first; each is reached by the link it is kept with.
    fn reach(
        &self,
        from: RecordNumber,
        to: Option<RecordNumber>,
        more: &[RecordPair],
    ) -> BTreeMap<RecordNumber, Option<Judged>> {
        let mut reached = BTreeMap::from([(from, None)]);
        let mut open = VecDeque::from([from]);
        while let Some(left) = open.pop_front() {
            if Some(left) == to {
                break;
            }
            let decided = self.about(left).filter_map(|(right, judgement, number)| {
                (judgement == Judgement::Same).then_some((right, Some(number)))
            });
            let asked = more.iter().filter_map(|(one, other)| match left {
                _ if *one == left => Some((*other, None)),
                _ if *other == left => Some((*one, None)),
                _ => None,
            });
            for (right, decision) in decided.chain(asked) {
                reached.entry(right).or_insert_with(|| {
                    open.push_back(right);
                    Some(Judged {
                        left,
                        right,
                        judgement: Judgement::Same,
                        decision,
                    })
                });
            }
        }
        reached
    }
}

/// Returns the records of pairs, ascending, each once.
pub(crate) fn records_of(pairs: &[RecordPair]) -> Vec<RecordNumber> {
    let mut records: Vec<RecordNumber> = pairs.iter().flat_map(|pair| [pair.0, pair.1]).collect();
    records.sort_unstable();
    records.dedup();
    records
}

#[cfg(test)]
mod tests {
    use rabt_model::{DecisionNumber, Judgement, RecordNumber, RecordPair};

    use super::Judgements;

    fn pairs(list: &[(i64, i64)]) -> Vec<RecordPair> {
        let pairs = list.iter();
        pairs
            .map(|(left, right)| (RecordNumber(*left), RecordNumber(*right)))
            .collect()
    }

    fn of(decisions: &[(Judgement, &[(i64, i64)])]) -> Judgements {
        let mut judgements = Judgements::default();
        for (number, (judgement, list)) in (1..).zip(decisions) {
            judgements.put(DecisionNumber(number), *judgement, &pairs(list));
        }
        judgements
    }

    /// Writes a chain as `1=2 2≠3`, with the number of each decision.
    fn chain(judgements: &Judgements, judgement: Judgement, list: &[(i64, i64)]) -> Option<String> {
        let chain = judgements.contradiction(judgement, &pairs(list))?;
        let links = chain.iter().map(|link| {
            let sign = match link.judgement {
                Judgement::Same => "=",
                Judgement::Different => "≠",
                Judgement::Ignore => "?",
            };
            let number = link.decision.map_or("new".into(), |n| n.0.to_string());
            format!("{}{sign}{}({number})", link.left.0, link.right.0)
        });
        Some(links.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_person_is_everybody_who_is_the_same() {
        let judgements = of(&[
            (Judgement::Same, &[(1, 2), (2, 5)]),
            (Judgement::Same, &[(5, 9)]),
            (Judgement::Different, &[(9, 10)]),
            (Judgement::Ignore, &[(2, 11)]),
        ]);
        let person = judgements.person(RecordNumber(9));
        assert_eq!(person, [1, 2, 5, 9].map(RecordNumber));
        assert_eq!(judgements.person(RecordNumber(10)), [RecordNumber(10)]);
        assert_eq!(judgements.person(RecordNumber(77)), [RecordNumber(77)]);
    }

    #[test]
    fn what_was_decided_twice_holds_until_both_are_taken() {
        let mut judgements = of(&[
            (Judgement::Same, &[(1, 2)]),
            (Judgement::Same, &[(1, 2), (2, 3)]),
        ]);
        let taken = judgements.take(DecisionNumber(1));
        assert_eq!(taken, [1, 2].map(RecordNumber));
        assert_eq!(judgements.person(RecordNumber(1)).len(), 3);
        judgements.take(DecisionNumber(2));
        assert!(judgements.take(DecisionNumber(2)).is_empty());
        assert_eq!(judgements, Judgements::default());
    }

    #[test]
    fn a_decision_that_contradicts_is_met_with_its_chain() {
        let judgements = of(&[
            (Judgement::Same, &[(1, 2)]),
            (Judgement::Same, &[(2, 3)]),
            (Judgement::Different, &[(3, 4)]),
        ]);
        let different = chain(&judgements, Judgement::Different, &[(1, 3)]);
        assert_eq!(different.unwrap(), "1=2(1) 2=3(2) 1≠3(new)");
        let same = chain(&judgements, Judgement::Same, &[(1, 4)]);
        assert_eq!(same.unwrap(), "3=2(2) 2=1(1) 1=4(new) 3≠4(3)");
        // two pairs that contradict only together
        let both = chain(&judgements, Judgement::Same, &[(4, 7), (3, 7)]);
        assert_eq!(both.unwrap(), "3=7(new) 7=4(new) 3≠4(3)");
        assert_eq!(chain(&judgements, Judgement::Same, &[(4, 7)]), None);
        assert_eq!(chain(&judgements, Judgement::Different, &[(1, 4)]), None);
        assert_eq!(chain(&judgements, Judgement::Ignore, &[(3, 4)]), None);
    }

    #[test]
    fn a_record_is_never_another_person_than_itself() {
        let chain = chain(&of(&[]), Judgement::Different, &[(4, 4)]);
        assert_eq!(chain.unwrap(), "4≠4(new)");
    }
}
