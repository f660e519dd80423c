//! Agreements and rights, as rows for people and objects for programs.

use jiff::Timestamp;
use rabt_proto::agreement as pb;
use rabt_proto::common::{AssuranceLevel, Label};
use serde::Serialize;

use crate::render::table;

/// A name in both languages.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Name {
    pub(super) en: String,
    pub(super) ar: String,
}

/// Agreements.
#[derive(Debug, Serialize)]
pub(super) struct Agreements {
    agreements: Vec<AgreementView>,
}

/// One agreement.
#[derive(Debug, Serialize)]
pub(super) struct AgreementView {
    pub(super) agreement: String,
    title: Name,
    agency: String,
    version: u32,
    state: &'static str,
    held_version: Option<u32>,
    held_state: Option<&'static str>,
    author: String,
    approver: String,
    actor: String,
    reason: String,
    created_at: String,
    updated_at: String,
    pub(super) etag: String,
    text: String,
}

/// What policy would say.
#[derive(Debug, Serialize)]
pub(super) struct Simulated {
    permitted: bool,
    reason: String,
    explanation: Option<Name>,
    fields: Vec<String>,
}

/// What the caller may ask.
#[derive(Debug, Serialize)]
pub(super) struct Permissions {
    permissions: Vec<Permission>,
}

#[derive(Debug, Serialize)]
struct Permission {
    agreement: String,
    service: String,
    channel: String,
    methods: Vec<String>,
    purposes: Vec<String>,
    legal_bases: Vec<String>,
    minimum_assurance: &'static str,
    default_fields: Vec<String>,
    maximum_fields: Vec<String>,
    until: String,
}

/// The catalogue of public services.
#[derive(Debug, Serialize)]
pub(super) struct Services {
    services: Vec<Service>,
}

#[derive(Debug, Serialize)]
struct Service {
    id: String,
    title: Name,
    agency: String,
    channels: Vec<String>,
    legal_bases: Vec<String>,
    minimum_assurance: &'static str,
    fields: Vec<String>,
}

impl Name {
    pub(super) fn of(label: &Label) -> Self {
        Self {
            en: label.en.clone(),
            ar: label.ar.clone(),
        }
    }
}

impl Agreements {
    pub(super) fn of(agreements: &[pb::Agreement]) -> Self {
        Self {
            agreements: agreements.iter().map(AgreementView::of).collect(),
        }
    }

    pub(super) fn to_text(&self) -> String {
        if self.agreements.is_empty() {
            return "There is no agreement; hand one in with `rabt agreement new`.".to_owned();
        }
        let rows = self.agreements.iter().map(AgreementView::row);
        let head = [
            "agreement",
            "agency",
            "title",
            "version",
            "state",
            "in force",
        ];
        table(&head, rows)
    }
}

impl AgreementView {
    pub(super) fn of(agreement: &pb::Agreement) -> Self {
        let held = (agreement.held_version > 0).then_some(agreement.held_version);
        Self {
            agreement: super::id_of(&agreement.name).to_owned(),
            title: Name::of(&agreement.title.clone().unwrap_or_default()),
            agency: agreement.agency.clone(),
            version: agreement.version,
            state: state_name(agreement.state()),
            held_version: held,
            held_state: held.map(|_| state_name(agreement.held_state())),
            author: agreement.author.clone(),
            approver: agreement.approver.clone(),
            actor: agreement.actor.clone(),
            reason: agreement.reason.clone(),
            created_at: time(agreement.create_time.as_ref()),
            updated_at: time(agreement.update_time.as_ref()),
            etag: agreement.etag.clone(),
            text: agreement.text.clone(),
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.agreement.clone(),
            self.agency.clone(),
            format!("{} · {}", self.title.en, self.title.ar),
            self.version.to_string(),
            self.state.to_owned(),
            self.held(),
        ]
    }

    fn held(&self) -> String {
        match (self.held_version, self.held_state) {
            (Some(version), Some("active")) => format!("version {version}"),
            (Some(version), Some(state)) => format!("version {version}, {state}"),
            _ => "-".to_owned(),
        }
    }

    /// Returns where it stands, for one who took a step.
    pub(super) fn to_line(&self) -> String {
        let (id, version, state) = (&self.agreement, self.version, self.state);
        let text = format!(
            "{id} version {version} is {state}; in force: {}",
            self.held()
        );
        format!("{text}\netag {}", self.etag)
    }

