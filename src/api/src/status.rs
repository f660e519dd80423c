//! The one table from our error classes to gRPC statuses.
//!
//! Invariant: every error that leaves carries `ErrorInfo{reason, domain = "rabt"}` of its class, and
//! [`ErrorClass::NotPermitted`] always leaves with the same words.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use rabt_model::ErrorClass;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tracing::error;

/// The domain of every `ErrorInfo`.
pub(crate) const DOMAIN: &str = "rabt";

/// Longest message, bytes. It travels twice in headers, which clients limit to 16 KiB together.
const LONGEST_MESSAGE: usize = 3_000;

/// Returns the status of a class of errors. `message` must hold no personal data.
pub(crate) fn status(class: ErrorClass, message: &str) -> Status {
    let message = public_message(class, message);
    Status::with_error_details(code(class), message, details(class))
}

/// Returns the status of a failed use case. A fault of ours is logged here, the one place where it
/// is handled; the caller reads nothing of it.
pub(crate) fn of_error(class: ErrorClass, error: &dyn fmt::Display) -> Status {
    if class == ErrorClass::Defect {
        error!(%error, "request failed");
    }
    status(class, &error.to_string())
}

/// Returns the status of a request with a malformed field. `field` is its path in the message,
/// `description` what it must be; neither repeats the value.
pub(crate) fn invalid(field: &str, description: &str) -> Status {
    let mut details = details(ErrorClass::InvalidRequest);
    details.add_bad_request_violation(field, description);
    let message = format!("{field} {description}");
    Status::with_error_details(code(ErrorClass::InvalidRequest), message, details)
}

/// Returns the status of texts with problems: each is a violation with its place, as many as fit.
pub(crate) fn problems(message: &str, problems: &[(String, String)]) -> Status {
    let class = ErrorClass::InvalidRequest;
    let mut details = details(class);
    let mut room = LONGEST_MESSAGE;
    for (place, problem) in problems {
        let Some(left) = room.checked_sub(place.len() + problem.len()) else {
            break;
        };
        room = left;
        details.add_bad_request_violation(place, problem);
    }
    Status::with_error_details(code(class), public_message(class, message), details)
}

/// Returns the status of a request that outlived its deadline: gRPC's own, outside the table.
pub(crate) fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("the deadline passed before the answer was ready")
}

/// Returns the status of a request that its caller may repeat after a while.
pub(crate) fn quota_exceeded(message: &str, wait: Duration) -> Status {
    let mut details = details(ErrorClass::QuotaExceeded);
    details.set_retry_info(Some(wait));
    Status::with_error_details(code(ErrorClass::QuotaExceeded), message, details)
}

/// Returns the gRPC code of a class.
pub(crate) fn code(class: ErrorClass) -> Code {
    match class {
        ErrorClass::NotPermitted => Code::PermissionDenied,
        ErrorClass::AgreementNotActive
        | ErrorClass::StepUpRequired
        | ErrorClass::SecondPersonRequired
        | ErrorClass::NotLeading
        | ErrorClass::Configuration => Code::FailedPrecondition,
        ErrorClass::InvalidRequest | ErrorClass::CriteriaTooWeak | ErrorClass::BadIdentifier => {
            Code::InvalidArgument
        }
        ErrorClass::NotFound => Code::NotFound,
        ErrorClass::AlreadyExists => Code::AlreadyExists,
        ErrorClass::EtagMismatch => Code::Aborted,
        ErrorClass::QuotaExceeded | ErrorClass::DisclosureBudgetExceeded => Code::ResourceExhausted,
        ErrorClass::SourceUnreachable | ErrorClass::Overloaded => Code::Unavailable,
        ErrorClass::SequenceExpired => Code::OutOfRange,
        // A class that this table does not know yet is a fault of ours.
        ErrorClass::Defect | _ => Code::Internal,
    }
}

/// Returns what the caller may read: one opaque sentence where a difference would tell something
/// about a citizen or about us.
pub(crate) fn public_message(class: ErrorClass, message: &str) -> String {
    if class == ErrorClass::NotPermitted {
        return "not permitted".to_owned();
    }
    if class == ErrorClass::Defect {
        return "a fault of rabt; give the x-request-id of this answer to its operator".to_owned();
    }
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let end = message.floor_char_boundary(LONGEST_MESSAGE);
    format!("{} … and more", &message[..end])
}

fn details(class: ErrorClass) -> ErrorDetails {
    let mut details = ErrorDetails::with_error_info(class.reason(), DOMAIN, HashMap::new());
    if code(class) == Code::Unavailable {
        details.set_retry_info(Some(Duration::from_secs(1)));
    }
    details
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use rabt_model::ErrorClass;
    use tonic_types::StatusExt;

    use super::{LONGEST_MESSAGE, invalid, status};

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for class in ErrorClass::ALL {
            let status = status(class, "what was wrong");
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            let retry = details.retry_info().and_then(|info| info.retry_delay);
            writeln!(
                table,
                "{:?} | {} | {} | {}{}",
                status.code(),
                info.reason,
                info.domain,
                status.message(),
                retry
                    .map(|wait| format!(" | retry after {wait:?}"))
                    .unwrap_or_default(),
            )
            .unwrap();
        }
        insta::assert_snapshot!("status_table", table);
    }

    #[test]
    fn a_malformed_field_is_named() {
        let status = invalid("page_size", "must not be negative");
        assert_eq!(status.message(), "page_size must not be negative");
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "page_size");
    }

    #[test]
    fn long_messages_fit_into_headers() {
        let long = "م".repeat(LONGEST_MESSAGE);
        let status = status(ErrorClass::Configuration, &long);
        assert!(status.message().len() < LONGEST_MESSAGE + 20);
    }
}
