use ldap3::Scope;
use rabt_connect::{Connector, Session};

use super::{Order, Privacy, of_session};
use crate::Ldap;

fn session(config: &str) -> Session {
    Session::new("tax".parse().unwrap(), config.parse().unwrap(), "/base")
}

fn told(config: &str) -> String {
    let problems = Ldap.validate(&config.parse().unwrap());
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn every_mistake_is_reported() {
    let one = r#"
        ulr = "x"
        url = "ldap://u:p@h/dc=x?sub"
        base = " "
        start_tls = "yes"
        bind_dn = "cn=a"
        scope = "subb"
        filter = "a=b"
        order = "a b"
        base64 = ["x y"]
        page_size = 0
        ca = "ca.pem"
        timeout = "1d"
        [tables]
        cars = 7
        "some people" = {}
        [tables.persons]
        clas = "person"
        class = ["person", "a)(b"]
        filter = "(uid=*)(cn=*)"
        scope = "all"
    "#;
    let mut all = vec![told(one)];
    for text in [
        "url = 'https://h'\nbase = 'dc=x'",
        "url = 'ldaps://h'\nbase = 'dc=x'\nstart_tls = true",
        "url = 'ldaps://h'\nbase = 'dc=x'\npassword = 'clear'",
        "url = 'ldaps://h'\nbase = 'dc=x'\nbind_dn = 'cn=a'\npassword = ''",
        "url = 'ldaps://h'\nbase = 'dc=x'\ntables = ['persons']",
        "",
    ] {
        all.push(told(text));
    }
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn a_table_has_the_keys_of_the_source_and_its_own() {
    let settings = of_session(&session(
        "url = 'ldap://[::1]:1389'\nbase = 'dc=x'\nfilter = '(a=b)'\nscope = 'one'\nca = 'ca.pem'\n\
         start_tls = true\n[tables]\nboats = {}\n\
         [tables.persons]\nclass = ['person', 'account']\nbase = 'ou=p,dc=x'\norder = 'uid'\n\
         [tables.'the chosen']\nfilter = '(c=d)'\nscope = 'sub'\norder = 'none'",
    ))
    .unwrap();
    let persons = settings.search("persons").unwrap();
    assert_eq!(
        persons.entries(),
        "(&(|(objectClass=person)(objectClass=account))(a=b))"
    );
    assert_eq!(
        (persons.base.as_str(), persons.scope),
        ("ou=p,dc=x", Scope::OneLevel)
    );
    assert_eq!(persons.order, Order::By("uid".to_owned()));
    let chosen = settings.search("the chosen").unwrap();
    assert_eq!(
        (chosen.entries().as_str(), chosen.scope),
        ("(c=d)", Scope::Subtree)
    );
    assert_eq!(chosen.order, Order::None);
    let boats = settings.search("boats").unwrap();
    assert_eq!(boats.entries(), "(&(objectClass=boats)(a=b))");
    assert_eq!(settings.search("cars").unwrap().classes, ["cars"]);
    assert!(settings.search("a)(b").is_err());
    assert_eq!(settings.server.place(), "server ::1:1389");
    assert_eq!(settings.server.privacy, Privacy::StartTls);
    assert_eq!(settings.server.ca.as_deref(), Some("/base/ca.pem".as_ref()));
    assert!(settings.server.is_local());
}

#[test]
fn the_usual_ports_are_known() {
    for (url, port, local) in [
        ("ldap://h", 389, false),
        ("ldaps://h/", 636, false),
        ("ldaps://127.0.0.2:10636", 10_636, true),
        ("ldap://localhost", 389, true),
        ("ldap://localhost.example", 389, false),
    ] {
        let settings = of_session(&session(&format!("url = '{url}'\nbase = 'dc=x'"))).unwrap();
        assert_eq!(settings.server.port, port, "{url}");
        assert_eq!(settings.server.is_local(), local, "{url}");
    }
}

#[test]
fn a_reference_to_a_secret_is_enough_for_a_manifest() {
    let right =
        "url = 'ldaps://h'\nbase = 'dc=x'\nbind_dn = 'cn=a'\npassword = { secret = 'env:P' }";
    assert_eq!(told(right), "");
    let clear = "url = 'ldaps://h'\nbase = 'dc=x'\nbind_dn = 'cn=a'\npassword = 'hunter2'";
    assert!(told(clear).starts_with("password: must be a reference"));
    let settings = of_session(&session(clear)).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}
