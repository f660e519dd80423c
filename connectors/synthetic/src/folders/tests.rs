//! Every agency folder loads, and its fixture maps as expected. With `RABT_BLESS=1` (or
//! `RABT_UPDATE_FIXTURES=1`, as `cargo x fixtures` sets it) the expected
//! files are written anew instead of compared.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{AgencyFiles, agencies};
use rabt_connect::{
    Agency, AgencyFolder, BatchBuilder, Cell, Mapped, MappingContext, SourceSpec, StreamSpec,
};
use rabt_model::{Attribute, Timestamp};
use serde_json::json;

/// How a fixture writes NULL; an empty field is the empty text.
const NULL: &str = "\\N";

fn load(files: &AgencyFiles) -> Agency {
    let pairs: Vec<(&str, &str)> = files
        .files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    match AgencyFolder::load(&pairs) {
        Ok(agency) => agency,
        Err(problems) => panic!("{}:\n{problems}", files.id),
    }
}

#[test]
fn every_folder_loads_and_together_they_are_104_databases() {
    let all = agencies();
    assert!(all.len() >= 24, "{} folders", all.len());
    let mut sources = BTreeSet::new();
    for files in &all {
        let agency = load(files);
        assert_eq!(agency.id.as_str(), files.id);
        assert!(!agency.name.ar.is_empty() && agency.name.ar != agency.name.en);
        for source in agency.sources {
            assert_eq!(source.streams.len(), 1, "{}", source.id);
            assert!(sources.insert(source.id));
        }
    }
    assert!(sources.len() >= 104, "{} databases", sources.len());
}

#[test]
fn the_embedded_folders_are_those_on_disk() {
    for files in agencies() {
        for (name, text) in &files.files {
            let on_disk = fs::read_to_string(folder(&files.id).join(name)).unwrap();
            assert_eq!(on_disk, *text, "{}/{name}", files.id);
        }
    }
}

#[test]
fn agencies_hold_different_things_in_different_words() {
    let mut columns_of = BTreeSet::new();
    let mut attributes_of = BTreeSet::new();
    for files in agencies() {
        let agency = load(&files);
        let mapping = &agency.sources[0].streams[0].mapping;
        let columns: Vec<String> = mapping.columns().map(str::to_owned).collect();
        let attributes: BTreeSet<String> = mapping.attributes().map(Attribute::to_string).collect();
        assert!(
            attributes.contains("identifier.national_id"),
            "{}",
            files.id
        );
        let facts = format!("facts.{}.", files.id);
        let own = attributes.iter().any(|id| id.starts_with(&facts));
        let registers = ["civil-registry", "passports"];
        assert!(
            own || registers.contains(&files.id.as_str()),
            "{}",
            files.id
        );
        assert!(
            columns_of.insert(columns),
            "{} has another's columns",
            files.id
        );
        attributes_of.insert(attributes);
    }
    assert!(attributes_of.len() >= 24);
}

#[test]
fn fixtures_map_as_expected() {
    let bless = ["RABT_BLESS", "RABT_UPDATE_FIXTURES"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let mut wrong = Vec::new();
    for files in agencies() {
        let agency = load(&files);
        for stream in &agency.sources[0].streams {
            let place = folder(&files.id).join("fixtures");
            let rows = place.join(format!("{}.csv", stream.id));
            let expected = place.join(format!("{}.expected.jsonl", stream.id));
            let mapped = outcome(&apply(&agency, &agency.sources[0], stream, &rows));
            if bless {
                fs::write(&expected, &mapped).unwrap();
            } else if fs::read_to_string(&expected).unwrap_or_default() != mapped {
                wrong.push(expected);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these are no longer what the mapping makes; run `cargo x fixtures` and read the changes: {wrong:#?}"
    );
}

fn folder(id: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../agencies")
        .join(id)
}

/// Maps the rows of a fixture as one batch.
fn apply(agency: &Agency, source: &SourceSpec, stream: &StreamSpec, rows: &Path) -> Mapped {
    let mut reader = csv::Reader::from_path(rows).unwrap();
    let header: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let planned = stream.plan(1).columns;
    for column in &planned {
        assert!(
            header.contains(column),
            "{}: no column {column}",
            rows.display()
        );
    }
    let mut batch = BatchBuilder::new(header);
    let mut count = 0;
    for row in reader.records() {
        let row = row.unwrap();
        let cell = |text| {
            if text == NULL {
                Cell::Null
            } else {
                Cell::Text(text)
            }
        };
        batch.push_row(row.iter().map(cell));
        count += 1;
    }
    assert!(
        (8..=14).contains(&count),
        "{}: {count} rows",
        rows.display()
    );
    let observed_at: Timestamp = "2026-01-15T08:00:00Z".parse().unwrap();
    let context = MappingContext {
        source: &source.id,
        agency: &agency.id,
        stream: &stream.id,
        key: &stream.key,
        cursor: stream.cursor(),
        observed_at,
    };
    stream.mapping.apply(&batch.take(), &context)
}

/// Writes what became of the rows, one JSON object in a line.
fn outcome(mapped: &Mapped) -> String {
    let mut lines = Vec::new();
    for record in &mapped.records {
        let values: Vec<serde_json::Value> = record
            .values
            .iter()
            .map(|value| {
                json!({
                    "attribute": value.attribute,
                    "column": value.column,
                    "value": value.value.expose(),
                })
            })
            .collect();
        lines.push(json!({
            "record": record.id.key.expose(),
            "version": record.version,
            "event_at": record.event_at.map(|at| at.to_string()),
            "values": values,
        }));
    }
    for rejection in &mapped.rejections {
        lines.push(json!({
            "rejection": rejection.key.expose(),
            "column": rejection.column,
            "reason": rejection.reason.code(),
            "field_only": rejection.field_only,
        }));
    }
    lines.push(json!({ "skipped": mapped.skipped }));
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    text
}
