//! Reading an agency's folder.

use rabt_model::{AgencyId, AgreementId, Label, SourceId};

use crate::connector::{Capabilities, Protect};
use crate::document::{Document, Fields, Node};
use crate::kinds::Kinds;
use crate::manifest::{Agency, Isolation, StreamSpec, expand, schedule, stream};
use crate::mapping;
use crate::problem::{Problem, Problems};
use crate::schedule::{Schedule, Window};
use crate::secret::foreign_secrets;

const MANIFEST: &str = "manifest.toml";
/// The file of the mappings.
pub(super) const MAPPING: &str = "mapping.toml";
const RANK: u8 = 50;

/// The parts of a manifest that could be read.
struct Head {
    id: Option<AgencyId>,
    name: Option<Label>,
    rank: Option<u8>,
    steward: Option<String>,
    agreement: Option<AgreementId>,
}

/// `[source]` as it stands in the manifest.
pub(super) struct Source {
    pub(super) kind: Option<String>,
    pub(super) isolation: Isolation,
    pub(super) executable: Option<String>,
    pub(super) offices: Option<Vec<String>>,
    pub(super) config: toml::Table,
    pub(super) restricted: bool,
    /// What the kind can do, when the kinds are known.
    pub(super) capabilities: Option<Capabilities>,
}

impl Source {
    /// Returns the kind and what it can do.
    fn known(&self) -> Option<(&str, Capabilities)> {
        self.kind.as_deref().zip(self.capabilities)
    }
}

/// How the database is spared, and when it is read.
pub(super) struct Care {
    pub(super) protect: Protect,
    pub(super) schedule: Option<Schedule>,
    pub(super) window: Option<Window>,
}

pub(super) fn load(files: &[(&str, &str)], kinds: Option<&Kinds>) -> Result<Agency, Problems> {
    let text_of = |wanted: &str| {
        let found = files
            .iter()
            .find(|(name, _)| name.rsplit(['/', '\\']).next() == Some(wanted));
        found.copied()
    };
    let mut missing = Vec::new();
    let mut require = |wanted: &str| {
        let found = text_of(wanted);
        if found.is_none() {
            missing.push(Problem {
                file: wanted.to_owned(),
                ..Problem::of_key("", "is not in the folder")
            });
        }
        found.unwrap_or((MANIFEST, ""))
    };
    let (manifest_file, manifest_text) = require(MANIFEST);
    let (mapping_file, mapping_text) = require(MAPPING);
    if !missing.is_empty() {
        return Err(Problems(missing));
    }
    let (manifest, manifest_root) = Document::parse(manifest_file, manifest_text);
    let (mapping, mapping_root) = Document::parse(mapping_file, mapping_text);
    let agency = {
        let manifest_fields = manifest_root
            .as_ref()
            .and_then(|root| manifest.root(root).fields());
        let mapping_fields = mapping_root
            .as_ref()
            .and_then(|root| mapping.root(root).fields());
        let head = manifest_fields.as_ref().map(load_head);
        let id = head.as_ref().and_then(|head| head.id.as_ref());
        let mappings = mapping_fields
            .as_ref()
            .map(|fields| mapping::load(fields, id));
        manifest_fields.zip(head).and_then(|(fields, head)| {
            let config = config_table(manifest_text);
            let streams = |kind: Option<(&str, Capabilities)>| {
                stream::load_streams(&fields, mappings.as_deref(), kind)
            };
            load_rest(&fields, head, streams, config, kinds)
        })
    };
    let mut problems = manifest.into_problems();
    problems.extend(mapping.into_problems());
    match agency {
        Some(agency) if problems.is_empty() => Ok(agency),
        Some(_) | None => Err(Problems(problems)),
    }
}

/// Reads a manifest that names no table yet: who the agency is and where its databases are.
pub(super) fn load_draft(text: &str, kinds: &Kinds) -> Result<Agency, Problems> {
    let (manifest, root) = Document::parse(MANIFEST, text);
    let fields = root.as_ref().and_then(|root| manifest.root(root).fields());
    let agency = fields.and_then(|fields| {
        if let Some(stream) = fields.get("stream") {
            stream.wrong(format!(
                "needs a mapping; add {MAPPING}, or leave the tables out"
            ));
        }
        let head = load_head(&fields);
        load_rest(
            &fields,
            head,
            |_| Some(Vec::new()),
            config_table(text),
            Some(kinds),
        )
    });
    let problems = manifest.into_problems();
    match agency {
        Some(agency) if problems.is_empty() => Ok(agency),
        Some(_) | None => Err(Problems(problems)),
    }
}

fn config_table(text: &str) -> toml::Table {
    let table: toml::Table = text.parse().unwrap_or_default();
    table
        .get("source")
        .and_then(|source| source.get("config"))
        .and_then(toml::Value::as_table)
        .cloned()
        .unwrap_or_default()
}

