//! From a socket to an HTTP/2 connection: accept, handshake, serve, drain.
//!
//! Invariant: nothing about a client is believed before its handshake is done; a connection whose
//! certificate ceases to hold is cut, with everything that is in work on it; a shutdown waits for
//! every other request in work, up to the drain limit.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rabt_model::ErrorClass;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tracing::{debug, warn};

use crate::limit::Gauge;
use crate::status::status;
use crate::tls::{Standing, Tls};
use crate::{ApiError, Limits};

/// What a client says first: the preface of HTTP/2 and the head of its settings, bytes.
const GREETING: usize = 24 + 9;

/// What stands behind a listener.
pub(crate) trait Edge: Send + Sync + 'static {
    /// What is known of the other end of one connection.
    type Peer: Send + Sync + 'static;

    /// Says who is at the other end, once for each connection; `None` when it has too many.
    fn peer(&self, certificate: Option<&CertificateDer<'_>>) -> Option<Self::Peer>;

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
    tls: Option<Arc<Tls>>,
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
        tls: Option<Arc<Tls>>,
        limits: &Limits,
    ) -> Result<Self, ApiError> {
        let tcp = TcpListener::bind(address).await;
        let tcp = tcp.map_err(|source| ApiError::Listen { address, source })?;
        Ok(Self {
            tcp,
            tls,
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
            let tls = self.tls.clone();
            let shared = Arc::clone(shared);
            tasks.spawn(async move {
                connect(tcp, tls, &shared).await;
                drop(place);
            });
        }
    }
}

async fn connect<E: Edge>(tcp: TcpStream, tls: Option<Arc<Tls>>, shared: &Shared<E>) {
    if let Err(error) = tcp.set_nodelay(true) {
        debug!(%error, "socket option not set");
    }
    let Some(tls) = tls else {
        if let Some(peer) = shared.edge.peer(None) {
            converse(tcp, peer, None, shared).await;
        }
        return;
    };
    let (stream, generation) = match handshake(tcp, &tls, shared.handshake).await {
        Ok(made) => made,
        Err(error) => return debug!(%error, "handshake refused"),
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let Some(standing) = tls.standing(chain, generation) else {
        return debug!("handshake refused, the certificate cannot be read");
    };
    let Some(peer) = shared.edge.peer(chain.first()) else {
        return debug!("connection closed, its caller has too many");
    };
    converse(stream, peer, Some(standing), shared).await;
}

/// Returns the connection and the generation of trust that its certificate was verified with.
async fn handshake(
    tcp: TcpStream,
    tls: &Tls,
    longest: Duration,
) -> io::Result<(TlsStream<TcpStream>, u64)> {
    let (server, generation) = tls.current();
    let accepting = TlsAcceptor::from(server).accept(tcp);
    match tokio::time::timeout(longest, accepting).await {
        Ok(outcome) => Ok((outcome?, generation)),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn converse<E, S>(stream: S, peer: E::Peer, standing: Option<Standing>, shared: &Shared<E>)
where
    E: Edge,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (peer, standing) = (Arc::new(peer), standing.map(Arc::new));
    let asked = standing.clone();
    let answer = service_fn(move |request| {
        let edge = Arc::clone(&shared.edge);
        let peer = Arc::clone(&peer);
        let holds = asked.as_ref().is_none_or(|standing| standing.holds());
        async move {
            Ok::<_, Infallible>(if holds {
                edge.answer(peer, request).await
            } else {
                status(ErrorClass::NotPermitted, "").into_http()
            })
        }
    });
    let heard = Arc::new(AtomicUsize::new(0));
    let stream = {
        let heard = Arc::clone(&heard);
        InspectReader::new(stream, move |bytes: &[u8]| {
            heard.fetch_add(bytes.len(), Ordering::Relaxed);
        })
    };
    let connection = shared.http2.serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    let mut cut = std::pin::pin!(cut(standing.as_deref(), &heard, shared));
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = &mut cut => return,
        () = shared.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = &mut connection => outcome,
                () = &mut cut => return,
                () = shared.abort.cancelled() => return,
            }
        }
    };
    if let Err(error) = outcome {
        debug!(%error, "connection ended");
    }
}

/// Completes when a connection is to be cut: its certificate no longer holds, or the other end does
/// not even begin to speak HTTP/2, which no ping could find out.
async fn cut<E>(standing: Option<&Standing>, heard: &AtomicUsize, shared: &Shared<E>) {
    let ended = async {
        match standing {
            Some(standing) => standing.ended().await,
            None => std::future::pending().await,
        }
    };
    let silent = async {
        tokio::time::sleep(shared.handshake).await;
        if heard.load(Ordering::Relaxed) >= GREETING {
            std::future::pending::<()>().await;
        }
        debug!("connection cut, nothing is asked on it");
    };
    tokio::select! {
        () = ended => {}
        () = silent => {}
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
