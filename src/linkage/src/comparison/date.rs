//! Comparison of dates by the slips that offices make.

use super::{Outcome, at};
use crate::standardise::date::{PackedDate, day_number, unpack};

/// Levels: absent, equal, swapped day and month, a day apart, a year apart, ten years apart, same
/// month, year known only, same year, different.
pub(super) fn compare(left: PackedDate, right: PackedDate) -> Outcome {
    if left == 0 || right == 0 {
        return at(0);
    }
    let (ly, lm, ld) = unpack(left);
    let (ry, rm, rd) = unpack(right);
    let partial = ld == 0 || rd == 0;
    if partial {
        let months_differ = lm != 0 && rm != 0 && lm != rm;
        return match (ly == ry, months_differ) {
            (true, false) => at(7),
            (true, true) => at(8),
            (false, _) => at(9),
        };
    }
    if left == right {
        return at(1);
    }
    if ly == ry && lm == rd && ld == rm {
        return at(2);
    }
    if (day_number(left) - day_number(right)).abs() == 1 {
        return at(3);
    }
    if (lm, ld) == (rm, rd) {
        return match ly.abs_diff(ry) {
            1 => at(4),
            10 => at(5),
            _ => at(9),
        };
    }
    match (ly == ry, lm == rm) {
        (true, true) => at(6),
        (true, false) => at(8),
        (false, _) => at(9),
    }
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::model::ComparisonType;
    use crate::standardise::date::{pack, parse};

    #[test]
    fn slips_are_told_apart() {
        for (left, right, level) in [
            ("1984-02-11", "1984-02-11", "equal"),
            ("1984-02-11", "1984-11-02", "swapped"),
            ("1984-02-29", "1984-03-01", "near_day"),
            ("1984-02-11", "1985-02-11", "near_year"),
            ("1984-02-11", "1994-02-11", "decade"),
            ("1984-02-11", "1984-02-25", "same_month"),
            ("1984-01-01", "1984-02-25", "year_known"),
            ("1984", "1984-02-25", "year_known"),
            ("1984-05-01", "1984-02-25", "same_year"),
            ("1984-05-01", "1991-02-25", "different"),
            ("1984", "1985-02-11", "different"),
        ] {
            let (a, b) = (pack(parse(left).unwrap()), pack(parse(right).unwrap()));
            let found = ComparisonType::Date.levels()[usize::from(compare(a, b).level)];
            assert_eq!(found, level, "{left} {right}");
            assert_eq!(compare(a, b), compare(b, a));
        }
        assert_eq!(compare(0, pack(parse("1984").unwrap())).level, 0);
    }
}
