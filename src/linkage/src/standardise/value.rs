//! Values that are no names and no digits: numbers, points, sets; and what tells one value of a
//! column from another.

use super::script::{ascii_digit, letters};
use super::{Standardised, date, digits_at, identifier};
use crate::model::ColumnType;
use crate::pack::Pack;

/// Separates the members of a set in its dictionary entry.
pub(crate) const MEMBER: char = '\u{1f}';

/// Reads a finite number in any digits; spaces, `_` and commas between groups of three are let
/// pass.
pub(crate) fn number(text: &str) -> Option<f64> {
    let mut plain = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '٫' => plain.push('.'),
            '٬' | '_' | ' ' | '\u{a0}' | '\u{202f}' => {}
            other => plain.push(ascii_digit(other).unwrap_or(other)),
        }
    }
    let number: f64 = if plain.contains(',') {
        ungrouped(&plain)?.parse().ok()?
    } else {
        plain.parse().ok()?
    };
    number.is_finite().then_some(number)
}

/// Takes the commas of `1,234,567.8` out; `None` where they do not stand between groups of three.
fn ungrouped(text: &str) -> Option<String> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let first = groups.next()?.trim_start_matches(['+', '-']);
    let fits = (1..=3).contains(&first.len())
        && groups.all(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()))
        && !rest.contains(',');
    fits.then(|| text.replace(',', ""))
}

/// Returns the two words of a number, the first never zero: zero itself is kept as minus zero, and
/// what is too small to be told from zero is zero.
pub(crate) fn number_words(number: f64) -> [u32; 2] {
    let number = if number.is_normal() { number } else { -0.0 };
    let [low, high] = super::halves(number.to_bits());
    [high, low]
}

/// Returns the number at a place of a card, or `None` when it is absent.
pub(crate) fn number_at(words: &[u32]) -> Option<f64> {
    let bits = u64::from(words[0]) << 32 | u64::from(words[1]);
    (bits != 0).then(|| f64::from_bits(bits))
}

/// What is added to microdegrees, so that they are above zero.
const LATITUDE: f64 = 90_000_001.0;
const LONGITUDE: f64 = 180_000_001.0;

/// Reads `latitude,longitude` in degrees as the two words of a point.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both are held within 1 and 360,000,001"
)]
pub(crate) fn point_words(text: &str) -> Option<[u32; 2]> {
    let (latitude, longitude) = text.split_once([',', ';', '،'])?;
    let (latitude, longitude) = (number(latitude)?, number(longitude)?);
    if latitude.abs() > 90.0 || longitude.abs() > 180.0 {
        return None;
    }
    let words = [latitude * 1e6 + LATITUDE, longitude * 1e6 + LONGITUDE];
    Some(words.map(|word| word.round() as u32))
}

/// Returns the degrees of a point that is there.
pub(crate) fn degrees(words: &[u32]) -> (f64, f64) {
    (
        (f64::from(words[0]) - LATITUDE) / 1e6,
        (f64::from(words[1]) - LONGITUDE) / 1e6,
    )
}

/// Returns the members of a set, folded, sorted, each once, as one text; empty when there is none.
pub(crate) fn set(pack: &Pack, text: &str) -> String {
    let parts = text.split(['|', ';', ',', '،', '؛', MEMBER]).map(letters);
    let mut members: Vec<String> = parts
        .filter(|member| !member.is_empty() && !super::is_unknown(pack, member))
        .collect();
    members.sort_unstable();
    members.dedup();
    members.join("\u{1f}")
}

/// Returns what tells a value of a card from the other values of its column; `None` when it is
/// absent or the type has no such key. Of several values it is the first.
pub(crate) fn key_of_card(
    data: &Standardised,
    kind: ColumnType,
    column: usize,
    card: &[u32],
) -> Option<u64> {
    let at = data.slots[column].offset;
    if card[at] == 0 {
        return None;
    }
    match kind.family() {
        ColumnType::Text => Some(data.texts.entry(card[at]).hash),
        ColumnType::Digits => Some(digits_at(card, at)),
        ColumnType::Date => Some(u64::from(card[at])),
        ColumnType::Name | ColumnType::Address => None,
        ColumnType::Number | ColumnType::Point | ColumnType::Set => None,
        // These belong to the families of texts and digits.
        ColumnType::Code | ColumnType::Sex => None,
        ColumnType::NationalId | ColumnType::Phone => None,
    }
}

