//! Comparison of numbers.

use super::{Outcome, at};
use crate::standardise::identifier::{differing_places, is_near};
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
/// is small enough for two slips), different. `trusted` says whether both are well formed and embed
/// the birth dates that their own records state.
pub(super) fn national_id(left: u64, right: u64, trusted: bool) -> Outcome {
    let plain = digits(left, right);
    if plain.level != 3 {
        return plain;
    }
    if trusted && differing_places(left, right) > 3 {
        at(4)
    } else {
        at(3)
    }
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
