//! Dates of birth as an agency writes them.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::dice::Dice;
use crate::habits::Errors;

/// Returns the date as it was written down: right, missing, or wrong in one of six ways.
pub(super) fn told(birth: Date, errors: &Errors, dice: &mut Dice) -> Option<Date> {
    let step = if dice.chance(0.5) { 1 } else { -1 };
    let other_day = i8::try_from(dice.within(1..29)).unwrap_or(1);
    if dice.chance(errors.birth_missing) {
        return None;
    }
    let ways = [
        errors.birth_first_january,
        errors.birth_day_month,
        errors.birth_day_off,
        errors.birth_year_off,
        errors.birth_decade_off,
        errors.birth_other_day,
    ];
    let right = 1.0 - ways.iter().sum::<f64>();
    let mut weights = ways.to_vec();
    weights.push(right.max(0.0));
    let wrong = match dice.weighted(&weights) {
        0 => Date::new(birth.year(), 1, 1).ok(),
        1 => Date::new(birth.year(), birth.day(), birth.month()).ok(),
        2 => birth.checked_add(step.days()).ok(),
        3 => birth.checked_add(step.years()).ok(),
        4 => birth.checked_add((10 * step).years()).ok(),
        5 => Date::new(birth.year(), birth.month(), other_day).ok(),
        _ => None,
    };
    Some(wrong.unwrap_or(birth))
}
