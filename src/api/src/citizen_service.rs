//! `rabt.citizen.v1.CitizenService`: each method translates in, calls one use case, translates out.
//!
//! Invariant: a limit that every agency may know (the size of a batch, of a page) is checked first;
//! anything about the subject only after policy has permitted the question.

use std::sync::Arc;

use prost::Message;
use rabt_model::{ErrorClass, Pii, Timestamp};
use rabt_policy::{Caller, Claim, Disclosure, Method, Subject};
use rabt_proto::citizen::batch_lookup_citizens_result::Outcome;
use rabt_proto::citizen::citizen_service_server::CitizenService;
use rabt_proto::citizen::verify_attributes_request::Subject as Claimed;
use rabt_proto::citizen::{
    AttributeClaim, BatchLookupCitizensRequest, BatchLookupCitizensResponse,
    BatchLookupCitizensResult, ExplainFieldRequest, ExplainFieldResponse, GetCitizenRequest,
    GetCitizenResponse, ListCitizenRevisionsRequest, ListCitizenRevisionsResponse,
    ListSourceReferencesRequest, ListSourceReferencesResponse, LookupCitizenRequest,
    LookupCitizenResponse, SearchCitizensRequest, SearchCitizensResponse, VerifyAttributesRequest,
    VerifyAttributesResponse,
};
use rabt_proto::common::RequestContext;
use rabt_service::enquiry::{AsOf, Draft, Exchange};
use rabt_service::{Answer, Audited, EnquiryError, HIT_CAP, Services, enquiry};
use tonic::{Request, Response, Status};

