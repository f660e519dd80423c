//! Whose certificates are believed.

use std::path::Path;
use std::sync::Arc;

use rabt_connect::ConnectError;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Returns how TLS is spoken: with the public authorities, or with the ones of a PEM file alone.
///
/// # Errors
/// A configuration error when the file cannot be read or holds no certificate.
pub(crate) fn tls(ca: Option<&Path>) -> Result<Arc<ClientConfig>, ConnectError> {
    let roots = match ca {
        None => RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        },
        Some(path) => read(path)?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| ConnectError::defect("rest", "TLS cannot be set up"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<RootCertStore, ConnectError> {
    let wrong = |what: String| {
        let remedy = "name a PEM file with the authority's certificate, readable by this process";
        ConnectError::configuration("source.config.ca", what, remedy)
    };
    let text = std::fs::read(path)
        .map_err(|error| wrong(format!("the file cannot be read: {}", error.kind())))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|_| wrong("the file is damaged".to_owned()))?;
        roots
            .add(certificate)
            .map_err(|_| wrong("the file holds something that is no authority".to_owned()))?;
    }
    if roots.is_empty() {
        return Err(wrong("the file holds no certificate".to_owned()));
    }
    Ok(roots)
}
