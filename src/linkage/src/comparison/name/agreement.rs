//! Two written names on their own: could they be one person's, as two offices wrote it?

use super::reading::{Alignment, read};
use crate::pack::Pack;
use crate::standardise::name::CHAIN;
use crate::standardise::{NameTable, Words};

/// How far one slot agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotAgreement {
    /// One of the names has no such slot.
    Absent,
    /// The same word, or two spellings of one known name.
    Equal,
    /// The same sounds, or a spelling that two known names share.
    Close,
    /// One slip apart, and not two known names.
    Typo,
    /// Two names.
    Different,
}

/// How far what follows the father agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineageAgreement {
    /// One of the names ends with the father.
    Absent,
    /// Two or more slots agree, none contradicts.
    Two,
    /// One slot agrees, none contradicts.
    One,
    /// Some agree and some contradict.
    Partial,
    /// Nothing agrees.
    Different,
}

/// How the two names were read to make them agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameReading {
    /// As they are written.
    AsWritten,
    /// Given name and father exchanged in one of them.
    Exchanged,
    /// The optional first name of the pack left out of one of them. A father and his son
    /// look the same, so it is not enough to call the two names one.
    FirstLeftOut,
}

/// What two written names have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NameAgreement {
    /// The given names; of exchanged names the pair that agrees less.
    pub given: SlotAgreement,
    /// The fathers' names; of exchanged names the pair that agrees more.
    pub father: SlotAgreement,
    /// Everything behind the father.
    pub lineage: LineageAgreement,
    /// How the names were read.
    pub reading: NameReading,
    /// Says whether the two could be one person's name as two offices wrote it.
    pub same: bool,
}

impl Pack {
    /// Compares two names, each in either script, slot by slot.
    pub fn compare_names(&self, left: &str, right: &str) -> NameAgreement {
        let mut words = Words::default();
        let mut chain = |text: &str| {
            let mut codes = [0; CHAIN];
            let length = words.chain(self, text, &mut codes).length;
            for code in &mut codes[..length] {
                *code += 1;
            }
            (codes, length)
        };
        let ((left, left_length), (right, right_length)) = (chain(left), chain(right));
        let mut names = NameTable::default();
        names.grow(self, &words);
        agreement(&names, &left[..left_length], &right[..right_length])
    }
}

fn agreement(names: &NameTable, left: &[u32], right: &[u32]) -> NameAgreement {
    let plain = graded(read(names, left, right), NameReading::AsWritten);
    if plain.same {
        return plain;
    }
    if left.len() >= 2 && right.len() >= 2 {
        let mut turned = [0; CHAIN];
        let turned = &mut turned[..left.len()];
        turned.copy_from_slice(left);
        turned.swap(0, 1);
        let mut found = read(names, turned, right);
        // Which of the two is the given name hangs on which side is turned; the one that agrees
        // less stands for it, whatever the side.
        if found.given.level < found.father.level {
            std::mem::swap(&mut found.given, &mut found.father);
        }
        let exchanged = graded(found, NameReading::Exchanged);
        if exchanged.same {
            return exchanged;
        }
    }
    // Whichever side it is left out of: the reading of the side that has more words.
    let (long, short) = if left.len() >= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    if long.len() > short.len() && long.len() >= 3 && names.entry(long[0]).optional_first {
        let shortened = read(names, &long[1..], short);
        if could_be_one(shortened) {
            return graded(shortened, NameReading::FirstLeftOut);
        }
    }
    plain
}

fn graded(found: Alignment, reading: NameReading) -> NameAgreement {
    let slot = |level| match level {
        0 => SlotAgreement::Absent,
        1 => SlotAgreement::Equal,
        2 => SlotAgreement::Close,
        3 => SlotAgreement::Typo,
        _ => SlotAgreement::Different,
    };
    let lineage = match found.lineage.level {
        0 => LineageAgreement::Absent,
        1 => LineageAgreement::Two,
        2 => LineageAgreement::One,
        3 => LineageAgreement::Partial,
        _ => LineageAgreement::Different,
    };
    let same = match reading {
        NameReading::AsWritten => could_be_one(found),
        NameReading::Exchanged => could_be_one(found) && lineage == LineageAgreement::Two,
        NameReading::FirstLeftOut => false,
    };
    NameAgreement {
        given: slot(found.given.level),
        father: slot(found.father.level),
        lineage,
        reading,
        same,
    }
}

/// The given name agrees, the father agrees or is absent, nothing behind him contradicts.
fn could_be_one(found: Alignment) -> bool {
    matches!(found.given.level, 1..=3) && found.father.level <= 3 && found.lineage.level <= 2
}
