//! A bundle: the access agreements in force at a node, as one text that people write and sign.

mod read;

use std::collections::HashMap;
use std::sync::Arc;

use rabt_model::{AgreementId, ChangeKind, Label};
use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use crate::agreement::{FeedTerms, Population};
use crate::permit::hexadecimal;
use crate::{Agreement, Assurance, Channel, Method, Problem};
use read::{Reader, Table};

/// The agreements of the demonstration: a tax authority that reads, a health insurer that looks people up,
/// and a call centre that verifies only.
pub const DEMO_BUNDLE: &str = include_str!("../bundles/demo.toml");

const TOP_KEYS: [&str; 2] = ["schema", "agreement"];
const KEYS: [&str; 13] = [
    "id",
    "title",
    "agency",
    "systems",
    "methods",
    "purposes",
    "legal_bases",
    "services",
    "channels",
    "fields",
    "period",
    "minimum_assurance",
    "feed",
];

/// The agreements of a bundle, checked and indexed by id. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Policy {
    agreements: Arc<HashMap<Box<str>, Agreement>>,
    revision: Arc<str>,
}

impl Policy {
    /// Reads a bundle. `file` is the name that problems are reported under.
    ///
    /// # Errors
    /// Every problem of the text, in the order of its lines, each with what was probably meant.
    pub fn from_bundle(text: &str, file: &str) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            reader.report(at, format!("is not TOML: {}", error.message()));
        }
        let agreements = if errors.is_empty() {
            read_bundle(&mut reader, table.get_ref())
        } else {
            HashMap::new()
        };
        let problems = reader.finish();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            agreements: Arc::new(agreements),
            revision: hexadecimal(&Sha256::digest(text)).into(),
        })
    }

    /// Returns the policy's revision: SHA-256 of the bundle's text, hexadecimal.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Returns the agreement of this id.
    pub fn agreement(&self, id: &str) -> Option<&Agreement> {
        self.agreements.get(id)
    }

    /// Returns every agreement, ascending by id.
    pub fn agreements(&self) -> Vec<&Agreement> {
        let mut all: Vec<&Agreement> = self.agreements.values().collect();
        all.sort_unstable_by_key(|agreement| agreement.id());
        all
    }

    pub(crate) fn shared_revision(&self) -> Arc<str> {
        Arc::clone(&self.revision)
    }
}

fn read_bundle(reader: &mut Reader<'_>, top: &DeTable<'_>) -> HashMap<Box<str>, Agreement> {
    let top = Table::new(top, 0, "the bundle");
    reader.refuse_unknown(top, &TOP_KEYS);
    if let Some(schema) = top.get("schema")
        && schema
            .get_ref()
            .as_integer()
            .map(toml::de::DeInteger::as_str)
            != Some("1")
    {
        reader.report(schema.span().start, "`schema` must be 1".to_owned());
    }
    let mut agreements = HashMap::new();
    let mut lines: HashMap<Box<str>, usize> = HashMap::new();
    let Some(list) = top.get("agreement") else {
        reader.report(0, "the bundle has no `[[agreement]]`".to_owned());
        return agreements;
    };
    let Some(array) = list.get_ref().as_array() else {
        let message = "`agreement` must be written as `[[agreement]]`".to_owned();
        reader.report(list.span().start, message);
        return agreements;
    };
    for entry in array {
        let at = entry.span().start;
        let DeValue::Table(table) = entry.get_ref() else {
            reader.report(at, "an agreement must be a table".to_owned());
            continue;
        };
        let table = Table::new(table, at, "the agreement");
        let (id, agreement) = read_agreement(reader, table);
        let Some(id) = id else { continue };
        let line = reader.line(at);
        if let Some(first) = lines.insert(id.as_str().into(), line) {
            let message = format!("agreement `{id}` is already defined in line {first}");
            reader.report(at, message);
        }
        if let Some(agreement) = agreement {
            agreements.insert(id.as_str().into(), agreement);
        }
    }
    agreements
}

