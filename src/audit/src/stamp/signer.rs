//! Who signed a time stamp, and whether they may.

use std::time::Duration;

use cms::cert::CertificateChoices;
use cms::cert::x509::Certificate;
use cms::cert::x509::attr::Attribute;
use cms::cert::x509::ext::pkix::ExtendedKeyUsage;
use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{Any, ObjectIdentifier, OctetString};
use der::oid::AssociatedOid;
use der::{Decode, Encode, Sequence};
use rabt_model::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest, Sha256, Sha384, Sha512};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

use super::StampError;
use super::form::{INFO, SHA256};

const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// `id-kp-timeStamping`
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
/// The same, as it is encoded.
const TIME_STAMPING_DER: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// How a token says that it is signed: RSA by itself, with SHA-256, -384, -512 or PSS; ECDSA with the same hashes.
const SIGNATURES: [ObjectIdentifier; 8] = [
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"),
];

/// `SigningCertificate`: hashes are SHA-1.
#[derive(Sequence)]
struct Signing {
    certificates: Vec<Named>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

/// `ESSCertID`
#[derive(Sequence)]
struct Named {
    hash: OctetString,
    #[asn1(optional = "true")]
    issuer: Option<Any>,
}

/// `SigningCertificateV2`
#[derive(Sequence)]
struct SigningV2 {
    certificates: Vec<NamedV2>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

/// `ESSCertIDv2`; the hash is SHA-256 when no other is named.
#[derive(Sequence)]
struct NamedV2 {
    #[asn1(optional = "true")]
    algorithm: Option<AlgorithmIdentifierOwned>,
    hash: OctetString,
    #[asn1(optional = "true")]
    issuer: Option<Any>,
}

/// Checks who signed, and returns the name in their certificate.
pub(super) fn check(
    token: &SignedData,
    content: &[u8],
    at: Timestamp,
    roots: &[CertificateDer<'_>],
) -> Result<String, StampError> {
    let [signer] = token.signer_infos.0.as_slice() else {
        return Err(StampError::Form);
    };
    if !SIGNATURES.contains(&signer.signature_algorithm.oid) {
        return Err(StampError::Unknown("how it is signed"));
    }
    let mut digests = token.digest_algorithms.iter();
    if !digests.any(|digest| digest.oid == signer.digest_alg.oid) {
        return Err(StampError::Form);
    }
    let (certificate, others) = certificates(token, signer)?;
    let leaf = der_of(certificate)?;
    check_attributes(signer, content, &leaf)?;
    check_usage(certificate)?;
    let entity = EndEntityCert::try_from(&leaf).map_err(|_| StampError::Signer)?;
    check_signature(signer, &entity)?;
    check_chain(&entity, &others, at, roots)?;
    Ok(certificate.tbs_certificate.subject.to_string())
}

/// Returns the certificate of the signer, and the others of the reply.
fn certificates<'a>(
    token: &'a SignedData,
    signer: &SignerInfo,
) -> Result<(&'a Certificate, Vec<CertificateDer<'static>>), StampError> {
    let SignerIdentifier::IssuerAndSerialNumber(wanted) = &signer.sid else {
        return Err(StampError::Unknown("how it names its signer"));
    };
    let set = token.certificates.as_ref().ok_or(StampError::Signer)?;
    let (mut found, mut others) = (None, Vec::new());
    for choice in set.0.iter() {
        let CertificateChoices::Certificate(certificate) = choice else {
            continue;
        };
        let tbs = &certificate.tbs_certificate;
        if tbs.issuer == wanted.issuer && tbs.serial_number == wanted.serial_number {
            found = Some(certificate);
        } else {
            others.push(der_of(certificate)?);
        }
    }
    Ok((found.ok_or(StampError::Signer)?, others))
}

fn der_of(certificate: &Certificate) -> Result<CertificateDer<'static>, StampError> {
    let bytes = certificate.to_der().map_err(|_| StampError::Form)?;
    Ok(bytes.into())
}

/// Checks that what is signed is the content, and that the certificate is the one that was meant.
fn check_attributes(
    signer: &SignerInfo,
    content: &[u8],
    leaf: &CertificateDer<'_>,
) -> Result<(), StampError> {
    let kind: ObjectIdentifier = decoded(attribute(signer, CONTENT_TYPE)?)?;
    if kind != INFO {
        return Err(StampError::Form);
    }
    let digest: OctetString = decoded(attribute(signer, MESSAGE_DIGEST)?)?;
    if digest.as_bytes() != hash(signer.digest_alg.oid, content)? {
        return Err(StampError::Signature);
    }
    let is_meant = if let Ok(attribute) = attribute(signer, SIGNING_CERTIFICATE_V2) {
        let named: SigningV2 = decoded(attribute)?;
        let first = named.certificates.first().ok_or(StampError::Signer)?;
        let algorithm = first.algorithm.as_ref().map_or(SHA256, |given| given.oid);
        first.hash.as_bytes() == hash(algorithm, leaf)?
    } else {
        let named: Signing = decoded(attribute(signer, SIGNING_CERTIFICATE)?)?;
        let first = named.certificates.first().ok_or(StampError::Signer)?;
        let made = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, leaf);
        first.hash.as_bytes() == made.as_ref()
    };
    is_meant.then_some(()).ok_or(StampError::Signer)
}

