//! Over TLS, with an authority of the test's own.

use std::path::Path;
use std::sync::Arc;

use rabt_connect::{Connector, Outcome, Session};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::server::{Reply, Server};
use super::{plan, read, session};
use crate::Rest;

/// Returns an acceptor for a name, and the PEM text of the authority behind it.
fn authority(name: &str) -> (TlsAcceptor, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, key).unwrap();
    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&own, &authority).unwrap();
    let key = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}

fn over_tls(server: &Server, folder: &Path) -> Session {
    let url = format!("https://localhost:{}/api", server.address.port());
    let mut session = session(
        &url,
        "paging = 'none'\nca = 'ca.pem'\n[tables]\npersons = {}",
    );
    session.base = folder.to_owned();
    session
}

async fn failed(session: &Session) -> (String, String) {
    let error = read(session, &plan(&["id"]), None).await.unwrap_err();
    let findings = Rest.check(session).await;
    let failed = findings
        .iter()
        .find(|f| f.outcome == Outcome::Fail)
        .unwrap();
    (error.name().to_owned(), failed.id.to_owned())
}

#[tokio::test]
async fn an_authority_of_the_agency_is_trusted_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (acceptor, pem) = authority("localhost");
    let server = Server::start_with(|_| Reply::json("[{\"id\":1}]"), Some(acceptor)).await;
    std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
    let session = over_tls(&server, folder.path());
    let sent = read(&session, &plan(&["id"]), None).await.unwrap();
    assert_eq!(sent.rows, ["1"]);
    let findings = Rest.check(&session).await;
    assert!(
        findings.iter().all(|f| f.outcome == Outcome::Pass),
        "{findings:?}"
    );

    let (_, other) = authority("localhost");
    std::fs::write(folder.path().join("ca.pem"), other).unwrap();
    assert_eq!(
        failed(&session).await,
        ("configuration".into(), "tls".into())
    );
    let mut public = session.clone();
    public.config.remove("ca");
    assert_eq!(
        failed(&public).await,
        ("configuration".into(), "tls".into())
    );
    std::fs::write(folder.path().join("ca.pem"), "no certificate").unwrap();
    assert_eq!(
        failed(&session).await,
        ("configuration".into(), "config".into())
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (acceptor, pem) = authority("other.example");
    let server = Server::start_with(|_| Reply::json("[]"), Some(acceptor)).await;
    std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
    let session = over_tls(&server, folder.path());
    assert_eq!(
        failed(&session).await,
        ("configuration".into(), "tls".into())
    );
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (_, pem) = authority("localhost");
    std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
    let server = Server::start(|_| Reply::json("[]")).await;
    let session = over_tls(&server, folder.path());
    assert_eq!(
        failed(&session).await,
        ("configuration".into(), "tls".into())
    );
}