/// Reads one agreement. Every part is read even when another is wrong, so that all problems are found.
fn read_agreement(
    reader: &mut Reader<'_>,
    table: Table<'_>,
) -> (Option<AgreementId>, Option<Agreement>) {
    reader.refuse_unknown(table, &KEYS);
    let id = reader.parsed::<AgreementId>(table, "id", "must be capital letters, digits and '-'");
    let title = read_title(reader, table);
    let agency = reader.parsed(
        table,
        "agency",
        "must be lower-case letters, digits, '-' or '_', starting with a letter",
    );
    let systems = reader.codes(table, "systems");
    let purposes = reader.codes(table, "purposes");
    let legal_bases = reader.codes(table, "legal_bases");
    let services = reader.codes(table, "services");
    let methods = read_methods(reader, table);
    let channels = read_channels(reader, table);
    let fields = reader.fields(table, methods.unwrap_or(0));
    let period = reader.period(table);
    let minimum_assurance = read_assurance(reader, table);
    let feed = read_feed(reader, table, methods.unwrap_or(0));
    if let (Some(methods), Some(channels)) = (methods, channels) {
        refuse_useless(reader, table, methods, channels);
    }
    let whole = || {
        let (default, maximum) = fields?;
        Some(Agreement {
            id: id.clone()?,
            title: title?,
            agency: agency?,
            systems: systems?,
            methods: methods?,
            purposes: purposes?,
            legal_bases: legal_bases?,
            services: services?,
            channels: channels?,
            default: Arc::new(default),
            maximum: Arc::new(maximum),
            period: period?,
            minimum_assurance: minimum_assurance?,
            feed: feed.ok()?,
        })
    };
    let agreement = whole();
    (id, agreement)
}

fn read_title(reader: &mut Reader<'_>, table: Table<'_>) -> Option<Label> {
    let title = reader.table(table, "title")?;
    reader.refuse_unknown(title, &["en", "ar"]);
    let en = reader.text(title, "en");
    let ar = reader.text(title, "ar");
    Some(Label::new(en?, ar?))
}

fn read_methods(reader: &mut Reader<'_>, table: Table<'_>) -> Option<u16> {
    let known: Vec<&str> = Method::ALL.iter().map(|method| method.as_str()).collect();
    let chosen = reader.choices(table, "methods", "method", &known)?;
    Some(
        chosen
            .iter()
            .fold(0, |bits, at| bits | Method::ALL[*at].bit()),
    )
}

fn read_channels(reader: &mut Reader<'_>, table: Table<'_>) -> Option<u8> {
    let known: Vec<&str> = Channel::ALL
        .iter()
        .map(|channel| channel.as_str())
        .collect();
    let chosen = reader.choices(table, "channels", "channel", &known)?;
    Some(
        chosen
            .iter()
            .fold(0, |bits, at| bits | Channel::ALL[*at].bit()),
    )
}

fn read_assurance(reader: &mut Reader<'_>, table: Table<'_>) -> Option<Assurance> {
    if table.get("minimum_assurance").is_none() {
        return Some(Assurance::None);
    }
    let known: Vec<&str> = Assurance::ALL.iter().map(|level| level.as_str()).collect();
    let at = reader.choice(table, "minimum_assurance", "level of assurance", &known)?;
    Some(Assurance::ALL[at])
}

/// That a part was refused; its problems are reported.
struct Refused;

/// Reads the terms of the feed, which an agreement has when it has a method that reads it.
fn read_feed(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    methods: u16,
) -> Result<Option<FeedTerms>, Refused> {
    let reads = |method: &Method| method.reads_feed() && methods & method.bit() != 0;
    let reads = Method::ALL.iter().any(reads);
    if table.get("feed").is_none() && !reads {
        return Ok(None);
    }
    if !reads {
        let message = "`feed` is only for agreements with a method that reads the feed";
        reader.report(table.place("feed"), message.to_owned());
        return Err(Refused);
    }
    read_terms(reader, table).map(Some).ok_or(Refused)
}

fn read_terms(reader: &mut Reader<'_>, table: Table<'_>) -> Option<FeedTerms> {
    let feed = reader.table(table, "feed")?;
    reader.refuse_unknown(feed, &["events", "population"]);
    let known: Vec<&str> = ChangeKind::ALL.iter().map(|kind| kind.code()).collect();
    let kinds = reader.choices(feed, "events", "kind of change", &known);
    let known: Vec<&str> = Population::ALL.iter().map(|one| one.as_str()).collect();
    let population = reader.choice(feed, "population", "population", &known);
    let chosen = kinds?;
    let kinds = chosen.iter().map(|at| ChangeKind::ALL[*at].bit());
    Some(FeedTerms {
        kinds: kinds.fold(0, |bits, bit| bits | bit),
        population: Population::ALL[population?],
    })
}

/// Refuses an agreement that allows a method over no channel that could carry it.
fn refuse_useless(reader: &mut Reader<'_>, table: Table<'_>, methods: u16, channels: u8) {
    let verifying_only = Channel::ALL
        .iter()
        .all(|channel| channels & channel.bit() == 0 || channel.verifies_only());
    let reveals = methods & !Method::VerifyAttributes.bit() != 0;
    if channels != 0 && verifying_only && reveals {
        let message = "every channel of the agreement verifies and does not reveal, so \
                       `VerifyAttributes` is the only method it can have";
        reader.report(table.place("methods"), message.to_owned());
    }
}

#[cfg(test)]
mod tests;
