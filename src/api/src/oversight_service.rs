//! `rabt.audit.v1.OversightService`: each method translates in, calls one use case, translates out.

use std::sync::Arc;

use rabt_model::Pii;
use rabt_proto::audit as pb;
use rabt_proto::audit::oversight_service_server::OversightService;
use rabt_proto::audit::request_erasure_request::Citizen;
use rabt_service::oversight::{self, Archive, Emergency, Erasure, OversightError};
use rabt_service::transparency::Subject;
use rabt_service::{CaseState, ErasureState, Services};
use tonic::{Request, Response, Status};

use crate::authn::calling;
use crate::convert::evidence::time as instant;
use crate::convert::timestamp;
use crate::page::{Pages, Sizes};
use crate::status::{invalid, of_error};

const PAGE: Sizes = Sizes {
    usual: 100,
    most: 500,
};

/// Serves security officers, and whoever is their second person.
pub(crate) struct Oversights {
    services: Arc<Services>,
    pages: Pages,
}

impl Oversights {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self {
            services,
            pages: Pages::default(),
        }
    }
}

#[tonic::async_trait]
impl OversightService for Oversights {
    async fn request_erasure(
        &self,
        request: Request<pb::RequestErasureRequest>,
    ) -> Result<Response<pb::RequestErasureResponse>, Status> {
        let (caller, message) = calling(request)?;
        let subject = match message.citizen {
            Some(Citizen::Identifier(identifier)) => Subject::Identifier {
                scheme: identifier.scheme,
                value: Pii::new(identifier.value),
            },
            Some(Citizen::Name(name)) => {
                let id = name.strip_prefix("citizens/").unwrap_or_default();
                Subject::Citizen(id.to_owned())
            }
            None => Subject::None,
        };
        let reason = &message.reason;
        let asked = oversight::request_erasure(&self.services, &caller, &subject, reason).await;
        Ok(Response::new(pb::RequestErasureResponse {
            erasure: Some(erasure(&*asked.map_err(refuse)?)),
        }))
    }

    async fn list_erasures(
        &self,
        request: Request<pb::ListErasuresRequest>,
    ) -> Result<Response<pb::ListErasuresResponse>, Status> {
        let (caller, message) = calling(request)?;
        let key = "ListErasures";
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open_at(&caller, &key, asked, PAGE)?;
        let before = page.after.and_then(|place| i64::try_from(place).ok());
        let wanted = page.wanted();
        let found = oversight::list_erasures(&self.services, &caller, before, wanted).await;
        let found = found.map_err(refuse)?.into_inner();
        let number = |one: &Erasure| u128::try_from(one.number).unwrap_or(0);
        let (found, last) = page.cut(found, number);
        Ok(Response::new(pb::ListErasuresResponse {
            erasures: found.iter().map(erasure).collect(),
            next_page_token: self.pages.token_at(&caller, &key, last),
        }))
    }

    async fn confirm_erasure(
        &self,
        request: Request<pb::ConfirmErasureRequest>,
    ) -> Result<Response<pb::ConfirmErasureResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = number(&message.name)?;
        let done = oversight::confirm_erasure(&self.services, &caller, number).await;
        Ok(Response::new(pb::ConfirmErasureResponse {
            erasure: Some(erasure(&*done.map_err(refuse)?)),
        }))
    }

    async fn withdraw_erasure(
        &self,
        request: Request<pb::WithdrawErasureRequest>,
    ) -> Result<Response<pb::WithdrawErasureResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = number(&message.name)?;
        let done = oversight::withdraw_erasure(&self.services, &caller, number).await;
        Ok(Response::new(pb::WithdrawErasureResponse {
            erasure: Some(erasure(&*done.map_err(refuse)?)),
        }))
    }

    async fn list_emergencies(
        &self,
        request: Request<pb::ListEmergenciesRequest>,
    ) -> Result<Response<pb::ListEmergenciesResponse>, Status> {
        let (caller, message) = calling(request)?;
        let limit = match usize::try_from(message.page_size) {
            Ok(0) => PAGE.usual,
            Ok(asked) => asked.min(PAGE.most),
            Err(_) => return Err(invalid("page_size", "must not be negative")),
        };
        let page = (limit, message.page_token.as_str());
        let only_open = !message.include_reviewed;
        let found = oversight::list_emergencies(&self.services, &caller, only_open, page).await;
        let found = found.map_err(refuse)?;
        Ok(Response::new(pb::ListEmergenciesResponse {
            emergencies: found.emergencies.iter().map(emergency).collect(),
            next_page_token: found.next.clone(),
        }))
    }

    async fn review_emergency(
        &self,
        request: Request<pb::ReviewEmergencyRequest>,
    ) -> Result<Response<pb::ReviewEmergencyResponse>, Status> {
        let (caller, message) = calling(request)?;
        let place = place(&message.name)?;
        let state = match message.state() {
            pb::EmergencyState::Confirmed => CaseState::Confirmed,
            pb::EmergencyState::Disputed => CaseState::Disputed,
            pb::EmergencyState::Unspecified | pb::EmergencyState::Open => CaseState::Open,
        };
        let said = (state, message.text.as_str());
        let reviewed = oversight::review_emergency(&self.services, &caller, place, said).await;
        Ok(Response::new(pb::ReviewEmergencyResponse {
            emergency: Some(emergency(&*reviewed.map_err(refuse)?)),
        }))
    }

    async fn request_archive(
        &self,
        request: Request<pb::RequestArchiveRequest>,
    ) -> Result<Response<pb::RequestArchiveResponse>, Status> {
        let (caller, message) = calling(request)?;
        let cutoff = instant("cutoff_time", message.cutoff_time)?;
        let reason = &message.reason;
        let asked = oversight::request_archive(&self.services, &caller, cutoff, reason).await;
        Ok(Response::new(pb::RequestArchiveResponse {
            archive: Some(archive(&*asked.map_err(refuse)?)),
        }))
    }

    async fn list_archives(
        &self,
        request: Request<pb::ListArchivesRequest>,
    ) -> Result<Response<pb::ListArchivesResponse>, Status> {
        let (caller, message) = calling(request)?;
        let key = "ListArchives";
        let asked = (message.page_size, message.page_token.as_str());
        let page = self.pages.open_at(&caller, &key, asked, PAGE)?;
        let before = page.after.and_then(|place| i64::try_from(place).ok());
        let wanted = page.wanted();
        let found = oversight::list_archives(&self.services, &caller, before, wanted).await;
        let found = found.map_err(refuse)?.into_inner();
        let number = |one: &Archive| u128::try_from(one.number).unwrap_or(0);
        let (found, last) = page.cut(found, number);
        Ok(Response::new(pb::ListArchivesResponse {
            archives: found.iter().map(archive).collect(),
            next_page_token: self.pages.token_at(&caller, &key, last),
        }))
    }

    async fn confirm_archive(
        &self,
        request: Request<pb::ConfirmArchiveRequest>,
    ) -> Result<Response<pb::ConfirmArchiveResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = number_of("archives/", &message.name)?;
        let done = oversight::confirm_archive(&self.services, &caller, number).await;
        Ok(Response::new(pb::ConfirmArchiveResponse {
            archive: Some(archive(&*done.map_err(refuse)?)),
        }))
    }

    async fn withdraw_archive(
        &self,
        request: Request<pb::WithdrawArchiveRequest>,
    ) -> Result<Response<pb::WithdrawArchiveResponse>, Status> {
        let (caller, message) = calling(request)?;
        let number = number_of("archives/", &message.name)?;
        let done = oversight::withdraw_archive(&self.services, &caller, number).await;
        Ok(Response::new(pb::WithdrawArchiveResponse {
            archive: Some(archive(&*done.map_err(refuse)?)),
        }))
    }
}

