//! The words of a name of a table or column.

use crate::fold::{fold, is_arabic};

/// A word of a name, in folded form, or a number in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Number(u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    Arabic,
    Digit,
    Break,
}

fn class(c: char) -> Class {
    match c {
        c if c.is_ascii_digit() || ('\u{660}'..='\u{669}').contains(&c) => Class::Digit,
        // Vowel signs and tatweel belong to the word.
        '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' => Class::Arabic,
        c if is_arabic(c) => Class::Arabic,
        c if c.is_uppercase() => Class::Upper,
        c if c.is_alphabetic() => Class::Lower,
        _ => Class::Break,
    }
}

/// Returns the words of a name: parted at marks and spaces, at capitals inside a word, and between
/// letters and digits.
pub(super) fn tokens(name: &str) -> Vec<Token> {
    let characters: Vec<(char, Class)> = name.chars().map(|c| (c, class(c))).collect();
    let mut found = Vec::new();
    let mut word = String::new();
    for (place, (c, now)) in characters.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| characters[before].1);
        let next = characters.get(place + 1).map(|(_, class)| *class);
        if *now == Class::Break || before.is_some_and(|before| parts(before, *now, next)) {
            finish(&mut word, &mut found);
        }
        if *now != Class::Break {
            word.push(*c);
        }
    }
    finish(&mut word, &mut found);
    found
}

/// Says whether a word ends between two characters; `next` is the one behind both.
fn parts(before: Class, now: Class, next: Option<Class>) -> bool {
    match (before, now) {
        (Class::Upper, Class::Lower) => false,
        // `DOBirth` ends before the last capital.
        (Class::Upper, Class::Upper) => next == Some(Class::Lower),
        (before, now) => before != now,
    }
}

fn finish(word: &mut String, found: &mut Vec<Token>) {
    if word.is_empty() {
        return;
    }
    let folded = fold(word);
    let number: Option<u32> = word.parse().ok();
    found.push(number.map_or(Token::Word(folded), Token::Number));
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens};

    fn words(name: &str) -> String {
        let shown = tokens(name).into_iter().map(|token| match token {
            Token::Word(word) => word,
            Token::Number(number) => number.to_string(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_of_all_styles_are_parted() {
        for (name, expected) in [
            ("date_of_birth", "date of birth"),
            ("BirthDate", "birth date"),
            ("NationalID", "national id"),
            ("IDNumber", "id number"),
            ("STUD_NAME1", "stud name 1"),
            ("NM1", "nm 1"),
            ("zip code", "zip code"),
            ("تاريخ_الميلاد", "تاريخ الميلاد"),
            ("تَارِيخ الإِقامَة", "تاريخ الاقامه"),
            ("ر.قومي", "ر قومي"),
            ("DOB", "dob"),
            ("__", ""),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }
}
