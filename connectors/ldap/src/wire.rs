//! The way to a server: TCP, and TLS from the first byte or after `StartTLS`.

mod guard;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use rabt_connect::ConnectError;
use rustls::CertificateError;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::ber;
use crate::config::{Privacy, Server};
use crate::fault::{not_ldap, unreachable};

pub(crate) use guard::{Lost, carry};

/// Bytes that go both ways.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The request to go on with TLS (RFC 4511, 4.14), as message 1.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// Largest answer to it.
const MAX_ANSWER: usize = 64 * 1024;

/// How far a way to the server could be opened.
pub(crate) enum Failure {
    /// The file of the authority is wrong; the server was not asked.
    Setup(ConnectError),
    /// The server did not answer.
    Reach(ConnectError),
    /// It did, and the connection cannot be encrypted.
    Tls(ConnectError),
}

impl Failure {
    /// Returns the error.
    pub(crate) fn into_error(self) -> ConnectError {
        match self {
            Self::Setup(error) | Self::Reach(error) | Self::Tls(error) => error,
        }
    }
}

/// Connects to a server within `patience`.
pub(crate) async fn open(server: &Server, patience: Duration) -> Result<Box<dyn Stream>, Failure> {
    let place = server.place();
    let opened = tokio::time::timeout(patience, connect(server, &place)).await;
    opened.unwrap_or_else(|_| {
        let what = format!("did not answer within {} s", patience.as_secs());
        Err(Failure::Reach(unreachable(&place, &what)))
    })
}

async fn connect(server: &Server, place: &str) -> Result<Box<dyn Stream>, Failure> {
    // What can be wrong on this side is told before the server is asked.
    let tls = match server.privacy {
        Privacy::Clear => None,
        Privacy::Tls | Privacy::StartTls => {
            Some(trust::tls(server.ca.as_deref()).map_err(Failure::Setup)?)
        }
    };
    let mut stream = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(|_| Failure::Reach(unreachable(place, "cannot be reached")))?;
    // Requests are small and written at once; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return Ok(Box::new(stream));
    };
    if server.privacy == Privacy::StartTls {
        start_tls(&mut stream, place).await.map_err(Failure::Tls)?;
    }
    let name = ServerName::try_from(server.host.clone()).map_err(|_| {
        let what = "has a name that no certificate can have";
        Failure::Tls(ConnectError::configuration(place, what, "correct `url`"))
    })?;
    let stream = TlsConnector::from(Arc::clone(&tls))
        .connect(name, stream)
        .await
        .map_err(|error| Failure::Tls(of_tls(place, &error)))?;
    Ok(Box::new(stream))
}

/// Asks the server to go on with TLS. Not a byte behind its answer is read: what came before the
/// handshake is nobody's word.
async fn start_tls(stream: &mut TcpStream, place: &str) -> Result<(), ConnectError> {
    let broken = || unreachable(place, "broke the connection before it was encrypted");
    stream.write_all(START_TLS).await.map_err(|_| broken())?;
    let mut answer = Vec::new();
    let head = loop {
        answer.push(stream.read_u8().await.map_err(|_| broken())?);
        if let Some(head) = ber::head(&answer).map_err(|()| not_ldap(place))? {
            break head;
        }
    };
    if head.content > MAX_ANSWER {
        return Err(not_ldap(place));
    }
    answer.resize(head.own + head.content, 0);
    let content = &mut answer[head.own..];
    stream.read_exact(content).await.map_err(|_| broken())?;
    let result = ber::operation(&answer).filter(|result| result.tag == ber::EXTENDED);
    match result.and_then(ber::code) {
        Some(0) => Ok(()),
        Some(code) => Err(ConnectError::configuration(
            place,
            format!("does not begin TLS (code {code})"),
            "write ldaps:// when the server has a port for it, or ask the agency to give it a certificate",
        )),
        None => Err(not_ldap(place)),
    }
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
        let remedy = "check the clock of this machine, then tell the agency";
        return (what, remedy);
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
