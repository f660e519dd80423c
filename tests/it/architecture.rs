//! The rows of `docs/architecture.md`, held against `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, Package, PackageId};

use crate::workspace::metadata;

/// Which row a crate stands in. A crate may depend only on rows below its own.
const ROWS: [(u8, &[&str]); 7] = [
    (0, &["rabt-model"]),
    (1, &["rabt-linkage", "rabt-policy", "rabt-audit"]),
    (2, &["rabt-proto", "rabt-runtime"]),
    (3, &["rabt-connect", "rabt-storage"]),
    (4, &["rabt-service", "rabt-connector-*"]),
    (5, &["rabt-api", "rabt-console", "rabt-batch"]),
    (6, &["rabt"]),
];

/// May use anything; nothing else may use them.
const TOOLS: [&str; 3] = ["xtask", "rabt-tests", "rabt-benches"];

/// Not even through another crate, in rows 0 and 1.
const IMPURE: [&str; 9] = [
    "tokio",
    "async-std",
    "sqlx",
    "sqlx-core",
    "tonic",
    "axum",
    "hyper",
    "rand",
    "tracing",
];

/// Edges that no crate may have although the rows allow them.
const BARRED: [(&str, &[&str]); 2] = [
    ("rabt-api", &["rabt-storage", "rabt-connect"]),
    ("rabt-console", &["rabt-storage", "rabt-connect"]),
];

/// The only crates that may know both sides of row 3.
const KNOWS_BOTH: [&str; 2] = ["rabt-service", "rabt"];

/// Slow to build: named only by these.
const HEAVY: [&str; 4] = ["arrow", "parquet", "datafusion", "ballista"];
const MAY_BE_HEAVY: [&str; 3] = ["rabt-batch", "rabt-connector-parquet", "rabt-benches"];

fn row_of(name: &str) -> Option<u8> {
    let stands = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *pattern,
    };
    let (row, _) = ROWS.iter().find(|(_, names)| names.iter().any(stands))?;
    Some(*row)
}

/// Returns what is wrong with one edge between two of our crates.
fn objection(from: &str, to: &str, kind: DependencyKind) -> Option<String> {
    if TOOLS.contains(&from) {
        return None;
    }
    if TOOLS.contains(&to) {
        return Some(format!("{from} -> {to}: only tools may use tools"));
    }
    let Some((own, other)) = row_of(from).zip(row_of(to)) else {
        return Some(format!("{from} -> {to}: one of them has no row"));
    };
    if kind == DependencyKind::Development {
        return (other > own).then(|| format!("{from} -> {to}: its tests reach up"));
    }
    (other >= own).then(|| format!("{from} (row {own}) -> {to} (row {other}): not a row below"))
}

#[test]
fn dependencies_point_down() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata
        .workspace_packages()
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            if ours.contains(dependency.name.as_str()) {
                wrong.extend(objection(&package.name, &dependency.name, dependency.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_planted_edge_is_found() {
    let normal = DependencyKind::Normal;
    assert!(objection("rabt-linkage", "rabt-storage", normal).is_some());
    assert!(objection("rabt-linkage", "rabt-policy", normal).is_some());
    assert!(objection("rabt-model", "xtask", normal).is_some());
    assert!(objection("rabt-new", "rabt-model", normal).is_some());
    assert!(objection("rabt-linkage", "rabt-model", normal).is_none());
}

#[test]
fn every_crate_has_a_row_and_the_name_of_its_directory() {
    for package in metadata().workspace_packages() {
        let name = package.name.as_str();
        assert!(
            row_of(name).is_some() || TOOLS.contains(&name),
            "{name} has no row"
        );
        let folder = package
            .manifest_path
            .parent()
            .expect("a manifest lies in a folder");
        let directory = folder.file_name().unwrap_or_default();
        let inside = folder.parent().and_then(|parent| parent.file_name());
        let expected = match (inside, directory) {
            (Some("connectors"), kind) => format!("rabt-connector-{kind}"),
            (Some("src"), "rabt" | "xtask") => directory.to_owned(),
            _ => format!("rabt-{directory}"),
        };
        assert_eq!(name, expected, "{folder}");
    }
}

#[test]
fn decisions_are_pure() {
    let metadata = metadata();
    let graph = normal_graph(&metadata);
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        if row_of(&package.name).is_some_and(|row| row <= 1) {
            for name in reachable(&graph, &package.id) {
                if IMPURE.contains(&name) {
                    wrong.push(format!("{} -> … -> {name}", package.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn edges_cannot_go_round_service() {
    for package in metadata().workspace_packages() {
        let uses = normal_names(package);
        for (name, barred) in BARRED {
            let found = barred.iter().find(|barred| uses.contains(**barred));
            assert!(
                name != package.name.as_str() || found.is_none(),
                "{name} -> {found:?}"
            );
        }
        let both = uses.contains("rabt-storage") && uses.contains("rabt-connect");
        let name = package.name.as_str();
        let may = KNOWS_BOTH.contains(&name) || TOOLS.contains(&name);
        assert!(!both || may, "{name} knows both storage and connect");
    }
}

#[test]
fn heavy_crates_stay_in_their_corner() {
    for package in metadata().workspace_packages() {
        for used in normal_names(package) {
            let heavy = HEAVY.iter().any(|heavy| used.starts_with(heavy));
            let may = MAY_BE_HEAVY.contains(&package.name.as_str());
            assert!(!heavy || may, "{} -> {used}", package.name);
        }
    }
}

fn normal_names(package: &Package) -> BTreeSet<&str> {
    let normal = package
        .dependencies
        .iter()
        .filter(|d| d.kind != DependencyKind::Development);
    normal.map(|dependency| dependency.name.as_str()).collect()
}

type Graph<'a> = BTreeMap<&'a PackageId, (&'a str, Vec<&'a PackageId>)>;

/// Returns each package with its name and what it links at run time.
fn normal_graph(metadata: &Metadata) -> Graph<'_> {
    let names: BTreeMap<&PackageId, &str> = metadata
        .packages
        .iter()
        .map(|p| (&p.id, p.name.as_str()))
        .collect();
    let mut graph = Graph::new();
    for node in &metadata.resolve.as_ref().expect("a resolved graph").nodes {
        let linked = node.deps.iter().filter(|dependency| {
            let kinds = &dependency.dep_kinds;
            kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
        });
        let linked = linked.map(|dependency| &dependency.pkg).collect();
        graph.insert(&node.id, (names[&node.id], linked));
    }
    graph
}

fn reachable<'a>(graph: &Graph<'a>, from: &'a PackageId) -> BTreeSet<&'a str> {
    let mut seen: BTreeSet<&PackageId> = BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(graph[id].1.iter().copied());
        }
    }
    seen.into_iter().map(|id| graph[id].0).collect()
}
