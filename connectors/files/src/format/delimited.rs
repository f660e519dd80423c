//! The keys of delimited text.

use rabt_connect::ConfigFields;

use super::read_charset;
use crate::charset::Charset;

/// How delimited text is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delimited {
    pub(crate) charset: Charset,
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) header: bool,
}

impl Delimited {
    /// Returns what a position depends on.
    pub(super) fn written(&self) -> String {
        format!(
            "{} {} {:?} {}",
            self.charset.name(),
            self.delimiter,
            self.quote,
            self.header
        )
    }
}

pub(super) fn read(fields: &ConfigFields<'_>) -> Option<Delimited> {
    let charset = read_charset(fields);
    let delimiter = if fields.has("delimiter") {
        read_byte(fields, "delimiter")
    } else {
        Some(b',')
    };
    let quote = if !fields.has("quote") {
        Some(Some(b'"'))
    } else if fields.get("quote").and_then(toml::Value::as_str) == Some("none") {
        Some(None)
    } else {
        read_byte(fields, "quote").map(Some)
    };
    let header = fields.flag("header", true);
    let (charset, delimiter, quote) = (charset?, delimiter?, quote?);
    if quote == Some(delimiter) {
        fields.wrong("quote", "must differ from the delimiter");
        return None;
    }
    Some(Delimited {
        charset,
        delimiter,
        quote,
        header,
    })
}

fn read_byte(fields: &ConfigFields<'_>, key: &str) -> Option<u8> {
    let text = match fields.get(key)?.as_str() {
        Some("tab") => "\t",
        Some(text) => text,
        None => "",
    };
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n' | 0) => Some(*byte),
        _ => {
            fields.wrong(key, "must be one ASCII character, or tab");
            None
        }
    }
}
