//! The truth, the clusters and the edges, read into numbers.

use std::collections::HashMap;
use std::path::Path;

use rabt_linkage::{BIT, MatchWeight};
use serde::Serialize;

use super::EvaluateArgs;
use super::names::{Names, next};
use crate::command::link::csv_file::CsvFile;
use crate::error::CommandError;

/// The values of a column in the order in which they were first met.
#[derive(Default)]
struct Values {
    numbers: HashMap<Box<str>, u32>,
}

impl Values {
    fn number(&mut self, value: &str) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let next = next(self.numbers.len());
        self.numbers.insert(value.into(), next);
        next
    }

    fn into_list(self) -> Vec<String> {
        let mut list: Vec<(Box<str>, u32)> = self.numbers.into_iter().collect();
        list.sort_unstable_by_key(|(_, number)| *number);
        list.into_iter().map(|(value, _)| value.into()).collect()
    }
}

/// A column by which errors are also counted.
pub(super) struct Grouping {
    /// Its name.
    pub(super) column: String,
    /// The values it has; empty where a record has none.
    pub(super) values: Vec<String>,
    /// The value of each record.
    pub(super) of_record: Vec<u32>,
}

/// The records of the truth and what is known of each.
pub(super) struct Truth {
    ids: Names,
    /// The true person of each record, where it has one.
    pub(super) people: Vec<Option<u32>>,
    /// The cluster of each record, where it has one.
    pub(super) clusters: Vec<Option<u32>>,
    /// The groupings, in the order of the command.
    pub(super) groupings: Vec<Grouping>,
    /// Records with a cluster that the truth does not have.
    unknown: u64,
    repeated: u64,
}

/// How many records could be judged, and why others could not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    /// Records with a cluster and a person.
    #[serde(rename = "records")]
    pub(super) judged: u64,
    /// Records with a cluster that the truth does not have.
    pub(super) without_truth: u64,
    /// Records of the truth that are in no cluster.
    pub(super) without_cluster: u64,
    /// Records with a cluster whose person is empty in the truth.
    pub(super) without_person: u64,
    /// Lines that say again what another said.
    pub(super) repeated: u64,
}

impl Counts {
    /// Returns a line for every kind of record that was not judged.
    pub(super) fn notes(self) -> impl Iterator<Item = String> {
        let notes = [
            (
                self.without_truth,
                "records have a cluster but are not in the truth; not judged",
            ),
            (
                self.without_cluster,
                "records of the truth are in no cluster; not judged",
            ),
            (
                self.without_person,
                "records have no person in the truth; not judged",
            ),
            (self.repeated, "lines repeat another; counted once"),
        ];
        let notes = notes.into_iter().filter(|(count, _)| *count > 0);
        notes.map(|(count, what)| format!("{count} {what}"))
    }
}

impl Truth {
    /// Counts what could be judged.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts {
            judged: 0,
            without_truth: self.unknown,
            without_cluster: 0,
            without_person: 0,
            repeated: self.repeated,
        };
        for (cluster, person) in self.clusters.iter().zip(&self.people) {
            match (cluster, person) {
                (Some(_), Some(_)) => counts.judged += 1,
                (Some(_), None) => counts.without_person += 1,
                (None, _) => counts.without_cluster += 1,
            }
        }
        counts
    }

    /// Returns place, cluster and person of every record that can be judged.
    pub(super) fn judged(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        let both = self.clusters.iter().zip(&self.people).enumerate();
        both.filter_map(|(at, (cluster, person))| {
            Some((at, u64::from((*cluster)?), u64::from((*person)?)))
        })
    }

    /// Forgets the ids, which nothing asks for once all files are read.
    pub(super) fn forget_ids(&mut self) {
        self.ids = Names::default();
    }

    /// Returns the true person of every record that can be judged.
    pub(super) fn judged_people(&self) -> Vec<Option<u32>> {
        let both = self.people.iter().zip(&self.clusters);
        both.map(|(person, cluster)| person.filter(|_| cluster.is_some()))
            .collect()
    }
}

