//! Names as an agency writes them.

use crate::dice::Dice;
use crate::habits::{Errors, Habits};
use crate::population::{Person, Sex};
use crate::spelling::{self, Alphabet, Habit, slip};
use crate::vocabulary::{NameId, Vocabulary};

/// A name in slots; a slot that was left out is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slots {
    /// "Mohamed" before the given name of a compound.
    pub(crate) before: Option<String>,
    /// Given name, father, grandfather, last.
    pub(crate) chain: [Option<String>; 4],
}

impl Slots {
    /// Returns the slots in this range of the chain as one text; `None` when all are empty. The
    /// part before the given name goes with it.
    pub(crate) fn text(&self, range: std::ops::Range<usize>) -> Option<String> {
        let before = self.before.as_ref().filter(|_| range.start == 0);
        let words: Vec<&str> = before
            .into_iter()
            .chain(self.chain.get(range)?.iter().flatten())
            .map(String::as_str)
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// Returns a person's name in both scripts, the Latin one when the agency has a column for it.
pub(super) fn told(
    words: &Vocabulary,
    person: &Person,
    habits: &Habits,
    wants_latin: bool,
    dice: &mut Dice,
) -> (Slots, Option<Slots>) {
    let errors = &habits.errors;
    let chain = &person.chain;
    let swapped = dice.chance(errors.swapped);
    let (given, father) = if swapped {
        (chain.father, chain.given)
    } else {
        (chain.given, chain.father)
    };
    let compound = person.compound && !dice.chance(errors.mohamed_dropped);
    let no_grandfather = dice.chance(errors.grandfather_dropped);
    let last = (!dice.chance(errors.family_dropped)).then(|| chain.last());
    let grandfather = (!no_grandfather).then_some(chain.grandfather);
    let names = [Some(given), Some(father), grandfather, last];
    let mut arabic = Slots {
        before: compound.then(|| written(words, words.mohamed, errors, dice)),
        chain: names.map(|name| name.map(|name| written(words, name, errors, dice))),
    };
    if dice.chance(errors.edit) {
        slip(&mut arabic.chain, Alphabet::Arabic, dice);
    }
    let latin = (wants_latin && !dice.chance(errors.latin_missing)).then(|| {
        let dropped = dice.chance(errors.latin_grandfather_dropped);
        let grandfather = (!dropped).then_some(chain.grandfather);
        latin(
            words,
            [Some(given), Some(father), grandfather, last],
            compound,
            habits,
            dice,
        )
    });
    (arabic, latin)
}

fn latin(
    words: &Vocabulary,
    names: [Option<NameId>; 4],
    compound: bool,
    habits: &Habits,
    dice: &mut Dice,
) -> Slots {
    let mut slots = Slots {
        before: compound.then(|| words.latin(words.mohamed, dice).to_owned()),
        chain: names.map(|name| name.map(|name| words.latin(name, dice).to_owned())),
    };
    if dice.chance(habits.errors.latin_edit) {
        slip(&mut slots.chain, Alphabet::Latin, dice);
    }
    if habits.latin_upper {
        let parts = slots
            .before
            .iter_mut()
            .chain(slots.chain.iter_mut().flatten());
        parts.for_each(|part| part.make_ascii_uppercase());
    }
    slots
}

/// Returns the mother's name: always the given one, mostly her father's, seldom her grandfather's.
pub(super) fn mother(
    words: &Vocabulary,
    person: &Person,
    errors: &Errors,
    dice: &mut Dice,
) -> Option<String> {
    if dice.chance(errors.mother_missing) {
        return None;
    }
    let chain = &person.mother;
    let father = dice.chance(0.85).then_some(chain.father);
    let grandfather = dice.chance(0.30).then_some(chain.grandfather);
    let mut parts = [Some(chain.given), father, grandfather]
        .map(|name| name.map(|name| written(words, name, errors, dice)));
    if dice.chance(errors.mother_edit) {
        slip(&mut parts, Alphabet::Arabic, dice);
    }
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Some(parts.join(" "))
}

/// Returns an e-mail address that the person may have.
pub(crate) fn email(words: &Vocabulary, person: &Person, dice: &mut Dice) -> String {
    let plain = |name| -> String {
        let latin = words.usual_latin(name).to_lowercase();
        latin.chars().filter(char::is_ascii_alphabetic).collect()
    };
    let year = person.birth.year() % 100;
    let host = ["mail.example.eg", "post.example.eg", "net.example.eg"][dice.below(3)];
    let sign = match person.sex {
        Sex::Male => '.',
        Sex::Female => '_',
    };
    let (given, father) = (plain(person.chain.given), plain(person.chain.father));
    format!("{given}{sign}{father}{year:02}@{host}")
}

/// Returns a text of the vocabulary with the agency's habits of spelling.
pub(super) fn habitual(text: &str, errors: &Errors, dice: &mut Dice) -> String {
    spelling::arabic(text, habit(errors, dice))
}

fn written(words: &Vocabulary, name: NameId, errors: &Errors, dice: &mut Dice) -> String {
    words.arabic(name, habit(errors, dice)).to_owned()
}

fn habit(errors: &Errors, dice: &mut Dice) -> Habit {
    Habit {
        hamza: dice.chance(errors.hamza),
        taa: dice.chance(errors.taa),
        yaa: dice.chance(errors.yaa),
        joined: dice.chance(errors.joined),
    }
}
