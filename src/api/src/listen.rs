//! From a socket to an HTTP/2 connection: accept, handshake, serve, drain.
//!
//! Invariant: nothing about a client is believed before its handshake is done, and a shutdown waits
//! for every request in work, up to the drain limit.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tracing::{debug, warn};

use crate::limit::Gauge;
use crate::tls::Identity;
use crate::{ApiError, Limits};

/// What stands behind a listener.
pub(crate) trait Edge: Send + Sync + 'static {
    /// What is known of the other end of one connection.
    type Peer: Send + Sync + 'static;

    /// Says who is at the other end, once for each connection.
    fn peer(&self, certificate: Option<&CertificateDer<'_>>) -> Self::Peer;

    /// Answers one request.
    fn answer(
        self: Arc<Self>,
        peer: Arc<Self::Peer>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// A bound address.
pub(crate) struct Listener {
    tcp: TcpListener,
    /// `None` means plain text.
    identity: Option<Arc<Identity>>,
    limits: Limits,
    connections: Arc<Gauge>,
}

/// What every connection of a listener needs.
struct Shared<E> {
    edge: Arc<E>,
    http2: http2::Builder<TokioExecutor>,
    handshake: Duration,
    /// Take no new requests, finish those in work.
    stop: CancellationToken,
    /// End now.
    abort: CancellationToken,
}

impl Listener {
    /// Binds an address.
    pub(crate) async fn bind(
        address: SocketAddr,
        identity: Option<Arc<Identity>>,
        limits: &Limits,
    ) -> Result<Self, ApiError> {
        let tcp = TcpListener::bind(address).await;
        let tcp = tcp.map_err(|source| ApiError::Listen { address, source })?;
        Ok(Self {
            tcp,
            identity,
            limits: limits.clone(),
            connections: Gauge::new(limits.connections),
        })
    }

    /// Returns the address, with the port that was given for port 0.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `stop`, then drains. The socket is closed before the drain begins.
    pub(crate) async fn serve<E: Edge>(self, edge: Arc<E>, stop: CancellationToken) {
        let drain = self.limits.drain();
        let shared = Arc::new(Shared {
            edge,
            http2: http2(),
            handshake: self.limits.handshake(),
            stop,
            abort: CancellationToken::new(),
        });
        let connections = TaskTracker::new();
        self.accept(&shared, &connections).await;

        connections.close();
        if tokio::time::timeout(drain, connections.wait())
            .await
            .is_err()
        {
            warn!(
                connections = connections.len(),
                "requests outlived the drain limit"
            );
            shared.abort.cancel();
            connections.wait().await;
        }
    }

    async fn accept<E: Edge>(self, shared: &Arc<Shared<E>>, tasks: &TaskTracker) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = shared.stop.cancelled() => return,
                accepted = self.tcp.accept() => accepted,
            };
            let tcp = match accepted {
                Ok((tcp, _)) => tcp,
                Err(error) => {
                    // Most often no file descriptor is left; trying again at once would spin.
                    warn!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(place) = self.connections.enter_owned() else {
                debug!("connection closed, there are too many");
                continue;
            };
            let identity = self.identity.clone();
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                connect(tcp, identity, &shared).await;
                drop(place);
            });
        }
    }
}

async fn connect<E: Edge>(tcp: TcpStream, identity: Option<Arc<Identity>>, shared: &Shared<E>) {
    if let Err(error) = tcp.set_nodelay(true) {
        debug!(%error, "socket option not set");
    }
    let Some(identity) = identity else {
        let peer = shared.edge.peer(None);
        return converse(tcp, peer, shared).await;
    };
    match handshake(tcp, &identity, shared.handshake).await {
        Ok(tls) => {
            let certificates = tls.get_ref().1.peer_certificates();
            let peer = shared.edge.peer(certificates.and_then(<[_]>::first));
            converse(tls, peer, shared).await;
        }
        Err(error) => debug!(%error, "handshake refused"),
    }
}

async fn handshake(
    tcp: TcpStream,
    identity: &Identity,
    longest: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    let acceptor = TlsAcceptor::from(identity.current());
    match tokio::time::timeout(longest, acceptor.accept(tcp)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn converse<E, S>(stream: S, peer: E::Peer, shared: &Shared<E>)
where
    E: Edge,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let peer = Arc::new(peer);
    let answer = service_fn(move |request| {
        let edge = Arc::clone(&shared.edge);
        let peer = Arc::clone(&peer);
        async move { Ok::<_, Infallible>(edge.answer(peer, request).await) }
    });
    let connection = shared.http2.serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = shared.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = &mut connection => outcome,
                () = shared.abort.cancelled() => return,
            }
        }
    };
    if let Err(error) = outcome {
        debug!(%error, "connection ended");
    }
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .max_header_list_size(16 << 10)
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(2 << 20)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    http2
}
