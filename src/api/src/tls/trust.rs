//! Whose clients we talk to: authorities, less what their lists revoke.
//!
//! Invariant: a list that is past its time still revokes what it names; a certificate of which no
//! list says anything counts as not revoked. What is wrong with a list is told, and stops nobody.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::error::X509Error;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use super::file::{Authorities, Lists, list_error};
use crate::ApiError;

/// Whose a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Issuer {
    /// One of the authorities: its name and its signature.
    Authority,
    /// None of them: it counts for authorities between, whose certificates callers send along.
    Other,
    /// It bears the name of an authority and not its signature.
    Forged,
}

/// Returns what judges client certificates, in a handshake and afterwards.
pub(super) fn verifier(
    authorities: &Authorities,
    lists: Lists,
) -> Result<Arc<dyn ClientCertVerifier>, ApiError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(authority.clone())
            .map_err(|error| ApiError::Tls(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // The library's default passes over the end of a list, which is what is wanted here.
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(lists)
        .allow_unknown_revocation_status()
        .build()
        .map_err(|error| ApiError::Tls(error.to_string()))
}

/// Checks the lists of a file before they are put in force: the library reads them, and none bears a
/// signature that would refuse every caller of its authority.
pub(super) fn check(file: &Path, lists: &Lists, authorities: &Authorities) -> Result<(), ApiError> {
    for list in lists {
        verifier(authorities, vec![list.clone()]).map_err(|error| list_error(file, &error))?;
        if issuer(list, authorities) == Issuer::Forged {
            let reason = "it is not signed by the authority that it names";
            return Err(list_error(file, &reason));
        }
    }
    Ok(())
}

/// Says whose a list is.
pub(super) fn issuer(list: &CertificateRevocationListDer<'_>, authorities: &Authorities) -> Issuer {
    let Ok((_, list)) = CertificateRevocationList::from_der(list) else {
        return Issuer::Other;
    };
    let mut named = Issuer::Other;
    for authority in authorities {
        let Ok((_, authority)) = X509Certificate::from_der(authority) else {
            continue;
        };
        if authority.subject().as_raw() != list.issuer().as_raw() {
            continue;
        }
        match list.verify_signature(authority.public_key()) {
            // What this library cannot check, the one that does the handshakes may.
            Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm) => return Issuer::Authority,
            Err(_) => named = Issuer::Forged,
        }
    }
    named
}

/// Returns the names of the authorities that no list is of.
pub(super) fn without_list(authorities: &Authorities, lists: &[&Lists]) -> Vec<String> {
    let is_covered = |authority: &CertificateDer<'static>| {
        let one = vec![authority.clone()];
        lists.iter().any(|lists| {
            lists
                .iter()
                .any(|list| issuer(list, &one) == Issuer::Authority)
        })
    };
    let uncovered = authorities.iter().filter(|one| !is_covered(one));
    uncovered
        .filter_map(|one| {
            let (_, one) = X509Certificate::from_der(one).ok()?;
            Some(one.subject().to_string())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
        DnType, IsCa, KeyIdMethod, KeyPair, SerialNumber, date_time_ymd,
    };

    use super::{Issuer, check, issuer, without_list};
    use crate::tls::file::Lists;

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn authority(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn list(of: &Authority) -> Lists {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2026, 2, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        vec![list.signed_by(of).unwrap().into()]
    }

    #[test]
    fn a_list_is_an_authoritys_by_name_and_signature() {
        let [one, same_name, other] = ["one", "one", "other"].map(authority);
        let authorities = vec![one.der().clone(), other.der().clone()];
        for (of, expected) in [
            (&one, Issuer::Authority),
            (&other, Issuer::Authority),
            (&same_name, Issuer::Forged),
            (&authority("third"), Issuer::Other),
        ] {
            let lists = list(of);
            assert_eq!(issuer(&lists[0], &authorities), expected);
            let taken = check(Path::new("a.crl"), &lists, &authorities);
            assert_eq!(taken.is_ok(), expected != Issuer::Forged);
        }
        let error = check(Path::new("a.crl"), &list(&same_name), &authorities).unwrap_err();
        assert!(error.to_string().contains("a.crl under tls.crl"), "{error}");
        let ones = list(&one);
        let without = without_list(&authorities, &[&ones]);
        assert_eq!(without.len(), 1);
        assert!(without[0].contains("other"), "{without:?}");
    }
}
