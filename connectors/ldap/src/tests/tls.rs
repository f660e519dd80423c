//! Over TLS, from the start and by `StartTLS`, with an authority of the test's own.

use rabt_connect::{Connector, Outcome, Session};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::slapd::{Setup, Slapd, config_at};
use super::{plan, read, session};
use crate::Ldap;

/// Certificates in PEM: of the authority, of the server, and the server's key.
struct Pem {
    authority: String,
    server: String,
    key: String,
}

fn authority(name: &str) -> Pem {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, key).unwrap();
    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&own, &authority).unwrap();
    Pem {
        authority: authority.pem(),
        server: leaf.pem(),
        key: own.serialize_pem(),
    }
}

/// Starts a server with a certificate for a name.
fn start(name: &str) -> Option<(Slapd, Pem)> {
    let mut server = Slapd::start(&Setup::default())?;
    let pem = authority(name);
    server.stop();
    server.write("server.pem", &pem.server);
    server.write("server.key", &pem.key);
    let path = |name: &str| server.path(name).display().to_string();
    let global = format!(
        "TLSCertificateFile {}\nTLSCertificateKeyFile {}",
        path("server.pem"),
        path("server.key")
    );
    server.write("ca.pem", &pem.authority);
    server.configure(&Setup {
        global,
        ..Setup::default()
    });
    server.run();
    Some((server, pem))
}

fn over_tls(server: &Slapd, start_tls: bool) -> Session {
    let url = if start_tls {
        format!("ldap://localhost:{}", server.port)
    } else {
        format!("ldaps://localhost:{}", server.port + 1)
    };
    let config = format!(
        "{}ca = 'ca.pem'\nstart_tls = {start_tls}",
        config_at(&url, "")
    );
    let mut session = session(&config);
    session.base = server.path("");
    session
}

async fn failed(session: &Session) -> (&'static str, &'static str) {
    let plan = plan("organizationalRole", &["cn"]);
    let error = read(session, &plan, None).await.unwrap_err();
    let findings = Ldap.check(session).await;
    let failed = findings
        .iter()
        .find(|f| f.outcome == Outcome::Fail)
        .unwrap();
    (error.name(), failed.id)
}

#[tokio::test]
async fn an_authority_of_the_agency_is_trusted_alone() {
    let Some((server, _)) = start("localhost") else {
        return;
    };
    for start_tls in [false, true] {
        let session = over_tls(&server, start_tls);
        let sent = read(&session, &plan("organizationalRole", &["cn"]), None)
            .await
            .unwrap();
        assert_eq!(sent.rows, ["rabt"]);
        let findings = Ldap.check(&session).await;
        let tls = findings.iter().find(|finding| finding.id == "tls").unwrap();
        assert_eq!(
            (tls.outcome, tls.summary.as_str()),
            (Outcome::Pass, "the connection is encrypted")
        );
        let mut public = session.clone();
        public.config.remove("ca");
        assert_eq!(failed(&public).await, ("configuration", "tls"));
    }
    server.write("ca.pem", &authority("localhost").authority);
    for start_tls in [false, true] {
        assert_eq!(
            failed(&over_tls(&server, start_tls)).await,
            ("configuration", "tls")
        );
    }
    server.write("ca.pem", "no certificate");
    assert_eq!(
        failed(&over_tls(&server, true)).await,
        ("configuration", "config")
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let Some((server, _)) = start("other.example") else {
        return;
    };
    for start_tls in [false, true] {
        assert_eq!(
            failed(&over_tls(&server, start_tls)).await,
            ("configuration", "tls")
        );
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let Some(server) = Slapd::start(&Setup::default()) else {
        return;
    };
    server.write("ca.pem", &authority("localhost").authority);
    assert_eq!(
        failed(&over_tls(&server, true)).await,
        ("configuration", "tls")
    );
    let mut wrong = over_tls(&server, false);
    let url = format!("ldaps://localhost:{}", server.port);
    wrong.config.insert("url".into(), url.into());
    let (class, finding) = failed(&wrong).await;
    assert!(matches!(class, "configuration" | "transient"), "{class}");
    assert_eq!(finding, "tls");
}
