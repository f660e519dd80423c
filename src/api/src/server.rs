//! The edge as a whole: its listeners, what stands behind them, and how they end.
//!
//! From a socket to a handler, in order:
//! 1. `listen.rs`: accept, up to `limits.connections`; handshake with a client certificate that holds
//!    (`tls.rs`), within `limits.handshake_ms`; HTTP/2, for as long as the certificate holds.
//! 2. `stack.rs`, for each request: request id, span, deadline, caller from the certificate
//!    (`authn.rs`), rate of the caller, places of node and caller (`limit.rs`), message size.
//! 3. `citizen_service.rs`, `change_service.rs`, `connector_service.rs`, `linkage_service.rs`,
//!    `agreement_service.rs`, `audit_service.rs`, `oversight_service.rs`, `transparency_service.rs`: translate in
//!    (`request.rs`), one call of a use case, translate out (`convert.rs`, `status.rs`).
//!
//! The listener for portals of citizens goes the same way and serves one service, which no other listener
//! does. The admin listener serves health and reflection and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::OptionFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use rabt_model::Clock;
use rabt_proto::agreement::agreement_service_server::AgreementService;
use rabt_proto::audit::audit_service_server::AuditService;
use rabt_proto::audit::oversight_service_server::OversightService;
use rabt_proto::change::change_service_server::ChangeService;
use rabt_proto::citizen::citizen_service_server::CitizenService;
use rabt_proto::connector::connector_service_server::ConnectorService;
use rabt_proto::linkage::linkage_service_server::LinkageService;
use rabt_proto::transparency::correction_service_server::CorrectionService;
use rabt_proto::transparency::transparency_service_server::TransparencyService;
use rabt_service::{Services, record_refusal};
use rustls_pki_types::CertificateDer;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tracing::info;

use crate::agreement_service::Agreements;
use crate::audit_service::Audits;
use crate::change_service::Changes;
use crate::citizen_service::Citizens;
use crate::connector_service::Connectors;
use crate::health::{Probe, Readiness};
use crate::linkage_service::Reviews;
use crate::listen::{Edge, Listener};
use crate::oversight_service::Oversights;
use crate::refusal::Record;
use crate::stack::Stack;
use crate::status::of_error;
use crate::tls::{Reload, Tls};
use crate::transparency_service::{Corrections, Transparencies};
use crate::{ApiError, ServerConfig};

/// A running edge.
#[derive(Debug)]
pub struct Bound {
    /// Where agencies call.
    pub addr: SocketAddr,
    /// Where health and reflection are.
    pub admin_addr: SocketAddr,
    /// Makes the node look at its certificate files now; it does so by itself several times a second.
    pub reload: Reload,
    /// Where portals of citizens call, when there is such an address.
    pub transparency_addr: Option<SocketAddr>,
    /// Ends when all listeners have drained after the shutdown.
    pub task: JoinHandle<()>,
}

/// Binds the addresses and serves the use cases until `shutdown` is cancelled, then drains.
///
/// # Errors
/// A TLS file, an address or their combination cannot be used; nothing is served then.
pub async fn serve(
    services: Arc<Services>,
    config: ServerConfig,
    shutdown: CancellationToken,
) -> Result<Bound, ApiError> {
    let probed = Arc::clone(&services);
    let parts = Parts {
        citizens: Citizens::new(Arc::clone(&services), &config.limits),
        changes: Changes::new(Arc::clone(&services), &config.limits, shutdown.clone()),
        connectors: Connectors::new(Arc::clone(&services)),
        reviews: Reviews::new(Arc::clone(&services)),
        agreements: Agreements::new(Arc::clone(&services)),
        audits: Audits::new(Arc::clone(&services), &config.limits, shutdown.clone()),
        transparencies: Transparencies::new(Arc::clone(&services)),
        corrections: Corrections::new(Arc::clone(&services)),
        oversights: Oversights::new(Arc::clone(&services)),
        readiness: Arc::new(move || is_ready(Arc::clone(&probed)).boxed()),
        refusals: recorder(Arc::clone(&services)),
        clock: Arc::clone(&services.clock),
    };
    start(parts, &config, shutdown).await
}

/// Says whether a lookup would be answered: storage answers, and the node does not stop.
async fn is_ready(services: Arc<Services>) -> bool {
    !services.stopping().is_cancelled() && services.storage.probe().await.is_ok()
}

