//! How alike two words of names are.

use crate::comparison::within_one_edit;
use crate::pack::Classes;
use crate::standardise::script::Script;
use crate::standardise::{NameTable, Spelling};

/// How alike two words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    Equal,
    Close,
    Typo,
    Different,
}

/// Says how alike two words of names are. Two names of the lexicon are equal or different, never
/// nearly the same; a slip is considered only where one of the words is not a known name.
pub(super) fn likeness(names: &NameTable, a: u32, b: u32) -> Likeness {
    if a == b {
        return Likeness::Equal;
    }
    let (left, right) = (names.entry(a), names.entry(b));
    if left.classes[0] != 0 && right.classes[0] != 0 {
        return of_known(left.classes, right.classes);
    }
    // One slip changes at most one consonant, or turns one into two.
    if left.consonants.abs_diff(right.consonants) > 2 {
        return Likeness::Different;
    }
    let same_skeleton = left.consonants >= 2 && left.skeleton_hash == right.skeleton_hash;
    let by_sound = same_skeleton && (left.script != right.script || left.script == Script::Latin);
    let (one, two) = (names.spelling(a), names.spelling(b));
    if one.heard[0] != 0 && two.heard[0] != 0 {
        // A known name in a spelling nobody listed is no slip of another known name.
        return if share(one.heard, two.heard) {
            Likeness::Close
        } else {
            Likeness::Different
        };
    }
    if by_sound {
        // The consonants of one name with vowels that cannot be its own: another name.
        return if one.vowels.fit(left.script, &two.vowels, right.script) {
            Likeness::Close
        } else {
            Likeness::Different
        };
    }
    of_letters(left.script != right.script, one, two)
}

fn share(left: Classes, right: Classes) -> bool {
    left.iter()
        .any(|class| *class != 0 && right.contains(class))
}

/// The commonest names that two spellings may stand for being the same, they are taken for it;
/// where only a rarer one is shared, the two may be the same name, but need not be.
fn of_known(left: Classes, right: Classes) -> Likeness {
    if left[0] == right[0] {
        Likeness::Equal
    } else if left[1] == 0 && right[1] == 0 {
        Likeness::Different
    } else if share(left, right) {
        Likeness::Close
    } else {
        Likeness::Different
    }
}

/// The shortest word of which a slip is not more likely to be another name.
const SHORT: usize = 4;

fn of_letters(crossed: bool, left: &Spelling, right: &Spelling) -> Likeness {
    let slip = if crossed {
        let (left, right) = (left.skeleton.as_bytes(), right.skeleton.as_bytes());
        left.len() >= 4 && right.len() >= 4 && within_one_edit(left, right)
    } else {
        let (one, two) = (&left.letters, &right.letters);
        // A letter more at the end may be the other sex, or the family.
        let longer = one.len() != two.len() && left.ending != right.ending;
        one.len().max(two.len()) >= SHORT && !longer && within_one_edit(one, two)
    };
    if slip {
        Likeness::Typo
    } else {
        Likeness::Different
    }
}
