//! `rabt.agreement.v1.AgreementService`: each method translates in, calls one use case, translates out.
//! Which role may call what, and when a second person is needed, is the use case's rule, not ours.

use std::sync::Arc;

use rabt_model::{AgreementId, Timestamp};
use rabt_policy::{Caller, Method, Role};
use rabt_proto::agreement as pb;
use rabt_proto::agreement::agreement_service_server::AgreementService;
use rabt_service::agreement::{self, AgreementView, Question};
use rabt_service::{AgreementError, Audited, Services};
use tonic::{Request, Response, Status};

use crate::authn::calling;
use crate::connector_service::violation;
use crate::convert::agreement::{agreement_of, permission, register_entry, service, simulated};
use crate::convert::timestamp;
use crate::page::{Pages, Sizes};
use crate::request::context_of;
use crate::status::{invalid, of_error, problems};

const PAGE: Sizes = Sizes {
    usual: 100,
    most: 1_000,
};

/// Serves those who look after agreements.
pub(crate) struct Agreements {
    services: Arc<Services>,
    pages: Pages,
}

impl Agreements {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self {
            services,
            pages: Pages::default(),
        }
    }
}

/// Answers a step with the agreement as it stands then.
macro_rules! answer {
    ($response:ident, $stepped:expr) => {
        Ok(Response::new(pb::$response {
            agreement: Some(stepped($stepped)?),
        }))
    };
}

#[tonic::async_trait]
impl AgreementService for Agreements {
    async fn create_agreement(
        &self,
        request: Request<pb::CreateAgreementRequest>,
    ) -> Result<Response<pb::CreateAgreementResponse>, Status> {
        let (caller, message) = calling(request)?;
        let new = agreement::create_agreement(&self.services, &caller, &message.text).await;
        answer!(CreateAgreementResponse, new)
    }

    async fn update_agreement(
        &self,
        request: Request<pb::UpdateAgreementRequest>,
    ) -> Result<Response<pb::UpdateAgreementResponse>, Status> {
        let (caller, message) = calling(request)?;
        let (text, etag) = (&message.text, &message.etag);
        let new = agreement::update_agreement(&self.services, &caller, text, etag).await;
        answer!(UpdateAgreementResponse, new)
    }

