//! What the values of a column say about a meaning.

mod code;
mod date;
mod number;
mod text;

pub(super) use code::{parts_sexes, sex_of, words_of};
use rabt_model::Label;

use crate::propose::meaning::Meaning;
use crate::shape::ColumnShapes;

/// Values from which it counts that they do not look as they should.
const ENOUGH: u32 = 5;
/// Rows from which the agreement with the national id counts.
const COMPARED: u32 = 10;

/// Points for or against a meaning, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evidence {
    pub(super) points: i32,
    pub(super) reason: Label,
}

/// What a declared type says before any value is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    Date,
    Number,
    Bytes,
    /// Text, and what is not declared.
    Other,
}

impl Declared {
    /// Reads a declared type in the words of any of the kinds.
    pub(super) fn of(declared_type: &str) -> Self {
        let lower = declared_type.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if has(&["blob", "bytea", "binary", "image", "geometry"]) {
            Self::Bytes
        } else if has(&["date", "timestamp"]) {
            Self::Date
        } else if has(&[
            "int", "numeric", "decimal", "number", "float", "double", "real", "bool",
        ]) {
            Self::Number
        } else {
            Self::Other
        }
    }
}

/// Collects evidence.
#[derive(Default)]
struct Case {
    found: Vec<Evidence>,
}

impl Case {
    fn add(&mut self, points: i32, reason: Label) {
        self.found.push(Evidence { points, reason });
    }
}

/// Returns what values and declared type say about a meaning.
pub(super) fn fit(
    meaning: Meaning,
    column: Option<&ColumnShapes>,
    declared: Declared,
) -> Vec<Evidence> {
    let mut case = Case::default();
    by_type(&mut case, meaning, declared);
    match column {
        Some(column) if column.values > 0 => by_values(&mut case, meaning, column),
        Some(_) => case.add(
            0,
            Label::new("the sample holds no value of it", "لا قيم له في العينة"),
        ),
        None => {}
    }
    case.found
}

fn by_type(case: &mut Case, meaning: Meaning, declared: Declared) {
    let is_date = matches!(
        meaning,
        Meaning::BirthDate | Meaning::DeathDate | Meaning::ChangedAt | Meaning::OtherDate
    );
    let is_name = meaning.kin().is_some()
        || matches!(
            meaning,
            Meaning::FullName | Meaning::MotherName | Meaning::RestOfName | Meaning::Email
        );
    match declared {
        Declared::Date if is_date => case.add(
            10,
            Label::new("the column is declared as a date", "العمود معرف كتاريخ"),
        ),
        Declared::Number if is_name => case.add(
            -50,
            Label::new("the column is declared as a number", "العمود معرف كرقم"),
        ),
        Declared::Bytes => case.add(
            -60,
            Label::new("the column holds bytes", "العمود يحتوي على بيانات ثنائية"),
        ),
        Declared::Date | Declared::Number | Declared::Other => {}
    }
}

fn by_values(case: &mut Case, meaning: Meaning, column: &ColumnShapes) {
    match meaning {
        Meaning::NationalId
        | Meaning::FatherId
        | Meaning::MotherId
        | Meaning::SpouseId
        | Meaning::GuardianId => number::national_id(case, column),
        Meaning::Passport | Meaning::TaxNumber | Meaning::SocialInsurance | Meaning::Licence => {
            number::document(case, column);
        }
        Meaning::Phone => number::phone(case, column),
        Meaning::RowNumber => number::row(case, column),
        Meaning::GivenName
        | Meaning::FatherName
        | Meaning::GrandfatherName
        | Meaning::FamilyName => text::part_of_name(case, column),
        Meaning::FullName | Meaning::MotherName | Meaning::RestOfName => {
            text::name(case, column, meaning == Meaning::FullName);
        }
        Meaning::District => text::district(case, column),
        Meaning::Street | Meaning::AddressText => text::address(case, column),
        Meaning::Email => text::email(case, column),
        Meaning::Photo => text::photo(case, column),
        Meaning::Nationality => text::nationality(case, column),
        Meaning::BirthDate => date::birth(case, column),
        Meaning::BirthYear => date::year(case, column),
        Meaning::BirthMonth => date::part(case, column, column.agreement.month),
        Meaning::BirthDay => date::part(case, column, column.agreement.day),
        Meaning::DeathDate | Meaning::ChangedAt | Meaning::OtherDate => date::other(case, column),
        Meaning::Sex => code::sex(case, column),
        Meaning::MaritalStatus => code::marital_status(case, column),
        Meaning::Governorate => code::governorate(case, column),
        Meaning::BirthPlace => code::birth_place(case, column),
        Meaning::OtherPerson | Meaning::OtherThing => {}
    }
}
