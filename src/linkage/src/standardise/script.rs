//! Letters: one form for the many ways in which the same letter is typed.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// Which script a word is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Script {
    /// Arabic letters.
    Arabic,
    /// Latin letters.
    Latin,
    /// Digits, signs, or nothing.
    Other,
}

/// Returns the script of the first letter of `text`.
pub(crate) fn script_of(text: &str) -> Script {
    for c in text.chars() {
        if ('\u{0621}'..='\u{06FF}').contains(&c) && c.is_alphabetic() {
            return Script::Arabic;
        }
        if c.is_ascii_alphabetic() || ('\u{00C0}'..='\u{024F}').contains(&c) {
            return Script::Latin;
        }
    }
    Script::Other
}

/// Returns a decimal digit of any script that agencies use as an ASCII digit.
pub(crate) fn ascii_digit(c: char) -> Option<char> {
    let offset = match c {
        '0'..='9' => return Some(c),
        '\u{0660}'..='\u{0669}' => u32::from(c) - 0x0660,
        '\u{06F0}'..='\u{06F9}' => u32::from(c) - 0x06F0,
        '\u{FF10}'..='\u{FF19}' => u32::from(c) - 0xFF10,
        _ => return None,
    };
    char::from_digit(offset, 10)
}

/// Returns the digits of `text` as ASCII, everything else left out.
pub(crate) fn digits_of(text: &str) -> String {
    text.chars().filter_map(ascii_digit).collect()
}

/// Returns the letter that stands for `c` in a match key, or `None` where `c` carries nothing.
fn fold(c: char) -> Option<char> {
    Some(match c {
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' | 'ی' | 'ئ' | 'ې' => 'ي',
        'ؤ' => 'و',
        'ة' | 'ہ' | 'ۀ' | 'ە' => 'ه',
        'ک' | 'ڪ' => 'ك',
        // Sounds that Arabic has no letter for, written with the letter next to it or with these.
        'چ' => 'ج',
        'پ' => 'ب',
        'ڤ' => 'ف',
        // Lone hamza, tatweel, harakat, superscript alef, joiners, bidi marks.
        'ء' | '\u{0640}' | '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{200B}'..='\u{200F}' => {
            return None;
        }
        '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' => return None,
        '\'' | '’' | '‘' | '`' | 'ʿ' | 'ʾ' => return None,
        other => ascii_digit(other).unwrap_or(other),
    })
}

/// The letters of nearly all texts: ASCII and the Arabic block.
const PLAIN: usize = 128 + 256;

fn plain_index(c: char) -> Option<usize> {
    match u32::from(c) {
        ascii @ ..128 => Some(ascii as usize),
        arabic @ 0x600..0x700 => Some(arabic as usize - 0x600 + 128),
        _ => None,
    }
}

/// Stands for a letter that carries nothing.
const NOTHING: char = '\0';

/// What each plain letter stands for: itself folded, a space, or [`NOTHING`].
static FOLDED: LazyLock<[char; PLAIN]> = LazyLock::new(|| {
    let mut table = [NOTHING; PLAIN];
    for c in ('\0'..'\u{80}').chain('\u{600}'..'\u{700}') {
        if let Some(at) = plain_index(c) {
            table[at] = match fold(c) {
                None => NOTHING,
                Some(folded) if folded.is_alphanumeric() => folded.to_ascii_lowercase(),
                Some(_) => ' ',
            };
        }
    }
    table
});

/// Returns `text` with one form for each letter: compatibility forms resolved, marks removed, case
/// folded, hamza carriers and final letters unified, and every other sign turned into a space.
/// Words are separated by single spaces.
pub(crate) fn letters(text: &str) -> String {
    let table = &*FOLDED;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let Some(at) = plain_index(c) else {
            // What carries nothing goes before composition, which what it stood between takes part in.
            let parts = text
                .nfkd()
                .filter(|c| !('\u{0300}'..='\u{036F}').contains(c) && fold(*c).is_some());
            return fold_words(parts.nfkc(), text.len());
        };
        match table[at] {
            NOTHING => {}
            ' ' if out.is_empty() || out.ends_with(' ') => {}
            folded => out.push(folded),
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

/// As [`letters`], letter by letter, for texts with other letters.
fn fold_words(chars: impl Iterator<Item = char>, size: usize) -> String {
    let mut out = String::with_capacity(size);
    for c in chars {
        let Some(c) = fold(c) else { continue };
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Script, digits_of, letters, script_of};

    #[test]
    fn variants_of_a_letter_meet() {
        for (left, right) in [
            ("أحمد", "احمد"),
            ("مُحَمَّد", "محـــمد"),
            ("فاطمة", "فاطمه"),
            ("هدى", "هدي"),
            ("فؤاد", "فواد"),
            ("ﻣﺤﻤﺪ", "محمد"),
            ("El-Masry", "el masry"),
            ("São", "sao"),
            ("على\u{200f}", "علي"),
        ] {
            assert_eq!(letters(left), letters(right));
        }
    }

    #[test]
    fn the_table_says_what_the_letters_say() {
        for c in ('\0'..'\u{80}').chain('\u{600}'..'\u{700}') {
            let text = format!("a{c}b{c}{c} ");
            let slow = super::fold_words(text.chars(), text.len());
            assert_eq!(letters(&text), slow, "{:x}", u32::from(c));
        }
    }

    #[test]
    fn digits_of_every_script_are_digits() {
        assert_eq!(digits_of("٠١٠-۲۳ ４"), "010234");
        assert_eq!(script_of("12 محمد"), Script::Arabic);
        assert_eq!(script_of("12"), Script::Other);
    }
}
