//! A bundle: the access agreements in force at a node, as one text that people write and sign.

pub(crate) mod read;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rabt_model::{AgencyId, AgreementId, ChangeKind, Label};
use sha2::{Digest, Sha256};

use crate::agreement::{Budget, FeedTerms, Population, Terms};
use crate::catalogue::{Catalogue, PublicService, read_services};
use crate::permit::hexadecimal;
use crate::{Agreement, Assurance, Channel, Dormant, Method, Problem};
use read::{Reader, Table};

/// The agreements of the demonstration: a tax authority that reads, a health insurer that looks people up,
/// and a call centre that verifies only.
pub const DEMO_BUNDLE: &str = include_str!("../bundles/demo.toml");

const TOP_KEYS: [&str; 4] = ["schema", "service", "agreement", "dormant"];
const KEYS: [&str; 20] = [
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
    "exempt_purposes",
    "sees_protected",
    "sees_restricted",
    "break_glass",
    "budget",
    "retention_days",
    "withhold_days",
];

/// Longest time that an agreement may name, days.
const LONGEST: u64 = 36_500;
/// Largest budget.
const MOST: u64 = 1 << 40;

/// The agreements of a bundle, checked and indexed by id. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Policy {
    agreements: Arc<HashMap<Box<str>, Agreement>>,
    /// None of them is among the agreements.
    dormant: Arc<BTreeMap<Box<str>, Dormant>>,
    services: Catalogue,
    revision: Arc<str>,
}

impl Policy {
    /// Reads a bundle. `file` is the name that problems are reported under.
    ///
    /// # Errors
    /// Every problem of the text, in the order of its lines, each with what was probably meant.
    pub fn from_bundle(text: &str, file: &str) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let table = reader.parse(text);
        let (mut agreements, mut services) = (HashMap::new(), Vec::new());
        let mut dormant = BTreeMap::new();
        if let Some(table) = &table {
            let top = Table::new(table.get_ref(), 0, "the bundle");
            reader.refuse_unknown(top, &TOP_KEYS);
            reader.schema(top);
            services = read_services(&mut reader, top);
            agreements = read_bundle(&mut reader, top, &services);
            dormant = read_dormant(&mut reader, top, &agreements);
        }
        let problems = reader.finish();
        if !problems.is_empty() {
            return Err(problems);
        }
        let services = Catalogue::of(services);
        for agreement in agreements.values_mut() {
            agreement.settle(&services);
        }
        Ok(Self {
            agreements: Arc::new(agreements),
            dormant: Arc::new(dormant),
            services,
            revision: hexadecimal(&Sha256::digest(text)).into(),
        })
    }

    /// Returns the policy of these agreements, of which no two have one id, with the services of the
    /// catalogue that they name. Its revision is that of [`Policy::to_text`].
    pub fn of_agreements(
        agreements: impl IntoIterator<Item = Agreement>,
        catalogue: &Catalogue,
    ) -> Self {
        let agreements: Vec<Agreement> = agreements.into_iter().collect();
        let named = |id: &str| {
            let mut services = agreements.iter().flat_map(Agreement::services);
            services.any(|service| service == id)
        };
        let services = catalogue.only(named);
        let by_id = agreements.into_iter().map(|mut agreement| {
            agreement.settle(&services);
            (agreement.id.as_str().into(), agreement)
        });
        let by_id: HashMap<Box<str>, Agreement> = by_id.collect();
        let mut policy = Self {
            agreements: Arc::new(by_id),
            dormant: Arc::default(),
            services,
            revision: "".into(),
        };
        policy.name_revision();
        policy
    }

    /// Returns the policy that also knows of these agreements that they are not in force, in place of those it
    /// knew of; one that is in force is left out.
    #[must_use]
    pub fn with_dormant(&self, dormant: impl IntoIterator<Item = Dormant>) -> Self {
        let dormant = dormant.into_iter();
        let dormant = dormant.filter(|one| self.agreement(one.id.as_str()).is_none());
        let dormant = dormant.map(|one| (one.id.as_str().into(), one));
        let mut policy = Self {
            dormant: Arc::new(dormant.collect()),
            ..self.clone()
        };
        policy.name_revision();
        policy
    }

    fn name_revision(&mut self) {
        self.revision = hexadecimal(&Sha256::digest(self.to_text())).into();
    }

    /// Returns the public services whose rules hold.
    pub const fn services(&self) -> &Catalogue {
        &self.services
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

    /// Returns the agreements that are known not to be in force, ascending by id.
    pub fn dormant(&self) -> impl Iterator<Item = &Dormant> {
        self.dormant.values()
    }

    /// Returns what is known of an agreement that is not in force.
    pub(crate) fn dormant_of(&self, id: &str) -> Option<&Dormant> {
        self.dormant.get(id)
    }

    pub(crate) fn shared_revision(&self) -> Arc<str> {
        Arc::clone(&self.revision)
    }
}

