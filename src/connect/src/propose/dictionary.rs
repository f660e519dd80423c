//! The dictionary of words in names, from `words/names.toml`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::fold::{fold, is_arabic};
use crate::propose::meaning::Meaning;

/// A role of a word, by its place in the file.
pub(super) type Role = usize;

/// How a word was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    /// It is listed.
    Listed,
    /// It has the consonants of a listed word.
    Sounds,
}

/// A part of a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Role(Role),
    Number(u32),
}

impl Part {
    fn bit(&self) -> u128 {
        match self {
            Self::Role(role) => 1 << role,
            Self::Number(_) => 0,
        }
    }
}

/// Roles that together have a meaning.
#[derive(Debug)]
pub(super) struct Phrase {
    pub(super) meaning: Meaning,
    pub(super) parts: Vec<Part>,
    /// The roles of the parts, a bit for each.
    pub(super) roles: u128,
    pub(super) points: i32,
}

/// The words and what they mean.
pub(super) struct Dictionary {
    roles: Vec<String>,
    words: HashMap<String, Vec<Role>>,
    sounds: HashMap<String, BTreeSet<Role>>,
    pub(super) phrases: Vec<Phrase>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    roles: BTreeMap<String, Vec<String>>,
    meanings: BTreeMap<String, BTreeMap<String, i32>>,
}

/// Shortest piece of a glued name, in letters, and the shortest name that is taken apart.
const SHORTEST_PIECE: usize = 2;
const SHORTEST_GLUED: usize = 5;
const LONGEST_GLUED: usize = 40;
/// Fewer consonants are not enough to know a word by.
const LEAST_CONSONANTS: usize = 3;

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    // A test reads the file, so that nothing is missing at run time.
    let file = toml::from_str(include_str!("../words/names.toml")).unwrap_or_default();
    Dictionary::of(&file)
});

impl Dictionary {
    pub(super) fn shipped() -> &'static Self {
        &DICTIONARY
    }

    fn of(file: &File) -> Self {
        let roles: Vec<String> = file.roles.keys().cloned().collect();
        let mut words: HashMap<String, Vec<Role>> = HashMap::new();
        let mut sounds: HashMap<String, BTreeSet<Role>> = HashMap::new();
        for (role, list) in file.roles.values().enumerate() {
            for word in list {
                let word = fold(word);
                let skeleton = consonants(&word);
                if word.len() > LEAST_CONSONANTS && skeleton.len() >= LEAST_CONSONANTS {
                    sounds.entry(skeleton).or_default().insert(role);
                }
                let known = words.entry(word).or_default();
                if !known.contains(&role) {
                    known.push(role);
                }
            }
        }
        let mut dictionary = Self {
            roles,
            words,
            sounds,
            phrases: Vec::new(),
        };
        for (meaning, phrases) in &file.meanings {
            let read = phrases.iter().filter_map(|(text, points)| {
                let parts = dictionary.parts(text)?;
                Some(Phrase {
                    meaning: Meaning::of(meaning)?,
                    roles: parts.iter().map(Part::bit).fold(0, |all, bit| all | bit),
                    parts,
                    points: *points,
                })
            });
            let read: Vec<Phrase> = read.collect();
            dictionary.phrases.extend(read);
        }
        dictionary
    }

    fn parts(&self, text: &str) -> Option<Vec<Part>> {
        let part = |word: &str| match word.strip_prefix('#') {
            Some(number) => number.parse().ok().map(Part::Number),
            None => self.role(word).map(Part::Role),
        };
        text.split(' ').map(part).collect()
    }

    /// Returns a role by its name.
    pub(super) fn role(&self, name: &str) -> Option<Role> {
        self.roles.iter().position(|role| role == name)
    }

    /// Returns what a folded word may be; nothing for an unknown one.
    pub(super) fn roles_of(&self, word: &str) -> Option<(Vec<Role>, Found)> {
        if let Some(roles) = self.listed(word) {
            return Some((roles.to_vec(), Found::Listed));
        }
        let skeleton = consonants(word);
        if skeleton.len() < LEAST_CONSONANTS {
            return None;
        }
        let roles = self.sounds.get(&skeleton)?;
        Some((roles.iter().copied().collect(), Found::Sounds))
    }

    fn listed(&self, word: &str) -> Option<&[Role]> {
        let stems = [
            Some(word),
            word.strip_prefix("ال")
                .filter(|stem| stem.chars().count() >= 2),
            word.strip_suffix('s').filter(|stem| stem.len() >= 3),
        ];
        let mut found = stems
            .iter()
            .flatten()
            .filter_map(|stem| self.words.get(*stem));
        found.next().map(Vec::as_slice)
    }

    /// Takes a glued name apart into listed words: `dateofbirth`. The fewest pieces win. Nothing when
    /// that does not work out, so that no word is guessed out of another.
    pub(super) fn unglue(&self, word: &str) -> Option<Vec<String>> {
        let letters: Vec<char> = word.chars().collect();
        if !(SHORTEST_GLUED..=LONGEST_GLUED).contains(&letters.len()) {
            return None;
        }
        // The best way to take apart the first `n` letters: pieces and where the last one begins.
        let mut best: Vec<Option<(u32, usize)>> = vec![None; letters.len() + 1];
        best[0] = Some((0, 0));
        for end in SHORTEST_PIECE..=letters.len() {
            for start in 0..=end - SHORTEST_PIECE {
                let Some((pieces, _)) = best[start] else {
                    continue;
                };
                let piece: String = letters[start..end].iter().collect();
                // Two letters are a word at the end of a name (`birthdt`, `taxno`) and rarely before.
                let short = end - start < 3 && end != letters.len() && piece != "of";
                if short || self.listed(&piece).is_none() {
                    continue;
                }
                if best[end].is_none_or(|(least, _)| pieces + 1 < least) {
                    best[end] = Some((pieces + 1, start));
                }
            }
        }
        let mut pieces = Vec::new();
        let mut end = letters.len();
        while end > 0 {
            let (_, start) = best[end]?;
            pieces.push(letters[start..end].iter().collect());
            end = start;
        }
        pieces.reverse();
        (pieces.len() <= 4).then_some(pieces)
    }
}

