//! Comparison of where two people live.

use super::{Outcome, Pair, at};

/// Levels: absent, same house, same street, same region, other street of the region, other region.
/// `columns` are the address and, when the model has one, the region's code.
pub(super) fn compare(pair: &Pair<'_>, columns: &[usize]) -> Outcome {
    let address = pair.slot(columns[0]).offset;
    let (left, right) = (&pair.left[address..], &pair.right[address..]);
    let region = columns.get(1).map_or((0, 0), |column| pair.words(*column));
    let streets = (left[1], right[1]);
    let known = |(a, b): (u32, u32)| a != 0 && b != 0;
    if known(streets) && streets.0 == streets.1 {
        let same_house = left[0] != 0 && left[0] == right[0];
        return if same_house { at(1) } else { at(2) };
    }
    match (known(region), region.0 == region.1, known(streets)) {
        (true, false, _) => at(5),
        (true, true, true) => at(4),
        (true, true, false) => at(3),
        (false, _, true) => at(4),
        (false, _, false) => at(0),
    }
}
