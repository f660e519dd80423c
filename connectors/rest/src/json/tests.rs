use std::borrow::Cow;

use proptest::prelude::*;
use rabt_connect::Fault;

use super::{Found, NOT_TEXT, Value, entries, find, items, value, whole};

fn found<'a>(row: &'a str, path: &str) -> Found<'a> {
    find(&entries(row).unwrap(), path)
}

#[test]
fn paths_lead_into_objects() {
    let row = r#"{"id":1,"address":{"city":"طنطا","geo":{"lat":30.10}},"a.b":"dots","n":null,
                  "a":{"b":"inner","c":2},"l":[1, 2],"t":1,"t":2}"#;
    for (path, expected) in [
        ("id", Found::Value("1")),
        ("address.city", Found::Value("\"طنطا\"")),
        ("address.geo.lat", Found::Value("30.10")),
        ("address.geo", Found::Value(r#"{"lat":30.10}"#)),
        ("a.b", Found::Value("\"dots\"")),
        ("a.c", Found::Value("2")),
        ("n", Found::Value("null")),
        ("n.city", Found::Value("null")),
        ("l", Found::Value("[1, 2]")),
        ("l.0", Found::Missing),
        ("id.x", Found::Missing),
        ("address.street", Found::Missing),
        ("address.", Found::Missing),
        ("", Found::Missing),
        ("t", Found::Twice),
    ] {
        assert_eq!(found(row, path), expected, "{path}");
    }
}

#[test]
fn null_empty_and_missing_differ() {
    assert_eq!(value("null"), Value::Null);
    assert_eq!(value("\"\""), Value::Text(Cow::Borrowed("")));
    assert_eq!(value("\"null\""), Value::Text(Cow::Borrowed("null")));
    assert_eq!(found("{}", "a"), Found::Missing);
}

#[test]
fn half_characters_are_not_text() {
    let unreadable = Value::Unreadable(Fault::NotText);
    assert_eq!(value(r#""\ud800""#), unreadable);
    assert_eq!(value(&format!("\"a{NOT_TEXT}b\"")), unreadable);
    assert_eq!(value(&format!("\"a\\{NOT_TEXT}b\"")), unreadable);
    assert_eq!(value(&format!("\"\\ud83d{NOT_TEXT}\"")), unreadable);
    assert_eq!(value(&format!("[\"{NOT_TEXT}\"]")), unreadable);
    assert_eq!(value(r#""\ud83d\ude00""#), Value::Text(Cow::Borrowed("😀")));
}

#[test]
fn deep_nesting_is_only_text() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let row = format!("{{\"deep\":{deep}}}");
    assert_eq!(found(&row, "deep"), Found::Value(deep.as_str()));
}

/// A number of the JSON grammar, of any size.
fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,60})(\\.[0-9]{1,60})?([eE][+-]?[0-9]{1,5})?"
}

proptest! {
    #[test]
    fn a_number_keeps_its_digits(number in number()) {
        let row = format!("[ {{\"n\" : {number} , \"m\": [{number}]}} ]");
        let rows = items(whole(&row).unwrap()).unwrap();
        let Found::Value(json) = found(rows[0], "n") else {
            panic!("the number is there");
        };
        prop_assert_eq!(value(json), Value::Text(Cow::Borrowed(number.as_str())));
        let list = format!("[{number}]");
        prop_assert_eq!(found(rows[0], "m"), Found::Value(list.as_str()));
    }

    #[test]
    fn a_text_comes_back(text in any::<String>()) {
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(value(&json), Value::Text(Cow::Borrowed(text.as_str())));
    }

    #[test]
    fn garbage_is_never_a_panic(garbage in any::<String>(), path in any::<String>()) {
        if let Some(object) = entries(&garbage) {
            let _ = find(&object, &path);
        }
        let _ = (items(&garbage), whole(&garbage), value(&garbage));
    }
}
