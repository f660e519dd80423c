//! What citizens see, and what they say is wrong.

use rabt_model::{Label, Pii};
use rabt_proto::transparency as pb;
use rabt_proto::{common, transparency::viewer::Citizen};
use rabt_service::transparency::{AccessEvent, Correction, OwnHolding, Subject, Viewer};
use rabt_service::{CaseState, CorrectionState};
use tonic::Status;

use super::timestamp;
use crate::request::assurance;
use crate::status::invalid;

/// Longest id of a request, characters.
const LONGEST_ID: usize = 64;

/// Reads who looks. Whose file it is stays unparsed until the caller is known to be a portal.
pub(crate) fn viewer(viewer: Option<pb::Viewer>) -> Result<Viewer, Status> {
    let viewer = viewer.unwrap_or_default();
    let is_id = |c: char| c.is_ascii_graphic();
    if viewer.request_id.len() > LONGEST_ID || !viewer.request_id.chars().all(is_id) {
        let problem = "must be at most 64 characters, none of them a space";
        return Err(invalid("viewer.request_id", problem));
    }
    Ok(Viewer {
        assurance: assurance(viewer.assurance()),
        request_id: viewer.request_id,
        subject: match viewer.citizen {
            Some(Citizen::Identifier(common::Identifier { scheme, value })) => {
                Subject::Identifier {
                    scheme,
                    value: Pii::new(value),
                }
            }
            Some(Citizen::Name(name)) => {
                let id = name.strip_prefix("citizens/").unwrap_or_default();
                Subject::Citizen(id.to_owned())
            }
            None => Subject::None,
        },
    })
}

/// Returns an event; only its use case makes one, behind the entry of the look.
pub(crate) fn event(event: &AccessEvent) -> pb::AccessEvent {
    pb::AccessEvent {
        name: format!("accessEvents/{}-{}", event.log, event.leaf),
        occurred_at: Some(timestamp(event.at)),
        agency: event.agency.to_string(),
        agency_label: Some(label(&event.agency_label)),
        agreement: event.agreement.clone(),
        agreement_title: event.agreement_title.as_ref().map(label),
        purpose: event.purpose.clone(),
        legal_basis: event.legal_basis.clone(),
        service: event.service.clone(),
        channel: event.channel.clone(),
        outcome: event.outcome.clone(),
        attributes: event.attributes.iter().map(ToString::to_string).collect(),
        own: event.own,
        has_receipt: event.has_receipt,
        emergency: event.emergency.map_or("", CaseState::as_str).to_owned(),
    }
}

/// Reads the name of an event: which log, and which leaf.
pub(crate) fn place(name: &str) -> Result<(usize, u64), Status> {
    let place = name.strip_prefix("accessEvents/").and_then(|place| {
        let (log, leaf) = place.split_once('-')?;
        Some((log.parse().ok()?, leaf.parse().ok()?))
    });
    place.ok_or_else(|| invalid("name", "must be of the form accessEvents/{event}"))
}

/// Returns that an agency holds a record.
pub(crate) fn holding(own: &OwnHolding) -> pb::Holding {
    pb::Holding {
        agency: own.holding.agency.to_string(),
        agency_label: Some(label(&own.agency_label)),
        source: own.holding.source.to_string(),
        stream: own.holding.stream.to_string(),
        observed_at: Some(timestamp(own.holding.observed_at)),
    }
}

/// Returns what a citizen says is wrong.
pub(crate) fn correction(correction: &Correction) -> pb::CorrectionRequest {
    let stored = &correction.stored;
    let state = match stored.state {
        CorrectionState::Asked => pb::CorrectionState::Asked,
        CorrectionState::Corrected => pb::CorrectionState::Corrected,
        CorrectionState::Refused => pb::CorrectionState::Refused,
    };
    pb::CorrectionRequest {
        name: format!("correctionRequests/{}", stored.number),
        agency: stored.agency.to_string(),
        agency_label: Some(label(&correction.agency_label)),
        source: stored.source.to_string(),
        stream: stored.stream.to_string(),
        record_key: stored.record_key.expose().clone(),
        attribute: stored.attribute.to_string(),
        wrong: stored.wrong.expose().clone(),
        evidence: stored.evidence.clone(),
        state: state.into(),
        answer: stored.answer.clone(),
        created_at: Some(timestamp(stored.created_at)),
        updated_at: Some(timestamp(stored.updated_at)),
    }
}

fn label(label: &Label) -> common::Label {
    common::Label {
        en: label.en.clone(),
        ar: label.ar.clone(),
    }
}
