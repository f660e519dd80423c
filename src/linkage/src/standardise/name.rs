//! Names: an ordered chain of words, compounds joined, articles set aside.

use super::script::{Script, letters, script_of};

/// The longest chain that is compared; words beyond it are left out.
pub(crate) const CHAIN: usize = 6;

/// Splits a name into the words of its chain in match form: `عبد الرحمن` and `Abd El-Rahman` are
/// one word each, `بن` is dropped, an article in front of a family name is set aside.
pub(crate) fn words(text: &str) -> Vec<String> {
    let plain = letters(text);
    let mut chain: Vec<String> = Vec::with_capacity(CHAIN);
    let mut pending: Option<String> = None;
    for word in plain.split(' ').filter(|word| !word.is_empty()) {
        let joined = match pending.take() {
            Some(prefix) => prefix + word,
            None if is_prefix(word) => {
                pending = Some(prefix_form(word).to_owned());
                continue;
            }
            None => word.to_owned(),
        };
        if is_prefix(&joined) {
            pending = Some(prefix_form(&joined).to_owned());
            continue;
        }
        if is_suffix(&joined) && !chain.is_empty() {
            if let Some(last) = chain.last_mut() {
                last.push_str(&joined);
            }
            continue;
        }
        if matches!(
            joined.as_str(),
            "بن" | "ابن" | "بنت" | "bin" | "ibn" | "bint"
        ) {
            continue;
        }
        chain.push(joined);
    }
    if let Some(rest) = pending {
        chain.push(rest);
    }
    chain.truncate(CHAIN);
    for word in &mut chain {
        *word = key(word);
    }
    chain
}

/// A word that is only the first part of a compound.
fn is_prefix(word: &str) -> bool {
    matches!(
        word,
        "عبد"
            | "ابو"
            | "ابي"
            | "ام"
            | "ال"
            | "abd"
            | "abdel"
            | "abdul"
            | "abdal"
            | "abdol"
            | "abd el"
            | "abdu"
            | "abu"
            | "abo"
            | "abou"
            | "aboul"
            | "abul"
            | "el"
            | "al"
            | "um"
            | "om"
            | "umm"
            | "abdelel"
            | "abuel"
            | "abual"
    )
}

fn prefix_form(word: &str) -> &str {
    match word {
        "abdel" | "abdul" | "abdal" | "abdol" | "abd" | "abdu" | "abdelel" => "abdel",
        "abu" | "abo" | "abou" => "abu",
        "aboul" | "abul" | "abuel" | "abual" => "abuel",
        "al" => "el",
        other => other,
    }
}

/// A word that only ends a compound: نور *الدين*, عوض *الله*.
fn is_suffix(word: &str) -> bool {
    matches!(
        word,
        "الدين"
            | "الله"
            | "العابدين"
            | "elabedin"
            | "elabdeen"
            | "elabdin"
            | "eldin"
            | "eldeen"
            | "aldin"
            | "eddin"
            | "ellah"
            | "allah"
            | "ullah"
    )
}

/// Returns the match form of one word of a chain.
fn key(word: &str) -> String {
    match script_of(word) {
        Script::Arabic => arabic_key(word),
        Script::Latin => latin_key(word),
        Script::Other => word.to_owned(),
    }
}

fn arabic_key(word: &str) -> String {
    let bare = word
        .strip_prefix("ال")
        .filter(|rest| rest.chars().count() >= 3);
    match bare {
        Some(rest) if !word.starts_with("الله") && word != "الهام" && word != "الفت" => {
            rest.to_owned()
        }
        _ => word.to_owned(),
    }
}

fn latin_key(word: &str) -> String {
    if let Some(rest) = strip_any(word, &["abdel", "abdul", "abdal", "abdol"])
        && rest.len() >= 3
    {
        let rest = rest
            .strip_prefix("el")
            .filter(|bare| bare.len() >= 3)
            .unwrap_or(rest);
        return format!("abdel{rest}");
    }
    let rest = strip_any(word, &["el", "al"]).filter(|rest| rest.len() >= 4);
    match rest {
        Some(rest) if !KEEPS_ARTICLE.contains(&word) => rest.to_owned(),
        _ => word.to_owned(),
    }
}

/// Latin given names that only look as if they began with an article.
const KEEPS_ARTICLE: [&str; 8] = [
    "elwan", "alwan", "elham", "elias", "aladdin", "alyaa", "aliaa", "alfred",
];

