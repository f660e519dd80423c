//! `grpc.health.v1` that tells the truth: each check asks whether a lookup would succeed now.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use futures::future::BoxFuture;
use rabt_proto::{change, citizen, connector, linkage};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Says whether a lookup would be answered now.
pub(crate) type Readiness = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// How often a watched status is asked for again.
const INTERVAL: Duration = Duration::from_secs(1);

/// A probe that takes longer is as good as one that fails.
const PATIENCE: Duration = Duration::from_secs(2);

/// Services whose health can be asked for; the empty name means the node as a whole.
const SERVICES: [&str; 5] = [
    "",
    citizen::citizen_service_server::SERVICE_NAME,
    change::change_service_server::SERVICE_NAME,
    connector::connector_service_server::SERVICE_NAME,
    linkage::linkage_service_server::SERVICE_NAME,
];

/// Answers health checks.
#[derive(Clone)]
pub(crate) struct Probe {
    readiness: Readiness,
    /// Cancelled when the node begins to drain: from then on it is not ready.
    draining: CancellationToken,
}

impl Probe {
    pub(crate) fn new(readiness: Readiness, draining: CancellationToken) -> Self {
        Self {
            readiness,
            draining,
        }
    }

    async fn status(&self, service: &str) -> Option<ServingStatus> {
        if !SERVICES.contains(&service) {
            return None;
        }
        if self.draining.is_cancelled() {
            return Some(ServingStatus::NotServing);
        }
        let ready = tokio::time::timeout(PATIENCE, (self.readiness)()).await;
        Some(if ready.unwrap_or(false) {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        })
    }

    /// Yields the status of a service whenever it changes, and ends with the node.
    fn changes(self, service: String) -> impl Stream<Item = ServingStatus> {
        let start = (self, service, None::<ServingStatus>);
        futures::stream::unfold(start, |(probe, service, last)| async move {
            loop {
                if last.is_some() {
                    tokio::select! {
                        () = tokio::time::sleep(INTERVAL) => {}
                        () = probe.draining.cancelled() => {}
                    }
                }
                if probe.draining.is_cancelled() && last != Some(ServingStatus::Serving) {
                    return None;
                }
                let status = probe.status(&service).await;
                let status = status.unwrap_or(ServingStatus::ServiceUnknown);
                if last != Some(status) {
                    return Some((status, (probe, service, Some(status))));
                }
            }
        })
    }
}

#[tonic::async_trait]
impl Health for Probe {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let status = self.status(&request.get_ref().service).await;
        let status = status.ok_or_else(|| Status::not_found("there is no such service"))?;
        Ok(Response::new(response(status)))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        use futures::StreamExt;

        let changes = self.clone().changes(request.into_inner().service);
        Ok(Response::new(Box::pin(
            changes.map(|status| Ok(response(status))),
        )))
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures::{FutureExt, StreamExt};
    use tokio_util::sync::CancellationToken;
    use tonic_health::pb::health_check_response::ServingStatus;

    use super::Probe;

    fn probe(ready: &Arc<AtomicBool>, draining: &CancellationToken) -> Probe {
        let ready = Arc::clone(ready);
        let readiness = move || {
            let now = ready.load(Ordering::SeqCst);
            async move { now }.boxed()
        };
        Probe::new(Arc::new(readiness), draining.clone())
    }

    #[tokio::test]
    async fn each_check_asks_anew() {
        let ready = Arc::new(AtomicBool::new(true));
        let draining = CancellationToken::new();
        let probe = probe(&ready, &draining);
        assert_eq!(probe.status("").await, Some(ServingStatus::Serving));
        ready.store(false, Ordering::SeqCst);
        let service = "rabt.citizen.v1.CitizenService";
        assert_eq!(probe.status(service).await, Some(ServingStatus::NotServing));
        ready.store(true, Ordering::SeqCst);
        draining.cancel();
        assert_eq!(probe.status(service).await, Some(ServingStatus::NotServing));
        assert_eq!(probe.status("other").await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_tells_changes_and_ends_with_the_drain() {
        let ready = Arc::new(AtomicBool::new(true));
        let draining = CancellationToken::new();
        let mut changes = Box::pin(probe(&ready, &draining).changes(String::new()));
        assert_eq!(changes.next().await, Some(ServingStatus::Serving));
        ready.store(false, Ordering::SeqCst);
        assert_eq!(changes.next().await, Some(ServingStatus::NotServing));
        ready.store(true, Ordering::SeqCst);
        assert_eq!(changes.next().await, Some(ServingStatus::Serving));
        draining.cancel();
        assert_eq!(changes.next().await, Some(ServingStatus::NotServing));
        assert_eq!(changes.next().await, None);
    }
}
