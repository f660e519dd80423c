//! The structure of an Egyptian national id: century, birth date, governorate, serial, check digit.

use rabt_model::PartialDate;

/// Governorate codes: 01 to 04, 11 to 19, 21 to 29, 31 to 35, and 88 for births abroad.
const fn is_governorate(code: u8) -> bool {
    matches!(code, 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88)
}

/// Says whether the text can be a national id: 14 digits, century 2 or 3, a real date and a known
/// governorate. The rule of the check digit is not published, so it is not applied.
pub(super) fn is_possible(text: &str) -> bool {
    if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let pair = |at: usize| text[at..at + 2].parse::<u8>().unwrap_or(0);
    let century = match &text[..1] {
        "2" => 1900,
        "3" => 2000,
        _ => return false,
    };
    let date = PartialDate::of_day(century + i16::from(pair(1)), pair(3), pair(5));
    date.is_some() && is_governorate(pair(7))
}

#[cfg(test)]
mod tests {
    use super::is_possible;

    #[test]
    fn structure_decides() {
        for good in ["29001010112345", "30002290112345", "28506158812345"] {
            assert!(is_possible(good), "{good}");
        }
        for bad in [
            "",
            "2900101011234",
            "290010101123456",
            "19001010112345",
            "29013010112345",
            "29002300112345",
            "29902290112345",
            "29001010512345",
            "29001019912345",
            "2900101011234x",
            "٢٩٠٠١٠١٠١١٢٣٤٥",
        ] {
            assert!(!is_possible(bad), "{bad}");
        }
    }
}
