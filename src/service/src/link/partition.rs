//! The clusters that a feed of records changed, and their packing into transactions.

use rabt_model::{CitizenId, RecordNumber};
use rustc_hash::{FxHashMap, FxHashSet};

/// The last known cluster of every record that was reported since the start of a feed. Later
/// reports replace earlier ones, because a report covers whole components.
#[derive(Debug, Default)]
pub(super) struct Partition {
    clusters: Vec<Vec<RecordNumber>>,
    of: FxHashMap<RecordNumber, usize>,
}

/// Who holds which record, as storage says.
#[derive(Debug, Default)]
pub(super) struct Held {
    citizens: FxHashMap<RecordNumber, CitizenId>,
    sizes: FxHashMap<CitizenId, usize>,
}

impl Partition {
    pub(super) fn report(&mut self, clusters: Vec<Vec<RecordNumber>>) {
        for mut members in clusters {
            members.sort_unstable();
            let place = self.clusters.len();
            for member in &members {
                self.of.insert(*member, place);
            }
            self.clusters.push(members);
        }
    }

    /// Returns the clusters that storage does not hold just so, or that contain a fresh record.
    pub(super) fn into_changed(
        self,
        held: &Held,
        fresh: &FxHashSet<RecordNumber>,
    ) -> Vec<Vec<RecordNumber>> {
        let of = self.of;
        let mut changed: Vec<Vec<RecordNumber>> = Vec::new();
        for (place, mut members) in self.clusters.into_iter().enumerate() {
            members.retain(|member| of.get(member) == Some(&place));
            let stale = !held.holds(&members) || members.iter().any(|m| fresh.contains(m));
            if stale && !members.is_empty() {
                changed.push(members);
            }
        }
        changed.sort_unstable();
        changed
    }
}

impl Held {
    pub(super) fn from_memberships(memberships: &[(RecordNumber, CitizenId)]) -> Self {
        let mut held = Self::default();
        held.assign(memberships);
        held
    }

    pub(super) fn of(&self, record: RecordNumber) -> Option<CitizenId> {
        self.citizens.get(&record).copied()
    }

    pub(super) fn knows(&self, citizen: CitizenId) -> bool {
        self.sizes.contains_key(&citizen)
    }

    /// Returns how many records a citizen has.
    pub(super) fn size(&self, citizen: CitizenId) -> usize {
        self.sizes.get(&citizen).copied().unwrap_or(0)
    }

    /// Follows a change.
    pub(super) fn assign(&mut self, memberships: &[(RecordNumber, CitizenId)]) {
        for (record, citizen) in memberships {
            *self.sizes.entry(*citizen).or_default() += 1;
            let Some(before) = self.citizens.insert(*record, *citizen) else {
                continue;
            };
            self.shrink(before);
        }
    }

    /// Follows a release.
    pub(super) fn release(&mut self, numbers: &[RecordNumber]) {
        for number in numbers {
            let Some(citizen) = self.citizens.remove(number) else {
                continue;
            };
            self.shrink(citizen);
        }
    }

    fn shrink(&mut self, citizen: CitizenId) {
        let size = self.sizes.remove(&citizen).unwrap_or(0);
        if size > 1 {
            self.sizes.insert(citizen, size - 1);
        }
    }

    /// Returns the citizens whose last record a change takes away.
    pub(super) fn emptied_by(
        &self,
        assign: &[(RecordNumber, CitizenId)],
        released: &[RecordNumber],
    ) -> Vec<CitizenId> {
        let mut balance: FxHashMap<CitizenId, isize> = FxHashMap::default();
        for citizen in released.iter().filter_map(|record| self.of(*record)) {
            *balance.entry(citizen).or_default() -= 1;
        }
        for (record, citizen) in assign {
            if let Some(before) = self.of(*record) {
                *balance.entry(before).or_default() -= 1;
            }
            *balance.entry(*citizen).or_default() += 1;
        }
        let mut emptied = Vec::new();
        for (citizen, change) in balance {
            let size = self
                .sizes
                .get(&citizen)
                .map_or(0, |size| size.cast_signed());
            if size + change <= 0 {
                emptied.push(citizen);
            }
        }
        emptied.sort_unstable();
        emptied
    }

    /// Returns the records of the citizens behind one, or of all, in the order of the citizens.
    pub(super) fn clusters_after(
        &self,
        after: Option<CitizenId>,
    ) -> Vec<(CitizenId, Vec<RecordNumber>)> {
        let mut members: Vec<(CitizenId, RecordNumber)> = self
            .citizens
            .iter()
            .map(|(record, citizen)| (*citizen, *record))
            .filter(|(citizen, _)| after.is_none_or(|after| *citizen > after))
            .collect();
        members.sort_unstable();
        let mut clusters: Vec<(CitizenId, Vec<RecordNumber>)> = Vec::new();
        for (citizen, record) in members {
            match clusters.last_mut() {
                Some((last, records)) if *last == citizen => records.push(record),
                Some(_) | None => clusters.push((citizen, vec![record])),
            }
        }
        clusters
    }

    /// Says whether some records are all that a citizen has.
    pub(super) fn holds(&self, members: &[RecordNumber]) -> bool {
        let mut citizens = members.iter().map(|member| self.of(*member));
        let Some(Some(first)) = citizens.next() else {
            return false;
        };
        citizens.all(|citizen| citizen == Some(first))
            && self.sizes.get(&first) == Some(&members.len())
    }
}

/// What one transaction is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pack {
    pub(super) clusters: Vec<Vec<RecordNumber>>,
    /// Deleted records, ascending.
    pub(super) departed: Vec<RecordNumber>,
}