/// Returns the consonants of a Latin word as they sound alike in the ways Arabic is written in Latin
/// letters; empty for an Arabic word, whose vowels are not written anyway.
fn consonants(word: &str) -> String {
    if word.chars().any(is_arabic) {
        return String::new();
    }
    let mut sound = String::new();
    let word = word
        .replace("kh", "x")
        .replace("ph", "f")
        .replace("th", "t");
    let word = word.strip_suffix("ah").unwrap_or(&word);
    for c in word.chars() {
        let c = match c {
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | '\'' | '3' | '2' => continue,
            'q' => 'k',
            'j' => 'g',
            c => c,
        };
        if !sound.ends_with(c) {
            sound.push(c);
        }
    }
    sound
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Dictionary, File, Found};
    use crate::propose::meaning::Meaning;

    #[test]
    fn the_file_is_read_whole() {
        let file: File = toml::from_str(include_str!("../words/names.toml")).unwrap();
        let dictionary = Dictionary::of(&file);
        for (meaning, phrases) in &file.meanings {
            assert!(Meaning::of(meaning).is_some(), "{meaning}");
            for text in phrases.keys() {
                assert!(dictionary.parts(text).is_some(), "{meaning}: {text}");
            }
        }
        assert!(dictionary.roles.len() <= 128, "a bit for each");
        let phrases: usize = file.meanings.values().map(BTreeMap::len).sum();
        assert_eq!(dictionary.phrases.len(), phrases);
    }

    #[test]
    fn spellings_by_ear_and_abbreviations_are_known() {
        let dictionary = Dictionary::shipped();
        for (word, role, how) in [
            ("الميلاد", "birth", Found::Listed),
            ("brth", "birth", Found::Listed),
            ("gendr", "sex", Found::Sounds),
            ("mouhafazah", "governorate", Found::Sounds),
            ("taarikh", "date", Found::Sounds),
            ("names", "name", Found::Listed),
        ] {
            let (roles, found) = dictionary.roles_of(word).expect(word);
            let role = dictionary.role(role).unwrap();
            assert!(roles.contains(&role) && found == how, "{word}");
        }
        assert_eq!(dictionary.roles_of("xyz"), None);
    }

    #[test]
    fn glued_names_are_taken_apart() {
        let dictionary = Dictionary::shipped();
        for (word, pieces) in [
            ("dateofdeath", "date of death"),
            ("custname", "cust name"),
            ("raqamqawmi", "raqam qawmi"),
            ("تاريخالميلاد", "تاريخ الميلاد"),
            ("nationalno", "national no"),
        ] {
            let found = dictionary.unglue(word).expect(word).join(" ");
            assert_eq!(found, pieces);
        }
        assert_eq!(dictionary.unglue("zzzbirth"), None);
    }
}
