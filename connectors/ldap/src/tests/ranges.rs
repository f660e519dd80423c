//! Snapshots in ranges, and what is wrong with ranges.

use rabt_connect::{Connector, Message, Outlet, Plan, Session};

use super::ldif::Ldif;
use super::slapd::{READER, SUFFIX, Setup, Slapd};
use super::{error_of, plan, read, session};
use crate::Ldap;

/// An ordered number that not everybody has.
const OWN: &str = "
attributetype ( 1.3.6.1.4.1.32473.1.1 NAME 'number' EQUALITY integerMatch
  ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )
objectclass ( 1.3.6.1.4.1.32473.2.1 NAME 'counted' SUP top AUXILIARY MAY number )
";

/// Starts a server with so many people, whose numbers `number` gives.
fn start(database: &str, count: usize, number: impl Fn(usize) -> Vec<String>) -> Option<Slapd> {
    let mut server = Slapd::start(&Setup {
        schema: OWN.to_owned(),
        database: database.to_owned(),
        ..Setup::default()
    })?;
    let mut ldif = Ldif::default();
    for at in 0..count {
        let (uid, numbers) = (format!("u{at:05}"), number(at));
        let mut attributes = vec![
            ("objectClass", "inetOrgPerson"),
            ("objectClass", "counted"),
            ("uid", uid.as_str()),
            ("cn", "منى علي"),
            ("sn", "علي"),
        ];
        attributes.extend(numbers.iter().map(|number| ("number", number.as_str())));
        ldif.entry(&format!("uid={uid},{SUFFIX}"), &attributes);
    }
    server.reload(&ldif);
    Some(server)
}

/// Reads whole, and from every checkpoint; returns how many there were.
async fn resumed(session: &Session, plan: &Plan, rows: usize) -> usize {
    let whole = read(session, plan, None).await.unwrap();
    let mut all = whole.rows.clone();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), whole.rows.len()), (rows, rows));
    let last = whole.positions.len() - 1;
    for (before, position) in &whole.positions[..last] {
        let rest = read(session, plan, Some(position.clone())).await.unwrap();
        let mut both = whole.rows[..*before].to_vec();
        both.extend(rest.rows);
        both.sort();
        assert_eq!(both, all, "behind row {before}");
    }
    let again = read(session, plan, whole.last()).await.unwrap();
    assert_eq!(again.rows.len(), rows, "a snapshot that ended starts anew");
    whole.positions.len()
}

#[tokio::test]
async fn more_entries_than_a_page_are_read_in_ranges() {
    let Some(server) = start("", 1_200, |_| Vec::new()) else {
        return;
    };
    let session = session(&format!("{}page_size = 100", server.config("")));
    let mut plan = plan("inetOrgPerson", &["uid", "cn"]);
    plan.chunk_rows = 250;
    assert_eq!(resumed(&session, &plan, 1_200).await, 5);
    let mut none = session.clone();
    none.config.insert("order".into(), "none".into());
    assert_eq!(resumed(&none, &plan, 1_200).await, 1);
    plan.key.clear();
    assert_eq!(
        resumed(&session, &plan, 1_200).await,
        1,
        "a table without a key"
    );
}

#[tokio::test]
async fn a_read_that_counts_first_gives_signs_of_life() {
    let Some(server) = start("", 200, |_| Vec::new()) else {
        return;
    };
    let session = session(&format!("{}page_size = 10", server.config("")));
    let plan = plan("inetOrgPerson", &["uid", "cn"]);
    let (outlet, mut inlet) = Outlet::channel(1);
    let host = async {
        let mut signs = 0;
        while let Some(Message::Progress(_)) = inlet.receive().await.unwrap() {
            signs += 1;
        }
        drop(inlet);
        signs
    };
    let (_, signs) = futures::future::join(Ldap.read(&session, &plan, None, outlet), host).await;
    assert!(signs >= 20, "{signs} signs for twenty pages");
}

#[tokio::test]
async fn entries_without_a_value_come_last() {
    let numbers = |at: usize| match at % 4 {
        0 => vec![],
        1 => vec![at.to_string(), (1_000 + at).to_string()],
        _ => vec![at.to_string()],
    };
    let Some(server) = start("", 40, numbers) else {
        return;
    };
    let session = session(&format!(
        "{}order = 'NUMBER'\npage_size = 7",
        server.config("")
    ));
    let mut plan = plan("inetOrgPerson", &["uid", "number"]);
    plan.chunk_rows = 8;
    assert_eq!(resumed(&session, &plan, 40).await, 4);
    let rows = read(&session, &plan, None).await.unwrap().rows;
    assert!(rows[30..].iter().all(|row| row.ends_with('∅')), "{rows:?}");
}

#[tokio::test]
async fn what_may_be_seen_but_not_searched_by_is_no_order() {
    // Seen with a search that may not compare, a table would pass for an empty one.
    let rights = format!("access to attrs=number by dn.exact={READER} =rd\naccess to * by * read");
    let Some(server) = start(&rights, 20, |at| vec![at.to_string()]) else {
        return;
    };
    let session = session(&format!("{}order = 'number'", server.config("")));
    let plan = plan("inetOrgPerson", &["uid", "number"]);
    let error = error_of(&session, &plan).await;
    assert_eq!(error.name(), "configuration");
    assert!(
        error.to_string().contains("not found by 'number'"),
        "{error}"
    );
    let mut other = session.clone();
    other.config.remove("order");
    assert_eq!(read(&other, &plan, None).await.unwrap().rows.len(), 20);
}

#[tokio::test]
async fn an_order_must_be_one_of_the_server() {
    let Some(server) = start("", 1, |_| Vec::new()) else {
        return;
    };
    let plan = plan("inetOrgPerson", &["uid"]);
    for order in ["uid", "absent"] {
        let config = format!("{}order = '{order}'", server.config(""));
        let error = error_of(&session(&config), &plan).await;
        assert_eq!(error.name(), "configuration");
        assert!(
            error.to_string().contains(&format!("ranges of '{order}'")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn without_a_schema_a_table_is_read_whole() {
    let rights = "access to * by * read";
    let global = "access to dn.base=cn=Subschema by * none\naccess to * by * read";
    let Some(server) = start(rights, 30, |_| Vec::new()) else {
        return;
    };
    let mut server = server;
    server.stop();
    server.configure(&Setup {
        schema: OWN.to_owned(),
        global: global.to_owned(),
        database: rights.to_owned(),
    });
    server.run();
    let session = session(&server.config(""));
    let mut plan = plan("inetOrgPerson", &["UID"]);
    plan.chunk_rows = 10;
    let sent = read(&session, &plan, None).await.unwrap();
    assert_eq!((sent.rows.len(), sent.positions.len()), (30, 1));
    plan.table = "inetOrgPersn".to_owned();
    let error = error_of(&session, &plan).await;
    assert!(error.to_string().contains("no entry"), "{error}");
}