/// Packs clusters and deleted records into transactions of about `limit` records. Those that were
/// held by the same citizen, or speak for the same, stay together: who keeps the id is one
/// decision.
pub(super) fn pack(
    clusters: Vec<Vec<RecordNumber>>,
    departed: &[RecordNumber],
    held: &Held,
    claims: &FxHashMap<RecordNumber, CitizenId>,
    limit: usize,
) -> Vec<Pack> {
    let mut groups: Vec<(Vec<RecordNumber>, bool)> = clusters
        .into_iter()
        .map(|members| (members, false))
        .collect();
    groups.extend(departed.iter().map(|record| (vec![*record], true)));
    let claimed = |record: &RecordNumber| [held.of(*record), claims.get(record).copied()];
    let mut packs = Vec::new();
    let mut current = Pack::default();
    let mut records = 0;
    for group in together(groups, &claimed) {
        for (mut members, gone) in group {
            records += members.len();
            if gone {
                current.departed.append(&mut members);
            } else {
                current.clusters.push(members);
            }
        }
        if records >= limit {
            packs.push(std::mem::take(&mut current));
            records = 0;
        }
    }
    if records > 0 {
        packs.push(current);
    }
    for pack in &mut packs {
        pack.departed.sort_unstable();
    }
    packs
}

/// Groups what shares a citizen.
fn together(
    clusters: Vec<(Vec<RecordNumber>, bool)>,
    claimed: &dyn Fn(&RecordNumber) -> [Option<CitizenId>; 2],
) -> Vec<Vec<(Vec<RecordNumber>, bool)>> {
    let mut parents: Vec<usize> = (0..clusters.len()).collect();
    let mut first_with: FxHashMap<CitizenId, usize> = FxHashMap::default();
    for (place, (members, _)) in clusters.iter().enumerate() {
        for citizen in members.iter().flat_map(claimed).flatten() {
            let other = *first_with.entry(citizen).or_insert(place);
            let (a, b) = (root(&mut parents, other), root(&mut parents, place));
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut groups = vec![Vec::new(); clusters.len()];
    for (place, members) in clusters.into_iter().enumerate() {
        let root = root(&mut parents, place);
        groups[root].push(members);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

fn root(parents: &mut [usize], mut place: usize) -> usize {
    while parents[place] != place {
        parents[place] = parents[parents[place]];
        place = parents[place];
    }
    place
}

#[cfg(test)]
mod tests {
    use rabt_model::{CitizenId, RecordNumber};
    use rustc_hash::FxHashSet;

    use super::{Held, Pack, Partition, pack};

    fn numbers(all: &[i64]) -> Vec<RecordNumber> {
        all.iter().copied().map(RecordNumber).collect()
    }

    fn citizen(bits: u128) -> CitizenId {
        CitizenId::from_random(bits)
    }

    #[test]
    fn a_later_report_replaces_an_earlier_one() {
        let mut partition = Partition::default();
        partition.report(vec![numbers(&[1]), numbers(&[2, 3])]);
        partition.report(vec![numbers(&[4, 1, 2]), numbers(&[3])]);
        let changed = partition.into_changed(&Held::default(), &FxHashSet::default());
        assert_eq!(changed, vec![numbers(&[1, 2, 4]), numbers(&[3])]);
    }

    #[test]
    fn what_storage_holds_just_so_is_left_alone() {
        let one = citizen(1);
        let memberships: Vec<_> = numbers(&[1, 2, 3]).into_iter().map(|n| (n, one)).collect();
        let held = Held::from_memberships(&memberships);
        let unchanged = |fresh: &[i64]| {
            let mut partition = Partition::default();
            partition.report(vec![numbers(&[1, 2, 3])]);
            let fresh: FxHashSet<RecordNumber> = numbers(fresh).into_iter().collect();
            partition.into_changed(&held, &fresh).is_empty()
        };
        assert!(unchanged(&[]));
        assert!(!unchanged(&[2]), "a changed row needs a new golden record");
        let mut partition = Partition::default();
        partition.report(vec![numbers(&[1, 2])]);
        let changed = partition.into_changed(&held, &FxHashSet::default());
        assert_eq!(changed.len(), 1, "a record left this citizen");
    }

    #[test]
    fn the_parts_of_a_split_stay_in_one_transaction() {
        let memberships = vec![(RecordNumber(1), citizen(1)), (RecordNumber(9), citizen(1))];
        let held = Held::from_memberships(&memberships);
        let clusters = vec![numbers(&[1]), numbers(&[2]), numbers(&[9])];
        let claims = [(RecordNumber(2), citizen(7)), (RecordNumber(8), citizen(7))];
        let packs = pack(
            clusters,
            &numbers(&[5, 8]),
            &held,
            &claims.into_iter().collect(),
            2,
        );
        let of = |clusters: &[&[i64]], departed: &[i64]| Pack {
            clusters: clusters.iter().map(|list| numbers(list)).collect(),
            departed: numbers(departed),
        };
        let expected = [of(&[&[1], &[9]], &[]), of(&[&[2]], &[8]), of(&[], &[5])];
        assert_eq!(packs, expected);
    }

    #[test]
    fn citizens_without_a_record_are_named() {
        let memberships = vec![(RecordNumber(1), citizen(1)), (RecordNumber(2), citizen(2))];
        let mut held = Held::from_memberships(&memberships);
        let change = [(RecordNumber(2), citizen(1))];
        assert_eq!(held.emptied_by(&change, &[]), vec![citizen(2)]);
        held.assign(&change);
        assert_eq!(held.of(RecordNumber(2)), Some(citizen(1)));
        let both = numbers(&[1, 2]);
        assert_eq!(held.emptied_by(&[], &both[..1]), vec![]);
        assert_eq!(held.emptied_by(&[], &both), vec![citizen(1)]);
        held.release(&both);
        assert!(!held.knows(citizen(1)));
    }
}
