//! The shape of one text.

use std::fmt::Write;

use crate::fold::is_arabic;

/// Characters that are looked at; a longer text is a long text whatever follows.
const LONGEST: usize = 120;

/// Longest text whose letters and digits are shown run by run.
const LONGEST_CODE: usize = 24;

/// Most words that are told apart.
const MOST_WORDS: u32 = 9;

/// What a text is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Form {
    /// The pattern.
    pub(super) pattern: String,
    /// Whether it has Arabic letters.
    pub(super) arabic: bool,
    /// Whether it has Latin letters.
    pub(super) latin: bool,
    /// Number of ASCII digits.
    pub(super) digits: u32,
    /// Number of words with a letter.
    pub(super) words: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    Latin,
    Arabic,
    Space,
    /// A mark of ASCII stands for itself; it is no part of what a value says.
    Mark(char),
    Other,
}

fn class(c: char) -> Class {
    match c {
        '0'..='9' => Class::Digit,
        c if is_arabic(c) => Class::Arabic,
        c if c.is_alphabetic() && c < '\u{250}' => Class::Latin,
        c if c.is_whitespace() => Class::Space,
        c if c.is_ascii_punctuation() => Class::Mark(c),
        _ => Class::Other,
    }
}

impl Form {
    /// Returns the form of a trimmed text whose digits are ASCII.
    pub(super) fn of(text: &str) -> Self {
        let mut form = Self::default();
        let mut length = 0;
        for c in text.chars().take(LONGEST) {
            length += 1;
            match class(c) {
                Class::Digit => form.digits += 1,
                Class::Arabic => form.arabic = true,
                Class::Latin => form.latin = true,
                Class::Space | Class::Mark(_) | Class::Other => {}
            }
        }
        let has_letter = |word: &&str| word.chars().any(char::is_alphabetic);
        let words = text.split_whitespace().filter(has_letter).count();
        form.words = u32::try_from(words).unwrap_or(MOST_WORDS);
        form.pattern = form.pattern_of(text, length);
        form
    }

    fn pattern_of(&self, text: &str, length: usize) -> String {
        let has_letters = self.arabic || self.latin;
        if is_email(text) {
            return "e-mail".to_owned();
        }
        if length >= LONGEST {
            return "long text".to_owned();
        }
        let is_code = length <= 3 || (self.digits > 0 && self.words <= 1);
        if !has_letters || (is_code && length <= LONGEST_CODE) {
            return runs(text);
        }
        let script = match (self.arabic, self.latin) {
            (true, true) => "mixed",
            (true, false) => "arabic",
            (false, _) => "latin",
        };
        let digits = if self.digits > 0 { "+9" } else { "" };
        format!("{script}({}){digits}", self.words.min(MOST_WORDS))
    }
}

/// Returns a text run by run: `A9(8)`.
fn runs(text: &str) -> String {
    let mut pattern = String::new();
    let mut characters = text.chars().map(class).peekable();
    while let Some(first) = characters.next() {
        let mut count = 1;
        while characters.next_if_eq(&first).is_some() {
            count += 1;
        }
        let sign = match first {
            Class::Digit => '9',
            Class::Latin => 'A',
            Class::Arabic => 'ع',
            Class::Space => ' ',
            Class::Mark(mark) => mark,
            Class::Other => '?',
        };
        pattern.push(sign);
        if count > 1 {
            // Writing into a text cannot fail.
            let _ = write!(pattern, "({count})");
        }
    }
    pattern
}

/// Says whether a text is an e-mail address: one `@`, a dot behind it, no space.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let inner_dot = domain.trim_matches('.').contains('.');
    !local.is_empty() && inner_dot && !domain.contains('@') && !text.contains(char::is_whitespace)
}

/// Returns the shape of a text as a text of one digit: `00/00/0000` of a date of zeros. Nothing when
/// the text has other digits or letters.
pub(super) fn filler(text: &str) -> Option<String> {
    let mut digit = None;
    let mut digits = 0;
    for c in text.chars() {
        match class(c) {
            Class::Digit if digit.is_none_or(|known| known == c) => {
                digit = Some(c);
                digits += 1;
            }
            Class::Mark(_) | Class::Space => {}
            Class::Digit | Class::Latin | Class::Arabic | Class::Other => return None,
        }
    }
    // A short number of one digit may well be a number.
    (digits >= 6).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Form, filler};

    #[test]
    fn shapes_are_read() {
        for (text, pattern) in [
            ("29001011234567", "9(14)"),
            ("1990-01-31", "9(4)-9(2)-9(2)"),
            ("A27194003", "A9(8)"),
            ("M", "A"),
            ("ذ", "ع"),
            ("محمد أحمد علي المصري", "arabic(4)"),
            ("Abdel Rahman", "latin(2)"),
            ("12 شارع عباس", "arabic(2)+9"),
            ("a.b@mail.example", "e-mail"),
            ("+20 10 1234", "+9(2) 9(2) 9(4)"),
        ] {
            assert_eq!(Form::of(text).pattern, pattern, "{text}");
        }
    }

    #[test]
    fn one_digit_again_and_again_is_no_value() {
        assert_eq!(filler("00/00/0000").as_deref(), Some("00/00/0000"));
        assert_eq!(filler("99999999").as_deref(), Some("99999999"));
        assert_eq!(filler("0"), None);
        assert_eq!(filler("00/00/0001"), None);
    }
}
