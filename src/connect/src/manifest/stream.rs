//! Reading the `[[stream]]` tables of a manifest.

use std::sync::Arc;
use std::time::Duration;

use crate::connector::{Capabilities, Mode};
use crate::document::{Fields, Node};
use crate::manifest::load::MAPPING;
use crate::manifest::{Deletes, Guard, OnDrift, StreamSpec, Truth, truth};
use crate::mapping::StreamMapping;

/// Reads every stream, and notes mappings that belong to none.
pub(super) fn load_streams(
    root: &Fields<'_>,
    mappings: Option<&[StreamMapping<'_>]>,
    kind: Option<(&str, Capabilities)>,
) -> Option<Vec<StreamSpec>> {
    let node = root.required("stream")?;
    let Some(items) = node.items().filter(|items| !items.is_empty()) else {
        node.wrong("must be written [[stream]], once for each table");
        return None;
    };
    let mut ids: Vec<&str> = Vec::new();
    let mut streams = Vec::new();
    for item in &items {
        let Some(fields) = item.fields() else {
            continue;
        };
        let id = fields.get("id").and_then(|id| id.as_text());
        if let Some(id) = id {
            if ids.contains(&id) {
                item.wrong(format!("there are two streams '{id}'"));
            }
            ids.push(id);
        }
        streams.extend(load_stream(&fields, mappings, kind));
    }
    for mapping in mappings.unwrap_or_default() {
        if !ids.contains(&mapping.stream) {
            let message = "maps a stream that the manifest does not have";
            let known = ids.iter().copied();
            mapping.node.wrong_word(message, mapping.stream, known);
        }
    }
    (streams.len() == items.len()).then_some(streams)
}

fn load_stream(
    fields: &Fields<'_>,
    mappings: Option<&[StreamMapping<'_>]>,
    kind: Option<(&str, Capabilities)>,
) -> Option<StreamSpec> {
    fields.only(&[
        "id",
        "from",
        "key",
        "mode",
        "incremental",
        "deletes",
        "sweep",
        "guard",
        "record_of_truth",
    ]);
    let id_node = fields.required("id");
    let from = fields.required("from").and_then(|node| load_from(&node));
    let key = match fields.get("key") {
        None => Some(Vec::new()),
        Some(node) => node.one_or_many(),
    };
    let mode = load_mode(fields, key.as_deref(), kind);
    let deletes = load_deletes(fields, mode.as_ref());
    let sweep_every = match fields.get("sweep") {
        None => Some(None),
        Some(node) => load_sweep(&node, mode.as_ref(), deletes).map(Some),
    };
    let guard = match fields.get("guard") {
        None => Some(Guard::default()),
        Some(node) => node.fields().and_then(|fields| load_guard(&fields)),
    };
    let id_node = id_node?;
    let id: rabt_model::StreamId = id_node.parsed()?;
    let mapping = mappings.and_then(|mappings| {
        let found = mappings.iter().find(|m| m.stream == id.as_str());
        if found.is_none() {
            let known = mappings.iter().map(|m| m.stream);
            let message = format!("{MAPPING} has no table [{id}]");
            id_node.wrong_word(message, id.as_str(), known);
        }
        let found = found?;
        check_replaced_by(found, key.as_deref());
        found.mapping.clone()
    });
    let truth = match fields.get("record_of_truth") {
        None => Some(Truth::default()),
        Some(node) => truth::load(&node, mapping.as_ref()),
    };
    let (schema, table) = from?;
    Some(StreamSpec {
        id,
        schema,
        table,
        key: key?,
        mode: mode?,
        mapping: Arc::new(mapping?),
        deletes: deletes?,
        sweep_every: sweep_every?,
        guard: guard?,
        truth: truth?,
    })
}

/// Notes a mapping whose replacements are not keys of the stream.
fn check_replaced_by(found: &StreamMapping<'_>, key: Option<&[String]>) {
    let columns = found.mapping.as_ref().map_or(0, |m| m.replaced_by().len());
    let parts = key.map_or(columns, <[String]>::len);
    if columns == 0 || columns == parts {
        return;
    }
    let node = found
        .node
        .fields()
        .and_then(|fields| fields.get("replaced_by"));
    let node = node.unwrap_or_else(|| found.node.clone());
    if parts == 0 {
        node.wrong("is of no use without a key; give the stream one in the manifest");
    } else {
        node.wrong(format!(
            "names {columns} column(s), and the key has {parts}; name one for each, in its order"
        ));
    }
}

/// Reads `{ schema, table }` or `{ file, sheet }`; the sheet of a workbook stands for its schema.
fn load_from(node: &Node<'_>) -> Option<(Option<String>, String)> {
    let fields = node.fields()?;
    fields.only(&["schema", "table", "file", "sheet"]);
    let is_file = fields.get("file").is_some();
    for (key, belongs) in [("schema", "'table'"), ("sheet", "'file'")] {
        let wrong = fields.get(key).filter(|_| is_file == (key == "schema"));
        if let Some(wrong) = wrong {
            wrong.wrong(format!("belongs to {belongs}"));
            return None;
        }
    }
    let schema = match fields.get("schema").or_else(|| fields.get("sheet")) {
        None => Some(None),
        Some(schema) => schema.text().map(|text| Some(text.to_owned())),
    };
    let name = match (fields.get("table"), fields.get("file")) {
        (Some(name), None) | (None, Some(name)) => name.text(),
        (None, None) | (Some(_), Some(_)) => {
            node.wrong("must name one of 'table' and 'file'");
            None
        }
    };
    Some((schema?, name?.to_owned()))
}

const MODES: [&str; 3] = ["snapshot", "incremental", "changes"];

fn load_mode(
    fields: &Fields<'_>,
    key: Option<&[String]>,
    kind: Option<(&str, Capabilities)>,
) -> Option<Mode> {
    let node = fields.required("mode")?;
    let incremental = fields.get("incremental");
    let mode = node.text()?;
    if let Some(incremental) = incremental.filter(|_| mode != "incremental") {
        incremental.wrong("belongs to mode = \"incremental\"");
        return None;
    }
    if mode != "snapshot" && MODES.contains(&mode) && key.is_some_and(<[String]>::is_empty) {
        node.wrong(format!("a stream of the mode {mode} needs a key"));
        return None;
    }
    match mode {
        "snapshot" => Some(Mode::Snapshot),
        "incremental" => load_incremental(&fields.required("incremental")?),
        "changes" => {
            if let Some((kind, _)) = kind.filter(|(_, capabilities)| !capabilities.changes) {
                node.wrong(format!("the kind {kind} does not know changes"));
                return None;
            }
            Some(Mode::Changes { follow: false })
        }
        other => {
            let message = format!("'{other}' is not a mode; there are {}", MODES.join(", "));
            node.wrong_word(message, other, MODES);
            None
        }
    }
}

/// Reads what becomes of rows that are gone: swept in a snapshot and deleted by the log in a stream
/// of changes unless said otherwise.
fn load_deletes(fields: &Fields<'_>, mode: Option<&Mode>) -> Option<Deletes> {
    let (first, usual) = match mode {
        Some(Mode::Changes { .. }) => ("log", Deletes::Log),
        Some(Mode::Incremental { .. }) => ("sweep", Deletes::Never),
        Some(Mode::Snapshot) | None => ("sweep", Deletes::Sweep),
    };
    let Some(node) = fields.get("deletes") else {
        return Some(usual);
    };
    match node.text()? {
        "sweep" if first == "sweep" => Some(Deletes::Sweep),
        "log" if first == "log" => Some(Deletes::Log),
        "sweep" => {
            node.wrong("is of no use in the mode changes: its log tells of every deletion");
            None
        }
        "log" => {
            node.wrong("needs the mode changes: only a log tells of deletions");
            None
        }
        "never" => Some(Deletes::Never),
        other => {
            let message = format!("'{other}' must be {first} or never");
            node.wrong_word(message, other, ["sweep", "log", "never"]);
            None
        }
    }
}

/// Reads `[stream.sweep]`: how often the keys of an incremental stream are read.
fn load_sweep(node: &Node<'_>, mode: Option<&Mode>, deletes: Option<Deletes>) -> Option<Duration> {
    if !matches!(mode, Some(Mode::Incremental { .. })) || deletes != Some(Deletes::Sweep) {
        node.wrong("belongs to mode = \"incremental\" with deletes = \"sweep\"");
        return None;
    }
    let sweep = node.fields()?;
    sweep.only(&["every"]);
    let every = sweep.required("every")?;
    load_duration(&every)
}

fn load_incremental(node: &Node<'_>) -> Option<Mode> {
    let fields = node.fields()?;
    fields.only(&["cursor", "lag"]);
    let cursor = fields.required("cursor").and_then(|cursor| cursor.text());
    let lag = match fields.get("lag") {
        None => Some(None),
        Some(lag) => load_duration(&lag).map(Some),
    };
    Some(Mode::Incremental {
        cursor: cursor?.to_owned(),
        lag: lag?,
    })
}

fn load_guard(fields: &Fields<'_>) -> Option<Guard> {
    fields.only(&["max_reject", "max_vanish", "on_drift"]);
    let share = |name: &str| match fields.get(name) {
        None => Some(None),
        Some(node) => load_percent(&node).map(Some),
    };
    let (max_reject, max_vanish) = (share("max_reject"), share("max_vanish"));
    let on_drift = match fields.get("on_drift") {
        None => Some(OnDrift::Stop),
        Some(node) => match node.text() {
            Some("stop") => Some(OnDrift::Stop),
            Some("report") => Some(OnDrift::Report),
            Some(other) => {
                let message = format!("'{other}' must be stop or report");
                node.wrong_word(message, other, ["stop", "report"]);
                None
            }
            None => None,
        },
    };
    Some(Guard {
        max_reject: max_reject?,
        max_vanish: max_vanish?,
        on_drift: on_drift?,
    })
}

fn load_percent(node: &Node<'_>) -> Option<f64> {
    let number = node
        .text()?
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok())
        .filter(|percent| (0.0..=100.0).contains(percent));
    if number.is_none() {
        node.wrong("must be a percentage from 0 to 100, as in \"0.5 %\"");
    }
    number.map(|percent| percent / 100.0)
}

/// Reads a time such as `15m`.
pub(super) fn load_duration(node: &Node<'_>) -> Option<Duration> {
    let text = node.text()?;
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let unit = match text[at..].trim() {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    };
    let number: Option<u64> = text[..at].parse::<u32>().ok().map(u64::from);
    let duration = number
        .zip(unit)
        .map(|(number, unit)| Duration::from_secs(number * unit));
    if duration.is_none() {
        node.wrong("must be a number with s, m, h or d behind it, as in \"15m\"");
    }
    duration
}
