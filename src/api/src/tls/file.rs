//! What the files of `[tls]` hold.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::{ApiError, TlsFiles};

/// What to do about a list that does not load.
const LIST_REMEDY: &str = "put the authority's current revocation list there, PEM or DER, or take \
                           the file out of tls.crl";

/// The server's chain and the key of its leaf.
#[derive(Debug, PartialEq)]
pub(super) struct Served {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// The certificates of authorities.
pub(super) type Authorities = Vec<CertificateDer<'static>>;

/// The revocation lists of one file.
pub(super) type Lists = Vec<CertificateRevocationListDer<'static>>;

/// Reads the server's certificate and key; they belong to each other.
pub(super) fn served(files: &TlsFiles) -> Result<Served, ApiError> {
    let chain = certificates("cert", &files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| file_error("key", &files.key, &error))?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider)
        .map_err(|error| file_error("key", &files.key, &error))?;
    Ok(Served { chain, key })
}

/// Reads the authorities of clients.
pub(super) fn authorities(file: &Path) -> Result<Authorities, ApiError> {
    let found = certificates("client_ca", file)?;
    let mut store = RootCertStore::empty();
    for authority in &found {
        store
            .add(authority.clone())
            .map_err(|error| file_error("client_ca", file, &error))?;
    }
    Ok(found)
}

/// Reads the revocation lists of a file; whose they are is for another to say.
pub(super) fn lists(file: &Path) -> Result<Lists, ApiError> {
    let bytes = std::fs::read(file).map_err(|error| list_error(file, &error))?;
    if !bytes.windows(10).any(|part| part == b"-----BEGIN") {
        return Ok(vec![bytes.into()]);
    }
    let mut found = Vec::new();
    for list in CertificateRevocationListDer::pem_slice_iter(&bytes) {
        found.push(list.map_err(|error| list_error(file, &error))?);
    }
    if found.is_empty() {
        return Err(list_error(file, &"it holds no revocation list"));
    }
    Ok(found)
}

/// Returns the error of a file of revocation lists, with the remedy.
pub(super) fn list_error(file: &Path, reason: &dyn Display) -> ApiError {
    file_error("crl", file, &format!("{reason}; {LIST_REMEDY}"))
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

fn file_error(setting: &'static str, file: &Path, reason: &dyn Display) -> ApiError {
    ApiError::TlsFile {
        setting,
        file: PathBuf::from(file),
        reason: reason.to_string(),
    }
}
