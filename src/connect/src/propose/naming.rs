//! What the name of a column says.

use crate::connector::Table;
use crate::propose::dictionary::{Dictionary, Found, Part, Phrase, Role};
use crate::propose::meaning::Meaning;
use crate::propose::tokens::{Token, tokens};

/// Taken away for a word that no phrase explains.
const UNKNOWN: i32 = 8;
/// Taken away for a known word that the phrase leaves over.
const LEFT_OVER: i32 = 18;
/// Taken away for a number that the phrase leaves over.
const NUMBER: i32 = 6;
/// Taken away for a word that is known by its sound alone.
const BY_SOUND: i32 = 4;
/// Taken away for a word that turns the meaning: somebody else's, an organisation's.
const TURNS: [(&str, i32); 9] = [
    ("father", 60),
    ("mother", 60),
    ("spouse", 60),
    ("guardian", 60),
    ("child", 60),
    ("other", 60),
    ("organisation", 45),
    ("facility", 30),
    ("issued", 30),
];
/// Add nothing and take nothing away.
const FREE: [&str; 2] = ["filler", "person"];
/// Share of columns that begin with one word, in percent, from which it says nothing.
const PREFIX_SHARE: usize = 60;
const PREFIX_COLUMNS: usize = 4;

/// What a name may mean, and how sure that is, of 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) meaning: Meaning,
    pub(super) points: i32,
}

/// A word of a name with its roles; unknown words have none.
struct Word {
    roles: Vec<Role>,
    number: Option<u32>,
    by_sound: bool,
    /// Whether nothing is taken away when it is left over.
    free: bool,
}

/// Reads the names of the columns of one table.
pub(super) struct Naming {
    prefix: Option<Token>,
    free: Vec<Role>,
    turns: Vec<(Role, i32)>,
}

