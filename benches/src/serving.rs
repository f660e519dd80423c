//! Permitted and audited lookups of a whole node over loopback mutual TLS, and the answers of bare
//! servers, in turn: one always says the same, of the same size, and one looks up the same answers. Client and servers share the process and its processors.

mod ask;
mod report;

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use rabt_model::{Attribute, RecordNumber};
use rabt_proto::citizen::LookupCitizenResponse;
use rabt_storage::{AuditLog, Storage};
use rabt_tests::{AGENCY_SYSTEM, Pki, Stack, Town};
use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::bare::{self, Bare};
use crate::pace::{Times, paced};
use ask::{Asker, Round};
use report::{Report, Side};

/// Length of the load of half the rate.
const HALF: Duration = Duration::from_secs(10);

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Lookups in all rounds together; there are as many of each other side.
    pub(crate) lookups: usize,
    /// Invented people in the databases of the shipped agencies.
    pub(crate) people: u32,
    /// Requests under way at any time.
    pub(crate) in_flight: usize,
    /// How often each side is measured.
    pub(crate) rounds: usize,
    /// Print one JSON object instead of lines.
    pub(crate) json: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lookups: 1_000_000,
            people: 20_000,
            in_flight: 64,
            rounds: 5,
            json: false,
        }
    }
}

impl Settings {
    /// Reads `--name value` pairs and `--json`; `None` when one is not known.
    pub(crate) fn of(arguments: &[String]) -> Option<Self> {
        let mut settings = Self::default();
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            if name == "--json" {
                settings.json = true;
                continue;
            }
            let value: u32 = rest.next()?.replace('_', "").parse().ok()?;
            let count = usize::try_from(value).ok().filter(|count| *count > 0)?;
            match name.as_str() {
                "--lookups" => settings.lookups = count,
                "--people" => settings.people = value,
                "--in-flight" => settings.in_flight = count,
                "--rounds" => settings.rounds = count,
                _ => return None,
            }
        }
        Some(settings)
    }
}

/// Measures, prints, and says whether every lookup was answered and every answer is in the log.
pub(crate) fn run(settings: Settings) -> bool {
    let runtime = Builder::new_multi_thread().enable_all().build();
    let report = runtime.expect("a runtime").block_on(measure(settings));
    report.print(settings.json);
    report.is_sound()
}

async fn measure(settings: Settings) -> Report {
    let folder = TempDir::new().expect("a folder");
    let stack = node(folder.path(), settings.people).await;
    let log = stack.services.storage.audit_log();
    let numbers = national_ids(stack.services.storage.as_ref()).await;
    let held = numbers.len();

    let lookup = Asker::new(stack.citizens(AGENCY_SYSTEM).await, numbers);
    let (numbers, answers) = lookup.answered().await;
    let without_answer = held - numbers.len();
    let lookup = lookup.of(numbers);
    let numbers = lookup.numbers();
    let answered = numbers.iter().cloned().zip(answers.iter().cloned());
    let held = bare_client(&stack.pki, Bare::Held(answered.collect())).await;
    let answer = typical(answers);
    let bytes = answer.encoded_len();
    let bare = Asker::new(held, lookup.numbers());
    let echo = bare_client(&stack.pki, Bare::Echo(Box::new(answer))).await;
    let echo = Asker::new(echo, lookup.numbers());

    let each = settings.lookups.div_ceil(settings.rounds);
    for side in [&echo, &bare, &lookup] {
        side.ask(each.div_ceil(10), settings.in_flight).await;
    }
    let (mut echoes, mut bares, mut lookups) = (Vec::new(), Vec::new(), Vec::new());
    let mut entries = 0;
    for round in 0..settings.rounds {
        // The order changes, so that no side always follows the other.
        if round % 2 == 0 {
            echoes.push(echo.ask(each, settings.in_flight).await);
            bares.push(bare.ask(each, settings.in_flight).await);
        }
        let (done, written) = audited(&lookup, each, settings.in_flight, log.as_ref()).await;
        lookups.push(done);
        entries += written;
        if round % 2 == 1 {
            bares.push(bare.ask(each, settings.in_flight).await);
            echoes.push(echo.ask(each, settings.in_flight).await);
        }
        eprintln!(
            "round {}: {:.3} of the echo, {:.3} of the bare lookup",
            round + 1,
            lookups[round].rate() / echoes[round].rate(),
            lookups[round].rate() / bares[round].rate()
        );
    }
    let lookups = Side(lookups);
    let bare_half = at_half(&bare, lookups.rate()).await;
    let half = at_half(&lookup, lookups.rate()).await;
    let citizens = stack.services.citizens();
    stack.stop().await;
    Report {
        settings,
        citizens,
        without_answer,
        bytes,
        echo: Side(echoes),
        bare: Side(bares),
        lookup: lookups,
        half,
        bare_half,
        entries,
    }
}

/// Starts a node and takes the invented people in as an operator would: register, read, link.
async fn node(folder: &std::path::Path, people: u32) -> Stack {
    let town = Town::of(people, 1).await;
    let stack =
        Stack::start_unlimited(&format!("sqlite://{}", folder.join("rabt.db").display())).await;
    stack.register(town.sources()).await;
    stack.read(2).await;
    stack.link().await;
    stack
}

/// Asks, and counts how many entries the audit log has more than before.
async fn audited(
    asker: &Asker,
    count: usize,
    in_flight: usize,
    log: &dyn AuditLog,
) -> (Round, u64) {
    let before = log.size().await.expect("the log's size");
    let round = asker.ask(count, in_flight).await;
    let after = log.size().await.expect("the log's size");
    (round, after - before)
}

/// Asks half as often as could be answered, evenly, whether or not earlier answers have come.
async fn at_half(asker: &Asker, rate: f64) -> Times {
    let between = Duration::from_secs_f64(2.0 / rate.max(1.0));
    paced(between, HALF, asker.each()).await
}

async fn bare_client(pki: &Pki, answers: Bare) -> ask::Client {
    let address = bare::serve(pki, answers).await;
    let channel = Pki::connect(address, pki.client(Some(AGENCY_SYSTEM))).await;
    ask::Client::new(channel.expect("the handshake succeeds"))
}

/// Returns the answer whose size is nearest to the mean.
fn typical(answers: Vec<LookupCitizenResponse>) -> LookupCitizenResponse {
    let total: usize = answers.iter().map(Message::encoded_len).sum();
    let mean = total / answers.len().max(1);
    let nearest = |answer: &LookupCitizenResponse| answer.encoded_len().abs_diff(mean);
    let typical = answers.into_iter().min_by_key(nearest);
    typical.expect("somebody can be looked up")
}

/// Returns the national ids in the civil registry's records.
async fn national_ids(storage: &dyn Storage) -> Arc<[String]> {
    let mut snapshot = storage.snapshot().await.expect("a snapshot");
    let records = snapshot
        .records_after(RecordNumber(i64::MIN), u32::MAX >> 1)
        .await;
    let id = Attribute::national_id();
    let records = records.expect("records").into_iter();
    records
        .filter(|stored| stored.record.agency.as_str() == "civil-registry")
        .filter_map(|stored| {
            let held = stored.record.values_of(&id).next();
            held.map(|value| value.value.expose().to_line())
        })
        .collect()
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
        let settings = read("--lookups 1_000 --in-flight 8 --json").unwrap();
        assert_eq!((settings.lookups, settings.in_flight), (1_000, 8));
        assert!(settings.json);
        for wrong in ["--lookups", "--lookups x", "--lookups 0", "--fast 1"] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
