//! Dictionaries: a word once, a code for ever. Code zero is absent.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use super::lexicon::{Lexicon, NameClass};
use super::name;
use super::script::{Script, script_of};

/// What the comparisons need to know about one word of a name.
#[derive(Debug)]
pub(crate) struct NameEntry {
    pub(crate) class: Option<NameClass>,
    pub(crate) script: Script,
    pub(crate) rarity: i32,
    pub(crate) letters: Box<[char]>,
    pub(crate) skeleton: Box<str>,
    pub(crate) skeleton_hash: u64,
    /// محمد and its spellings: written before, or left out of, a two-word given name.
    pub(crate) optional_first: bool,
}

/// The words of names.
#[derive(Debug)]
pub(crate) struct NameTable {
    codes: FxHashMap<Box<str>, u32>,
    entries: Vec<NameEntry>,
}

impl NameTable {
    pub(crate) fn new() -> Self {
        Self {
            codes: FxHashMap::default(),
            entries: Vec::new(),
        }
    }

    /// Returns the code of a word in match form.
    pub(crate) fn code(&mut self, lexicon: &Lexicon, word: &str) -> u32 {
        if let Some(code) = self.codes.get(word) {
            return *code;
        }
        let class = lexicon.class_of(word);
        let skeleton = name::skeleton(word);
        let optional = lexicon.class_of("محمد");
        self.entries.push(NameEntry {
            class,
            script: script_of(word),
            rarity: lexicon.rarity_of(class),
            letters: word.chars().collect(),
            skeleton_hash: hash(if skeleton.len() < 2 { word } else { &skeleton }),
            skeleton: skeleton.into(),
            optional_first: class.is_some() && class == optional,
        });
        let code = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.codes.insert(word.into(), code);
        code
    }

    /// Returns the entry of a code that is not zero.
    pub(crate) fn entry(&self, code: u32) -> &NameEntry {
        &self.entries[code as usize - 1]
    }
}

/// What the comparisons need to know about one text.
#[derive(Debug)]
pub(crate) struct TextEntry {
    pub(crate) text: Box<str>,
    pub(crate) hash: u64,
    pub(crate) skeleton_hash: u64,
}

/// The values of text and code columns.
#[derive(Debug)]
pub(crate) struct TextTable {
    codes: FxHashMap<Box<str>, u32>,
    entries: Vec<TextEntry>,
}

impl TextTable {
    pub(crate) fn new() -> Self {
        Self {
            codes: FxHashMap::default(),
            entries: Vec::new(),
        }
    }

    /// Returns the code of a text in match form.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let skeleton = name::skeleton(text);
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
}

/// Returns a hash of the text that is the same in every process.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    hasher.finish()
}
