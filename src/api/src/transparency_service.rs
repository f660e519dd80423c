//! `rabt.transparency.v1`: what portals of citizens call, and what agencies do about what citizens say is
//! wrong. Each method translates in, calls one use case, translates out.

use std::sync::Arc;

use rabt_model::Pii;
use rabt_proto::transparency as pb;
use rabt_proto::transparency::correction_service_server::CorrectionService;
use rabt_proto::transparency::transparency_service_server::TransparencyService;
use rabt_service::transparency::{self, NewCorrection, TransparencyError};
use rabt_service::{CorrectionState, Services};
use tonic::{Request, Response, Status};

use crate::authn::calling;
use crate::convert::timestamp;
use crate::convert::transparency::{correction, event, holding, place, viewer};
use crate::page::{Pages, Sizes};
use crate::status::{invalid, of_error};

/// Events of a page when the caller does not say, and at most.
const EVENTS: usize = 50;
const MOST_EVENTS: usize = 500;

const PAGE: Sizes = Sizes {
    usual: 100,
    most: 500,
};

/// Serves portals of citizens.
pub(crate) struct Transparencies {
    services: Arc<Services>,
}

/// Serves agencies' people.
pub(crate) struct Corrections {
    services: Arc<Services>,
    pages: Pages,
}

impl Transparencies {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self { services }
    }
}

impl Corrections {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self {
            services,
            pages: Pages::default(),
        }
    }
}

#[tonic::async_trait]
impl TransparencyService for Transparencies {
    async fn list_access_events(
        &self,
        request: Request<pb::ListAccessEventsRequest>,
    ) -> Result<Response<pb::ListAccessEventsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let viewer = viewer(message.viewer)?;
        let limit = match usize::try_from(message.page_size) {
            Ok(0) => EVENTS,
            Ok(asked) => asked.min(MOST_EVENTS),
            Err(_) => return Err(invalid("page_size", "must not be negative")),
        };
        let page = (limit, message.page_token.as_str());
        let own = message.include_own;
        let found =
            transparency::list_access_events(&self.services, &caller, &viewer, own, page).await;
        let found = found.map_err(refuse)?;
        Ok(Response::new(pb::ListAccessEventsResponse {
            events: found.events.iter().map(event).collect(),
            next_page_token: found.next.clone(),
            archived_before: found.archived_before.map(timestamp),
        }))
    }

    async fn count_withheld_events(
        &self,
        request: Request<pb::CountWithheldEventsRequest>,
    ) -> Result<Response<pb::CountWithheldEventsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let viewer = viewer(message.viewer)?;
        let withheld = transparency::count_withheld(&self.services, &caller, &viewer).await;
        let withheld = withheld.map_err(refuse)?.into_inner();
        Ok(Response::new(pb::CountWithheldEventsResponse {
            withheld_count: withheld.count,
            next_release_at: withheld.next.map(timestamp),
            incomplete: withheld.incomplete,
        }))
    }

    async fn get_access_receipt(
        &self,
        request: Request<pb::GetAccessReceiptRequest>,
    ) -> Result<Response<pb::GetAccessReceiptResponse>, Status> {
        let (caller, message) = calling(request)?;
        let viewer = viewer(message.viewer)?;
        let place = place(&message.name)?;
        let receipt =
            transparency::get_access_receipt(&self.services, &caller, &viewer, place).await;
        let receipt = receipt.map_err(refuse)?.into_inner();
        Ok(Response::new(pb::GetAccessReceiptResponse {
            receipt: receipt.text,
            verifier_key: receipt.verifier,
        }))
    }

    async fn list_holdings(
        &self,
        request: Request<pb::ListHoldingsRequest>,
    ) -> Result<Response<pb::ListHoldingsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let viewer = viewer(message.viewer)?;
        let found = transparency::list_holdings(&self.services, &caller, &viewer).await;
        let holdings = found.map_err(refuse)?.iter().map(holding).collect();
        Ok(Response::new(pb::ListHoldingsResponse { holdings }))
    }

    async fn create_correction_request(
        &self,
        request: Request<pb::CreateCorrectionRequestRequest>,
    ) -> Result<Response<pb::CreateCorrectionRequestResponse>, Status> {
        let (caller, message) = calling(request)?;
        let viewer = viewer(message.viewer)?;
        let new = NewCorrection {
            attribute: message.attribute,
            wrong: Pii::new(message.wrong),
            evidence: message.evidence,
        };
        let made = transparency::create_correction(&self.services, &caller, &viewer, new).await;
        let mut made = correction(&*made.map_err(refuse)?);
        // the key of a row is between the agency and its own people
        made.record_key.clear();
        Ok(Response::new(pb::CreateCorrectionRequestResponse {
            correction_request: Some(made),
        }))
    }

    async fn list_correction_requests(
        &self,
        request: Request<pb::ListCorrectionRequestsRequest>,
    ) -> Result<Response<pb::ListCorrectionRequestsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let viewer = viewer(message.viewer)?;
        let found = transparency::list_corrections(&self.services, &caller, &viewer).await;
        let found = found.map_err(refuse)?;
        Ok(Response::new(pb::ListCorrectionRequestsResponse {
            correction_requests: found.iter().map(correction).collect(),
        }))
    }
}

#[tonic::async_trait]
impl CorrectionService for Corrections {
    async fn list_agency_corrections(
        &self,
        request: Request<pb::ListAgencyCorrectionsRequest>,
    ) -> Result<Response<pb::ListAgencyCorrectionsResponse>, Status> {
        let (caller, message) = calling(request)?;
        let key = "ListAgencyCorrections";
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open_at(&caller, &key, asked, PAGE)?;
        let before = page.after.and_then(|place| i64::try_from(place).ok());
        let wanted = page.wanted();
        let found =
            transparency::list_agency_corrections(&self.services, &caller, before, wanted).await;
        let found = found.map_err(refuse)?.into_inner();
        let number =
            |one: &transparency::Correction| u128::try_from(one.stored.number).unwrap_or(0);
        let (found, last) = page.cut(found, number);
        Ok(Response::new(pb::ListAgencyCorrectionsResponse {
            correction_requests: found.iter().map(correction).collect(),
            next_page_token: self.pages.token_at(&caller, &key, last),
        }))
    }

    async fn answer_correction(
        &self,
        request: Request<pb::AnswerCorrectionRequest>,
    ) -> Result<Response<pb::AnswerCorrectionResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = message.name.strip_prefix("correctionRequests/");
        let number = number.and_then(|number| number.parse().ok());
        let form = "must be of the form correctionRequests/{number}";
        let number = number.ok_or_else(|| invalid("name", form))?;
        let state = match message.state() {
            pb::CorrectionState::Corrected => CorrectionState::Corrected,
            pb::CorrectionState::Refused => CorrectionState::Refused,
            pb::CorrectionState::Unspecified | pb::CorrectionState::Asked => CorrectionState::Asked,
        };
        let answer = (state, message.answer.as_str());
        let answered =
            transparency::answer_correction(&self.services, &caller, number, answer).await;
        Ok(Response::new(pb::AnswerCorrectionResponse {
            correction_request: Some(correction(&*answered.map_err(refuse)?)),
        }))
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants; the error ends here"
)]
fn refuse(error: TransparencyError) -> Status {
    if let TransparencyError::Invalid { field, problem } = &error {
        return invalid(field, problem);
    }
    of_error(error.class(), &error)
}
