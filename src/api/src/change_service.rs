//! `rabt.change.v1.ChangeService`: each method translates in, calls one use case, translates out.
//!
//! Invariant: a watcher's next message is made when the one before it has been taken; nothing is
//! kept for a watcher who does not read.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use rabt_model::ErrorClass;
use rabt_policy::{AccessRequest, Caller, DenialReason, Method, Subject};
use rabt_proto::change::change_service_server::ChangeService;
use rabt_proto::change::{
    ExportSnapshotRequest, ExportSnapshotResponse, ListChangesRequest, ListChangesResponse,
    WatchChangesRequest, WatchChangesResponse,
};
use rabt_proto::common::RequestContext;
use rabt_service::change::{
    CHANGE_PAGE, SNAPSHOT_PAGE, Step, Watch, export_snapshot, list_changes,
};
use rabt_service::{EnquiryError, Services};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::authn::calling;
use crate::limit::{CallerGauges, Gauge, OwnedPlace};
use crate::request::Question;
use crate::status::{invalid, of_error, status};
use crate::{Limits, convert};

/// Items of a page when the caller does not say.
const USUAL: u32 = 100;
/// Seconds between signs of life when the caller does not say.
const HEARTBEAT: u32 = 10;
/// Most seconds between signs of life.
const LONGEST_HEARTBEAT: u32 = 60;

/// Tells agencies what happened.
pub(crate) struct Changes {
    services: Arc<Services>,
    watchers: Arc<Gauge>,
    watchers_of: CallerGauges,
    shutdown: CancellationToken,
}

impl Changes {
    pub(crate) fn new(
        services: Arc<Services>,
        limits: &Limits,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            services,
            watchers: Gauge::new(limits.watchers),
            watchers_of: CallerGauges::new(limits.watchers_per_caller),
            shutdown,
        }
    }

    fn question(
        &self,
        caller: Caller,
        method: Method,
        context: Option<RequestContext>,
        mask: Option<prost_types::FieldMask>,
        kinds: &[i32],
    ) -> Result<AccessRequest, Status> {
        let question = Question::new(caller, method, context, self.services.clock.now())?;
        let kinds = Subject::Feed(convert::kinds(kinds));
        Ok(question.masked(mask).about(kinds))
    }
}

/// The messages of a watch.
type Messages = Pin<Box<dyn Stream<Item = Result<WatchChangesResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ChangeService for Changes {
    type WatchChangesStream = Messages;

    async fn list_changes(
        &self,
        request: Request<ListChangesRequest>,
    ) -> Result<Response<ListChangesResponse>, Status> {
        let (caller, message) = calling(request)?;
        let limit = size(message.page_size, CHANGE_PAGE)?;
        let mask = message.read_mask;
        let method = Method::ListChanges;
        let access = self.question(caller, method, message.context, mask, &message.kinds)?;
        let page = list_changes(&self.services, access, &message.resume_token, limit).await;
        let page = page.map_err(refuse)?;
        Ok(Response::new(ListChangesResponse {
            changes: convert::changes(&page.told)?,
            resume_token: page.resume,
            end: page.end,
        }))
    }

    async fn watch_changes(
        &self,
        request: Request<WatchChangesRequest>,
    ) -> Result<Response<Messages>, Status> {
        let (caller, message) = calling(request)?;
        let seconds = match message.heartbeat_seconds {
            0 => HEARTBEAT,
            asked => asked.min(LONGEST_HEARTBEAT),
        };
        let mask = message.read_mask;
        let method = Method::WatchChanges;
        let access = self.question(caller, method, message.context, mask, &message.kinds)?;
        let heartbeat = Duration::from_secs(seconds.into());
        let resume = &message.resume_token;
        let Some(of_node) = self.watchers.enter_owned() else {
            let remedy = "the node has too many watchers; try again later, or list changes";
            return Err(status(ErrorClass::Overloaded, remedy));
        };
        let gauge = self.watchers_of.of(&name_of(&access.caller));
        let Some(of_caller) = gauge.enter_owned() else {
            return Err(refuse(Watch::refuse(&self.services, access).await));
        };
        let watch = Watch::begin(&self.services, access, resume, heartbeat).await;
        let watching = Watching {
            watch: watch.map_err(refuse)?,
            shutdown: self.shutdown.clone(),
            _places: [of_node, of_caller],
        };
        let messages = futures::stream::unfold(Some(watching), |watching| async move {
            let mut watching = watching?;
            let message = watching.next().await;
            let on = message.is_ok().then_some(watching);
            Some((message, on))
        });
        Ok(Response::new(Box::pin(messages)))
    }

    async fn export_snapshot(
        &self,
        request: Request<ExportSnapshotRequest>,
    ) -> Result<Response<ExportSnapshotResponse>, Status> {
        let (caller, message) = calling(request)?;
        let limit = size(message.page_size, SNAPSHOT_PAGE)?;
        let mask = message.read_mask;
        let access = self.question(caller, Method::ExportSnapshot, message.context, mask, &[])?;
        let page = export_snapshot(&self.services, access, &message.page_token, limit).await;
        let page = page.map_err(|error| refuse_token("page_token", &error))?;
        Ok(Response::new(ExportSnapshotResponse {
            citizens: convert::snapshot(&page.known)?,
            next_page_token: page.next,
            resume_token: page.resume,
        }))
    }
}

/// One watcher: what it waits with, and its places among the node's watchers and the caller's.
struct Watching {
    watch: Watch,
    shutdown: CancellationToken,
    _places: [OwnedPlace; 2],
}

impl Watching {
    async fn next(&mut self) -> Result<WatchChangesResponse, Status> {
        let step = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => {
                let remedy = "the node stops; go on at another one with the last resume token";
                return Err(status(ErrorClass::Overloaded, remedy));
            }
            step = self.watch.next() => step.map_err(refuse)?,
        };
        match step {
            Step::Changes(told, resume_token) => Ok(WatchChangesResponse {
                changes: convert::changes(&told)?,
                resume_token,
            }),
            Step::Heartbeat(resume_token) => Ok(WatchChangesResponse {
                changes: Vec::new(),
                resume_token,
            }),
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants; the error ends here"
)]
fn refuse(error: EnquiryError) -> Status {
    refuse_token("resume_token", &error)
}

/// Returns the status of an error; `token` is the field that a token of the request came in.
fn refuse_token(token: &str, error: &EnquiryError) -> Status {
    if let EnquiryError::Denied(denial) = error
        && denial.reason() == DenialReason::BadToken
    {
        return invalid(token, "is not one that was given to this caller");
    }
    of_error(error.class(), error)
}

/// Returns what all connections of one caller have in common.
fn name_of(caller: &Caller) -> String {
    format!(
        "{}:{}:{}",
        caller.agency,
        caller.system,
        caller.role.as_str()
    )
}

fn size(asked: i32, most: u32) -> Result<u32, Status> {
    match u32::try_from(asked) {
        Ok(0) => Ok(USUAL),
        Ok(asked) => Ok(asked.min(most)),
        Err(_) => Err(invalid("page_size", "must not be negative")),
    }
}
