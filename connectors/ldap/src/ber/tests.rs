use ldap3::LdapResult;
use ldap3::asn1::{PL, StructureTag, Tag, parse_tag};
use proptest::prelude::*;

use super::{BIND, DONE, EXTENDED, Head, code, cookie, head, operation};

/// Returns a value of BER.
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let mut bytes = vec![tag, 0x84];
    bytes.extend(length);
    bytes.extend(content);
    bytes
}

fn message(operation: &[u8]) -> Vec<u8> {
    value(0x30, &[&value(2, &[7])[..], operation].concat())
}

fn result(tag: u8, number: u8, text: &[u8]) -> Vec<u8> {
    let parts = [value(0x0A, &[number]), value(4, b""), value(4, text)];
    message(&value(tag, &parts.concat()))
}

#[test]
fn heads_are_read() {
    assert_eq!(head(&[0x30]), Ok(None));
    assert_eq!(head(&[0x30, 5]), Ok(Some(Head { own: 2, content: 5 })));
    assert_eq!(head(&[0x30, 0x82, 1]), Ok(None));
    let long = Head {
        own: 4,
        content: 258,
    };
    assert_eq!(head(&[0x30, 0x82, 1, 2, 9]), Ok(Some(long)));
    for wrong in [[0x30, 0x80], [0x30, 0x85], [0x1F, 0x01]] {
        assert_eq!(head(&wrong), Err(()));
    }
}

#[test]
fn answers_of_the_standard_pass() {
    for tag in [BIND, DONE, EXTENDED] {
        let answer = result(tag, 49, b"no");
        let operation = operation(&answer).unwrap();
        assert_eq!(code(operation), Some(49));
    }
    // A search request is no answer, and neither is nothing.
    for wrong in [message(&value(0x63, b"")), message(b""), Vec::new()] {
        assert_eq!(operation(&wrong), None);
    }
}

#[test]
fn what_the_library_cannot_take_is_held_back() {
    // The text of a result is no text.
    assert_eq!(operation(&result(DONE, 0, b"\xFF")), None);
    // A part ends outside of what holds it.
    let mut longer = result(DONE, 0, b"");
    let last = longer.len() - 1;
    longer[last] = 9;
    assert_eq!(operation(&longer), None);
    // Deeper than any stack.
    let deep: Vec<u8> = (0..200_000)
        .flat_map(|_| [0x30, 0x84, 0, 0, 0, 0])
        .collect();
    assert_eq!(operation(&deep), None);
    let mut nested = Vec::new();
    for _ in 0..200 {
        nested = value(0x30, &nested);
    }
    assert_eq!(operation(&message(&value(0x64, &nested))), None);
    let whole = [result(DONE, 0, b""), result(DONE, 0, b"")].concat();
    assert_eq!(operation(&whole), None, "one message at a time");
}

#[test]
fn cookies_are_read() {
    let control = value(0x30, &[value(2, &[0]), value(4, b"next")].concat());
    assert_eq!(cookie(&control), Some(b"next".to_vec()));
    assert_eq!(cookie(b""), None);
    assert_eq!(cookie(&value(0x30, b"next")), None);
}

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let controls = {
        let paging = [value(4, b"1.2"), value(1, &[1]), value(4, b"x")].concat();
        value(0xA0, &value(0x30, &paging))
    };
    let entry = {
        let attribute = [value(4, b"cn"), value(0x31, &value(4, b"x"))].concat();
        let attributes = value(0x30, &value(0x30, &attribute));
        value(0x64, &[value(4, b"cn=x"), attributes].concat())
    };
    let done = {
        let parts = [value(0x0A, &[0]), value(4, b"m"), value(4, b"t")];
        let referral = value(0xA3, &value(4, b"ldap://h"));
        value(
            0x65,
            &[parts.concat(), referral, value(0x8A, b"1.2")].concat(),
        )
    };
    let wholes = [
        message(&[entry, controls.clone()].concat()),
        message(&[done, controls].concat()),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (prop::sample::select(wholes.to_vec()), changes).prop_map(|(mut bytes, changes)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    /// What passes is read by the library without a panic, and to its end.
    #[test]
    fn what_passes_can_be_taken(bytes in damaged()) {
        if let Some(passed) = operation(&bytes) {
            let (rest, tag) = parse_tag(&bytes).unwrap();
            prop_assert!(rest.is_empty());
            let StructureTag { payload: PL::C(parts), .. } = tag else {
                panic!("a message has parts")
            };
            if matches!(passed.tag, BIND | DONE | EXTENDED) {
                let result = LdapResult::from(Tag::StructureTag(parts[1].clone()));
                prop_assert_eq!(Some(result.rc), code(passed));
            }
        }
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = operation(&bytes);
        let _ = cookie(&bytes);
    }
}
