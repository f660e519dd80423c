//! One call of the server for each command.

use rabt_proto::linkage as pb;
use rabt_proto::linkage::linkage_service_client::LinkageServiceClient;
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::evidence::Waterfall;
use super::outcome::{Foreseen, Outcome, Protected};
use super::side::Shown;
use super::view::{Decided, Decisions, OneTask, Tasks};
use super::{
    CitizenArgs, DecisionArgs, DecisionsArgs, Kind, ListArgs, MergeArgs, MergePair, PairArgs,
    Parting, ResolveArgs, SplitArgs, StepArgs, TaskArgs,
};
use crate::client::{Connection, help_for, refusal_with};
use crate::error::CommandError;
use crate::render::Render;

/// Who asks unless `--as` says otherwise.
const USUAL_IDENTITY: &str = "clerk";
/// Who confirms and protects unless `--as` says otherwise.
const APPROVER: &str = "approver";
/// Largest answer: a page of decisions about the largest citizens.
const LARGEST: usize = 64 << 20;

type Client = LinkageServiceClient<Channel>;

pub(super) async fn list(args: ListArgs, render: &Render) -> Result<(), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::ListReviewTasksRequest {
        kind: Kind::asked(args.kind).into(),
        only_free: args.free,
        mine: args.mine,
        page_size: args.limit,
        page_token: String::new(),
    };
    let tasks = Tasks::of(&taken(client.list_review_tasks(request).await)?);
    render.result(&tasks, || tasks.to_text());
    Ok(())
}

pub(super) async fn show(args: TaskArgs, render: &Render) -> Result<(), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let name = named("reviewTasks", &args.task);
    let request = pb::GetReviewTaskRequest { name };
    let shown = Shown::of(&taken(client.get_review_task(request).await)?);
    render.result(&shown, || shown.to_text());
    Ok(())
}

pub(super) async fn claim(args: TaskArgs, render: &Render) -> Result<(), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let name = named("reviewTasks", &args.task);
    let request = pb::ClaimReviewTaskRequest { name };
    let answer = taken(client.claim_review_task(request).await)?;
    let task = OneTask::of(&answer.task.unwrap_or_default());
    render.result(&task, || task.to_text());
    Ok(())
}

pub(super) async fn release(args: TaskArgs, render: &Render) -> Result<(), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let name = named("reviewTasks", &args.task);
    let request = pb::ReleaseReviewTaskRequest { name };
    let answer = taken(client.release_review_task(request).await)?;
    let task = OneTask::of(&answer.task.unwrap_or_default());
    render.result(&task, || task.to_text());
    Ok(())
}

pub(super) async fn resolve(args: ResolveArgs, render: &Render) -> Result<(), CommandError> {
    let request = pb::ResolveReviewTaskRequest {
        name: named("reviewTasks", &args.task),
        judgement: args.answer.judgement().into(),
        reason: args.why.read()?,
    };
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let answer = taken(client.resolve_review_task(request).await)?;
    told(answer.outcome, render);
    Ok(())
}

pub(super) async fn decisions(args: DecisionsArgs, render: &Render) -> Result<(), CommandError> {
    let citizen = args.citizen.map(|id| named("citizens", &id));
    let request = pb::ListDecisionsRequest {
        citizen: citizen.unwrap_or_default(),
        page_size: args.limit,
        page_token: String::new(),
    };
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let decisions = Decisions::of(&taken(client.list_decisions(request).await)?);
    render.result(&decisions, || decisions.to_text());
    Ok(())
}

pub(super) async fn decision(args: DecisionArgs, render: &Render) -> Result<(), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let name = named("decisions", &args.decision);
    let request = pb::GetDecisionRequest { name };
    let answer = taken(client.get_decision(request).await)?;
    let decision = Decided::of(&answer.decision.unwrap_or_default());
    render.result(&decision, || decision.to_text());
    Ok(())
}

pub(super) async fn preview_merge(args: MergePair, render: &Render) -> Result<(), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::PreviewMergeRequest {
        citizen: named("citizens", &args.citizen),
        other_citizen: named("citizens", &args.other),
    };
    let answer = taken(client.preview_merge(request).await)?;
    foreseen(answer.preview, render);
    Ok(())
}

pub(super) async fn merge(args: MergeArgs, render: &Render) -> Result<(), CommandError> {
    let request = pb::MergeCitizensRequest {
        citizen: named("citizens", &args.pair.citizen),
        other_citizen: named("citizens", &args.pair.other),
        reason: args.why.read()?,
    };
    let mut client = connect(&args.pair.connection, USUAL_IDENTITY).await?;
    let answer = taken(client.merge_citizens(request).await)?;
    told(answer.outcome, render);
    Ok(())
}

pub(super) async fn preview_split(args: Parting, render: &Render) -> Result<(), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::PreviewSplitRequest {
        citizen: named("citizens", &args.citizen),
        records: args.records,
    };
    let answer = taken(client.preview_split(request).await)?;
    foreseen(answer.preview, render);
    Ok(())
}

