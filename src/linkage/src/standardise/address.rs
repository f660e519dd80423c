//! Addresses: the house number, the street's first words, and the whole.

use super::script::letters;

/// The parts of an address that are compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// The house number; zero when unknown.
    pub(super) house: u32,
    /// The first two words of the street, without the word for "street".
    pub(super) street: String,
    /// House number, street and what follows.
    pub(super) whole: String,
}

/// Words that say "street", "square" or "house" and tell no address from another.
const FILLERS: [&str; 11] = [
    "شارع",
    "ش",
    "شار",
    "ميدان",
    "عماره",
    "رقم",
    "منزل",
    "st",
    "street",
    "road",
    "rd",
];

/// Splits an address as it is written.
pub(super) fn parts(text: &str) -> Parts {
    let plain = letters(text);
    let mut house = 0;
    let mut words: Vec<&str> = Vec::new();
    for word in plain.split(' ') {
        if FILLERS.contains(&word) || word.is_empty() {
            continue;
        }
        match word.parse::<u32>() {
            // The first number before any word is the house; `26 يوليو` keeps its own.
            Ok(number) if house == 0 && words.is_empty() => house = number,
            _ => words.push(word),
        }
    }
    // Where none stands in front, the first number behind the street is the house.
    if house == 0
        && let Some(at) = words.iter().position(|word| word.parse::<u32>().is_ok())
    {
        house = words.remove(at).parse().unwrap_or(0);
    }
    let street: Vec<&str> = words.iter().take(2).copied().collect();
    Parts {
        house,
        street: street.join(" "),
        whole: format!("{house} {}", words.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn spellings_of_an_address_meet() {
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
