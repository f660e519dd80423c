//! Who calls: read from the client certificate, and from nothing else.
//!
//! Invariant: a [`Caller`] is made only here, from a certificate that the handshake has verified.

use rabt_model::{AgencyId, ErrorClass};
use rabt_policy::{Caller, Role};
use rustls_pki_types::CertificateDer;
use tonic::{Request, Status};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::status::status;

/// Longest name of a system or id of a person.
const LONGEST_NAME: usize = 63;

/// Why a verified certificate does not name a caller. It never repeats what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthnError {
    #[error("the certificate cannot be read")]
    Certificate,
    #[error("the certificate has no subject alternative name that starts with urn:rabt:")]
    Missing,
    #[error("the certificate has more than one name that starts with urn:rabt:")]
    Several,
    #[error(
        "the certificate's name is neither urn:rabt:<agency>:<system> nor \
         urn:rabt:<agency>:person:<id>:<role>"
    )]
    Form,
}

/// Takes a request apart: who calls, as the stack noted it from the certificate, and the message.
pub(crate) fn calling<T>(mut request: Request<T>) -> Result<(Caller, T), Status> {
    let caller = request.extensions_mut().remove::<Caller>();
    let caller = caller.ok_or_else(|| status(ErrorClass::NotPermitted, ""))?;
    Ok((caller, request.into_inner()))
}

/// Returns the caller that a certificate names, and the name itself.
pub(crate) fn caller(certificate: &CertificateDer<'_>) -> Result<(Caller, String), AuthnError> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| AuthnError::Certificate)?;
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| AuthnError::Certificate)?;
    let mut urn = None;
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        if let GeneralName::URI(uri) = name
            && uri.starts_with("urn:rabt:")
            && urn.replace(*uri).is_some()
        {
            return Err(AuthnError::Several);
        }
    }
    let urn = urn.ok_or(AuthnError::Missing)?;
    Ok((parse(urn)?, urn.to_owned()))
}

fn parse(urn: &str) -> Result<Caller, AuthnError> {
    let rest = urn.strip_prefix("urn:rabt:").ok_or(AuthnError::Form)?;
    let parts: Vec<&str> = rest.split(':').collect();
    let (agency, system, role) = match parts[..] {
        [agency, system] if system != "person" => (agency, system, Role::System),
        [agency, "person", id, role] => (agency, id, personal_role(role)?),
        _ => return Err(AuthnError::Form),
    };
    check_name(system)?;
    let agency: AgencyId = agency.parse().map_err(|_| AuthnError::Form)?;
    Ok(Caller {
        agency,
        system: system.to_owned(),
        role,
    })
}

fn personal_role(text: &str) -> Result<Role, AuthnError> {
    Role::OF_PEOPLE
        .into_iter()
        .find(|role| role.as_str() == text)
        .ok_or(AuthnError::Form)
}

fn check_name(text: &str) -> Result<(), AuthnError> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let fits = (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(allowed);
    fits.then_some(()).ok_or(AuthnError::Form)
}

#[cfg(test)]
mod tests {
    use rabt_policy::Role;
    use rcgen::{CertificateParams, KeyPair, SanType};
    use rustls_pki_types::CertificateDer;

    use super::{AuthnError, caller, parse};

    fn certificate(names: &[&str]) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["portal.example".to_owned()]).unwrap();
        for name in names {
            let uri = SanType::URI((*name).try_into().unwrap());
            params.subject_alt_names.push(uri);
        }
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn systems_and_people_are_read() {
        let (system, urn) = caller(&certificate(&["urn:rabt:tax:portal-2"])).unwrap();
        assert_eq!(
            (system.agency.as_str(), system.system.as_str()),
            ("tax", "portal-2")
        );
        assert_eq!(system.role, Role::System);
        assert_eq!(urn, "urn:rabt:tax:portal-2");

        let name = "urn:rabt:rabt:person:m.hassan:operator";
        let (person, _) = caller(&certificate(&["https://example.org", name])).unwrap();
        assert_eq!(person.system, "m.hassan");
        assert_eq!(person.role, Role::Operator);

        let named = [
            "operator",
            "approver",
            "clerk",
            "auditor",
            "security-officer",
        ];
        let read = named.map(|role| parse(&format!("urn:rabt:rabt:person:m.hassan:{role}")));
        let read = read.map(|caller| caller.unwrap().role);
        assert_eq!(read, Role::OF_PEOPLE);
    }

    #[test]
    fn other_certificates_name_nobody() {
        assert_eq!(caller(&certificate(&[])), Err(AuthnError::Missing));
        assert_eq!(
            caller(&certificate(&["urn:other:tax:portal"])),
            Err(AuthnError::Missing)
        );
        let two = ["urn:rabt:tax:portal", "urn:rabt:police:portal"];
        assert_eq!(caller(&certificate(&two)), Err(AuthnError::Several));
        let bytes = CertificateDer::from(vec![0x30, 0x03, 0x01]);
        assert_eq!(caller(&bytes), Err(AuthnError::Certificate));
    }

    #[test]
    fn names_have_one_of_two_forms() {
        let long = format!("urn:rabt:tax:{}", "a".repeat(64));
        let wrong = [
            "urn:rabt:",
            "urn:rabt:tax",
            "urn:rabt:tax:",
            "urn:rabt:Tax:portal",
            "urn:rabt:tax:por tal",
            "urn:rabt:tax:portal:operator",
            "urn:rabt:tax:person",
            "urn:rabt:tax:person:m.hassan",
            "urn:rabt:tax:person:m.hassan:king",
            "urn:rabt:tax:person:m.hassan:system",
            "urn:rabt:tax:person:m.hassan:operator:clerk",
            &long,
        ];
        for urn in wrong {
            assert_eq!(parse(urn), Err(AuthnError::Form), "{urn}");
        }
    }
}