pub(super) async fn split(args: SplitArgs, render: &Render) -> Result<(), CommandError> {
    let request = pb::SplitCitizenRequest {
        citizen: named("citizens", &args.parting.citizen),
        records: args.parting.records,
        reason: args.why.read()?,
    };
    let mut client = connect(&args.parting.connection, USUAL_IDENTITY).await?;
    let answer = taken(client.split_citizen(request).await)?;
    told(answer.outcome, render);
    Ok(())
}

pub(super) async fn confirm(args: StepArgs, render: &Render) -> Result<(), CommandError> {
    let request = pb::ConfirmDecisionRequest {
        name: named("decisions", &args.decision),
        reason: args.why.read()?,
    };
    let mut client = connect(&args.connection, APPROVER).await?;
    let answer = taken(client.confirm_decision(request).await)?;
    told(answer.outcome, render);
    Ok(())
}

pub(super) async fn withdraw(args: StepArgs, render: &Render) -> Result<(), CommandError> {
    let request = pb::WithdrawDecisionRequest {
        name: named("decisions", &args.decision),
        reason: args.why.read()?,
    };
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let answer = taken(client.withdraw_decision(request).await)?;
    told(answer.outcome, render);
    Ok(())
}

pub(super) async fn undo(args: StepArgs, render: &Render) -> Result<(), CommandError> {
    let request = pb::UndoDecisionRequest {
        name: named("decisions", &args.decision),
        reason: args.why.read()?,
    };
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let answer = taken(client.undo_decision(request).await)?;
    told(answer.outcome, render);
    Ok(())
}

pub(super) async fn protect(
    args: CitizenArgs,
    protected: bool,
    render: &Render,
) -> Result<(), CommandError> {
    let mut client = connect(&args.connection, APPROVER).await?;
    let citizen = named("citizens", &args.citizen);
    let request = pb::ProtectCitizenRequest { citizen, protected };
    taken(client.protect_citizen(request).await)?;
    let marked = Protected::of(&args.citizen, protected);
    render.result(&marked, || marked.to_text());
    Ok(())
}

pub(super) async fn explain(args: PairArgs, render: &Render) -> Result<(), CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let request = pb::ExplainPairRequest {
        left_record: args.left,
        right_record: args.right,
    };
    let answer = taken(client.explain_pair(request).await)?;
    let waterfall = Waterfall::of(&answer.explanation.unwrap_or_default());
    render.result(&waterfall, || waterfall.to_text());
    Ok(())
}

async fn connect(connection: &Connection, usual: &str) -> Result<Client, CommandError> {
    let target = connection.target(usual)?;
    let client = LinkageServiceClient::new(target.connect().await?);
    Ok(client.max_decoding_message_size(LARGEST))
}

fn taken<T>(answer: Result<Response<T>, Status>) -> Result<T, CommandError> {
    let answer = answer.map_err(|status| refusal_with(&status, remedy))?;
    Ok(answer.into_inner())
}

fn told(outcome: Option<pb::DecisionOutcome>, render: &Render) {
    let outcome = Outcome::of(&outcome.unwrap_or_default());
    render.result(&outcome, || outcome.to_text());
}

fn foreseen(preview: Option<pb::Preview>, render: &Render) {
    let foreseen = Foreseen::of(&preview.unwrap_or_default());
    render.result(&foreseen, || foreseen.to_text());
}

/// Returns what to do about a refusal; a message of state or contradiction says it itself.
fn remedy(reason: &str) -> &'static str {
    match reason {
        "NOT_PERMITTED" => {
            "clerks and approvers see people and decide, approvers protect, auditors and operators \
             list; check --as"
        }
        "NOT_FOUND" => "`rabt review list` and `rabt review decisions` show what there is",
        "CONFIGURATION" => "",
        "SECOND_PERSON_REQUIRED" => {
            "let somebody else run `rabt review confirm`; of a merge or split an approver"
        }
        "ETAG_MISMATCH" => "see where it stands with `rabt review decision`",
        other => help_for(other),
    }
}

/// Returns a resource name; the bare number or id and the whole name are both taken.
fn named(collection: &str, text: &str) -> String {
    let id = text.strip_prefix(collection);
    let id = id.and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
    format!("{collection}/{id}")
}

#[cfg(test)]
mod tests {
    use super::{named, remedy};

    #[test]
    fn numbers_and_whole_names_are_taken() {
        assert_eq!(named("decisions", "12"), "decisions/12");
        assert_eq!(named("decisions", "decisions/12"), "decisions/12");
    }

    #[test]
    fn remedies_speak_of_people_not_of_manifests() {
        assert!(remedy("NOT_PERMITTED").contains("--as"));
        assert_eq!(remedy("CONFIGURATION"), "");
        assert_eq!(remedy("OVERLOADED"), "try again in a moment");
    }
}
