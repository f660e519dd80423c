//! The keys by which a profile is found: identifiers, telephone numbers and days of birth.

use std::fmt::Write;

use rabt_model::{Attribute, PartialDate, Profile, Scheme, Value};

/// One way to find a citizen. Two profiles that share a key need not be one person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// A standardised identifier of a scheme.
    Identifier(String, String),
    /// A telephone number in its international form.
    Phone(String),
    /// A date of birth, as far as it is known.
    Birth(String),
    /// A year of birth and a governorate.
    Region(i16, String),
}

impl Key {
    /// Returns the key of an identifier; `None` when nothing of the text is left.
    pub(crate) fn identifier(scheme: &str, text: &str) -> Option<Self> {
        let value = standard_identifier(text)?;
        Some(Self::Identifier(scheme.to_owned(), value))
    }

    /// Returns the key of a telephone number.
    pub(crate) fn phone(text: &str) -> Option<Self> {
        let number = rabt_linkage::phone(text).or_else(|| standard_identifier(text));
        number.map(Self::Phone)
    }

    /// Returns the keys under which a person born on `date` may stand: agencies that know the
    /// year or the month only are not left out.
    pub(crate) fn births(date: PartialDate) -> Vec<Self> {
        let mut keys = vec![Self::Birth(date.to_string())];
        let month = date.month();
        let coarser = [
            month.and_then(|month| PartialDate::of_month(date.year(), month)),
            PartialDate::of_year(date.year()),
        ];
        for key in coarser.into_iter().flatten() {
            let key = Self::Birth(key.to_string());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Returns the key of a year of birth and a two-digit governorate code.
    pub(crate) fn region(year: i16, governorate: &str) -> Option<Self> {
        standard_identifier(governorate).map(|code| Self::Region(year, code))
    }

    /// Says whether a profile stands under this key.
    pub(crate) fn leads_to(&self, profile: &Profile) -> bool {
        match self {
            Self::Identifier(scheme, _) => profile.values.iter().any(|attributed| {
                match (&attributed.attribute, attributed.value.expose()) {
                    (Attribute::Identifier(held), Value::Text(text)) => {
                        held.as_str() == scheme
                            && Self::identifier(scheme, text).as_ref() == Some(self)
                    }
                    _ => false,
                }
            }),
            Self::Phone(_) | Self::Birth(_) | Self::Region(..) => keys_of(profile).contains(self),
        }
    }

    /// Returns a text that no other key has.
    pub(super) fn write_to(&self, out: &mut String) {
        out.clear();
        match self {
            Self::Identifier(scheme, value) => {
                out.push_str("i\u{1f}");
                out.push_str(scheme);
                out.push('\u{1f}');
                out.push_str(value);
            }
            Self::Phone(number) => {
                out.push_str("p\u{1f}");
                out.push_str(number);
            }
            Self::Birth(date) => {
                out.push_str("b\u{1f}");
                out.push_str(date);
            }
            Self::Region(year, governorate) => {
                // writing to a string cannot fail
                let _ = write!(out, "r\u{1f}{year}\u{1f}{governorate}");
            }
        }
    }
}

/// Returns every key of a profile, sorted, each once.
pub(super) fn keys_of(profile: &Profile) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut years = Vec::new();
    let mut governorates = Vec::new();
    for attributed in &profile.values {
        match (&attributed.attribute, attributed.value.expose()) {
            (Attribute::Identifier(scheme), Value::Text(text)) => {
                keys.extend(identifier_key(scheme, text));
            }
            (Attribute::Phone, Value::Text(text)) => keys.extend(Key::phone(text)),
            (Attribute::BirthDate, Value::Date(date)) => {
                keys.push(Key::Birth(date.to_string()));
                years.push(date.year());
            }
            (Attribute::Address, Value::Address(address)) => {
                governorates.extend(address.governorate.as_deref());
            }
            _ => {}
        }
    }
    for year in years {
        for governorate in &governorates {
            keys.extend(Key::region(year, governorate));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn identifier_key(scheme: &Scheme, text: &str) -> Option<Key> {
    Key::identifier(scheme.as_str(), text)
}

/// Makes identifiers comparable: digits of every script to ASCII, Latin letters to capitals, no
/// spaces and separators.
fn standard_identifier(text: &str) -> Option<String> {
    let mut standard = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{660}'..='\u{669}' => standard.extend(digit(c, '\u{660}')),
            '\u{6f0}'..='\u{6f9}' => standard.extend(digit(c, '\u{6f0}')),
            c if c.is_whitespace() || c.is_control() => {}
            '-' | '/' | '.' | '\u{200e}' | '\u{200f}' => {}
            c => standard.push(c.to_ascii_uppercase()),
        }
    }
    (!standard.is_empty()).then_some(standard)
}

fn digit(c: char, zero: char) -> Option<char> {
    char::from_digit(u32::from(c) - u32::from(zero), 10)
}

#[cfg(test)]
mod tests {
    use super::{Key, standard_identifier};

    #[test]
    fn identifiers_are_comparable_across_scripts() {
        let arabic = standard_identifier("٢٩٠٠١٠١١٢٣٤٥٦٧");
        assert_eq!(arabic.as_deref(), Some("29001011234567"));
        assert_eq!(standard_identifier(" a-12 3/4 ").as_deref(), Some("A1234"));
        assert_eq!(standard_identifier(" - "), None);
    }

    #[test]
    fn a_whole_date_also_looks_among_partial_ones() {
        let keys = Key::births("1984-02-11".parse().unwrap());
        let texts = ["1984-02-11", "1984-02", "1984"];
        assert_eq!(keys, texts.map(|text| Key::Birth(text.to_owned())));
        assert_eq!(Key::births("1984".parse().unwrap()).len(), 1);
    }
}
