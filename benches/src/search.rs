//! One record against a resident index: how long a search takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rabt_linkage::{Index, LinkageModel};
use rabt_model::RecordNumber;

use crate::meter::Meter;

/// Records that are searched for.
const SEARCHES: usize = 20_000;

/// What is measured.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    file: PathBuf,
}

impl Settings {
    /// Reads `--file CSV`; `None` when it is not named.
    pub(crate) fn of(arguments: &[String]) -> Option<Self> {
        match arguments {
            [name, file] if name == "--file" => Some(Self { file: file.into() }),
            _ => None,
        }
    }
}

/// Links a file, then searches the index for records of it, spread over the whole.
pub(crate) fn run(settings: &Settings) -> bool {
    let Some(model) = LinkageModel::shipped("egypt") else {
        return false;
    };
    let model = Arc::new(model);
    let rows = match read(&settings.file, &model) {
        Ok(rows) if !rows.is_empty() => rows,
        Ok(_) => {
            eprintln!("{}: no records", settings.file.display());
            return false;
        }
        Err(error) => {
            eprintln!("{}: {error}", settings.file.display());
            return false;
        }
    };
    let meter = Meter::start();
    let mut index = Index::new(model);
    index.link_with(rows.len(), |at, push| {
        let number = RecordNumber(i64::try_from(at).unwrap_or(i64::MAX));
        push(number, &at.to_string(), &cells(&rows[at]));
    });
    meter.report("records made resident", rows.len());
    // The first search builds what later ones read.
    let meter = Meter::start();
    index.search(&cells(&rows[0]));
    meter.report("blocks made resident", rows.len());
    let meter = Meter::start();
    let step = (rows.len() / SEARCHES).max(1);
    let (mut times, mut found) = (Vec::with_capacity(SEARCHES), 0);
    for row in rows.iter().step_by(step) {
        let started = Instant::now();
        found += index.search(&cells(row)).len();
        times.push(started.elapsed());
    }
    meter.report("searches", times.len());
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 1000];
    let [half, most, nearly_all] = [at(500), at(990), at(999)].map(micros);
    eprintln!("{found} found; p50 {half} µs, p99 {most} µs, p99.9 {nearly_all} µs");
    true
}

fn micros(time: Duration) -> u128 {
    time.as_micros()
}

type Row = Vec<Option<String>>;

fn cells(row: &Row) -> Vec<Option<&str>> {
    row.iter().map(Option::as_deref).collect()
}

/// Returns the cells of every record in the order of the model's columns.
fn read(file: &Path, model: &LinkageModel) -> csv::Result<Vec<Row>> {
    let mut lines = csv::Reader::from_path(file)?;
    let names = lines.headers()?.clone();
    let find = |wanted: &str| names.iter().position(|name| name == wanted);
    let places: Vec<Option<usize>> = model
        .columns
        .iter()
        .map(|column| {
            find(&column.id).or_else(|| column.synonyms.iter().find_map(|name| find(name)))
        })
        .collect();
    let row = |record: csv::StringRecord| {
        let cell = |at: &Option<usize>| {
            let text = record.get((*at)?)?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        places.iter().map(cell).collect()
    };
    lines.records().map(|record| record.map(row)).collect()
}