    async fn get_agreement(
        &self,
        request: Request<pb::GetAgreementRequest>,
    ) -> Result<Response<pb::GetAgreementResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = agreement_id(&message.name)?;
        let view = agreement::get_agreement(&self.services, &caller, &id).await;
        let agreement = Some(agreement_of(&view.map_err(refuse)?));
        Ok(Response::new(pb::GetAgreementResponse { agreement }))
    }

    async fn list_agreements(
        &self,
        request: Request<pb::ListAgreementsRequest>,
    ) -> Result<Response<pb::ListAgreementsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let key = ("ListAgreements", message.show_ended);
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open(&caller, &key, asked, PAGE)?;
        let all = message.show_ended;
        let views = agreement::list_agreements(&self.services, &caller, all).await;
        let (views, next) = page.cut(views.map_err(refuse)?);
        Ok(Response::new(pb::ListAgreementsResponse {
            agreements: views.iter().map(agreement_of).collect(),
            next_page_token: self.pages.token(&caller, &key, next),
        }))
    }

    async fn approve_agreement(
        &self,
        request: Request<pb::ApproveAgreementRequest>,
    ) -> Result<Response<pb::ApproveAgreementResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = agreement_id(&message.name)?;
        let approved = agreement::approve_agreement(&self.services, &caller, &id, &message.etag);
        answer!(ApproveAgreementResponse, approved.await)
    }

    async fn withdraw_agreement(
        &self,
        request: Request<pb::WithdrawAgreementRequest>,
    ) -> Result<Response<pb::WithdrawAgreementResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = agreement_id(&message.name)?;
        let taken = agreement::withdraw_agreement(&self.services, &caller, &id, &message.etag);
        answer!(WithdrawAgreementResponse, taken.await)
    }

    async fn activate_agreement(
        &self,
        request: Request<pb::ActivateAgreementRequest>,
    ) -> Result<Response<pb::ActivateAgreementResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = agreement_id(&message.name)?;
        let active = agreement::activate_agreement(&self.services, &caller, &id, &message.etag);
        answer!(ActivateAgreementResponse, active.await)
    }

    async fn suspend_agreement(
        &self,
        request: Request<pb::SuspendAgreementRequest>,
    ) -> Result<Response<pb::SuspendAgreementResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = agreement_id(&message.name)?;
        let stopped = agreement::suspend_agreement(&self.services, &caller, &id, &message.reason);
        answer!(SuspendAgreementResponse, stopped.await)
    }

    async fn resume_agreement(
        &self,
        request: Request<pb::ResumeAgreementRequest>,
    ) -> Result<Response<pb::ResumeAgreementResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = agreement_id(&message.name)?;
        let resumed = agreement::resume_agreement(&self.services, &caller, &id, &message.etag);
        answer!(ResumeAgreementResponse, resumed.await)
    }

    async fn end_agreement(
        &self,
        request: Request<pb::EndAgreementRequest>,
    ) -> Result<Response<pb::EndAgreementResponse>, Status> {
        let (caller, message) = calling(request)?;
        let id = agreement_id(&message.name)?;
        let (etag, reason) = (&message.etag, &message.reason);
        let ended = agreement::end_agreement(&self.services, &caller, &id, etag, reason);
        answer!(EndAgreementResponse, ended.await)
    }

    async fn simulate_policy(
        &self,
        request: Request<pb::SimulatePolicyRequest>,
    ) -> Result<Response<pb::SimulatePolicyResponse>, Status> {
        let (caller, message) = calling(request)?;
        let text = Some(message.text.as_str()).filter(|text| !text.is_empty());
        let text = text.map(str::to_owned);
        let question = question(message)?;
        let said = agreement::simulate_policy(&self.services, &caller, question, text.as_deref());
        Ok(Response::new(simulated(&said.await.map_err(refuse)?)))
    }

    async fn list_my_permissions(
        &self,
        request: Request<pb::ListMyPermissionsRequest>,
    ) -> Result<Response<pb::ListMyPermissionsResponse>, Status> {
        let (caller, _) = calling(request)?;
        let permissions = agreement::list_my_permissions(&self.services, &caller);
        Ok(Response::new(pb::ListMyPermissionsResponse {
            permissions: permissions.iter().map(permission).collect(),
        }))
    }

    async fn export_register(
        &self,
        request: Request<pb::ExportRegisterRequest>,
    ) -> Result<Response<pb::ExportRegisterResponse>, Status> {
        let (caller, _) = calling(request)?;
        let register = agreement::export_register(&self.services, &caller).await;
        let register = register.map_err(refuse)?;
        Ok(Response::new(pb::ExportRegisterResponse {
            time: Some(timestamp(register.at)),
            revision: register.revision,
            entries: register.entries.iter().map(register_entry).collect(),
        }))
    }

    async fn list_services(
        &self,
        request: Request<pb::ListServicesRequest>,
    ) -> Result<Response<pb::ListServicesResponse>, Status> {
        calling(request)?;
        let services = agreement::list_services(&self.services);
        Ok(Response::new(pb::ListServicesResponse {
            services: services.iter().map(service).collect(),
        }))
    }
}

fn stepped(view: Result<Audited<AgreementView>, AgreementError>) -> Result<pb::Agreement, Status> {
    view.map(|view| agreement_of(&view)).map_err(refuse)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn refuse(error: AgreementError) -> Status {
    if let AgreementError::Problems(found) = &error {
        let found: Vec<_> = found.iter().map(violation).collect();
        return problems(&error.to_string(), &found);
    }
    of_error(error.class(), &error)
}

fn agreement_id(name: &str) -> Result<AgreementId, Status> {
    let id = name
        .strip_prefix("agreements/")
        .and_then(|id| id.parse().ok());
    id.ok_or_else(|| invalid("name", "must be agreements/{id}"))
}

/// Translates a question that nobody asks.
fn question(message: pb::SimulatePolicyRequest) -> Result<Question, Status> {
    let agency = message.agency.parse();
    let agency = agency.map_err(|_| invalid("agency", "must be the id of an agency"))?;
    let known = Method::ALL.into_iter();
    let method = { known }.find(|method| method.as_str() == message.method);
    let method = method.ok_or_else(|| invalid("method", "must be a method about citizens"))?;
    let context = message
        .context
        .ok_or_else(|| invalid("context", "must be set"))?;
    let at = message.time.map(|time| {
        let nanos = time.nanos.clamp(0, 999_999_999);
        Timestamp::new(time.seconds, nanos)
    });
    let at = at.transpose();
    Ok(Question {
        caller: Caller {
            agency,
            system: message.system,
            role: Role::System,
        },
        method,
        context: context_of(context),
        fields: (!message.fields.is_empty()).then_some(message.fields),
        at: at.map_err(|_| invalid("time", "must be a time"))?,
    })
}
