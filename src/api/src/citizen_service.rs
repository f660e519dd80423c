//! `rabt.citizen.v1.CitizenService`: each method translates in, calls one use case, translates out.
//!
//! Invariant: a limit that every agency may know (the size of a batch, of a page) is checked first;
//! anything about the subject only after policy has permitted the question.

use std::sync::Arc;

use rabt_model::{ErrorClass, Pii, Timestamp};
use rabt_policy::{Caller, Claim, Method, Subject};
use rabt_proto::citizen::batch_lookup_citizens_result::Outcome;
use rabt_proto::citizen::citizen_service_server::CitizenService;
use rabt_proto::citizen::verify_attributes_request::Subject as Claimed;
use rabt_proto::citizen::{
    AttributeClaim, BatchLookupCitizensRequest, BatchLookupCitizensResponse,
    BatchLookupCitizensResult, ExplainFieldRequest, ExplainFieldResponse, GetCitizenRequest,
    GetCitizenResponse, ItemStatus, ListCitizenRevisionsRequest, ListCitizenRevisionsResponse,
    ListSourceReferencesRequest, ListSourceReferencesResponse, LookupCitizenRequest,
    LookupCitizenResponse, SearchCitizensRequest, SearchCitizensResponse, VerifyAttributesRequest,
    VerifyAttributesResponse,
};
use rabt_proto::common::RequestContext;
use rabt_service::enquiry::AsOf;
use rabt_service::{Answer, EnquiryError, HIT_CAP, Services, enquiry};
use tonic::{Request, Response, Status};

use crate::authn::calling;
use crate::limit::Gauge;
use crate::page::{Pages, Sizes};
use crate::request::{Question, holder, named, whoever};
use crate::status::{code, invalid, of_error, public_message, status};
use crate::{Limits, convert};

/// Most identifiers of one batch.
const BATCH: usize = 1_000;
/// Most claims of one verification.
const CLAIMS: usize = 32;
const SEARCH_PAGE: Sizes = Sizes {
    usual: HIT_CAP,
    most: HIT_CAP,
};
const REFERENCE_PAGE: Sizes = Sizes {
    usual: 100,
    most: 1_000,
};

/// Answers agencies.
pub(crate) struct Citizens {
    services: Arc<Services>,
    pages: Pages,
    batches: Arc<Gauge>,
}

impl Citizens {
    pub(crate) fn new(services: Arc<Services>, limits: &Limits) -> Self {
        Self {
            services,
            pages: Pages::default(),
            batches: Gauge::new(limits.batches_in_flight),
        }
    }

    fn question(
        &self,
        caller: &Caller,
        method: Method,
        context: Option<RequestContext>,
    ) -> Result<Question, Status> {
        Question::new(caller.clone(), method, context, self.services.clock.now())
    }
}

#[tonic::async_trait]
impl CitizenService for Citizens {
    async fn lookup_citizen(
        &self,
        request: Request<LookupCitizenRequest>,
    ) -> Result<Response<LookupCitizenResponse>, Status> {
        let (caller, message) = calling(request)?;
        let question = self.question(&caller, Method::LookupCitizen, message.context)?;
        let access = question
            .masked(message.read_mask)
            .about(holder(message.identifier));
        let answer = enquiry::lookup_citizen(&self.services, access).await;
        let citizen = Some(convert::citizen(&answer.map_err(refuse)?)?);
        Ok(Response::new(LookupCitizenResponse { citizen }))
    }

    async fn get_citizen(
        &self,
        request: Request<GetCitizenRequest>,
    ) -> Result<Response<GetCitizenResponse>, Status> {
        let (caller, message) = calling(request)?;
        let question = self.question(&caller, Method::GetCitizen, message.context)?;
        let access = question
            .masked(message.read_mask)
            .about(named(&message.name));
        let answer = enquiry::get_citizen(&self.services, access).await;
        let citizen = Some(convert::citizen(&answer.map_err(refuse)?)?);
        Ok(Response::new(GetCitizenResponse { citizen }))
    }

    async fn batch_lookup_citizens(
        &self,
        request: Request<BatchLookupCitizensRequest>,
    ) -> Result<Response<BatchLookupCitizensResponse>, Status> {
        let (caller, message) = calling(request)?;
        check_count("identifiers", message.identifiers.len(), BATCH)?;
        let question = self.question(&caller, Method::BatchLookupCitizens, message.context)?;
        let question = question.masked(message.read_mask);
        let Some(_place) = self.batches.enter() else {
            let remedy = "the node has too many batches in work; try again later";
            return Err(status(ErrorClass::Overloaded, remedy));
        };
        let items = message.identifiers.into_iter().map(Some);
        let items = items
            .map(|item| question.clone().about(holder(item)))
            .collect();
        let answers = enquiry::batch_lookup_citizens(&self.services, items).await;
        let results = answers.into_iter().map(item_result).collect();
        Ok(Response::new(BatchLookupCitizensResponse { results }))
    }

