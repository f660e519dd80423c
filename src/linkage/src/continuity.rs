//! Continuity: which citizen each cluster is, so that an identity lasts for life.

use std::collections::BTreeMap;

use rabt_model::{CitizenId, RecordNumber};

/// What changes when clusters are given their citizens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterChange {
    /// Records that belong to another citizen than before, or to one for the first time.
    pub assign: Vec<(RecordNumber, CitizenId)>,
    /// Every cluster that was given, with its citizen.
    pub clusters: Vec<(CitizenId, Vec<RecordNumber>)>,
    /// Citizens that were merged away, each with the one that goes on.
    pub redirects: Vec<(CitizenId, CitizenId)>,
}

/// A citizen who is no more, merged away or annulled, and may return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retired {
    /// Who it was.
    pub citizen: CitizenId,
    /// How many records it had when it ceased.
    pub records: usize,
}

/// Gives every cluster its citizen. A citizen goes on in the cluster that holds most of its
/// records; a cluster that could go on as several takes the one most of its records had, then the
/// one of its oldest record (the lowest number). A citizen without a cluster is redirected to the
/// cluster that took most of its records. `held` says which citizen a record belongs to, and
/// `retired` for which one who is no more it speaks. Such a citizen stands back behind everybody
/// who lives, and counts only where more than half of the records are that it had: there it
/// returns, or is redirected when the cluster is somebody else. `mint` makes a new one.
pub fn continue_identity(
    clusters: &[Vec<RecordNumber>],
    held: &dyn Fn(RecordNumber) -> Option<CitizenId>,
    retired: &dyn Fn(RecordNumber) -> Option<Retired>,
    mint: &mut dyn FnMut() -> CitizenId,
) -> ClusterChange {
    let claims = claims(clusters, held, retired);
    let mut taken: BTreeMap<CitizenId, usize> = BTreeMap::new();
    let mut citizen_of: Vec<Option<CitizenId>> = vec![None; clusters.len()];
    for claim in &claims {
        if citizen_of[claim.cluster].is_none() && !taken.contains_key(&claim.citizen) {
            citizen_of[claim.cluster] = Some(claim.citizen);
            taken.insert(claim.citizen, claim.cluster);
        }
    }
    let mut change = ClusterChange::default();
    for (index, cluster) in clusters.iter().enumerate() {
        let citizen = citizen_of[index].unwrap_or_else(&mut *mint);
        citizen_of[index] = Some(citizen);
        let moved = cluster
            .iter()
            .filter(|record| held(**record) != Some(citizen));
        change.assign.extend(moved.map(|record| (*record, citizen)));
        change.clusters.push((citizen, cluster.clone()));
    }
    for claim in &claims {
        let gone = !taken.contains_key(&claim.citizen);
        if gone && let Some(survivor) = citizen_of[claim.cluster] {
            taken.insert(claim.citizen, claim.cluster);
            change.redirects.push((claim.citizen, survivor));
        }
    }
    change.assign.sort_unstable();
    change
}

/// A citizen some of whose records are in a cluster.
struct Claim {
    /// Whether nobody lives who makes this claim; those who do come first.
    retired: bool,
    /// Records that speak for nobody else.
    own: usize,
    records: usize,
    oldest: RecordNumber,
    citizen: CitizenId,
    cluster: usize,
}

/// Returns the claims, strongest first.
fn claims(
    clusters: &[Vec<RecordNumber>],
    held: &dyn Fn(RecordNumber) -> Option<CitizenId>,
    retired: &dyn Fn(RecordNumber) -> Option<Retired>,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (cluster, records) in clusters.iter().enumerate() {
        let mut living: BTreeMap<CitizenId, Claim> = BTreeMap::new();
        let mut former: BTreeMap<CitizenId, (Claim, usize)> = BTreeMap::new();
        for record in records {
            let new = |citizen, retired| Claim {
                retired,
                own: 0,
                records: 0,
                oldest: *record,
                citizen,
                cluster,
            };
            let gone = retired(*record);
            if let Some(gone) = gone {
                let entry = former.entry(gone.citizen);
                let (claim, _) = entry.or_insert_with(|| (new(gone.citizen, true), gone.records));
                claim.count(*record, true);
            }
            if let Some(citizen) = held(*record) {
                let claim = living.entry(citizen);
                let claim = claim.or_insert_with(|| new(citizen, false));
                claim.count(*record, gone.is_none());
            }
        }
        claims.extend(living.into_values());
        let former = former.into_values();
        let most = former.filter(|(claim, had)| claim.records > had / 2);
        claims.extend(most.map(|(claim, _)| claim));
    }
    claims.sort_by_key(|claim| {
        (
            claim.retired,
            std::cmp::Reverse(claim.own),
            std::cmp::Reverse(claim.records),
            claim.oldest,
            claim.citizen,
        )
    });
    claims
}

impl Claim {
    fn count(&mut self, record: RecordNumber, own: bool) {
        self.records += 1;
        self.own += usize::from(own);
        self.oldest = self.oldest.min(record);
    }
}

