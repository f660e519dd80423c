//! What stands in a column: a closed list.

use serde::Deserialize;

/// One column of a table.
#[derive(Debug)]
pub(crate) struct Column {
    /// The column's name.
    pub(crate) name: String,
    /// Its type, in words that SQLite, PostgreSQL and MariaDB understand alike.
    pub(crate) declared: String,
    /// What stands in it.
    pub(crate) is: Is,
    /// What is written where there is no value; NULL when the list is empty.
    pub(crate) missing: Vec<String>,
    /// Share of rows without a value, besides what the errors take away.
    pub(crate) absent: f64,
    /// Whether digits are always Arabic-Indic.
    pub(crate) arabic_digits: bool,
    /// What is written before every value.
    pub(crate) prefix: String,
    /// What is written after every value.
    pub(crate) suffix: String,
}

/// The values a column can have.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Is {
    /// A growing number.
    RowNumber { start: u64, step: u64 },
    /// A growing number as text of a fixed width.
    RowText {
        start: u64,
        #[serde(default = "one")]
        step: u64,
        width: usize,
    },
    /// The national id.
    NationalId,
    /// The national id where it is the table's key: never missing, never twice.
    NationalIdKey,
    /// The whole name.
    Name { script: Script },
    /// One slot of the name.
    NamePart { part: NamePart, script: Script },
    /// The name without the given name.
    NameRest { script: Script },
    /// The mother's name.
    Mother,
    /// The date of birth.
    BirthDate {
        format: String,
        #[serde(default)]
        calendar: Calendar,
    },
    /// The year, month or day of birth.
    BirthPart { part: BirthPart },
    /// The governorate of birth.
    BirthPlace { form: GovernorateForm },
    /// The date of death of those who died.
    DeathDate { format: String },
    /// The sex, as a code.
    Sex { male: String, female: String },
    /// The marital status, as a code.
    MaritalStatus {
        single: String,
        married: String,
        divorced: String,
        widowed: String,
    },
    /// The governorate of residence.
    Governorate { form: GovernorateForm },
    /// The district.
    District,
    /// House number and street.
    Street,
    /// House number, street and district.
    Address,
    /// A telephone number.
    Phone,
    /// The other telephone number of those who have two.
    SecondPhone,
    /// An e-mail address made of the Latin name.
    Email,
    /// A number that one person has for life: passport, tax, licence. `#` stands for a digit.
    Document { scheme: String, form: String },
    /// A number that one household has. `#` stands for a digit.
    Household { form: String },
    /// One of a few values.
    Choice { values: Vec<String> },
    /// A number of a range, both ends included.
    Number { from: i64, to: i64 },
    /// When the row was last changed.
    ChangedAt { format: String },
}

/// The letters a name is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Script {
    Arabic,
    Latin,
}

/// A slot of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NamePart {
    Given,
    Father,
    Grandfather,
    Family,
    AllButFamily,
}

/// A part of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BirthPart {
    Year,
    Month,
    Day,
}

/// The calendar a date is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Calendar {
    #[default]
    Gregorian,
    Hijri,
}

/// How a governorate is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GovernorateForm {
    /// Two digits.
    Code,
    /// A number without a leading zero.
    Number,
    Arabic,
    English,
    EnglishUpper,
}

#[derive(Deserialize)]
#[serde(default)]
struct Common {
    #[serde(rename = "type")]
    declared: String,
    missing: Vec<String>,
    absent: f64,
    digits: Digits,
    prefix: String,
    suffix: String,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Digits {
    #[default]
    European,
    Arabic,
}

impl Default for Common {
    fn default() -> Self {
        Self {
            declared: "TEXT".to_owned(),
            missing: Vec::new(),
            absent: 0.0,
            digits: Digits::European,
            prefix: String::new(),
            suffix: String::new(),
        }
    }
}

const COMMON: [&str; 6] = ["type", "missing", "absent", "digits", "prefix", "suffix"];

impl Column {
    /// Reads one entry of `[columns]`.
    pub(crate) fn read(name: String, value: toml::Value) -> Result<Self, String> {
        let wrong = |e: toml::de::Error| format!("column {name}: {e}");
        let common: Common = value.clone().try_into().map_err(wrong)?;
        let toml::Value::Table(mut table) = value else {
            return Err(format!("column {name}: must be a table"));
        };
        table.retain(|key, _| !COMMON.contains(&key));
        let is: Is = toml::Value::Table(table).try_into().map_err(wrong)?;
        Ok(Self {
            declared: common.declared,
            is,
            missing: common.missing,
            absent: common.absent,
            arabic_digits: common.digits == Digits::Arabic,
            prefix: common.prefix,
            suffix: common.suffix,
            name,
        })
    }
}

const fn one() -> u64 {
    1
}
