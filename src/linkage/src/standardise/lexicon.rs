//! The lexicon of a pack: which words are spellings of one name, and how common the name is.

use rustc_hash::{FxHashMap, FxHashSet};

use super::name;

/// Number of a name in the lexicon.
pub(crate) type NameClass = u32;

/// Given names with their spellings. Two names of the lexicon are two names, however alike.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    classes: FxHashMap<String, NameClass>,
    ambiguous: FxHashSet<String>,
    rarity: Vec<i32>,
}

/// Share of bearers for each tier of `names.csv`, and for a name that is not listed.
const TIERS: [(&str, f64); 5] = [
    ("a", 0.05),
    ("b", 0.02),
    ("c", 0.008),
    ("d", 0.003),
    ("e", 0.001),
];
const UNLISTED: f64 = 0.0005;

impl Lexicon {
    /// Reads the lines of a pack's `names.csv`: `arabic[/arabic]|latin[/latin]|tier`.
    ///
    /// # Errors
    /// Returns the number of the first line that is not of this form.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut lexicon = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            lexicon.add_line(line).ok_or(index + 1)?;
        }
        Ok(lexicon)
    }

    fn add_line(&mut self, line: &str) -> Option<()> {
        let mut fields = line.split('|');
        let (arabic, latin, tier) = (fields.next()?, fields.next()?, fields.next()?);
        let share = TIERS.iter().find(|(id, _)| *id == tier)?.1;
        let first = single(arabic.split('/').next()?)?;
        let class = if let Some(class) = self.classes.get(&first) {
            *class
        } else {
            self.rarity.push(crate::weight::bits(1.0 / share));
            u32::try_from(self.rarity.len() - 1).ok()?
        };
        for spelling in arabic.split('/') {
            self.classes.insert(single(spelling)?, class);
        }
        for spelling in latin.split('/') {
            let key = single(spelling)?;
            match self.classes.get(&key) {
                Some(other) if *other != class => {
                    // One Latin spelling of two names says nothing about which it is.
                    self.ambiguous.insert(key);
                }
                _ => {
                    self.classes.insert(key, class);
                }
            }
        }
        Some(())
    }

    /// Returns the name that a word in match form is a spelling of, when that is certain.
    pub(crate) fn class_of(&self, word: &str) -> Option<NameClass> {
        if self.ambiguous.contains(word) {
            return None;
        }
        self.classes.get(word).copied()
    }

    /// Returns how rare a name is, in 1/1024 bit: `log2(1 / share)`.
    pub(crate) fn rarity_of(&self, class: Option<NameClass>) -> i32 {
        match class.and_then(|class| self.rarity.get(class as usize)) {
            Some(rarity) => *rarity,
            None => crate::weight::bits(1.0 / UNLISTED),
        }
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

fn single(spelling: &str) -> Option<String> {
    let mut words = name::words(spelling);
    if words.len() == 1 { words.pop() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Lexicon, single};

    #[test]
    fn the_egypt_lexicon_loads_and_unifies_spellings() {
        let lexicon = Lexicon::parse(include_str!("../packs/egypt/names.csv")).unwrap();
        assert!(lexicon.len() > 350);
        let class = |text: &str| lexicon.class_of(&single(text).unwrap());
        assert_eq!(class("محمد"), class("Muhammad"));
        assert_eq!(class("جمال"), class("Gamal"));
        assert_ne!(class("محمد"), class("محمود"));
        assert_ne!(class("عمر"), class("عمرو"));
        assert_eq!(class("Alaa"), None, "one spelling of two names");
        assert_eq!(class("السيد"), class("سيد"));
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(Lexicon::parse("محمد|Mohamed|a\nعلي|Ali|z").unwrap_err(), 2);
        assert_eq!(Lexicon::parse("محمد علي|Mohamed|a").unwrap_err(), 1);
    }
}
