//! The text form of a model.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    BlockingRule, ColumnSpec, ColumnType, Comparison, ComparisonType, Decision, KeyPart,
    LevelWeight, LinkageModel, Take,
};
use crate::standardise::Lexicon;
use crate::weight::{bits, from_bits};

/// The version of the model format that this engine reads.
const SCHEMA: u32 = 1;

/// One problem of a model file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("model file{}: {message}", line.map(|n| format!(" line {n}")).unwrap_or_default())]
pub struct ModelError {
    /// The line, counted from 1, when the problem has one.
    pub line: Option<usize>,
    /// What is wrong and what to write instead.
    pub message: String,
}

fn problem(message: impl Into<String>) -> ModelError {
    ModelError {
        line: None,
        message: message.into(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    schema: u32,
    name: String,
    version: u32,
    #[serde(default)]
    pack: Option<String>,
    decision: DecisionFile,
    column: Vec<ColumnFile>,
    blocking: Vec<BlockingFile>,
    comparison: Vec<ComparisonFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionFile {
    prior: f64,
    kin_prior: Option<f64>,
    link: f64,
    review: f64,
    mean: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnFile {
    id: String,
    #[serde(rename = "type")]
    kind: ColumnType,
    #[serde(default)]
    synonyms: Vec<String>,
    fill_from: Option<String>,
    #[serde(default = "one")]
    many: usize,
}

const fn one() -> usize {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockingFile {
    id: String,
    key: Vec<PartFile>,
    cap: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartFile {
    column: String,
    or: Option<String>,
    take: Take,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComparisonFile {
    id: String,
    #[serde(rename = "type")]
    kind: ComparisonType,
    columns: Vec<String>,
    levels: BTreeMap<String, LevelFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelFile {
    /// Share of the level among pairs of one person.
    m: f64,
    /// Share among pairs of strangers; absent means the share of the value itself.
    u: Option<f64>,
    /// Share among pairs of close relatives; absent means as among strangers.
    kin: Option<f64>,
}

/// Reads and checks a model file; the fingerprint is left empty.
pub(super) fn read(text: &str) -> Result<LinkageModel, Vec<ModelError>> {
    let file: ModelFile = toml::from_str(text).map_err(|error| vec![syntax(text, &error)])?;
    let mut problems = Vec::new();
    if file.schema > SCHEMA {
        problems.push(problem(format!(
            "schema {} is newer than this engine's {SCHEMA}; use a newer engine",
            file.schema
        )));
    }
    let lexicon = match file.pack.as_deref() {
        None => Lexicon::default(),
        Some("egypt") => egypt(&mut problems),
        Some(other) => {
            problems.push(problem(format!(
                "there is no pack '{other}'; the packs are: egypt"
            )));
            Lexicon::default()
        }
    };
    let names: Vec<String> = file.column.iter().map(|column| column.id.clone()).collect();
    let columns = read_columns(&file.column, &names, &mut problems);
    let blocking = read_blocking(&file.blocking, &names, &mut problems);
    let comparisons = file
        .comparison
        .iter()
        .map(|c| read_comparison(c, &names, &mut problems))
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(LinkageModel {
        name: file.name,
        version: file.version,
        columns,
        blocking,
        comparisons,
        decision: Decision {
            prior: from_bits(file.decision.prior),
            kin_prior: file.decision.kin_prior.map(from_bits),
            link: from_bits(file.decision.link),
            review: from_bits(file.decision.review),
            mean: from_bits(file.decision.mean),
        },
        lexicon,
        fingerprint: String::new(),
    })
}

fn syntax(text: &str, error: &toml::de::Error) -> ModelError {
    let line = error
        .span()
        .map(|span| text[..span.start.min(text.len())].lines().count().max(1));
    ModelError {
        line,
        message: error.message().to_owned(),
    }
}

fn egypt(problems: &mut Vec<ModelError>) -> Lexicon {
    Lexicon::parse(include_str!("../packs/egypt/names.csv")).unwrap_or_else(|line| {
        problems.push(problem(format!(
            "the lexicon of the pack is broken at line {line}"
        )));
        Lexicon::default()
    })
}

fn index_of(id: &str, names: &[String], place: &str, problems: &mut Vec<ModelError>) -> usize {
    names.iter().position(|name| name == id).unwrap_or_else(|| {
        let known = names.join(", ");
        problems.push(problem(format!(
            "{place} names column '{id}'; the columns are: {known}"
        )));
        0
    })
}

fn read_columns(
    file: &[ColumnFile],
    names: &[String],
    problems: &mut Vec<ModelError>,
) -> Vec<ColumnSpec> {
    let mut columns = Vec::with_capacity(file.len());
    for (index, column) in file.iter().enumerate() {
        let place = format!("column '{}'", column.id);
        if names[..index].contains(&column.id) {
            problems.push(problem(format!("{place} is there twice")));
        }
        if !(1..=4).contains(&column.many) {
            problems.push(problem(format!("{place}: many must be 1 to 4")));
        }
        let fill_from = column
            .fill_from
            .as_deref()
            .map(|id| index_of(id, names, &place, problems));
        columns.push(ColumnSpec {
            id: column.id.clone(),
            kind: column.kind,
            synonyms: column.synonyms.clone(),
            fill_from,
            many: column.many,
        });
    }
    columns
}

fn read_blocking(
    file: &[BlockingFile],
    names: &[String],
    problems: &mut Vec<ModelError>,
) -> Vec<BlockingRule> {
    let mut rules = Vec::with_capacity(file.len());
    for rule in file {
        let place = format!("blocking rule '{}'", rule.id);
        if rule.key.is_empty() {
            problems.push(problem(format!("{place} has no key part")));
        }
        let mut parts = Vec::with_capacity(rule.key.len());
        for part in &rule.key {
            let first = index_of(&part.column, names, &place, problems);
            let second = part
                .or
                .as_deref()
                .map(|id| index_of(id, names, &place, problems));
            parts.push(KeyPart {
                columns: [first, second.unwrap_or(first)],
                take: part.take,
            });
        }
        rules.push(BlockingRule {
            id: rule.id.clone(),
            parts,
            cap: rule.cap.max(2),
        });
    }
    rules
}

fn read_comparison(
    file: &ComparisonFile,
    names: &[String],
    problems: &mut Vec<ModelError>,
) -> Comparison {
    let place = format!("comparison '{}'", file.id);
    let columns = file
        .columns
        .iter()
        .map(|id| index_of(id, names, &place, problems))
        .collect::<Vec<_>>();
    if columns.is_empty() {
        problems.push(problem(format!("{place} names no column")));
    }
    let levels = file.kind.levels();
    let mut weights = vec![LevelWeight::default(); levels.len()];
    for (id, level) in &file.levels {
        let Some(index) = levels.iter().skip(1).position(|known| known == id) else {
            let known = levels[1..].join(", ");
            problems.push(problem(format!(
                "{place} has no level '{id}'; its levels are: {known}"
            )));
            continue;
        };
        for share in [Some(level.m), level.u, level.kin].into_iter().flatten() {
            if !(share > 0.0 && share <= 1.0) {
                problems.push(problem(format!(
                    "{place} level '{id}': a share must be above 0 and at most 1"
                )));
            }
        }
        let stranger = bits(level.m / level.u.unwrap_or(1.0));
        weights[index + 1] = LevelWeight {
            stranger,
            kin: level.kin.map_or(stranger, |kin| bits(level.m / kin)),
            rarity: level.u.is_none(),
        };
    }
    for missing in levels[1..]
        .iter()
        .filter(|id| !file.levels.contains_key(**id))
    {
        problems.push(problem(format!("{place} lacks level '{missing}'")));
    }
    Comparison {
        id: file.id.clone(),
        kind: file.kind,
        columns,
        weights,
    }
}