#[cfg(test)]
mod tests {
    use super::{Retired, continue_identity};
    use rabt_model::{CitizenId, RecordNumber};

    fn id(bits: u128) -> CitizenId {
        CitizenId::from_random(bits)
    }

    fn was(bits: u128, records: usize) -> Retired {
        let citizen = id(bits);
        Retired { citizen, records }
    }

    fn numbers(list: &[i64]) -> Vec<RecordNumber> {
        list.iter().copied().map(RecordNumber).collect()
    }

    /// Runs with records 1 to 4 held by citizen 1, records 5 and 6 by citizen 2, others by none.
    fn run(clusters: &[&[i64]]) -> super::ClusterChange {
        let held = |record: RecordNumber| match record.0 {
            1..=4 => Some(id(1)),
            5..=6 => Some(id(2)),
            _ => None,
        };
        let mut next = 100;
        let mut mint = || {
            next += 1;
            id(next)
        };
        let clusters: Vec<_> = clusters.iter().map(|list| numbers(list)).collect();
        continue_identity(&clusters, &held, &|_| None, &mut mint)
    }

    #[test]
    fn a_growing_cluster_keeps_its_citizen() {
        let change = run(&[&[1, 2, 3, 4, 9], &[5, 6]]);
        assert_eq!(change.assign, [(RecordNumber(9), id(1))]);
        assert!(change.redirects.is_empty());
    }

    #[test]
    fn a_merge_keeps_the_larger_and_redirects_the_other() {
        let change = run(&[&[1, 2, 3, 4, 5, 6]]);
        assert_eq!(change.redirects, [(id(2), id(1))]);
        assert_eq!(change.clusters[0].0, id(1));
    }

    #[test]
    fn a_split_keeps_the_citizen_with_most_records() {
        let change = run(&[&[1], &[2, 3, 4]]);
        assert_eq!(change.clusters[1].0, id(1));
        assert_eq!(change.clusters[0].0, id(101));
        assert!(change.redirects.is_empty());
    }

    #[test]
    fn a_citizen_who_was_merged_away_returns_with_their_records() {
        let held = |record: RecordNumber| (record.0 <= 4).then(|| id(1));
        let retired = |record: RecordNumber| (3..=4).contains(&record.0).then(|| was(2, 2));
        let clusters = [numbers(&[1, 2]), numbers(&[3, 4])];
        let mut mint = || id(100);
        let change = continue_identity(&clusters, &held, &retired, &mut mint);
        let expected = [(RecordNumber(3), id(2)), (RecordNumber(4), id(2))];
        assert_eq!(change.assign, expected);
        assert!(change.redirects.is_empty());
    }

    #[test]
    fn a_citizen_does_not_return_with_the_smaller_part_of_their_records() {
        let held = |_| Some(id(1));
        let retired = |record: RecordNumber| (2..=5).contains(&record.0).then(|| was(2, 4));
        let mut mint = || id(100);
        // with three of the four elsewhere, that is where the id leads; with two, nothing is said
        for (parted, led) in [(&[5][..], &[(id(2), id(1))][..]), (&[4, 5], &[])] {
            let mut rest = numbers(&[1, 2, 3, 4, 6, 7, 8, 9]);
            rest.retain(|record| !parted.contains(&record.0));
            let clusters = [rest, numbers(parted)];
            let change = continue_identity(&clusters, &held, &retired, &mut mint);
            assert_eq!(change.clusters[0].0, id(1));
            assert_eq!(change.clusters[1].0, id(100));
            assert_eq!(change.redirects, led);
        }
    }

    #[test]
    fn a_citizen_who_is_no_more_never_takes_over_one_who_lives() {
        let held = |record: RecordNumber| (record.0 == 5).then(|| id(5));
        let retired = |record: RecordNumber| (record.0 <= 4).then(|| was(2, 4));
        let mut mint = || id(100);
        let clusters = [numbers(&[1, 2, 3, 4, 5])];
        let change = continue_identity(&clusters, &held, &retired, &mut mint);
        assert_eq!(change.clusters[0].0, id(5));
        assert_eq!(change.redirects, [(id(2), id(5))]);
    }

    #[test]
    fn a_citizen_all_of_whose_records_speak_for_others_goes_on() {
        let held = |_| Some(id(1));
        let retired = |_| Some(was(2, 2));
        let mut mint = || id(100);
        let clusters = [numbers(&[2]), numbers(&[3])];
        let change = continue_identity(&clusters, &held, &retired, &mut mint);
        assert_eq!(change.clusters[0].0, id(1));
        assert_eq!(change.clusters[1].0, id(100));
    }

    #[test]
    fn new_records_get_new_citizens() {
        let change = run(&[&[7], &[8]]);
        assert_eq!(
            change.assign,
            [(RecordNumber(7), id(101)), (RecordNumber(8), id(102))]
        );
    }
}
