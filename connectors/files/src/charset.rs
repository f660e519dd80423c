//! How bytes become text: the encodings of the web, and two code pages of Arabic DOS.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use oem_cp::code_table::{DECODING_TABLE_CP720, DECODING_TABLE_CP864};
use oem_cp::code_table_type::TableType;
use unicode_normalization::UnicodeNormalization;

/// Names worth suggesting; every WHATWG label is taken.
pub(crate) const NAMES: [&str; 10] = [
    "utf-8",
    "windows-1256",
    "windows-1252",
    "utf-16le",
    "utf-16be",
    "iso-8859-6",
    "iso-8859-1",
    "x-mac-arabic",
    "cp720",
    "cp864",
];

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// One of the encodings of the web.
    Web(&'static Encoding),
    /// CP720, the Arabic of DOS in the order it is read.
    Cp720,
    /// CP864, the Arabic of DOS in the shapes of its letters.
    Cp864,
}

impl Charset {
    /// UTF-8.
    pub(crate) const UTF_8: Self = Self::Web(UTF_8);

    /// Returns the encoding of a name in any case. Agencies write code pages in many ways: `cp1256`,
    /// `CP-1256` and `windows-1256` are one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let folded = name.trim().to_ascii_lowercase();
        let page = ["windows", "cp", "ibm", "dos"]
            .iter()
            .find_map(|family| folded.strip_prefix(family))
            .map(|number| number.trim_start_matches(['-', '_', ' ']));
        match page {
            Some("720") => return Some(Self::Cp720),
            Some("864") => return Some(Self::Cp864),
            Some(_) | None => {}
        }
        let label = match page {
            Some(number) if folded.starts_with("cp") => Cow::Owned(format!("windows-{number}")),
            Some(_) | None => Cow::Borrowed(folded.as_str()),
        };
        let found = Encoding::for_label(label.as_bytes());
        // `cp866` is known to the web under this name, and to nobody as a page of Windows.
        found
            .or_else(|| Encoding::for_label(folded.as_bytes()))
            .map(Self::Web)
    }

    /// Returns the name, as messages say it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Web(encoding) => encoding.name(),
            Self::Cp720 => "CP720",
            Self::Cp864 => "CP864",
        }
    }

    /// Says whether each byte is a character.
    pub(crate) fn is_single_byte(self) -> bool {
        match self {
            Self::Web(encoding) => encoding.is_single_byte(),
            Self::Cp720 | Self::Cp864 => true,
        }
    }

    /// Returns the encoding when it has to be decoded before rows can be found: a delimiter or the
    /// end of a line may be a part of a character.
    pub(crate) fn wide(self) -> Option<&'static Encoding> {
        match self {
            Self::Web(encoding) if encoding != UTF_8 && !encoding.is_single_byte() => {
                Some(encoding)
            }
            Self::Web(_) | Self::Cp720 | Self::Cp864 => None,
        }
    }

    /// Returns the text of bytes; nothing when they are not text.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Web(encoding) => {
                encoding.decode_without_bom_handling_and_without_replacement(bytes)
            }
            Self::Cp720 | Self::Cp864 => {
                if let Some(text) = std::str::from_utf8(bytes)
                    .ok()
                    .filter(|text| text.is_ascii())
                {
                    return Some(Cow::Borrowed(text));
                }
                self.decode_dos(bytes).map(Cow::Owned)
            }
        }
    }

    fn decode_dos(self, bytes: &[u8]) -> Option<String> {
        if self == Self::Cp720 {
            return TableType::Complete(&DECODING_TABLE_CP720).decode_string_checked(bytes);
        }
        let table = TableType::Incomplete(&DECODING_TABLE_CP864);
        let shapes = table.decode_string_checked(bytes)?;
        Some(shapes.chars().flat_map(letters).collect())
    }
}

/// Returns the letters that a shape of Arabic writing stands for: CP864 has a character for each
/// shape, and no list of an agency is written in shapes.
fn letters(shape: char) -> impl Iterator<Item = char> {
    let is_shape = matches!(shape, '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}');
    let one = (!is_shape).then_some(shape);
    let letters = is_shape.then(|| std::iter::once(shape).nfkc());
    one.into_iter().chain(letters.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::Charset;

    #[test]
    fn names_are_known_in_the_ways_they_are_written() {
        for (name, expected) in [
            ("UTF-8", "UTF-8"),
            ("windows-1256", "windows-1256"),
            ("cp1256", "windows-1256"),
            ("CP-1256", "windows-1256"),
            ("cp_1252", "windows-1252"),
            ("iso-8859-6", "ISO-8859-6"),
            ("arabic", "ISO-8859-6"),
            ("UTF-16BE", "UTF-16BE"),
            ("cp866", "IBM866"),
            ("cp720", "CP720"),
            ("DOS-720", "CP720"),
            ("ibm864", "CP864"),
            ("cp864", "CP864"),
        ] {
            assert_eq!(
                Charset::named(name).map(Charset::name),
                Some(expected),
                "{name}"
            );
        }
        for name in ["windows-1265", "cp", "ebcdic", ""] {
            assert_eq!(Charset::named(name), None, "{name}");
        }
    }

    #[test]
    fn one_name_is_written_in_every_code_page() {
        for (name, bytes) in [
            ("utf-8", "منى أحمد".as_bytes()),
            ("windows-1256", b"\xe3\xe4\xec \xc3\xcd\xe3\xcf".as_slice()),
            ("iso-8859-6", b"\xe5\xe6\xe9 \xc3\xcd\xe5\xcf"),
            ("cp720", b"\xea\xeb\xee \x9a\xa5\xea\xa7"),
            // Shapes: initial meem, medial noon, final alef maksura.
            ("cp864", b"\xe5\xe6\xf5 \xc3\xcd\xe5\xcf"),
        ] {
            let charset = Charset::named(name).unwrap();
            assert_eq!(charset.decode(bytes).as_deref(), Some("منى أحمد"), "{name}");
        }
    }

    #[test]
    fn bytes_that_are_no_character_are_not_text() {
        for (name, bytes) in [
            ("utf-8", b"a\xffb".as_slice()),
            ("iso-8859-6", b"a\xa1"),
            ("cp864", b"a\xff"),
        ] {
            let charset = Charset::named(name).unwrap();
            assert_eq!(charset.decode(bytes), None, "{name}");
            assert_eq!(charset.decode(b"a").as_deref(), Some("a"), "{name}");
        }
    }
}
