//! Running one case outside of a test.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use rabt_model::Label;
use tokio::time::timeout;

use crate::compliance::{Case, Subject};

/// Most characters of a reason that are shown: a case compares whole tables.
const SHOWN: usize = 600;

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The kind complies.
    Passed,
    /// It was not tried, for this reason.
    Skipped(Label),
    /// The kind does not comply; what was found.
    Failed(String),
}

/// Tries a case for as long as `limit`. A panic is its failure; who calls this keeps the panic hook
/// silent.
pub async fn conform(case: &Case, subject: &dyn Subject, limit: Duration) -> Ended {
    let tried = AssertUnwindSafe((case.run)(subject)).catch_unwind();
    match timeout(limit, tried).await {
        Ok(Ok(Ok(()))) => Ended::Passed,
        Ok(Ok(Err(skipped))) => Ended::Skipped(skipped.0),
        Ok(Err(panic)) => Ended::Failed(said(panic.as_ref())),
        Err(_) => Ended::Failed(format!("did not end within {limit:?}")),
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("panicked without a word");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
