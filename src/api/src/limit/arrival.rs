//! The message of a request must arrive in time, however long its answer may take.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::Sleep;
use tonic::Status;

use crate::status::deadline_exceeded;

/// The body of a request, with a limit of its own where the one of the whole request is long.
pub(crate) struct Arrival {
    body: Incoming,
    limit: Option<Pin<Box<Sleep>>>,
}

impl Arrival {
    pub(crate) fn new(body: Incoming, limit: Option<Duration>) -> Self {
        let limit = limit.map(|limit| Box::pin(tokio::time::sleep(limit)));
        Self { body, limit }
    }
}

impl Body for Arrival {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let failed = |error: hyper::Error| Status::from_error(error.into());
            return Poll::Ready(frame.map(|frame| frame.map_err(failed)));
        }
        let limit = self.limit.as_mut();
        let over = limit.is_some_and(|limit| limit.as_mut().poll(context).is_ready());
        if over {
            return Poll::Ready(Some(Err(deadline_exceeded())));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
