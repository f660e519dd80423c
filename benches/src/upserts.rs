//! Records that arrive one by one at a node with many resident: how many it makes durable in a
//! second, how long one takes while citizens are looked up, and how soon the node is back.

mod arrivals;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rabt_model::{Attribute, RecordNumber, RunId, SourceRecord};
use rabt_proto::citizen::LookupCitizenRequest;
use rabt_proto::common::Identifier;
use rabt_service::{Services, upsert};
use rabt_storage::Storage;
use rabt_tests::{AGENCY_SYSTEM, Database, Stack, Town, context, postgres_url};
use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::meter::Meter;
use crate::pace::{as_fast_as_it_goes, paced};
use arrivals::Arriving;
use report::{Report, Start};

/// Records of a hundred invented people in the databases of the shipped agencies, about.
const RECORDS_OF_HUNDRED: usize = 272;
/// Callers of the sustained load, each with one record at a time, unless the settings say otherwise.
const CALLERS: usize = 256;
const SECOND: Duration = Duration::from_secs(1);
/// Lookups a second beside every load.
const LOOKUPS: u32 = 1_000;
/// Upserts a second of the load whose times are measured.
const UPSERTS: u32 = 500;
/// Places of storage that records are taken from to be changed, and how many of each.
const SAMPLES: (usize, u32) = (200, 500);

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Records resident before anything arrives, about.
    pub(crate) records: usize,
    /// Callers of the sustained load.
    pub(crate) callers: usize,
    /// Length of each load, seconds.
    pub(crate) seconds: u64,
    /// On PostgreSQL, and not on SQLite.
    pub(crate) postgres: bool,
    /// Print one JSON object instead of lines.
    pub(crate) json: bool,
}

impl Settings {
    /// Reads `--name value` pairs and flags; `None` when one is not known.
    pub(crate) fn of(arguments: &[String]) -> Option<Self> {
        let mut settings = Self {
            records: 1_000_000,
            callers: CALLERS,
            seconds: 20,
            postgres: false,
            json: false,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            match name.as_str() {
                "--json" => settings.json = true,
                "--postgres" => settings.postgres = true,
                "--callers" => settings.callers = count(rest.next()?)?,
                "--records" => settings.records = count(rest.next()?)?,
                "--seconds" => settings.seconds = count(rest.next()?)? as u64,
                _ => return None,
            }
        }
        Some(settings)
    }
}

fn count(text: &str) -> Option<usize> {
    let count = text.replace('_', "").parse().ok()?;
    (count > 0).then_some(count)
}

/// Measures and prints; says whether nothing failed.
pub(crate) fn run(settings: &Settings) -> bool {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let report = runtime.expect("a runtime").block_on(measure(settings));
    report.print(settings.json);
    report.is_sound()
}

/// Where the records are, kept for as long as they are needed.
enum Place {
    Folder(TempDir),
    Database(Database),
}

impl Place {
    async fn of(settings: &Settings) -> Self {
        if settings.postgres {
            let server = postgres_url().expect("a PostgreSQL server");
            return Self::Database(Database::on(&server).await);
        }
        Self::Folder(TempDir::new().expect("a folder"))
    }

    fn url(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite://{}/rabt.db", folder.path().display()),
            Self::Database(database) => database.url(),
        }
    }
}

async fn measure(settings: &Settings) -> Report {
    let place = Place::of(settings).await;
    let folder = TempDir::new().expect("a folder");
    let image = folder.path().join("image");
    let stack = Stack::start_from_image(&place.url(), image.clone()).await;
    let people = (settings.records * 100).div_ceil(RECORDS_OF_HUNDRED);
    let town = Town::of(u32::try_from(people).expect("a number of people"), 1).await;
    stack.register(town.sources()).await;
    let meter = Meter::start();
    let read = stack.read(2).await;
    let records: u64 = read.iter().map(|run| run.counts.records).sum();
    meter.report("records read", usize::try_from(records).unwrap_or_default());
    let meter = Meter::start();
    stack.link().await;
    meter.report(
        "records linked",
        usize::try_from(records).unwrap_or_default(),
    );
    drop(town);

    let residents = residents(stack.services.storage.as_ref()).await;
    let lookups: Arc<[LookupCitizenRequest]> = residents.iter().filter_map(lookup).collect();
    let run = run_of(&stack.services, &residents).await;
    let arriving = Arc::new(Arriving::new(run, residents, strangers().await));
    let length = Duration::from_secs(settings.seconds);
    // what is built once, with the first arrival, is no part of the loads
    let first = Instant::now();
    upsert(&stack.services, arriving.next())
        .await
        .expect("a first upsert");
    let first = first.elapsed();

    let older = older(&image).await;
    let (sustained, beside) = tokio::join!(
        as_fast_as_it_goes(settings.callers, length, arrive(&stack.services, &arriving)),
        paced(SECOND / LOOKUPS, length, ask(&stack, &lookups).await),
    );
    let (steady, asked) = tokio::join!(
        paced(SECOND / UPSERTS, length, arrive(&stack.services, &arriving)),
        paced(SECOND / LOOKUPS, length, ask(&stack, &lookups).await),
    );
    let citizens = stack.services.citizens();
    stack.stop().await;

    let mut starts = vec![("the image of its stop", start(&place, &image).await)];
    if let Some(older) = older {
        let found = start(&place, &older).await;
        starts.push(("the image before the loads, as after a kill", found));
    }
    let none = folder.path().join("none");
    starts.push(("no image", start(&place, &none).await));
    Report {
        settings: settings.clone(),
        records,
        citizens,
        first,
        sustained,
        beside,
        steady,
        asked,
        starts,
    }
}

