//! Time stamps of RFC 3161: what an authority for time, who is none of ours, says of when some bytes existed.
//!
//! A request holds the SHA-256 of the bytes and a number that is used once; the reply repeats both with a time,
//! signed by a certificate that is for time stamps and nothing else. A reply is kept as it came: `openssl ts`
//! reads it too.

mod form;
mod signer;

use der::asn1::Int;
use der::{Decode, Encode};
use rabt_model::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use crate::Hash;
use form::{Info, Reply, Request};

/// Media type of a request.
pub const STAMP_QUERY: &str = "application/timestamp-query";

/// Media type of a reply.
pub const STAMP_REPLY: &str = "application/timestamp-reply";

/// Largest reply that is looked at, in bytes; usual ones have a few thousand.
pub const STAMP_BYTES: usize = 64 << 10;

/// A question to an authority, and what its reply must repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampRequest {
    imprint: Hash,
    nonce: u64,
}

/// What an authority said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// When the bytes existed at the latest.
    pub at: Timestamp,
    /// Who says so: the subject of the certificate.
    pub authority: String,
}

/// The authorities that certificates of time stamps must come from.
#[derive(Debug, Clone)]
pub struct StampRoots(Vec<CertificateDer<'static>>);

/// Why a reply is no time stamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// Not the form of a reply.
    #[error("is not a reply of a time-stamping authority")]
    Form,
    /// The authority did not stamp.
    #[error("is a refusal, status {0}")]
    Refused(u8),
    /// Other bytes were stamped.
    #[error("is over something else")]
    Imprint,
    /// Another request was answered.
    #[error("answers another request")]
    Nonce,
    /// A hash or a time in a form that is not read here.
    #[error("uses a form that is not known here: {0}")]
    Unknown(&'static str),
    /// The signer's certificate is not in the reply, or not the one that was meant.
    #[error("does not hold the certificate that signed it")]
    Signer,
    /// The certificate may sign other things, or may not sign time stamps.
    #[error("is signed by a certificate that is not for time stamps alone")]
    Usage,
    /// Something was changed after it was signed.
    #[error("was changed: its signature does not fit")]
    Signature,
    /// The certificate was not good at the time of the stamp.
    #[error("is signed by a certificate that was not good at its time")]
    Time,
    /// Nobody who is trusted vouches for the certificate.
    #[error("is signed by a certificate of none of the authorities that are trusted")]
    Foreign,
}

/// Why a text holds no authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StampRootsError {
    /// There is none in it.
    #[error("holds no certificate")]
    Empty,
    /// It is not PEM, or something in it is no certificate of an authority.
    #[error("holds something that is no certificate of an authority in PEM")]
    Form,
}

impl StampRoots {
    /// Reads authorities from PEM, one after the other.
    ///
    /// # Errors
    /// There is none, or something else.
    pub fn from_pem(text: &[u8]) -> Result<Self, StampRootsError> {
        let mut roots = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(text) {
            let certificate = certificate.map_err(|_| StampRootsError::Form)?;
            webpki::anchor_from_trusted_cert(&certificate).map_err(|_| StampRootsError::Form)?;
            roots.push(certificate.into_owned());
        }
        if roots.is_empty() {
            return Err(StampRootsError::Empty);
        }
        Ok(Self(roots))
    }
}

impl StampRequest {
    /// Returns the request for a stamp over these bytes; the caller supplies the randomness of `nonce`.
    pub fn new(stamped: &[u8], nonce: u64) -> Self {
        Self {
            imprint: Sha256::digest(stamped).into(),
            // eight bytes in every encoding
            nonce: (nonce | 1 << 62) & !(1 << 63),
        }
    }

    /// Returns the request as it is sent, DER.
    ///
    /// # Errors
    /// Never, as far as is known: every request has a form.
    pub fn encode(&self) -> Result<Vec<u8>, StampError> {
        let nonce = self.nonce.to_be_bytes();
        let request = Request::new(self.imprint, &nonce).map_err(|_| StampError::Form)?;
        request.to_der().map_err(|_| StampError::Form)
    }

    /// Checks that a reply answers this request.
    ///
    /// # Errors
    /// It does not.
    pub fn open(&self, reply: &[u8], roots: &StampRoots) -> Result<Stamp, StampError> {
        let (info, stamp) = opened(self.imprint, reply, roots)?;
        let given = info.nonce.as_ref().map(Int::as_bytes);
        if given != Some(&self.nonce.to_be_bytes()) {
            return Err(StampError::Nonce);
        }
        Ok(stamp)
    }
}

/// Checks a kept reply against the bytes that were stamped.
///
/// # Errors
/// It does not show when they existed.
pub fn verify_stamp(stamped: &[u8], reply: &[u8], roots: &StampRoots) -> Result<Stamp, StampError> {
    let imprint = Sha256::digest(stamped).into();
    opened(imprint, reply, roots).map(|(_, stamp)| stamp)
}

fn opened(imprint: Hash, reply: &[u8], roots: &StampRoots) -> Result<(Info, Stamp), StampError> {
    if reply.len() > STAMP_BYTES {
        return Err(StampError::Form);
    }
    let reply = Reply::from_der(reply).map_err(|_| StampError::Form)?;
    let signed = reply.signed()?;
    let (content, info) = form::content(&signed)?;
    if !info.imprint.is_of(&imprint) {
        return Err(StampError::Imprint);
    }
    let at = info.at()?;
    let authority = signer::check(&signed, content, at, &roots.0)?;
    Ok((info, Stamp { at, authority }))
}

#[cfg(test)]
mod tests;
