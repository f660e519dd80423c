//! National ids: century, date of birth, governorate of birth, serial, check digit.

use std::collections::HashSet;

use jiff::civil::Date;

use super::Sex;
use crate::dice::Dice;

/// The check digit of the first thirteen digits. The official rule is not published; this one is
/// the reconstruction in common use.
fn check_digit(first: u64) -> u64 {
    const WEIGHTS: [u64; 13] = [2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6, 7, 2];
    let mut rest = first;
    let mut sum = 0;
    for weight in WEIGHTS {
        sum += rest % 10 * weight;
        rest /= 10;
    }
    (11 - sum % 11) % 10
}

/// Says whether the number has fourteen digits and the right check digit.
#[cfg(test)]
pub(super) fn is_well_formed(id: u64) -> bool {
    (20_000_000_000_000..40_000_000_000_000).contains(&id) && check_digit(id / 10) == id % 10
}

/// Issues numbers, each once.
#[derive(Debug, Default)]
pub(super) struct Issuer {
    issued: HashSet<u64>,
}

impl Issuer {
    /// Issues the number of somebody born on `birth` in the governorate of this code.
    pub(super) fn issue(&mut self, birth: Date, code: u64, sex: Sex, dice: &mut Dice) -> u64 {
        loop {
            let serial = dice.within(0..5_000) * 2 + i64::from(sex == Sex::Male);
            let first = head(birth, code) * 10_000 + u64::try_from(serial).unwrap_or(0);
            if self.issued.insert(first) {
                return first * 10 + check_digit(first);
            }
        }
    }
}

/// The nine digits that say when and where.
fn head(birth: Date, code: u64) -> u64 {
    let part = |value: i8| u64::from(value.unsigned_abs());
    let year = u64::from(birth.year().unsigned_abs());
    let century = if year >= 2000 { 3 } else { 2 };
    let date = year % 100 * 10_000 + part(birth.month()) * 100 + part(birth.day());
    (century * 1_000_000 + date) * 100 + code
}

#[cfg(test)]
mod tests {
    use super::{check_digit, is_well_formed};

    #[test]
    fn check_digit_follows_the_weights() {
        // Weights 2 7 6 5 4 3 2 7 6 5 4 3 2 from the left: 2·2 + 9·7 + 1·5 + 1·3 + ... by hand.
        let digits: Vec<u64> = "2900101012345".bytes().map(|b| u64::from(b - 48)).collect();
        let weights = [2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
        let sum: u64 = digits.iter().zip(weights).map(|(d, w)| d * w).sum();
        assert_eq!(check_digit(2_900_101_012_345), (11 - sum % 11) % 10);
        assert!(!is_well_formed(12));
    }
}
