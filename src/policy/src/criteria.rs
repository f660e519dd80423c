//! The criteria of a search: read, and strong enough to name few people.

use std::str::FromStr;

use rabt_model::PartialDate;

use crate::{Criteria, DenialReason};

/// Longest text that a criterion may have, in characters.
const LONGEST: usize = 256;

/// Criteria that were read and found strong enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchCriteria {
    /// The name, trimmed; at least two letters.
    pub name: String,
    /// The date of birth, perhaps only its year.
    pub birth: Option<PartialDate>,
    /// Two-digit governorate code.
    pub governorate: Option<String>,
    /// A telephone number of at least seven digits, as it arrived, trimmed.
    pub phone: Option<String>,
}

/// What is wrong, and with which criterion.
type Refusal = (DenialReason, &'static str);

impl SearchCriteria {
    /// Reads criteria and checks that they name few people: name and date of birth; name, year of birth and
    /// governorate; or phone and name.
    pub(crate) fn read(criteria: &Criteria) -> Result<Self, Refusal> {
        let name = text(criteria.name.as_deref(), "criteria.name")?;
        let governorate = text(criteria.governorate.as_deref(), "criteria.governorate")?;
        let phone = text(criteria.phone.as_deref(), "criteria.phone")?;
        let birth = birth(criteria)?;
        let two_digits = |code: &&str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_digit());
        if governorate.is_some_and(|code| !two_digits(&code)) {
            return Err((DenialReason::BadSubject, "criteria.governorate"));
        }
        let name = name.filter(|name| name.chars().filter(|c| c.is_alphabetic()).count() >= 2);
        let whole_phone = phone.is_some_and(|p| p.chars().filter(|c| c.is_numeric()).count() >= 7);
        let by_date = birth.is_some_and(PartialDate::is_whole);
        let by_year = birth.is_some() && governorate.is_some();
        match name {
            Some(name) if by_date || by_year || whole_phone => Ok(Self {
                name: name.to_owned(),
                birth,
                governorate: governorate.map(str::to_owned),
                phone: phone.filter(|_| whole_phone).map(str::to_owned),
            }),
            Some(_) | None => Err((DenialReason::CriteriaTooWeak, "criteria")),
        }
    }
}

/// Returns the text without white space around it; `None` when nothing is left.
fn text<'a>(given: Option<&'a str>, place: &'static str) -> Result<Option<&'a str>, Refusal> {
    let Some(given) = given else { return Ok(None) };
    if given.chars().count() > LONGEST || given.chars().any(char::is_control) {
        return Err((DenialReason::BadSubject, place));
    }
    Ok(Some(given.trim()).filter(|text| !text.is_empty()))
}

fn birth(criteria: &Criteria) -> Result<Option<PartialDate>, Refusal> {
    let date = part(criteria.birth_date.as_deref(), "criteria.birth_date")?;
    let year = part(criteria.birth_year.as_deref(), "criteria.birth_year")?;
    if year.is_some_and(|year| year.month().is_some()) {
        return Err((DenialReason::BadSubject, "criteria.birth_year"));
    }
    match (date, year) {
        (Some(date), Some(year)) if date.year() != year.year() => {
            Err((DenialReason::BadSubject, "criteria.birth_year"))
        }
        (Some(date), _) => Ok(Some(date)),
        (None, year) => Ok(year),
    }
}

fn part(given: Option<&str>, place: &'static str) -> Result<Option<PartialDate>, Refusal> {
    let Some(given) = text(given, place)? else {
        return Ok(None);
    };
    match PartialDate::from_str(given) {
        Ok(date) => Ok(Some(date)),
        Err(_) => Err((DenialReason::BadSubject, place)),
    }
}

#[cfg(test)]
mod tests {
    use super::SearchCriteria;
    use crate::{Criteria, DenialReason};

    fn criteria(fields: [&str; 5]) -> Criteria {
        let [name, date, year, governorate, phone] =
            fields.map(|text| (!text.is_empty()).then(|| text.to_owned()));
        Criteria {
            name,
            birth_date: date,
            birth_year: year,
            governorate,
            phone,
        }
    }

    #[test]
    fn strong_criteria_pass() {
        for strong in [
            ["محمد أحمد", "1984-02-11", "", "", ""],
            ["محمد", "", "1984", "01", ""],
            ["محمد", "1984-02", "1984", "01", ""],
            [" Mona ", "", "", "", "+20 100 123 4567"],
            ["منى", "", "", "", "٠١٠٠١٢٣٤٥٦٧"],
        ] {
            assert!(
                SearchCriteria::read(&criteria(strong)).is_ok(),
                "{strong:?}"
            );
        }
    }

    #[test]
    fn weak_criteria_do_not() {
        for weak in [
            ["", "", "", "", ""],
            ["محمد", "", "", "", ""],
            ["محمد", "1984", "", "", ""],
            ["محمد", "1984-02", "", "", ""],
            ["محمد", "", "", "01", ""],
            ["محمد", "", "", "", "0100"],
            ["م", "1984-02-11", "", "", ""],
            [" ", "1984-02-11", "", "01", ""],
            ["", "1984-02-11", "", "01", "01001234567"],
        ] {
            let refusal = SearchCriteria::read(&criteria(weak)).unwrap_err();
            assert_eq!(
                refusal,
                (DenialReason::CriteriaTooWeak, "criteria"),
                "{weak:?}"
            );
        }
    }

    #[test]
    fn malformed_criteria_are_named() {
        let long = "م".repeat(300);
        for (bad, place) in [
            (["محمد", "11/02/1984", "", "", ""], "criteria.birth_date"),
            (["محمد", "", "84", "01", ""], "criteria.birth_year"),
            (
                ["محمد", "1984-02-11", "1985", "", ""],
                "criteria.birth_year",
            ),
            (["محمد", "", "1984-02", "01", ""], "criteria.birth_year"),
            (
                ["محمد", "1984-02-11", "", "cairo", ""],
                "criteria.governorate",
            ),
            (["a\0b", "1984-02-11", "", "", ""], "criteria.name"),
            ([long.as_str(), "1984-02-11", "", "", ""], "criteria.name"),
        ] {
            let refusal = SearchCriteria::read(&criteria(bad)).unwrap_err();
            assert_eq!(refusal, (DenialReason::BadSubject, place));
        }
    }
}
