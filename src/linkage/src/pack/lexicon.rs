//! The lexicon of a pack: which words are spellings of one name, and how common the name is.

use rustc_hash::FxHashMap;

use super::Pack;
use crate::standardise::Words;
use crate::standardise::name::skeleton;
use crate::standardise::script::{Script, script_of};
use crate::standardise::vowels::Vowels;

/// Number of a name in the lexicon, counted from 1; 0 is none.
pub(crate) type NameClass = u32;

/// The names that a word may be a spelling of, the commonest first; all zero for a word that is no
/// known name.
pub(crate) type Classes = [NameClass; 3];

/// Given names with their spellings. Two names of the lexicon are two names, however alike.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    classes: FxHashMap<String, Classes>,
    /// Per name: `log2(1 / share)` in 1/1024 bit.
    rarity: Vec<i32>,
    /// Skeleton → the spellings that have it.
    sounds: FxHashMap<String, Vec<Sound>>,
}

/// How a spelling of a name is heard.
#[derive(Debug, Clone)]
struct Sound {
    vowels: Vowels,
    script: Script,
    class: NameClass,
}

/// A word of fewer consonants may be nearly anything.
const LEAST_CONSONANTS: usize = 2;

/// Share of bearers for each tier of `names.csv`, and for a name that is not listed.
const TIERS: [(&str, f64); 6] = [
    ("a", 0.05),
    ("b", 0.02),
    ("c", 0.008),
    ("d", 0.003),
    ("e", 0.001),
    ("f", 0.0003),
];
const UNLISTED: f64 = 0.0003;

/// What a name may be: a man's, a woman's, either's, or a family's only.
const KINDS: [&str; 4] = ["m", "f", "b", "s"];

impl Lexicon {
    /// Reads the lines of a pack's `names.csv`: `arabic[/arabic]|latin[/latin]|tier|kind`.
    ///
    /// # Errors
    /// The number of the first line that is not of this form, and what is wrong with it.
    pub(super) fn parse(pack: &Pack, text: &str) -> Result<Self, (usize, String)> {
        let mut lexicon = Self::default();
        let mut words = Words::default();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            lexicon
                .add_line(pack, &mut words, line)
                .map_err(|what| (index + 1, what))?;
        }
        Ok(lexicon)
    }

    fn add_line(&mut self, pack: &Pack, words: &mut Words, line: &str) -> Result<(), String> {
        let fields: Vec<&str> = line.split('|').collect();
        let [arabic, latin, tier, kind] = fields[..] else {
            return Err("not arabic|latin|tier|kind".to_owned());
        };
        let share = TIERS.iter().find(|(id, _)| *id == tier);
        let share = share.ok_or_else(|| format!("there is no tier '{tier}'"))?.1;
        if !KINDS.contains(&kind) {
            return Err(format!("there is no kind '{kind}'"));
        }
        self.rarity.push(crate::weight::bits(1.0 / share));
        let class = u32::try_from(self.rarity.len()).unwrap_or(u32::MAX);
        for spelling in arabic.split('/').chain(latin.split('/')) {
            let key = words.single(pack, spelling);
            let key = key.ok_or_else(|| format!("'{spelling}' is not one word"))?;
            let skeleton = skeleton(pack, &key);
            if skeleton.len() >= LEAST_CONSONANTS {
                self.sounds.entry(skeleton).or_default().push(Sound {
                    vowels: Vowels::of(pack, &key),
                    script: script_of(&key),
                    class,
                });
            }
            for whole in with_article(pack, &key) {
                self.add(whole, class);
            }
            self.add(key, class);
        }
        Ok(())
    }

    /// A spelling of several names may be any of them; of more than there is room for it is the
    /// commonest ones'.
    fn add(&mut self, key: String, class: NameClass) {
        include(&self.rarity, self.classes.entry(key).or_default(), class);
    }

    /// Returns the names that an unlisted Latin word can be heard as: by other Latin spellings if
    /// there are any, for they show all vowels, else by Arabic ones.
    pub(crate) fn heard_as(&self, skeleton: &str, vowels: &Vowels) -> Classes {
        let sounds = self.sounds.get(skeleton).map_or(&[][..], Vec::as_slice);
        let among = |latin: bool| {
            let mut classes = Classes::default();
            let alike = sounds.iter().filter(|sound| {
                (sound.script == Script::Latin) == latin
                    && vowels.fit(Script::Latin, &sound.vowels, sound.script)
            });
            for sound in alike {
                include(&self.rarity, &mut classes, sound.class);
            }
            classes
        };
        let latin = among(true);
        if latin[0] != 0 { latin } else { among(false) }
    }

    /// Returns the names that a word in match form may be a spelling of.
    pub(crate) fn classes_of(&self, word: &str) -> Classes {
        self.classes.get(word).copied().unwrap_or_default()
    }

    /// Returns how rare the commoner of the names is, in 1/1024 bit: `log2(1 / share)`.
    pub(crate) fn rarity_of(&self, classes: Classes) -> i32 {
        let known = classes.iter().filter(|class| **class != 0);
        let rarity = known.filter_map(|class| self.rarity.get(*class as usize - 1));
        rarity
            .min()
            .copied()
            .unwrap_or_else(|| crate::weight::bits(1.0 / UNLISTED))
    }

    /// Returns the number of names.
    pub fn len(&self) -> usize {
        self.rarity.len()
    }

    /// Says whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.rarity.is_empty()
    }
}

/// Puts a name among those of a spelling, in the order of how common they are.
fn include(rarities: &[i32], classes: &mut Classes, class: NameClass) {
    if classes.contains(&class) {
        return;
    }
    let rarity = |class: NameClass| rarities[class as usize - 1];
    let place = classes
        .iter()
        .position(|known| *known == 0 || rarity(*known) > rarity(class));
    if let Some(place) = place {
        classes[place..].rotate_right(1);
        classes[place] = class;
    }
}

/// Returns a name that is too short for its article to be set aside, with each article: `الباز` is
/// `باز`, but `elbaz` is not `baz` by its letters alone.
fn with_article(pack: &Pack, key: &str) -> Vec<String> {
    let length = key.chars().count();
    let articles = pack.names.articles.iter().filter(|article| {
        script_of(&article.text) == script_of(key) && length >= 2 && length < article.least
    });
    let whole = articles.map(|article| (article, format!("{}{key}", article.text)));
    let own = whole.filter(|(article, whole)| !article.keeps.contains(whole));
    own.map(|(_, whole)| whole).collect()
}
