use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Batch, Standardiser};
use crate::model::LinkageModel;
use crate::standardise::BLOCK;

/// A small generator of numbers, so that the records are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

/// A record: identity, name, birth date, phone, national id.
type Record = (String, [Option<String>; 4]);

/// Families with twins, namesakes and slips: links chain, conflict and are cut.
fn hard(count: usize, seed: u64) -> Vec<Record> {
    let mut dice = Dice(seed);
    let mut records = Vec::with_capacity(count);
    for number in 0..count {
        let given = dice.pick(&["أحمد", "احمد", "محمود", "محمد", "Ahmed", "هدى"]);
        let father = dice.pick(&["حسن", "حسين", "على"]);
        let family = dice.pick(&["البدري", "سالم", "El-Badry"]);
        let birth = dice.pick(&["1990-02-11", "1990-02-12", "1990-11-02", "2001-05-05", ""]);
        let phone = dice.pick(&["01012345670", "01012345671", "", ""]);
        let id = dice.pick(&[
            "29002110112357",
            "29002110112365",
            "30105051512348",
            "",
            "",
            "",
        ]);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let name = Some(format!("{given} {father} {family}"));
        records.push((
            format!("r{number}"),
            [name, some(birth), some(phone), some(id)],
        ));
    }
    records
}

const COLUMNS: [&str; 4] = [
    "name.chain",
    "birth.date",
    "phone",
    "identifier.national_id",
];

fn batch(model: &Arc<LinkageModel>, parts: &[(usize, &[Record])]) -> Batch {
    let standardiser = Standardiser::new(Arc::clone(model));
    let places: Vec<usize> = COLUMNS.iter().map(|id| model.column(id).unwrap()).collect();
    std::thread::scope(|scope| {
        for (place, records) in parts {
            let (standardiser, places) = (&standardiser, &places);
            scope.spawn(move || {
                standardiser.read(*place, |push| {
                    for (identity, values) in *records {
                        let mut cells = vec![None; model.columns.len()];
                        for (place, value) in places.iter().zip(values) {
                            cells[*place] = value.as_deref();
                        }
                        push(identity, &cells);
                    }
                });
            });
        }
    });
    standardiser.finish()
}

/// Returns the clusters as sets of identities.
fn clusters(batch: &Batch, records: &[Record]) -> BTreeSet<BTreeSet<String>> {
    let edges = batch.block().score(|_| {}).edges;
    let partition = batch.cluster(&edges);
    let mut clusters: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for (first, (identity, _)) in partition.first_of.iter().zip(records) {
        clusters.entry(*first).or_default().insert(identity.clone());
    }
    assert_eq!(clusters.len() as u64, partition.clusters);
    clusters.into_values().collect()
}

fn egypt() -> Arc<LinkageModel> {
    Arc::new(LinkageModel::shipped("egypt").unwrap())
}

#[test]
fn any_order_and_any_number_of_threads_give_one_partition() {
    let model = egypt();
    let mut records = hard(300, 7);
    let expected = clusters(&batch(&model, &[(0, &records)]), &records);
    assert!(
        expected.len() > 20 && expected.len() < 290,
        "{}",
        expected.len()
    );
    let permutations = match std::env::var_os("RABT_SOAK") {
        Some(_) => 1_000,
        None => 50,
    };
    let mut dice = Dice(3);
    for permutation in 0..permutations {
        for at in (1..records.len()).rev() {
            records.swap(at, usize::try_from(dice.roll(at as u64 + 1)).unwrap());
        }
        let threads = 1 + permutation % 4;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let found = pool.install(|| clusters(&batch(&model, &[(0, &records)]), &records));
        assert!(
            found == expected,
            "permutation {permutation}, {threads} threads"
        );
    }
}

#[test]
fn parts_read_by_several_threads_stand_in_the_order_of_their_places() {
    let model = egypt();
    let records = hard(BLOCK + 500, 11);
    let (first, second) = records.split_at(BLOCK);
    let whole = batch(&model, &[(1, second), (0, first)]);
    let single = batch(&model, &[(0, &records[..BLOCK]), (1, &records[BLOCK..])]);
    assert_eq!(whole.len(), records.len());
    // What a card means is the same whichever thread numbered its words.
    for (row, (identity, _)) in records.iter().enumerate().step_by(997) {
        let row = u32::try_from(row).unwrap();
        assert_eq!(
            whole.data.identity(whole.arrangement.place(row)),
            single.data.identity(single.arrangement.place(row)),
            "{identity}"
        );
        let near = row.saturating_sub(1);
        assert_eq!(whole.explain(row, near), single.explain(row, near));
    }
}

#[test]
fn records_that_lie_elsewhere_keep_their_rows() {
    let model = egypt();
    let people = BLOCK / 2 + 50;
    let once: Vec<Record> = (0..people)
        .map(|person| {
            let (day, month, year) = (person % 28 + 1, person / 28 % 12 + 1, person / 336 % 60);
            let values = [
                Some("أحمد حسن سالم البدري".to_owned()),
                Some(format!("{}-{month:02}-{day:02}", 1940 + year)),
                Some(format!("010{:08}", 10_000_000 + person * 3_571)),
                None,
            ];
            (format!("r{person}"), values)
        })
        .collect();
    let again = once
        .iter()
        .map(|(id, values)| (format!("{id} again"), values.clone()));
    let records: Vec<Record> = once.iter().cloned().chain(again).collect();
    let (first, second) = records.split_at(BLOCK);
    let data = batch(&model, &[(0, first), (1, second)]);
    let row = |at: usize| u32::try_from(at).unwrap();
    assert!((0..people).any(|at| data.arrangement.place(row(at)) != row(at)));
    let candidates = data.block();
    let known: Vec<Option<u32>> = (0..records.len())
        .map(|at| Some(row(at % people)))
        .collect();
    assert!((candidates.judge(&known).recall() - 1.0).abs() < f64::EPSILON);
    let edges = candidates.score(|_| {}).edges;
    assert!(edges.is_sorted() && edges.iter().all(|edge| edge.0 < edge.1));
    let partition = data.cluster(&edges);
    for at in 0..people {
        let (left, right) = (row(at), row(at + people));
        assert_eq!(
            partition.first_of[at + people],
            partition.first_of[at],
            "{at}"
        );
        assert!(
            candidates
                .shared_rules(left, right)
                .contains(&"phone".to_owned())
        );
    }
    assert_eq!(partition.clusters, people as u64);
    assert!((0..people).all(|at| partition.first_of[at] == row(at)));
}

