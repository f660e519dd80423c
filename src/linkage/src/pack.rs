//! A pack: what the standardiser must know about the records of one country.
//!
//! A pack is a folder of data (`packs/egypt`): words and their roles, names with their spellings,
//! consonants, the layout of the national id, the plan of telephone numbers. Another country is
//! another folder. Invariant: no rule of one country stands in code.

mod lexicon;

use std::sync::{Arc, LazyLock};

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

pub(crate) use lexicon::Classes;
pub use lexicon::Lexicon;

use crate::standardise::script::Script;

/// The data of a country.
#[derive(Debug, Clone, Default)]
pub struct Pack {
    /// The name by which models choose it.
    pub id: String,
    pub(crate) placeholders: FxHashSet<String>,
    pub(crate) names: Names,
    pub(crate) skeleton: Skeletons,
    pub(crate) national_id: Option<NationalIdLayout>,
    pub(crate) phone: PhonePlan,
    pub(crate) address_fillers: FxHashSet<String>,
    pub(crate) sex: Sexes,
    pub(crate) lexicon: Lexicon,
}

/// Words with a role in names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Names {
    pub(crate) optional_first: String,
    pub(crate) particles: FxHashSet<String>,
    pub(crate) suffixes: FxHashSet<String>,
    pub(crate) prefixes: FxHashMap<String, String>,
    #[serde(default)]
    pub(crate) seconds: Vec<Second>,
    /// Letters that are written once where they are spelt twice.
    #[serde(default)]
    pub(crate) once: String,
    /// Letters at the end of a word that make another name of it.
    #[serde(default)]
    pub(crate) endings: String,
    #[serde(default)]
    pub(crate) beginnings: Vec<Beginning>,
    #[serde(default)]
    pub(crate) articles: Vec<Article>,
}

/// A beginning of a word that is written in several ways.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beginning {
    pub(crate) written: Vec<String>,
    pub(crate) key: String,
    pub(crate) least: usize,
}

/// An article that is set aside.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Article {
    pub(crate) text: String,
    pub(crate) least: usize,
    pub(crate) keeps: FxHashSet<String>,
}

/// The consonants of both scripts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skeletons {
    pub(crate) arabic: Consonants,
    pub(crate) latin: Consonants,
}

/// Letters and what they stand for in a skeleton.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consonants {
    /// Whether a sound written twice is heard once.
    #[serde(default)]
    pub(crate) doubled: bool,
    pub(crate) letters: Vec<(String, String)>,
    pub(crate) initial: Vec<(String, String)>,
    pub(crate) r#final: Vec<(String, String)>,
    /// Letters without a sound of their own in the skeleton, and the vowel they are: `a`, `e`,
    /// `i`, `o`, or `-` for one that carries any.
    #[serde(default)]
    pub(crate) vowels: Vec<(String, String)>,
}

impl Skeletons {
    /// Returns the consonants of a script.
    pub(crate) fn of(&self, script: Script) -> &Consonants {
        match script {
            Script::Latin => &self.latin,
            Script::Arabic | Script::Other => &self.arabic,
        }
    }
}

/// The second word of a compound: one only behind certain words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Second {
    pub(crate) written: Vec<String>,
    pub(crate) behind: FxHashSet<String>,
}

/// Where a national id holds what; places are counted from 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NationalIdLayout {
    pub(crate) length: usize,
    #[serde(deserialize_with = "centuries")]
    pub(crate) century: FxHashMap<u8, i16>,
    pub(crate) date: usize,
    pub(crate) region: usize,
    pub(crate) sex: usize,
    pub(crate) check: CheckDigit,
    #[serde(skip)]
    pub(crate) regions: FxHashSet<u8>,
}

/// How the last digit is thought to follow from the others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckDigit {
    pub(crate) weights: Vec<u32>,
    pub(crate) modulus: u32,
}

/// How telephone numbers of the country are built.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhonePlan {
    pub(crate) country: String,
    pub(crate) trunk: String,
    pub(crate) mobile: MobilePlan,
    pub(crate) land: LandPlan,
}

