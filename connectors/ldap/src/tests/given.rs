//! Against a server that the tests were given by `RABT_TEST_LDAP_URL`: `cargo x test` starts one.

use rabt_connect::{Connector, Filter, Outcome};
use url::Url;

use super::{plan, read, session};
use crate::Ldap;

#[tokio::test]
async fn a_server_that_was_given_is_read() {
    let Ok(given) = std::env::var("RABT_TEST_LDAP_URL") else {
        let required = std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all");
        assert!(
            !required,
            "RABT_TEST_LDAP_URL is not set and RABT_REQUIRE_LANES=all"
        );
        eprintln!("skipped: no OpenLDAP");
        return;
    };
    let mut url = Url::parse(&given).unwrap();
    let base = url.path().trim_start_matches('/').to_owned();
    url.set_path("");
    let session = session(&format!(
        "url = '{url}'\nbase = '{base}'\nbind_dn = 'cn=rabt,{base}'\npassword = 'rabt'\n"
    ));
    let findings = Ldap.check(&session).await;
    let failed = findings.iter().find(|f| f.outcome == Outcome::Fail);
    assert_eq!(failed, None);
    let tables = Ldap.discover(&session, &Filter::default()).await.unwrap();
    assert!(tables.iter().any(|table| table.name == "inetOrgPerson"));
    let sent = read(&session, &plan("inetOrgPerson", &["uid", "cn"]), None).await;
    assert_eq!(sent.unwrap().sorted(), ["1|منى علي", "2|Ahmed Hassan"]);
}
