//! Comparison of numbers.

use super::{Outcome, at};
use crate::standardise::date::{self, PackedDate};
use crate::standardise::identifier::{self, is_near};
use crate::standardise::{Slot, digits_at};

/// Levels: absent, equal, near, different.
pub(super) fn digits(left: u64, right: u64) -> Outcome {
    if left == 0 || right == 0 {
        at(0)
    } else if left == right {
        at(1)
    } else if is_near(left, right) {
        at(2)
    } else {
        at(3)
    }
}

/// Levels: absent, equal, near, doubtful (they differ, but one cannot be trusted or the difference
/// is small enough for two slips), different. Each side is a number and the birth date its own
/// record states; a number that embeds another date is not trusted.
pub(super) fn national_id(left: (u64, PackedDate), right: (u64, PackedDate)) -> Outcome {
    let plain = digits(left.0, right.0);
    if plain.level != 3 {
        return plain;
    }
    let few = differing_places(left.0, right.0) <= 3;
    if !few && is_trusted(left) && is_trusted(right) {
        at(4)
    } else {
        at(3)
    }
}

fn is_trusted((packed, stated): (u64, PackedDate)) -> bool {
    let Some(id) = identifier::national_id(packed) else {
        return false;
    };
    let embedded = date::unpack(date::pack(id.birth_date));
    let (year, month, day) = date::unpack(stated);
    stated == 0 || (year, month, day) == embedded || (day == 0 && year == embedded.0)
}

fn differing_places(left: u64, right: u64) -> u32 {
    let mut differing = left ^ right;
    let mut count = 0;
    while differing != 0 {
        count += u32::from(differing & 15 != 0);
        differing >>= 4;
    }
    count
}

/// Levels as for [`digits`], the best over all values of both.
pub(super) fn any_of(left: &[u32], right: &[u32], slot: Slot) -> Outcome {
    let mut best = at(0);
    for a in (0..slot.width).step_by(2) {
        for b in (0..slot.width).step_by(2) {
            let found = digits(
                digits_at(left, slot.offset + a),
                digits_at(right, slot.offset + b),
            );
            if found.level != 0 && (best.level == 0 || found.level < best.level) {
                best = found;
            }
        }
    }
    best
}
