//! The server's own certificate, and what a start says of files that cannot be used.

use std::sync::Arc;

use rabt_api::{Limits, ServerConfig};
use rabt_tests::{AGENCY_SYSTEM, Pki, Stack};
use tokio_util::sync::CancellationToken;

use super::{SOON, YESTERDAY, ask, gets_in, until, watch};

#[tokio::test]
async fn the_servers_certificate_is_renewed_without_a_restart() {
    let stack = Stack::start("sqlite::memory:").await;
    let pki = &stack.pki;
    let old = stack.connect(Some(AGENCY_SYSTEM)).await.unwrap();
    let mut watching = watch(old.clone()).await;
    // whoever trusts the new authority alone learns which certificate is served
    let new = Pki::new();
    let of_new = new.client_of(pki, AGENCY_SYSTEM);
    assert!(!gets_in(&stack, of_new.clone()).await);

    pki.certify_server(&new);
    let took = until("the new certificate is served", async || {
        gets_in(&stack, of_new.clone()).await
    })
    .await;
    assert!(took < SOON, "{took:?}");
    assert!(!gets_in(&stack, pki.client(Some(AGENCY_SYSTEM))).await);
    for _ in 0..2 {
        let alive = tokio::time::timeout(SOON * 3, watching.message()).await;
        assert!(matches!(alive, Ok(Ok(Some(_)))), "{alive:?}");
    }
    assert!(ask(old).await.is_ok());
    stack.stop().await;
}

#[tokio::test]
async fn a_broken_file_changes_nothing_until_it_is_whole() {
    let stack = Stack::start("sqlite::memory:").await;
    let pki = &stack.pki;
    let files = pki.server();
    let ours = || pki.client(Some(AGENCY_SYSTEM));
    for (file, text) in [
        ("server.pem", "not a certificate"),
        ("server.key", ""),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n"),
    ] {
        let path = files.cert.with_file_name(file);
        let whole = std::fs::read_to_string(&path).unwrap();
        pki.write(file, text);
        stack.reload().now();
        tokio::time::sleep(SOON / 2).await;
        assert!(gets_in(&stack, ours()).await, "{file}");
        pki.write(file, &whole);
    }
    // a certificate without its key is not served, and with it, it is
    let new = Pki::new();
    let key = std::fs::read_to_string(&files.key).unwrap();
    pki.certify_server(&new);
    let made = std::fs::read_to_string(&files.key).unwrap();
    pki.write("server.key", &key);
    tokio::time::sleep(SOON / 2).await;
    pki.write("server.key", &made);
    until("certificate and key are there", async || {
        gets_in(&stack, new.client_of(pki, AGENCY_SYSTEM)).await
    })
    .await;
    stack.stop().await;
}

#[tokio::test]
async fn a_start_names_the_list_that_cannot_be_used_and_the_remedy() {
    let stack = Stack::start("sqlite::memory:").await;
    let (pki, other) = (Pki::new(), Pki::new());
    let any = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig {
        transparency_listen: None,
        listen: any,
        admin_listen: any,
        admin_mtls: false,
        tls: pki.server_with_list(),
        limits: Limits::default(),
    };
    let mut refusals = Vec::new();
    for text in [None, Some("nonsense"), Some("-----BEGIN X509 CRL-----\n")] {
        if let Some(text) = text {
            pki.write("ca.crl", text);
        }
        let services = Arc::clone(&stack.services);
        let started = rabt_api::serve(services, config.clone(), CancellationToken::new()).await;
        refusals.push(started.unwrap_err().to_string());
    }
    for refusal in refusals {
        assert!(refusal.contains("ca.crl under tls.crl"), "{refusal}");
        assert!(
            refusal.contains("take the file out of tls.crl"),
            "{refusal}"
        );
    }
    // a list of others is told and stops nothing
    other.revoke(&[], YESTERDAY, (2026, 7, 1));
    std::fs::copy(other.list(), pki.list()).unwrap();
    let shutdown = CancellationToken::new();
    let started = rabt_api::serve(
        Arc::clone(&stack.services),
        config.clone(),
        shutdown.clone(),
    )
    .await;
    assert!(started.is_ok());
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let examined = rabt_api::examine(&config.tls, now).unwrap();
    assert_eq!(examined.notes.len(), 2, "{:?}", examined.notes);
    shutdown.cancel();
    stack.stop().await;
}