/// Reads every agreement. One that names a service which is not among those of the bundle is refused,
/// unless the bundle has none.
fn read_bundle(
    reader: &mut Reader<'_>,
    top: Table<'_>,
    known: &[PublicService],
) -> HashMap<Box<str>, Agreement> {
    let mut agreements = HashMap::new();
    let mut lines: HashMap<Box<str>, usize> = HashMap::new();
    if top.get("agreement").is_none() {
        reader.report(0, "the bundle has no `[[agreement]]`".to_owned());
    }
    for (at, table) in reader.tables(top, "agreement") {
        let table = Table::new(table, at, "the agreement");
        let (id, agreement) = read_agreement(reader, table);
        let Some(id) = id else { continue };
        let line = reader.line(at);
        if let Some(first) = lines.insert(id.as_str().into(), line) {
            let message = format!("agreement `{id}` is already defined in line {first}");
            reader.report(at, message);
        }
        if let Some(agreement) = agreement {
            for service in agreement.services() {
                if !known.is_empty() && known.iter().all(|known| known.id() != service) {
                    let message =
                        format!("`services` holds `{service}`, which is no `[[service]]`");
                    reader.report(table.place("services"), message);
                }
            }
            agreements.insert(id.as_str().into(), agreement);
        }
    }
    agreements
}

/// Reads which agreements are not in force, and whose they are.
fn read_dormant(
    reader: &mut Reader<'_>,
    top: Table<'_>,
    agreements: &HashMap<Box<str>, Agreement>,
) -> BTreeMap<Box<str>, Dormant> {
    let mut dormant = BTreeMap::new();
    for (at, table) in reader.tables(top, "dormant") {
        let table = Table::new(table, at, "the agreement that is not in force");
        reader.refuse_unknown(table, &["id", "agency", "systems"]);
        let (id, agency) = (read_id(reader, table), read_agency(reader, table));
        let systems = reader.codes(table, "systems");
        let (Some(id), Some(agency), Some(systems)) = (id, agency, systems) else {
            continue;
        };
        let key: Box<str> = id.as_str().into();
        if agreements.contains_key(&key) || dormant.contains_key(&key) {
            reader.report(at, format!("agreement `{id}` is already defined"));
        }
        let one = Dormant {
            id,
            agency,
            systems,
        };
        dormant.insert(key, one);
    }
    dormant
}

fn read_id(reader: &mut Reader<'_>, table: Table<'_>) -> Option<AgreementId> {
    reader.parsed(table, "id", "must be capital letters, digits and '-'")
}

fn read_agency(reader: &mut Reader<'_>, table: Table<'_>) -> Option<AgencyId> {
    reader.parsed(
        table,
        "agency",
        "must be lower-case letters, digits, '-' or '_', starting with a letter",
    )
}

/// Reads one agreement. Every part is read even when another is wrong, so that all problems are found.
fn read_agreement(
    reader: &mut Reader<'_>,
    table: Table<'_>,
) -> (Option<AgreementId>, Option<Agreement>) {
    reader.refuse_unknown(table, &KEYS);
    let id = read_id(reader, table);
    let title = read_title(reader, table);
    let agency = read_agency(reader, table);
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
    let terms = read_terms(reader, table, purposes.as_deref());
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
            terms: terms?,
            rules: Vec::new(),
        })
    };
    let agreement = whole();
    (id, agreement)
}

pub(crate) fn read_title(reader: &mut Reader<'_>, table: Table<'_>) -> Option<Label> {
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

pub(crate) fn read_channels(reader: &mut Reader<'_>, table: Table<'_>) -> Option<u8> {
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

pub(crate) fn read_assurance(reader: &mut Reader<'_>, table: Table<'_>) -> Option<Assurance> {
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
    read_feed_terms(reader, table).map(Some).ok_or(Refused)
}

fn read_feed_terms(reader: &mut Reader<'_>, table: Table<'_>) -> Option<FeedTerms> {
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

/// Reads what an agreement says besides who may ask what; all of it may be left out.
fn read_terms(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    purposes: Option<&[String]>,
) -> Option<Terms> {
    let exempt_purposes = match table.get("exempt_purposes") {
        None => Some(Vec::new()),
        Some(_) => reader.codes(table, "exempt_purposes"),
    };
    let mut strange = exempt_purposes.iter().flatten();
    let strange = strange.find(|code| purposes.is_some_and(|listed| !listed.contains(code)));
    if let Some(code) = strange {
        let message = format!("`exempt_purposes` holds `{code}`, which is not in `purposes`");
        reader.report(table.place("exempt_purposes"), message);
    }
    let sees_restricted = match table.get("sees_restricted") {
        None => Some(Vec::new()),
        Some(_) => reader.codes(table, "sees_restricted"),
    };
    let mut budget = Budget::default();
    if table.get("budget").is_some() {
        let limits = reader.table(table, "budget")?;
        reader.refuse_unknown(limits, &["per_day", "per_end_user", "end_users"]);
        budget.per_day = reader.count(limits, "per_day", MOST);
        budget.per_end_user = reader.count(limits, "per_end_user", MOST);
        budget.end_users = reader.count(limits, "end_users", MOST);
    }
    let mut days = |key| {
        let days = reader.count(table, key, LONGEST);
        days.and_then(|days| u32::try_from(days).ok())
    };
    let (retention_days, withhold_days) = (days("retention_days"), days("withhold_days"));
    Some(Terms {
        exempt_purposes: exempt_purposes?,
        sees_protected: reader.flag(table, "sees_protected"),
        sees_restricted: sees_restricted?.into(),
        break_glass: reader.flag(table, "break_glass"),
        budget,
        retention_days,
        withhold_days,
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