fn strip_any<'a>(word: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| word.strip_prefix(prefix))
}

/// Returns the consonant skeleton of a word in match form: the same for an Arabic word and for
/// most of its Latin spellings, Egyptian habits included (`جمال`, `Gamal`, `Jamal` → `gml`).
pub(crate) fn skeleton(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    match script_of(word) {
        Script::Latin => latin_skeleton(word, &mut out),
        Script::Arabic | Script::Other => arabic_skeleton(word, &mut out),
    }
    out
}

fn push(out: &mut String, consonant: char) {
    if !out.ends_with(consonant) {
        out.push(consonant);
    }
}

fn arabic_skeleton(word: &str, out: &mut String) {
    let word = if let Some(rest) = word.strip_prefix("عبدال") {
        out.push_str("bdl");
        rest
    } else {
        word
    };
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        let consonant = match c {
            'ب' | 'پ' => 'b',
            'ت' | 'ط' => 't',
            'ث' | 'س' | 'ص' => 's',
            'ج' | 'غ' => 'g',
            'ح' => 'h',
            'ه' if chars.peek().is_some() => 'h',
            'خ' => 'x',
            'د' | 'ض' => 'd',
            'ذ' | 'ز' | 'ظ' => 'z',
            'ر' => 'r',
            'ش' => 'c',
            'ف' | 'ڤ' => 'f',
            'ق' | 'ك' => 'k',
            'ل' => 'l',
            'م' => 'm',
            'ن' => 'n',
            digit if digit.is_ascii_digit() => digit,
            _ => continue,
        };
        push(out, consonant);
    }
}

fn latin_skeleton(word: &str, out: &mut String) {
    let bytes = word.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        let (consonant, width) = match (bytes[at], next) {
            (b's', b'h') => ('c', 2),
            (b'c', b'h') => ('c', 2),
            (b'k', b'h') => ('x', 2),
            (b'g', b'h') => ('g', 2),
            (b't', b'h') => ('s', 2),
            (b'd', b'h') => ('z', 2),
            (b'p', b'h') => ('f', 2),
            (b'c', b'e' | b'i' | b'y') => ('s', 1),
            (b'c' | b'k' | b'q', _) => ('k', 1),
            (b'g' | b'j', _) => ('g', 1),
            (b'p' | b'b', _) => ('b', 1),
            (b'v' | b'f', _) => ('f', 1),
            (b'h', b' ') => (' ', 1),
            (letter @ (b't' | b's' | b'h' | b'd' | b'z' | b'r' | b'l' | b'm' | b'n'), _) => {
                (char::from(letter), 1)
            }
            (b'x', _) => ('k', 1),
            (digit @ b'0'..=b'9', _) => (char::from(digit), 1),
            _ => (' ', 1),
        };
        if consonant != ' ' {
            push(out, consonant);
        }
        at += width;
    }
}

#[cfg(test)]
mod tests {
    use super::{skeleton, words};

    #[test]
    fn compounds_are_one_word() {
        assert_eq!(words("محمد عبد الرحمن السيد").len(), 3);
        assert_eq!(words("محمد عبد الرحمن"), words("محمد عبدالرحمن"));
        assert_eq!(words("نور الدين حسن"), words("نورالدين حسن"));
        assert_eq!(words("Abd El-Rahman Aly"), words("Abdelrahman Aly"));
        assert_eq!(words("Abdul Rahman"), words("Abdel Rahman"));
        assert_eq!(words("محمد بن سلمان"), words("محمد سلمان"));
        assert_eq!(words("El-Masry"), words("Al Masry"));
        assert_eq!(words("Abou El-Ela"), words("Abu El Ela"));
        assert_eq!(words("علي أبو زيد"), words("على ابوزيد"));
        assert!(words("").is_empty());
    }

    #[test]
    fn skeletons_cross_scripts() {
        for (arabic, latin) in [
            ("جمال", "Gamal"),
            ("جمال", "Jamal"),
            ("القاضي", "El-Kady"),
            ("حجازي", "Hegazy"),
            ("عبد الناصر", "Abdel Nasser"),
            ("شعلان", "Shaalan"),
            ("خطاب", "Khattab"),
            ("فاطمة", "Fatma"),
            ("الغندور", "El-Ghandour"),
            ("نور الدين", "Nour El-Din"),
        ] {
            let left = skeleton(&words(arabic)[0]);
            let right = skeleton(&words(latin)[0]);
            assert_eq!(left, right, "{arabic} {latin}");
        }
    }
}
