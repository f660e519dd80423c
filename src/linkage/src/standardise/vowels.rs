//! The vowels between the consonants of a word: what tells apart the names of one skeleton.
//!
//! Arabic writes long vowels only, Latin writes all of them and each clerk in his own way. So two
//! words are not asked to have the same vowels, but vowels that can be those of one name:
//! `جلال`, `Galal` and `Galel` can, `جلال` and `Galil` cannot.

use super::name::sound_of;
use super::script::{Script, script_of};
use crate::pack::{Consonants, Pack};

/// What is heard before, between or behind the consonants, as a set of the bits below.
type Gap = u16;

const OPEN: Gap = 1;
const FRONT: Gap = 2;
const BACK: Gap = 4;
/// Latin `e`: stands for nearly every short vowel.
const NEUTRAL: Gap = 8;
/// A letter that carries vowels and is not heard by itself in Latin letters.
const CARRIER: Gap = 16;
/// More than one letter.
const LONG: Gap = 32;
/// An open vowel behind a front or a back one: `ya`, `wa`.
const AFTER: Gap = 64;

const CLASSES: Gap = OPEN | FRONT | BACK | NEUTRAL;

/// The gaps of a word, one more than it has consonants.
#[derive(Debug, Clone)]
pub(crate) struct Vowels(Box<[Gap]>);

impl Vowels {
    /// Returns the gaps of a word in match form.
    pub(crate) fn of(pack: &Pack, word: &str) -> Self {
        let consonants = pack.skeleton.of(script_of(word));
        let mut gaps: Vec<Gap> = vec![0];
        let mut rest = word;
        let mut previous = "";
        if let Some((written, sound)) = super::name::longest(&consonants.initial, rest) {
            gaps.extend(sound.chars().map(|_| 0));
            rest = &rest[written.len()..];
        }
        while let Some(letter) = rest.chars().next() {
            let (width, sound) = sound_of(consonants, rest, letter);
            if sound.is_empty() {
                if let Some(gap) = gaps.last_mut() {
                    *gap = extended(*gap, class(consonants, &rest[..width]));
                }
            } else if !(consonants.doubled && sound == previous) {
                gaps.extend(sound.chars().map(|_| 0));
            }
            previous = sound;
            rest = &rest[width..];
        }
        Self(gaps.into())
    }

    /// Says whether these can be the vowels of one name, the consonants being the same.
    pub(crate) fn fit(&self, script: Script, other: &Self, other_script: Script) -> bool {
        let (left, right) = (&self.0, &other.0);
        if left.len() != right.len() {
            return false;
        }
        let last = left.len() - 1;
        let mut gaps = left.iter().zip(right.iter()).enumerate();
        gaps.all(|(place, (left, right))| match (script, other_script) {
            (Script::Latin, Script::Latin) if place == last && place > 0 => {
                end_alike(*left, *right)
            }
            (Script::Latin, Script::Latin) => alike(place, *left, *right),
            (Script::Latin, _) if place == last && place > 0 => ends(*right, *left),
            (_, Script::Latin) if place == last && place > 0 => ends(*left, *right),
            (Script::Latin, _) => spells(place, *right, *left),
            (_, Script::Latin) => spells(place, *left, *right),
            _ => left == right,
        })
    }
}

fn class(consonants: &Consonants, written: &str) -> Gap {
    let found = consonants
        .vowels
        .iter()
        .find(|(letter, _)| letter == written);
    match found.map(|(_, class)| class.as_str()) {
        Some("a") => OPEN,
        Some("i") => FRONT,
        Some("o") => BACK,
        Some("e") => NEUTRAL,
        Some(_) => CARRIER,
        None => 0,
    }
}

/// The open or neutral vowel in front of another only leads to it: `ai`, `aou`.
fn extended(gap: Gap, class: Gap) -> Gap {
    if class == 0 {
        return gap;
    }
    let long = if gap & CLASSES == 0 { 0 } else { LONG };
    match class {
        OPEN if gap & (FRONT | BACK) != 0 => gap | AFTER | long,
        FRONT => (gap & !(OPEN | AFTER)) | class | long,
        BACK => (gap & !OPEN) | class | long,
        // Two of them are one long front vowel.
        NEUTRAL if gap & CLASSES == NEUTRAL => (gap & !NEUTRAL) | FRONT | LONG,
        _ => gap | class | long,
    }
}

/// Says whether two Latin spellings of one name may differ so inside of it.
const fn alike(place: usize, left: Gap, right: Gap) -> bool {
    let (one, two) = (sounds(left), sounds(right));
    if one == two {
        return true;
    }
    if one == 0 || two == 0 {
        return (left | right) & LONG == 0;
    }
    match one | two {
        both if one == NEUTRAL || two == NEUTRAL => {
            both & AFTER == 0 && (both & BACK == 0 || place <= 1)
        }
        _ => false,
    }
}

/// What is heard of a gap; the neutral vowel only where nothing else is.
const fn sounds(gap: Gap) -> Gap {
    let heard = gap & (OPEN | FRONT | BACK | AFTER);
    if heard == 0 { gap & NEUTRAL } else { heard }
}

/// Says whether two Latin spellings of one name may end so. A final `e` is front or silent.
const fn end_alike(left: Gap, right: Gap) -> bool {
    let (one, two) = (sounds(left), sounds(right));
    one == two
        || one == NEUTRAL && (two == 0 || two == FRONT)
        || two == NEUTRAL && (one == 0 || one == FRONT)
}

/// Says whether a Latin gap can spell an Arabic one inside a word.
const fn spells(place: usize, arabic: Gap, latin: Gap) -> bool {
    if place == 0 && arabic & (FRONT | BACK | AFTER) == 0 {
        // The carrier that a word begins with has any short vowel.
        return latin & AFTER == 0;
    }
    let open = place > 0 && (arabic & AFTER != 0 || arabic & OPEN != 0);
    if arabic & FRONT != 0 && latin & (FRONT | NEUTRAL) == 0
        || arabic & BACK != 0 && latin & BACK == 0
        || open && latin & (OPEN | AFTER | NEUTRAL) == 0
    {
        return false;
    }
    if arabic & CARRIER != 0 {
        return true;
    }
    let short = arabic & (FRONT | BACK | OPEN) == 0;
    let heard_long = latin & AFTER != 0 || latin & LONG != 0 && latin & BACK == 0;
    let heard_front = latin & FRONT != 0 && latin & LONG != 0 && arabic & (FRONT | BACK) == 0;
    let heard_glide = latin & AFTER != 0 && arabic & OPEN != 0 && arabic & (FRONT | BACK) == 0;
    let too_much = short && heard_long || heard_front || heard_glide;
    !too_much
}

/// Says whether a Latin ending can spell an Arabic one. A final ي may be an alef maqsura.
const fn ends(arabic: Gap, latin: Gap) -> bool {
    let latin = sounds(latin);
    let open = latin & (OPEN | AFTER) != 0;
    match arabic & (OPEN | FRONT | BACK | AFTER) {
        0 if arabic & CARRIER != 0 => true,
        0 => latin == 0 || latin == NEUTRAL,
        OPEN => latin == OPEN || latin == NEUTRAL || arabic & CARRIER != 0 && open,
        FRONT => latin == FRONT || latin == NEUTRAL || latin == OPEN,
        BACK => latin & BACK != 0 && latin & AFTER == 0,
        both => {
            (open || both & (OPEN | AFTER) == 0)
                && (both & FRONT == 0 || latin & FRONT != 0)
                && (both & BACK == 0 || latin & BACK != 0)
        }
    }
}
