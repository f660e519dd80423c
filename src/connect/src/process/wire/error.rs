//! Errors.

use rabt_proto::source as pb;

use crate::error::ConnectError;

/// Longest text of an error that is taken, in characters.
const LONGEST: usize = 500;

/// Returns an error as a message.
pub(in crate::process) fn failure(error: &ConnectError) -> pb::Failure {
    let (class, place, what, remedy) = match error {
        ConnectError::Configuration {
            place,
            what,
            remedy,
        } => (pb::Class::Configuration, place, what, remedy.as_str()),
        ConnectError::Transient {
            place,
            what,
            remedy,
        } => (pb::Class::Transient, place, what, remedy.as_str()),
        ConnectError::Data {
            place,
            what,
            remedy,
        } => (pb::Class::Data, place, what, remedy.as_str()),
        ConnectError::Defect { place, what } => (pb::Class::Defect, place, what, ""),
        ConnectError::Cancelled => {
            return pb::Failure {
                class: pb::Class::Cancelled.into(),
                ..pb::Failure::default()
            };
        }
    };
    pb::Failure {
        class: class.into(),
        place: place.clone(),
        what: what.clone(),
        remedy: remedy.to_owned(),
    }
}

/// Returns the error of a message.
pub(in crate::process) fn error_of(failure: &pb::Failure) -> ConnectError {
    let [place, what, remedy] =
        [&failure.place, &failure.what, &failure.remedy].map(|text| shortened(text));
    match failure.class() {
        pb::Class::Configuration => ConnectError::configuration(place, what, remedy),
        pb::Class::Transient => ConnectError::transient(place, what, remedy),
        pb::Class::Data => ConnectError::data(place, what, remedy),
        pb::Class::Defect | pb::Class::Unspecified => ConnectError::defect(place, what),
        pb::Class::Cancelled => ConnectError::Cancelled,
    }
}

/// Returns a text of a process as it may stand in an error: one line of at most 500 characters.
pub(in crate::process) fn shortened(text: &str) -> String {
    let mut clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = clean.by_ref().take(LONGEST).collect();
    if clean.next().is_some() {
        short.push('…');
    }
    short
}
