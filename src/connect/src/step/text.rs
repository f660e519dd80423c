//! The steps that make a text of a text. Each returns what it was given when there is nothing to
//! do, without copying it.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Marks that show nothing and that keyboards and exports leave at the ends of a text.
const INVISIBLE: [char; 8] = [
    '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{061c}', '\u{2060}', '\u{feff}',
];

fn is_blank(c: char) -> bool {
    c.is_whitespace() || INVISIBLE.contains(&c)
}

pub(super) fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(is_blank)),
        Cow::Owned(text) => {
            let trimmed = text.trim_matches(is_blank);
            if trimmed.len() == text.len() {
                Cow::Owned(text)
            } else {
                Cow::Owned(trimmed.to_owned())
            }
        }
    }
}

pub(super) fn collapse_spaces(text: Cow<'_, str>) -> Cow<'_, str> {
    if is_collapsed(text.as_bytes()) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut after_space = false;
    for c in text.chars() {
        if !c.is_whitespace() {
            out.push(c);
        } else if !after_space {
            out.push(' ');
        }
        after_space = c.is_whitespace();
    }
    Cow::Owned(out)
}

/// Says whether there is surely nothing to collapse, by bytes: white space outside ASCII begins
/// with C2, E1, E2 or E3, and Arabic letters do not.
fn is_collapsed(text: &[u8]) -> bool {
    let mut after_space = false;
    text.iter().all(|byte| {
        let fine = match byte {
            b' ' => !after_space,
            0x09..=0x0d | 0xc2 | 0xe1..=0xe3 => false,
            _ => true,
        };
        after_space = *byte == b' ';
        fine
    })
}

/// Says whether a character stays as it is in NFC and never joins the one before it: Latin up to
/// U+02FF and the letters of Arabic, without the marks that compose with them.
const fn is_plain(c: char) -> bool {
    matches!(c, '\0'..='\u{2ff}' | '\u{620}'..='\u{64a}' | '\u{660}'..='\u{669}')
}

pub(super) fn nfc(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.chars().all(is_plain) || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    Cow::Owned(text.nfc().collect())
}

pub(super) fn fold_case(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.chars().any(char::is_uppercase) {
        return Cow::Owned(text.to_lowercase());
    }
    text
}

pub(super) fn strip<'a>(text: Cow<'a, str>, characters: &str) -> Cow<'a, str> {
    if text.contains(|c| characters.contains(c)) {
        return Cow::Owned(text.replace(|c| characters.contains(c), ""));
    }
    text
}

fn ascii_digit(c: char) -> Option<char> {
    let zero = match c {
        '\u{0660}'..='\u{0669}' => 0x0660,
        '\u{06f0}'..='\u{06f9}' => 0x06f0,
        '\u{ff10}'..='\u{ff19}' => 0xff10,
        _ => return None,
    };
    char::from_digit(u32::from(c) - zero, 10)
}

pub(super) fn digits_ascii(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| ascii_digit(c).is_some()) {
        return text;
    }
    Cow::Owned(text.chars().map(|c| ascii_digit(c).unwrap_or(c)).collect())
}

pub(super) fn take(text: Cow<'_, str>, count: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(count) else {
        return text;
    };
    cut(text, 0, end)
}

pub(super) fn split<'a>(text: Cow<'a, str>, separator: &str, index: usize) -> Option<Cow<'a, str>> {
    let part = text.split(separator).nth(index)?;
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    let end = start + part.len();
    Some(cut(text, start, end))
}

fn cut(text: Cow<'_, str>, start: usize, end: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[start..end]),
        Cow::Owned(text) => Cow::Owned(text[start..end].to_owned()),
    }
}

pub(super) fn replace<'a>(text: Cow<'a, str>, pairs: &[(String, String)]) -> Cow<'a, str> {
    let mut text = text;
    for (from, to) in pairs {
        if text.contains(from.as_str()) {
            text = Cow::Owned(text.replace(from.as_str(), to));
        }
    }
    text
}

pub(super) fn pad_left(text: Cow<'_, str>, width: usize, padding: char) -> Cow<'_, str> {
    let length = text.chars().count();
    if length == 0 || length >= width {
        return text;
    }
    let mut padded: String = std::iter::repeat_n(padding, width - length).collect();
    padded.push_str(&text);
    Cow::Owned(padded)
}
