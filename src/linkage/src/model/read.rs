//! The text form of a model, read and checked. Every mistake of a file is reported in one run.

mod blocking;
mod column;
mod comparison;
mod predicate;
mod rule;

use std::sync::{Arc, OnceLock};

use toml::de::DeTable;

use super::fields::Fields;
use super::problem::{ModelError, Problems, suggestion};
use super::{ColumnType, Decision, LinkageModel};
use crate::pack::Pack;
use crate::weight::from_bits;

/// The version of the model format that this engine reads.
pub(super) const SCHEMA: u32 = 1;

/// The columns of a file, by which everything else names them.
pub(super) struct Columns<'a> {
    ids: Vec<&'a str>,
    /// `None` where the type is not known, which is one problem and not many.
    kinds: Vec<Option<ColumnType>>,
}

impl Columns<'_> {
    /// Returns the index of a column that a field names, or notes that there is none.
    fn find(&self, fields: &Fields<'_>, key: &str, id: &str) -> Option<usize> {
        let found = self.ids.iter().position(|known| *known == id);
        if found.is_none() {
            let hint = suggestion(id, self.ids.iter().copied());
            let message = format!(
                "names column '{id}'{hint}; the columns are: {}",
                self.ids.join(", ")
            );
            fields.wrong(Some(key), message);
        }
        found
    }

    /// Reads a field that names a column.
    fn read(&self, fields: &Fields<'_>, key: &str) -> Option<usize> {
        self.find(fields, key, fields.text(key)?)
    }

    /// Reads a field that must be there and names a column.
    fn need(&self, fields: &Fields<'_>, key: &str) -> Option<usize> {
        self.find(fields, key, fields.need_text(key)?)
    }
}

const FILE: [&str; 11] = [
    "schema",
    "name",
    "version",
    "pack",
    "decision",
    "column",
    "blocking",
    "comparison",
    "term_frequency",
    "rule",
    "adjust",
];

/// Reads and checks a model file.
pub(super) fn read(text: &str) -> Result<LinkageModel, Vec<ModelError>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let problems = Problems::of(text);
    for error in errors {
        problems.add(error.span(), error.message());
    }
    let model = if problems.none() {
        let span = document.span();
        read_document(&problems, document.get_ref(), span)
    } else {
        // What is left of a file that is no TOML would only raise problems that are not there.
        None
    };
    match model {
        Some(model) if problems.none() => Ok(model),
        _ => Err(problems.into_found()),
    }
}

fn read_document<'a>(
    problems: &'a Problems<'a>,
    document: &'a DeTable<'a>,
    span: std::ops::Range<usize>,
) -> Option<LinkageModel> {
    let place = "the file".to_owned();
    let file = Fields::of(problems, place, (document, span), &FILE);
    let schema = file.need_whole("schema").unwrap_or(SCHEMA);
    if schema > SCHEMA {
        let span = file.get("schema").map(toml::Spanned::span);
        problems.add(
            span,
            format!("schema {schema} is newer than this engine's {SCHEMA}; use a newer engine"),
        );
    }
    let name = file.need_text("name").unwrap_or_default().to_owned();
    let version = file.need_whole("version").unwrap_or_default();
    let pack = read_pack(&file, file.text("pack"));
    let (columns, known) = column::read(&file);
    let (decision, source) = read_decision(&file, &known);
    let blocking = blocking::read(&file, &known);
    let frequencies = column::read_frequencies(&file, &known);
    let (comparisons, names) = comparison::read(&file, &known, &frequencies);
    let rules = rule::read_rules(&file, &known, source);
    let adjusts = rule::read_adjusts(&file, &names, source);
    Some(LinkageModel {
        name,
        version,
        pack,
        columns,
        blocking,
        comparisons,
        decision: decision?,
        source,
        rules,
        adjusts,
        frequencies,
        fingerprint: OnceLock::new(),
    })
}

fn read_pack(file: &Fields<'_>, pack: Option<&str>) -> Arc<Pack> {
    let Some(id) = pack else {
        return Pack::general();
    };
    Pack::shipped(id).unwrap_or_else(|what| {
        file.wrong(Some("pack"), format!(": {what}"));
        Pack::general()
    })
}

const DECISION: [&str; 7] = [
    "prior",
    "kin_prior",
    "link",
    "review",
    "mean",
    "margin",
    "source",
];

/// The margin of a file that states none, in bits.
const MARGIN: f64 = 3.0;

fn read_decision(file: &Fields<'_>, known: &Columns<'_>) -> (Option<Decision>, Option<usize>) {
    let Some(table) = file.table("decision") else {
        if !file.has("decision") {
            file.wrong(None, " lacks [decision], the prior and the thresholds");
        }
        return (None, None);
    };
    let fields = Fields::of(file.problems, "[decision]".to_owned(), table, &DECISION);
    let bits = |key: &str| fields.need_number(key).map(from_bits);
    let (prior, link, review) = (bits("prior"), bits("link"), bits("review"));
    let (mean, kin_prior) = (bits("mean"), fields.number("kin_prior").map(from_bits));
    if let (Some(link), Some(review)) = (link, review)
        && review > link
    {
        fields.wrong(Some("review"), "must not be above link");
    }
    let source = known.read(&fields, "source").filter(|column| {
        let kind = known.kinds[*column].unwrap_or(ColumnType::Text);
        let fits = matches!(kind, ColumnType::Text | ColumnType::Code);
        if !fits {
            fields.wrong(Some("source"), "must name a column of type text or code");
        }
        fits
    });
    let decision = || {
        Some(Decision {
            prior: prior?,
            kin_prior,
            link: link?,
            review: review?,
            mean: mean?,
            margin: from_bits(fields.number("margin").unwrap_or(MARGIN)),
        })
    };
    (decision(), source)
}

/// Notes the ids that stand twice.
fn unique<'a>(fields: &Fields<'_>, ids: impl Iterator<Item = &'a str>, id: &str) {
    if !id.is_empty() && ids.into_iter().any(|other| other == id) {
        fields.wrong(None, " is there twice; ids must differ");
    }
}
