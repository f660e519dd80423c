//! From names, numbers and page tokens of requests to what use cases take.

use rabt_model::{CitizenId, DecisionNumber, Judgement, RecordNumber, TaskNumber, Timestamp};
use rabt_policy::Caller;
use rabt_proto::linkage;
use rabt_proto::linkage::ListReviewTasksRequest;
use rabt_service::review::{DecisionView, TaskFilter, TaskPlace, TaskView, person};
use tonic::Status;

use crate::convert::review_kind;
use crate::status::invalid;

/// Returns the number of the task that a request names.
pub(super) fn task_number(name: &str) -> Result<TaskNumber, Status> {
    let number = name.strip_prefix("reviewTasks/").and_then(number);
    let number = number.ok_or_else(|| invalid("name", "must be of the form reviewTasks/{task}"))?;
    Ok(TaskNumber(number))
}

/// Returns the number of the decision that a request names.
pub(super) fn decision_number(name: &str) -> Result<DecisionNumber, Status> {
    let number = name.strip_prefix("decisions/").and_then(number);
    let number =
        number.ok_or_else(|| invalid("name", "must be of the form decisions/{decision}"))?;
    Ok(DecisionNumber(number))
}

/// Returns the citizen that a field names.
pub(super) fn citizen(field: &str, name: &str) -> Result<CitizenId, Status> {
    let id = name.strip_prefix("citizens/");
    let id = id.and_then(|id| id.parse().ok());
    id.ok_or_else(|| invalid(field, "must be of the form citizens/{citizen}"))
}

/// Returns the record that a field names.
pub(super) fn record(field: &str, text: &str) -> Result<RecordNumber, Status> {
    let number = number(text).ok_or_else(|| invalid(field, "must be the number of a record"))?;
    Ok(RecordNumber(number))
}

/// Returns the records that a request names.
pub(super) fn records(texts: &[String]) -> Result<Vec<RecordNumber>, Status> {
    texts.iter().map(|text| record("records", text)).collect()
}

/// Returns the answer to a task.
pub(super) fn judgement(asked: linkage::Judgement) -> Result<Judgement, Status> {
    match asked {
        linkage::Judgement::Same => Ok(Judgement::Same),
        linkage::Judgement::Different => Ok(Judgement::Different),
        linkage::Judgement::Ignore => Ok(Judgement::Ignore),
        linkage::Judgement::Unspecified => {
            Err(invalid("judgement", "must be same, different or ignore"))
        }
    }
}

/// Returns which tasks a request means.
pub(super) fn filter(
    caller: &Caller,
    message: &ListReviewTasksRequest,
    now: Timestamp,
) -> Result<TaskFilter, Status> {
    let kind = match linkage::ReviewKind::try_from(message.kind) {
        Ok(linkage::ReviewKind::Unspecified) => None,
        Ok(kind) => review_kind(kind),
        Err(_) => return Err(invalid("kind", "must be a kind of task, or unspecified")),
    };
    Ok(TaskFilter {
        kind,
        free_at: message.only_free.then_some(now),
        claimed_by: message.mine.then(|| person(caller)),
    })
}

/// Packs the place of a task for a page token: worth, weight, number.
pub(super) fn task_place(view: &TaskView) -> u128 {
    let place = view.place();
    let high = (u64::from(place.worth) << 32) | u64::from(place.weight.cast_unsigned());
    (u128::from(high) << 64) | u128::from(place.number.0.cast_unsigned())
}

/// Unpacks the place of a task.
pub(super) fn tasks_after(packed: u128) -> TaskPlace {
    let bytes = packed.to_be_bytes();
    let [w0, w1, w2, w3, b0, b1, b2, b3, number @ ..] = bytes;
    TaskPlace {
        worth: u32::from_be_bytes([w0, w1, w2, w3]),
        weight: i32::from_be_bytes([b0, b1, b2, b3]),
        number: TaskNumber(i64::from_be_bytes(number)),
    }
}

/// Packs the number of a decision for a page token.
pub(super) fn decision_place(view: &DecisionView) -> u128 {
    u128::from(view.number.0.cast_unsigned())
}

/// Unpacks the number of a decision.
pub(super) fn decision_before(packed: u128) -> DecisionNumber {
    DecisionNumber(i64::try_from(packed).unwrap_or(i64::MAX))
}

/// Reads a number in decimal digits and nothing else.
fn number(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use rabt_model::{RecordNumber, ReviewKind, TaskNumber};
    use rabt_service::review::{NewTask, TaskPlace, TaskView};
    use tonic::Code;

    use super::{citizen, decision_number, record, task_number, task_place, tasks_after};

    #[test]
    fn names_are_checked() {
        assert_eq!(task_number("reviewTasks/12").unwrap(), TaskNumber(12));
        for name in [
            "",
            "12",
            "reviewTasks/",
            "reviewTasks/+1",
            "reviewTasks/1/x",
        ] {
            assert_eq!(task_number(name).unwrap_err().code(), Code::InvalidArgument);
        }
        assert!(decision_number("decisions/x").is_err());
        assert!(citizen("citizen", "citizens/x").is_err());
        assert!(citizen("citizen", &format!("citizens/{}", "0".repeat(26))).is_ok());
        let status = record("records", "-4").unwrap_err();
        assert_eq!(status.message(), "records must be the number of a record");
    }

    #[test]
    fn places_survive_a_token() {
        let citizen = "0".repeat(26).parse().unwrap();
        for (worth, weight, number) in [(0, 0, 1), (7, -12_345, 9), (u32::MAX, i32::MIN, i64::MAX)]
        {
            let view = TaskView {
                number: TaskNumber(number),
                created_at: "2026-06-01T10:00:00Z".parse().unwrap(),
                task: NewTask {
                    kind: ReviewKind::Band,
                    left: (RecordNumber(1), citizen),
                    right: (RecordNumber(2), citizen),
                    weight,
                    pairs: 1,
                    worth,
                },
                claim: None,
                proposal: None,
            };
            let place = TaskPlace {
                worth,
                weight,
                number: TaskNumber(number),
            };
            assert_eq!(tasks_after(task_place(&view)), place);
        }
    }
}