/// Mobile numbers: these prefixes, this many digits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MobilePlan {
    pub(crate) prefixes: Vec<String>,
    pub(crate) length: usize,
}

/// Land lines with their area code: these lengths, not beginning with these digits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LandPlan {
    pub(crate) lengths: Vec<usize>,
    pub(crate) not_after: Vec<String>,
}

/// How the sexes are written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sexes {
    pub(crate) male: FxHashSet<String>,
    pub(crate) female: FxHashSet<String>,
}

/// Keys of TOML tables are texts; these are digits.
fn centuries<'de, D: serde::Deserializer<'de>>(from: D) -> Result<FxHashMap<u8, i16>, D::Error> {
    let table: FxHashMap<String, i16> = Deserialize::deserialize(from)?;
    let read = |(digit, century): (String, i16)| digit.parse().map(|digit| (digit, century));
    let read: Result<_, std::num::ParseIntError> = table.into_iter().map(read).collect();
    read.map_err(serde::de::Error::custom)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    id: String,
    placeholders: FxHashSet<String>,
    names: Names,
    skeleton: Skeletons,
    national_id: Option<NationalIdLayout>,
    phone: PhonePlan,
    address: AddressFile,
    sex: Sexes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressFile {
    fillers: FxHashSet<String>,
}

static EGYPT: LazyLock<Result<Arc<Pack>, String>> = LazyLock::new(|| {
    Pack::read(
        include_str!("packs/egypt/pack.toml"),
        include_str!("packs/egypt/names.csv"),
        include_str!("packs/egypt/governorates.csv"),
    )
    .map(Arc::new)
});

/// Made once: every model that names no pack asks for it.
static GENERAL: LazyLock<Arc<Pack>> = LazyLock::new(|| {
    let mut pack = EGYPT.as_deref().cloned().unwrap_or_default();
    pack.id = String::new();
    pack.lexicon = Lexicon::default();
    pack.national_id = None;
    Arc::new(pack)
});

impl Pack {
    /// The packs that come with the engine.
    pub const SHIPPED: [&'static str; 1] = ["egypt"];

    /// Returns a pack that comes with the engine.
    ///
    /// # Errors
    /// A sentence that says which packs there are, or what is broken in the pack.
    pub fn shipped(id: &str) -> Result<Arc<Self>, String> {
        match id {
            "egypt" => EGYPT.clone(),
            other => Err(format!(
                "there is no pack '{other}'; the packs are: {}",
                Self::SHIPPED.join(", ")
            )),
        }
    }

    /// Returns the pack of models that name none: scripts are folded and compared as in the
    /// shipped pack, but there is no lexicon and no national id.
    pub(crate) fn general() -> Arc<Self> {
        Arc::clone(&GENERAL)
    }

    /// Says whether a text that only says that nothing is known may begin with this folded word.
    pub(crate) fn begins_placeholder(&self, word: &str) -> bool {
        let first = |text: &String| text.split(' ').next() == Some(word);
        self.placeholders.iter().any(first)
    }

    /// Reads the three files of a pack.
    ///
    /// # Errors
    /// A sentence with the file and the line.
    pub fn read(pack: &str, names: &str, regions: &str) -> Result<Self, String> {
        let file: PackFile =
            toml::from_str(pack).map_err(|error| format!("pack.toml: {}", error.message()))?;
        let mut pack = Self {
            id: file.id,
            placeholders: file.placeholders,
            names: file.names,
            skeleton: file.skeleton,
            national_id: file.national_id,
            phone: file.phone,
            address_fillers: file.address.fillers,
            sex: file.sex,
            lexicon: Lexicon::default(),
        };
        if let Some(layout) = &mut pack.national_id {
            for (at, line) in regions.lines().enumerate() {
                let code = line.split('|').next().and_then(|code| code.parse().ok());
                let code = code.ok_or_else(|| {
                    format!("governorates.csv line {}: no code of a region", at + 1)
                })?;
                layout.regions.insert(code);
            }
        }
        pack.lexicon = Lexicon::parse(&pack, names)
            .map_err(|(line, what)| format!("names.csv line {line}: {what}"))?;
        Ok(pack)
    }
}

#[cfg(test)]
mod tests;
