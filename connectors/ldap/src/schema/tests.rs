use std::cmp::Ordering::{Equal, Greater, Less};

use proptest::prelude::*;

use super::{Schema, Sort, Syntax};

fn schema() -> Schema {
    Schema::new(
        [
            "( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
            "( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'RFC4519: common name(s) it''' SUP name )",
            "( 2.5.4.3 NAME ( 'cn' 'commonName' ) DESC 'common name(s)' SUP name )",
            "( 1.3.6.1.1.16.4 NAME 'entryUUID' EQUALITY UUIDMatch ORDERING UUIDOrderingMatch SYNTAX 1.3.6.1.1.16.1 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )",
            "( 2.5.18.2 NAME 'modifyTimestamp' ORDERING generalizedTimeOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE USAGE directoryOperation X-ORIGIN ( 'a' 'b' ) )",
            "( 0.9.2342.19200300.100.1.60 NAME 'jpegPhoto' SYNTAX 1.3.6.1.4.1.1466.115.121.1.28 )",
            "( 9.1 NAME 'a' SUP b )",
            "( 9.2 NAME 'b' SUP a )",
            "( 9.3 NAME 'broken' SUP",
            "nothing",
            "",
        ],
        [
            "( 2.5.6.0 NAME 'top' ABSTRACT MUST objectClass )",
            "( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ commonName ) MAY ( description$seeAlso ) )",
            "( 9.9 NAME 'own' SUP ( person $ top $ own ) MUST nid MAY jpegPhoto )",
        ],
    )
}

#[test]
fn descriptions_are_read() {
    let schema = schema();
    let cn = schema.attribute("CommonName").unwrap();
    assert_eq!((cn.name(), cn.single, cn.operational), ("cn", false, false));
    assert_eq!(schema.syntax("cn"), Syntax::Text("Directory String"));
    assert_eq!(schema.syntax("2.5.4.3"), schema.syntax("cn"));
    assert_eq!(schema.syntax("jpegPhoto"), Syntax::Binary("Binary"));
    let uuid = schema.attribute("entryuuid").unwrap();
    assert!(uuid.single && uuid.operational);
    assert_eq!(schema.sort("entryUUID"), Some(Sort::Text { fold: true }));
    assert_eq!(schema.sort("modifyTimestamp"), Some(Sort::Time));
    assert_eq!(schema.sort("cn"), None);
    assert_eq!(schema.syntax("a"), Syntax::Other, "a circle ends");
    assert!(schema.attribute("broken").is_none());
    assert!(schema.class("TOP").unwrap().is_abstract);
}

#[test]
fn classes_inherit() {
    let schema = schema();
    let attributes = schema.attributes_of(&["own".to_owned()]);
    let shown: Vec<String> = attributes
        .iter()
        .map(|(name, must)| format!("{name}{}", if *must { "!" } else { "" }))
        .collect();
    assert_eq!(
        shown,
        [
            "nid!",
            "jpegPhoto",
            "sn!",
            "cn!",
            "description",
            "seeAlso",
            "objectClass!"
        ]
    );
}

#[test]
fn a_schema_without_orders_goes_by_syntax() {
    let schema = Schema::new(
        [
            "( 1.1 NAME 'uSNChanged' SYNTAX '1.2.840.113556.1.4.906' SINGLE-VALUE )",
            "( 1.2 NAME 'sAMAccountName' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )",
        ],
        [],
    );
    assert_eq!(schema.sort("uSNChanged"), Some(Sort::Number));
    assert_eq!(schema.sort("sAMAccountName"), None);
}

#[test]
fn plain_values_have_one_order() {
    let text = Sort::Text { fold: true };
    for (sort, one, other, expected) in [
        (Sort::Number, "9", "10", Less),
        (Sort::Number, "-9", "-10", Greater),
        (Sort::Time, "20240301100000Z", "20240301100000.0Z", Equal),
        (Sort::Time, "20240301100000+0200", "20240301090000Z", Less),
        (text, "Ab", "aB", Equal),
        (text, "a-1", "a1", Less),
        (Sort::Text { fold: false }, "B", "a", Less),
    ] {
        assert!(sort.is_plain(one) && sort.is_plain(other));
        assert_eq!(sort.cmp(one, other), expected, "{one} {other}");
        assert_eq!(sort.cmp(other, one), expected.reverse());
    }
    for (sort, value) in [
        (text, "a b"),
        (text, ""),
        (text, "منى"),
        (Sort::Number, "1x"),
    ] {
        assert!(!sort.is_plain(value), "{value}");
    }
}

proptest! {
    #[test]
    fn no_description_is_too_strange(text in "[()$'{ a-zA-Z0-9.]{0,40}") {
        let _ = Schema::new([text.as_str()], [text.as_str()]);
    }
}
