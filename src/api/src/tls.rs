//! Mutual TLS: who we are, and whose clients we talk to.
//!
//! Invariant: a peer without a certificate of the configured authority never gets past the
//! handshake; there is no optional client authentication.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::RootCertStore;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{ApiError, TlsFiles};

/// The TLS settings in force. Handshakes take [`Identity::current`], so that replacing it changes
/// every later connection and no present one.
#[derive(Debug)]
pub(crate) struct Identity {
    current: RwLock<Arc<rustls::ServerConfig>>,
}

impl Identity {
    /// Reads the files.
    pub(crate) fn load(files: &TlsFiles) -> Result<Self, ApiError> {
        let current = RwLock::new(Arc::new(server_config(files)?));
        Ok(Self { current })
    }

    /// Returns the settings for the next handshake.
    pub(crate) fn current(&self) -> Arc<rustls::ServerConfig> {
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }
}

fn server_config(files: &TlsFiles) -> Result<rustls::ServerConfig, ApiError> {
    let chain = certificates("cert", &files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| file_error("key", &files.key, &error))?;
    let mut authorities = RootCertStore::empty();
    for authority in certificates("client_ca", &files.client_ca)? {
        authorities
            .add(authority)
            .map_err(|error| file_error("client_ca", &files.client_ca, &error))?;
    }

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider))
            .build()
            .map_err(|error| ApiError::Tls(error.to_string()))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ApiError::Tls(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| ApiError::Tls(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // A resumed session would skip the check of the client's certificate.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn certificates(
    setting: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, ApiError> {
    let mut certificates = Vec::new();
    let found = CertificateDer::pem_file_iter(file);
    for certificate in found.map_err(|error| file_error(setting, file, &error))? {
        certificates.push(certificate.map_err(|error| file_error(setting, file, &error))?);
    }
    if certificates.is_empty() {
        return Err(file_error(setting, file, &"it holds no certificate"));
    }
    Ok(certificates)
}

fn file_error(setting: &'static str, file: &Path, reason: &dyn std::fmt::Display) -> ApiError {
    ApiError::TlsFile {
        setting,
        file: file.to_owned(),
        reason: reason.to_string(),
    }
}
