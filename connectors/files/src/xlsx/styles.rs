//! How numbers are shown: the formats that cells refer to.

use std::collections::BTreeMap;

use rabt_connect::ConnectError;

use super::package::Package;
use super::xml::{Node, Xml, attribute};

/// Largest part with formats, unpacked: 32 MiB.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What a number is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shown {
    /// A number.
    #[default]
    Number,
    /// A whole number of so many digits at least: the format `00000`.
    Padded(usize),
    /// A date, perhaps with a time.
    Date,
    /// A time of the day.
    Time,
    /// A time that has passed, over a day too: `[h]:mm`.
    Duration,
}

/// Reads what each style shows a number as.
pub(super) fn read(package: &Package, part: &str) -> Result<Vec<Shown>, ConnectError> {
    let mut xml = Xml::open(package, part, MAX_BYTES)?;
    let mut own: BTreeMap<u32, Shown> = BTreeMap::new();
    let mut styles = Vec::new();
    let mut in_cells = false;
    loop {
        match xml.next()? {
            Node::Start(element) => {
                let id = attribute(&element, "numFmtId").and_then(|id| id.parse().ok());
                match (element.local_name().as_ref(), id) {
                    ("cellXfs", _) => in_cells = true,
                    ("numFmt", Some(id)) => {
                        let code = attribute(&element, "formatCode").unwrap_or_default();
                        own.insert(id, of_code(&code));
                    }
                    ("xf", id) if in_cells => {
                        let id: u32 = id.unwrap_or(0);
                        let shown = own.get(&id).copied();
                        styles.push(shown.unwrap_or_else(|| of_number(id)));
                    }
                    _ => {}
                }
            }
            Node::End(element) if element.local_name().as_ref() == "cellXfs" => in_cells = false,
            Node::Eof => return Ok(styles),
            Node::End(_) | Node::Text(_) | Node::Character(_) | Node::Other => {}
        }
    }
}

/// Returns what a format without a code shows. From 27 on, East Asian dates and times share numbers.
fn of_number(id: u32) -> Shown {
    match id {
        14..=17 | 22 | 27..=31 | 36 | 50..=54 | 57 | 58 => Shown::Date,
        18..=21 | 32..=35 | 45 | 47 | 55 | 56 => Shown::Time,
        46 => Shown::Duration,
        _ => Shown::Number,
    }
}

/// Returns what a format code shows positive numbers as.
fn of_code(code: &str) -> Shown {
    let mut plain = String::new();
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            // The first part is for positive numbers.
            ';' => break,
            // What follows is a character that is written, or as wide as it.
            '\\' | '_' | '*' => {
                chars.next();
                plain.push(' ');
            }
            '"' => {
                let _ = chars.by_ref().find(|c| *c == '"');
                plain.push(' ');
            }
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let inside = inside.to_ascii_lowercase();
                let is_time = ["h", "hh", "m", "mm", "s", "ss"].contains(&inside.as_str());
                if is_time {
                    return Shown::Duration;
                }
            }
            _ => plain.push(c.to_ascii_lowercase()),
        }
    }
    let digits = plain.len();
    if digits > 1 && plain.bytes().all(|byte| byte == b'0') {
        return Shown::Padded(digits);
    }
    let plain = plain.replace("general", "").replace("am/pm", "h");
    if plain.contains(['y', 'd']) {
        Shown::Date
    } else if plain.contains(['h', 's']) {
        Shown::Time
    } else if plain.contains('m') {
        Shown::Date
    } else {
        Shown::Number
    }
}

#[cfg(test)]
mod tests {
    use super::{Shown, of_code};

    #[test]
    fn codes_say_what_is_shown() {
        for (code, expected) in [
            ("General", Shown::Number),
            ("0", Shown::Number),
            ("00000000000000", Shown::Padded(14)),
            ("000;@", Shown::Padded(3)),
            ("0000-00", Shown::Number),
            ("#,##0.00", Shown::Number),
            ("0.00E+00", Shown::Number),
            ("\"year\" 0", Shown::Number),
            ("0\\d", Shown::Number),
            ("[Red]0", Shown::Number),
            ("#,##0\\ [$د.إ-401]", Shown::Number),
            ("dd/mm/yyyy", Shown::Date),
            ("[$-2060401]B2dd/mm/yyyy;@", Shown::Date),
            ("YYYY-MM-DD HH:MM:SS", Shown::Date),
            ("mmmm", Shown::Date),
            ("h:mm AM/PM", Shown::Time),
            ("mm:ss", Shown::Time),
            ("[h]:mm:ss", Shown::Duration),
            ("[", Shown::Number),
            ("\"", Shown::Number),
            ("\\", Shown::Number),
            ("", Shown::Number),
        ] {
            assert_eq!(of_code(code), expected, "{code}");
        }
    }
}
