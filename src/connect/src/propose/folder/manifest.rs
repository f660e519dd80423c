//! Writing `manifest.toml`.

use std::fmt::Write;

use rabt_model::{Label, StreamId};

use crate::connector::Mode;
use crate::fold::fold;
use crate::propose::folder::{NewAgency, comment};
use crate::propose::{TableProposal, reason};
use crate::step::{quote, quote_all};

/// Longest id of a stream that is made of a table's name.
const LONGEST_ID: usize = 40;
/// Kinds whose tables are files.
const OF_FILES: &str = "files";

/// Returns an id for each table: its name where that can be one, else `person`; none twice.
pub(super) fn stream_ids(tables: &[&TableProposal]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for table in tables {
        let base = id_of(&table.name);
        let mut id = base.clone();
        let mut number = 2;
        while ids.contains(&id) {
            id = format!("{base}-{number}");
            number += 1;
        }
        ids.push(id);
    }
    ids
}

fn id_of(name: &str) -> String {
    let suffixes = [".csv", ".txt", ".xlsx"];
    let stem = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
    let stem = stem.unwrap_or(name);
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() {
            Some(c)
        } else {
            (c == '_' || c == '-' || c == ' ').then_some('-')
        }
    };
    let id: String = fold(stem)
        .chars()
        .filter_map(allowed)
        .take(LONGEST_ID)
        .collect();
    let id = id.trim_matches(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    match id.parse::<StreamId>() {
        Ok(id) => id.to_string(),
        Err(_) => "person".to_owned(),
    }
}

pub(super) fn write(agency: &NewAgency, streams: &[(&str, &TableProposal)]) -> String {
    let mut text = String::new();
    if !streams.is_empty() {
        comment(
            &mut text,
            &reason::plain(
                "Proposed from names, types and the shapes of a sample; read it before it is approved.",
                "اقتراح من الأسماء والأنواع وأشكال عينة؛ يراجع قبل اعتماده.",
            ),
        );
    }
    // Writing into a text cannot fail.
    let _ = write!(
        text,
        "schema = 1\n\n[agency]\nid = {}\nname = {{ en = {}, ar = {} }}\nsteward = {}\n\
         agreement = {}\n\n[source]\nkind = {}\n\n[source.config]\n",
        quote(agency.id.as_str()),
        quote(&agency.name.en),
        quote(&agency.name.ar),
        quote(&agency.steward),
        quote(agency.agreement.as_str()),
        quote(&agency.kind),
    );
    for (key, value) in &agency.config {
        let _ = writeln!(text, "{} = {value}", key_of(key));
    }
    if !streams.is_empty() {
        write_schedule(&mut text, streams);
    }
    write_streams(&mut text, &agency.kind, streams);
    text
}

/// Writes the tables of a source of this kind.
pub(super) fn write_streams(text: &mut String, kind: &str, streams: &[(&str, &TableProposal)]) {
    for (id, table) in streams {
        write_stream(text, id, table, kind == OF_FILES);
    }
}

/// Writes how often the tables are read: what has changed often, whole tables once a day.
pub(super) fn write_schedule(text: &mut String, streams: &[(&str, &TableProposal)]) {
    let is_changes = |table: &TableProposal| matches!(table.mode, Mode::Incremental { .. });
    let (why, times) = if streams.iter().all(|(_, table)| is_changes(table)) {
        (
            reason::plain(
                "Only what has changed is read, so often; leave it out to start every reading by hand.",
                "يُقرأ ما تغير فقط؛ يُحذف هذا القسم لتبدأ كل قراءة يدويًا.",
            ),
            "every = \"15m\"\njitter = \"2m\"\n",
        )
    } else {
        (
            reason::plain(
                "A table is read whole, so once a day. By night: cron = \"0 2 * * *\" with a zone = \"Area/City\" in place of every; [protect] window keeps to hours.",
                "يُقرأ جدول كامل، لذا مرة في اليوم؛ ويمكن تحديد ساعة ليلًا بدلًا من ذلك.",
            ),
            "every = \"1d\"\njitter = \"30m\"\n",
        )
    };
    text.push('\n');
    comment(text, &why);
    text.push_str("[schedule]\n");
    text.push_str(times);
}

fn write_stream(text: &mut String, id: &str, table: &TableProposal, is_file: bool) {
    text.push('\n');
    comment(text, &scored(table.score, &reason::joined(&table.reasons)));
    let name = quote(&table.name);
    let from = match (&table.schema, is_file) {
        (Some(sheet), true) => format!("{{ file = {name}, sheet = {} }}", quote(sheet)),
        (None, true) => format!("{{ file = {name} }}"),
        (Some(schema), false) => format!("{{ schema = {}, table = {name} }}", quote(schema)),
        (None, false) => format!("{{ table = {name} }}"),
    };
    let _ = write!(text, "[[stream]]\nid = {}\nfrom = {from}\n", quote(id));
    comment(text, &table.key_reason);
    if !table.key.is_empty() {
        let key = quote_all(table.key.iter().map(String::as_str));
        let _ = writeln!(text, "key = {key}");
    }
    comment(text, &table.mode_reason);
    match &table.mode {
        Mode::Snapshot => text.push_str("mode = \"snapshot\"\n"),
        Mode::Changes { .. } => text.push_str("mode = \"changes\"\n"),
        Mode::Incremental { cursor, lag } => {
            let cursor = quote(cursor);
            let _ = write!(
                text,
                "mode = \"incremental\"\n\n[stream.incremental]\ncursor = {cursor}\n"
            );
            if let Some(lag) = lag {
                let _ = writeln!(text, "lag = \"{}m\"", lag.as_secs().div_ceil(60));
            }
        }
    }
}

/// Returns a key as it is where TOML takes it so, else in quotes.
fn key_of(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(is_bare) {
        return key.to_owned();
    }
    quote(key)
}

/// Returns a reason with its score in front.
pub(super) fn scored(score: u8, reason: &Label) -> Label {
    Label::new(
        format!("{score} of 100: {}", reason.en),
        format!("{score} من 100: {}", reason.ar),
    )
}