fn place(name: &str) -> Result<(usize, u64), Status> {
    let place = name.strip_prefix("emergencies/");
    let place = place.and_then(|place| place.split_once('-'));
    let place = place.and_then(|(log, leaf)| Some((log.parse().ok()?, leaf.parse().ok()?)));
    place.ok_or_else(|| invalid("name", "must be of the form emergencies/{log}-{leaf}"))
}

fn number(name: &str) -> Result<i64, Status> {
    number_of("erasures/", name)
}

fn number_of(kind: &str, name: &str) -> Result<i64, Status> {
    let number = name.strip_prefix(kind);
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or_else(|| invalid("name", &format!("must be of the form {kind}{{number}}")))
}

fn archive(archive: &Archive) -> pb::Archive {
    let state = match archive.state {
        ErasureState::Asked => pb::ArchiveState::Asked,
        ErasureState::Confirmed => pb::ArchiveState::Confirmed,
        ErasureState::Done => pb::ArchiveState::Done,
        ErasureState::Withdrawn => pb::ArchiveState::Withdrawn,
    };
    pb::Archive {
        name: format!("archives/{}", archive.number),
        cutoff_time: Some(timestamp(archive.cutoff)),
        reason: archive.reason.clone(),
        state: state.into(),
        proposer: archive.proposer.clone(),
        decider: archive.decider.clone(),
        create_time: Some(timestamp(archive.created_at)),
        update_time: Some(timestamp(archive.updated_at)),
    }
}

fn emergency(emergency: &Emergency) -> pb::Emergency {
    let state = match emergency.state {
        CaseState::Open => pb::EmergencyState::Open,
        CaseState::Confirmed => pb::EmergencyState::Confirmed,
        CaseState::Disputed => pb::EmergencyState::Disputed,
    };
    let end_user = emergency.end_user.map(|user| user.to_string());
    pb::Emergency {
        name: format!("emergencies/{}-{}", emergency.log, emergency.leaf),
        occurred_at: Some(timestamp(emergency.at)),
        agency: emergency.agency.to_string(),
        system: emergency.system.clone(),
        agreement: emergency.agreement.clone(),
        purpose: emergency.purpose.clone(),
        case_reference: emergency.case_reference.clone(),
        end_user: end_user.unwrap_or_default(),
        reason: emergency.reason.clone(),
        outcome: emergency.outcome.clone(),
        state: state.into(),
        reviewer: emergency.reviewer.clone(),
        text: emergency.text.expose().clone(),
        review_time: emergency.reviewed_at.map(timestamp),
        overdue: emergency.overdue,
    }
}

fn erasure(erasure: &Erasure) -> pb::Erasure {
    let citizen = erasure.citizen.map(|citizen| format!("citizens/{citizen}"));
    let state = match erasure.state {
        ErasureState::Asked => pb::ErasureState::Asked,
        ErasureState::Confirmed => pb::ErasureState::Confirmed,
        ErasureState::Done => pb::ErasureState::Done,
        ErasureState::Withdrawn => pb::ErasureState::Withdrawn,
    };
    pb::Erasure {
        name: format!("erasures/{}", erasure.number),
        citizen: citizen.unwrap_or_default(),
        reason: erasure.reason.clone(),
        state: state.into(),
        proposer: erasure.proposer.clone(),
        decider: erasure.decider.clone(),
        create_time: Some(timestamp(erasure.created_at)),
        update_time: Some(timestamp(erasure.updated_at)),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants; the error ends here"
)]
fn refuse(error: OversightError) -> Status {
    if let OversightError::Invalid { field, problem } = &error {
        return invalid(field, problem);
    }
    of_error(error.class(), &error)
}
