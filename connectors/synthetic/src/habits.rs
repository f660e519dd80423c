//! How an agency fills its table: `habits.toml`, data and not code.

mod column;
mod errors;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use column::{BirthPart, Calendar, Column, GovernorateForm, Is, NamePart, Script};
pub(crate) use errors::Errors;

use crate::SyntheticError;
use crate::population::{Person, Sex};

/// The year in which ages are counted.
const THIS_YEAR: i16 = 2025;

/// One agency's habits.
#[derive(Debug)]
pub(crate) struct Habits {
    /// How large the agency is beside the others.
    pub(crate) weight: f64,
    /// How it writes "street" before the name of one.
    pub(crate) street_word: String,
    /// Whether Latin names are in capitals.
    pub(crate) latin_upper: bool,
    /// Whether its files start with a byte order mark.
    pub(crate) bom: bool,
    /// The server that this agency's table is written to when one is given.
    pub(crate) target: Option<Target>,
    /// Who can be in the table.
    pub(crate) people: Eligible,
    /// Offices and the codes of the governorates that each serves.
    pub(crate) offices: BTreeMap<String, Vec<String>>,
    /// How often what goes wrong.
    pub(crate) errors: Errors,
    /// The table's columns in their order.
    pub(crate) columns: Vec<Column>,
}

/// A kind of database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    Postgres,
    Mysql,
}

/// Who can be in a table.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Eligible {
    from_age: i16,
    to_age: i16,
    sex: Option<EligibleSex>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EligibleSex {
    Male,
    Female,
}

impl Default for Eligible {
    fn default() -> Self {
        Self {
            from_age: 0,
            to_age: 200,
            sex: None,
        }
    }
}

impl Eligible {
    /// Says whether a person can be in the table.
    pub(crate) fn takes(self, person: &Person) -> bool {
        let age = THIS_YEAR - person.birth.year();
        let sex = match self.sex {
            None => true,
            Some(EligibleSex::Male) => person.sex == Sex::Male,
            Some(EligibleSex::Female) => person.sex == Sex::Female,
        };
        sex && (self.from_age..=self.to_age).contains(&age)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HabitsFile {
    weight: f64,
    street_word: String,
    #[serde(default)]
    latin_upper: bool,
    #[serde(default)]
    bom: bool,
    target: Option<Target>,
    #[serde(default)]
    people: Eligible,
    #[serde(default)]
    offices: BTreeMap<String, Vec<String>>,
    errors: Errors,
    columns: toml::Table,
}

impl Habits {
    /// Reads an agency's `habits.toml`.
    pub(crate) fn read(agency: &str, text: &str) -> Result<Self, SyntheticError> {
        let wrong = |what: String| SyntheticError::Habits {
            agency: agency.to_owned(),
            what,
        };
        let file: HabitsFile = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let columns: Result<Vec<Column>, String> = file
            .columns
            .into_iter()
            .map(|(name, value)| Column::read(name, value))
            .collect();
        Ok(Self {
            weight: file.weight,
            street_word: file.street_word,
            latin_upper: file.latin_upper,
            bom: file.bom,
            target: file.target,
            people: file.people,
            offices: file.offices,
            errors: file.errors,
            columns: columns.map_err(wrong)?,
        })
    }

    /// Returns the office that serves a governorate; `None` for an agency without offices.
    pub(crate) fn office_of(&self, code: &str) -> Option<&str> {
        let serves = |(_, codes): &(&String, &Vec<String>)| codes.iter().any(|c| c == code);
        let found = self.offices.iter().find(serves);
        found.map(|(office, _)| office.as_str())
    }

    /// Says whether any column holds a Latin name.
    pub(crate) fn holds_latin(&self) -> bool {
        self.columns.iter().any(|column| {
            matches!(
                column.is,
                Is::Name {
                    script: Script::Latin
                } | Is::NamePart {
                    script: Script::Latin,
                    ..
                } | Is::NameRest {
                    script: Script::Latin
                }
            )
        })
    }
}
