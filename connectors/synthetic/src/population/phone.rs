//! Mobile numbers.

use crate::dice::Dice;

/// A mobile number without the country and the trunk digit: ten digits, `1x` first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Phone(u64);

impl Phone {
    /// Draws a number of one of the four operators, by their shares.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let operator = [10_u64, 11, 12, 15][dice.weighted(&[0.36, 0.25, 0.26, 0.13])];
        let rest = u64::try_from(dice.within(0..100_000_000)).unwrap_or(0);
        Self(operator * 100_000_000 + rest)
    }

    /// Returns the number with one of its last eight digits changed.
    pub(crate) fn mistyped(self, dice: &mut Dice) -> Self {
        let exponent = u32::try_from(dice.below(8)).unwrap_or(0);
        let place = 10_u64.pow(exponent);
        let digit = self.0 / place % 10;
        let other = (digit + 1 + u64::try_from(dice.below(9)).unwrap_or(0)) % 10;
        Self(self.0 - digit * place + other * place)
    }

    /// Writes the number in one of the ways people write numbers.
    pub(crate) fn written(self, dice: &mut Dice) -> String {
        let digits = self.0.to_string();
        match dice.weighted(&[0.72, 0.12, 0.06, 0.10]) {
            0 => format!("0{digits}"),
            1 => format!("+20{digits}"),
            2 => format!("0020{digits}"),
            _ => format!("0{} {} {}", &digits[..2], &digits[2..6], &digits[6..]),
        }
    }
}
