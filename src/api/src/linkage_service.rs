//! `rabt.linkage.v1.LinkageService`: each method translates in, calls one use case, translates out.
//! Which role may call what, and when a second person is needed, is the use case's rule, not ours.

mod request;

use std::sync::Arc;

use rabt_model::Pii;
use rabt_policy::Caller;
use rabt_proto::linkage::linkage_service_server::LinkageService;
use rabt_proto::linkage::{
    ClaimReviewTaskRequest, ClaimReviewTaskResponse, ConfirmDecisionRequest,
    ConfirmDecisionResponse, Decision, ExplainPairRequest, ExplainPairResponse, GetDecisionRequest,
    GetDecisionResponse, GetReviewTaskRequest, GetReviewTaskResponse, ListDecisionsRequest,
    ListDecisionsResponse, ListReviewTasksRequest, ListReviewTasksResponse, MergeCitizensRequest,
    MergeCitizensResponse, PreviewMergeRequest, PreviewMergeResponse, PreviewSplitRequest,
    PreviewSplitResponse, ProtectCitizenRequest, ProtectCitizenResponse, ReleaseReviewTaskRequest,
    ReleaseReviewTaskResponse, ResolveReviewTaskRequest, ResolveReviewTaskResponse,
    ShadowModelRequest, ShadowModelResponse, SplitCitizenRequest, SplitCitizenResponse,
    UndoDecisionRequest, UndoDecisionResponse, WithdrawDecisionRequest, WithdrawDecisionResponse,
};
use rabt_service::{ReviewError, Services, review, shadow_model};
use tonic::{Request, Response, Status};

use self::request::{
    citizen, decision_before, decision_number, decision_place, filter, judgement, record, records,
    task_number, task_place, tasks_after,
};
use crate::authn::calling;
use crate::convert;
use crate::page::{Pages, Sizes};
use crate::status::of_error;

const PAGE: Sizes = Sizes {
    usual: 50,
    most: 250,
};

/// Most decisions of one citizen that a list can reach back to.
const DECISIONS: u32 = 500;

/// Serves clerks and those who look after them.
pub(crate) struct Reviews {
    services: Arc<Services>,
    pages: Pages,
}

impl Reviews {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self {
            services,
            pages: Pages::default(),
        }
    }

    async fn all_decisions(
        &self,
        caller: &Caller,
        asked: (i32, &str),
    ) -> Result<ListDecisionsResponse, Status> {
        let page = self.pages.open_at(caller, &"ListDecisions", asked, PAGE)?;
        let before = page.after.map(decision_before);
        let views = review::list_decisions(&self.services, caller, before, page.wanted()).await;
        let (views, last) = page.cut(views.map_err(refuse)?, decision_place);
        Ok(ListDecisionsResponse {
            decisions: views.iter().map(glance).collect(),
            next_page_token: self.pages.token_at(caller, &"ListDecisions", last),
        })
    }

    async fn decisions_of(
        &self,
        caller: &Caller,
        name: &str,
        asked: (i32, &str),
    ) -> Result<ListDecisionsResponse, Status> {
        let key = ("ListDecisions", name);
        let page = self.pages.open(caller, &key, asked, PAGE)?;
        let citizen = citizen("citizen", name)?;
        let views = review::list_decisions_of(&self.services, caller, citizen, DECISIONS).await;
        let (views, next) = page.cut(views.map_err(refuse)?.into_inner());
        Ok(ListDecisionsResponse {
            decisions: views
                .iter()
                .map(|view| convert::decision(view, true))
                .collect(),
            next_page_token: self.pages.token(caller, &key, next),
        })
    }
}

