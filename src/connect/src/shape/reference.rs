//! What the national id in a row says about the person, held against the row's other columns.

use rabt_linkage::NationalId;

use crate::shape::Agreement;
use crate::shape::codes::{Codes, List};

impl Agreement {
    /// Compares one folded text with the national id of its row.
    pub(super) fn push(&mut self, folded: &str, id: NationalId) {
        self.compared += 1;
        let number = (folded.len() <= 4).then(|| folded.parse::<i16>().ok());
        if let Some(number) = number.flatten() {
            self.year += u32::from(number == id.birth_date.year());
            self.month += u32::from(is_part(number, id.birth_date.month()));
            self.day += u32::from(is_part(number, id.birth_date.day()));
            let padded = format!("{number:02}");
            let is_code = Codes::shipped().is_governorate(&padded);
            self.governorate += u32::from(is_code && number == i16::from(id.governorate));
            return;
        }
        let code = Codes::shipped().code(List::Governorate, folded);
        let of_birth = code.and_then(|code| code.parse().ok()) == Some(id.governorate);
        self.governorate += u32::from(of_birth);
    }
}

fn is_part(number: i16, part: Option<u8>) -> bool {
    part.is_some_and(|part| i16::from(part) == number)
}

/// Returns the national id that a text is: all its digits, and nothing else but marks.
pub(super) fn national_id(text: &str) -> Option<NationalId> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits != 14 || text.len() > 20 || text.chars().any(char::is_alphabetic) {
        return None;
    }
    rabt_linkage::national_id(text)
}
