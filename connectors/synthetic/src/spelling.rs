//! The ways in which a word is written otherwise than it is.

use crate::dice::Dice;

/// Which habits of Arabic spelling a writer has for one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent habits, any of which may hold"
)]
pub(crate) struct Habit {
    /// Every alef is written without its hamza or madda.
    pub(crate) hamza: bool,
    /// A final taa marbuta is written as haa.
    pub(crate) taa: bool,
    /// A final yaa and alef maqsura change places.
    pub(crate) yaa: bool,
    /// "Abd", "Abu", "El-Din" and "Allah" are written in one word with their neighbour.
    pub(crate) joined: bool,
}

impl Habit {
    /// Returns every combination, in the order of [`Habit::index`].
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..16_usize).map(|bits| Self {
            hamza: bits & 1 != 0,
            taa: bits & 2 != 0,
            yaa: bits & 4 != 0,
            joined: bits & 8 != 0,
        })
    }

    /// Returns the combination's number, 0 to 15.
    pub(crate) fn index(self) -> usize {
        usize::from(self.hamza)
            | usize::from(self.taa) << 1
            | usize::from(self.yaa) << 2
            | usize::from(self.joined) << 3
    }
}

/// Returns a text as a writer with these habits writes it.
pub(crate) fn arabic(text: &str, habit: Habit) -> String {
    let mut text = text.to_owned();
    if habit.joined {
        for (apart, together) in [
            ("عبد ", "عبد"),
            ("أبو ", "أبو"),
            (" الدين", "الدين"),
            (" الله", "الله"),
        ] {
            text = text.replace(apart, together);
        }
    }
    if habit.hamza {
        text = text.replace(['أ', 'إ', 'آ'], "ا");
    }
    let words: Vec<String> = text.split(' ').map(|word| endings(word, habit)).collect();
    words.join(" ")
}

fn endings(word: &str, habit: Habit) -> String {
    let swap = match word.chars().last() {
        Some('ة') if habit.taa => 'ه',
        Some('ي') if habit.yaa => 'ى',
        Some('ى') if habit.yaa => 'ي',
        _ => return word.to_owned(),
    };
    let mut changed: String = word.to_owned();
    changed.pop();
    changed.push(swap);
    changed
}

/// Letters that a slip of the finger puts in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alphabet {
    Arabic,
    Latin,
}

impl Alphabet {
    fn letter(self, dice: &mut Dice) -> char {
        let letters = match self {
            Self::Arabic => "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
            Self::Latin => "abcdefghijklmnopqrstuvwxyz",
        };
        let place = dice.below(letters.chars().count());
        letters.chars().nth(place).unwrap_or('ا')
    }
}

/// Makes one slip in one of the parts of a text: a letter replaced (45 %), put in (20 %), left out
/// (20 %) or swapped with the next (15 %). Texts of fewer than three letters stay as they are.
pub(crate) fn slip(parts: &mut [Option<String>], alphabet: Alphabet, dice: &mut Dice) {
    let letters = |part: &Option<String>| {
        let text = part.as_deref().unwrap_or_default();
        text.chars().filter(|c| *c != ' ').count()
    };
    let total: usize = parts.iter().map(letters).sum();
    if total < 3 {
        return;
    }
    let mut place = dice.below(total);
    for part in parts {
        let own = letters(part);
        if place < own {
            if let Some(text) = part {
                *text = slip_at(text, place, alphabet, dice);
            }
            return;
        }
        place -= own;
    }
}

fn slip_at(text: &str, place: usize, alphabet: Alphabet, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let mut inked = chars.iter().enumerate().filter(|(_, c)| **c != ' ');
    let Some(at) = inked.nth(place).map(|(at, _)| at) else {
        return text.to_owned();
    };
    match dice.weighted(&[0.45, 0.20, 0.20, 0.15]) {
        0 => chars[at] = alphabet.letter(dice),
        1 => chars.insert(at, alphabet.letter(dice)),
        2 => {
            chars.remove(at);
        }
        _ => {
            if chars.get(at + 1).is_some_and(|next| *next != ' ') {
                chars.swap(at, at + 1);
            }
        }
    }
    chars.into_iter().collect()
}

/// Returns a text with its European digits written as Arabic-Indic ones.
pub(crate) fn arabic_digits(text: &str) -> String {
    let digit = |c: char| match c.to_digit(10) {
        Some(value) => char::from_u32(0x660 + value).unwrap_or(c),
        None => c,
    };
    text.chars().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::{Alphabet, Habit, arabic, arabic_digits, slip};
    use crate::dice::{Dice, Use};

    #[test]
    fn habits_change_what_they_name() {
        let all = Habit {
            hamza: true,
            taa: true,
            yaa: true,
            joined: true,
        };
        assert_eq!(arabic("أسامة", all), "اسامه");
        assert_eq!(arabic("عبد الله", all), "عبدالله");
        assert_eq!(arabic("مصطفى", all), "مصطفي");
        assert_eq!(arabic("علي", Habit::default()), "علي");
        for (index, habit) in Habit::all().enumerate() {
            assert_eq!(habit.index(), index);
        }
        assert_eq!(arabic_digits("2/10"), "٢/١٠");
    }

    #[test]
    fn a_slip_changes_one_part_only() {
        let mut dice = Dice::at(3, Use::Record, [0; 3]);
        for _ in 0..200 {
            let mut parts = [Some("محمد".to_owned()), None, Some("علي".to_owned())];
            slip(&mut parts, Alphabet::Arabic, &mut dice);
            let kept = usize::from(parts[0].as_deref() == Some("محمد"))
                + usize::from(parts[2].as_deref() == Some("علي"));
            assert!(kept >= 1 && parts[1].is_none());
        }
    }
}