#[tonic::async_trait]
impl LinkageService for Reviews {
    async fn list_review_tasks(
        &self,
        request: Request<ListReviewTasksRequest>,
    ) -> Result<Response<ListReviewTasksResponse>, Status> {
        let (caller, message) = calling(request)?;
        let question = (message.kind, message.only_free, message.mine);
        let key = ("ListReviewTasks", question);
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open_at(&caller, &key, asked, PAGE)?;
        let filter = filter(&caller, &message, self.services.clock.now())?;
        let after = page.after.map(tasks_after);
        let wanted = page.wanted();
        let views = review::list_tasks(&self.services, &caller, &filter, after, wanted).await;
        let (views, last) = page.cut(views.map_err(refuse)?, task_place);
        Ok(Response::new(ListReviewTasksResponse {
            tasks: views.iter().map(convert::task).collect(),
            next_page_token: self.pages.token_at(&caller, &key, last),
        }))
    }

    async fn get_review_task(
        &self,
        request: Request<GetReviewTaskRequest>,
    ) -> Result<Response<GetReviewTaskResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = task_number(&message.name)?;
        let detail = review::get_task(&self.services, &caller, number).await;
        Ok(Response::new(convert::detail(&detail.map_err(refuse)?)))
    }

    async fn claim_review_task(
        &self,
        request: Request<ClaimReviewTaskRequest>,
    ) -> Result<Response<ClaimReviewTaskResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = task_number(&message.name)?;
        let view = review::claim_task(&self.services, &caller, number).await;
        let task = Some(convert::task(&*view.map_err(refuse)?));
        Ok(Response::new(ClaimReviewTaskResponse { task }))
    }

    async fn release_review_task(
        &self,
        request: Request<ReleaseReviewTaskRequest>,
    ) -> Result<Response<ReleaseReviewTaskResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = task_number(&message.name)?;
        let view = review::release_task(&self.services, &caller, number).await;
        let task = Some(convert::task(&*view.map_err(refuse)?));
        Ok(Response::new(ReleaseReviewTaskResponse { task }))
    }

    async fn resolve_review_task(
        &self,
        request: Request<ResolveReviewTaskRequest>,
    ) -> Result<Response<ResolveReviewTaskResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = task_number(&message.name)?;
        let judgement = judgement(message.judgement())?;
        let why = Pii::new(message.reason);
        let led = review::resolve_task(&self.services, &caller, number, judgement, &why).await;
        let outcome = Some(convert::outcome(&led.map_err(refuse)?));
        Ok(Response::new(ResolveReviewTaskResponse { outcome }))
    }

    async fn list_decisions(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let asked = (message.page_size, message.page_token.as_str());
        let page = match message.citizen.as_str() {
            "" => self.all_decisions(&caller, asked).await?,
            name => self.decisions_of(&caller, name, asked).await?,
        };
        Ok(Response::new(page))
    }

    async fn get_decision(
        &self,
        request: Request<GetDecisionRequest>,
    ) -> Result<Response<GetDecisionResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = decision_number(&message.name)?;
        let view = review::get_decision(&self.services, &caller, number).await;
        let view = view.map_err(refuse)?;
        let decision = Some(convert::decision(&view, true));
        Ok(Response::new(GetDecisionResponse { decision }))
    }

    async fn preview_merge(
        &self,
        request: Request<PreviewMergeRequest>,
    ) -> Result<Response<PreviewMergeResponse>, Status> {
        let (caller, message) = calling(request)?;
        let one = citizen("citizen", &message.citizen)?;
        let other = citizen("other_citizen", &message.other_citizen)?;
        let seen = review::preview_merge(&self.services, &caller, (one, other)).await;
        let preview = Some(convert::preview(&seen.map_err(refuse)?));
        Ok(Response::new(PreviewMergeResponse { preview }))
    }

    async fn merge_citizens(
        &self,
        request: Request<MergeCitizensRequest>,
    ) -> Result<Response<MergeCitizensResponse>, Status> {
        let (caller, message) = calling(request)?;
        let one = citizen("citizen", &message.citizen)?;
        let other = citizen("other_citizen", &message.other_citizen)?;
        let why = Pii::new(message.reason);
        let led = review::merge_citizens(&self.services, &caller, (one, other), &why).await;
        let outcome = Some(convert::outcome(&led.map_err(refuse)?));
        Ok(Response::new(MergeCitizensResponse { outcome }))
    }

    async fn preview_split(
        &self,
        request: Request<PreviewSplitRequest>,
    ) -> Result<Response<PreviewSplitResponse>, Status> {
        let (caller, message) = calling(request)?;
        let citizen = citizen("citizen", &message.citizen)?;
        let records = records(&message.records)?;
        let seen = review::preview_split(&self.services, &caller, citizen, &records).await;
        let preview = Some(convert::preview(&seen.map_err(refuse)?));
        Ok(Response::new(PreviewSplitResponse { preview }))
    }

    async fn split_citizen(
        &self,
        request: Request<SplitCitizenRequest>,
    ) -> Result<Response<SplitCitizenResponse>, Status> {
        let (caller, message) = calling(request)?;
        let citizen = citizen("citizen", &message.citizen)?;
        let records = records(&message.records)?;
        let why = Pii::new(message.reason);
        let led = review::split_citizen(&self.services, &caller, citizen, &records, &why).await;
        let outcome = Some(convert::outcome(&led.map_err(refuse)?));
        Ok(Response::new(SplitCitizenResponse { outcome }))
    }

    async fn confirm_decision(
        &self,
        request: Request<ConfirmDecisionRequest>,
    ) -> Result<Response<ConfirmDecisionResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = decision_number(&message.name)?;
        let why = Pii::new(message.reason);
        let led = review::confirm_decision(&self.services, &caller, number, &why).await;
        let outcome = Some(convert::outcome(&led.map_err(refuse)?));
        Ok(Response::new(ConfirmDecisionResponse { outcome }))
    }

    async fn withdraw_decision(
        &self,
        request: Request<WithdrawDecisionRequest>,
    ) -> Result<Response<WithdrawDecisionResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = decision_number(&message.name)?;
        let why = Pii::new(message.reason);
        let led = review::withdraw_decision(&self.services, &caller, number, &why).await;
        let outcome = Some(convert::outcome(&led.map_err(refuse)?));
        Ok(Response::new(WithdrawDecisionResponse { outcome }))
    }

    async fn undo_decision(
        &self,
        request: Request<UndoDecisionRequest>,
    ) -> Result<Response<UndoDecisionResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = decision_number(&message.name)?;
        let why = Pii::new(message.reason);
        let led = review::undo_decision(&self.services, &caller, number, &why).await;
        let outcome = Some(convert::outcome(&led.map_err(refuse)?));
        Ok(Response::new(UndoDecisionResponse { outcome }))
    }

    async fn protect_citizen(
        &self,
        request: Request<ProtectCitizenRequest>,
    ) -> Result<Response<ProtectCitizenResponse>, Status> {
        let (caller, message) = calling(request)?;
        let citizen = citizen("citizen", &message.citizen)?;
        let protected = message.protected;
        let done = review::protect_citizen(&self.services, &caller, citizen, protected).await;
        done.map_err(refuse)?;
        Ok(Response::new(ProtectCitizenResponse {}))
    }

    async fn explain_pair(
        &self,
        request: Request<ExplainPairRequest>,
    ) -> Result<Response<ExplainPairResponse>, Status> {
        let (caller, message) = calling(request)?;
        let left = record("left_record", &message.left_record)?;
        let right = record("right_record", &message.right_record)?;
        let explained = review::explain_pair(&self.services, &caller, left, right).await;
        let explanation = Some(convert::explanation_of(&*explained.map_err(refuse)?));
        Ok(Response::new(ExplainPairResponse { explanation }))
    }

    async fn shadow_model(
        &self,
        request: Request<ShadowModelRequest>,
    ) -> Result<Response<ShadowModelResponse>, Status> {
        let (caller, message) = calling(request)?;
        let shadow = shadow_model(&self.services, &caller, &message.model).await;
        let shadow = shadow.map_err(|error| of_error(error.class(), &error))?;
        Ok(Response::new(convert::shadow(&shadow)))
    }
}

/// Returns a decision of the list of all, which no audit entry about its citizens goes with.
fn glance(view: &review::DecisionView) -> Decision {
    convert::decision(view, false)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants; the error ends here"
)]
fn refuse(error: ReviewError) -> Status {
    of_error(error.class(), &error)
}
