//! Words without the differences that nobody means: capitals, hamzas, vowel signs, the two ways to
//! end a feminine word.

/// Returns a text in folded form: small letters; Arabic without vowel signs and tatweel, with one
/// alef, `ه` for `ة` and `ي` for `ى`.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'أ' | 'إ' | 'آ' | 'ٱ' => folded.push('ا'),
            'ى' | 'ئ' => folded.push('ي'),
            'ؤ' => folded.push('و'),
            'ة' => folded.push('ه'),
            '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' => {}
            _ => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

/// Says whether a character is a letter of the Arabic script.
pub(crate) const fn is_arabic(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{64a}' | '\u{66e}'..='\u{6d3}' | '\u{6fa}'..='\u{6ff}')
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn spellings_of_one_word_meet() {
        assert_eq!(fold("الأُسْرَة"), fold("الاسره"));
        assert_eq!(fold("أنثى"), "انثي");
        assert_eq!(fold("BirthDate"), "birthdate");
    }
}
