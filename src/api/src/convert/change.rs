//! From what was told of the feed to messages.

use rabt_model::{Change, ChangeCause, ChangeKind, RecordNumber};
use rabt_policy::{Content, Disclosure, KnownRevision, ToldChange};
use rabt_proto::{change, citizen, common};
use rabt_service::Audited;
use rabt_service::enquiry::Told;
use tonic::Status;

use super::{timestamp, unanswered, value};

/// Returns the changes of a page.
pub(crate) fn changes(answer: &Audited<Disclosure>) -> Result<Vec<change::Change>, Status> {
    let content = answer.content();
    let Content::Changes(told) = content else {
        return Err(unanswered(content));
    };
    Ok(told.iter().map(one).collect())
}

/// Returns the citizens of a page of a snapshot.
pub(crate) fn snapshot(answer: &Audited<Disclosure>) -> Result<Vec<common::Citizen>, Status> {
    let content = answer.content();
    let Content::Snapshot(known) = content else {
        return Err(unanswered(content));
    };
    let known = known.iter();
    Ok(known
        .map(|one| value::citizen(one.citizen, &one.values, &one.etag))
        .collect())
}

/// Returns the revisions of a citizen, the last one first.
pub(crate) fn revisions(answer: &impl Told) -> Result<Vec<citizen::CitizenRevision>, Status> {
    let content = answer.content();
    let Content::Revisions { citizen, revisions } = content else {
        return Err(unanswered(content));
    };
    let revision = |one: &KnownRevision| citizen::CitizenRevision {
        revision: one.revision,
        sequence: one.sequence,
        record_time: Some(timestamp(one.recorded_at)),
        end_time: one.ended_at.map(timestamp),
        citizen: Some(value::citizen(*citizen, &one.values, "")),
    };
    Ok(revisions.iter().map(revision).collect())
}

/// Returns the codes of the kinds that a request names; an unknown one has the empty code, which
/// policy refuses in its turn.
pub(crate) fn kinds(numbers: &[i32]) -> Vec<String> {
    let mut codes = Vec::with_capacity(numbers.len());
    for number in numbers {
        let asked = change::ChangeKind::try_from(*number).ok();
        let kind = ChangeKind::ALL
            .into_iter()
            .find(|kind| Some(of_kind(*kind)) == asked);
        codes.push(kind.map_or_else(String::new, |kind| kind.code().to_owned()));
    }
    codes
}

fn one(told: &ToldChange) -> change::Change {
    change::Change {
        sequence: told.sequence,
        record_time: Some(timestamp(told.recorded_at)),
        ..happened(&told.change)
    }
}

/// Returns a change without its place in the feed.
pub(super) fn happened(happened: &Change) -> change::Change {
    let names = |records: &[RecordNumber]| records.iter().map(|one| one.0.to_string()).collect();
    let other = happened.other.map(|other| format!("citizens/{other}"));
    let attributes = happened.attributes.iter();
    change::Change {
        sequence: 0,
        kind: of_kind(happened.kind).into(),
        citizen: format!("citizens/{}", happened.citizen),
        other_citizen: other.unwrap_or_default(),
        attributes: attributes.map(ToString::to_string).collect(),
        joined_records: names(&happened.joined),
        left_records: names(&happened.left),
        cause: of_cause(happened.cause).into(),
        record_time: None,
        supersedes: happened.supersedes.unwrap_or_default(),
    }
}

fn of_kind(kind: ChangeKind) -> change::ChangeKind {
    use change::ChangeKind as Told;
    match kind {
        ChangeKind::Split => Told::Split,
        ChangeKind::Born => Told::Born,
        ChangeKind::Merged => Told::Merged,
        ChangeKind::Holdings => Told::Holdings,
        ChangeKind::Died => Told::Died,
        ChangeKind::Moved => Told::Moved,
        ChangeKind::NameChanged => Told::NameChanged,
        ChangeKind::IdentifierChanged => Told::IdentifierChanged,
        ChangeKind::Updated => Told::Updated,
        ChangeKind::Corrected => Told::Corrected,
        ChangeKind::Annulled => Told::Annulled,
    }
}

fn of_cause(cause: ChangeCause) -> change::ChangeCause {
    match cause {
        ChangeCause::Link => change::ChangeCause::Link,
        ChangeCause::Deletion => change::ChangeCause::Deletion,
        ChangeCause::Decision => change::ChangeCause::Decision,
        ChangeCause::Rules => change::ChangeCause::Rules,
    }
}

#[cfg(test)]
mod tests {
    use rabt_model::ChangeKind;

    use super::{kinds, of_kind};

    #[test]
    fn kinds_are_known_by_their_numbers() {
        for kind in ChangeKind::ALL {
            let number: i32 = of_kind(kind).into();
            assert_eq!(kinds(&[number]), [kind.code()]);
        }
        assert_eq!(kinds(&[0, 99]), ["", ""]);
    }
}
