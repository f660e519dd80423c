//! Writing a step as a mapping has it.

use std::fmt::Write;

use crate::step::{Calendar, Step};

/// Returns a text in quotes, as TOML wants it.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                // Writing into a text cannot fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Returns a list of texts.
pub(crate) fn quote_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(quote).collect();
    format!("[{}]", quoted.join(", "))
}

fn table<'p>(pairs: impl Iterator<Item = (&'p String, &'p String)>) -> String {
    let pairs: Vec<String> = pairs
        .map(|(from, to)| format!("{} = {}", quote(from), quote(to)))
        .collect();
    format!("{{ {} }}", pairs.join(", "))
}

impl Step {
    /// Returns the step as a mapping has it: `"trim"`, `{ take = 8 }`.
    pub fn to_toml(&self) -> String {
        match self {
            Self::Trim => quote("trim"),
            Self::CollapseSpaces => quote("collapse_spaces"),
            Self::Nfc => quote("nfc"),
            Self::FoldCase => quote("fold_case"),
            Self::DigitsAscii => quote("digits_ascii"),
            Self::ParsePartialDate => quote("parse_partial_date"),
            Self::Strip(characters) => format!("{{ strip = {} }}", quote(characters)),
            Self::Take(count) => format!("{{ take = {count} }}"),
            Self::Split { separator, index } => {
                let separator = quote(separator);
                format!("{{ split = {{ sep = {separator}, index = {index} }} }}")
            }
            Self::Join(separator) => format!("{{ join = {} }}", quote(separator)),
            Self::Replace(pairs) => {
                let pairs = pairs.iter().map(|(from, to)| (from, to));
                format!("{{ replace = {} }}", table(pairs))
            }
            Self::NullIf(texts) => {
                let texts = quote_all(texts.iter().map(String::as_str));
                format!("{{ null_if = {texts} }}")
            }
            Self::Default(text) => format!("{{ default = {} }}", quote(text)),
            Self::Lookup(codes) => format!("{{ lookup = {} }}", table(codes.iter())),
            Self::CheckNationalId => "{ check = \"egypt_national_id\" }".to_owned(),
            Self::CheckDigits(count) => format!("{{ check = \"digits:{count}\" }}"),
            Self::PadLeft { width, with } => {
                let with = quote(&with.to_string());
                format!("{{ pad_left = {{ width = {width}, with = {with} }} }}")
            }
            Self::ParseDate {
                formats,
                calendar,
                unknown,
            } => {
                let formats: Vec<String> = formats.iter().map(ToString::to_string).collect();
                let formats = quote_all(formats.iter().map(String::as_str));
                let calendar = match calendar {
                    Calendar::Gregorian => "",
                    Calendar::Hijri => ", calendar = \"hijri\"",
                };
                let unknown = if unknown.is_empty() {
                    String::new()
                } else {
                    let texts = quote_all(unknown.iter().map(String::as_str));
                    format!(", unknown = {texts}")
                };
                format!("{{ parse_date = {{ formats = {formats}{calendar}{unknown} }} }}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quotes_hold_any_name() {
        for text in ["a", "a\"b", "a\\b", "a\nb", "تاريخ", "\u{7f}"] {
            let toml = format!("x = {}", quote(text));
            let table: toml::Table = toml.parse().unwrap();
            assert_eq!(table["x"].as_str(), Some(text));
        }
    }
}