/// Writes a value of which [`key_of_card`] gives a key so that [`key_of_text`] gives the same; empty
/// where there is none.
pub(crate) fn text_of_card(
    data: &Standardised,
    kind: ColumnType,
    column: usize,
    card: &[u32],
) -> String {
    let at = data.slots[column].offset;
    match (key_of_card(data, kind, column, card), kind.family()) {
        (Some(_), ColumnType::Text) => data.texts.entry(card[at]).text.to_string(),
        (Some(packed), ColumnType::Digits) => identifier::unpack(packed)
            .into_iter()
            .map(|digit| char::from(b'0' + digit))
            .collect(),
        (Some(_), _) => match date::unpack(card[at]) {
            (year, 0, _) => format!("{year:04}"),
            (year, month, 0) => format!("{year:04}-{month:02}"),
            (year, month, day) => format!("{year:04}-{month:02}-{day:02}"),
        },
        (None, _) => String::new(),
    }
}

/// Returns the key that [`key_of_card`] gives for a value that is written so.
pub(crate) fn key_of_text(kind: ColumnType, text: &str) -> Option<u64> {
    let plain = || Some(letters(text)).filter(|plain| !plain.is_empty());
    match kind {
        ColumnType::Text | ColumnType::Code => plain().map(|text| super::dictionary::hash(&text)),
        ColumnType::Sex => {
            super::sex(&*Pack::shipped(Pack::SHIPPED[0]).ok()?, text).map(super::dictionary::hash)
        }
        ColumnType::Digits | ColumnType::NationalId => identifier::pack(text),
        ColumnType::Phone => identifier::pack(&crate::phone(text)?),
        ColumnType::Date => Some(u64::from(date::pack(date::parse(text)?))),
        ColumnType::Name | ColumnType::Address => None,
        ColumnType::Number | ColumnType::Point | ColumnType::Set => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{degrees, number, number_at, number_words, point_words, set};
    use crate::pack::Pack;

    #[test]
    fn numbers_are_read_in_any_digits() {
        for (text, expected) in [
            ("12.5", Some(12.5)),
            ("-3", Some(-3.0)),
            ("١٢٫٥", Some(12.5)),
            ("1,234,567.5", Some(1_234_567.5)),
            ("1 234", Some(1234.0)),
            ("1e3", Some(1000.0)),
            ("1,5", None),
            ("12,34", None),
            ("NaN", None),
            ("inf", None),
            ("-infinity", None),
            ("1e400", None),
            ("twelve", None),
            ("", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn zero_is_not_absent() {
        for value in [0.0, -0.0, 1.0, -2.5, 1e300, f64::MIN_POSITIVE, 4.9e-324] {
            let words = number_words(value);
            assert_ne!(words[0], 0, "{value}");
            let back = number_at(&words).unwrap();
            assert!((back - value).abs() < 1e-300, "{value} {back}");
        }
        assert_eq!(number_words(0.0), number_words(-0.0));
        assert_eq!(number_at(&[0, 0]), None);
    }

    #[test]
    fn points_are_checked() {
        let (latitude, longitude) = degrees(&point_words(" 30.044420, 31.235712 ").unwrap());
        assert!((latitude - 30.044_42).abs() < 1e-6 && (longitude - 31.235_712).abs() < 1e-6);
        assert_eq!(degrees(&point_words("-90;-180").unwrap()), (-90.0, -180.0));
        for wrong in ["91,0", "0,181", "30", "a,b", "NaN,0", ""] {
            assert_eq!(point_words(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sets_have_no_order() {
        let pack = Pack::general();
        let set = |text| set(&pack, text);
        assert_eq!(set("Banking | insurance"), set("INSURANCE;banking,banking"));
        assert_eq!(set(" | ;"), "");
        assert_eq!(set("unknown|a"), "a");
    }
}
