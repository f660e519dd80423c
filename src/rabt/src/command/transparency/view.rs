//! What citizens see, as rows for people and objects for programs.

use rabt_proto::common;
use rabt_proto::transparency as pb;
use serde::Serialize;

use crate::command::citizen::instant;
use crate::render::table;

/// A text in both languages.
#[derive(Debug, Serialize)]
struct Words {
    en: String,
    ar: String,
}

/// Who asked.
#[derive(Debug, Serialize)]
pub(super) struct Events {
    events: Vec<Row>,
    archived_before: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    event: String,
    occurred_at: String,
    agency: String,
    agency_label: Words,
    agreement: String,
    agreement_title: Option<Words>,
    purpose: String,
    legal_basis: String,
    service: String,
    channel: String,
    outcome: String,
    attributes: Vec<String>,
    own: bool,
    has_receipt: bool,
    emergency: String,
}

impl Row {
    /// Returns how it ended; of an emergency also what was said to it.
    fn outcome_and_emergency(&self) -> String {
        let said = match self.emergency.as_str() {
            "" => return self.outcome.clone(),
            "open" => "not yet reviewed / لم تُراجع بعد",
            "confirmed" => "confirmed / مؤكدة",
            _ => "disputed / معترض عليها",
        };
        format!("{}, emergency / طوارئ: {said}", self.outcome)
    }
}

impl Events {
    pub(super) fn of(
        events: &[pb::AccessEvent],
        archived_before: Option<&prost_types::Timestamp>,
    ) -> Self {
        let event = |event: &pb::AccessEvent| Row {
            event: id(&event.name, "accessEvents/"),
            occurred_at: instant(event.occurred_at.as_ref()).unwrap_or_default(),
            agency: event.agency.clone(),
            agency_label: words(event.agency_label.as_ref()),
            agreement: event.agreement.clone(),
            agreement_title: event
                .agreement_title
                .as_ref()
                .map(|title| words(Some(title))),
            purpose: event.purpose.clone(),
            legal_basis: event.legal_basis.clone(),
            service: event.service.clone(),
            channel: event.channel.clone(),
            outcome: event.outcome.clone(),
            attributes: event.attributes.clone(),
            own: event.own,
            has_receipt: event.has_receipt,
            emergency: event.emergency.clone(),
        };
        Self {
            events: events.iter().map(event).collect(),
            archived_before: instant(archived_before),
        }
    }

    pub(super) fn to_text(&self) -> String {
        let listed = self.listed();
        match &self.archived_before {
            None => listed,
            Some(at) => format!(
                "{listed}\nevents of up to {at} may be in the archive, and are not listed\n\
                 قد تكون الأحداث حتى {at} في الأرشيف، وهي غير مدرجة هنا"
            ),
        }
    }

    fn listed(&self) -> String {
        if self.events.is_empty() {
            return "nobody asked".to_owned();
        }
        let rows = self.events.iter().map(|event| {
            vec![
                event.event.clone(),
                event.occurred_at.clone(),
                both(&event.agency_label),
                event.agreement_title.as_ref().map(both).unwrap_or_default(),
                event.purpose.clone(),
                event.legal_basis.clone(),
                event.outcome_and_emergency(),
                event.attributes.join(" "),
            ]
        });
        let head = [
            "event",
            "when",
            "who",
            "agreement",
            "purpose",
            "legal basis",
            "outcome",
            "attributes",
        ];
        table(&head, rows)
    }
}

/// What is not shown yet.
#[derive(Debug, Serialize)]
pub(super) struct Unseen {
    withheld_count: u32,
    next_release_at: Option<String>,
    incomplete: bool,
}

impl Unseen {
    pub(super) fn of(got: &pb::CountWithheldEventsResponse) -> Self {
        Self {
            withheld_count: got.withheld_count,
            next_release_at: instant(got.next_release_at.as_ref()),
            incomplete: got.incomplete,
        }
    }

    pub(super) fn to_text(&self) -> String {
        let more = if self.incomplete { " or more" } else { "" };
        match &self.next_release_at {
            None => "nothing is withheld".to_owned(),
            Some(at) => format!(
                "{}{more} withheld, the next is shown from {at}",
                self.withheld_count
            ),
        }
    }
}

