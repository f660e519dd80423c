//! Numbers: packed digits, and what the structure of a national id says.

use rabt_model::PartialDate;

use super::script::ascii_digit;
use crate::pack::{NationalIdLayout, Pack, PhonePlan};

/// A number of up to 16 digits: four bits a digit holding the digit plus one, first digit lowest,
/// so that leading zeros and the length are kept. Zero is absent.
pub(crate) type Packed = u64;

/// Packs the digits of `text`; `None` when there is none or there are more than 16.
pub(crate) fn pack(text: &str) -> Option<Packed> {
    let mut packed = 0;
    let mut count = 0;
    for digit in text.chars().filter_map(ascii_digit) {
        if count == 16 {
            return None;
        }
        // `ascii_digit` gives '0' to '9'.
        packed |= u64::from(u32::from(digit) - u32::from('0') + 1) << (count * 4);
        count += 1;
    }
    (count > 0).then_some(packed)
}

/// Returns the number of digits.
pub(crate) const fn length(packed: Packed) -> u32 {
    (67 - packed.leading_zeros()) / 4
}

/// Returns the digit at a place, counted from 0; the number must be longer than that.
const fn digit(packed: Packed, place: usize) -> u8 {
    ((packed >> (place * 4)) & 15) as u8 - 1
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
pub(crate) const fn is_near(left: Packed, right: Packed) -> bool {
    let (short, long) = if length(left) <= length(right) {
        (left, right)
    } else {
        (right, left)
    };
    let first = (short ^ long).trailing_zeros() & !3;
    if first >= 64 {
        return true;
    }
    let (rest, other) = (short >> first, long >> first);
    match length(long) - length(short) {
        0 => {
            let beyond = rest >> 4 == other >> 4;
            let swapped = rest & 15 == (other >> 4) & 15
                && (rest >> 4) & 15 == other & 15
                && rest >> 8 == other >> 8;
            beyond || (swapped && rest >> 4 != 0)
        }
        1 => rest == other >> 4,
        _ => false,
    }
}

/// Returns the number of places in which two numbers differ.
pub(crate) const fn differing_places(left: Packed, right: Packed) -> u32 {
    let differing = left ^ right;
    let low = differing | differing >> 1 | differing >> 2 | differing >> 3;
    (low & 0x1111_1111_1111_1111).count_ones()
}

/// Says whether a number is one repeated digit, which is how clerks fill a field they must fill.
pub(crate) const fn is_filler(packed: Packed) -> bool {
    let length = length(packed);
    if length <= 3 {
        return false;
    }
    let repeated = (packed & 15) * (0x1111_1111_1111_1111 >> (64 - 4 * length));
    packed == repeated
}

/// What the structure of a national id says. The check digit's official rule is not published, so
/// whether it holds is evidence and no condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NationalId {
    /// The embedded date of birth.
    pub birth_date: PartialDate,
    /// The embedded governorate of birth, 1 to 88.
    pub governorate: u8,
    /// Whether the serial is a man's.
    pub male: bool,
    /// Whether the last digit follows from the others by the circulated rule.
    pub check_holds: bool,
}

/// Reads a national id by a pack's layout; `None` when its structure cannot be one.
pub(crate) fn national_id(layout: &NationalIdLayout, packed: Packed) -> Option<NationalId> {
    if length(packed) as usize != layout.length {
        return None;
    }
    let two = |at: usize| digit(packed, at) * 10 + digit(packed, at + 1);
    let century = *layout.century.get(&digit(packed, 0))?;
    let (year, month, day) = (two(layout.date), two(layout.date + 2), two(layout.date + 4));
    let birth_date = PartialDate::of_day(century + i16::from(year), month, day)?;
    let governorate = two(layout.region);
    if !layout.regions.contains(&governorate) {
        return None;
    }
    let weighted = layout.check.weights.iter().enumerate();
    let sum: u32 = weighted
        .map(|(at, weight)| u32::from(digit(packed, at)) * weight)
        .sum();
    let modulus = layout.check.modulus;
    let expected = (modulus - sum % modulus) % 10;
    Some(NationalId {
        birth_date,
        governorate,
        male: digit(packed, layout.sex) % 2 == 1,
        check_holds: u32::from(digit(packed, layout.length - 1)) == expected,
    })
}