fn load_head(root: &Fields<'_>) -> Head {
    root.only(&[
        "schema", "agency", "source", "schedule", "protect", "stream",
    ]);
    if let Some(schema) = root.required("schema")
        && schema.number(u32::MAX).is_some_and(|number| number != 1)
    {
        schema.wrong("must be 1");
    }
    let mut head = Head {
        id: None,
        name: None,
        rank: None,
        steward: None,
        agreement: None,
    };
    let Some(agency) = root.required("agency").and_then(|node| node.fields()) else {
        return head;
    };
    agency.only(&["id", "name", "steward", "agreement", "rank"]);
    head.id = agency.required("id").and_then(|id| id.parsed());
    head.name = agency.required("name").and_then(|name| load_label(&name));
    head.steward = agency
        .required("steward")
        .and_then(|steward| steward.text().map(str::to_owned));
    head.agreement = agency
        .required("agreement")
        .and_then(|agreement| load_agreement(&agreement));
    head.rank = match agency.get("rank") {
        None => Some(RANK),
        Some(rank) => rank.number(255).and_then(|rank| u8::try_from(rank).ok()),
    };
    head
}

fn load_agreement(node: &Node<'_>) -> Option<AgreementId> {
    let parsed = node.text()?.parse().ok();
    if parsed.is_none() {
        node.wrong("must be capital letters, digits and '-', as in AG-SUPPLY-009");
    }
    parsed
}

fn load_label(node: &Node<'_>) -> Option<Label> {
    let fields = node.fields()?;
    fields.only(&["en", "ar"]);
    let en = fields.required("en").and_then(|en| en.text());
    let ar = fields.required("ar").and_then(|ar| ar.text());
    Some(Label::new(en?, ar?))
}

fn load_rest(
    root: &Fields<'_>,
    head: Head,
    streams: impl FnOnce(Option<(&str, Capabilities)>) -> Option<Vec<StreamSpec>>,
    config: toml::Table,
    kinds: Option<&Kinds>,
) -> Option<Agency> {
    let source = root
        .required("source")
        .and_then(|node| node.fields())
        .map(|fields| load_source(&fields, head.id.as_ref(), config, kinds));
    let care = load_care(root);
    let streams = streams(source.as_ref().and_then(Source::known));
    let (id, source, care) = (head.id?, source?, care?);
    let sources = expand::expand(root, &id, &source, &care, &streams?)?;
    Some(Agency {
        id,
        name: head.name?,
        rank: head.rank?,
        steward: head.steward?,
        agreement: head.agreement?,
        sources,
    })
}

fn load_source(
    fields: &Fields<'_>,
    agency: Option<&AgencyId>,
    config: toml::Table,
    kinds: Option<&Kinds>,
) -> Source {
    fields.only(&[
        "kind",
        "isolation",
        "executable",
        "offices",
        "restricted",
        "config",
    ]);
    let kind_node = fields.required("kind");
    let kind = kind_node.as_ref().and_then(Node::text);
    let config_fields = fields.required("config").and_then(|node| node.fields());
    let executable_node = fields.get("executable");
    let executable = executable_node.as_ref().and_then(Node::text);
    let isolation = load_isolation(fields, executable.is_some());
    match (kinds, executable_node, executable) {
        // what it is, and which keys it takes, is asked when it is first started
        (Some(kinds), Some(node), Some(executable)) => {
            if let Err(error) = kinds.find(executable) {
                node.wrong(error.to_string());
            }
        }
        (Some(kinds), None, _) => {
            if let (Some(kind), Some(node)) = (kind, &kind_node) {
                check_kind(kinds, kind, node, config_fields.as_ref(), &config);
            }
        }
        (Some(_) | None, Some(_) | None, _) => {}
    }
    if let (Some(_), Some(agency), Some(fields)) = (kinds, agency, &config_fields) {
        for (key, what) in foreign_secrets(&config, agency) {
            note_config(fields, Problem::of_key(key, what));
        }
    }
    // of an executable that the manifest names, nothing is known until it runs
    let asked = kinds.zip(kind).filter(|_| executable.is_none());
    let connector = asked.and_then(|(kinds, kind)| kinds.get(kind));
    let capabilities = connector.map(|connector| connector.describe().capabilities);
    let restricted = fields.get("restricted").map(|node| {
        let restricted = node.flag();
        if restricted.is_none() {
            node.wrong("must be true or false");
        }
        restricted.unwrap_or_default()
    });
    let offices = match fields.get("offices") {
        None => Some(Vec::new()),
        Some(node) => load_offices(&node),
    };
    Source {
        kind: kind.map(str::to_owned),
        isolation: isolation.unwrap_or_default(),
        executable: executable.map(str::to_owned),
        offices,
        config,
        restricted: restricted.unwrap_or_default(),
        capabilities,
    }
}

