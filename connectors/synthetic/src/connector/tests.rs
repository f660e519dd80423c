use std::collections::BTreeMap;

use super::Synthetic;
use crate::{AgencyFiles, Targets, agencies, make};
use rabt_connect::{
    Agency, AgencyFolder, Batch, Connector, Filter, Inlet, Mapped, MappingContext, Message, Mode,
    Outcome, Outlet, Plan, Position, Session, SourceSpec, StreamSpec,
};
use rabt_model::Timestamp;

const PEOPLE: u32 = 1_500;
const SEED: u64 = 8;

fn all_agencies() -> Vec<Agency> {
    let load = |files: AgencyFiles| {
        let pairs: Vec<(&str, &str)> = files
            .files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        AgencyFolder::load(&pairs).unwrap()
    };
    agencies().into_iter().map(load).collect()
}

fn session(agency: &Agency, source: &SourceSpec) -> Session {
    let mut config = toml::Table::new();
    config.insert("people".to_owned(), PEOPLE.into());
    config.insert("seed".to_owned(), toml::Value::Integer(8));
    config.insert("agency".to_owned(), agency.id.as_str().into());
    if let Some(office) = &source.office {
        config.insert("office".to_owned(), office.as_str().into());
    }
    Session::new(source.id.clone(), config, "/")
}

fn plan(stream: &StreamSpec, chunk_rows: u32) -> Plan {
    Plan {
        mode: Mode::Snapshot,
        ..stream.plan(chunk_rows)
    }
}

/// Reads a table to its end; returns the rows and the checkpoints.
async fn read(
    session: &Session,
    plan: &Plan,
    from: Option<Position>,
) -> (Vec<Batch>, Vec<Position>) {
    let (outlet, inlet) = Outlet::channel(4);
    let (sent, received) =
        tokio::join!(Synthetic.read(session, plan, from, outlet), receive(inlet));
    sent.unwrap();
    received
}

async fn receive(mut inlet: Inlet) -> (Vec<Batch>, Vec<Position>) {
    let (mut batches, mut positions) = (Vec::new(), Vec::new());
    while let Some(message) = inlet.receive().await.unwrap() {
        match message {
            Message::Rows(batch) => batches.push(batch),
            Message::Checkpoint { position, .. } => positions.push(position),
            Message::Deleted(_)
            | Message::Truncated
            | Message::SchemaChanged(_)
            | Message::Progress(_) => {}
        }
    }
    (batches, positions)
}

fn map(agency: &Agency, source: &SourceSpec, stream: &StreamSpec, batch: &Batch) -> Mapped {
    let observed_at: Timestamp = "2026-01-15T08:00:00Z".parse().unwrap();
    let context = MappingContext {
        source: &source.id,
        agency: &agency.id,
        stream: &stream.id,
        key: &stream.key,
        cursor: stream.cursor(),
        observed_at,
    };
    stream.mapping.apply(batch, &context)
}

#[tokio::test]
async fn every_row_of_every_source_maps_to_a_record_with_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let made = make(PEOPLE, SEED, dir.path(), &Targets::default())
        .await
        .unwrap();
    let mut rows = 0;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for agency in all_agencies() {
        for source in &agency.sources {
            let stream = &source.streams[0];
            let (batches, _) = read(&session(&agency, source), &plan(stream, 10_000), None).await;
            for batch in batches {
                let mapped = map(&agency, source, stream, &batch);
                rows += mapped.records.len() + usize::try_from(mapped.skipped).unwrap();
                for record in &mapped.records {
                    assert!(made.truth.person_of(&record.id).is_some(), "{}", source.id);
                }
                for rejection in &mapped.rejections {
                    assert!(rejection.field_only, "{}: {}", source.id, rejection.reason);
                    let place = format!("{} {} {}", agency.id, rejection.column, rejection.reason);
                    *reasons.entry(place).or_default() += 1;
                }
            }
        }
    }
    assert_eq!(rows, made.truth.len());
    // What is refused are lost digits of numbers; every date and every code is understood.
    let lost_digits = ["bad_national_id", "bad_digits"];
    let other: Vec<&String> = reasons
        .keys()
        .filter(|place| lost_digits.iter().all(|reason| !place.ends_with(reason)))
        .collect();
    assert!(other.is_empty(), "{other:?}");
    assert!(reasons.values().sum::<usize>() * 50 < rows, "{reasons:?}");
}

#[tokio::test]
async fn a_read_resumes_at_any_checkpoint() {
    let agencies = all_agencies();
    let agency = agencies
        .iter()
        .find(|a| a.id.as_str() == "elections")
        .unwrap();
    let source = &agency.sources[0];
    let session = session(agency, source);
    let plan = plan(&source.streams[0], 40);
    let (whole, positions) = read(&session, &plan, None).await;
    assert!(positions.len() > 2);
    for (index, position) in positions.iter().enumerate() {
        let (rest, _) = read(&session, &plan, Some(position.clone())).await;
        assert_eq!(keys(&rest), keys(&whole[index + 1..]));
    }
    let (outlet, _inlet) = Outlet::channel(1);
    let mut elsewhere = session.clone();
    elsewhere
        .config
        .insert("seed".to_owned(), toml::Value::Integer(9));
    let refused = Synthetic
        .read(&elsewhere, &plan, positions.last().cloned(), outlet)
        .await;
    assert_eq!(refused.unwrap_err().name(), "configuration");
}

fn keys(batches: &[Batch]) -> Vec<String> {
    let mut keys = Vec::new();
    for batch in batches {
        let column = batch.index_of("nid").unwrap();
        keys.extend((0..batch.rows()).map(|row| format!("{:?}", batch.cell(row, column))));
    }
    keys
}

#[tokio::test]
async fn wrong_configurations_are_named() {
    let agencies = all_agencies();
    let agency = agencies.iter().find(|a| a.id.as_str() == "water").unwrap();
    let good = session(agency, &agency.sources[0]);
    assert!(Synthetic.validate(&good.config).is_empty());
    assert_eq!(Synthetic.check(&good).await[0].outcome, Outcome::Pass);
    let tables = Synthetic.discover(&good, &Filter::default()).await.unwrap();
    assert_eq!(tables[0].name, "مشتركين");
    let mut bad = good.clone();
    bad.config.insert("agency".to_owned(), "watr".into());
    let problems = Synthetic.validate(&bad.config);
    assert_eq!(problems[0].suggestion.as_deref(), Some("water"));
    assert_eq!(Synthetic.check(&bad).await[0].outcome, Outcome::Fail);
    let mut bad = good.clone();
    bad.config.insert("office".to_owned(), "nowhere".into());
    assert_eq!(Synthetic.check(&bad).await[0].outcome, Outcome::Fail);
    let mut bad = good;
    bad.config.insert("people".to_owned(), "many".into());
    assert_eq!(Synthetic.validate(&bad.config).len(), 1);
}
