//! One connection to a server: TCP, and TLS where the address says so.
//!
//! Invariant: a connection has no task of its own. It moves while its owner waits for an answer, and
//! ends with its owner, so a read that is given up leaves nothing behind.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rabt_connect::ConnectError;
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::config::server_of;

/// What moves a connection; it is done when the connection has ended.
type Motion = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection that requests are sent through, one after the other.
pub(crate) struct Wire {
    sender: SendRequest<Full<Bytes>>,
    motion: Option<Motion>,
}

impl Wire {
    /// Connects to the server of an address within `patience`.
    pub(crate) async fn open(
        url: &Url,
        tls: &Arc<ClientConfig>,
        patience: Duration,
    ) -> Result<Self, ConnectError> {
        let place = format!("server {}", server_of(url));
        let opened = tokio::time::timeout(patience, connect(url, tls, &place)).await;
        opened.unwrap_or_else(|_| {
            let what = format!("did not answer within {} s", patience.as_secs());
            Err(unreachable(&place, &what))
        })
    }

    /// Says whether another request can be sent.
    pub(crate) async fn is_ready(&mut self) -> bool {
        let ready = self.sender.ready();
        moved(&mut self.motion, ready).await.is_ok()
    }

    /// Sends a request and returns the head of the answer.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        let sent = self.sender.send_request(request);
        moved(&mut self.motion, sent).await
    }

    /// Waits for something that comes through the connection.
    pub(crate) async fn wait<T>(&mut self, work: impl Future<Output = T>) -> T {
        moved(&mut self.motion, work).await
    }
}

/// Moves a connection until the work is done; work that outlives the connection learns from
/// it that it has ended.
async fn moved<T>(motion: &mut Option<Motion>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    if let Some(moving) = motion {
        tokio::select! {
            // The connection first: what the server has closed is not to be written to.
            biased;
            () = moving => {}
            done = &mut work => return done,
        }
        *motion = None;
    }
    work.await
}

async fn connect(url: &Url, tls: &Arc<ClientConfig>, place: &str) -> Result<Wire, ConnectError> {
    let port = url.port_or_known_default().unwrap_or_default();
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => {
            return Err(ConnectError::defect(
                place,
                "an address without a host was opened",
            ));
        }
    };
    let stream = TcpStream::connect((host.as_str(), port))
        .await
        .map_err(|_| unreachable(place, "cannot be reached"))?;
    // Requests are small and written at once; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    if url.scheme() == "http" {
        return wire(stream, place).await;
    }
    let name = ServerName::try_from(host).map_err(|_| {
        ConnectError::configuration(
            place,
            "has a name that no certificate can have",
            "correct `url`",
        )
    })?;
    let connector = TlsConnector::from(Arc::clone(tls));
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| of_tls(place, &error))?;
    wire(stream, place).await
}

async fn wire<S>(stream: S, place: &str) -> Result<Wire, ConnectError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|_| unreachable(place, "broke the connection"))?;
    let motion = Box::pin(async move {
        // Whoever waits for an answer is told by the sender.
        let _ = connection.await;
    });
    Ok(Wire {
        sender,
        motion: Some(motion),
    })
}

fn unreachable(place: &str, what: &str) -> ConnectError {
    let remedy = "see that the server runs, that its name is right and that its firewall lets this machine in";
    ConnectError::transient(place, what, remedy)
}

fn of_tls(place: &str, error: &std::io::Error) -> ConnectError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(inner) = inner else {
        return unreachable(place, "broke the connection while it was encrypted");
    };
    let (what, remedy) = if let rustls::Error::InvalidCertificate(wrong) = inner {
        of_certificate(wrong)
    } else {
        (
            "cannot be spoken to with TLS",
            "check that `url` is that of a server with TLS 1.2 or 1.3, and `ca` against its certificate",
        )
    };
    ConnectError::configuration(place, what, remedy)
}

/// Returns what is wrong with a certificate, and what to do about it.
fn of_certificate(wrong: &CertificateError) -> (&'static str, &'static str) {
    use CertificateError as Wrong;
    if matches!(wrong, Wrong::Expired | Wrong::ExpiredContext { .. }) {
        let what = "has a certificate that has expired";
        return (what, "tell the agency to renew it");
    }
    if matches!(wrong, Wrong::NotValidYet | Wrong::NotValidYetContext { .. }) {
        let what = "has a certificate that is not valid yet";
        return (
            what,
            "check the clock of this machine, then tell the agency",
        );
    }
    if matches!(
        wrong,
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. }
    ) {
        let what = "has a certificate for another name";
        return (what, "write the name that the certificate has in `url`");
    }
    let what = "has a certificate of an authority that is not trusted";
    (what, "write the PEM file of the authority in `ca`")
}
