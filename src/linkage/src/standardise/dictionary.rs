//! Dictionaries: a word once, a code for ever. Code zero is absent.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use super::name;
use super::script::{Script, letters, script_of};
use super::text_map::TextMap;
use super::vowels::Vowels;
use super::words::Words;
use crate::pack::{Classes, Pack};

/// What most comparisons of a word need: one cache line holds two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameEntry {
    /// The names of the lexicon that the word may be a spelling of.
    pub(crate) classes: Classes,
    /// Hash of the consonant skeleton; of the word itself when it has hardly any consonant.
    pub(crate) skeleton_hash: u64,
    /// `log2(1 / share)` of the name, in 1/1024 bit.
    pub(crate) rarity: i32,
    /// Number of consonants of the skeleton.
    pub(crate) consonants: u8,
    pub(crate) script: Script,
    /// محمد and its spellings: written before, or left out of, a two-word given name.
    pub(crate) optional_first: bool,
}

/// What is needed only where two words are not known to be equal or different.
#[derive(Debug)]
pub(crate) struct Spelling {
    pub(crate) letters: Box<[char]>,
    pub(crate) skeleton: Box<str>,
    pub(crate) vowels: Vowels,
    /// The last letter where it makes another name of a word: امين, امينه.
    pub(crate) ending: Option<char>,
    /// The names of the lexicon that the word is a spelling of, or else can be heard as.
    pub(crate) heard: Classes,
}

/// The words of names. A word's code is the number of its match form in [`Words`], plus one.
#[derive(Debug, Default)]
pub(crate) struct NameTable {
    entries: Vec<NameEntry>,
    spellings: Vec<Spelling>,
}

impl NameTable {
    /// Adds the match forms that are new since the last call.
    pub(crate) fn grow(&mut self, pack: &Pack, words: &Words) {
        for key in self.entries.len()..words.key_count() {
            self.add(pack, words.key_text(key));
        }
    }

    fn add(&mut self, pack: &Pack, word: &str) {
        let classes = pack.lexicon.classes_of(word);
        let skeleton = name::skeleton(pack, word);
        let optional = pack.lexicon.classes_of(&pack.names.optional_first);
        self.entries.push(NameEntry {
            classes,
            skeleton_hash: hash(if skeleton.len() < 2 { word } else { &skeleton }),
            rarity: pack.lexicon.rarity_of(classes),
            consonants: u8::try_from(skeleton.len()).unwrap_or(u8::MAX),
            script: script_of(word),
            optional_first: classes[0] != 0 && classes == optional,
        });
        let script = script_of(word);
        let vowels = Vowels::of(pack, word);
        let heard = if classes[0] == 0 && script == Script::Latin {
            pack.lexicon.heard_as(&skeleton, &vowels)
        } else {
            classes
        };
        self.spellings.push(Spelling {
            heard,
            letters: word.chars().collect(),
            skeleton: skeleton.into(),
            vowels,
            ending: word
                .chars()
                .next_back()
                .filter(|last| pack.names.endings.contains(*last)),
        });
    }

    /// Forgets the match forms beyond so many.
    pub(crate) fn shrink(&mut self, count: usize) {
        self.entries.truncate(count);
        self.spellings.truncate(count);
    }

    /// Returns the entry of a code that is not zero.
    pub(crate) fn entry(&self, code: u32) -> &NameEntry {
        &self.entries[code as usize - 1]
    }

    /// Returns the spelling of a code that is not zero.
    pub(crate) fn spelling(&self, code: u32) -> &Spelling {
        &self.spellings[code as usize - 1]
    }
}

/// What the comparisons need to know about one text.
#[derive(Debug)]
pub(crate) struct TextEntry {
    pub(crate) text: Box<str>,
    pub(crate) hash: u64,
    pub(crate) skeleton_hash: u64,
}

/// Stands for a placeholder among the codes of texts as written.
const UNKNOWN: u32 = u32::MAX;

/// Longer texts hardly repeat and are not remembered as they were written.
const LONGEST_REMEMBERED: usize = 64;

/// The values of text and code columns.
#[derive(Debug, Default)]
pub(crate) struct TextTable {
    codes: FxHashMap<Box<str>, u32>,
    /// As written → code; [`UNKNOWN`] for a placeholder.
    written: TextMap<u32>,
    entries: Vec<TextEntry>,
    /// While there is a visit: the entries before it, and the texts as written that it added.
    visit: Option<(usize, Vec<Box<str>>)>,
}

impl TextTable {
    /// Returns the code of a text as it is written: zero when nothing of it can be compared, and
    /// `None` when it only says that nothing is known.
    pub(crate) fn spelling(&mut self, pack: &Pack, text: &str) -> Option<u32> {
        if let Some(code) = self.written.get(text) {
            return (code != UNKNOWN).then_some(code);
        }
        let plain = letters(text);
        let code = if super::is_unknown(pack, text) {
            UNKNOWN
        } else if plain.is_empty() {
            0
        } else {
            self.code(pack, &plain)
        };
        if text.len() <= LONGEST_REMEMBERED {
            self.written.insert(text, code);
            if let Some((_, added)) = &mut self.visit {
                added.push(text.into());
            }
        }
        (code != UNKNOWN).then_some(code)
    }

    /// Begins a visit: what is met from now on is forgotten at its end.
    pub(crate) fn begin_visit(&mut self) {
        self.visit = Some((self.entries.len(), Vec::new()));
    }

    /// Ends a visit.
    pub(crate) fn end_visit(&mut self) {
        let Some((count, added)) = self.visit.take() else {
            return;
        };
        for entry in self.entries.drain(count..) {
            self.codes.remove(&entry.text);
        }
        for text in added {
            self.written.remove(&text);
        }
    }

    /// Returns the code of a text in match form.
    pub(crate) fn code(&mut self, pack: &Pack, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let skeleton = name::skeleton(pack, text);
        self.entries.push(TextEntry {
            text: text.into(),
            hash: hash(text),
            skeleton_hash: hash(if skeleton.len() < 2 { text } else { &skeleton }),
        });
        let code = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.codes.insert(text.into(), code);
        code
    }

    /// Returns the entry of a code that is not zero.
    pub(crate) fn entry(&self, code: u32) -> &TextEntry {
        &self.entries[code as usize - 1]
    }

    /// Returns the texts in the order of their codes.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.text)
    }
}

/// Returns a hash of the text that is the same in every process.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    hasher.finish()
}
