//! Numbers: packed digits, and what the structure of an Egyptian national id says.

use rabt_model::PartialDate;

use super::script::digits_of;

/// A number of up to 16 digits: four bits a digit holding the digit plus one, first digit lowest,
/// so that leading zeros and the length are kept. Zero is absent.
pub(crate) type Packed = u64;

/// Packs the digits of `text`; `None` when there is none or there are more than 16.
pub(crate) fn pack(text: &str) -> Option<Packed> {
    let digits = digits_of(text);
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let mut packed = 0;
    for (place, byte) in digits.bytes().enumerate() {
        packed |= (u64::from(byte - b'0') + 1) << (place * 4);
    }
    Some(packed)
}

/// Returns the digits of a packed number.
pub(crate) fn unpack(packed: Packed) -> Vec<u8> {
    let mut digits = Vec::with_capacity(16);
    let mut rest = packed;
    while rest != 0 {
        digits.push(u8::try_from(rest & 15).unwrap_or(1).saturating_sub(1));
        rest >>= 4;
    }
    digits
}

/// Says whether two numbers are equal but for one digit wrong, missing, added, or two neighbours
/// swapped.
pub(crate) fn is_near(left: Packed, right: Packed) -> bool {
    crate::comparison::within_one_edit(&unpack(left), &unpack(right))
}

/// Says whether a number is one repeated digit, which is how clerks fill a field they must fill.
pub(crate) fn is_filler(packed: Packed) -> bool {
    let digits = unpack(packed);
    digits.len() > 3 && digits.iter().all(|digit| *digit == digits[0])
}

/// What the structure `C YYMMDD GG SSSS K` of a national id says. The check digit's official rule
/// is not published, so it is not judged here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NationalId {
    /// The embedded date of birth.
    pub birth_date: PartialDate,
    /// The embedded governorate of birth, 1 to 88.
    pub governorate: u8,
    /// Whether the serial is a man's.
    pub male: bool,
}

const GOVERNORATES: [u8; 28] = [
    1, 2, 3, 4, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 31, 32, 33,
    34, 35, 88,
];

/// Reads a national id; `None` when it is not 14 digits or its structure cannot be one.
pub(crate) fn national_id(packed: Packed) -> Option<NationalId> {
    let digits = unpack(packed);
    if digits.len() != 14 {
        return None;
    }
    let two = |at: usize| digits[at] * 10 + digits[at + 1];
    let century = match digits[0] {
        2 => 1900,
        3 => 2000,
        _ => return None,
    };
    let birth_date = PartialDate::of_day(century + i16::from(two(1)), two(3), two(5))?;
    let governorate = two(7);
    if !GOVERNORATES.contains(&governorate) {
        return None;
    }
    Some(NationalId {
        birth_date,
        governorate,
        male: digits[12] % 2 == 1,
    })
}

/// Returns a telephone number as E.164 digits, or `None` when `text` is not one. Without a country
/// it is an Egyptian one (`+20…`): mobiles `1[0125]` and eight digits; land lines of 8 or 9 digits
/// with their area code. With the country of another it is taken as it is, 8 to 15 digits.
pub fn phone(text: &str) -> Option<String> {
    let digits = digits_of(text);
    if text.trim_start().starts_with('+') && !digits.starts_with("20") {
        return (8..=15)
            .contains(&digits.len())
            .then(|| format!("+{digits}"));
    }
    let local = digits
        .strip_prefix("0020")
        .or_else(|| digits.strip_prefix("20").filter(|rest| rest.len() >= 9))
        .unwrap_or(&digits);
    let national = local.strip_prefix('0').unwrap_or(local);
    let mobile = national.len() == 10
        && ["10", "11", "12", "15"]
            .iter()
            .any(|prefix| national.starts_with(prefix));
    let fixed = (8..=9).contains(&national.len()) && !national.starts_with(['0', '1']);
    (mobile || fixed).then(|| format!("+20{national}"))
}

#[cfg(test)]
mod tests {
    use super::{is_filler, is_near, national_id, pack, phone, unpack};

    #[test]
    fn packing_keeps_every_digit() {
        assert_eq!(unpack(pack("0012300").unwrap()), [0, 0, 1, 2, 3, 0, 0]);
        assert_eq!(pack("٢٩٠"), pack("290"));
        assert_eq!(pack("abc"), None);
        assert_eq!(pack("12345678901234567"), None);
        assert!(is_filler(pack("00000000000000").unwrap()));
    }

    #[test]
    fn one_slip_is_near() {
        let id = pack("29001011234567").unwrap();
        for slip in [
            "29001011234568",
            "2900101123467",
            "29001012134567",
            "290010112345677",
        ] {
            assert!(is_near(id, pack(slip).unwrap()), "{slip}");
        }
        assert!(!is_near(id, pack("29001011234599").unwrap()));
    }

    #[test]
    fn the_structure_is_read() {
        let id = national_id(pack("29002290112357").unwrap());
        assert_eq!(id, None, "1990 had no 29 February");
        let id = national_id(pack("30002290112357").unwrap()).unwrap();
        assert_eq!(
            (id.birth_date.to_string().as_str(), id.governorate, id.male),
            ("2000-02-29", 1, true)
        );
        assert_eq!(national_id(pack("30002299912357").unwrap()), None);
    }

    #[test]
    fn phones_meet() {
        for text in [
            "01012345678",
            "+20 10 1234 5678",
            "00201012345678",
            "٠١٠ ١٢٣٤ ٥٦٧٨",
            "1012345678",
        ] {
            assert_eq!(phone(text).as_deref(), Some("+201012345678"), "{text}");
        }
        assert_eq!(phone("0223456789").as_deref(), Some("+20223456789"));
        assert_eq!(
            phone("+55 (12) 3923-5555").as_deref(),
            Some("+551239235555")
        );
        assert_eq!(phone("+1 23"), None);
        assert_eq!(phone("12345"), None);
    }
}
