//! Words as numbers: every spelling is folded, judged and joined once, then known by its number.
//!
//! Names repeat: a million of them are built from some ten thousand spellings. Invariant: what a
//! word means is a function of its letters and the pack; the numbers are never seen outside.

use rustc_hash::FxHashMap;

use super::name::{Role, is_second, key, role};
use super::script::letters;
use super::text_map::TextMap;
use crate::pack::Pack;

/// The number of a folded word.
pub(crate) type WordId = u32;

/// The words met so far.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// A spelling between two spaces, as written → the folded words it holds: a run of `runs`.
    spellings: TextMap<(u32, u32)>,
    runs: Vec<WordId>,
    ids: FxHashMap<Box<str>, WordId>,
    known: Vec<Word>,
    joined: FxHashMap<(WordId, WordId), WordId>,
    keys: FxHashMap<Box<str>, u32>,
    key_texts: Vec<Box<str>>,
    /// What a visit has added, while there is one.
    visit: Option<Visit>,
}

/// What words looked like before a visit, and what it added that cannot be told from that.
#[derive(Debug)]
struct Visit {
    runs: usize,
    known: usize,
    keys: usize,
    spellings: Vec<Box<str>>,
    joined: Vec<(WordId, WordId)>,
}

/// One folded word.
#[derive(Debug)]
struct Word {
    text: Box<str>,
    role: Role,
    /// The word that stands for this one in a compound, for a prefix.
    form: WordId,
    /// The number of its match form.
    key: u32,
    /// Whether a text that says only that nothing is known may begin with it.
    begins_placeholder: bool,
}

/// What became of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// Words written.
    pub(crate) length: usize,
    /// Whether the text may be one that says only that nothing is known.
    pub(crate) may_be_unknown: bool,
}

impl Words {
    /// Writes the numbers of the match forms of a name's words to `out`, in order: `عبد الرحمن` and
    /// `Abd El-Rahman` are one word each, particles are dropped, articles set aside. What does not
    /// fit is left out.
    pub(crate) fn chain(&mut self, pack: &Pack, text: &str, out: &mut [u32]) -> Written {
        let mut chain = Chain {
            out,
            length: 0,
            last: 0,
            pending: None,
        };
        let mut first = None;
        for spelling in text.split([' ', '\t', '\u{a0}']) {
            if spelling.is_empty() {
                continue;
            }
            let (start, end) = self.spelling(pack, spelling);
            for at in start..end {
                let word = self.runs[at as usize];
                first = first.or(Some(word));
                self.append(pack, &mut chain, word);
            }
        }
        if let Some(prefix) = chain.pending.take() {
            chain.push(prefix, self.known[prefix as usize].key);
        }
        Written {
            length: chain.length,
            may_be_unknown: first.is_none_or(|word| self.known[word as usize].begins_placeholder),
        }
    }

    /// Begins a visit: what is met from now on is forgotten at its end.
    pub(crate) fn begin_visit(&mut self) {
        self.visit = Some(Visit {
            runs: self.runs.len(),
            known: self.known.len(),
            keys: self.key_texts.len(),
            spellings: Vec::new(),
            joined: Vec::new(),
        });
    }

    /// Ends a visit.
    pub(crate) fn end_visit(&mut self) {
        let Some(visit) = self.visit.take() else {
            return;
        };
        self.runs.truncate(visit.runs);
        for word in self.known.drain(visit.known..) {
            self.ids.remove(&word.text);
        }
        for key in self.key_texts.drain(visit.keys..) {
            self.keys.remove(&key);
        }
        for spelling in visit.spellings {
            self.spellings.remove(&spelling);
        }
        for pair in visit.joined {
            self.joined.remove(&pair);
        }
    }

    /// Returns the match form of a spelling that is one word; `None` when it is none or several.
    pub(crate) fn single(&mut self, pack: &Pack, text: &str) -> Option<String> {
        let mut out = [0; 2];
        let Written { length, .. } = self.chain(pack, text, &mut out);
        (length == 1).then(|| self.key_text(out[0] as usize).to_owned())
    }

