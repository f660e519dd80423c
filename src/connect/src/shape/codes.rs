//! Lists of codes that Rabt has a meaning for, from `words/codes.toml`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::fold::fold;
use crate::shape::ListUse;

/// A list of codes with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// Male and female.
    Sex,
    /// Single, married, divorced, widowed.
    MaritalStatus,
    /// The two-digit codes of the national id.
    Governorate,
}

/// Words of one kind for the codes of a list: English words, Arabic ones, digits.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) list: List,
    pub(crate) digits: bool,
    /// Folded word and code, in the order of the words.
    pub(crate) words: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    unknown: Vec<String>,
    address: Vec<String>,
    list: Vec<FileList>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileList {
    id: List,
    #[serde(default)]
    digits: bool,
    words: BTreeMap<String, Vec<String>>,
}

/// Everything of the file, in folded form.
pub(super) struct Codes {
    /// Folded word and the word as it is written.
    unknown: HashMap<String, String>,
    address: BTreeSet<String>,
    families: Vec<Family>,
    /// Folded word and the families that have it.
    places: HashMap<String, Vec<usize>>,
}

static CODES: LazyLock<Codes> = LazyLock::new(|| {
    // A test reads the file, so that nothing is missing at run time.
    let file: File = toml::from_str(include_str!("../words/codes.toml")).unwrap_or(File {
        unknown: Vec::new(),
        address: Vec::new(),
        list: Vec::new(),
    });
    Codes::of(file)
});

impl Codes {
    fn of(file: File) -> Self {
        let families: Vec<Family> = file.list.into_iter().map(Family::of).collect();
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, family) in families.iter().enumerate() {
            for word in family.words.keys() {
                places.entry(word.clone()).or_default().push(place);
            }
        }
        let unknown = file.unknown.into_iter().map(|word| (fold(&word), word));
        Self {
            unknown: unknown.collect(),
            address: file.address.iter().map(|word| fold(word)).collect(),
            families,
            places,
        }
    }

    pub(super) fn shipped() -> &'static Self {
        &CODES
    }

    /// Says whether a folded text says that nothing is known.
    pub(super) fn is_unknown(&self, folded: &str) -> bool {
        self.unknown.contains_key(folded)
    }

    /// Says whether a folded text has a word of addresses in it.
    pub(super) fn has_address_word(&self, folded: &str) -> bool {
        let mut words = folded.split([' ', ',', '،']);
        words.any(|word| self.address.contains(word))
    }

    /// Returns the code that a folded text stands for in a list, by words and not by digits.
    pub(super) fn code(&self, list: List, folded: &str) -> Option<&str> {
        let places = self.places.get(folded)?;
        let families = places.iter().map(|place| &self.families[*place]);
        let mut named = families.filter(|family| family.list == list && !family.digits);
        named.next()?.words.get(folded).map(String::as_str)
    }

    /// Says whether a number is the code of a governorate.
    pub(super) fn is_governorate(&self, number: &str) -> bool {
        let of_list = |family: &&Family| family.list == List::Governorate;
        let mut codes = self.families.iter().filter(of_list);
        codes.any(|family| family.words.values().any(|code| code == number))
    }
}

/// Returns the families of a list.
pub(crate) fn list(list: List) -> impl Iterator<Item = &'static Family> {
    CODES
        .families
        .iter()
        .filter(move |family| family.list == list)
}

impl Family {
    fn of(list: FileList) -> Self {
        let words = list.words.into_iter().flat_map(|(code, words)| {
            let pair = move |word: String| (fold(&word), code.clone());
            words.into_iter().map(pair)
        });
        Self {
            list: list.id,
            digits: list.digits,
            words: words.collect(),
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sex => "sex",
            Self::MaritalStatus => "marital_status",
            Self::Governorate => "governorate",
        })
    }
}

/// Counts the values of a column that are of a list.
#[derive(Clone, Default)]
pub(super) struct ListCounts {
    families: BTreeMap<usize, (u32, BTreeSet<&'static str>)>,
}

impl ListCounts {
    /// Counts one folded text.
    pub(super) fn push(&mut self, folded: &str) {
        let Some(places) = CODES.places.get(folded) else {
            return;
        };
        for place in places {
            let Some((word, _)) = CODES.families[*place].words.get_key_value(folded) else {
                continue;
            };
            let (count, words) = self.families.entry(*place).or_default();
            *count += 1;
            words.insert(word.as_str());
        }
    }

    /// Returns the lists. A list is as often used as its words of all families together.
    pub(super) fn uses(&self) -> Vec<ListUse> {
        let mut lists: BTreeMap<List, (u32, BTreeSet<&'static str>)> = BTreeMap::new();
        for (place, (count, words)) in &self.families {
            let (values, all) = lists.entry(CODES.families[*place].list).or_default();
            *values += count;
            all.extend(words);
        }
        let used = |(list, (values, words)): (List, (u32, BTreeSet<&'static str>))| ListUse {
            list,
            values,
            words: words.into_iter().collect(),
        };
        lists.into_iter().map(used).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Codes, File, List, ListCounts};
    use crate::fold::fold;

    #[test]
    fn the_file_is_read_whole() {
        let file: File = toml::from_str(include_str!("../words/codes.toml")).unwrap();
        let codes = Codes::of(file);
        assert!(codes.families.len() >= 11);
        assert!(codes.is_unknown(&fold("غير معروفة")));
        assert!(codes.has_address_word(&fold("12 شارع عباس")));
        assert_eq!(codes.code(List::Governorate, "asyut"), Some("25"));
        assert!(codes.is_governorate("35") && !codes.is_governorate("05"));
    }

    #[test]
    fn lists_are_counted_by_word() {
        let mut counts = ListCounts::default();
        for word in ["ذكر", "أنثى", "أنثى", "x"] {
            counts.push(&fold(word));
        }
        let uses = counts.uses();
        assert_eq!(uses.len(), 1);
        assert_eq!((uses[0].list, uses[0].values), (List::Sex, 3));
        assert_eq!(uses[0].words, ["انثي", "ذكر"]);
    }
}
