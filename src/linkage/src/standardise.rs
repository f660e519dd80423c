//! Standardisation: text columns in, fixed-size cards of codes out.
//!
//! Every record becomes one card, a row of 32-bit words that are dictionary codes, packed dates or
//! packed digits; a zero word is an absent value. A card holds everything a comparison needs, so a
//! pair costs two fetches. Invariant: what a card means depends on the record alone, never on the
//! records before it; only the numbering of the dictionaries does, and no result shows it.

mod address;
pub(crate) mod date;
mod dictionary;
pub(crate) mod identifier;
mod lexicon;
pub(crate) mod name;
pub(crate) mod script;

use sha2::{Digest, Sha256};

pub(crate) use dictionary::{NameTable, TextTable};
pub use lexicon::Lexicon;

use crate::model::{ColumnType, LinkageModel};
use name::CHAIN;

/// Where a column lies in a card.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) offset: usize,
    pub(crate) width: usize,
}

/// A growing batch of standardised records.
#[derive(Debug)]
pub(crate) struct Standardised {
    pub(crate) slots: Vec<Slot>,
    stride: usize,
    cards: Vec<u32>,
    identities: Vec<u128>,
    pub(crate) names: NameTable,
    pub(crate) texts: TextTable,
    placeholders: u64,
}

/// The text cells of one record, in the order of the model's columns. A column that may hold
/// several values separates them by U+001F.
pub type Cells<'a> = [Option<&'a str>];

impl Standardised {
    /// Returns an empty batch for records of this model.
    pub(crate) fn new(model: &LinkageModel) -> Self {
        let mut offset = 0;
        let mut slots = Vec::with_capacity(model.columns.len());
        for column in &model.columns {
            let width = match column.kind {
                ColumnType::Name => CHAIN,
                ColumnType::Digits | ColumnType::NationalId | ColumnType::Phone => 2 * column.many,
                ColumnType::Text | ColumnType::Code | ColumnType::Sex | ColumnType::Date => 1,
                ColumnType::Address => 3,
            };
            slots.push(Slot { offset, width });
            offset += width;
        }
        Self {
            slots,
            stride: offset,
            cards: Vec::new(),
            identities: Vec::new(),
            names: NameTable::new(),
            texts: TextTable::new(),
            placeholders: 0,
        }
    }

