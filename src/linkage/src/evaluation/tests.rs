//! Metrics by hand, and what must hold of any partitions.

use proptest::prelude::*;

use super::{Contingency, Metrics, SizeCount, evaluate};

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-9
}

/// Person 1: records in clusters 1, 1, 2. Person 2: one record in cluster 2. Person 3: alone.
const SMALL: [(u64, u64); 5] = [(1, 1), (1, 1), (2, 1), (2, 2), (3, 3)];

#[test]
fn counts_are_those_of_a_small_case_by_hand() {
    let metrics = evaluate(SMALL.into_iter());
    assert_eq!(
        (metrics.true_pairs, metrics.found_pairs, metrics.known_pairs),
        (1, 2, 3)
    );
    assert_eq!(
        (metrics.people, metrics.clusters, metrics.records),
        (3, 3, 5)
    );
    assert_eq!(
        (metrics.over_merged, metrics.split, metrics.exact),
        (2, 1, 1)
    );
    assert!(near(metrics.precision(), 0.5) && near(metrics.recall(), 1.0 / 3.0));
    assert!(near(metrics.f1(), 0.4));
    // By record: 1, 1, 1/2, 1/2, 1 of the cluster; 2/3, 2/3, 1/3, 1, 1 of the person.
    assert!(near(metrics.b_cubed().precision, 4.0 / 5.0));
    assert!(near(metrics.b_cubed().recall, 11.0 / 15.0));
    assert!(near(metrics.cluster().f1(), 1.0 / 3.0) && near(metrics.exact_rate(), 1.0 / 3.0));
    // Cluster 2 is split, and its part of person 1 merged with cluster 1.
    let distance = metrics.merge_distance();
    assert_eq!(
        (distance.splits, distance.merges, distance.total()),
        (1, 1, 2)
    );
    assert!(near(distance.per_record(), 0.4) && near(distance.cost(10.0, 1.0), 11.0));
    assert!(near(metrics.over_merge().rate, 2.0 / 3.0));
    assert!(near(metrics.under_merge().rate, 1.0 / 3.0));
}

#[test]
fn sizes_are_counted() {
    let table = Contingency::of(SMALL.into_iter());
    let size = |size, count| SizeCount { size, count };
    assert_eq!(table.cluster_sizes(), [size(1, 1), size(2, 2)]);
    assert_eq!(table.person_sizes(), [size(1, 2), size(3, 1)]);
}

#[test]
fn an_empty_partition_is_perfect() {
    let metrics = evaluate(std::iter::empty());
    assert!(near(metrics.f1(), 1.0) && near(metrics.b_cubed().f1(), 1.0));
    assert!(near(metrics.cluster().f1(), 1.0) && near(metrics.over_merge().rate, 0.0));
    assert_eq!(metrics, Metrics::default());
    assert!(near(metrics.merge_distance().per_record(), 0.0));
}

#[test]
fn one_record_is_perfect() {
    let metrics = evaluate([(9, 4)].into_iter());
    assert!(near(metrics.f1(), 1.0) && near(metrics.b_cubed().f1(), 1.0));
    assert_eq!((metrics.exact, metrics.merge_distance().total()), (1, 0));
}

#[test]
fn all_in_one_cluster_finds_everything_and_errs_most() {
    let metrics = evaluate((0..6).map(|record| (0, record / 2)));
    assert!(near(metrics.recall(), 1.0) && near(metrics.precision(), 3.0 / 15.0));
    assert!(near(metrics.b_cubed().precision, 1.0 / 3.0) && near(metrics.b_cubed().recall, 1.0));
    assert_eq!(
        (metrics.over_merged, metrics.split, metrics.exact),
        (3, 0, 0)
    );
    let distance = metrics.merge_distance();
    assert_eq!((distance.splits, distance.merges), (2, 0));
}

