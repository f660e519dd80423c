//! One manifest, many offices.

use rabt_model::{AgencyId, SourceId};

use crate::document::Fields;
use crate::manifest::load::{Care, Source};
use crate::manifest::{SourceSpec, StreamSpec};

/// Makes one source of the manifest, or one for each office.
pub(super) fn expand(
    root: &Fields<'_>,
    agency: &AgencyId,
    source: &Source,
    care: &Care,
    streams: &[StreamSpec],
) -> Option<Vec<SourceSpec>> {
    let kind = source.kind.as_ref()?;
    let make = |id: SourceId, office: Option<&String>| SourceSpec {
        id,
        office: office.cloned(),
        kind: kind.clone(),
        isolation: source.isolation,
        executable: source.executable.clone(),
        config: fill_table(&source.config, office),
        protect: care.protect,
        schedule: care.schedule.clone(),
        window: care.window.clone(),
        restricted: source.restricted,
        streams: streams
            .iter()
            .map(|stream| StreamSpec {
                schema: stream.schema.as_ref().map(|text| fill(text, office)),
                table: fill(&stream.table, office),
                ..stream.clone()
            })
            .collect(),
    };
    let offices = source.offices.as_ref()?;
    if offices.is_empty() {
        let id = agency.as_str().parse().ok()?;
        return Some(vec![make(id, None)]);
    }
    let mut sources: Vec<SourceSpec> = Vec::new();
    for office in offices {
        let Ok(id) = format!("{agency}-{office}").parse::<SourceId>() else {
            let message = format!("'{agency}-{office}' is too long for the id of a source");
            root.get("source")?.wrong(message);
            return None;
        };
        sources.push(make(id, Some(office)));
    }
    Some(sources)
}

fn fill(text: &str, office: Option<&String>) -> String {
    match office {
        Some(office) => text.replace("{office}", office),
        None => text.to_owned(),
    }
}

fn fill_table(table: &toml::Table, office: Option<&String>) -> toml::Table {
    table
        .iter()
        .map(|(key, value)| (key.clone(), fill_value(value, office)))
        .collect()
}

fn fill_value(value: &toml::Value, office: Option<&String>) -> toml::Value {
    match value {
        toml::Value::String(text) => toml::Value::String(fill(text, office)),
        toml::Value::Array(items) => {
            toml::Value::Array(items.iter().map(|item| fill_value(item, office)).collect())
        }
        toml::Value::Table(table) => toml::Value::Table(fill_table(table, office)),
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_) => value.clone(),
    }
}
