//! Licences, sources and banned crates: the rules of `deny.toml`, held from `cargo metadata`, so
//! that they hold on machines where cargo-deny is not installed.

use std::collections::BTreeSet;

use cargo_metadata::PackageId;

use crate::workspace::metadata;

fn rules() -> toml::Table {
    let text = std::fs::read_to_string(rabt_tests::root().join("deny.toml")).expect("deny.toml");
    text.parse().expect("deny.toml is TOML")
}

fn texts(value: &toml::Value) -> BTreeSet<String> {
    let list = value.as_array().expect("a list");
    let names = list.iter().map(|item| item.get("crate").unwrap_or(item));
    names
        .map(|name| name.as_str().expect("a text").to_owned())
        .collect()
}

#[test]
fn licences_are_allowed() {
    let rules = rules();
    let allowed = texts(&rules["licenses"]["allow"]);
    let exceptions = rules["licenses"]["exceptions"].as_array().expect("a list");
    let mut wrong = Vec::new();
    for package in metadata().packages {
        let licence = package.license.clone().unwrap_or_default();
        let excepted = exceptions
            .iter()
            .filter(|one| one["crate"].as_str() == Some(&package.name));
        let mut allowed = allowed.clone();
        allowed.extend(excepted.flat_map(|one| texts(&one["allow"])));
        if package.source.is_some() && !permits(&licence, &allowed) {
            wrong.push(format!("{} {}: {licence:?}", package.name, package.version));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn sources_are_allowed() {
    let rules = rules();
    let allowed = texts(&rules["sources"]["allow-registry"]);
    for package in metadata().packages {
        if let Some(source) = &package.source {
            let registry = source
                .repr
                .strip_prefix("registry+")
                .unwrap_or(&source.repr);
            assert!(allowed.contains(registry), "{}: {source}", package.name);
        }
    }
}

/// A banned crate may be there for the sake of its wrappers, and only for theirs.
#[test]
fn banned_crates_are_absent() {
    let rules = rules();
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    for ban in rules["bans"]["deny"].as_array().expect("a list") {
        let banned = ban["crate"].as_str().expect("a text");
        let wrappers = ban.get("wrappers").map(texts).unwrap_or_default();
        let is_banned = |id: &PackageId| metadata[id].name == banned;
        for node in &resolve.nodes {
            let name = &metadata[&node.id].name;
            let uses = node.dependencies.iter().any(is_banned);
            assert!(
                !uses || wrappers.contains(name.as_str()),
                "{name} uses {banned}"
            );
        }
    }
}

/// Says whether an SPDX expression can be satisfied by the allowed licences. `AND` binds closer than
/// `OR`; the old form `A/B` means `A OR B`.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    !words.is_empty() && any_of(&mut rest, allowed) && rest.is_empty()
}

fn any_of(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut holds = all_of(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        holds |= all_of(words, allowed);
    }
    holds
}

fn all_of(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut holds = one(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        holds &= one(words, allowed);
    }
    holds
}

fn one(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let holds = any_of(words, allowed);
            *words = words.get(1..).unwrap_or_default();
            holds
        }
        [name, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&format!("{name} WITH {exception}"))
        }
        [name, rest @ ..] => {
            *words = rest;
            allowed.contains(*name)
        }
        [] => false,
    }
}

#[test]
fn expressions_are_understood() {
    let allowed: BTreeSet<String> = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
        .map(str::to_owned)
        .into();
    for (expression, permitted) in [
        ("MIT", true),
        ("MIT/GPL-3.0", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("(GPL-3.0 OR MIT) AND GPL-2.0", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
        ("", false),
    ] {
        assert_eq!(permits(expression, &allowed), permitted, "{expression}");
    }
}