impl Naming {
    /// Returns a reader for the columns of a table: a word that most of them begin with says nothing.
    pub(super) fn of<'n>(columns: impl Iterator<Item = &'n str>) -> Self {
        let firsts: Vec<Token> = columns
            .filter_map(|name| tokens(name).into_iter().next())
            .collect();
        let shared = |token: &&Token| {
            let count = firsts.iter().filter(|other| other == token).count();
            count * 100 >= firsts.len() * PREFIX_SHARE
        };
        let prefix = firsts.iter().find(shared).cloned();
        let dictionary = Dictionary::shipped();
        let turns = TURNS
            .iter()
            .filter_map(|(name, cost)| Some((dictionary.role(name)?, *cost)));
        Self {
            prefix: prefix.filter(|_| firsts.len() >= PREFIX_COLUMNS),
            free: FREE
                .iter()
                .filter_map(|name| dictionary.role(name))
                .collect(),
            turns: turns.collect(),
        }
    }

    /// Returns what a name may mean, each meaning once with its best points, the best first.
    pub(super) fn read(&self, name: &str) -> Vec<Reading> {
        let words = self.words(name);
        let mut readings: Vec<Reading> = Vec::new();
        let roles = words.iter().flat_map(|word| &word.roles);
        let present: u128 = roles.fold(0, |all, role| all | 1 << role);
        for phrase in &Dictionary::shipped().phrases {
            if phrase.roles & !present != 0 {
                continue;
            }
            let Some(points) = self.points(phrase, &words) else {
                continue;
            };
            match readings
                .iter_mut()
                .find(|one| one.meaning == phrase.meaning)
            {
                Some(known) => known.points = known.points.max(points),
                None => readings.push(Reading {
                    meaning: phrase.meaning,
                    points,
                }),
            }
        }
        readings.retain(|reading| reading.points > 0);
        readings.sort_by_key(|reading| (-reading.points, reading.meaning));
        readings
    }

    fn words(&self, name: &str) -> Vec<Word> {
        let all = tokens(name);
        let count = all.len();
        let mut words = Vec::new();
        for (place, token) in all.into_iter().enumerate() {
            let is_prefix = place == 0 && count > 1 && self.prefix.as_ref() == Some(&token);
            match token {
                Token::Number(number) => words.push(Word {
                    roles: Vec::new(),
                    number: Some(number),
                    by_sound: false,
                    free: is_prefix,
                }),
                Token::Word(word) => self.push(&word, is_prefix, &mut words),
            }
        }
        words
    }

    /// Adds a word, or the words that it is glued of.
    fn push(&self, word: &str, is_prefix: bool, words: &mut Vec<Word>) {
        let dictionary = Dictionary::shipped();
        let found = dictionary.roles_of(word);
        let listed = found.as_ref().is_some_and(|(_, how)| *how == Found::Listed);
        if !listed && let Some(pieces) = dictionary.unglue(word) {
            for piece in pieces {
                words.push(self.word(dictionary.roles_of(&piece), is_prefix));
            }
            return;
        }
        words.push(self.word(found, is_prefix));
    }

    fn word(&self, found: Option<(Vec<Role>, Found)>, is_prefix: bool) -> Word {
        let by_sound = found.as_ref().is_some_and(|(_, how)| *how == Found::Sounds);
        let roles = found.map(|(roles, _)| roles).unwrap_or_default();
        Word {
            free: is_prefix || roles.iter().any(|role| self.free.contains(role)),
            number: None,
            by_sound,
            roles,
        }
    }

    /// Returns the points of a phrase for these words; nothing when a part of it is missing.
    fn points(&self, phrase: &Phrase, words: &[Word]) -> Option<i32> {
        let mut used = vec![false; words.len()];
        place(&phrase.parts, words, &mut used).then(|| {
            let rest = words.iter().zip(&used);
            let costs = rest.map(|(word, used)| self.cost(word, *used, phrase));
            phrase.points - costs.sum::<i32>()
        })
    }

    fn cost(&self, word: &Word, used: bool, phrase: &Phrase) -> i32 {
        if used {
            return if word.by_sound { BY_SOUND } else { 0 };
        }
        let turns = self
            .turns
            .iter()
            .find(|(role, _)| word.roles.contains(role));
        let of_phrase = |role: &Role| phrase.parts.contains(&Part::Role(*role));
        match (word.number, turns) {
            _ if word.free && turns.is_none() => 0,
            (Some(_), _) => NUMBER,
            // `home address` says the same twice.
            _ if word.roles.iter().any(of_phrase) => 0,
            (None, Some((_, cost))) => *cost,
            (None, None) if word.roles.is_empty() => UNKNOWN,
            (None, None) => LEFT_OVER,
        }
    }
}

/// Finds a word of its own for every part.
fn place(parts: &[Part], words: &[Word], used: &mut [bool]) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return true;
    };
    for (at, word) in words.iter().enumerate() {
        let fits = match part {
            Part::Role(role) => word.roles.contains(role),
            Part::Number(number) => word.number == Some(*number),
        };
        if !fits || used[at] {
            continue;
        }
        used[at] = true;
        if place(rest, words, used) {
            return true;
        }
        used[at] = false;
    }
    false
}

/// Returns how much the names of a table and its columns promise that it holds people, without a
/// row of it: the points of its personal columns, and some for a word such as `customer` in its name.
pub(crate) fn promise(table: &Table) -> u32 {
    let columns = || table.columns.iter().map(|column| column.name.as_str());
    let naming = Naming::of(columns());
    let personal = columns().filter_map(|name| {
        let best = naming.read(name).into_iter().next()?;
        let counts = best.meaning.attribute(false).is_some() && best.points >= 35;
        counts.then(|| u32::try_from(best.points).unwrap_or(0))
    });
    personal.sum::<u32>() + if names_people(&table.name) { 60 } else { 0 }
}

/// Says whether the name of a table has a word for people in it.
pub(super) fn names_people(table: &str) -> bool {
    let naming = Naming::of(std::iter::empty());
    let person = Dictionary::shipped().role("person");
    let words = naming.words(table);
    words
        .iter()
        .any(|word| person.is_some_and(|person| word.roles.contains(&person)))
}

#[cfg(test)]
mod tests;