/// Returns a telephone number as E.164 digits, or `None` when `text` is not one. Without a country
/// it is one of the pack's: a mobile, or a land line with its area code. With the country of
/// another it is taken as it is, 8 to 15 digits.
pub(crate) fn phone(pack: &Pack, text: &str) -> Option<String> {
    let packed = phone_digits(&pack.phone, text)?;
    let digits = unpack(packed)
        .into_iter()
        .map(|digit| char::from(b'0' + digit));
    Some(std::iter::once('+').chain(digits).collect())
}

/// As [`phone`], packed, without the sign.
pub(crate) fn phone_digits(plan: &PhonePlan, text: &str) -> Option<Packed> {
    let mut buffer = [0; 20];
    let mut count = 0;
    for digit in text.chars().filter_map(ascii_digit) {
        *buffer.get_mut(count)? = u8::try_from(digit).ok()?;
        count += 1;
    }
    let digits = std::str::from_utf8(&buffer[..count]).ok()?;
    let country = plan.country.as_str();
    if text.trim_start().starts_with('+') && !digits.starts_with(country) {
        return if (8..=15).contains(&count) {
            pack(digits)
        } else {
            None
        };
    }
    let local = match digits
        .strip_prefix("00")
        .and_then(|rest| rest.strip_prefix(country))
    {
        Some(rest) => rest,
        None => digits
            .strip_prefix(country)
            .filter(|rest| rest.len() >= 9)
            .unwrap_or(digits),
    };
    let national = local.strip_prefix(plan.trunk.as_str()).unwrap_or(local);
    let begins = |with: &[String]| {
        with.iter()
            .any(|prefix| national.starts_with(prefix.as_str()))
    };
    let mobile = national.len() == plan.mobile.length && begins(&plan.mobile.prefixes);
    let land = plan.land.lengths.contains(&national.len()) && !begins(&plan.land.not_after);
    if !(mobile || land) {
        return None;
    }
    let code = pack(country)?;
    let shift = 4 * length(code);
    Some(code | pack(national)?.checked_shl(shift)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{differing_places, is_filler, is_near, length, pack, unpack};
    use crate::pack::Pack;

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
        let egypt = Pack::shipped("egypt").unwrap();
        let layout = egypt.national_id.as_ref().unwrap();
        let read = |text| super::national_id(layout, pack(text).unwrap());
        let id = read("29002290112357");
        assert_eq!(id, None, "1990 had no 29 February");
        let id = read("30002290112357").unwrap();
        assert_eq!(
            (id.birth_date.to_string().as_str(), id.governorate, id.male),
            ("2000-02-29", 1, true)
        );
        assert_eq!(read("30002299912357"), None);
    }

    #[test]
    fn phones_meet() {
        let egypt = Pack::shipped("egypt").unwrap();
        let phone = |text| super::phone(&egypt, text);
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

    proptest! {
        #![proptest_config(crate::soak::cases(500))]

        #[test]
        fn kernels_agree_with_the_plain_way(left in "[0-3]{1,16}", right in "[0-3]{1,16}") {
            let (a, b) = (pack(&left).unwrap(), pack(&right).unwrap());
            prop_assert_eq!(length(a) as usize, left.len());
            prop_assert_eq!(is_near(a, b), strsim::osa_distance(&left, &right) <= 1);
            if left.len() == right.len() {
                let differing = left.bytes().zip(right.bytes()).filter(|(a, b)| a != b).count();
                prop_assert_eq!(differing_places(a, b) as usize, differing);
            }
            let one = left.len() > 3 && left.bytes().all(|byte| byte == left.as_bytes()[0]);
            prop_assert_eq!(is_filler(a), one);
        }
    }
}
