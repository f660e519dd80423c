//! `rabt review`: what the evidence leaves open, answered by people, through a running server.

mod call;
mod evidence;
mod outcome;
mod side;
#[cfg(test)]
mod tests;
mod view;
mod word;

use std::io::Read;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use rabt_proto::linkage as pb;

use super::block_on;
use crate::client::Connection;
use crate::error::CommandError;
use crate::render::Render;

/// Who must agree, for the help of every command that decides.
const FOUR_EYES: &str = "\
Two people: an answer about a protected citizen, and a merge or split that a clerk asks for, is only
proposed. It takes effect when another person confirms it with `rabt review confirm`, of a merge or
split an approver; undoing it takes two people as well. Somebody with two roles is one person.";

/// What to do with questions and decisions.
#[derive(Debug, Subcommand)]
pub(crate) enum ReviewArgs {
    /// List what is asked, those questions first whose answer settles most.
    List(ListArgs),
    /// Show a task: both people side by side, and what speaks for and against their being one.
    Show(TaskArgs),
    /// Take a task for 15 minutes, or keep it for as long again.
    Claim(TaskArgs),
    /// Give a task back.
    Release(TaskArgs),
    /// Answer a task.
    #[command(after_help = FOUR_EYES)]
    Resolve(ResolveArgs),
    /// List decisions, in force or not, the last one first.
    Decisions(DecisionsArgs),
    /// Show a decision with its life so far.
    Decision(DecisionArgs),
    /// Show what a merge would lead to; nothing is changed.
    PreviewMerge(MergePair),
    /// Merge two citizens, whatever the evidence says.
    #[command(after_help = FOUR_EYES)]
    Merge(MergeArgs),
    /// Show what a split would lead to; nothing is changed.
    PreviewSplit(Parting),
    /// Split records off a citizen, whatever the evidence says.
    #[command(after_help = FOUR_EYES)]
    Split(SplitArgs),
    /// Confirm, as the second person, what waits for one; asks as `approver` unless --as says otherwise.
    #[command(after_help = FOUR_EYES)]
    Confirm(StepArgs),
    /// Take back, or refuse as the second person, what waits for one.
    #[command(after_help = FOUR_EYES)]
    Withdraw(StepArgs),
    /// Undo a decision with all its consequences; who was merged by it returns under the old id.
    #[command(after_help = FOUR_EYES)]
    Undo(StepArgs),
    /// Protect a citizen: answers about them take two people. For approvers.
    #[command(after_help = FOUR_EYES)]
    Protect(CitizenArgs),
    /// Protect a citizen no longer. For approvers.
    #[command(after_help = FOUR_EYES)]
    Unprotect(CitizenArgs),
    /// Show what speaks for and against two records being one person, linked or not.
    Explain(PairArgs),
}

/// `rabt review list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only questions of this kind.
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<Kind>,
    /// Only those that nobody has claimed now.
    #[arg(long)]
    free: bool,
    /// Only those that you claimed last.
    #[arg(long)]
    mine: bool,
    /// Largest number of tasks, at most 250.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=250))]
    limit: i32,
    #[command(flatten)]
    connection: Connection,
}

/// Why something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The evidence is between the two thresholds.
    Band,
    /// The evidence is strong, for more than one citizen who cannot be one.
    Ambiguous,
    /// The evidence is strong, and something keeps the two apart.
    Conflict,
}

