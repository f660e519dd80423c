//! Reading what has changed.

use std::time::Duration;

use rabt_connect::{Mode, Plan, Position};
use rabt_model::{Clock, SystemClock};

use super::ldif::Ldif;
use super::slapd::{SUFFIX, Setup, Slapd};
use super::{error_of, plan, read, session};

fn changes(lag: Option<Duration>, chunk_rows: u32) -> Plan {
    Plan {
        mode: Mode::Incremental {
            cursor: "modifyTimestamp".to_owned(),
            lag,
        },
        chunk_rows,
        ..plan("inetOrgPerson", &["uid", "modifyTimestamp"])
    }
}

fn people(stamps: &[(&str, &str)]) -> Ldif {
    let mut ldif = Ldif::default();
    for (uid, stamp) in stamps {
        let mut attributes = vec![
            ("objectClass", "inetOrgPerson"),
            ("uid", uid),
            ("cn", "x"),
            ("sn", "x"),
        ];
        if !stamp.is_empty() {
            attributes.push(("modifyTimestamp", stamp));
        }
        ldif.entry(&format!("uid={uid},{SUFFIX}"), &attributes);
    }
    ldif
}

/// Changes an entry as the agency would.
async fn touch(server: &Slapd, dn: &str) {
    let (connection, mut ldap) = ldap3::LdapConnAsync::new(&server.url()).await.unwrap();
    let mut driving = tokio::task::JoinSet::new();
    driving.spawn(connection.drive());
    let owner = format!("cn=owner,{SUFFIX}");
    let bound = ldap.simple_bind(&owner, "owner").await.unwrap();
    bound.success().unwrap();
    let change = ldap3::Mod::Replace("cn", ["changed"].into());
    ldap.modify(dn, vec![change])
        .await
        .unwrap()
        .success()
        .unwrap();
}

#[tokio::test]
async fn changes_are_asked_for_by_time() {
    let owned = Setup {
        database: format!("rootdn cn=owner,{SUFFIX}\nrootpw owner"),
        ..Setup::default()
    };
    let Some(mut server) = Slapd::start(&owned) else {
        return;
    };
    server.reload(&people(&[
        ("1", "20240301100000Z"),
        ("2", "20240301110000Z"),
        ("3", "20240301120000Z"),
    ]));
    let session = session(&server.config(""));
    let plan = changes(None, 100);
    let first = read(&session, &plan, None).await.unwrap();
    assert_eq!(first.rows.len(), 3);
    let idle = read(&session, &plan, first.last()).await.unwrap();
    assert_eq!(
        idle.rows,
        ["3|2024-03-01T12:00:00Z"],
        "the last value, included"
    );
    server.reload(&people(&[
        ("4", "20240301120000Z"),
        ("5", "20240301114500Z"),
        ("6", "20240301130000Z"),
    ]));
    let second = read(&session, &plan, idle.last()).await.unwrap();
    let position = second.last();
    assert_eq!(second.sorted().len(), 3, "3, 4 and 6");
    let lagging = changes(Some(Duration::from_mins(15)), 100);
    let late = read(&session, &lagging, first.last())
        .await
        .unwrap()
        .sorted();
    assert!(
        late.contains(&"5|2024-03-01T11:45:00Z".to_owned()),
        "{late:?}"
    );
    assert_eq!(late.len(), 4);

    // A stamp of the future does not take the position with it.
    server.reload(&people(&[("7", "20990101000000Z")]));
    let third = read(&session, &plan, position).await.unwrap();
    assert_eq!(third.rows.len(), 2);
    let now = SystemClock.now().strftime("%Y%m%d%H%M%SZ").to_string();
    server.reload(&people(&[("8", &now)]));
    let fourth = read(&session, &plan, third.last()).await.unwrap().sorted();
    assert_eq!(fourth.len(), 2, "{fourth:?}");
    assert!(fourth[1].starts_with("8|"), "{fourth:?}");

    // What the server stamps itself is seen.
    touch(&server, &format!("uid=1,{SUFFIX}")).await;
    let fifth = read(&session, &plan, third.last()).await.unwrap().sorted();
    assert!(fifth.iter().any(|row| row.starts_with("1|")), "{fifth:?}");
}

