//! A time in JSON, where there is one: RFC 3339, UTC.

use rabt_model::Timestamp;
use serde::Deserialize;

#[expect(clippy::ref_option, reason = "the shape that serde wants")]
pub(crate) fn serialize<S: serde::Serializer>(
    at: &Option<Timestamp>,
    s: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => s.collect_str(at),
        None => s.serialize_none(),
    }
}

pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(
    d: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<std::borrow::Cow<'de, str>>::deserialize(d)?;
    let at = text.map(|text| text.parse().map_err(serde::de::Error::custom));
    at.transpose()
}
