//! One record: what an agency was told about a person, with its mistakes.

mod birth;
mod contact;
mod name;

use jiff::civil::{Date, DateTime, date};

pub(crate) use name::{Slots, email};

use crate::dice::{Dice, Use, mix, number_of};
use crate::habits::Habits;
use crate::population::{Home, Marital, Person, Population, Sex, day_between};
use crate::spelling::arabic_digits;
use crate::vocabulary::Vocabulary;

/// Which record: the how-manieth of an agency about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The person's number.
    pub(crate) person: u32,
    /// 0 for the agency's first record about the person, 1 for a duplicate.
    pub(crate) copy: u8,
}

/// What an agency holds about a person, before its columns give it a form.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) arabic: Slots,
    pub(crate) latin: Option<Slots>,
    pub(crate) mother: Option<String>,
    pub(crate) national_id: Option<String>,
    pub(crate) birth: Option<Date>,
    pub(crate) sex: Option<Sex>,
    pub(crate) marital: Marital,
    pub(crate) governorate: Option<String>,
    pub(crate) governorate_index: Option<usize>,
    pub(crate) district: Option<String>,
    pub(crate) street: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) second_phone: Option<String>,
    pub(crate) changed: DateTime,
}

/// Who writes the records of one agency.
pub(crate) struct Teller<'a> {
    pub(crate) population: &'a Population,
    pub(crate) habits: &'a Habits,
    agency: u64,
    latin: bool,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(population: &'a Population, agency: &str, habits: &'a Habits) -> Self {
        Self {
            population,
            habits,
            agency: number_of(agency),
            latin: habits.holds_latin(),
        }
    }

    /// Returns the day on which the agency last heard of the person, after the person's birth.
    pub(crate) fn heard_on(&self, place: Place) -> Date {
        let bits = mix(
            self.population.seed(),
            Use::Presence,
            [self.agency, u64::from(place.person), u64::from(place.copy)],
        );
        let share = f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        let birth = self.population.person(place.person).birth;
        day_between(birth.max(date(2010, 1, 1)), date(2025, 12, 31), share)
    }

    /// Returns where the person lived then.
    pub(crate) fn home(&self, place: Place) -> Home {
        let person = self.population.person(place.person);
        person.home_on(self.heard_on(place))
    }

    /// Returns the dice of a record.
    pub(crate) fn dice(&self, place: Place) -> Dice {
        Dice::at(
            self.population.seed(),
            Use::Record,
            [self.agency, u64::from(place.person), u64::from(place.copy)],
        )
    }

    /// Returns what the agency holds about a person.
    pub(crate) fn tell(&self, place: Place, dice: &mut Dice) -> Told {
        let words = Vocabulary::shipped();
        let errors = &self.habits.errors;
        let person = self.population.person(place.person);
        let indic = dice.chance(errors.arabic_digits);
        let digits = |text: String| {
            if indic { arabic_digits(&text) } else { text }
        };
        let (arabic, latin) = name::told(words, person, self.habits, self.latin, dice);
        let home = self.home(place);
        let shown = contact::governorate(words, &home, errors, dice);
        let address = contact::address(words, &home, self.habits, dice);
        let (phone, second_phone) = contact::phones(person, errors, dice);
        Told {
            arabic,
            latin,
            mother: name::mother(words, person, errors, dice),
            national_id: self.national_id(person, dice).map(digits),
            birth: birth::told(person.birth, errors, dice),
            sex: told_sex(person.sex, self.habits, dice),
            marital: person.marital,
            governorate: shown
                .map(|index| name::habitual(&words.governorates[index].arabic, errors, dice)),
            governorate_index: shown,
            district: address.district,
            street: address.street,
            address: address.text,
            phone: phone.map(digits),
            second_phone: second_phone.map(digits),
            changed: self.changed(place, dice),
        }
    }

    fn changed(&self, place: Place, dice: &mut Dice) -> DateTime {
        let hour = i8::try_from(dice.within(8..17)).unwrap_or(9);
        let minute = i8::try_from(dice.within(0..60)).unwrap_or(0);
        let second = i8::try_from(dice.within(0..60)).unwrap_or(0);
        self.heard_on(place).at(hour, minute, second, 0)
    }

    fn national_id(&self, person: &Person, dice: &mut Dice) -> Option<String> {
        let errors = &self.habits.errors;
        if dice.chance(errors.national_id_missing) {
            return None;
        }
        let own = person.national_id;
        if !dice.chance(errors.national_id_wrong) {
            return Some(own.to_string());
        }
        Some(match dice.weighted(&[0.60, 0.25, 0.10, 0.05]) {
            0 => one_digit_wrong(&own.to_string(), dice),
            1 => two_digits_swapped(&own.to_string(), dice),
            2 => {
                let mut digits = own.to_string();
                digits.remove(dice.below(14));
                digits
            }
            _ => {
                let other = self.population.person(person.neighbour);
                other.national_id.to_string()
            }
        })
    }
}

fn told_sex(sex: Sex, habits: &Habits, dice: &mut Dice) -> Option<Sex> {
    let flipped = dice.chance(habits.errors.sex_flipped);
    if dice.chance(habits.errors.sex_missing) {
        return None;
    }
    Some(match (sex, flipped) {
        (Sex::Male, false) | (Sex::Female, true) => Sex::Male,
        (Sex::Female, false) | (Sex::Male, true) => Sex::Female,
    })
}

/// Returns a text with one of its digits replaced by another.
pub(crate) fn one_digit_wrong(text: &str, dice: &mut Dice) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let mut place = dice.below(digits);
    let shift = u8::try_from(1 + dice.below(9)).unwrap_or(1);
    let mut wrong = String::with_capacity(text.len());
    for c in text.chars() {
        let digit = c.is_ascii_digit();
        if digit && place == 0 {
            let value = c.to_digit(10).unwrap_or(0) + u32::from(shift);
            wrong.push(char::from_digit(value % 10, 10).unwrap_or(c));
        } else {
            wrong.push(c);
        }
        place = if digit { place.wrapping_sub(1) } else { place };
    }
    wrong
}

fn two_digits_swapped(text: &str, dice: &mut Dice) -> String {
    let mut digits: Vec<char> = text.chars().collect();
    let place = dice.below(digits.len() - 1);
    digits.swap(place, place + 1);
    digits.into_iter().collect()
}
