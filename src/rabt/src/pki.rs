//! Certificates for development: one authority, a server, people and agency systems.
//!
//! Invariant: keys are readable by their owner alone, and of an existing folder nothing but the
//! revocation list is ever overwritten.

mod revoke;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};

pub(crate) use self::revoke::{LIST, Revocation, revoke};

/// How long a development certificate is valid, in days.
const VALID_DAYS: i32 = 397;

/// A certificate that `rabt pki dev` makes for a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// File name and name in the client profile.
    pub(crate) name: &'static str,
    /// The URI that says who it is.
    pub(crate) uri: &'static str,
}

/// The people and systems that development certificates are made for.
pub(crate) const IDENTITIES: [Identity; 9] = [
    Identity {
        name: "operator",
        uri: "urn:rabt:platform:person:operator-1:operator",
    },
    Identity {
        name: "approver",
        uri: "urn:rabt:platform:person:approver-1:approver",
    },
    Identity {
        name: "clerk",
        uri: "urn:rabt:platform:person:clerk-1:clerk",
    },
    Identity {
        name: "auditor",
        uri: "urn:rabt:platform:person:auditor-1:auditor",
    },
    Identity {
        name: "security-officer",
        uri: "urn:rabt:platform:person:security-officer-1:security-officer",
    },
    Identity {
        name: "tax",
        uri: "urn:rabt:tax:assessment",
    },
    Identity {
        name: "health-insurance",
        uri: "urn:rabt:health-insurance:eligibility",
    },
    Identity {
        name: "subsidies",
        uri: "urn:rabt:subsidies:call-centre",
    },
    Identity {
        name: "portal",
        uri: "urn:rabt:egov:portal",
    },
];

/// Where the files of one certificate are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Pair {
    /// The certificate, PEM.
    pub(crate) certificate: PathBuf,
    /// Its key, PEM.
    pub(crate) key: PathBuf,
}

/// Everything that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DevPki {
    /// The authority's certificate.
    pub(crate) ca: PathBuf,
    /// The server's.
    pub(crate) server: Pair,
    /// The callers', in the order of [`IDENTITIES`].
    pub(crate) callers: Vec<(Identity, Pair)>,
}

/// Why certificates cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PkiError {
    /// The folder or a file cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be used.
    #[error("{}: {reason}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate cannot be made.
    #[error("certificate for {name}: {source}")]
    Make {
        /// Whose.
        name: String,
        /// Why.
        source: rcgen::Error,
    },
}

/// Makes an authority and all certificates in `folder`. `hosts` are the names and addresses the
/// server is reached by, beside `localhost`.
pub(crate) fn make(folder: &Path, hosts: &[String], now: Timestamp) -> Result<DevPki, PkiError> {
    fs::create_dir_all(folder).map_err(|source| write_error(folder, source))?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let authority = authority(today)?;
    let ca = folder.join("ca.pem");
    write(&ca, &authority.pem(), false)?;
    write(
        &folder.join("ca.key"),
        &authority.key().serialize_pem(),
        true,
    )?;
    revoke::write_empty(folder, &authority, now)?;

    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.extend(hosts.iter().cloned());
    let made = CertificateParams::new(names).map_err(|source| make_error("the server", source));
    let server = issue(&authority, "server", made?, Usage::Server, folder, today)?;

    let mut callers = Vec::with_capacity(IDENTITIES.len());
    for identity in IDENTITIES {
        let mut params = CertificateParams::default();
        let uri = identity.uri.try_into();
        let uri = uri.map_err(|source| make_error(identity.name, source))?;
        params.subject_alt_names.push(SanType::URI(uri));
        let pair = issue(
            &authority,
            identity.name,
            params,
            Usage::Client,
            folder,
            today,
        )?;
        callers.push((identity, pair));
    }
    Ok(DevPki {
        ca,
        server,
        callers,
    })
}

/// Returns what an earlier run made in `folder`, when every file of it is there.
pub(crate) fn find(folder: &Path) -> Option<DevPki> {
    let pair = |file: &str| Pair {
        certificate: folder.join(format!("{file}.pem")),
        key: folder.join(format!("{file}.key")),
    };
    let callers = IDENTITIES.map(|identity| (identity, pair(identity.name)));
    let found = DevPki {
        ca: folder.join("ca.pem"),
        server: pair("server"),
        callers: callers.into(),
    };
    let is_there = |pair: &Pair| pair.certificate.is_file() && pair.key.is_file();
    let whole = found.ca.is_file()
        && is_there(&found.server)
        && found.callers.iter().all(|(_, pair)| is_there(pair));
    whole.then_some(found)
}

#[derive(Clone, Copy)]
enum Usage {
    Server,
    Client,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(today: Date) -> Result<Authority, PkiError> {
    let failed = |source| make_error("the authority", source);
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = name("Rabt development authority");
    set_validity(&mut params, today);
    let key = KeyPair::generate().map_err(failed)?;
    CertifiedIssuer::self_signed(params, key).map_err(failed)
}

fn issue(
    authority: &Authority,
    file: &str,
    mut params: CertificateParams,
    usage: Usage,
    folder: &Path,
    today: Date,
) -> Result<Pair, PkiError> {
    let failed = |source| make_error(file, source);
    params.distinguished_name = name(&format!("Rabt development {file}"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![match usage {
        Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
        Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
    }];
    set_validity(&mut params, today);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.signed_by(&key, authority).map_err(failed)?;
    let pair = Pair {
        certificate: folder.join(format!("{file}.pem")),
        key: folder.join(format!("{file}.key")),
    };
    write(&pair.certificate, &certificate.pem(), false)?;
    write(&pair.key, &key.serialize_pem(), true)?;
    Ok(pair)
}

fn name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

/// From the day before, so that a caller whose clock is a little behind accepts it.
fn set_validity(params: &mut CertificateParams, today: Date) {
    let from = today.saturating_sub(1.day());
    let until = today.saturating_add(VALID_DAYS.days());
    let ymd = |date: Date| {
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(date.year().into(), part(date.month()), part(date.day()))
    };
    params.not_before = ymd(from);
    params.not_after = ymd(until);
}

fn write(path: &Path, text: &str, private: bool) -> Result<(), PkiError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if private { 0o600 } else { 0o644 });
    }
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| write_error(path, source))
}

fn write_error(path: &Path, source: io::Error) -> PkiError {
    PkiError::Write {
        path: path.to_owned(),
        source,
    }
}

fn make_error(name: &str, source: rcgen::Error) -> PkiError {
    PkiError::Make {
        name: name.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::{IDENTITIES, PkiError, make};

    #[test]
    fn makes_every_certificate_once() {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let made = make(folder.path(), &["rabt.example".to_owned()], now).unwrap();
        assert_eq!(made.callers.len(), IDENTITIES.len());
        let key = std::fs::metadata(&made.server.key).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(key.permissions().mode() & 0o777, 0o600);
        }
        let again = make(folder.path(), &[], now);
        assert!(matches!(again, Err(PkiError::Write { .. })));
    }
}
