//! From messages to questions.
//!
//! Invariant: nothing about the subject is parsed here; it stays as it arrived until policy has
//! permitted the question.

use rabt_model::{Pii, Timestamp};
use rabt_policy::{
    AccessRequest, Assurance, Caller, Criteria, EndUser, Method, RequestContext, Subject,
};
use rabt_proto::{citizen, common};
use tonic::Status;

use crate::status::invalid;

/// What every question has in common.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    caller: Caller,
    method: Method,
    context: RequestContext,
    fields: Option<Vec<String>>,
    at: Timestamp,
}

impl Question {
    /// Translates the circumstances of a question.
    pub(crate) fn new(
        caller: Caller,
        method: Method,
        context: Option<common::RequestContext>,
        at: Timestamp,
    ) -> Result<Self, Status> {
        let context = context.ok_or_else(|| invalid("context", "must be set"))?;
        Ok(Self {
            caller,
            method,
            context: context_of(context),
            fields: None,
            at,
        })
    }

    /// Adds a read mask.
    pub(crate) fn masked(mut self, mask: Option<prost_types::FieldMask>) -> Self {
        self.fields = mask.map(|mask| mask.paths);
        self
    }

    /// Adds the attributes that the question is about.
    pub(crate) fn asking(mut self, attributes: Vec<String>) -> Self {
        self.fields = Some(attributes);
        self
    }

    /// Completes the question.
    pub(crate) fn about(self, subject: Subject) -> AccessRequest {
        AccessRequest {
            caller: self.caller,
            method: self.method,
            context: self.context,
            fields: self.fields,
            subject,
            at: self.at,
        }
    }
}

/// Translates the circumstances of a question.
pub(crate) fn context_of(context: common::RequestContext) -> RequestContext {
    RequestContext {
        agreement: context.agreement,
        purpose: context.purpose,
        legal_basis: context.legal_basis,
        case_reference: context.case_reference,
        end_user: context.end_user.map(|user| EndUser {
            assurance: assurance(user.assurance()),
            id: Pii::new(user.id),
        }),
        represented_party: context.represented_party,
        service: context.service,
        channel: context.channel,
        request_id: context.request_id,
        break_glass: context.break_glass,
    }
}

/// Translates a level; a number outside the enumeration arrives as "unspecified".
pub(crate) fn assurance(level: common::AssuranceLevel) -> Assurance {
    match level {
        common::AssuranceLevel::Unspecified => Assurance::None,
        common::AssuranceLevel::Low => Assurance::Low,
        common::AssuranceLevel::Substantial => Assurance::Substantial,
        common::AssuranceLevel::High => Assurance::High,
    }
}

/// Returns the holder of an identifier as a subject.
pub(crate) fn holder(identifier: Option<common::Identifier>) -> Subject {
    identifier.map_or(Subject::None, |identifier| Subject::Identifier {
        scheme: identifier.scheme,
        value: Pii::new(identifier.value),
    })
}

/// Returns the citizen of a resource name as a subject. The empty text stands for a name that is
/// not of the form `citizens/{citizen}`: it is no id either, and policy refuses it in its turn.
pub(crate) fn named(name: &str) -> Subject {
    let id = name.strip_prefix("citizens/").unwrap_or_default();
    Subject::Citizen(id.to_owned())
}

/// Returns whoever meets criteria as a subject.
pub(crate) fn whoever(criteria: Option<&citizen::SearchCriteria>) -> Subject {
    let Some(criteria) = criteria else {
        return Subject::None;
    };
    if criteria.identifier.is_some() {
        return holder(criteria.identifier.clone());
    }
    let birth = criteria.birth_date.as_ref();
    let only_year = birth.is_some_and(|date| date.month == 0 && date.day == 0);
    let text = birth.map(date_text);
    let (birth_year, birth_date) = if only_year {
        (text, None)
    } else {
        (None, text)
    };
    Subject::Criteria(Pii::new(Criteria {
        name: stated(&criteria.name),
        birth_date,
        birth_year,
        governorate: stated(&criteria.governorate),
        phone: stated(&criteria.phone),
    }))
}

fn stated(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Writes a date as policy reads it; one that the calendar does not have is refused there.
fn date_text(date: &common::PartialDate) -> String {
    let common::PartialDate { year, month, day } = date;
    match (month, day) {
        (0, 0) => format!("{year:04}"),
        (_, 0) => format!("{year:04}-{month:02}"),
        (_, _) => format!("{year:04}-{month:02}-{day:02}"),
    }
}

#[cfg(test)]
mod tests {
    use rabt_policy::Subject;
    use rabt_proto::{citizen, common};

    use super::{named, whoever};

    fn criteria(year: u32, month: u32, day: u32) -> (Option<String>, Option<String>) {
        let criteria = citizen::SearchCriteria {
            birth_date: Some(common::PartialDate { year, month, day }),
            ..Default::default()
        };
        let Subject::Criteria(criteria) = whoever(Some(&criteria)) else {
            panic!("not criteria");
        };
        let criteria = criteria.into_exposed();
        (criteria.birth_year, criteria.birth_date)
    }

    #[test]
    fn a_year_alone_is_a_year_of_birth() {
        assert_eq!(criteria(1984, 0, 0), (Some("1984".to_owned()), None));
        assert_eq!(criteria(1984, 2, 0), (None, Some("1984-02".to_owned())));
        assert_eq!(criteria(1984, 2, 11), (None, Some("1984-02-11".to_owned())));
        assert_eq!(criteria(1984, 0, 11), (None, Some("1984-00-11".to_owned())));
    }

    #[test]
    fn other_names_are_no_citizen_ids() {
        let id = |name| match named(name) {
            Subject::Citizen(id) => id,
            Subject::Identifier { .. }
            | Subject::Criteria(_)
            | Subject::Feed(_)
            | Subject::None => String::new(),
        };
        assert_eq!(id("citizens/abc"), "abc");
        assert_eq!(id("citizens/a/b"), "a/b");
        assert_eq!(id("people/abc"), "");
        assert_eq!(id(""), "");
    }
}
