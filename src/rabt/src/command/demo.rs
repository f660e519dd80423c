//! `rabt demo`: the whole product in one command, on invented people.
//!
//! Invariant: the truth about who is who is compared with the result and never enters a database.

mod compare;
mod folder;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rabt_api::Bound;
use rabt_connector_synthetic::{Made, Targets, agencies};
use rabt_policy::{Caller, Role};
use rabt_service::{OperateError, Services, ingest_all, link, operate};

use self::compare::compare;
use self::folder::Folder;
use self::report::Report;
use super::{block_on, start_telemetry};
use crate::app::{App, node_caller};
use crate::error::{CommandError, Exit, Fault};
use crate::meter::Stages;
use crate::render::Render;

/// The stages that are not the node's own work.
const MAKE: &str = "make";
const COMPARE: &str = "compare";
/// How often the number of records is asked for while they are read.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// `rabt demo`
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// How many people to invent.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    people: u32,
    /// Another seed gives other people and other mistakes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for everything that is made; a fresh temporary one when absent. May hold what an
    /// earlier or interrupted demo with the same numbers made.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Do everything, print, end.
    #[arg(long)]
    once: bool,
    /// PostgreSQL database that one agency is written to and read from; its tables are replaced.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// MariaDB or MySQL database, likewise.
    #[arg(long, value_name = "URL")]
    mysql: Option<String>,
    /// Where the node keeps its state; `SQLite` in the folder when absent.
    #[arg(long, value_name = "URL")]
    storage: Option<String>,
}

/// Runs the demo.
pub(crate) fn run(args: DemoArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let started = Instant::now();
    let folder = Folder::prepare(&args)?;
    start_telemetry(&folder.settled.config.telemetry)?;
    block_on(Box::pin(demo(args, folder, started, render)))
}

async fn demo(
    args: DemoArgs,
    folder: Folder,
    started: Instant,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    render.note(format_args!(
        "inventing {} people (seed {}) in {}",
        args.people,
        args.seed,
        folder.path().display()
    ));
    let mut stages = Stages::start();
    let made = invent(&args, &folder, render, &mut stages).await?;

    let app = App::start(&folder.settled).await?;
    let watched = app.shutdown().watch_signals();
    watched.map_err(|error| CommandError::failed(error, ""))?;
    let outcome = tokio::select! {
        outcome = Box::pin(work(&app, &folder, &made, render, &mut stages)) => outcome,
        () = app.shutdown().started() => Err(CommandError::failed("interrupted", "")),
    };
    let bound = match outcome {
        Ok(served) => served,
        Err(error) => {
            app.stop(None, "the demo failed").await;
            return Err(error);
        }
    };

    let progress = render.progress("comparing with the truth", "records", 0);
    let compared = compare(app.services.storage.as_ref(), &made.truth).await?;
    progress.finish("done");
    stages.done(COMPARE);
    let report = Report::of(&args, &folder, &made, &compared, &stages)
        .with_times(cpu_from_databases_to_answers(&stages), started.elapsed())
        .with_commands(&folder, &bound, compared.example.as_ref())?;
    render.result(&report, || report.to_text());
    if args.once {
        app.stop(Some(bound), "the demo is over").await;
        return Ok(ExitCode::SUCCESS);
    }
    render.note("serving; end with Ctrl-C");
    app.run_until_drained(bound).await;
    Ok(ExitCode::SUCCESS)
}

async fn invent(
    args: &DemoArgs,
    folder: &Folder,
    render: &Render,
    stages: &mut Stages,
) -> Result<Made, CommandError> {
    let targets = Targets {
        postgres: args.postgres.clone(),
        mysql: args.mysql.clone(),
    };
    let progress = render.progress("making the agencies' databases", "databases", 0);
    let agencies = folder.agencies();
    let made = rabt_connector_synthetic::make(args.people, args.seed, &agencies, &targets).await;
    let made = made.map_err(|error| {
        let help = "see that the folder can be written and has room, and that --postgres and \
                    --mysql name databases that may be written";
        CommandError::failed(error, help)
    })?;
    let outcome = format!("{} databases, {} rows", made.databases, made.records);
    progress.finish(&outcome);
    stages.done(MAKE);
    Ok(made)
}

