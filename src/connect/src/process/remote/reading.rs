//! A read, between the stream of a process and the outlet of the host.
//!
//! Invariant: what the host commits is told to the process however busy the host is with its rows, and
//! nothing else is ever told as committed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rabt_proto::source as pb;
use rabt_proto::source::read_request::Message as Asked;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};

use super::Remote;
use crate::error::ConnectError;
use crate::message::{Message, Outlet};
use crate::process::running::Running;
use crate::process::wire::{Misfit, message_of};

/// What a read may say.
pub(super) struct Expected {
    /// The columns of its rows.
    pub(super) names: Arc<[String]>,
    /// Longest time in which it may say nothing.
    pub(super) limit: Duration,
    /// Whether it tells changes, and is told what is committed.
    pub(super) changes: bool,
}

/// Who ended a read.
enum End {
    Process,
    Host,
}

impl Remote {
    /// Opens a read, and hands its messages to the outlet until it ends.
    pub(super) async fn stream(
        &self,
        running: &Running,
        open: pb::Open,
        expected: &Expected,
        outlet: &Outlet,
    ) -> Result<(), ConnectError> {
        let (asking, asked) = mpsc::channel(1);
        // there is room for one
        let _ = asking.send(request(Asked::Open(open))).await;
        let mut client = running.client.clone();
        let opened = client.read(ReceiverStream::new(asked));
        let limit = expected.limit;
        let mut stream = tokio::select! {
            opened = timeout(limit, opened) => match opened {
                Ok(Ok(response)) => response.into_inner(),
                Ok(Err(status)) => return Err(self.failed(running, &status).await),
                Err(_) => return Err(self.silent(running, limit)),
            },
            // the process may not have seen the call, so that dropping it is enough
            () = outlet.cancelled() => return Err(ConnectError::Cancelled),
        };
        let end = tokio::select! {
            end = self.pass(running, &mut stream, expected, outlet) => end?,
            never = tell(&asking, outlet), if expected.changes => match never {},
        };
        match end {
            End::Process => Ok(()),
            End::Host => {
                drop(asking);
                self.wind_down(running, stream).await
            }
        }
    }

    /// Hands on what comes until the process ends the read or the host wants no more.
    async fn pass(
        &self,
        running: &Running,
        stream: &mut Streaming<pb::ReadResponse>,
        expected: &Expected,
        outlet: &Outlet,
    ) -> Result<End, ConnectError> {
        let limit = expected.limit;
        loop {
            let next = tokio::select! {
                next = timeout(limit, stream.message()) => next,
                () = outlet.cancelled() => return Ok(End::Host),
            };
            let response = match next {
                Ok(Ok(Some(response))) => response,
                Ok(Ok(None)) => return Ok(End::Process),
                Ok(Err(status)) => return Err(self.failed(running, &status).await),
                Err(_) => return Err(self.silent(running, limit)),
            };
            let message = match message_of(response, &expected.names) {
                Ok(Ok(message)) => message,
                Ok(Err(error)) => return Err(self.told(error)),
                Err(misfit) => return Err(self.misfit(running, &misfit)),
            };
            if matches!(message, Message::Truncated) && !expected.changes {
                let misfit = Misfit::new("that the table was emptied, in a read of no changes");
                return Err(self.misfit(running, &misfit));
            }
            if outlet.send(message).await.is_err() {
                return Ok(End::Host);
            }
        }
    }

    /// Reads what is still under way until the process has ended the read; kills it when it does not.
    async fn wind_down(
        &self,
        running: &Running,
        mut stream: Streaming<pb::ReadResponse>,
    ) -> Result<(), ConnectError> {
        let grace = self.supervisor.program.limits.grace;
        let rest = async {
            loop {
                match stream.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(status) => return Some(status),
                }
            }
        };
        match timeout(grace, rest).await {
            Ok(None) => Err(ConnectError::Cancelled),
            Ok(Some(status)) if status.code() == Code::Cancelled => Err(ConnectError::Cancelled),
            Ok(Some(status)) => Err(self.failed(running, &status).await),
            Err(_) => {
                running.kill.cancel();
                let what = format!("did not end a read within {grace:?}, and was killed");
                Err(self.supervisor.crashed(&what))
            }
        }
    }
}

/// Tells the process what the host commits, for as long as it is asked to.
async fn tell(asking: &mpsc::Sender<pb::ReadRequest>, outlet: &Outlet) -> Infallible {
    let mut commits = outlet.acknowledgements();
    loop {
        let position = commits.next().await.as_str().to_owned();
        let committed = Asked::Committed(pb::Committed { position });
        if asking.send(request(committed)).await.is_err() {
            // the call is over, which its stream says
            std::future::pending::<()>().await;
        }
    }
}

const fn request(message: Asked) -> pb::ReadRequest {
    pb::ReadRequest {
        message: Some(message),
    }
}