#[tokio::test]
async fn entries_of_one_moment_are_parted() {
    let Some(mut server) = Slapd::start(&Setup::default()) else {
        return;
    };
    let stamps: Vec<(String, &str)> = (0..40)
        .map(|at| {
            let stamp = if at < 30 {
                "20240301100000Z"
            } else {
                "20240301100001Z"
            };
            (format!("{at:02}"), stamp)
        })
        .collect();
    let stamps: Vec<(&str, &str)> = stamps.iter().map(|(uid, at)| (uid.as_str(), *at)).collect();
    server.reload(&people(&stamps));
    let session = session(&format!("{}page_size = 3", server.config("")));
    let plan = changes(None, 7);
    let whole = read(&session, &plan, None).await.unwrap();
    assert_eq!(whole.positions.len(), 6);
    let mut all = whole.rows.clone();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 40);
    for (before, position) in &whole.positions[..5] {
        let rest = read(&session, &plan, Some(position.clone())).await.unwrap();
        let mut both = whole.rows[..*before].to_vec();
        both.extend(rest.rows);
        both.sort();
        assert_eq!(both, all, "behind row {before}");
    }
    let again = read(&session, &plan, whole.last()).await.unwrap();
    assert_eq!(again.rows.len(), 10, "the last moment, included");
}

#[tokio::test]
async fn a_cursor_that_some_lack_is_refused() {
    let own = "
attributetype ( 1.3.6.1.4.1.32473.1.1 NAME 'touched' EQUALITY generalizedTimeMatch
  ORDERING generalizedTimeOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.32473.2.1 NAME 'kept' SUP top AUXILIARY MAY touched )";
    let setup = Setup {
        schema: own.to_owned(),
        ..Setup::default()
    };
    let Some(mut server) = Slapd::start(&setup) else {
        return;
    };
    let one = |uid: &str, touched: Option<&str>| {
        let mut ldif = Ldif::default();
        let mut attributes = vec![
            ("objectClass", "inetOrgPerson"),
            ("objectClass", "kept"),
            ("uid", uid),
            ("cn", "x"),
            ("sn", "x"),
        ];
        attributes.extend(touched.map(|touched| ("touched", touched)));
        ldif.entry(&format!("uid={uid},{SUFFIX}"), &attributes);
        ldif
    };
    server.reload(&one("1", Some("20240301100000Z")));
    let session = session(&server.config(""));
    let mut plan = changes(None, 100);
    plan.mode = Mode::Incremental {
        cursor: "touched".to_owned(),
        lag: None,
    };
    let first = read(&session, &plan, None).await.unwrap();
    server.reload(&one("2", None));
    for from in [None, first.last()] {
        let error = read(&session, &plan, from).await.unwrap_err();
        assert_eq!(error.name(), "configuration");
        assert!(error.to_string().contains("cursor 'touched'"), "{error}");
    }
}

#[tokio::test]
async fn a_cursor_value_stays_inside_its_comparison() {
    let Some(mut server) = Slapd::start(&Setup::default()) else {
        return;
    };
    server.reload(&people(&[
        ("1", "20240301100000Z"),
        ("2", "20240301110000Z"),
    ]));
    let session = session(&server.config(""));
    let plan = changes(None, 100);
    let first = read(&session, &plan, None).await.unwrap();
    let right = first.last().unwrap().as_str().to_owned();
    for hostile in [
        "2024*)(uid=*",
        "20240301110000Z)(|(uid=*)",
        "*",
        "\\\\00",
        "",
    ] {
        let text = right.replace("20240301110000Z", hostile);
        assert_ne!(text, right);
        let position: Position = text.parse().unwrap();
        // Such a value is no time, so nothing lies behind it.
        match read(&session, &plan, Some(position)).await {
            Ok(sent) => assert!(sent.rows.is_empty(), "{hostile}: {:?}", sent.rows),
            Err(error) => assert_eq!(error.name(), "configuration", "{hostile}"),
        }
    }
    let mut other = plan.clone();
    other.table = "person".to_owned();
    let error = read(&session, &other, first.last()).await.unwrap_err();
    assert_eq!(error.name(), "configuration", "a position of another table");
    other = changes(None, 100);
    other.mode = Mode::Snapshot;
    assert!(read(&session, &other, first.last()).await.is_err());
    other.columns.push("uid2".to_owned());
    assert_eq!(error_of(&session, &other).await.name(), "configuration");
}