/// From databases to answers: everything that `cpu_seconds` counts.
async fn work(
    app: &App,
    folder: &Folder,
    made: &Made,
    render: &Render,
    stages: &mut Stages,
) -> Result<Bound, CommandError> {
    let services = &app.services;
    let progress = render.progress("registering the sources", "sources", 0);
    let sources = register(services, folder, made).await?;
    progress.finish(&format!("{sources} sources"));
    stages.done("register");

    let progress = render.progress("reading", "records", made.records);
    let readers = std::thread::available_parallelism().map_or(2, usize::from);
    let mut reading = Box::pin(ingest_all(services, readers));
    let mut shown = 0;
    let ended = loop {
        tokio::select! {
            ended = &mut reading => break ended,
            () = tokio::time::sleep(ASK_AGAIN) => {
                let held = count_records(services).await?;
                progress.advance(held.saturating_sub(shown));
                shown = held;
            }
        }
    };
    let faults: Vec<Fault> = ended.iter().filter_map(fault_of).collect();
    if !faults.is_empty() {
        return Err(CommandError::many(Exit::Failed, faults));
    }
    let outcome = format!("{} records", count_records(services).await?);
    progress.finish(&outcome);
    stages.done("read");

    let progress = render.progress("linking", "records", 0);
    let linked = link(services)
        .await
        .map_err(|error| CommandError::failed(error, "see `rabt doctor`"))?;
    let outcome = format!(
        "{} pairs compared, {} citizens",
        linked.candidate_pairs,
        services.citizens()
    );
    progress.finish(&outcome);
    stages.done("link");

    let bound = app.listen(&folder.settled).await?;
    stages.done("serve");
    Ok(bound)
}

/// Adds up the stages that stand between the databases and the first answer.
fn cpu_from_databases_to_answers(stages: &Stages) -> f64 {
    let counted = stages.list().iter();
    let counted = counted.filter(|stage| ![MAKE, COMPARE].contains(&stage.name));
    counted.map(|stage| stage.cpu_seconds).sum()
}

/// Registers every agency, and approves each as a second person. Those that an earlier demo registered here stay as they are.
async fn register(
    services: &Arc<Services>,
    folder: &Folder,
    made: &Made,
) -> Result<usize, CommandError> {
    let caller = node_caller()?;
    // Nobody else is there; the audit log says that the demo stood in for the second person.
    let second = Caller {
        system: "demo".to_owned(),
        role: Role::Approver,
        ..caller.clone()
    };
    let mut sources = 0;
    for agency in agencies() {
        let other = made
            .manifests
            .iter()
            .find(|(id, _)| id.as_str() == agency.id);
        let shipped = agency.file("manifest.toml").unwrap_or_default();
        let new = operate::NewSource {
            manifest: other.map_or(shipped, |(_, text)| text.as_str()).to_owned(),
            mapping: agency.file("mapping.toml").unwrap_or_default().to_owned(),
            base: folder.agencies(),
        };
        let registered = operate::create_source(services, &caller, new).await;
        let registered = registered.map_err(|error| {
            let is_other = matches!(error, OperateError::Exists { .. });
            let help = if is_other {
                "choose an empty --dir and storage; these hold another demo"
            } else {
                ""
            };
            CommandError::failed(format!("agency {}: {error}", agency.id), help)
        })?;
        sources += registered.len();
        let open = registered.first().and_then(|source| {
            let open = source.open.as_ref()?;
            Some((source.id.clone(), open.version))
        });
        if let Some((source, version)) = open {
            let approved = operate::approve_source(services, &second, &source, version).await;
            approved.map_err(|error| {
                CommandError::failed(format!("agency {}: {error}", agency.id), "")
            })?;
        }
    }
    Ok(sources)
}

async fn count_records(services: &Services) -> Result<u64, CommandError> {
    let failed = |error| CommandError::failed(error, "see `rabt doctor`");
    let mut snapshot = services.storage.snapshot().await.map_err(failed)?;
    snapshot.count_records().await.map_err(failed)
}

fn fault_of<T>(
    (_, ended): &(rabt_model::SourceId, Result<T, rabt_service::IngestError>),
) -> Option<Fault> {
    let error = ended.as_ref().err()?;
    Some(Fault {
        message: error.to_string(),
        help: "run the demo again with the same --dir; it goes on from there".to_owned(),
    })
}