#[test]
fn oversize_blocks_are_split_or_reported() {
    let text = include_str!("../models/egypt.toml");
    let start = text.find("[[blocking]]").unwrap();
    let end = text.find("[[comparison]]").unwrap();
    let rule = |more: &str| {
        let rule = format!(
            "[[blocking]]\nid = \"phone\"\nkey = [{{ column = \"phone\", take = \"whole\" }}]\ncap = 10\n{more}\n"
        );
        let text = format!("{}{rule}{}", &text[..start], &text[end..]);
        Arc::new(LinkageModel::from_toml(&text).unwrap())
    };
    let mut records = hard(60, 5);
    for (number, (_, values)) in records.iter_mut().enumerate() {
        values[1] = Some(format!("19{:02}-05-06", 60 + number % 12));
        values[2] = Some("01012345670".to_owned());
    }
    let whole = rule("");
    let data = batch(&whole, &[(0, &records)]);
    let candidates = data.block();
    assert_eq!(candidates.skipped()[0].records, 60);
    assert_eq!(candidates.counts()[0].skipped_records, 60);
    assert_eq!(candidates.score(|_| {}).candidate_pairs, 0);

    let split = rule("split = [{ column = \"birth.date\", take = \"year\" }]");
    let data = batch(&split, &[(0, &records)]);
    let candidates = data.block();
    assert!(candidates.skipped().is_empty());
    let count = &candidates.counts()[0];
    assert_eq!(
        (count.split_blocks, count.blocks, count.pairs),
        (1, 12, 12 * 10)
    );
    assert_eq!(candidates.score(|_| {}).candidate_pairs, 120);
}

#[test]
fn a_giant_component_is_resolved_in_little_memory_and_keeps_valid_ids_apart() {
    let birth = "1990-02-11";
    let ids = ["29002110112357", "29002110145678"];
    let records: Vec<Record> = (0..400)
        .map(|number| {
            let person = number % 2;
            let values = [
                Some("أحمد حسن علي البدري".to_owned()),
                Some(birth.to_owned()),
                Some("01012345670".to_owned()),
                (number % 4 < 2).then(|| ids[person].to_owned()),
            ];
            (format!("r{number}"), values)
        })
        .collect();
    let lines = include_str!("../models/egypt.toml").lines();
    let wide = lines.map(|line| {
        if line.starts_with("cap = ") {
            "cap = 500"
        } else {
            line
        }
    });
    let text = wide.collect::<Vec<_>>().join("\n");
    let wide = Arc::new(LinkageModel::from_toml(&text).unwrap());
    let data = batch(&wide, &[(0, &records)]);
    let partition = data.cluster(&data.block().score(|_| {}).edges);
    for (row, first) in partition.first_of.iter().enumerate() {
        let holder = |row: usize| records[row].1[3].clone();
        let members = partition
            .first_of
            .iter()
            .enumerate()
            .filter(|(_, other)| *other == first);
        let held: BTreeSet<String> = members.filter_map(|(member, _)| holder(member)).collect();
        assert!(held.len() <= 1, "row {row} shares a cluster with {held:?}");
    }
    assert!(partition.clusters < 10, "{}", partition.clusters);
}

#[test]
fn components_whose_pairs_are_all_links_are_clustered_as_all_others() {
    let model = egypt();
    let (mut plain, mut others) = (0, 0);
    for seed in 0..60 {
        let records = hard(12, seed);
        let data = batch(&model, &[(0, &records)]).data;
        // Every pair that is a link, whether blocking makes it or not.
        for size in 2..=4_u32 {
            for first in 0..=12 - size {
                let rows: Vec<u32> = (first..first + size).collect();
                let links: Vec<_> = rows
                    .iter()
                    .flat_map(|left| (left + 1..first + size).map(|right| (*left, right)))
                    .map(|(left, right)| {
                        let weight = crate::comparison::weight(&model, &data, left, right);
                        (left, right, weight.0)
                    })
                    .filter(|link| link.2 >= model.decision.link)
                    .collect();
                let free = crate::cluster::Constraints::default();
                let by_weights =
                    crate::cluster::resolve_by_weights(&model, &data, &rows, &links, &free);
                let found = crate::cluster::resolve(&model, &data, &rows, &links);
                assert_eq!(found, by_weights, "seed {seed}, rows {rows:?}");
                if links.len() == rows.len() * (rows.len() - 1) / 2 {
                    plain += 1;
                } else {
                    others += 1;
                }
            }
        }
    }
    assert!(plain > 20 && others > 20, "{plain} {others}");
}

#[test]
fn nothing_and_one_record_are_no_special_case() {
    let model = egypt();
    let empty = batch(&model, &[(0, &[])]);
    assert!(empty.is_empty());
    assert_eq!(
        empty.cluster(&empty.block().score(|_| {}).edges).clusters,
        0
    );
    let one = hard(1, 1);
    assert_eq!(clusters(&batch(&model, &[(0, &one)]), &one).len(), 1);
}