/// Which task.
#[derive(Debug, clap::Args)]
pub(crate) struct TaskArgs {
    /// Number of the task.
    task: String,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt review resolve`
#[derive(Debug, clap::Args)]
pub(crate) struct ResolveArgs {
    /// Number of the task.
    task: String,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    connection: Connection,
}

/// The answer to a task.
#[derive(Debug, Clone, Copy, clap::Args)]
#[group(required = true, multiple = false)]
struct Answer {
    /// The two citizens are one person: all records of both are joined.
    #[arg(long)]
    same: bool,
    /// They are two people: their records are kept apart.
    #[arg(long)]
    different: bool,
    /// Nobody can tell: nothing is joined or kept apart, and nobody is asked again.
    #[arg(long)]
    ignore: bool,
}

/// Why something is decided.
#[derive(Debug, clap::Args)]
struct Why {
    /// Why, in your own words; `-` reads it from standard input, where other users of this machine
    /// do not see it.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// `rabt review decisions`
#[derive(Debug, clap::Args)]
pub(crate) struct DecisionsArgs {
    /// Only decisions that name a record of this citizen: how they came to be who they are.
    #[arg(long, value_name = "ID")]
    citizen: Option<String>,
    /// Largest number of decisions, at most 250.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=250))]
    limit: i32,
    #[command(flatten)]
    connection: Connection,
}

/// Which decision.
#[derive(Debug, clap::Args)]
pub(crate) struct DecisionArgs {
    /// Number of the decision.
    decision: String,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt review preview-merge`
#[derive(Debug, clap::Args)]
pub(crate) struct MergePair {
    /// Id of one citizen.
    citizen: String,
    /// Id of the other one.
    other: String,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt review merge`
#[derive(Debug, clap::Args)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    pair: MergePair,
    #[command(flatten)]
    why: Why,
}

/// `rabt review preview-split`
#[derive(Debug, clap::Args)]
pub(crate) struct Parting {
    /// Id of the citizen.
    citizen: String,
    /// Numbers of the records that are another person than the citizen's others.
    #[arg(long, value_delimiter = ',', required = true, value_name = "NUMBERS")]
    records: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt review split`
#[derive(Debug, clap::Args)]
pub(crate) struct SplitArgs {
    #[command(flatten)]
    parting: Parting,
    #[command(flatten)]
    why: Why,
}

/// A step of a decision.
#[derive(Debug, clap::Args)]
pub(crate) struct StepArgs {
    /// Number of the decision.
    decision: String,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    connection: Connection,
}

/// Which citizen.
#[derive(Debug, clap::Args)]
pub(crate) struct CitizenArgs {
    /// Id of the citizen.
    citizen: String,
    #[command(flatten)]
    connection: Connection,
}

/// `rabt review explain`
#[derive(Debug, clap::Args)]
pub(crate) struct PairArgs {
    /// Number of one record.
    left: String,
    /// Number of the other one.
    right: String,
    #[command(flatten)]
    connection: Connection,
}

/// Runs `rabt review`.
pub(crate) fn run(args: ReviewArgs, render: &Render) -> Result<ExitCode, CommandError> {
    block_on(Box::pin(dispatch(args, render)))?;
    Ok(ExitCode::SUCCESS)
}

async fn dispatch(args: ReviewArgs, render: &Render) -> Result<(), CommandError> {
    match args {
        ReviewArgs::List(args) => call::list(args, render).await,
        ReviewArgs::Show(args) => call::show(args, render).await,
        ReviewArgs::Claim(args) => call::claim(args, render).await,
        ReviewArgs::Release(args) => call::release(args, render).await,
        ReviewArgs::Resolve(args) => call::resolve(args, render).await,
        ReviewArgs::Decisions(args) => call::decisions(args, render).await,
        ReviewArgs::Decision(args) => call::decision(args, render).await,
        ReviewArgs::PreviewMerge(args) => call::preview_merge(args, render).await,
        ReviewArgs::Merge(args) => call::merge(args, render).await,
        ReviewArgs::PreviewSplit(args) => call::preview_split(args, render).await,
        ReviewArgs::Split(args) => call::split(args, render).await,
        ReviewArgs::Confirm(args) => call::confirm(args, render).await,
        ReviewArgs::Withdraw(args) => call::withdraw(args, render).await,
        ReviewArgs::Undo(args) => call::undo(args, render).await,
        ReviewArgs::Protect(args) => call::protect(args, true, render).await,
        ReviewArgs::Unprotect(args) => call::protect(args, false, render).await,
        ReviewArgs::Explain(args) => call::explain(args, render).await,
    }
}

impl Why {
    /// Returns the reason, from the argument or from standard input.
    fn read(self) -> Result<String, CommandError> {
        if self.reason != "-" {
            return Ok(self.reason);
        }
        let mut text = String::new();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        read.map_err(|error| CommandError::failed(format!("standard input: {error}"), ""))?;
        Ok(text.trim().to_owned())
    }
}

impl Answer {
    const fn judgement(self) -> pb::Judgement {
        match self {
            Self { same: true, .. } => pb::Judgement::Same,
            Self {
                different: true, ..
            } => pb::Judgement::Different,
            Self { .. } => pb::Judgement::Ignore,
        }
    }
}

impl Kind {
    const fn asked(kind: Option<Self>) -> pb::ReviewKind {
        match kind {
            None => pb::ReviewKind::Unspecified,
            Some(Self::Band) => pb::ReviewKind::Band,
            Some(Self::Ambiguous) => pb::ReviewKind::Ambiguous,
            Some(Self::Conflict) => pb::ReviewKind::Conflict,
        }
    }
}
