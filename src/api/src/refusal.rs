//! A refusal of what people and portals ask for is recorded before it leaves.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::Response;
use rabt_model::ErrorClass;
use rabt_policy::Caller;
use tonic::Status;
use tonic::body::Body;
use tonic_types::StatusExt;

use crate::status::DOMAIN;

/// Records how a call of a method ended; the status is that of a record that could not be made.
pub(crate) type Record = Arc<
    dyn Fn(Caller, &'static str, ErrorClass) -> BoxFuture<'static, Result<(), Status>>
        + Send
        + Sync,
>;

/// Returns the response when its failure, if it is one of the table, is recorded.
pub(crate) async fn recorded(
    record: &Record,
    (caller, method): (Caller, &'static str),
    response: Response<Body>,
) -> Response<Body> {
    let Some(class) = class_of(&response) else {
        return response;
    };
    match record(caller, method, class).await {
        Ok(()) => response,
        Err(unrecorded) => unrecorded.into_http(),
    }
}

/// Returns the class of a failure; `None` for an answer, and for what is not of our table: bytes that are no
/// message ask for nothing.
fn class_of(response: &Response<Body>) -> Option<ErrorClass> {
    let status = Status::from_header_map(response.headers())?;
    let info = status.get_details_error_info()?;
    let known = ErrorClass::ALL.into_iter();
    let mut known = known.filter(|_| info.domain == DOMAIN);
    known.find(|class| class.reason() == info.reason)
}