/// The definition itself: every pair, every record.
fn slowly(items: &[(u64, u64)]) -> (u64, u64, u64, f64, f64) {
    let (mut right, mut found, mut known) = (0, 0, 0);
    let (mut precision, mut recall) = (0.0, 0.0);
    for (at, one) in items.iter().enumerate() {
        let (mut both, mut cluster, mut person) = (0.0, 0.0, 0.0);
        for (other_at, other) in items.iter().enumerate() {
            let (same_cluster, same_person) = (one.0 == other.0, one.1 == other.1);
            both += f64::from(u8::from(same_cluster && same_person));
            cluster += f64::from(u8::from(same_cluster));
            person += f64::from(u8::from(same_person));
            if other_at > at {
                right += u64::from(same_cluster && same_person);
                found += u64::from(same_cluster);
                known += u64::from(same_person);
            }
        }
        precision += both / cluster;
        recall += both / person;
    }
    (right, found, known, precision, recall)
}

fn partitions() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((0..12_u64, 0..12_u64), 0..60)
}

proptest! {
    #![proptest_config(crate::soak::cases(256))]

    #[test]
    fn counts_are_those_of_the_definition(items in partitions()) {
        let metrics = evaluate(items.iter().copied());
        let (right, found, known, precision, recall) = slowly(&items);
        prop_assert_eq!((metrics.true_pairs, metrics.found_pairs, metrics.known_pairs), (right, found, known));
        prop_assert!(near(metrics.own_share, precision) && near(metrics.reunited_share, recall));
    }

    #[test]
    fn truth_and_clusters_change_places(items in partitions()) {
        let there = evaluate(items.iter().copied());
        let back = evaluate(items.iter().map(|(cluster, person)| (*person, *cluster)));
        for (one, other) in [
            (there.pairwise(), back.pairwise()),
            (there.b_cubed(), back.b_cubed()),
            (there.cluster(), back.cluster()),
        ] {
            prop_assert!(near(one.precision, other.recall) && near(one.recall, other.precision));
        }
        let (there, back) = (there.merge_distance(), back.merge_distance());
        prop_assert_eq!((there.splits, there.merges), (back.merges, back.splits));
    }

    #[test]
    fn the_order_of_records_and_the_names_of_clusters_do_not_matter(
        (items, mixed) in partitions().prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle()))
    ) {
        let metrics = evaluate(items.into_iter());
        prop_assert_eq!(metrics, evaluate(mixed.iter().copied()));
        let renamed = evaluate(mixed.iter().map(|(cluster, person)| (u64::MAX - cluster * 7, person ^ 5)));
        prop_assert_eq!(metrics.merge_distance(), renamed.merge_distance());
        prop_assert!(near(metrics.f1(), renamed.f1()) && near(metrics.b_cubed().f1(), renamed.b_cubed().f1()));
    }

    #[test]
    fn the_distance_is_zero_only_between_equal_partitions(items in partitions()) {
        let metrics = evaluate(items.iter().copied());
        let equal = metrics.exact == metrics.people;
        prop_assert_eq!(metrics.merge_distance().total() == 0, equal);
        prop_assert_eq!(metrics.over_merged + metrics.split == 0, equal);
        let itself = evaluate(items.iter().map(|(cluster, _)| (*cluster, *cluster)));
        prop_assert_eq!(itself.merge_distance().total(), 0);
        prop_assert!(near(itself.cluster().f1(), 1.0));
    }

    #[test]
    fn every_rate_is_a_share(items in partitions()) {
        let metrics = evaluate(items.into_iter());
        for rates in [metrics.pairwise(), metrics.b_cubed(), metrics.cluster()] {
            for rate in [rates.precision, rates.recall, rates.f1()] {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&rate));
            }
        }
    }

    /// The published algorithm gives the unit distance and, with other costs, pairs.
    #[test]
    fn other_costs_give_other_metrics(items in partitions()) {
        let table = Contingency::of(items.into_iter());
        let metrics = table.metrics();
        let distance = metrics.merge_distance();
        prop_assert_eq!(table.merge_distance(|_, _| 1, |_, _| 1), distance.total());
        prop_assert_eq!(table.merge_distance(|_, _| 1, |_, _| 0), distance.splits);
        prop_assert_eq!(table.merge_distance(|x, y| x * y, |_, _| 0), metrics.found_pairs - metrics.true_pairs);
        prop_assert_eq!(table.merge_distance(|_, _| 0, |x, y| x * y), metrics.known_pairs - metrics.true_pairs);
    }
}
