//! A process that runs.
//!
//! Invariant: the process, and every process it started in its group, ends with the value that
//! stands for it.

use std::fmt;
use std::process::ExitStatus;
use std::sync::{Arc, OnceLock};

use rabt_proto::source::source_service_client::SourceServiceClient;
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::COOKIE;

/// A caller of the process.
pub(super) type Client = SourceServiceClient<InterceptedService<Channel, Cookie>>;

/// Shows in each call who calls.
#[derive(Clone)]
pub(super) struct Cookie(pub(super) AsciiMetadataValue);

/// A process that runs. Dropping it kills the process.
pub(super) struct Running {
    pub(super) client: Client,
    pub(super) protocol: u32,
    pub(super) fault: Arc<OnceLock<&'static str>>,
    pub(super) ended: watch::Receiver<Option<ExitStatus>>,
    pub(super) kill: CancellationToken,
}

/// A child with its group. Dropping it kills the group.
pub(super) struct Group(pub(super) Child);

impl Interceptor for Cookie {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(COOKIE, self.0.clone());
        Ok(request)
    }
}

impl Running {
    /// Says whether the process has ended, or will at once.
    pub(super) fn is_over(&self) -> bool {
        self.kill.is_cancelled() || self.ended.borrow().is_some()
    }

    /// Waits until the process has ended.
    pub(super) async fn ended(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await;
        status.ok().and_then(|status| *status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill.cancel();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("over", &self.is_over())
            .finish_non_exhaustive()
    }
}

impl Group {
    fn kill(&mut self) {
        // The id is there as long as nobody has waited for the child, so it is nobody else's.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = id.and_then(Pid::from_raw) {
            // It fails when all of the group have ended.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for the end of a process or of the wish for it; holds what the process lives on.
pub(super) async fn keep(
    mut group: Group,
    lifeline: ChildStdin,
    folder: TempDir,
    kill: CancellationToken,
    ended: watch::Sender<Option<ExitStatus>>,
) {
    let status = tokio::select! {
        status = group.0.wait() => status,
        () = kill.cancelled() => {
            group.kill();
            group.0.wait().await
        }
    };
    drop(lifeline);
    drop(folder);
    ended.send_replace(status.ok());
}