/// Starts the node and stops it again.
async fn start(place: &Place, image: &Path) -> Start {
    let began = Instant::now();
    let stack = Stack::start_from_image(&place.url(), image.to_owned()).await;
    let serving = began.elapsed();
    stack.link().await;
    let linking = began.elapsed();
    stack.stop().await;
    Start { serving, linking }
}

/// Waits for the first image and keeps it as it is; `None` where the records are too few for one.
async fn older(image: &Path) -> Option<PathBuf> {
    let older = image.with_extension("older");
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if std::fs::copy(image, &older).is_ok() {
            return Some(older);
        }
    }
    None
}

/// Lets one record after the other arrive; says whether it became durable.
fn arrive(
    services: &Arc<Services>,
    arriving: &Arc<Arriving>,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = bool> + Send>> + Clone + use<> {
    let (services, arriving) = (Arc::clone(services), Arc::clone(arriving));
    move || {
        let (services, arrival) = (Arc::clone(&services), arriving.next());
        Box::pin(async move { upsert(&services, arrival).await.is_ok() })
    }
}

/// Asks about one citizen after the other; says whether there was an answer or, as people go
/// meanwhile, the refusal that stands for nobody.
async fn ask(
    stack: &Stack,
    lookups: &Arc<[LookupCitizenRequest]>,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = bool> + Send>> + Clone + use<> {
    let client = stack.citizens(AGENCY_SYSTEM).await;
    let lookups = Arc::clone(lookups);
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    move || {
        let mut client = client.clone();
        let place = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let request = lookups[place % lookups.len()].clone();
        Box::pin(async move {
            match client.lookup_citizen(request).await {
                Ok(_) => true,
                Err(status) => {
                    // some numbers are none: people made mistakes
                    let expected = [tonic::Code::PermissionDenied, tonic::Code::InvalidArgument];
                    expected.contains(&status.code())
                }
            }
        })
    }
}

fn lookup(record: &SourceRecord) -> Option<LookupCitizenRequest> {
    let id = Attribute::national_id();
    let held = record.values_of(&id).next()?;
    Some(LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(Identifier {
            scheme: "national_id".to_owned(),
            value: held.value.expose().to_line(),
        }),
        read_mask: None,
    })
}

/// Returns records from all over storage, in an order that mixes them.
async fn residents(storage: &dyn Storage) -> Vec<SourceRecord> {
    let (places, each) = SAMPLES;
    let mut snapshot = storage.snapshot().await.expect("storage");
    let count = snapshot.count_records().await.expect("a count");
    let mut pages = Vec::with_capacity(places);
    for place in 0..places as u64 {
        let after = i64::try_from(count * place / places as u64).expect("a number");
        let page = snapshot.records_after(RecordNumber(after), each).await;
        pages.push(page.expect("storage").into_iter());
    }
    let mut residents = Vec::new();
    for _ in 0..each {
        residents.extend(
            pages
                .iter_mut()
                .filter_map(|page| Some(page.next()?.record)),
        );
    }
    residents
}

/// Returns records of people who are not resident.
async fn strangers() -> Vec<SourceRecord> {
    let town = Town::of(2_000, 2).await;
    let stack = Stack::start("sqlite::memory:").await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    let found = residents(stack.services.storage.as_ref()).await;
    stack.stop().await;
    found
}

async fn run_of(services: &Services, residents: &[SourceRecord]) -> RunId {
    let source = &residents.first().expect("somebody is resident").id.source;
    let mut tx = services.storage.begin().await.expect("storage");
    let run = tx.start_run(source, services.clock.now()).await;
    let run = run.expect("a run");
    tx.commit().await.expect("storage");
    run
}

#[cfg(test)]
mod tests {
    use super::Settings;

    fn read(text: &str) -> Option<Settings> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Settings::of(&words)
    }

    #[test]
    fn settings_are_read_and_unknown_ones_refused() {
        let settings = read("--records 100_000 --callers 8 --seconds 5 --postgres --json").unwrap();
        assert_eq!((settings.records, settings.seconds), (100_000, 5));
        assert_eq!(settings.callers, 8);
        assert!(settings.json && settings.postgres);
        for wrong in [
            "--records",
            "--records x",
            "--seconds 0",
            "--callers 0",
            "--fast 1",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
