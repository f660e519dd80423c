//! The forms of RFC 3161, DER. Those that are kept on crates.io know no fraction of a second, which authorities
//! may write.

use cms::cert::x509::ext::Extensions;
use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{Any, BitString, Int, ObjectIdentifier, OctetString, Uint};
use der::{Decode, Sequence, Tag, Tagged};
use rabt_model::Timestamp;

use super::StampError;
use crate::Hash;

/// SHA-256.
pub(super) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// What is signed in a token: the [`Info`].
pub(super) const INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// That a token is signed data.
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// `TimeStampReq`, without what is never asked for.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Request {
    version: u8,
    imprint: Imprint,
    nonce: Uint,
    /// That the certificate belongs into the reply.
    certificates: bool,
}

/// `MessageImprint`
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Imprint {
    algorithm: AlgorithmIdentifierOwned,
    hash: OctetString,
}

/// `TimeStampResp`
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Reply {
    status: Status,
    #[asn1(optional = "true")]
    token: Option<ContentInfo>,
}

/// `PKIStatusInfo`
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct Status {
    code: u8,
    #[asn1(optional = "true")]
    text: Option<Vec<String>>,
    #[asn1(optional = "true")]
    failure: Option<BitString>,
}

/// `TSTInfo`
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Info {
    version: u8,
    policy: ObjectIdentifier,
    pub(super) imprint: Imprint,
    serial: Int,
    /// `GeneralizedTime`, with or without a fraction.
    at: Any,
    #[asn1(optional = "true")]
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    pub(super) nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

/// `Accuracy`
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct Accuracy {
    #[asn1(optional = "true")]
    seconds: Option<u64>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

impl Request {
    pub(super) fn new(hash: Hash, nonce: &[u8]) -> der::Result<Self> {
        Ok(Self {
            version: 1,
            imprint: Imprint {
                algorithm: AlgorithmIdentifierOwned {
                    oid: SHA256,
                    parameters: Some(Any::null()),
                },
                hash: OctetString::new(hash)?,
            },
            nonce: Uint::new(nonce)?,
            certificates: true,
        })
    }
}

impl Imprint {
    /// Says whether it is the SHA-256 of something.
    pub(super) fn is_of(&self, hash: &Hash) -> bool {
        self.algorithm.oid == SHA256 && self.hash.as_bytes() == hash
    }
}

impl Reply {
    /// Returns the signed data of a reply that stamps.
    pub(super) fn signed(&self) -> Result<SignedData, StampError> {
        // 0 is granted; 1 is granted with changes, none of which we could have asked for
        if self.status.code > 1 {
            return Err(StampError::Refused(self.status.code));
        }
        let token = self.token.as_ref().ok_or(StampError::Form)?;
        if token.content_type != SIGNED_DATA {
            return Err(StampError::Form);
        }
        token.content.decode_as().map_err(|_| StampError::Form)
    }
}

/// Returns what was signed, as it was and read.
pub(super) fn content(signed: &SignedData) -> Result<(&[u8], Info), StampError> {
    let content = &signed.encap_content_info;
    let held = content.econtent.as_ref().ok_or(StampError::Form)?;
    if content.econtent_type != INFO || held.tag() != Tag::OctetString {
        return Err(StampError::Form);
    }
    let bytes = held.value();
    let info = Info::from_der(bytes).map_err(|_| StampError::Form)?;
    Ok((bytes, info))
}

impl Info {
    /// Returns the time of the stamp.
    pub(super) fn at(&self) -> Result<Timestamp, StampError> {
        const FORM: StampError = StampError::Unknown("its time");
        if self.at.tag() != Tag::GeneralizedTime {
            return Err(FORM);
        }
        let text = std::str::from_utf8(self.at.value()).map_err(|_| FORM)?;
        let (whole, fraction) = match text.strip_suffix('Z').ok_or(FORM)?.split_once('.') {
            Some((whole, fraction)) => (whole, fraction),
            None => (text.trim_end_matches('Z'), "0"),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if whole.len() != 14 || !digits(whole) || !digits(fraction) {
            return Err(FORM);
        }
        let (date, time) = whole.split_at(8);
        let (year, day) = date.split_at(4);
        let text = format!(
            "{year}-{}-{}T{}:{}:{}.{fraction}Z",
            &day[..2],
            &day[2..],
            &time[..2],
            &time[2..4],
            &time[4..]
        );
        text.parse().map_err(|_| FORM)
    }
}
