//! Agreements, permissions and the register, as they are answered.

use rabt_policy::{Assurance, Channel, Permission, PublicService};
use rabt_proto::agreement as pb;
use rabt_proto::common::AssuranceLevel;
use rabt_service::AgreementState as Held;
use rabt_service::agreement::{AgreementView, RegisterEntry, Simulated, Standing};

use super::{label, timestamp};

pub(crate) fn agreement_of(view: &AgreementView) -> pb::Agreement {
    let stored = &view.stored;
    let (held_version, held) = match view.held {
        Some((version, standing)) => (version, state(standing)),
        None => (0, pb::AgreementState::Unspecified),
    };
    pb::Agreement {
        name: format!("agreements/{}", stored.id),
        title: Some(label(view.agreement.title())),
        agency: view.agreement.agency().to_string(),
        version: stored.version,
        state: state(view.standing).into(),
        held_version,
        held_state: held.into(),
        text: stored.text.clone(),
        author: stored.author.clone(),
        approver: stored.approver.clone().unwrap_or_default(),
        actor: stored.actor.clone(),
        reason: stored.reason.clone(),
        create_time: Some(timestamp(stored.created_at)),
        update_time: Some(timestamp(stored.updated_at)),
        etag: view.etag.clone(),
    }
}

const fn state(standing: Standing) -> pb::AgreementState {
    match standing {
        Standing::Expired => pb::AgreementState::Expired,
        Standing::Is(Held::Draft) => pb::AgreementState::Draft,
        Standing::Is(Held::Approved) => pb::AgreementState::Approved,
        Standing::Is(Held::Active) => pb::AgreementState::Active,
        Standing::Is(Held::Suspended) => pb::AgreementState::Suspended,
        Standing::Is(Held::Ended) => pb::AgreementState::Ended,
        Standing::Is(Held::Withdrawn) => pb::AgreementState::Withdrawn,
    }
}

pub(crate) fn simulated(said: &Simulated) -> pb::SimulatePolicyResponse {
    match said {
        Simulated::Permitted(fields) => pb::SimulatePolicyResponse {
            permitted: true,
            fields: fields.patterns(),
            ..pb::SimulatePolicyResponse::default()
        },
        Simulated::Denied(reason) => pb::SimulatePolicyResponse {
            permitted: false,
            reason: reason.code().to_owned(),
            explanation: Some(label(&reason.label())),
            ..pb::SimulatePolicyResponse::default()
        },
    }
}

pub(crate) fn permission(permission: &Permission) -> pb::Permission {
    let methods = permission.methods.iter();
    pb::Permission {
        agreement: permission.agreement.to_string(),
        title: Some(label(&permission.title)),
        service: permission.service.clone(),
        channel: permission.channel.as_str().to_owned(),
        methods: methods.map(|method| method.as_str().to_owned()).collect(),
        purposes: permission.purposes.clone(),
        legal_bases: permission.legal_bases.clone(),
        minimum_assurance: level(permission.minimum_assurance).into(),
        default_fields: permission.default.patterns(),
        maximum_fields: permission.maximum.patterns(),
        until: permission.period.until().to_string(),
    }
}

pub(crate) fn service(service: &PublicService) -> pb::PublicService {
    pb::PublicService {
        id: service.id().to_owned(),
        title: Some(label(service.title())),
        agency: service.agency().to_string(),
        channels: service
            .channels()
            .map(Channel::as_str)
            .map(str::to_owned)
            .collect(),
        legal_bases: service.legal_bases().to_vec(),
        minimum_assurance: level(service.minimum_assurance()).into(),
        fields: service.fields().patterns(),
    }
}

pub(crate) fn register_entry(entry: &RegisterEntry) -> pb::RegisterEntry {
    let (author, approver) = entry.signed.clone();
    let owned = |texts: &[&'static str]| texts.iter().map(|text| (*text).to_owned()).collect();
    pb::RegisterEntry {
        agreement: entry.agreement.clone(),
        title: Some(label(&entry.title)),
        state: state(entry.standing).into(),
        recipient: Some(label(&entry.recipient)),
        systems: entry.systems.clone(),
        methods: owned(&entry.methods),
        purposes: entry.purposes.clone(),
        legal_bases: entry.legal_bases.clone(),
        services: entry.services.iter().map(label).collect(),
        channels: owned(&entry.channels),
        categories: entry.categories.clone(),
        retention_days: entry.retention_days.unwrap_or_default(),
        period: entry.period.clone(),
        author,
        approver,
        restricted_sources: entry.restricted_sources.clone(),
    }
}

const fn level(assurance: Assurance) -> AssuranceLevel {
    match assurance {
        Assurance::None => AssuranceLevel::Unspecified,
        Assurance::Low => AssuranceLevel::Low,
        Assurance::Substantial => AssuranceLevel::Substantial,
        Assurance::High => AssuranceLevel::High,
    }
}