    async fn search_citizens(
        &self,
        request: Request<SearchCitizensRequest>,
    ) -> Result<Response<SearchCitizensResponse>, Status> {
        let (caller, message) = calling(request)?;
        let key = ("SearchCitizens", &message.criteria, &message.read_mask);
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open(&caller, &key, asked, SEARCH_PAGE)?;
        let question = self.question(&caller, Method::SearchCitizens, message.context)?;
        let question = question.masked(message.read_mask.clone());
        let access = question.about(whoever(message.criteria.as_ref()));
        let answer = enquiry::search_citizens(&self.services, access).await;
        let (candidates, next) = page.cut(convert::candidates(&answer.map_err(refuse)?)?);
        Ok(Response::new(SearchCitizensResponse {
            candidates,
            next_page_token: self.pages.token(&caller, &key, next),
        }))
    }

    async fn verify_attributes(
        &self,
        request: Request<VerifyAttributesRequest>,
    ) -> Result<Response<VerifyAttributesResponse>, Status> {
        let (caller, message) = calling(request)?;
        check_count("claims", message.claims.len(), CLAIMS)?;
        let question = self.question(&caller, Method::VerifyAttributes, message.context)?;
        let subject = match message.subject {
            Some(Claimed::Identifier(identifier)) => holder(Some(identifier)),
            Some(Claimed::Name(name)) => named(&name),
            None => Subject::None,
        };
        let claims: Vec<Claim> = message.claims.into_iter().map(claim).collect();
        let attributes = claims.iter().map(|claim| claim.attribute.clone()).collect();
        let access = question.asking(attributes).about(subject);
        let answer = enquiry::verify_attributes(&self.services, access, claims).await;
        let verdicts = convert::verdicts(&answer.map_err(refuse)?)?;
        Ok(Response::new(VerifyAttributesResponse { verdicts }))
    }

    async fn list_source_references(
        &self,
        request: Request<ListSourceReferencesRequest>,
    ) -> Result<Response<ListSourceReferencesResponse>, Status> {
        let (caller, message) = calling(request)?;
        let key = ("ListSourceReferences", &message.parent);
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open(&caller, &key, asked, REFERENCE_PAGE)?;
        let question = self.question(&caller, Method::ListSourceReferences, message.context)?;
        let access = question.about(named(&message.parent));
        let answer = enquiry::list_source_references(&self.services, access).await;
        let references = convert::source_references(&answer.map_err(refuse)?)?;
        let (source_references, next) = page.cut(references);
        Ok(Response::new(ListSourceReferencesResponse {
            source_references,
            next_page_token: self.pages.token(&caller, &key, next),
        }))
    }

    async fn explain_field(
        &self,
        request: Request<ExplainFieldRequest>,
    ) -> Result<Response<ExplainFieldResponse>, Status> {
        let (caller, message) = calling(request)?;
        let question = self.question(&caller, Method::ExplainField, message.context)?;
        let question = question.asking(vec![message.attribute]);
        let access = question.about(named(&message.name));
        let answer = enquiry::explain_field(&self.services, access).await;
        Ok(Response::new(convert::explained(&answer.map_err(refuse)?)?))
    }

    async fn list_citizen_revisions(
        &self,
        request: Request<ListCitizenRevisionsRequest>,
    ) -> Result<Response<ListCitizenRevisionsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let as_of = AsOf {
            recorded_at: instant("recorded_at", message.recorded_at)?,
            valid_at: instant("valid_at", message.valid_at)?,
        };
        let question = self.question(&caller, Method::ListCitizenRevisions, message.context)?;
        let question = question.masked(message.read_mask);
        let access = question.about(named(&message.name));
        let answer = enquiry::list_citizen_revisions(&self.services, access, as_of).await;
        let revisions = convert::revisions(&answer.map_err(refuse)?)?;
        Ok(Response::new(ListCitizenRevisionsResponse { revisions }))
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants; the error ends here"
)]
fn refuse(error: EnquiryError) -> Status {
    of_error(error.class(), &error)
}

fn instant(
    field: &str,
    stated: Option<prost_types::Timestamp>,
) -> Result<Option<Timestamp>, Status> {
    let Some(stated) = stated else {
        return Ok(None);
    };
    let instant = Timestamp::new(stated.seconds, stated.nanos);
    let instant = instant.map_err(|_| invalid(field, "must be a time of the calendar"))?;
    Ok(Some(instant))
}

fn check_count(field: &str, count: usize, most: usize) -> Result<(), Status> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    Err(invalid(field, &format!("must hold 1 to {most} items")))
}

fn claim(claim: AttributeClaim) -> Claim {
    Claim {
        attribute: claim.attribute,
        value: Pii::new(claim.value),
    }
}

fn item_result(answer: Answer) -> BatchLookupCitizensResult {
    let outcome = match answer {
        Ok(answer) => match convert::citizen(&answer) {
            Ok(citizen) => Outcome::Citizen(citizen),
            Err(_nobody) => refused(ErrorClass::NotPermitted, ""),
        },
        Err(error) => refused(error.class(), &error.to_string()),
    };
    BatchLookupCitizensResult {
        outcome: Some(outcome),
    }
}

fn refused(class: ErrorClass, message: &str) -> Outcome {
    Outcome::Status(ItemStatus {
        code: code(class).into(),
        reason: class.reason().to_owned(),
        message: public_message(class, message),
    })
}