/// Returns the way of refusals into the audit log.
fn recorder(services: Arc<Services>) -> Record {
    Arc::new(move |caller, method, class| {
        let services = Arc::clone(&services);
        async move {
            let recorded = record_refusal(&services, &caller, method, class).await;
            recorded.map_err(|error| of_error(error.class(), &error))
        }
        .boxed()
    })
}

/// What the edge is made of, apart from its settings.
pub(crate) struct Parts<C, F, O, L, G, A, T, R, S> {
    pub(crate) citizens: C,
    pub(crate) changes: F,
    pub(crate) connectors: O,
    pub(crate) reviews: L,
    pub(crate) agreements: G,
    pub(crate) audits: A,
    pub(crate) transparencies: T,
    pub(crate) corrections: R,
    pub(crate) oversights: S,
    pub(crate) readiness: Readiness,
    pub(crate) refusals: Record,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Binds the addresses and serves until `shutdown`.
pub(crate) async fn start<C, F, O, L, G, A, T, R, S>(
    parts: Parts<C, F, O, L, G, A, T, R, S>,
    config: &ServerConfig,
    shutdown: CancellationToken,
) -> Result<Bound, ApiError>
where
    C: CitizenService,
    F: ChangeService,
    O: ConnectorService,
    L: LinkageService,
    G: AgreementService,
    A: AuditService,
    T: TransparencyService,
    R: CorrectionService,
    S: OversightService,
{
    let limits = &config.limits;
    let tls = Arc::new(Tls::load(&config.tls, Arc::clone(&parts.clock))?);
    let admin_tls = config.admin_mtls.then(|| Arc::clone(&tls));
    let portals = match config.transparency_listen {
        Some(asked) => {
            let portals = Listener::bind(asked, Some(Arc::clone(&tls)), limits).await?;
            let addr = address(&portals, asked)?;
            Some((portals, addr))
        }
        None => None,
    };
    let transparency_addr = portals.as_ref().map(|(_, addr)| *addr);
    let agencies = Listener::bind(config.listen, Some(Arc::clone(&tls)), limits).await?;
    let admin = Listener::bind(config.admin_listen, admin_tls, limits).await?;
    let addr = address(&agencies, config.listen)?;
    let admin_addr = address(&admin, config.admin_listen)?;

    let routes = admin_routes(Probe::new(Arc::clone(&parts.readiness), shutdown.clone()))?;
    let start = parts.clock.now();
    let stack = Stack::new(parts, limits);
    let reload = Reload::default();
    let looks = reload.clone();
    let portals =
        portals.map(|(listener, _)| (listener, Arc::new(stack.for_portals(start, limits))));
    info!(%addr, %admin_addr, "listening");
    if let Some(addr) = transparency_addr {
        info!(%addr, "listening for portals of citizens");
    }
    let task = TaskTracker::new().spawn(async move {
        // Health answers "not serving" while the agencies' listener drains, so it ends after it.
        let drained = CancellationToken::new();
        let admin = admin.serve(Arc::new(Admin(routes)), drained.clone());
        // What is revoked while requests are finished is refused as well.
        let looks = tls.keep(looks, drained.clone());
        let portals = portals.map(|(portals, stack)| portals.serve(stack, shutdown.clone()));
        let agencies = agencies.serve(Arc::new(stack), shutdown);
        let agencies =
            futures::future::join(agencies, OptionFuture::from(portals)).then(|_| async move {
                drained.cancel();
            });
        futures::future::join3(agencies, admin, looks).await;
        info!("drained");
    });
    Ok(Bound {
        addr,
        admin_addr,
        reload,
        transparency_addr,
        task,
    })
}

fn address(listener: &Listener, asked: SocketAddr) -> Result<SocketAddr, ApiError> {
    let address = listener.address();
    address.map_err(|source| ApiError::Listen {
        address: asked,
        source,
    })
}

fn admin_routes(probe: Probe) -> Result<Routes, ApiError> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(rabt_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| ApiError::Reflection(error.to_string()))?;
    Ok(Routes::new(HealthServer::new(probe)).add_service(reflection))
}

/// Health and reflection.
struct Admin(Routes);

impl Edge for Admin {
    type Peer = ();

    fn peer(&self, _: Option<&CertificateDer<'_>>) -> Option<()> {
        Some(())
    }

    async fn answer(self: Arc<Self>, _: Arc<()>, request: Request<Incoming>) -> Response<Body> {
        let Ok(response) = self.0.clone().call(request.map(Body::new)).await;
        response
    }
}

#[cfg(test)]
mod tests;