    /// Returns the match form of a number that [`Words::chain`] gave.
    pub(crate) fn key_text(&self, key: usize) -> &str {
        &self.key_texts[key]
    }

    /// Returns the number of match forms.
    pub(crate) fn key_count(&self) -> usize {
        self.key_texts.len()
    }

    /// Takes in the match forms of other words; returns the code, counted from 1, of each.
    pub(crate) fn absorb(&mut self, other: &Self) -> Vec<u32> {
        let codes = other.key_texts.iter().map(|text| self.key(text) + 1);
        codes.collect()
    }

    fn append(&mut self, pack: &Pack, chain: &mut Chain<'_>, word: WordId) {
        let word = match chain.pending.take() {
            Some(prefix) => self.join(pack, prefix, word),
            None => word,
        };
        let Word {
            role, form, key, ..
        } = self.known[word as usize];
        match role {
            Role::Prefix => chain.pending = Some(form),
            Role::Suffix | Role::Second
                if chain.length > 0 && self.ends(pack, chain.last, word) =>
            {
                let whole = self.join(pack, chain.last, word);
                chain.replace(whole, self.known[whole as usize].key);
            }
            Role::Particle => {}
            Role::Name | Role::Suffix | Role::Second => chain.push(word, key),
        }
    }

    /// Says whether a suffix or a second ends a compound that `first` begins.
    fn ends(&self, pack: &Pack, first: WordId, word: WordId) -> bool {
        let (first, word) = (&self.known[first as usize], &self.known[word as usize]);
        word.role == Role::Suffix || is_second(pack, &first.text, &word.text)
    }

    fn spelling(&mut self, pack: &Pack, spelling: &str) -> (u32, u32) {
        if let Some(run) = self.spellings.get(spelling) {
            return run;
        }
        let start = self.runs.len();
        for word in letters(spelling).split(' ').filter(|word| !word.is_empty()) {
            let id = self.word(pack, word);
            self.runs.push(id);
        }
        let run = (number(start), number(self.runs.len()));
        self.spellings.insert(spelling, run);
        if let Some(visit) = &mut self.visit {
            visit.spellings.push(spelling.into());
        }
        run
    }

    fn word(&mut self, pack: &Pack, text: &str) -> WordId {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let (role, form) = role(pack, text);
        let form = match form {
            Some(form) if form != text => self.word(pack, form),
            // A prefix that stands for itself, or no prefix: the number this word is about to get.
            _ => number(self.known.len()),
        };
        let key = self.key(&key(pack, text));
        let id = number(self.known.len());
        let form = if role == Role::Prefix && form < id {
            form
        } else {
            id
        };
        self.known.push(Word {
            text: text.into(),
            role,
            form,
            key,
            begins_placeholder: pack.begins_placeholder(text),
        });
        self.ids.insert(text.into(), id);
        id
    }

    fn join(&mut self, pack: &Pack, left: WordId, right: WordId) -> WordId {
        if let Some(id) = self.joined.get(&(left, right)) {
            return *id;
        }
        let text = [
            &*self.known[left as usize].text,
            &*self.known[right as usize].text,
        ]
        .concat();
        let id = self.word(pack, &text);
        self.joined.insert((left, right), id);
        if let Some(visit) = &mut self.visit {
            visit.joined.push((left, right));
        }
        id
    }

    fn key(&mut self, text: &str) -> u32 {
        if let Some(key) = self.keys.get(text) {
            return *key;
        }
        let key = number(self.key_texts.len());
        self.key_texts.push(text.into());
        self.keys.insert(text.into(), key);
        key
    }
}

/// A chain in the making.
struct Chain<'a> {
    out: &'a mut [u32],
    length: usize,
    last: WordId,
    pending: Option<WordId>,
}

impl Chain<'_> {
    fn push(&mut self, word: WordId, key: u32) {
        self.last = word;
        if let Some(place) = self.out.get_mut(self.length) {
            *place = key;
            self.length += 1;
        }
    }

    fn replace(&mut self, word: WordId, key: u32) {
        self.last = word;
        if let Some(place) = self.out.get_mut(self.length - 1) {
            *place = key;
        }
    }
}

/// Dictionaries end at 2^32 words; no file that fits into memory has as many.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
