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

/// Gives every cluster its citizen. A citizen goes on in the cluster that holds most of its
/// records; a cluster that could go on as several takes the one most of its records had, then the
/// one of its oldest record (the lowest number). A citizen without a cluster is redirected to the
/// cluster that took most of its records. `held` says which citizen a record belonged to; `mint`
/// makes a new one.
pub fn continue_identity(
    clusters: &[Vec<RecordNumber>],
    held: &dyn Fn(RecordNumber) -> Option<CitizenId>,
    mint: &mut dyn FnMut() -> CitizenId,
) -> ClusterChange {
    let claims = claims(clusters, held);
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
    records: usize,
    oldest: RecordNumber,
    citizen: CitizenId,
    cluster: usize,
}

/// Returns the claims, strongest first.
fn claims(
    clusters: &[Vec<RecordNumber>],
    held: &dyn Fn(RecordNumber) -> Option<CitizenId>,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (cluster, records) in clusters.iter().enumerate() {
        let mut counts: BTreeMap<CitizenId, (usize, RecordNumber)> = BTreeMap::new();
        for record in records {
            if let Some(citizen) = held(*record) {
                let entry = counts.entry(citizen).or_insert((0, *record));
                entry.0 += 1;
                entry.1 = entry.1.min(*record);
            }
        }
        let found = counts.into_iter();
        claims.extend(found.map(|(citizen, (records, oldest))| Claim {
            records,
            oldest,
            citizen,
            cluster,
        }));
    }
    claims.sort_by_key(|claim| {
        (
            std::cmp::Reverse(claim.records),
            claim.oldest,
            claim.citizen,
        )
    });
    claims
}

#[cfg(test)]
mod tests {
    use super::continue_identity;
    use rabt_model::{CitizenId, RecordNumber};

    fn id(bits: u128) -> CitizenId {
        CitizenId::from_random(bits)
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
        continue_identity(&clusters, &held, &mut mint)
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
    fn new_records_get_new_citizens() {
        let change = run(&[&[7], &[8]]);
        assert_eq!(
            change.assign,
            [(RecordNumber(7), id(101)), (RecordNumber(8), id(102))]
        );
    }
}