/// Reads the truth.
pub(super) fn truth(args: &EvaluateArgs) -> Result<Truth, CommandError> {
    let mut file = CsvFile::open(&args.truth)?;
    let id = file.column(&args.id, "--id")?;
    let person = file.column(&args.truth_column, "--truth-column")?;
    let mut columns = Vec::with_capacity(args.group.len());
    let mut groupings = Vec::with_capacity(args.group.len());
    for column in &args.group {
        columns.push((file.column(column, "--group")?, Values::default()));
        groupings.push(Grouping {
            column: column.clone(),
            values: Vec::new(),
            of_record: Vec::new(),
        });
    }
    let mut people = Names::default();
    let mut truth = Truth {
        ids: Names::default(),
        people: Vec::new(),
        clusters: Vec::new(),
        groupings,
        unknown: 0,
        repeated: 0,
    };
    let mut record = csv::StringRecord::new();
    while file.read(&mut record)? {
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let at = truth.ids.number(cell(id)) as usize;
        let name = Some(cell(person)).filter(|name| !name.is_empty());
        let number = name.map(|name| people.number(name));
        if at < truth.people.len() {
            if truth.people[at] != number {
                let what = "an id that an earlier line gives to another person";
                return Err(file.wrong(&record, what, "give every record one id of its own"));
            }
            truth.repeated += 1;
            continue;
        }
        truth.people.push(number);
        for (grouping, (column, names)) in truth.groupings.iter_mut().zip(&mut columns) {
            grouping.of_record.push(names.number(cell(*column)));
        }
    }
    for (grouping, (_, names)) in truth.groupings.iter_mut().zip(columns) {
        grouping.values = names.into_list();
    }
    truth.clusters.resize(truth.people.len(), None);
    Ok(truth)
}

/// Reads the cluster of every record that the truth has.
pub(super) fn clusters(path: &Path, truth: &mut Truth) -> Result<(), CommandError> {
    let mut file = CsvFile::open(path)?;
    let id = file.column("record_id", "the record")?;
    let cluster = file.column("cluster_id", "its cluster")?;
    let mut names = Names::default();
    let mut record = csv::StringRecord::new();
    while file.read(&mut record)? {
        let name = record.get(cluster).unwrap_or_default();
        if name.is_empty() {
            return Err(file.wrong(
                &record,
                "the cluster is empty",
                "give every record a cluster",
            ));
        }
        let Some(at) = truth.ids.find(record.get(id).unwrap_or_default()) else {
            truth.unknown += 1;
            continue;
        };
        let number = names.number(name);
        match truth.clusters[at] {
            None => truth.clusters[at] = Some(number),
            Some(before) if before == number => truth.repeated += 1,
            Some(_) => {
                let what = "an id that an earlier line puts into another cluster";
                return Err(file.wrong(&record, what, "give every record one id of its own"));
            }
        }
    }
    Ok(())
}

/// A scored pair of records that can be judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    /// Places of the two records, the lesser first.
    pub(super) pair: (usize, usize),
    /// Its weight.
    pub(super) weight: MatchWeight,
    /// Its probability.
    pub(super) probability: f64,
}

/// The edges of a file.
pub(super) struct Edges {
    /// Those of two records that can be judged, each pair once.
    pub(super) list: Vec<Edge>,
    /// Edges of a record that cannot be judged.
    pub(super) unjudged: u64,
    /// Edges that repeat another.
    pub(super) repeated: usize,
}

/// Reads the edges.
pub(super) fn edges(path: &Path, truth: &Truth) -> Result<Edges, CommandError> {
    let mut file = CsvFile::open(path)?;
    let left = file.column("left", "the first record")?;
    let right = file.column("right", "the second record")?;
    let weight = file.column("weight_bits", "the weight")?;
    let probability = file.column("probability", "the probability")?;
    let mut list: Vec<Edge> = Vec::new();
    let mut unjudged = 0;
    let mut record = csv::StringRecord::new();
    while file.read(&mut record)? {
        let number = |at: usize, what: &str| {
            let number = record.get(at).and_then(|text| text.parse::<f64>().ok());
            number.filter(|number| number.is_finite()).ok_or_else(|| {
                file.wrong(
                    &record,
                    &format!("the {what} is not a number"),
                    "write it with a decimal point",
                )
            })
        };
        let (bits, probability) = (
            number(weight, "weight")?,
            number(probability, "probability")?,
        );
        if !(0.0..=1.0).contains(&probability) {
            let what = "the probability is not between 0 and 1";
            return Err(file.wrong(&record, what, "write a share, such as 0.98"));
        }
        let place = |at: usize| {
            let at = truth.ids.find(record.get(at).unwrap_or_default())?;
            (truth.people[at].is_some() && truth.clusters[at].is_some()).then_some(at)
        };
        match (place(left), place(right)) {
            (Some(one), Some(other)) if one != other => list.push(Edge {
                pair: (one.min(other), one.max(other)),
                weight: weight_of(bits),
                probability,
            }),
            _ => unjudged += 1,
        }
    }
    list.sort_unstable_by_key(|edge| (edge.pair, edge.weight));
    let all = list.len();
    list.dedup_by_key(|edge| edge.pair);
    Ok(Edges {
        repeated: all - list.len(),
        unjudged,
        list,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is held within the range of the type"
)]
fn weight_of(bits: f64) -> MatchWeight {
    let most = f64::from(i32::MAX);
    MatchWeight((bits * f64::from(BIT)).round().clamp(-most, most) as i32)
}