    /// Returns all of it.
    pub(super) fn to_text(&self) -> String {
        let approver = match self.approver.as_str() {
            "" => "nobody yet",
            approver => approver,
        };
        let mut text = format!(
            "{}\nhanded in by {}, {}\napproved by {approver}\nlast changed by {}, {}\n",
            self.to_line(),
            self.author,
            self.created_at,
            self.actor,
            self.updated_at
        );
        if !self.reason.is_empty() {
            text = format!("{text}because: {}\n", self.reason);
        }
        format!("{text}\n{}", self.text.trim_end())
    }
}

impl Simulated {
    pub(super) fn of(said: pb::SimulatePolicyResponse) -> Self {
        Self {
            permitted: said.permitted,
            reason: said.reason,
            explanation: said.explanation.as_ref().map(Name::of),
            fields: said.fields,
        }
    }

    pub(super) fn to_text(&self) -> String {
        match &self.explanation {
            Some(why) => format!("denied: {} ({})\n{}", why.en, self.reason, why.ar),
            None => format!(
                "permitted; an answer holds at most: {}",
                self.fields.join(" ")
            ),
        }
    }
}

impl Permissions {
    pub(super) fn of(permissions: Vec<pb::Permission>) -> Self {
        let of = |one: pb::Permission| Permission {
            minimum_assurance: level(one.minimum_assurance()),
            agreement: one.agreement,
            service: one.service,
            channel: one.channel,
            methods: one.methods,
            purposes: one.purposes,
            legal_bases: one.legal_bases,
            default_fields: one.default_fields,
            maximum_fields: one.maximum_fields,
            until: one.until,
        };
        Self {
            permissions: permissions.into_iter().map(of).collect(),
        }
    }

    pub(super) fn to_text(&self) -> String {
        if self.permissions.is_empty() {
            return "This identity may ask nothing about citizens.".to_owned();
        }
        let rows = self.permissions.iter().map(|one| {
            vec![
                one.agreement.clone(),
                one.service.clone(),
                one.channel.clone(),
                one.methods.join("\n"),
                one.maximum_fields.join("\n"),
                one.until.clone(),
            ]
        });
        let head = [
            "agreement",
            "service",
            "channel",
            "may ask",
            "about at most",
            "until",
        ];
        table(&head, rows)
    }
}

impl Services {
    pub(super) fn of(services: Vec<pb::PublicService>) -> Self {
        let of = |one: pb::PublicService| Service {
            minimum_assurance: level(one.minimum_assurance()),
            title: Name::of(&one.title.unwrap_or_default()),
            id: one.id,
            agency: one.agency,
            channels: one.channels,
            legal_bases: one.legal_bases,
            fields: one.fields,
        };
        Self {
            services: services.into_iter().map(of).collect(),
        }
    }

    pub(super) fn to_text(&self) -> String {
        let rows = self.services.iter().map(|one| {
            vec![
                one.id.clone(),
                format!("{} · {}", one.title.en, one.title.ar),
                one.agency.clone(),
                one.channels.join(" "),
                one.minimum_assurance.to_owned(),
            ]
        });
        table(
            &["service", "title", "agency", "channels", "assurance"],
            rows,
        )
    }
}

pub(super) const fn state_name(state: pb::AgreementState) -> &'static str {
    match state {
        pb::AgreementState::Unspecified => "unknown",
        pb::AgreementState::Draft => "draft",
        pb::AgreementState::Approved => "approved",
        pb::AgreementState::Active => "active",
        pb::AgreementState::Suspended => "suspended",
        pb::AgreementState::Expired => "expired",
        pb::AgreementState::Ended => "ended",
        pb::AgreementState::Withdrawn => "withdrawn",
    }
}

const fn level(level: AssuranceLevel) -> &'static str {
    match level {
        AssuranceLevel::Unspecified => "none",
        AssuranceLevel::Low => "low",
        AssuranceLevel::Substantial => "substantial",
        AssuranceLevel::High => "high",
    }
}

/// Returns a time as people and programs read it; empty when there is none.
pub(super) fn time(time: Option<&prost_types::Timestamp>) -> String {
    let time = time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok());
    time.map_or_else(String::new, |time| time.to_string())
}