    /// Adds one record. `identity` is the text that names it: it breaks ties, so that results do
    /// not depend on arrival.
    ///
    /// # Panics
    /// When `cells` has another length than the model has columns.
    pub(crate) fn push(&mut self, model: &LinkageModel, identity: &str, cells: &Cells<'_>) {
        assert_eq!(
            cells.len(),
            model.columns.len(),
            "one cell for every column of the model"
        );
        let start = self.cards.len();
        self.cards.resize(start + self.stride, 0);
        for (index, cell) in cells.iter().enumerate() {
            let Some(text) = cell else { continue };
            self.write(model, start, index, text);
        }
        self.fill_gaps(model, start);
        let digest = Sha256::digest(identity.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        self.identities.push(u128::from_be_bytes(bytes));
    }

    /// Returns the number of records.
    pub(crate) fn len(&self) -> usize {
        self.identities.len()
    }

    /// Returns the number of values that were set aside as placeholders.
    pub(crate) fn placeholders(&self) -> u64 {
        self.placeholders
    }

    pub(crate) fn card(&self, row: u32) -> &[u32] {
        let start = row as usize * self.stride;
        &self.cards[start..start + self.stride]
    }

    /// Returns the number by which equal weights are ordered.
    pub(crate) fn identity(&self, row: u32) -> u128 {
        self.identities[row as usize]
    }

    fn write(&mut self, model: &LinkageModel, start: usize, column: usize, text: &str) {
        let Slot { offset, width } = self.slots[column];
        let at = start + offset;
        match model.columns[column].kind {
            ColumnType::Name => {
                if is_unknown(&script::letters(text)) {
                    self.placeholders += 1;
                    return;
                }
                let words = name::words(text);
                for (place, word) in words.iter().enumerate().take(CHAIN) {
                    self.cards[at + place] = self.names.code(&model.lexicon, word);
                }
            }
            ColumnType::Text | ColumnType::Code => {
                let plain = script::letters(text);
                if is_unknown(&plain) {
                    self.placeholders += 1;
                } else if !plain.is_empty() {
                    self.cards[at] = self.texts.code(&plain);
                }
            }
            ColumnType::Sex => {
                if let Some(sex) = sex(&script::letters(text)) {
                    self.cards[at] = self.texts.code(sex);
                }
            }
            ColumnType::Digits | ColumnType::NationalId => {
                self.write_digits(at, width, text, identifier::pack);
            }
            ColumnType::Phone => self.write_digits(at, width, text, |part| {
                identifier::phone(part)
                    .as_deref()
                    .and_then(identifier::pack)
            }),
            ColumnType::Date => match date::parse(text) {
                Some(date) if date.year() > 1900 => self.cards[at] = date::pack(date),
                Some(_) => self.placeholders += 1,
                None => {}
            },
            ColumnType::Address => {
                let parts = address::parts(text);
                self.cards[at] = parts.house;
                for (place, words) in [(1, &parts.street), (2, &parts.whole)] {
                    if !words.is_empty() {
                        self.cards[at + place] = self.texts.code(words);
                    }
                }
            }
        }
    }

    fn write_digits(
        &mut self,
        at: usize,
        width: usize,
        text: &str,
        read: impl Fn(&str) -> Option<u64>,
    ) {
        let mut values: Vec<u64> = Vec::new();
        for part in text.split('\u{1f}') {
            match read(part) {
                Some(packed) if identifier::is_filler(packed) => self.placeholders += 1,
                Some(packed) if !values.contains(&packed) => values.push(packed),
                _ => {}
            }
        }
        // Sorted, so that the order in which a source lists its numbers changes nothing.
        values.sort_unstable();
        for (place, packed) in values.into_iter().enumerate().take(width / 2) {
            let [low, high] = halves(packed);
            self.cards[at + 2 * place] = low;
            self.cards[at + 2 * place + 1] = high;
        }
    }

    /// Fills an absent date of birth or sex from a structurally valid national id.
    fn fill_gaps(&mut self, model: &LinkageModel, start: usize) {
        for (index, column) in model.columns.iter().enumerate() {
            let Some(from) = column.fill_from else {
                continue;
            };
            let at = start + self.slots[index].offset;
            if self.cards[at] != 0 {
                continue;
            }
            let packed = digits_at(&self.cards[start..], self.slots[from].offset);
            let Some(id) = identifier::national_id(packed) else {
                continue;
            };
            if column.kind == ColumnType::Date {
                self.cards[at] = date::pack(id.birth_date);
            } else if column.kind == ColumnType::Sex {
                self.cards[at] = self.texts.code(if id.male { "male" } else { "female" });
            }
        }
    }
}

/// Returns the packed digits at a place of a card.
pub(crate) fn digits_at(card: &[u32], offset: usize) -> u64 {
    u64::from(card[offset]) | u64::from(card[offset + 1]) << 32
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of 64 bits")]
const fn halves(packed: u64) -> [u32; 2] {
    [packed as u32, (packed >> 32) as u32]
}

/// Reads a sex; a code that is not one of these is absent.
fn sex(plain: &str) -> Option<&'static str> {
    match plain {
        "m" | "male" | "man" | "ذكر" | "1" => Some("male"),
        "f" | "female" | "woman" | "انثي" | "2" => Some("female"),
        _ => None,
    }
}

/// Words that clerks write where nothing is known.
fn is_unknown(plain: &str) -> bool {
    matches!(
        plain,
        "غير معروف"
            | "غير معروفه"
            | "لا يوجد"
            | "لايوجد"
            | "مجهول"
            | "unknown"
            | "null"
            | "none"
            | "na"
            | "n a"
            | "xxx"
            | "test"
    )
}

#[cfg(test)]
mod tests;
