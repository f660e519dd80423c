//! Names: an ordered chain of words, compounds joined, articles set aside.

use super::script::script_of;
use super::words::Words;
use crate::pack::{Consonants, Pack, Second};

/// The longest chain that is compared; words beyond it are left out.
pub(crate) const CHAIN: usize = 6;

/// What a word does in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Is a name.
    Name,
    /// Only begins a compound: عبد.
    Prefix,
    /// Only ends one: الدين.
    Suffix,
    /// Ends one behind certain words, and is a name otherwise: الحق behind جاد.
    Second,
    /// Says "son of".
    Particle,
}

/// Returns the words of a name in match form, in order.
pub(crate) fn words(pack: &Pack, text: &str) -> Vec<String> {
    let mut words = Words::default();
    let mut out = [0; CHAIN];
    let length = words.chain(pack, text, &mut out).length;
    let texts = out[..length]
        .iter()
        .map(|key| words.key_text(*key as usize).to_owned());
    texts.collect()
}

/// Returns what a folded word does, and how a prefix stands in a compound.
pub(super) fn role<'a>(pack: &'a Pack, word: &str) -> (Role, Option<&'a str>) {
    if let Some(form) = pack.names.prefixes.get(word) {
        (Role::Prefix, Some(form))
    } else if pack.names.suffixes.contains(word) {
        (Role::Suffix, None)
    } else if pack.names.particles.contains(word) {
        (Role::Particle, None)
    } else if seconds(pack, word).next().is_some() {
        (Role::Second, None)
    } else {
        (Role::Name, None)
    }
}

fn seconds<'a>(pack: &'a Pack, word: &'a str) -> impl Iterator<Item = &'a Second> {
    let all = pack.names.seconds.iter();
    all.filter(move |second| second.written.iter().any(|written| written == word))
}

/// Says whether `word` ends a compound that `first` begins.
pub(super) fn is_second(pack: &Pack, first: &str, word: &str) -> bool {
    seconds(pack, word).any(|second| second.behind.contains(first))
}

/// Returns the match form of one word of a chain.
pub(super) fn key(pack: &Pack, word: &str) -> String {
    once(&pack.names.once, without_article(pack, word))
}

/// Writes letters of a list once where they stand twice in a row: رووف, داوود, يحيي.
fn once(letters: &str, word: String) -> String {
    let mut previous = None;
    let mut twice =
        |letter: char| previous.replace(letter) == Some(letter) && letters.contains(letter);
    if !word.chars().any(&mut twice) {
        return word;
    }
    previous = None;
    let mut out = word;
    out.retain(|letter| !(previous.replace(letter) == Some(letter) && letters.contains(letter)));
    out
}

fn without_article(pack: &Pack, word: &str) -> String {
    for beginning in &pack.names.beginnings {
        let rest = beginning
            .written
            .iter()
            .find_map(|written| word.strip_prefix(written.as_str()));
        if let Some(rest) = rest.filter(|rest| letters_in(rest) >= beginning.least) {
            return format!("{}{rest}", beginning.key);
        }
    }
    for article in &pack.names.articles {
        let rest = word.strip_prefix(article.text.as_str());
        if let Some(rest) = rest.filter(|rest| letters_in(rest) >= article.least)
            && !article.keeps.contains(word)
        {
            return rest.to_owned();
        }
    }
    word.to_owned()
}

fn letters_in(text: &str) -> usize {
    text.chars().count()
}

/// Returns the consonant skeleton of a word in match form: the same for an Arabic word and for
/// most of its Latin spellings, the habits of the pack's country included (`جمال`, `Gamal`,
/// `Jamal` → `gml`).
pub(crate) fn skeleton(pack: &Pack, word: &str) -> String {
    let consonants = pack.skeleton.of(script_of(word));
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    if let Some((written, sound)) = longest(&consonants.initial, rest) {
        out.push_str(sound);
        rest = &rest[written.len()..];
    }
    let mut previous = "";
    while let Some(letter) = rest.chars().next() {
        let (width, sound) = sound_of(consonants, rest, letter);
        if !(consonants.doubled && sound == previous) {
            out.push_str(sound);
        }
        previous = sound;
        rest = &rest[width..];
    }
    out
}

/// Returns how many bytes are read and what they sound like.
pub(super) fn sound_of<'a>(
    consonants: &'a Consonants,
    rest: &'a str,
    letter: char,
) -> (usize, &'a str) {
    let last = consonants
        .r#final
        .iter()
        .find(|(written, _)| written == rest);
    if let Some((written, sound)) = last.or_else(|| longest(&consonants.letters, rest)) {
        return (consumed(written, rest), sound);
    }
    let width = letter.len_utf8();
    (
        width,
        if letter.is_ascii_digit() {
            &rest[..width]
        } else {
            ""
        },
    )
}

/// A soft `c` is heard through the vowel behind it, which is a sound of its own place.
fn consumed(written: &str, rest: &str) -> usize {
    let soft = written.len() == 2 && written.starts_with('c') && !written.ends_with('h');
    if soft {
        1
    } else {
        written.len().min(rest.len())
    }
}

pub(super) fn longest<'a>(
    list: &'a [(String, String)],
    rest: &str,
) -> Option<&'a (String, String)> {
    let found = list
        .iter()
        .filter(|(written, _)| rest.starts_with(written.as_str()));
    found.max_by_key(|(written, _)| written.len())
}

#[cfg(test)]
mod tests {
    use super::{skeleton, words};
    use crate::pack::Pack;

    #[test]
    fn compounds_are_one_word() {
        let pack = Pack::shipped("egypt").unwrap();
        let words = |text| words(&pack, text);
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
        let pack = Pack::shipped("egypt").unwrap();
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
            let left = skeleton(&pack, &words(&pack, arabic)[0]);
            let right = skeleton(&pack, &words(&pack, latin)[0]);
            assert_eq!(left, right, "{arabic} {latin}");
        }
    }
}
