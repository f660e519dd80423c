//! Reading the settings file of Splink 4 or 5 as a model. What has no counterpart here is named,
//! never guessed.

mod blocking;
mod comparison;
mod condition;
mod schema;
mod settings;
mod sql;
mod token;

use super::{ColumnType, Decision, Definite, LinkageModel, ModelError, Rule, Sources, TestKind};
use crate::pack::Pack;
use crate::weight::{BIT, bits};
use comparison::DraftComparison;
use condition::Draft;
use schema::Schema;
use settings::Settings;

/// A model made of a settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The model file.
    pub toml: String,
    /// What does not map or reads otherwise here, each with the comparison, level or rule and the
    /// SQL it is about.
    pub notes: Vec<String>,
}

/// What a settings file that names no prior starts from.
const PRIOR: f64 = 0.0001;

/// Reads a Splink settings file as far as its levels map.
///
/// # Errors
/// When the text is no JSON, is no settings file, or nothing of its comparisons or of its blocking
/// rules maps.
pub fn import_splink(json: &str) -> Result<Imported, Vec<ModelError>> {
    let settings = Settings::read(json).map_err(|error| vec![error])?;
    let mut notes = Vec::new();
    let mut schema = Schema::default();
    let comparisons = comparison::read_all(&settings.comparisons, &mut notes);
    for comparison in &comparisons {
        comparison.for_each_test(&mut |test| schema.demand(test));
    }
    let rules = blocking::read_all(&settings.blocking, &mut notes);
    for rule in &rules {
        schema.demand_keys(rule);
    }
    note_differences(&comparisons, &mut notes);
    let source = settings.source();
    if let Some(column) = source {
        schema.add(column, ColumnType::Code);
    }
    let comparisons = comparison::resolve_all(comparisons, &mut schema, &mut notes);
    let blocking = blocking::resolve_all(rules, &schema, &mut notes);
    schema.note_points(&mut notes);
    let model = LinkageModel {
        name: "splink".to_owned(),
        version: 1,
        pack: Pack::general(),
        frequencies: vec![None; schema.columns().len()],
        columns: schema.columns().to_vec(),
        blocking,
        comparisons,
        decision: decision(&settings, &mut notes),
        source: source.and_then(|column| schema.index(column)),
        rules: rules_of(&settings, &mut notes),
        adjusts: Vec::new(),
        fingerprint: std::sync::OnceLock::new(),
    };
    finish(&settings, &model, notes)
}

/// Writes the model, and reads it back, so that what is handed out is known to load.
fn finish(
    settings: &Settings,
    model: &LinkageModel,
    notes: Vec<String>,
) -> Result<Imported, Vec<ModelError>> {
    let mut failed = Vec::new();
    if model.comparisons.is_empty() {
        failed.push("no comparison of the settings maps");
    }
    if model.blocking.is_empty() {
        failed.push("no blocking rule of the settings maps");
    }
    if !failed.is_empty() {
        let all = failed.into_iter().map(str::to_owned).chain(notes);
        return Err(all.map(ModelError::of).collect());
    }
    let comment = vec![format!(
        "Read from Splink settings ({}). What did not map:\n{}",
        settings.link_type,
        notes.join("\n")
    )];
    let toml = model.to_toml(&comment);
    LinkageModel::from_toml(&toml)?;
    Ok(Imported { toml, notes })
}

fn decision(settings: &Settings, notes: &mut Vec<String>) -> Decision {
    let prior = settings.prior.unwrap_or_else(|| {
        notes.push(format!(
            "probability_two_random_records_match is not there: {PRIOR} is taken"
        ));
        PRIOR
    });
    notes.push(
        "thresholds are not part of settings: link 3, review -3 and mean 0 bits are taken"
            .to_owned(),
    );
    Decision {
        prior: bits(prior / (1.0 - prior)),
        kin_prior: None,
        link: 3 * BIT,
        review: -3 * BIT,
        mean: 0,
        margin: 3 * BIT,
    }
}

/// Linking without deduplication: records of one source are never one.
fn rules_of(settings: &Settings, notes: &mut Vec<String>) -> Vec<Rule> {
    if settings.link_type != "link_only" {
        return Vec::new();
    }
    notes.push(
        "link_only: a rule keeps records of one source apart, through others of a cluster too"
            .to_owned(),
    );
    vec![Rule {
        id: "link only".to_owned(),
        verdict: Definite::NonMatch,
        when: None,
        sources: Some(Sources::Same),
    }]
}

/// Names the tests that count otherwise than the functions they stand for.
fn note_differences(comparisons: &[DraftComparison], notes: &mut Vec<String>) {
    let mut kinds: Vec<TestKind> = Vec::new();
    for comparison in comparisons {
        comparison.for_each_test(&mut |test| {
            if !kinds.contains(&test.kind) {
                kinds.push(test.kind);
            }
            if test.column != test.other && !test.both_ways {
                notes.push(format!(
                    "comparison '{}': '{}' of one record and '{}' of the other are compared either \
                     way round here",
                    comparison.id(),
                    test.column,
                    test.other
                ));
            }
        });
    }
    if kinds.contains(&TestKind::Jaccard) {
        notes.push(
            "jaccard: DuckDB compares the sets of letters, this engine those of neighbouring pairs"
                .to_owned(),
        );
    }
    if kinds.contains(&TestKind::Months) || kinds.contains(&TestKind::Years) {
        notes.push(
            "date_diff: DuckDB counts the months and years that begin, this engine those that pass"
                .to_owned(),
        );
    }
}

#[cfg(test)]
mod tests;
