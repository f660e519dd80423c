//! From disclosures to messages.
//!
//! Invariant: every function that another module can call and that gives values of citizens starts
//! from an audited disclosure or an audited task, or from the draft of one, which service lends for its digest;
//! there is no way here from a profile alone.

pub(crate) mod agreement;
mod change;
pub(crate) mod evidence;
pub(crate) mod look;
mod parts;
mod quality;
mod review;
pub(crate) mod source;
pub(crate) mod transparency;
mod value;

use rabt_model::{ErrorClass, Label};
use rabt_policy::{Band, Candidate, Content, Explained, ExplainedOther, Verdict};
use rabt_proto::{citizen, common};
use rabt_service::enquiry::Told;
use tonic::Status;

use crate::status::status;
pub(crate) use change::{changes, kinds, revisions, snapshot};
pub(crate) use parts::parts;
pub(crate) use quality::quality;
pub(crate) use review::{
    decision, detail, explanation_of, outcome, preview, review_kind, shadow, task,
};
pub(crate) use value::timestamp;

/// Returns the citizen of an answer. An answer without one is refused like a forbidden question.
pub(crate) fn citizen(answer: &impl Told) -> Result<common::Citizen, Status> {
    let content = answer.content();
    let Content::Citizen {
        citizen,
        values,
        etag,
    } = content
    else {
        return Err(unanswered(content));
    };
    Ok(value::citizen(*citizen, values, etag))
}

/// Returns the candidates of a search, best first.
pub(crate) fn candidates(answer: &impl Told) -> Result<Vec<citizen::Candidate>, Status> {
    let content = answer.content();
    let Content::Candidates(candidates) = content else {
        return Err(unanswered(content));
    };
    Ok(candidates.iter().map(candidate).collect())
}

/// Returns one verdict for each claim.
pub(crate) fn verdicts(answer: &impl Told) -> Result<Vec<citizen::AttributeVerdict>, Status> {
    let content = answer.content();
    let Content::Verified(verdicts) = content else {
        return Err(unanswered(content));
    };
    Ok(verdicts.iter().map(verdict).collect())
}

/// Returns who holds records.
pub(crate) fn source_references(
    answer: &impl Told,
) -> Result<Vec<citizen::SourceReference>, Status> {
    let content = answer.content();
    let Content::Holdings { holdings, .. } = content else {
        return Err(unanswered(content));
    };
    Ok(holdings.iter().map(value::source_reference).collect())
}

/// Returns where values come from, and the others.
pub(crate) fn explained(answer: &impl Told) -> Result<citizen::ExplainFieldResponse, Status> {
    let content = answer.content();
    let Content::Explained { values, others, .. } = content else {
        return Err(unanswered(content));
    };
    Ok(citizen::ExplainFieldResponse {
        explanations: values.iter().map(explanation).collect(),
        others: others.iter().map(other_value).collect(),
    })
}

/// Returns the status of an answer that does not hold what was asked for: there is no such citizen,
/// which the caller cannot tell from a denial, or the answer is of another kind, which is a fault.
fn unanswered(content: &Content) -> Status {
    match content {
        Content::Absent => status(ErrorClass::NotPermitted, ""),
        Content::Citizen { .. }
        | Content::Verified(_)
        | Content::Holdings { .. }
        | Content::Candidates(_)
        | Content::Changes(_)
        | Content::Snapshot(_)
        | Content::Revisions { .. }
        | Content::Explained { .. } => status(ErrorClass::Defect, ""),
    }
}

fn candidate(candidate: &Candidate) -> citizen::Candidate {
    let found = value::citizen(candidate.citizen, &candidate.values, &candidate.etag);
    let band = match candidate.band {
        Band::High => citizen::ScoreBand::High,
        Band::Medium => citizen::ScoreBand::Medium,
        Band::Low => citizen::ScoreBand::Low,
    };
    citizen::Candidate {
        citizen: Some(found),
        band: band.into(),
    }
}

fn verdict((attribute, verdict): &(String, Verdict)) -> citizen::AttributeVerdict {
    let verdict = match verdict {
        Verdict::Match => citizen::Verdict::Match,
        Verdict::NoMatch => citizen::Verdict::NoMatch,
        Verdict::NotHeld => citizen::Verdict::NotHeld,
    };
    citizen::AttributeVerdict {
        attribute: attribute.clone(),
        verdict: verdict.into(),
    }
}

fn explanation(explained: &Explained) -> citizen::FieldExplanation {
    let attributed = &explained.value;
    citizen::FieldExplanation {
        attribute: attributed.attribute.to_string(),
        value: attributed.value.expose().to_line(),
        provenance: Some(value::provenance(attributed)),
        sentences: explained.sentences.iter().map(label).collect(),
    }
}

fn other_value(explained: &ExplainedOther) -> citizen::OtherValue {
    let other = &explained.other;
    citizen::OtherValue {
        attribute: other.attribute.to_string(),
        value: other.value.expose().to_line(),
        holders: value::holders(other),
        rule: value::rule(other.rule).into(),
        disputes: other.disputes,
        sentences: explained.sentences.iter().map(label).collect(),
    }
}

/// Returns a text in both languages.
pub(crate) fn label(label: &Label) -> common::Label {
    common::Label {
        en: label.en.clone(),
        ar: label.ar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use rabt_policy::{Content, Verdict};
    use rabt_proto::citizen;
    use tonic::Code;

    use super::{unanswered, verdict};

    #[test]
    fn nobody_is_answered_like_a_denial() {
        let nobody = unanswered(&Content::Absent);
        assert_eq!(nobody.code(), Code::PermissionDenied);
        assert_eq!(nobody.message(), "not permitted");
        let fault = unanswered(&Content::Verified(Vec::new()));
        assert_eq!(fault.code(), Code::Internal);
    }

    #[test]
    fn verdicts_keep_the_claimed_attribute() {
        let told = verdict(&("birth.date".to_owned(), Verdict::NoMatch));
        assert_eq!(told.attribute, "birth.date");
        assert_eq!(told.verdict(), citizen::Verdict::NoMatch);
    }
}
