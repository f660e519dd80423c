//! `rabt change`: follow what happens to citizens, through a running server.

mod view;

use std::process::ExitCode;

use clap::Subcommand;
use rabt_model::ChangeKind;
use rabt_proto::change as pb;
use rabt_proto::change::change_service_client::ChangeServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use self::view::Told;
pub(crate) use self::view::kind_of;
use super::block_on;
use super::citizen::{Asking, USUAL_IDENTITY, mask};
use crate::client::{Target, refusal};
use crate::error::CommandError;
use crate::render::Render;

/// Ways to read the feed.
#[derive(Debug, Subcommand)]
pub(crate) enum ChangeArgs {
    /// List what happened behind a place in the feed.
    List(ListArgs),
    /// Show what happened, and go on as it happens.
    Watch(WatchArgs),
}

/// Which part of the feed.
#[derive(Debug, clap::Args)]
struct Part {
    /// Token of an earlier answer; the beginning of the feed when absent.
    #[arg(long, value_name = "TOKEN")]
    resume: Option<String>,
    /// Kinds of change, such as `born,moved`; all of the agreement when absent.
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    kinds: Vec<String>,
    /// Attributes whose changes matter; the agreement's default set when absent.
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTES")]
    fields: Vec<String>,
    #[command(flatten)]
    asking: Asking,
}

/// `rabt change list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    part: Part,
    /// Largest number of changes, at most 500.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=500))]
    limit: i32,
}

/// `rabt change watch`
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    part: Part,
    /// End after this many changes; with --json they are one object.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Seconds between signs of life, at most 60.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60))]
    heartbeat: u32,
}

/// Runs `rabt change`.
pub(crate) fn run(args: ChangeArgs, render: &Render) -> Result<ExitCode, CommandError> {
    match args {
        ChangeArgs::List(args) => block_on(Box::pin(list(args, render))),
        ChangeArgs::Watch(args) => block_on(Box::pin(watch(args, render))),
    }
}

