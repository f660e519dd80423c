//! What entries hold, and how it arrives.

use rabt_connect::{Cell, Mode};

use super::ldif::Ldif;
use super::slapd::{SUFFIX, Setup, Slapd};
use super::{plan, read, session};

/// An attribute of any bytes, and a class for it.
const OWN: &str = "
attributetype ( 1.3.6.1.4.1.32473.1.1 NAME ( 'blob' 'rawBytes' ) SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.32473.2.1 NAME 'holder' SUP top AUXILIARY MAY blob )
";

fn setup() -> Setup {
    Setup {
        schema: OWN.to_owned(),
        ..Setup::default()
    }
}

/// Returns an entry of a person with attributes of its own.
fn person(ldif: &mut Ldif, uid: &str, more: &[(&str, &[u8])]) {
    let mut attributes: Vec<(&str, &[u8])> = vec![
        ("objectClass", b"inetOrgPerson"),
        ("objectClass", b"holder"),
        ("uid", uid.as_bytes()),
    ];
    attributes.extend(more);
    ldif.entry(&format!("uid={uid},{SUFFIX}"), &attributes);
}

#[tokio::test]
async fn values_arrive_as_they_are() {
    let Some(mut server) = Slapd::start(&setup()) else {
        return;
    };
    let mut ldif = Ldif::default();
    let photo: &[u8] = b"\xFF\xD8\xFF\xE0JFIF";
    person(
        &mut ldif,
        "1",
        &[
            ("cn", "Mona Ali".as_bytes()),
            ("cn;lang-ar", "منى علي".as_bytes()),
            ("sn", "Ali".as_bytes()),
            ("mail", b"z@agency.example"),
            ("mail", b"a@agency.example"),
            ("jpegPhoto", photo),
            ("createTimestamp", b"20240301100000Z"),
        ],
    );
    person(
        &mut ldif,
        "2",
        &[("cn", b"x"), ("sn;lang-ar", "علي".as_bytes()), ("sn", b"y")],
    );
    server.reload(&ldif);
    let columns = [
        "UID",
        "commonName",
        "cn;LANG-ar",
        "sn",
        "MAIL",
        "jpegPhoto",
        "createTimestamp",
        "dn",
        "telephoneNumber",
        "2.5.4.4;lang-ar",
    ];
    let session = session(&server.config(""));
    let rows = read(&session, &plan("inetOrgPerson", &columns), None)
        .await
        .unwrap()
        .sorted();
    assert_eq!(
        rows[0],
        "1|Mona Ali|منى علي|Ali|a@agency.example; z@agency.example|!binary|2024-03-01T10:00:00Z|\
         uid=1,dc=agency,dc=example|∅|∅"
    );
    let cells: Vec<&str> = rows[1].split('|').collect();
    assert_eq!(cells[1..6], ["x", "∅", "y", "∅", "∅"]);
    assert_eq!(cells[9], "علي");
    let mut config = session.clone();
    config
        .config
        .insert("base64".into(), vec!["JPEGPHOTO".to_owned()].into());
    config.config.insert("join".into(), " / ".into());
    let rows = read(
        &config,
        &plan("inetOrgPerson", &["uid", "mail", "jpegPhoto"]),
        None,
    )
    .await;
    assert_eq!(
        rows.unwrap().sorted(),
        [
            "1|a@agency.example / z@agency.example|/9j/4EpGSUY=",
            "2|∅|∅"
        ]
    );
}

#[tokio::test]
async fn hostile_bytes_are_named() {
    let Some(mut server) = Slapd::start(&setup()) else {
        return;
    };
    let mut ldif = Ldif::default();
    let long = vec![b'x'; 70 * 1024];
    let half = vec![b'x'; 40 * 1024];
    let other = vec![b'y'; 40 * 1024];
    let values: [(&str, &[&[u8]]); 6] = [
        ("1", &[b"a\0b"]),
        ("2", &[&long]),
        ("3", &[b"\xC3\x28"]),
        ("4", &[&half, &other]),
        ("5", &[b"text", b"\xFF"]),
        ("6", &[b"plain"]),
    ];
    for (uid, values) in values {
        let mut more: Vec<(&str, &[u8])> = vec![("cn", b"x"), ("sn", b"x")];
        more.extend(values.iter().map(|value| ("rawBytes", *value)));
        person(&mut ldif, uid, &more);
    }
    server.reload(&ldif);
    let session = session(&server.config(""));
    let rows = read(&session, &plan("inetOrgPerson", &["uid", "blob"]), None)
        .await
        .unwrap();
    assert_eq!(
        rows.sorted(),
        [
            "1|!nul_byte",
            "2|!too_long",
            "3|!binary",
            "4|!too_long",
            "5|!binary",
            "6|plain"
        ]
    );
}

