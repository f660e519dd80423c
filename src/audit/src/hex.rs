//! Thirty-two bytes as 64 lower-case hexadecimal digits.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// A hash as JSON holds it.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hex(#[serde(with = "crate::hex")] pub(crate) [u8; 32]);

pub(crate) fn write(bytes: [u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut digits = [0; 64];
    HEXLOWER.encode_mut(&bytes, &mut digits);
    f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
}

pub(crate) fn read(text: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

pub(crate) fn serialize<S: serde::Serializer>(bytes: &[u8; 32], s: S) -> Result<S::Ok, S::Error> {
    let mut digits = [0; 64];
    HEXLOWER.encode_mut(bytes, &mut digits);
    s.serialize_str(std::str::from_utf8(&digits).unwrap_or_default())
}

pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(d: D) -> Result<[u8; 32], D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
    read(&text).ok_or_else(|| serde::de::Error::custom("must be 64 hexadecimal digits"))
}
