//! Addresses: the house number, the street's first words, and the whole.

use super::script::letters;
use crate::pack::Pack;

/// The parts of an address that are compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// The house number; zero when unknown.
    pub(super) house: u32,
    /// The first two words of the street, without the word for "street".
    pub(super) street: String,
}

/// Splits an address as it is written.
pub(super) fn parts(pack: &Pack, text: &str) -> Parts {
    let plain = letters(text);
    let mut house = 0;
    let mut street = String::with_capacity(plain.len());
    let mut words = 0;
    // Only the two words of the street, and a number right behind them, are kept.
    for word in plain.split(' ') {
        if word.is_empty() || pack.address_fillers.contains(word) {
            continue;
        }
        match word.parse::<u32>() {
            // The first number before any word is the house; `26 يوليو` keeps its own.
            Ok(number) if house == 0 && words == 0 => house = number,
            // Where none stands in front, the first number behind the street is the house.
            Ok(number) if house == 0 => {
                house = number;
                if words >= 2 {
                    break;
                }
            }
            _ if words < 2 => {
                if words > 0 {
                    street.push(' ');
                }
                street.push_str(word);
                words += 1;
                if words == 2 && house != 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    Parts { house, street }
}

#[cfg(test)]
mod tests {
    use crate::pack::Pack;

    #[test]
    fn spellings_of_an_address_meet() {
        let pack = Pack::shipped("egypt").unwrap();
        let parts = |text| super::parts(&pack, text);
        let left = parts("12 شارع النصر مدينة نصر");
        for text in [
            "12 ش النصر مدينة نصر",
            "١٢ ش. النصر مدينه نصر",
            "رقم 12 شارع النصر، مدينة نصر",
        ] {
            assert_eq!(parts(text), left, "{text}");
        }
        assert_eq!(
            parts("ش 26 يوليو").house,
            26,
            "a number alone is taken for the house"
        );
        assert_eq!(parts("5 ش 26 يوليو").street, "26 يوليو");
        assert_eq!(parts("").house, 0);
        let behind = parts("Theodor-Heuss-Straße 34 Stuttgart");
        assert_eq!(
            (behind.house, behind.street.as_str()),
            (34, "theodor heuss")
        );
    }
}