use crate::authn::calling;
use crate::limit::Gauge;
use crate::page::{Pages, Sizes};
use crate::request::{Question, holder, named, whoever};
use crate::status::{invalid, of_error, status};
use crate::wire::{Over, item};
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
        let over = Over::new(&self.services, &message, |draft: &Draft<'_>| {
            let citizen = Some(convert::citizen(draft)?);
            Ok(LookupCitizenResponse { citizen })
        });
        let question = self.question(&caller, Method::LookupCitizen, message.context)?;
        let access = question
            .masked(message.read_mask)
            .about(holder(message.identifier));
        let asked = Exchange::over(access, &over);
        let answer = told(&over, enquiry::lookup_citizen(&self.services, asked).await)?;
        over.leaving(&answer)
    }

    async fn get_citizen(
        &self,
        request: Request<GetCitizenRequest>,
    ) -> Result<Response<GetCitizenResponse>, Status> {
        let (caller, message) = calling(request)?;
        let over = Over::new(&self.services, &message, |draft: &Draft<'_>| {
            let citizen = Some(convert::citizen(draft)?);
            Ok(GetCitizenResponse { citizen })
        });
        let question = self.question(&caller, Method::GetCitizen, message.context)?;
        let access = question
            .masked(message.read_mask)
            .about(named(&message.name));
        let asked = Exchange::over(access, &over);
        let answer = told(&over, enquiry::get_citizen(&self.services, asked).await)?;
        over.leaving(&answer)
    }

    async fn batch_lookup_citizens(
        &self,
        request: Request<BatchLookupCitizensRequest>,
    ) -> Result<Response<BatchLookupCitizensResponse>, Status> {
        let (caller, message) = calling(request)?;
        check_count("identifiers", message.identifiers.len(), BATCH)?;
        let over = Over::new(&self.services, &message, |draft: &Draft<'_>| {
            convert::citizen(draft).map(|citizen| result(Outcome::Citizen(citizen)))
        });
        let over = over.refusing(|status| result(Outcome::Status(status)).encode_to_vec());
        let question = self.question(&caller, Method::BatchLookupCitizens, message.context)?;
        let question = question.masked(message.read_mask);
        let Some(_place) = self.batches.enter() else {
            let remedy = "the node has too many batches in work; try again later";
            return Err(status(ErrorClass::Overloaded, remedy));
        };
        let items = message.identifiers.into_iter().map(Some);
        let items = items
            .map(|item| question.clone().about(holder(item)))
            .map(|access| Exchange::over(access, &over))
            .collect();
        let answers = enquiry::batch_lookup_citizens(&self.services, items).await;
        let results = answers.into_iter().map(item_result).collect();
        Ok(over.answered(BatchLookupCitizensResponse { results }, None))
    }

    async fn search_citizens(
        &self,
        request: Request<SearchCitizensRequest>,
    ) -> Result<Response<SearchCitizensResponse>, Status> {
        let (caller, message) = calling(request)?;
        let key = ("SearchCitizens", &message.criteria, &message.read_mask);
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open(&caller, &key, asked, SEARCH_PAGE)?;
        let over = Over::new(&self.services, &message, |draft: &Draft<'_>| {
            let (candidates, _) = page.cut(convert::candidates(draft)?);
            Ok(SearchCitizensResponse {
                candidates,
                next_page_token: String::new(),
            })
        });
        let question = self.question(&caller, Method::SearchCitizens, message.context)?;
        let question = question.masked(message.read_mask.clone());
        let access = question.about(whoever(message.criteria.as_ref()));
        let asked = Exchange::over(access, &over);
        let answer = told(&over, enquiry::search_citizens(&self.services, asked).await)?;
        let found = shown(&over, &answer, convert::candidates(&answer))?;
        let (candidates, next) = page.cut(found);
        let response = SearchCitizensResponse {
            candidates,
            next_page_token: self.pages.token(&caller, &key, next),
        };
        Ok(over.answered(response, answer.leaf()))
    }

    async fn verify_attributes(
        &self,
        request: Request<VerifyAttributesRequest>,
    ) -> Result<Response<VerifyAttributesResponse>, Status> {
        let (caller, message) = calling(request)?;
        check_count("claims", message.claims.len(), CLAIMS)?;
        let over = Over::new(&self.services, &message, |draft: &Draft<'_>| {
            let verdicts = convert::verdicts(draft)?;
            Ok(VerifyAttributesResponse { verdicts })
        });
        let question = self.question(&caller, Method::VerifyAttributes, message.context)?;
        let subject = match message.subject {
            Some(Claimed::Identifier(identifier)) => holder(Some(identifier)),
            Some(Claimed::Name(name)) => named(&name),
            None => Subject::None,
        };
        let claims: Vec<Claim> = message.claims.into_iter().map(claim).collect();
        let attributes = claims.iter().map(|claim| claim.attribute.clone()).collect();
        let access = question.asking(attributes).about(subject);
        let asked = Exchange::over(access, &over);
        let answer = enquiry::verify_attributes(&self.services, asked, claims).await;
        let answer = told(&over, answer)?;
        over.leaving(&answer)
    }

    async fn list_source_references(
        &self,
        request: Request<ListSourceReferencesRequest>,
    ) -> Result<Response<ListSourceReferencesResponse>, Status> {
        let (caller, message) = calling(request)?;
        let key = ("ListSourceReferences", &message.parent);
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open(&caller, &key, asked, REFERENCE_PAGE)?;
        let over = Over::new(&self.services, &message, |draft: &Draft<'_>| {
            let (source_references, _) = page.cut(convert::source_references(draft)?);
            Ok(ListSourceReferencesResponse {
                source_references,
                next_page_token: String::new(),
            })
        });
        let question = self.question(&caller, Method::ListSourceReferences, message.context)?;
        let access = question.about(named(&message.parent));
        let asked = Exchange::over(access, &over);
        let answer = enquiry::list_source_references(&self.services, asked).await;
        let answer = told(&over, answer)?;
        let references = shown(&over, &answer, convert::source_references(&answer))?;
        let (source_references, next) = page.cut(references);
        let response = ListSourceReferencesResponse {
            source_references,
            next_page_token: self.pages.token(&caller, &key, next),
        };
        Ok(over.answered(response, answer.leaf()))
    }

    async fn explain_field(
        &self,
        request: Request<ExplainFieldRequest>,
    ) -> Result<Response<ExplainFieldResponse>, Status> {
        let (caller, message) = calling(request)?;
        let over = Over::new(&self.services, &message, |draft: &Draft<'_>| {
            convert::explained(draft)
        });
        let question = self.question(&caller, Method::ExplainField, message.context)?;
        let question = question.asking(vec![message.attribute]);
        let access = question.about(named(&message.name));
        let asked = Exchange::over(access, &over);
        let answer = told(&over, enquiry::explain_field(&self.services, asked).await)?;
        over.leaving(&answer)
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
        let over = Over::new(&self.services, &message, |draft: &Draft<'_>| {
            let revisions = convert::revisions(draft)?;
            Ok(ListCitizenRevisionsResponse { revisions })
        });
        let question = self.question(&caller, Method::ListCitizenRevisions, message.context)?;
        let question = question.masked(message.read_mask);
        let access = question.about(named(&message.name));
        let asked = Exchange::over(access, &over);
        let answer = enquiry::list_citizen_revisions(&self.services, asked, as_of).await;
        let answer = told(&over, answer)?;
        over.leaving(&answer)
    }
}

/// Returns an answer, or the refusal with what lets the caller prove it.
fn told<F, M>(over: &Over<F, M>, answer: Answer) -> Result<Audited<Disclosure>, Status> {
    answer.map_err(|error| {
        let leaf = match &error {
            EnquiryError::Denied(denial) => denial.leaf(),
            EnquiryError::NotAudited(_) | EnquiryError::Storage(_) => None,
        };
        over.refused(of_error(error.class(), &error), leaf)
    })
}

/// Returns what is in an answer; that there is nothing is told as a refusal is.
fn shown<F, M, T>(
    over: &Over<F, M>,
    answer: &Audited<Disclosure>,
    content: Result<T, Status>,
) -> Result<T, Status> {
    content.map_err(|status| over.refused(status, answer.leaf()))
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
    result(match answer {
        Ok(answer) => match convert::citizen(&answer) {
            Ok(citizen) => Outcome::Citizen(citizen),
            Err(_nobody) => Outcome::Status(item(ErrorClass::NotPermitted, "")),
        },
        Err(error) => Outcome::Status(item(error.class(), &error.to_string())),
    })
}

const fn result(outcome: Outcome) -> BatchLookupCitizensResult {
    BatchLookupCitizensResult {
        outcome: Some(outcome),
    }
}
