//! The revocation list of a development authority.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
    SigningKey, date_time_ymd,
};
use serde::Serialize;
use x509_parser::num_bigint::BigUint;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{CertificateRevocationList, FromDer, Pem, X509Certificate};

use super::{PkiError, VALID_DAYS, make_error, write_error};

/// The file of the list, beside the authority's.
pub(crate) const LIST: &str = "ca.crl";

const DAY: u64 = 86_400;

/// What became of a revocation.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Revocation {
    /// The list.
    pub(crate) list: PathBuf,
    /// The number that the authority gave the certificate.
    pub(crate) serial: String,
    /// Whether the list named it already.
    pub(crate) earlier: bool,
    /// How many certificates the list names.
    pub(crate) revoked: usize,
}

/// What a list says that is to be continued.
struct Earlier {
    number: BigUint,
    /// Serial and when it was revoked, seconds.
    revoked: Vec<(Vec<u8>, u64)>,
}

/// Adds a certificate to the revocation list of the authority in `folder`.
pub(crate) fn revoke(
    folder: &Path,
    certificate: &Path,
    now: Timestamp,
) -> Result<Revocation, PkiError> {
    let authority = read_pem(&folder.join("ca.pem"))?;
    let serial = serial_of(certificate, &authority)?;
    let list = folder.join(LIST);
    let mut earlier = if list.exists() {
        read_list(&list)?
    } else {
        Earlier::none()
    };
    let named = earlier.revoked.iter().any(|(one, _)| *one == serial);
    if !named {
        earlier.revoked.push((serial.clone(), seconds(now)));
        let key = read(&folder.join("ca.key"))?;
        let failed = |source| make_error("the authority", source);
        let key = KeyPair::from_pem(&key).map_err(failed)?;
        let certificate = authority.contents.into();
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(failed)?;
        write_list(&list, &issuer, &earlier, now)?;
    }
    let shown: Vec<String> = serial.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Revocation {
        list,
        serial: shown.join(":"),
        earlier: named,
        revoked: earlier.revoked.len(),
    })
}

/// Writes a list that revokes nothing, so that a node can name it from the start.
pub(super) fn write_empty<S: SigningKey>(
    folder: &Path,
    issuer: &Issuer<'_, S>,
    now: Timestamp,
) -> Result<(), PkiError> {
    write_list(&folder.join(LIST), issuer, &Earlier::none(), now)
}

impl Earlier {
    fn none() -> Self {
        Self {
            number: BigUint::default(),
            revoked: Vec::new(),
        }
    }
}

fn write_list<S: SigningKey>(
    path: &Path,
    issuer: &Issuer<'_, S>,
    said: &Earlier,
    now: Timestamp,
) -> Result<(), PkiError> {
    let at = |second| date_time_ymd(1970, 1, 1) + Duration::from_secs(second);
    let revoked = said
        .revoked
        .iter()
        .map(|(serial, second)| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: at(*second),
            reason_code: None,
            invalidity_date: None,
        });
    let days = u64::try_from(VALID_DAYS).unwrap_or_default();
    let number = &said.number + 1_u32;
    let list = CertificateRevocationListParams {
        // as certificates: a clock that is a little behind takes it too
        this_update: at(seconds(now).saturating_sub(DAY)),
        next_update: at(seconds(now) + days * DAY),
        crl_number: SerialNumber::from_slice(&number.to_bytes_be()),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let failed = |source| make_error("the revocation list", source);
    let list = list.signed_by(issuer).map_err(failed)?;
    replace(path, &list.pem().map_err(failed)?)
}

/// A node that reads meanwhile finds the old list or the new one, never half of it.
fn replace(path: &Path, text: &str) -> Result<(), PkiError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let put = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let readable = fs::Permissions::from_mode(0o644);
            file.as_file().set_permissions(readable)?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    put().map_err(|source| write_error(path, source))
}

fn serial_of(path: &Path, authority: &Pem) -> Result<Vec<u8>, PkiError> {
    let pem = read_pem(path)?;
    let certificate = parse(path, &pem)?;
    let authority = parse(Path::new("ca.pem"), authority)?;
    let issued = certificate.verify_signature(Some(authority.public_key()));
    if certificate.issuer().as_raw() != authority.subject().as_raw() || issued.is_err() {
        let reason = "the authority of the folder did not issue it; give --pki the folder that did";
        return Err(unusable(path, reason));
    }
    Ok(certificate.raw_serial().to_vec())
}

fn read_list(path: &Path) -> Result<Earlier, PkiError> {
    let reason = "not a revocation list; take it away to begin a new one";
    let pem = read_pem(path)?;
    let (_, list) =
        CertificateRevocationList::from_der(&pem.contents).map_err(|_| unusable(path, reason))?;
    let revoked = list.iter_revoked_certificates().map(|one| {
        let second = u64::try_from(one.revocation_date.timestamp()).unwrap_or_default();
        (one.raw_serial().to_vec(), second)
    });
    Ok(Earlier {
        number: list.crl_number().cloned().unwrap_or_default(),
        revoked: revoked.collect(),
    })
}

fn parse<'a>(path: &Path, pem: &'a Pem) -> Result<X509Certificate<'a>, PkiError> {
    let (_, certificate) = X509Certificate::from_der(&pem.contents)
        .map_err(|_| unusable(path, "not a certificate"))?;
    Ok(certificate)
}

fn read_pem(path: &Path) -> Result<Pem, PkiError> {
    let text = read(path)?;
    let (_, pem) = parse_x509_pem(text.as_bytes()).map_err(|_| unusable(path, "not PEM"))?;
    Ok(pem)
}

fn read(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, reason: &str) -> PkiError {
    PkiError::Read {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::make;
    use super::{CertificateRevocationList, FromDer, read_pem, revoke};

    #[test]
    fn a_list_names_each_certificate_once_and_counts_on() {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let made = make(folder.path(), &[], now).unwrap();
        let certificate = |index: usize| made.callers[index].1.certificate.clone();
        for (index, revoked, earlier) in [(0, 1, false), (1, 2, false), (0, 2, true)] {
            let done = revoke(folder.path(), &certificate(index), now).unwrap();
            assert_eq!((done.revoked, done.earlier), (revoked, earlier));
        }
        let pem = read_pem(&folder.path().join("ca.crl")).unwrap();
        let (_, list) = CertificateRevocationList::from_der(&pem.contents).unwrap();
        // the empty one, and one for each that was added
        assert_eq!(list.crl_number().unwrap().to_string(), "3");
        let ca = read_pem(&made.ca).unwrap();
        let ca = ca.parse_x509().unwrap();
        list.verify_signature(ca.public_key()).unwrap();
        let caller = read_pem(&certificate(0)).unwrap();
        let caller = caller.parse_x509().unwrap();
        let mut revoked = list.iter_revoked_certificates();
        assert!(revoked.any(|one| one.raw_serial() == caller.raw_serial()));
    }

    #[test]
    fn a_certificate_of_another_authority_is_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        make(one.path(), &[], now).unwrap();
        let made = make(other.path(), &[], now).unwrap();
        let error = revoke(one.path(), &made.callers[0].1.certificate, now).unwrap_err();
        assert!(error.to_string().contains("did not issue it"), "{error}");
    }
}
