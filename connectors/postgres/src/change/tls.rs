//! TLS on the connection that the changes come over, as the `tls` and `ca` of the source say.
//!
//! The statements of the other connections are encrypted by their driver; this is the same choice
//! for the one that the driver has no part in.

use std::path::Path;
use std::sync::Arc;

use rabt_connect::ConnectError;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sqlx::postgres::PgSslMode;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::wire::Stream;
use crate::fault::Doing;

/// Encrypts a fresh connection, unless the mode or the server does without.
pub(super) async fn encrypt(
    mut tcp: TcpStream,
    host: &str,
    mode: PgSslMode,
    ca: Option<&Path>,
    doing: &Doing,
) -> Result<Box<dyn Stream>, ConnectError> {
    if matches!(mode, PgSslMode::Disable | PgSslMode::Allow) {
        return Ok(Box::new(tcp));
    }
    let broke = |_| doing.unreachable("cannot be reached or broke the connection");
    pgwire_replication::protocol::framing::write_ssl_request(&mut tcp)
        .await
        .map_err(|_| doing.unreachable("broke the connection"))?;
    if tcp.read_u8().await.map_err(broke)? != b'S' {
        if matches!(mode, PgSslMode::Prefer) {
            return Ok(Box::new(tcp));
        }
        return Err(doing.no_tls("does not speak TLS"));
    }
    let config = config(mode, ca)?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| doing.no_tls("has a name that no certificate can have"))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|_| doing.no_tls("cannot be spoken to with TLS"))?;
    Ok(Box::new(stream))
}

fn config(mode: PgSslMode, ca: Option<&Path>) -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let defect = |_| ConnectError::defect("postgres", "TLS cannot be set up");
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(defect)?;
    let checked = matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    let inner = if checked {
        let roots = Arc::new(roots(ca)?);
        let built = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let built = built.build();
        Some(built.map_err(|_| ConnectError::defect("postgres", "TLS cannot be set up"))?)
    } else {
        None
    };
    let verifier = Verifier {
        inner,
        name: matches!(mode, PgSslMode::VerifyFull),
        provider,
    };
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, ConnectError> {
    let Some(path) = ca else {
        return Ok(RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        });
    };
    let wrong = |what: &str| {
        let remedy = "name a PEM file with the authority's certificate, readable by this process";
        ConnectError::configuration("source.config.ca", what, remedy)
    };
    let text = std::fs::read(path).map_err(|_| wrong("the file cannot be read"))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|_| wrong("the file is damaged"))?;
        let added = roots.add(certificate);
        added.map_err(|_| wrong("the file holds something that is no authority"))?;
    }
    if roots.is_empty() {
        return Err(wrong("the file holds no certificate"));
    }
    Ok(roots)
}

/// Believes a certificate as far as the mode asks for: `require` any, `verify-ca` one of a known
/// authority, `verify-full` one that is also of this server.
#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(inner) = &self.inner else {
            return Ok(ServerCertVerified::assertion());
        };
        match inner.verify_server_cert(certificate, between, name, stapled, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
