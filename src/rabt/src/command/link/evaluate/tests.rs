//! The command on small files: what it says, and what it says of files that are wrong.

use std::path::{Path, PathBuf};

use super::{EvaluateArgs, judge, text};
use crate::error::CommandError;
use crate::render::Render;

const CLUSTERS: &str = "record_id,cluster_id\na,a\nb,a\nc,a\nd,d\ne,e\nz,z\n";
const TRUTH: &str = "rec,person,sex\na,1,m\nb,1,m\nc,2,f\nd,2,f\ne,3,\nf,3,m\ng,,m\n";
const EDGES: &str = "left,right,weight_bits,probability\n\
                     a,b,9.5,0.998\nc,b,4.0,0.94\na,c,-1,0.33\na,z,3,0.9\n";

/// The files of one run.
struct Case {
    folder: tempfile::TempDir,
    args: EvaluateArgs,
}

fn case(clusters: &str, truth: &str, edges: Option<&str>) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let args = EvaluateArgs {
        clusters: file("clusters.csv", clusters),
        truth: file("truth.csv", truth),
        id: "rec".into(),
        truth_column: "Person".into(),
        edges: edges.map(|text| file("edges.csv", text)),
        group: vec!["sex".into()],
    };
    Case { folder, args }
}

impl Case {
    fn error(&self) -> String {
        let error: CommandError = judge(&self.args, &Render::new(false)).err().unwrap();
        let faults = error.faults();
        let text = format!("{} | {}", faults[0].message, faults[0].help);
        let folder: &Path = self.folder.path();
        text.replace(&format!("{}/", folder.display()), "")
    }
}

#[test]
fn a_small_case_is_judged_as_by_hand() {
    let case = case(CLUSTERS, TRUTH, Some(EDGES));
    let result = judge(&case.args, &Render::new(false)).unwrap();
    let counts = result.counts;
    assert_eq!((counts.judged, counts.without_truth), (5, 1));
    assert_eq!((counts.without_cluster, counts.without_person), (2, 0));
    let notes: Vec<String> = counts.notes().collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    // Found a-b, a-c, b-c; true a-b, c-d.
    let pairs = &result.pairs;
    assert_eq!((pairs.found, pairs.right, pairs.known), (3, 1, 2));
    assert_eq!(
        (result.merge_distance.splits, result.merge_distance.merges),
        (1, 1)
    );

    let edges = result.edges.as_ref().unwrap();
    assert_eq!((edges.blocking.candidate_pairs, edges.unjudged), (3, 1));
    let best = edges.best.as_ref().unwrap();
    assert!((best.weight_bits - 9.5).abs() < 1e-9);
    assert_eq!((best.found, best.right), (1, 1));

    let sex = &result.groups[0];
    let lines: Vec<(&str, u64, u64)> = sex
        .values
        .iter()
        .map(|line| (line.value.as_str(), line.records, line.false_links.count))
        .collect();
    assert_eq!(lines, [("(none)", 1, 0), ("f", 2, 2), ("m", 2, 2)]);
    assert_eq!(sex.missed_link_gap.as_ref().unwrap().highest, "f");
}

#[test]
fn the_text_holds_every_part() {
    let case = case(CLUSTERS, TRUTH, Some(EDGES));
    let result = judge(&case.args, &Render::new(false)).unwrap();
    insta::assert_snapshot!(text::of(&result));
    let object = serde_json::to_value(&result).unwrap();
    for key in [
        "records",
        "pairwise",
        "b_cubed",
        "cluster",
        "over_merged",
        "edges",
        "groups",
    ] {
        assert!(object.get(key).is_some(), "{key}");
    }
}

#[test]
fn one_record_is_judged() {
    let case = case(
        "record_id,cluster_id\na,a\n",
        "rec,person,sex\na,1,m\n",
        None,
    );
    let result = judge(&case.args, &Render::new(false)).unwrap();
    assert!((result.pairwise.f1 - 1.0).abs() < 1e-9);
    assert!(text::of(&result).starts_with("1 records, 1 people, 1 clusters"));
}

#[test]
fn repeated_lines_are_counted_and_contradictions_refused() {
    let again = case(
        "record_id,cluster_id\na,a\na,a\nb,b\n",
        "rec,person,sex\na,1,m\nb,2,m\nb,2,m\n",
        Some("left,right,weight_bits,probability\na,b,1,0.5\nb,a,1,0.5\n"),
    );
    let result = judge(&again.args, &Render::new(false)).unwrap();
    assert_eq!((result.counts.judged, result.counts.repeated), (2, 2));
    assert_eq!(result.edges.unwrap().blocking.candidate_pairs, 1);

    let truth = "rec,person,sex\na,1,m\nb,2,m\n";
    let other = case("record_id,cluster_id\na,a\na,b\n", truth, None).error();
    assert_eq!(
        other,
        "clusters.csv line 3: an id that an earlier line puts into another cluster | \
         give every record one id of its own"
    );
    let other = case(CLUSTERS, "rec,person,sex\na,1,m\na,2,m\n", None).error();
    assert!(other.starts_with("truth.csv line 3: an id that an earlier line gives to"));
}

#[test]
fn files_that_are_wrong_are_named() {
    let of =
        |clusters: &str, truth: &str, edges: Option<&str>| case(clusters, truth, edges).error();
    for (error, expected) in [
        (of("", TRUTH, None), "clusters.csv: the file is empty"),
        (
            of("a,b\n", TRUTH, None),
            "clusters.csv: there is no column record_id (the record) | the file has: a, b",
        ),
        (
            of("record_id,cluster_id\n", TRUTH, None),
            "no record of clusters.csv has a person in truth.csv",
        ),
        (
            of("record_id,cluster_id\na,\n", TRUTH, None),
            "clusters.csv line 2: the cluster is empty",
        ),
        (
            of(CLUSTERS, "rec,sex\na,m\n", None),
            "truth.csv: there is no column Person (--truth-column)",
        ),
        (
            of(CLUSTERS, "rec,person\na,1\n", None),
            "truth.csv: there is no column sex (--group)",
        ),
        (
            of(CLUSTERS, "rec,person,sex\n", None),
            "no record of clusters.csv has a person in truth.csv",
        ),
        (
            of(CLUSTERS, "rec,person,sex\na,1\n", None),
            "truth.csv: CSV error",
        ),
        (
            of(
                CLUSTERS,
                TRUTH,
                Some("left,right,weight_bits,probability\na,b,x,0.5\n"),
            ),
            "edges.csv line 2: the weight is not a number",
        ),
        (
            of(
                CLUSTERS,
                TRUTH,
                Some("left,right,weight_bits,probability\na,b,1,98\n"),
            ),
            "edges.csv line 2: the probability is not between 0 and 1",
        ),
    ] {
        assert!(error.starts_with(expected), "{error}");
    }
}