#[tokio::test]
async fn a_page_is_held_in_memory_as_far_as_it_goes() {
    let Some(mut server) = Slapd::start(&setup()) else {
        return;
    };
    let mut ldif = Ldif::default();
    let large = vec![b'x'; 60 * 1024];
    for uid in 0..100 {
        let more: [(&str, &[u8]); 3] = [("cn", b"x"), ("sn", b"x"), ("rawBytes", &large)];
        person(&mut ldif, &uid.to_string(), &more);
    }
    server.reload(&ldif);
    let plan = plan("inetOrgPerson", &["uid", "blob"]);
    let with = |size: u32| session(&format!("{}page_size = {size}", server.config("")));
    let rows = read(&with(20), &plan, None).await.unwrap().rows;
    assert_eq!(rows.len(), 100);
    let error = read(&with(1_000), &plan, None).await.unwrap_err();
    assert_eq!(error.name(), "configuration");
    assert!(error.to_string().contains("4 MiB in one page"), "{error}");
    assert!(error.remedy().contains("page_size"), "{error}");
}

#[tokio::test]
async fn a_table_is_a_class_or_a_search() {
    let Some(mut server) = Slapd::start(&setup()) else {
        return;
    };
    let mut ldif = Ldif::default();
    for (uid, kind) in [("1", "active"), ("2", "left"), ("3", "active")] {
        let more: [(&str, &[u8]); 3] = [
            ("cn", b"x"),
            ("sn", b"x"),
            ("employeeType", kind.as_bytes()),
        ];
        person(&mut ldif, uid, &more);
    }
    server.reload(&ldif);
    let tables = "[tables.staff]\nclass = 'person'\nfilter = '(employeeType=active)'\n\
                  [tables.'one of them']\nfilter = '(uid=2)'\n[tables.logins]\nclass = 'simpleSecurityObject'\n";
    let session = session(&format!("{}{tables}", server.config("")));
    for (table, column, expected) in [
        ("staff", "uid", vec!["1", "3"]),
        ("one of them", "uid", vec!["2"]),
        ("logins", "cn", vec!["rabt"]),
        ("person", "uid", vec!["1", "2", "3"]),
    ] {
        let rows = read(&session, &plan(table, &[column]), None).await.unwrap();
        assert_eq!(rows.sorted(), expected, "{table}");
    }
    for (table, column, what, remedy) in [
        ("inetOrgPersn", "uid", "'inetOrgPersn'", "'inetOrgPerson'"),
        (
            "person",
            "teletexTerminalIdentifer",
            "no column",
            "'teletexTerminalIdentifier'",
        ),
        ("person", "full name", "no column 'full name'", "letters"),
        ("person)(uid=*", "uid", "is not listed", "object class"),
    ] {
        let error = read(&session, &plan(table, &[column]), None)
            .await
            .unwrap_err();
        assert_eq!(error.name(), "configuration");
        assert!(error.to_string().contains(what), "{error}");
        assert!(error.remedy().contains(remedy), "{error}");
    }
    let mut wrong = plan("person", &["uid"]);
    wrong.schema = Some("public".to_owned());
    assert_eq!(
        read(&session, &wrong, None).await.unwrap_err().name(),
        "configuration"
    );
    wrong.schema = None;
    wrong.mode = Mode::Incremental {
        cursor: "cn".to_owned(),
        lag: None,
    };
    let error = read(&session, &wrong, None).await.unwrap_err();
    assert!(error.remedy().contains("modifyTimestamp"), "{error}");
}

#[test]
fn an_empty_value_is_not_null() {
    use rabt_connect::BatchBuilder;

    use crate::client::Entry;
    use crate::config::of_session;
    use crate::read::Cells;

    let settings = of_session(&session("url = 'ldap://h'\nbase = 'dc=x'")).unwrap();
    let plan = plan("t", &["a", "b", "member", "memberOf"]);
    let mut cells = Cells::new(&plan, &settings, None).unwrap();
    let mut builder = BatchBuilder::new(plan.columns.clone());
    let attributes = vec![
        ("A".to_owned(), vec![Vec::new()]),
        ("b".to_owned(), Vec::new()),
        ("member;range=0-1499".to_owned(), vec![b"x".to_vec()]),
        ("member".to_owned(), Vec::new()),
        ("memberOf".to_owned(), Vec::new()),
        ("memberOf;range=0-1499".to_owned(), vec![b"x".to_vec()]),
    ];
    let entry = Entry {
        dn: Vec::new(),
        attributes,
    };
    cells.push(&entry, &mut builder);
    let batch = builder.take();
    assert_eq!(batch.cell(0, 0), Cell::Text(""));
    assert_eq!(batch.cell(0, 1), Cell::Null);
    let partial = Cell::Unreadable(rabt_connect::Fault::TooLong);
    for list in [2, 3] {
        assert_eq!(
            batch.cell(0, list),
            partial,
            "a part of a list is not the list"
        );
    }
}
