//! The texts that the cells of a workbook share.

use rabt_connect::ConnectError;

use super::package::Package;
use super::xml::{Node, Xml, attribute};

/// The shared texts, one after the other in one piece of memory.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// Reads the part that holds them, of at most `limit` bytes. How many it says there are is not
    /// believed.
    pub(super) fn read(package: &Package, part: &str, limit: u64) -> Result<Self, ConnectError> {
        let mut xml = Xml::open(package, part, limit)?;
        let mut strings = Self::default();
        loop {
            let is_item = match xml.next()? {
                Node::Start(element) => element.local_name().as_ref() == "si",
                Node::Eof => return Ok(strings),
                Node::End(_) | Node::Text(_) | Node::Character(_) | Node::Other => false,
            };
            if is_item {
                read_text(&mut xml, &mut strings.text)?;
                let end = u32::try_from(strings.text.len());
                let end = end.map_err(|_| xml.damaged("holds over 4 GiB of text"))?;
                strings.ends.push(end);
            }
        }
    }

    /// Returns a text by its number.
    pub(crate) fn get(&self, index: u32) -> Option<&str> {
        let index = index as usize;
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => self.ends[before] as usize,
            None => 0,
        };
        self.text.get(start..end)
    }
}

/// Adds the text of an `si` or `is` element that was just entered to `into`, and leaves it. How it is
/// to be pronounced is left out.
pub(super) fn read_text(xml: &mut Xml, into: &mut String) -> Result<(), ConnectError> {
    enum Next {
        Text { is_kept: bool },
        Pronunciation,
        Inside,
        End,
        Other,
    }
    let mut inside = 0;
    loop {
        let next = match xml.next()? {
            Node::Start(element) => match element.local_name().as_ref() {
                "t" => Next::Text {
                    is_kept: attribute(&element, "space").as_deref() == Some("preserve"),
                },
                "rPh" => Next::Pronunciation,
                _ => Next::Inside,
            },
            Node::End(_) | Node::Eof => Next::End,
            Node::Text(_) | Node::Character(_) | Node::Other => Next::Other,
        };
        match next {
            Next::Text { is_kept } => {
                let start = into.len();
                xml.text(into)?;
                tidy(into, start, is_kept);
            }
            Next::Pronunciation => xml.skip()?,
            Next::Inside => inside += 1,
            Next::End if inside == 0 => return Ok(()),
            Next::End => inside -= 1,
            Next::Other => {}
        }
    }
}

/// Takes white space off what was added behind `start` unless it is kept, and writes the characters
/// that XML cannot hold, `_x000D_`, as they are.
pub(super) fn tidy(into: &mut String, start: usize, is_kept: bool) {
    const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];
    let added = &into[start..];
    let trimmed = if is_kept {
        added
    } else {
        added.trim_matches(BLANKS)
    };
    if trimmed.len() != added.len() || trimmed.contains("_x") {
        let text = unescape(trimmed);
        into.truncate(start);
        into.push_str(&text);
    }
}

fn unescape(text: &str) -> String {
    let mut into = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        into.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest
            .get(2..6)
            .filter(|_| rest.as_bytes().get(6) == Some(&b'_'));
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        if let Some(c) = code.and_then(char::from_u32) {
            into.push(c);
            rest = &rest[7..];
        } else {
            into.push_str("_x");
            rest = &rest[2..];
        }
    }
    into.push_str(rest);
    into
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn characters_that_xml_cannot_hold_come_back() {
        for (text, expected) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_x000d__x0041_", "\rA"),
            ("_xD83D_", "_xD83D_"),
            ("_x00_ _x", "_x00_ _x"),
            ("_x+041_", "_x+041_"),
            ("_x00م_", "_x00م_"),
            ("محمد_x000A_علي", "محمد\nعلي"),
        ] {
            assert_eq!(unescape(text), expected, "{text}");
        }
    }
}
