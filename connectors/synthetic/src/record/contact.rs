//! Telephones, governorates and addresses as an agency writes them.

use crate::dice::Dice;
use crate::habits::{Errors, Habits};
use crate::population::{Home, Person};
use crate::spelling::{Alphabet, slip};
use crate::vocabulary::Vocabulary;

/// An address in the three forms that columns may have.
pub(super) struct Written {
    pub(super) district: Option<String>,
    pub(super) street: Option<String>,
    pub(super) text: Option<String>,
}

/// Returns the number that the agency has, and the person's other one.
pub(super) fn phones(
    person: &Person,
    errors: &Errors,
    dice: &mut Dice,
) -> (Option<String>, Option<String>) {
    let other_first = dice.chance(0.35);
    let (mut first, second) = match person.second_phone {
        Some(other) if other_first => (other, Some(person.phone)),
        other => (person.phone, other),
    };
    if dice.chance(errors.phone_of_household) {
        first = person.household_phone.unwrap_or(first);
    }
    if dice.chance(errors.phone_wrong) {
        first = first.mistyped(dice);
    }
    let written = first.written(dice);
    let second = second.map(|number| number.written(dice));
    if dice.chance(errors.phone_missing) {
        return (None, second);
    }
    (Some(written), second)
}

/// Returns the governorate that the agency has, as an index.
pub(super) fn governorate(
    words: &Vocabulary,
    home: &Home,
    errors: &Errors,
    dice: &mut Dice,
) -> Option<usize> {
    let wrong = dice.chance(errors.governorate_wrong);
    if dice.chance(errors.governorate_missing) {
        return None;
    }
    Some(if wrong {
        words.draw_governorate(dice)
    } else {
        home.governorate
    })
}

/// Returns the address as the agency writes it.
pub(super) fn address(
    words: &Vocabulary,
    home: &Home,
    habits: &Habits,
    dice: &mut Dice,
) -> Written {
    let errors = &habits.errors;
    if dice.chance(errors.address_missing) {
        return Written {
            district: None,
            street: None,
            text: None,
        };
    }
    let word = if dice.chance(0.2) {
        ["شارع", "ش", "ش."][dice.below(3)]
    } else {
        habits.street_word.as_str()
    };
    let name = &words.streets[home.street];
    let street = if dice.chance(errors.number_dropped) {
        format!("{word} {name}")
    } else {
        format!("{} {word} {name}", home.number)
    };
    let district = words.governorates[home.governorate].districts[home.district].clone();
    let district = (!dice.chance(errors.district_dropped)).then_some(district);
    let mut parts = [Some(street), district];
    if dice.chance(errors.address_edit) {
        slip(&mut parts, Alphabet::Arabic, dice);
    }
    let [street, district] = parts;
    let words: Vec<&str> = [&street, &district]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    Written {
        text: Some(words.join(" ")),
        district,
        street,
    }
}
