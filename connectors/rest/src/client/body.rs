//! The body of an answer: bounded, unpacked, as text.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{DecoderResult, Encoding, UTF_8};
use flate2::bufread::MultiGzDecoder;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rabt_connect::ConnectError;

use crate::fault;
use crate::json::NOT_TEXT;

/// Takes a body to its end, at most `most` bytes of it.
pub(super) async fn take(
    mut body: Incoming,
    place: &str,
    most: usize,
) -> Result<Vec<u8>, ConnectError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| fault::broke_off(place))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > most {
            return Err(fault::too_large(place, most));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Unpacks a body, to at most `most` bytes.
pub(crate) fn unpacked(
    bytes: Vec<u8>,
    headers: &HeaderMap,
    place: &str,
    most: usize,
) -> Result<Vec<u8>, ConnectError> {
    let coding = headers.get(header::CONTENT_ENCODING);
    let coding = coding
        .and_then(|value| value.to_str().ok())
        .unwrap_or("identity");
    if coding.eq_ignore_ascii_case("identity") || coding.is_empty() || bytes.is_empty() {
        return Ok(bytes);
    }
    if !coding.eq_ignore_ascii_case("gzip") && !coding.eq_ignore_ascii_case("x-gzip") {
        let what = "is answered in a compression that was not asked for";
        let remedy = "ask the agency to send gzip or nothing";
        return Err(ConnectError::configuration(place, what, remedy));
    }
    let mut plain = Vec::new();
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(bytes.as_slice())
        .take(bound)
        .read_to_end(&mut plain);
    match read {
        Ok(_) if plain.len() > most => Err(fault::too_large(place, most)),
        Ok(_) => Ok(plain),
        Err(_) => Err(fault::broke_off(place)),
    }
}

/// Returns the text of a body. What the configuration says of its encoding comes before what the
/// server says, and a byte order mark before both. Bytes that are no text become [`NOT_TEXT`].
pub(crate) fn text(
    bytes: Vec<u8>,
    headers: &HeaderMap,
    configured: Option<&'static Encoding>,
) -> String {
    let marked = Encoding::for_bom(&bytes);
    let (encoding, mark) = match marked {
        Some((encoding, length)) => (encoding, length),
        None => (configured.or_else(|| declared(headers)).unwrap_or(UTF_8), 0),
    };
    if encoding == UTF_8 && mark == 0 {
        return match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => decoded(error.as_bytes(), encoding),
        };
    }
    decoded(&bytes[mark..], encoding)
}

fn decoded(bytes: &[u8], encoding: &'static Encoding) -> String {
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Cow::into_owned(text);
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(bytes.len() + 64);
    let mut at = 0;
    loop {
        let (result, read) =
            decoder.decode_to_string_without_replacement(&bytes[at..], &mut text, true);
        at += read;
        match result {
            DecoderResult::InputEmpty => return text,
            DecoderResult::OutputFull => text.reserve(bytes.len() - at + 64),
            DecoderResult::Malformed(..) => {
                text.reserve(NOT_TEXT.len() + 64);
                text.push_str(NOT_TEXT);
            }
        }
    }
}

/// Returns the encoding that a server declares.
fn declared(headers: &HeaderMap) -> Option<&'static Encoding> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = value.split(';').skip(1).map(str::trim);
    let label = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    })?;
    Encoding::for_label(label.trim().trim_matches('"').as_bytes())
}

/// Returns the type of the content without its parameters, in small letters; empty when the server
/// does not say.
pub(crate) fn essence(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Says whether a type is JSON. A server that says nothing is taken at its body.
pub(crate) fn is_json(essence: &str) -> bool {
    essence.is_empty()
        || essence == "application/json"
        || essence == "text/json"
        || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{is_json, text};
    use crate::json::NOT_TEXT;

    fn of_type(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn text_is_what_it_says_it_is() {
        let arabic = b"\"\xe3\xe4\xec\"".to_vec();
        let declared = of_type("application/json; charset=\"windows-1256\"");
        assert_eq!(text(arabic.clone(), &declared, None), "\"منى\"");
        let windows = encoding_rs::Encoding::for_label(b"windows-1256");
        let silent = of_type("application/json");
        assert_eq!(text(arabic.clone(), &silent, windows), "\"منى\"");
        let unreadable = text(arabic, &silent, None);
        assert!(unreadable.starts_with('"') && unreadable.contains(NOT_TEXT));
        let marked = "\u{feff}{}".as_bytes().to_vec();
        assert_eq!(text(marked, &declared, windows), "{}");
        let wide: Vec<u8> = "\u{feff}[\"ع\"]"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(text(wide, &silent, None), "[\"ع\"]");
    }

    #[test]
    fn json_has_several_types() {
        for (essence, expected) in [
            ("application/json", true),
            ("application/hal+json", true),
            ("", true),
            ("text/html", false),
            ("text/plain", false),
        ] {
            assert_eq!(is_json(essence), expected, "{essence}");
        }
    }
}
