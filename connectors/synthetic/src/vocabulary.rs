//! Names and places, from the files in `vocabulary/`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::dice::Dice;
use crate::spelling;

/// A name in the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NameId(u16);

/// One name: its Arabic spellings by habit (see [`spelling::Habit`]) and its Latin ones, the most
/// usual first.
#[derive(Debug)]
pub(crate) struct Word {
    arabic: Vec<String>,
    latin: Vec<String>,
}

/// The names of one kind, with how often each is given.
#[derive(Debug)]
pub(crate) struct Pool {
    names: Vec<NameId>,
    cumulative: Vec<f64>,
}

/// The name pools of one community.
#[derive(Debug)]
pub(crate) struct Community {
    pub(crate) male: Pool,
    pub(crate) female: Pool,
    pub(crate) family: Pool,
}

/// A governorate and what lies in it.
#[derive(Debug)]
pub(crate) struct Governorate {
    pub(crate) code: String,
    pub(crate) number: u64,
    pub(crate) arabic: String,
    pub(crate) english: String,
    pub(crate) districts: Vec<String>,
}

/// Everything that is drawn from.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    words: Vec<Word>,
    pub(crate) mohamed: NameId,
    pub(crate) muslim: Community,
    pub(crate) coptic: Community,
    pub(crate) governorates: Vec<Governorate>,
    pub(crate) governorate_weights: Vec<f64>,
    pub(crate) streets: Vec<String>,
}

static SHIPPED: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::read);

impl Vocabulary {
    /// Returns the vocabulary that is compiled in.
    pub(crate) fn shipped() -> &'static Self {
        &SHIPPED
    }

    fn read() -> Self {
        let mut words = Words::default();
        let muslim = Community {
            male: words.pool(include_str!("../vocabulary/male.csv")),
            female: words.pool(include_str!("../vocabulary/female.csv")),
            family: words.pool(include_str!("../vocabulary/family.csv")),
        };
        let coptic = Community {
            male: words.pool(include_str!("../vocabulary/male_coptic.csv")),
            female: words.pool(include_str!("../vocabulary/female_coptic.csv")),
            family: words.pool(include_str!("../vocabulary/family_coptic.csv")),
        };
        let (governorates, governorate_weights) =
            governorates(include_str!("../vocabulary/governorates.csv"));
        let streets = lines(include_str!("../vocabulary/streets.csv"));
        Self {
            mohamed: muslim.male.names[0],
            words: words.words,
            muslim,
            coptic,
            governorates,
            governorate_weights,
            streets: streets.map(ToOwned::to_owned).collect(),
        }
    }

    /// Returns a name as an agency with these habits writes it in Arabic.
    pub(crate) fn arabic(&self, name: NameId, habit: spelling::Habit) -> &str {
        &self.words[usize::from(name.0)].arabic[habit.index()]
    }

    /// Returns one of a name's Latin spellings; the first is the most usual.
    pub(crate) fn latin(&self, name: NameId, dice: &mut Dice) -> &str {
        let spellings = &self.words[usize::from(name.0)].latin;
        let both = dice.below(spellings.len()).min(dice.below(spellings.len()));
        &spellings[both]
    }

    /// Returns the name's most usual Latin spelling.
    pub(crate) fn usual_latin(&self, name: NameId) -> &str {
        &self.words[usize::from(name.0)].latin[0]
    }

    /// Returns a governorate's index, in proportion to population.
    pub(crate) fn draw_governorate(&self, dice: &mut Dice) -> usize {
        dice.weighted(&self.governorate_weights)
    }
}

impl Pool {
    /// Draws a name as often as it is given: Zipf-Mandelbrot, 1 / (rank + 2.5)^1.05.
    pub(crate) fn draw(&self, dice: &mut Dice) -> NameId {
        let wanted = dice.unit();
        let place = self.cumulative.partition_point(|edge| *edge <= wanted);
        self.names[place.min(self.names.len() - 1)]
    }

    fn of(names: Vec<NameId>) -> Self {
        let mut sum = 0.0;
        let mut cumulative = Vec::with_capacity(names.len());
        for rank in 0..u32::try_from(names.len()).unwrap_or(u32::MAX) {
            sum += (f64::from(rank) + 2.5).powf(-1.05);
            cumulative.push(sum);
        }
        for edge in &mut cumulative {
            *edge /= sum;
        }
        Self { names, cumulative }
    }

    /// Returns how many names there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

#[derive(Default)]
struct Words {
    words: Vec<Word>,
    known: HashMap<String, NameId>,
}

impl Words {
    fn pool(&mut self, text: &str) -> Pool {
        let names = lines(text).filter_map(|line| line.split_once(','));
        Pool::of(names.map(|(ar, latin)| self.add(ar, latin)).collect())
    }

    /// The first list that has a name decides its Latin spellings: a spelling belongs to the name
    /// and not to the list.
    fn add(&mut self, arabic: &str, latin: &str) -> NameId {
        if let Some(known) = self.known.get(arabic) {
            return *known;
        }
        let id = NameId(u16::try_from(self.words.len()).unwrap_or(u16::MAX));
        self.words.push(Word {
            arabic: spelling::Habit::all()
                .map(|habit| spelling::arabic(arabic, habit))
                .collect(),
            latin: latin.split('|').map(ToOwned::to_owned).collect(),
        });
        self.known.insert(arabic.to_owned(), id);
        id
    }
}

/// Returns the lines of a vocabulary file without its comments and its header.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let data = text.lines().filter(|line| !line.starts_with('#'));
    data.skip(1).filter(|line| !line.is_empty())
}

fn governorates(text: &str) -> (Vec<Governorate>, Vec<f64>) {
    let mut all = Vec::new();
    let mut weights = Vec::new();
    for line in lines(text) {
        let mut fields = line.split(',');
        let mut field = || fields.next().unwrap_or_default().to_owned();
        let (code, arabic, english, weight) = (field(), field(), field(), field());
        weights.push(weight.parse().unwrap_or(0.0));
        all.push(Governorate {
            number: code.parse().unwrap_or(0),
            code,
            arabic,
            english,
            districts: field().split('|').map(ToOwned::to_owned).collect(),
        });
    }
    (all, weights)
}

#[cfg(test)]
mod tests {
    use super::Vocabulary;

    #[test]
    fn is_large_enough_and_whole() {
        let all = Vocabulary::shipped();
        assert!(all.muslim.male.len() >= 230);
        assert!(all.muslim.female.len() >= 140);
        assert!(all.muslim.family.len() >= 220);
        assert_eq!(all.governorates.len(), 27);
        assert!(all.streets.len() >= 60);
        for word in &all.words {
            assert!((1..=4).contains(&word.latin.len()), "{:?}", word.arabic);
            assert!(word.latin.iter().all(|latin| latin.is_ascii()));
        }
        for governorate in &all.governorates {
            assert!(governorate.number > 0 && governorate.districts.len() > 2);
        }
    }
}
