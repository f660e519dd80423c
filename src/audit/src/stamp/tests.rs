//! Replies that OpenSSL made, with RSA below an authority between, and with elliptic curves right below the root.

use cms::cert::x509::Certificate;
use der::{Decode, Encode};
use proptest::prelude::*;
use rcgen::{CertificateParams, CustomExtension, KeyPair};

use super::form::Request;
use super::{StampError, StampRequest, StampRoots, StampRootsError, signer, verify_stamp};

const NOTE: &[u8] = include_bytes!("testdata/note");
const ROOT: &[u8] = include_bytes!("testdata/root.pem");
const RSA: &[u8] = include_bytes!("testdata/rsa.tsr");
const CURVES: &[u8] = include_bytes!("testdata/ec.tsr");

fn roots() -> StampRoots {
    StampRoots::from_pem(ROOT).unwrap()
}

#[test]
fn stamps_of_openssl_hold() {
    let stamp = verify_stamp(NOTE, RSA, &roots()).unwrap();
    assert_eq!(stamp.at.to_string(), "2026-11-28T03:59:05.098Z");
    assert_eq!(stamp.authority, "CN=Time with RSA,O=Ministry");
    // names its certificate by SHA-1, and has no fraction of a second
    let stamp = verify_stamp(NOTE, CURVES, &roots()).unwrap();
    assert_eq!(stamp.at.to_string(), "2026-11-28T03:59:05Z");
    assert_eq!(stamp.authority, "CN=Time with curves");
}

#[test]
fn a_stamp_is_over_its_bytes_and_nothing_else() {
    let found = verify_stamp(&NOTE[1..], RSA, &roots());
    assert_eq!(found, Err(StampError::Imprint));
}

#[test]
fn a_stamp_of_nobody_who_is_trusted_is_none() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let other = params.self_signed(&key).unwrap().pem();
    let other = StampRoots::from_pem(other.as_bytes()).unwrap();
    for reply in [RSA, CURVES] {
        assert_eq!(verify_stamp(NOTE, reply, &other), Err(StampError::Foreign));
    }
}

#[test]
fn what_is_no_authority_is_named() {
    let read = |text: &[u8]| StampRoots::from_pem(text).unwrap_err();
    assert_eq!(read(b""), StampRootsError::Empty);
    assert_eq!(read(b"# a comment\n"), StampRootsError::Empty);
    let text = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(read(text), StampRootsError::Form);
    assert_eq!(read(&ROOT[..300]), StampRootsError::Form);
}

#[test]
fn requests_have_one_form_and_replies_answer_one() {
    for nonce in [0, 1, 0x7f, 0x80, u64::MAX, 1 << 63] {
        let encoded = StampRequest::new(NOTE, nonce).encode().unwrap();
        assert_eq!(encoded.len(), 69, "{nonce}");
        let read = Request::from_der(&encoded).unwrap();
        assert_eq!(read.to_der().unwrap(), encoded);
    }
    let other = StampRequest::new(NOTE, 7).open(RSA, &roots());
    assert_eq!(other, Err(StampError::Nonce));
}

#[test]
fn a_certificate_is_for_time_stamps_alone() {
    const STAMPING: &[u8] = &[0x30, 0x0a, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8];
    const AND_SERVER: &[u8] = &[
        0x30, 0x14, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1,
    ];
    const SERVER: &[u8] = &[0x30, 0x0a, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
    let check = |usage: Option<(&[u8], bool)>| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        if let Some((usage, critical)) = usage {
            let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], usage.to_vec());
            usage.set_criticality(critical);
            params.custom_extensions.push(usage);
        }
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        signer::check_usage(&Certificate::from_der(made.der()).unwrap())
    };
    assert_eq!(check(Some((STAMPING, true))), Ok(()));
    for other in [
        None,
        Some((STAMPING, false)),
        Some((AND_SERVER, true)),
        Some((SERVER, true)),
    ] {
        assert_eq!(check(other), Err(StampError::Usage), "{other:?}");
    }
}

/// What is not signed may change what is said beside the stamp, and never the stamp.
#[test]
fn any_changed_byte_of_a_stamp_is_noticed_or_says_the_same() {
    for reply in [RSA, CURVES] {
        let whole = verify_stamp(NOTE, reply, &roots()).unwrap();
        let mut unnoticed = 0;
        for at in (0..reply.len()).step_by(3) {
            let mut changed = reply.to_vec();
            changed[at] ^= 1 << (at % 8);
            if let Ok(stamp) = verify_stamp(NOTE, &changed, &roots()) {
                assert_eq!(stamp, whole, "byte {at}");
                unnoticed += 1;
            }
        }
        assert!(unnoticed < 8, "{unnoticed}");
        for length in (0..reply.len()).step_by(7) {
            assert!(verify_stamp(NOTE, &reply[..length], &roots()).is_err());
        }
    }
}

proptest! {
    #[test]
    fn garbage_is_no_stamp(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify_stamp(NOTE, &bytes, &roots()).is_err());
    }
}
