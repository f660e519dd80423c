//! What a check and a discovery tell.

use rabt_connect::{Connector, Filter, Finding, Outcome, Session};

use super::ldif::Ldif;
use super::session;
use super::slapd::{READER, SUFFIX, Setup, Slapd};
use crate::Ldap;

async fn told(session: &Session, server: &Slapd) -> String {
    let findings = Ldap.check(session).await;
    let lines = findings.iter().map(line).collect::<Vec<_>>().join("\n");
    lines.replace(&format!("127.0.0.1:{}", server.port), "ADDRESS")
}

fn line(finding: &Finding) -> String {
    let outcome = match finding.outcome {
        Outcome::Pass => "pass",
        Outcome::Warn => "warn",
        Outcome::Fail => "fail",
    };
    let remedy = finding
        .remedy
        .as_deref()
        .map(|remedy| format!(" -> {remedy}"));
    let remedy = remedy.unwrap_or_default();
    format!("{outcome} {}: {}{remedy}", finding.id, finding.summary)
}

/// Returns people, an account that is only a person, a group of things, and a reference.
fn tree(people: usize) -> Ldif {
    let mut ldif = Ldif::default();
    for at in 0..people {
        let uid = format!("u{at}");
        let attributes = [
            ("objectClass", "inetOrgPerson"),
            ("uid", uid.as_str()),
            ("cn", "Mona"),
            ("cn;lang-ar", "منى"),
            ("sn", "Ali"),
            ("userPassword", "hunter2"),
        ];
        ldif.entry(&format!("uid={uid},{SUFFIX}"), &attributes);
    }
    let attributes = [
        ("objectClass", "device"),
        ("cn", "printer"),
        ("serialNumber", "7"),
    ];
    ldif.entry(&format!("cn=printer,{SUFFIX}"), &attributes);
    let attributes = [
        ("objectClass", "referral"),
        ("objectClass", "extensibleObject"),
        ("ou", "elsewhere"),
        ("ref", "ldap://elsewhere.example/ou=elsewhere"),
    ];
    ldif.entry(&format!("ou=elsewhere,{SUFFIX}"), &attributes);
    ldif
}

#[tokio::test]
async fn a_check_finds_everything() {
    let limited = Setup {
        database: format!("limits dn.exact={READER} size=100"),
        ..Setup::default()
    };
    let Some(mut server) = Slapd::start(&limited) else {
        return;
    };
    server.reload(&tree(150));
    let with = |more: &str| session(&format!("{}{more}", server.config("")));
    let mut all = Vec::new();
    for more in [
        "page_size = 100\n[tables.devices]\nclass = 'device'\n[tables.account]",
        "page_size = 50\n[tables.inetOrgPerson]",
        "page_size = 500",
        "[tables.inetOrgPersn]\n[tables.people]\nclass = 'person'\nbase = 'ou=absent'",
        "scope = 'subb'",
    ] {
        all.push(format!(
            "# {}\n{}",
            more.replace('\n', " "),
            told(&with(more), &server).await
        ));
    }
    let mut wrong = with("");
    wrong.config.insert("password".into(), "hunter2".into());
    all.push(told(&wrong, &server).await);
    wrong.config.insert("password".into(), "right".into());
    server.stop();
    all.push(told(&wrong, &server).await);
    let all = all.join("\n\n");
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn what_cannot_be_asked_is_told() {
    let Some(mut server) = Slapd::start(&Setup::default()) else {
        return;
    };
    server.stop();
    server.configure(&Setup {
        global: "access to dn.base=cn=Subschema by * none\naccess to dn.base= by * none\naccess to * by * read"
            .to_owned(),
        ..Setup::default()
    });
    server.run();
    let session = session(&server.config(""));
    insta::assert_snapshot!(told(&session, &server).await);
}

#[test]
fn a_password_in_clear_is_told() {
    let open = "url = 'ldap://ldap.agency.example'\nbase = 'dc=x'";
    let login = format!("{open}\nbind_dn = 'cn=a'\npassword = 'x'");
    let lines = [open.to_owned(), login, format!("{open}\nstart_tls = true")].map(|config| {
        let settings = crate::config::of_session(&session(&config)).unwrap();
        line(&crate::check::tls(&settings))
    });
    insta::assert_snapshot!(lines.join("\n"));
}

async fn discovered(session: &Session, filter: &Filter) -> String {
    let tables = Ldap.discover(session, filter).await.unwrap();
    let shown = tables.iter().map(|table| {
        let columns = table.columns.iter().map(|column| {
            let null = if column.nullable { "?" } else { "" };
            format!("{} {}{null}", column.name, column.declared_type)
        });
        format!("{}: {}", table.name, columns.collect::<Vec<_>>().join(", "))
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_discovery_tells_so_many_classes_and_no_more() {
    use std::fmt::Write as _;
    let mut schema = String::new();
    let mut ldif = Ldif::default();
    for at in 0..600 {
        let class = format!("office{at}");
        let oid = format!("1.3.6.1.4.1.32473.2.{}", at + 1);
        let _ = writeln!(
            schema,
            "objectclass ( {oid} NAME '{class}' SUP top AUXILIARY MAY l )"
        );
        let (uid, dn) = (at.to_string(), format!("uid={at},{SUFFIX}"));
        let attributes = [
            ("objectClass", "inetOrgPerson"),
            ("objectClass", class.as_str()),
            ("uid", uid.as_str()),
            ("cn", "x"),
            ("sn", "x"),
        ];
        ldif.entry(&dn, &attributes);
    }
    let setup = Setup {
        schema,
        ..Setup::default()
    };
    let Some(mut server) = Slapd::start(&setup) else {
        return;
    };
    server.reload(&ldif);
    let session = session(&server.config(""));
    let tables = Ldap.discover(&session, &Filter::default()).await.unwrap();
    assert!((400..=500).contains(&tables.len()), "{}", tables.len());
}

#[tokio::test]
async fn a_discovery_tells_classes_and_attributes() {
    let Some(mut server) = Slapd::start(&Setup::default()) else {
        return;
    };
    server.reload(&tree(3));
    let plain = session(&server.config(""));
    let found = discovered(&plain, &Filter::default()).await;
    assert!(!found.contains("userPassword") && !found.contains("hunter2"));
    insta::assert_snapshot!(found);
    let filter = Filter {
        name_contains: Some("PERSON".to_owned()),
        ..Filter::default()
    };
    let found = Ldap.discover(&plain, &filter).await.unwrap();
    let names: Vec<&str> = found.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["inetOrgPerson"], "nobody is only a person");
    // With one who is, the class is a table of its own.
    let mut ldif = Ldif::default();
    let attributes = [("objectClass", "person"), ("cn", "x"), ("sn", "x")];
    ldif.entry(&format!("cn=x,{SUFFIX}"), &attributes);
    server.reload(&ldif);
    let found = Ldap.discover(&plain, &filter).await.unwrap();
    let names: Vec<&str> = found.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["inetOrgPerson", "person"]);
    let listed = "[tables.absent]\nbase = 'ou=absent'\n[tables.chosen]\nfilter = '(cn=printer)'";
    let listed = session(&format!("{}{listed}", server.config("")));
    let found = discovered(&listed, &Filter::default()).await;
    assert_eq!(
        found,
        "chosen: cn Directory String?, serialNumber Printable String?, dn DN, entryUUID UUID, \
         createTimestamp Generalized Time, modifyTimestamp Generalized Time"
    );
}
