//! Reading, resting, reading anew, and the end of a source.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use rabt_proto::connector as pb;
use tonic::Code;

use super::view::{RunView, SourceView, Sources, Started, Status};
use super::{Client, One, PAGE, USUAL_IDENTITY, answer, connect, get, name_of};
use crate::client::Connection;
use crate::error::CommandError;
use crate::render::Render;

/// How often `--wait` asks whether the run has ended.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// A source to read.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Source id.
    id: String,
    /// Wait until the run has ended; fails when the run fails.
    #[arg(long, alias = "once")]
    wait: bool,
    #[command(flatten)]
    connection: Connection,
}

/// A source to read from its start.
#[derive(Debug, Args)]
pub(crate) struct RewindArgs {
    /// Source id.
    id: String,
    /// This stream alone.
    #[arg(long)]
    stream: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// A source to end.
#[derive(Debug, Args)]
pub(crate) struct RetireArgs {
    /// Source id.
    id: String,
    /// Take its records out too; the citizens are composed without them.
    #[arg(long)]
    forget: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Lists the sources.
pub(super) async fn list(
    connection: &Connection,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let mut client = connect(connection, USUAL_IDENTITY).await?;
    let sources = Sources::of(&all_sources(&mut client).await?);
    render.result(&sources, || sources.to_text());
    Ok(ExitCode::SUCCESS)
}

/// Reads a source.
pub(super) async fn start(args: &StartArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let name = name_of(&args.id);
    let started = client.start_source(pb::StartSourceRequest { name }).await;
    // One that is read by its schedule at this moment is waited for, if that is what is wanted.
    if args.wait
        && started
            .as_ref()
            .is_err_and(|s| s.code() == Code::FailedPrecondition)
    {
        let mut runs = runs(&mut client, &args.id, 1).await?.into_iter();
        if let Some(run) = runs.find(|run| run.state() == pb::RunState::Running) {
            render.note("it is being read already");
            return finish(&mut client, args, run, render).await;
        }
    }
    let run = answer(started)?.run.unwrap_or_default();
    finish(&mut client, args, run, render).await
}

/// Reads the streams anew that have rows in quarantine.
pub(super) async fn replay(args: &StartArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let name = name_of(&args.id);
    let started = answer(client.replay_source(pb::ReplaySourceRequest { name }).await)?;
    finish(&mut client, args, started.run.unwrap_or_default(), render).await
}

async fn finish(
    client: &mut Client,
    args: &StartArgs,
    mut run: pb::Run,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    while args.wait && run.state() == pb::RunState::Running {
        tokio::time::sleep(ASK_AGAIN).await;
        let runs = runs(client, &args.id, PAGE).await?;
        if let Some(now) = runs.into_iter().find(|other| other.name == run.name) {
            run = now;
        }
    }
    let unfinished = match run.state() {
        pb::RunState::Failed => {
            let help =
                "correct what it names and start the source again; it goes on from where it was";
            Some((run.failure.clone().unwrap_or_default().summary, help))
        }
        pb::RunState::Cancelled | pb::RunState::Interrupted => {
            let help = "start the source again; it goes on from where it was";
            Some(("was stopped before all was read".to_owned(), help))
        }
        pb::RunState::Unspecified | pb::RunState::Running | pb::RunState::Succeeded => None,
    };
    if let Some((why, help)) = unfinished {
        let what = format!("source {}: {why}", args.id);
        return Err(CommandError::failed(what, help));
    }
    let started = Started {
        run: RunView::of(&run),
    };
    render.result(&started, || started.to_text());
    Ok(ExitCode::SUCCESS)
}

/// Lets a source rest.
pub(super) async fn pause(args: &One, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let name = name_of(&args.id);
    let answered = answer(client.pause_source(pb::PauseSourceRequest { name }).await)?;
    Ok(show(answered.source.as_ref(), render))
}

/// Lets a source be read again.
pub(super) async fn resume(args: &One, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let name = name_of(&args.id);
    let answered = answer(client.resume_source(pb::ResumeSourceRequest { name }).await)?;
    Ok(show(answered.source.as_ref(), render))
}

/// Lets a source be read from its start.
pub(super) async fn rewind(args: &RewindArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::RewindSourceRequest {
        name: name_of(&args.id),
        stream: args.stream.clone().unwrap_or_default(),
    };
    let answered = answer(client.rewind_source(request).await)?;
    Ok(show(answered.source.as_ref(), render))
}

/// Ends a source.
pub(super) async fn retire(args: &RetireArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::RetireSourceRequest {
        name: name_of(&args.id),
        forget: args.forget,
    };
    let answered = answer(client.retire_source(request).await)?;
    Ok(show(answered.source.as_ref(), render))
}

/// Shows runs.
pub(super) async fn status(
    id: Option<&str>,
    connection: &Connection,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let mut client = connect(connection, USUAL_IDENTITY).await?;
    let (sources, most) = match id {
        Some(id) => (vec![get(&mut client, id).await?], 20),
        None => (all_sources(&mut client).await?, 1),
    };
    let mut status = Status::default();
    for source in &sources {
        let source = SourceView::of(source);
        let runs = runs(&mut client, &source.source, most).await?;
        status.put(source, &runs);
    }
    render.result(&status, || status.to_text());
    Ok(ExitCode::SUCCESS)
}

fn show(source: Option<&pb::Source>, render: &Render) -> ExitCode {
    let sources = Sources::of(source.map(std::slice::from_ref).unwrap_or_default());
    render.result(&sources, || sources.to_text());
    ExitCode::SUCCESS
}

async fn all_sources(client: &mut Client) -> Result<Vec<pb::Source>, CommandError> {
    let mut sources = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListSourcesRequest {
            page_size: PAGE,
            page_token,
        };
        let page = answer(client.list_sources(request).await)?;
        sources.extend(page.sources);
        if page.next_page_token.is_empty() {
            return Ok(sources);
        }
        page_token = page.next_page_token;
    }
}

async fn runs(client: &mut Client, id: &str, most: i32) -> Result<Vec<pb::Run>, CommandError> {
    let request = pb::ListRunsRequest {
        parent: name_of(id),
        page_size: most,
        page_token: String::new(),
    };
    Ok(answer(client.list_runs(request).await)?.runs)
}