/// Notes an unknown kind, and what a known one says of its configuration.
fn check_kind(
    kinds: &Kinds,
    kind: &str,
    node: &Node<'_>,
    fields: Option<&Fields<'_>>,
    config: &toml::Table,
) {
    let Some(connector) = kinds.get(kind) else {
        let known = kinds.names().collect::<Vec<_>>().join(", ");
        let mut message = format!("'{kind}' is not a kind; there are {known}");
        if let Some(hint) = kinds.hint(kind) {
            message = format!("{message}; for another one, {hint}");
        }
        node.wrong_word(message, kind, kinds.names());
        return;
    };
    if let Some(fields) = fields {
        for problem in connector.validate(config) {
            note_config(fields, problem);
        }
    }
}

fn load_isolation(fields: &Fields<'_>, has_executable: bool) -> Option<Isolation> {
    let Some(node) = fields.get("isolation") else {
        return Some(Isolation::default());
    };
    let text = node.text()?;
    match text {
        "process" => Some(Isolation::Process),
        "shared" if has_executable => {
            node.wrong("an executable always runs in a process of its own");
            None
        }
        "shared" => Some(Isolation::Shared),
        _ => {
            let known = ["shared", "process"];
            node.wrong_word("must be \"shared\" or \"process\"", text, known);
            None
        }
    }
}

fn load_offices(node: &Node<'_>) -> Option<Vec<String>> {
    let offices = node.texts()?;
    for (index, office) in offices.iter().enumerate() {
        if format!("a-{office}").parse::<SourceId>().is_err() {
            let rule = "must be lower-case letters, digits, '-' or '_'";
            node.wrong(format!("'{office}' {rule}"));
        }
        if offices[..index].contains(office) {
            node.wrong(format!("names '{office}' twice"));
        }
    }
    Some(offices)
}

/// Notes a kind's problem at the line of its key.
fn note_config(config: &Fields<'_>, problem: Problem) {
    let first = problem.key.split('.').next().unwrap_or_default();
    let node = config.get(first).unwrap_or_else(|| config.node().clone());
    let key = if problem.key.is_empty() {
        config.node().path().to_owned()
    } else {
        format!("{}.{}", config.node().path(), problem.key)
    };
    node.note(Problem { key, ..problem });
}

fn load_care(root: &Fields<'_>) -> Option<Care> {
    let protect_fields = match root.get("protect") {
        None => Some(None),
        Some(node) => node.fields().map(Some),
    };
    let protect = match &protect_fields {
        None => None,
        Some(None) => Some(Protect::default()),
        Some(Some(fields)) => load_protect(fields),
    };
    let window = match protect_fields.flatten() {
        None => Some(None),
        Some(fields) => match fields.get("window") {
            None => Some(None),
            Some(node) => schedule::load_window(&fields, &node).map(Some),
        },
    };
    let schedule = match root.get("schedule") {
        None => Some(None),
        Some(node) => schedule::load_schedule(&node).map(Some),
    };
    if let (Some(Some(schedule)), Some(Some(window))) = (&schedule, &window) {
        schedule::check_together(root, schedule, window);
    }
    Some(Care {
        protect: protect?,
        schedule: schedule?,
        window: window?,
    })
}

fn load_protect(fields: &Fields<'_>) -> Option<Protect> {
    fields.only(&[
        "max_connections",
        "rows_per_second",
        "statement_timeout",
        "slot_budget",
        "window",
        "zone",
    ]);
    if let (Some(zone), None) = (fields.get("zone"), fields.get("window")) {
        zone.wrong("belongs to 'window'");
    }
    let number = |name: &str| match fields.get(name) {
        None => Some(None),
        Some(node) => {
            let number = node.number(1_000_000_000)?;
            if number == 0 {
                node.wrong("must be at least 1");
                return None;
            }
            Some(Some(number))
        }
    };
    let max_connections = number("max_connections");
    let rows_per_second = number("rows_per_second");
    let statement_timeout = match fields.get("statement_timeout") {
        None => Some(None),
        Some(node) => stream::load_duration(&node).map(Some),
    };
    let slot_budget = match fields.get("slot_budget") {
        None => Some(None),
        Some(node) => load_bytes(&node).map(Some),
    };
    Some(Protect {
        slot_budget: slot_budget?,
        max_connections: max_connections?,
        rows_per_second: rows_per_second?,
        statement_timeout: statement_timeout?,
    })
}

/// Reads a number of bytes such as `8 GiB`.
fn load_bytes(node: &Node<'_>) -> Option<u64> {
    let text = node.text()?;
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let unit: Option<u64> = match text[at..].trim() {
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        "TiB" => Some(1 << 40),
        _ => None,
    };
    let number: Option<u64> = text[..at].parse::<u32>().ok().map(u64::from);
    let bytes = number
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit));
    if bytes.is_none_or(|bytes| bytes == 0) {
        node.wrong("must be a number with MiB, GiB or TiB behind it, as in \"8 GiB\"");
        return None;
    }
    bytes
}