/// What proves an event.
#[derive(Debug, Serialize)]
pub(super) struct Receipt {
    pub(super) receipt: String,
    verifier_key: String,
}

impl Receipt {
    pub(super) fn of(got: pb::GetAccessReceiptResponse) -> Self {
        Self {
            receipt: got.receipt,
            verifier_key: got.verifier_key,
        }
    }
}

/// Who holds a file.
#[derive(Debug, Serialize)]
pub(super) struct Holdings {
    holdings: Vec<Holding>,
}

#[derive(Debug, Serialize)]
struct Holding {
    agency: String,
    agency_label: Words,
    source: String,
    stream: String,
    observed_at: String,
}

impl Holdings {
    pub(super) fn of(holdings: &[pb::Holding]) -> Self {
        let holding = |holding: &pb::Holding| Holding {
            agency: holding.agency.clone(),
            agency_label: words(holding.agency_label.as_ref()),
            source: holding.source.clone(),
            stream: holding.stream.clone(),
            observed_at: instant(holding.observed_at.as_ref()).unwrap_or_default(),
        };
        Self {
            holdings: holdings.iter().map(holding).collect(),
        }
    }

    pub(super) fn to_text(&self) -> String {
        if self.holdings.is_empty() {
            return "nobody holds a file".to_owned();
        }
        let rows = self.holdings.iter().map(|holding| {
            vec![
                both(&holding.agency_label),
                holding.source.clone(),
                holding.stream.clone(),
                holding.observed_at.clone(),
            ]
        });
        table(&["who", "database", "table", "read"], rows)
    }
}

/// What is said to be wrong.
#[derive(Debug, Serialize)]
pub(super) struct Corrections {
    correction_requests: Vec<Correction>,
}

#[derive(Debug, Serialize)]
struct Correction {
    number: String,
    agency: String,
    agency_label: Words,
    source: String,
    stream: String,
    record_key: String,
    attribute: String,
    wrong: String,
    evidence: String,
    state: String,
    answer: String,
    created_at: String,
    updated_at: String,
}

impl Corrections {
    pub(super) fn of(corrections: &[pb::CorrectionRequest]) -> Self {
        let correction = |one: &pb::CorrectionRequest| {
            let state = one.state().as_str_name();
            Correction {
                number: id(&one.name, "correctionRequests/"),
                agency: one.agency.clone(),
                agency_label: words(one.agency_label.as_ref()),
                source: one.source.clone(),
                stream: one.stream.clone(),
                record_key: one.record_key.clone(),
                attribute: one.attribute.clone(),
                wrong: one.wrong.clone(),
                evidence: one.evidence.clone(),
                state: id(state, "CORRECTION_STATE_").to_lowercase(),
                answer: one.answer.clone(),
                created_at: instant(one.created_at.as_ref()).unwrap_or_default(),
                updated_at: instant(one.updated_at.as_ref()).unwrap_or_default(),
            }
        };
        Self {
            correction_requests: corrections.iter().map(correction).collect(),
        }
    }

    pub(super) fn to_text(&self) -> String {
        if self.correction_requests.is_empty() {
            return "nothing is said to be wrong".to_owned();
        }
        let rows = self.correction_requests.iter().map(|one| {
            vec![
                one.number.clone(),
                both(&one.agency_label),
                format!("{}/{} {}", one.source, one.stream, one.record_key),
                one.attribute.clone(),
                one.wrong.clone(),
                one.evidence.clone(),
                one.state.clone(),
                one.answer.clone(),
            ]
        });
        let head = [
            "number",
            "who",
            "record",
            "attribute",
            "wrong",
            "evidence",
            "state",
            "answer",
        ];
        table(&head, rows)
    }
}

fn id(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

fn words(label: Option<&common::Label>) -> Words {
    let label = label.cloned().unwrap_or_default();
    Words {
        en: label.en,
        ar: label.ar,
    }
}

fn both(words: &Words) -> String {
    format!("{} / {}", words.en, words.ar)
}
