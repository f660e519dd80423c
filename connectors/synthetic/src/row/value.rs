//! The value of one cell.

use icu_calendar::Date as IcuDate;
use icu_calendar::cal::Hijri;
use jiff::civil::Date;
use jiff::fmt::strtime;

use crate::dice::{Dice, Use, mix, number_of};
use crate::habits::{BirthPart, Calendar, GovernorateForm, Is, NamePart, Script};
use crate::population::{Marital, Person, Population, Sex};
use crate::record::{Slots, Told, email, one_digit_wrong};
use crate::vocabulary::Vocabulary;

/// What the cells of one row are made of.
pub(super) struct Cells<'a> {
    pub(super) population: &'a Population,
    pub(super) person: &'a Person,
    pub(super) number: u32,
    pub(super) wrong_documents: f64,
    pub(super) told: &'a Told,
}

impl Cells<'_> {
    /// Returns the value of a column; `None` where the agency has none.
    pub(super) fn value(&self, is: &Is, dice: &mut Dice) -> Option<String> {
        let told = self.told;
        match is {
            Is::NationalId => told.national_id.clone(),
            Is::Name { script } => self.slots(*script)?.text(0..4),
            Is::NamePart { part, script } => self.slots(*script)?.text(match part {
                NamePart::Given => 0..1,
                NamePart::Father => 1..2,
                NamePart::Grandfather => 2..3,
                NamePart::Family => 3..4,
                NamePart::AllButFamily => 0..3,
            }),
            Is::NameRest { script } => self.slots(*script)?.text(1..4),
            Is::Mother => told.mother.clone(),
            Is::BirthDate { format, calendar } => match calendar {
                Calendar::Gregorian => formatted(told.birth?, format),
                Calendar::Hijri => hijri(told.birth?, format),
            },
            Is::BirthPart { part } => told.birth.map(|birth| match part {
                BirthPart::Year => birth.year().to_string(),
                BirthPart::Month => birth.month().to_string(),
                BirthPart::Day => birth.day().to_string(),
            }),
            Is::DeathDate { format } => formatted(self.person.death?, format),
            Is::Sex { male, female } => told.sex.map(|sex| match sex {
                Sex::Male => male.clone(),
                Sex::Female => female.clone(),
            }),
            Is::MaritalStatus {
                single,
                married,
                divorced,
                widowed,
            } => Some(match told.marital {
                Marital::Single => single.clone(),
                Marital::Married => married.clone(),
                Marital::Divorced => divorced.clone(),
                Marital::Widowed => widowed.clone(),
            }),
            Is::BirthPlace { form } => Some(governorate(self.person.born_in, *form)),
            Is::Governorate { form } => match form {
                GovernorateForm::Arabic => told.governorate.clone(),
                GovernorateForm::Code
                | GovernorateForm::Number
                | GovernorateForm::English
                | GovernorateForm::EnglishUpper => told
                    .governorate_index
                    .map(|index| governorate(index, *form)),
            },
            Is::District => told.district.clone(),
            Is::Street => told.street.clone(),
            Is::Address => told.address.clone(),
            Is::Phone => told.phone.clone(),
            Is::SecondPhone => told.second_phone.clone(),
            Is::Email => Some(email(Vocabulary::shipped(), self.person, dice)),
            Is::Document { scheme, form } => {
                let right = self.document(scheme, u64::from(self.number), form);
                let wrong = dice.chance(self.wrong_documents);
                Some(if wrong {
                    one_digit_wrong(&right, dice)
                } else {
                    right
                })
            }
            Is::Household { form } => {
                Some(self.document("household", u64::from(self.person.household), form))
            }
            Is::Choice { values } => dice.pick(values).cloned(),
            Is::Number { from, to } => Some(dice.within(*from..*to + 1).to_string()),
            Is::ChangedAt { format } => strtime::format(format, told.changed).ok(),
            // Keys that count rows are the table's business, not the person's.
            Is::RowNumber { .. } | Is::RowText { .. } | Is::NationalIdKey => None,
        }
    }

    fn slots(&self, script: Script) -> Option<&Slots> {
        match script {
            Script::Arabic => Some(&self.told.arabic),
            Script::Latin => self.told.latin.as_ref(),
        }
    }

    /// Returns a number that belongs to one holder for life: the holder's number scattered over all
    /// numbers with as many digits as the form has places, so that no two holders share one.
    fn document(&self, scheme: &str, holder: u64, form: &str) -> String {
        /// Three to the eighteenth: shares no factor with a power of ten.
        const SCATTER: u64 = 387_420_489;
        let places = u32::try_from(form.matches('#').count()).unwrap_or(0);
        let all = 10_u64.pow(places.min(15));
        let place = [number_of(scheme), 0, 0];
        let shift = mix(self.population.seed(), Use::Documents, place) % all;
        let mut number = ((holder % all) * SCATTER % all + shift) % all;
        let mut written: Vec<char> = form.chars().collect();
        for place in written.iter_mut().rev().filter(|c| **c == '#') {
            let digit = u32::try_from(number % 10).unwrap_or(0);
            *place = char::from_digit(digit, 10).unwrap_or('0');
            number /= 10;
        }
        written.into_iter().collect()
    }
}

fn governorate(index: usize, form: GovernorateForm) -> String {
    let governorate = &Vocabulary::shipped().governorates[index];
    match form {
        GovernorateForm::Code => governorate.code.clone(),
        GovernorateForm::Number => governorate.number.to_string(),
        GovernorateForm::Arabic => governorate.arabic.clone(),
        GovernorateForm::English => governorate.english.clone(),
        GovernorateForm::EnglishUpper => governorate.english.to_uppercase(),
    }
}

fn formatted(date: Date, format: &str) -> Option<String> {
    strtime::format(format, date).ok()
}

/// Writes a date of the Umm al-Qura calendar; the format knows `%d`, `%m` and `%Y`.
fn hijri(date: Date, format: &str) -> Option<String> {
    let iso = IcuDate::try_new_iso(
        i32::from(date.year()),
        date.month().unsigned_abs(),
        date.day().unsigned_abs(),
    );
    let day = iso.ok()?.to_calendar(Hijri::new_umm_al_qura());
    let text = format
        .replace("%d", &format!("{:02}", day.day_of_month().0))
        .replace("%m", &format!("{:02}", day.month().ordinal))
        .replace("%Y", &day.year().extended_year().to_string());
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{formatted, hijri};
    use jiff::civil::date;

    #[test]
    fn dates_are_written_as_agencies_write_them() {
        let day = date(1984, 2, 9);
        assert_eq!(formatted(day, "%-d/%-m/%Y").as_deref(), Some("9/2/1984"));
        assert_eq!(formatted(day, "%d-%m-%y").as_deref(), Some("09-02-84"));
        assert_eq!(
            formatted(day, "%Y-%m-%d 00:00:00").as_deref(),
            Some("1984-02-09 00:00:00")
        );
        // New Year's day of 1445 was 19 July 2023.
        assert_eq!(
            hijri(date(2023, 7, 19), "%d/%m/%Y").as_deref(),
            Some("01/01/1445")
        );
    }
}