async fn list(args: ListArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let part = args.part;
    let target = part.asking.connection.target(USUAL_IDENTITY)?;
    let request = pb::ListChangesRequest {
        context: Some(part.asking.context(&target)),
        resume_token: part.resume.unwrap_or_default(),
        kinds: kinds(&part.kinds)?,
        read_mask: mask(part.fields),
        page_size: args.limit,
    };
    let response = connect(&target).await?.list_changes(request).await;
    let page = response.map_err(|status| refusal(&status))?.into_inner();
    let changes = Told::of(&page.changes, page.resume_token, page.end);
    render.result(&changes, || changes.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn watch(args: WatchArgs, render: &Render) -> Result<ExitCode, CommandError> {
    if render.is_json() && args.count.is_none() {
        let help = "say with --count how many changes the object holds";
        return Err(CommandError::usage(
            "a watch without end is not one object",
            help,
        ));
    }
    let part = args.part;
    let target = part.asking.connection.target(USUAL_IDENTITY)?;
    let resume = part.resume.unwrap_or_default();
    let request = pb::WatchChangesRequest {
        context: Some(part.asking.context(&target)),
        resume_token: resume.clone(),
        kinds: kinds(&part.kinds)?,
        read_mask: mask(part.fields),
        heartbeat_seconds: args.heartbeat,
    };
    let response = connect(&target).await?.watch_changes(request).await;
    let mut messages = response.map_err(|status| refusal(&status))?.into_inner();
    let mut followed = Followed {
        seen: Vec::new(),
        resume,
    };
    let wanted = args.count.unwrap_or(usize::MAX);
    let ended = tokio::select! {
        ended = followed.follow(async || messages.message().await, wanted, render) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    followed.tell(ended.is_err(), render);
    ended.map_err(|status| refusal(&status))?;
    Ok(ExitCode::SUCCESS)
}

/// What a watch was told, and where the next one goes on.
struct Followed {
    /// Kept for the one object that `--json` prints; empty otherwise.
    seen: Vec<pb::Change>,
    resume: String,
}

impl Followed {
    /// Takes messages until `wanted` changes came or the stream ends; what came before an error
    /// stays.
    async fn follow(
        &mut self,
        mut next: impl AsyncFnMut() -> Result<Option<pb::WatchChangesResponse>, Status>,
        wanted: usize,
        render: &Render,
    ) -> Result<(), Status> {
        let mut left = wanted;
        while left > 0 {
            let Some(message) = next().await? else {
                break;
            };
            self.resume = message.resume_token;
            left = left.saturating_sub(message.changes.len());
            if render.is_json() {
                self.seen.extend(message.changes);
            } else if !message.changes.is_empty() {
                let changes = Told::of(&message.changes, self.resume.clone(), false);
                render.result(&changes, || changes.to_lines());
            }
        }
        Ok(())
    }

    /// Says where to go on, also behind an error: nothing that was shown needs to be read again.
    fn tell(&self, failed: bool, render: &Render) {
        if render.is_json() {
            let changes = Told::of(&self.seen, self.resume.clone(), false);
            render.result(&changes, || changes.to_text());
        }
        if (failed || !render.is_json()) && !self.resume.is_empty() {
            render.note(format!("go on with --resume {}", self.resume));
        }
    }
}

async fn connect(target: &Target) -> Result<ChangeServiceClient<Channel>, CommandError> {
    Ok(ChangeServiceClient::new(target.connect().await?))
}

/// Returns the numbers of kinds that are named by their codes.
fn kinds(codes: &[String]) -> Result<Vec<i32>, CommandError> {
    let mut numbers = Vec::with_capacity(codes.len());
    for code in codes {
        let name = format!("CHANGE_KIND_{}", code.to_uppercase());
        let Some(kind) = pb::ChangeKind::from_str_name(&name) else {
            let known: Vec<&str> = ChangeKind::ALL.iter().map(|kind| kind.code()).collect();
            let message = format!("`{code}` is not a kind of change");
            return Err(CommandError::usage(message, known.join(", ")));
        };
        numbers.push(kind.into());
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use rabt_model::ChangeKind;
    use rabt_proto::change as pb;
    use tonic::{Code, Status};

    use super::{Followed, kinds};
    use crate::render::Render;

    #[test]
    fn every_kind_can_be_named() {
        for kind in ChangeKind::ALL {
            assert_eq!(kinds(&[kind.code().to_owned()]).unwrap().len(), 1);
        }
        assert!(kinds(&["moves".to_owned()]).is_err());
    }

    /// A watch that is told two changes in two messages, hears one sign of life, and breaks.
    async fn broken(json: bool) -> Followed {
        let message = |count: usize, resume: &str| pb::WatchChangesResponse {
            changes: vec![pb::Change::default(); count],
            resume_token: resume.to_owned(),
        };
        let mut messages = vec![
            Err(Status::unavailable("the node stops")),
            Ok(Some(message(0, "t3"))),
            Ok(Some(message(1, "t2"))),
            Ok(Some(message(1, "t1"))),
        ];
        let mut followed = Followed {
            seen: Vec::new(),
            resume: "t0".to_owned(),
        };
        let (render, printed) = Render::kept(json);
        let next = async || messages.pop().unwrap();
        let ended = followed.follow(next, usize::MAX, &render).await;
        assert_eq!(ended.unwrap_err().code(), Code::Unavailable);
        followed.tell(true, &render);
        let (out, err) = printed.texts();
        assert!(err.contains("go on with --resume t3"), "{err}");
        assert_eq!(out.contains("\"resume\": \"t3\""), json, "{out}");
        followed
    }

    #[tokio::test]
    async fn a_watch_that_breaks_says_where_to_go_on() {
        assert_eq!(broken(true).await.seen.len(), 2);
        assert!(broken(false).await.seen.is_empty());
    }
}