fn attribute(signer: &SignerInfo, kind: ObjectIdentifier) -> Result<&Attribute, StampError> {
    let attributes = signer.signed_attrs.as_ref().ok_or(StampError::Form)?;
    let found = attributes.iter().find(|attribute| attribute.oid == kind);
    found.ok_or(StampError::Form)
}

/// Reads the one value of an attribute.
fn decoded<T: for<'a> Decode<'a>>(attribute: &Attribute) -> Result<T, StampError> {
    let [value] = attribute.values.as_slice() else {
        return Err(StampError::Form);
    };
    let bytes = value.to_der().map_err(|_| StampError::Form)?;
    T::from_der(&bytes).map_err(|_| StampError::Form)
}

fn hash(algorithm: ObjectIdentifier, bytes: &[u8]) -> Result<Vec<u8>, StampError> {
    match algorithm {
        SHA256 => Ok(Sha256::digest(bytes).to_vec()),
        SHA384 => Ok(Sha384::digest(bytes).to_vec()),
        SHA512 => Ok(Sha512::digest(bytes).to_vec()),
        _ => Err(StampError::Unknown("its hash")),
    }
}

/// RFC 3161, 2.3: the purpose is critical, and the only one.
pub(super) fn check_usage(certificate: &Certificate) -> Result<(), StampError> {
    let extensions = certificate.tbs_certificate.extensions.as_deref();
    let mut extensions = extensions.unwrap_or_default().iter();
    let usage = extensions.find(|extension| extension.extn_id == ExtendedKeyUsage::OID);
    let usage = usage.ok_or(StampError::Usage)?;
    let purposes = ExtendedKeyUsage::from_der(usage.extn_value.as_bytes());
    let purposes = purposes.map_err(|_| StampError::Usage)?;
    let alone = usage.critical && purposes.0 == [TIME_STAMPING];
    alone.then_some(()).ok_or(StampError::Usage)
}

/// What is signed are the attributes, as a set of their own.
fn check_signature(signer: &SignerInfo, entity: &EndEntityCert<'_>) -> Result<(), StampError> {
    let attributes = signer.signed_attrs.as_ref().ok_or(StampError::Form)?;
    let message = attributes.to_der().map_err(|_| StampError::Form)?;
    let signature = signer.signature.as_bytes();
    // each of them is strong enough; which one fits, the key says
    let mut all = ALL_VERIFICATION_ALGS.iter();
    let fits = all.any(|one| entity.verify_signature(*one, &message, signature).is_ok());
    fits.then_some(()).ok_or(StampError::Signature)
}

/// The certificate counts as it stood at the time of the stamp; an authority for as long as it is trusted here.
fn check_chain(
    entity: &EndEntityCert<'_>,
    others: &[CertificateDer<'static>],
    at: Timestamp,
    roots: &[CertificateDer<'_>],
) -> Result<(), StampError> {
    let anchors = roots.iter().map(webpki::anchor_from_trusted_cert);
    let anchors: Vec<_> = anchors
        .collect::<Result<_, _>>()
        .map_err(|_| StampError::Foreign)?;
    let seconds = u64::try_from(at.as_second()).map_err(|_| StampError::Time)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let usage = KeyUsage::required_if_present(TIME_STAMPING_DER);
    let algorithms = ALL_VERIFICATION_ALGS;
    let path = entity.verify_for_usage(algorithms, &anchors, others, time, usage, None, None);
    match path {
        Ok(_) => Ok(()),
        Err(webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }) => {
            Err(StampError::Time)
        }
        Err(_) => Err(StampError::Foreign),
    }
}
