//! How often what goes wrong in an agency's table.

use serde::Deserialize;

/// Shares of rows, 0 to 1. What an agency does not state is what all agencies have in common.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Errors {
    /// The national id is not there.
    pub(crate) national_id_missing: f64,
    /// It is there and wrong: a digit replaced, two swapped, one lost, or somebody else's.
    pub(crate) national_id_wrong: f64,
    /// Alef without hamza, for each word.
    pub(crate) hamza: f64,
    /// Haa for taa marbuta, for each word.
    pub(crate) taa: f64,
    /// Yaa for alef maqsura and back, for each word.
    pub(crate) yaa: f64,
    /// A compound in one word, for each word.
    pub(crate) joined: f64,
    /// One slip of the finger in the Arabic name.
    pub(crate) edit: f64,
    /// The grandfather is left out.
    pub(crate) grandfather_dropped: f64,
    /// The last name is left out.
    pub(crate) family_dropped: f64,
    /// The given name and the father's change places.
    pub(crate) swapped: f64,
    /// "Mohamed" before a compound's given name is left out.
    pub(crate) mohamed_dropped: f64,
    /// There is no Latin name.
    pub(crate) latin_missing: f64,
    /// The grandfather is left out of the Latin name.
    pub(crate) latin_grandfather_dropped: f64,
    /// One slip of the finger in the Latin name.
    pub(crate) latin_edit: f64,
    /// The date of birth is not there.
    pub(crate) birth_missing: f64,
    /// It is the first of January of the right year.
    pub(crate) birth_first_january: f64,
    /// Day and month change places, where that is a date.
    pub(crate) birth_day_month: f64,
    /// One day off.
    pub(crate) birth_day_off: f64,
    /// One year off.
    pub(crate) birth_year_off: f64,
    /// Ten years off.
    pub(crate) birth_decade_off: f64,
    /// Another day of the month.
    pub(crate) birth_other_day: f64,
    /// The sex is not there.
    pub(crate) sex_missing: f64,
    /// It is the other one.
    pub(crate) sex_flipped: f64,
    /// The governorate is not there.
    pub(crate) governorate_missing: f64,
    /// It is another one.
    pub(crate) governorate_wrong: f64,
    /// There is no telephone number.
    pub(crate) phone_missing: f64,
    /// One digit of it is wrong.
    pub(crate) phone_wrong: f64,
    /// The household's number instead of the person's, where there is one.
    pub(crate) phone_of_household: f64,
    /// The mother is not there.
    pub(crate) mother_missing: f64,
    /// One slip of the finger in the mother's name.
    pub(crate) mother_edit: f64,
    /// There is no address.
    pub(crate) address_missing: f64,
    /// The house number is left out.
    pub(crate) number_dropped: f64,
    /// The district is left out.
    pub(crate) district_dropped: f64,
    /// One slip of the finger in the address.
    pub(crate) address_edit: f64,
    /// Numbers have Arabic-Indic digits.
    pub(crate) arabic_digits: f64,
    /// A digit of another document's number is wrong.
    pub(crate) document_wrong: f64,
}

impl Default for Errors {
    fn default() -> Self {
        Self {
            national_id_missing: 0.0,
            national_id_wrong: 0.02,
            hamza: 0.0,
            taa: 0.0,
            yaa: 0.0,
            joined: 0.0,
            edit: 0.0,
            grandfather_dropped: 0.0,
            family_dropped: 0.03,
            swapped: 0.005,
            mohamed_dropped: 0.30,
            latin_missing: 0.0,
            latin_grandfather_dropped: 0.35,
            latin_edit: 0.03,
            birth_missing: 0.0,
            birth_first_january: 0.0,
            birth_day_month: 0.015,
            birth_day_off: 0.01,
            birth_year_off: 0.01,
            birth_decade_off: 0.003,
            birth_other_day: 0.005,
            sex_missing: 0.03,
            sex_flipped: 0.005,
            governorate_missing: 0.0,
            governorate_wrong: 0.01,
            phone_missing: 0.0,
            phone_wrong: 0.015,
            phone_of_household: 0.10,
            mother_missing: 0.0,
            mother_edit: 0.02,
            address_missing: 0.0,
            number_dropped: 0.12,
            district_dropped: 0.25,
            address_edit: 0.03,
            arabic_digits: 0.0,
            document_wrong: 0.01,
        }
    }
}
