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
pub(crate) mod name;
pub(crate) mod script;
mod store;
mod text_map;
pub(crate) mod value;
pub(crate) mod vowels;
mod words;

use sha2::{Digest, Sha256};

pub(crate) use dictionary::{NameTable, Spelling, TextTable, hash};
pub(crate) use store::BLOCK;
use store::Store;
pub(crate) use words::Words;
use words::Written;

use crate::model::{ColumnType, ComparisonType, LinkageModel};
use crate::pack::Pack;

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
    store: Store,
    words: Words,
    pub(crate) names: NameTable,
    pub(crate) texts: TextTable,
    /// The national ids and the date columns that they are held against; a bit of a card's marks
    /// for each.
    trust: Vec<(usize, Option<usize>)>,
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
            let width = column.kind.width() * column.many;
            slots.push(Slot { offset, width });
            offset += width;
        }
        Self {
            slots,
            // Behind the columns: the marks, and the beginning of the identity.
            store: Store::new(offset + 2),
            words: Words::default(),
            names: NameTable::default(),
            texts: TextTable::default(),
            trust: trusting(model),
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
        let digest = Sha256::digest(identity.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        let mut card = std::mem::take(&mut self.store.scratch);
        card.fill(0);
        for (index, cell) in cells.iter().enumerate() {
            if let Some(text) = cell {
                self.write(model, &mut card, index, text);
            }
        }
        fill_gaps(model, &self.slots, &mut self.texts, &mut card);
        let marks = self.trusted(model, &card);
        if let [.., last, order] = &mut card[..] {
            *last = marks;
            *order = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        self.store.push(&card, u128::from_be_bytes(bytes));
        self.store.scratch = card;
    }

    /// Calls `look` with a record as the last row, and forgets it and every word that only it has.
    pub(crate) fn visit<T>(
        &mut self,
        model: &LinkageModel,
        cells: &Cells<'_>,
        look: impl FnOnce(&Self, u32) -> T,
    ) -> T {
        let names = self.words.key_count();
        let placeholders = self.placeholders;
        self.words.begin_visit();
        self.texts.begin_visit();
        let row = u32::try_from(self.len()).unwrap_or(u32::MAX);
        self.push(model, "", cells);
        let found = look(self, row);
        self.store.pop();
        self.texts.end_visit();
        self.words.end_visit();
        self.names.shrink(names);
        self.placeholders = placeholders;
        found
    }

    /// Starts the block of records that stands at this place of the whole.
    pub(crate) fn begin_block(&mut self, place: usize) {
        self.store.begin_block(place);
    }

    /// Takes in the records and dictionaries of another batch of the same model.
    pub(crate) fn absorb(&mut self, model: &LinkageModel, other: Self) {
        let names = self.words.absorb(&other.words);
        self.names.grow(&model.pack, &self.words);
        let texts: Vec<u32> = other
            .texts
            .texts()
            .map(|text| self.texts.code(&model.pack, text))
            .collect();
        let translate = |card: &mut [u32]| {
            for (column, slot) in model.columns.iter().zip(&other.slots) {
                let (words, codes) = match column.kind {
                    ColumnType::Name => (&mut card[slot.offset..slot.offset + slot.width], &names),
                    ColumnType::Text | ColumnType::Code | ColumnType::Sex | ColumnType::Set => {
                        (&mut card[slot.offset..=slot.offset], &texts)
                    }
                    ColumnType::Address => (&mut card[slot.offset + 1..slot.offset + 2], &texts),
                    ColumnType::Digits | ColumnType::NationalId | ColumnType::Phone => continue,
                    ColumnType::Date | ColumnType::Number | ColumnType::Point => continue,
                };
                for word in words.iter_mut().filter(|word| **word != 0) {
                    *word = codes[*word as usize - 1];
                }
            }
        };
        self.store.absorb(other.store, translate);
        self.placeholders += other.placeholders;
    }

    /// Puts the blocks in the order of their places.
    pub(crate) fn settle(&mut self) {
        self.store.settle();
    }

    /// Puts the records in another order: `rows` says for each place which record comes to lie
    /// there.
    pub(crate) fn permute(&mut self, rows: &[u32]) {
        self.store.permute(rows);
    }

    /// Returns the number of records.
    pub(crate) fn len(&self) -> usize {
        self.store.len()
    }

    /// Returns how many names and texts are known.
    #[cfg(test)]
    pub(crate) fn known_texts(&self) -> (usize, usize) {
        (self.words.key_count(), self.texts.texts().count())
    }

    /// Returns the number of values that were set aside as placeholders.
    pub(crate) fn placeholders(&self) -> u64 {
        self.placeholders
    }

    pub(crate) fn card(&self, row: u32) -> &[u32] {
        self.store.card(row)
    }

    /// Asks the processor for a card that will soon be read.
    pub(crate) fn prefetch(&self, row: u32) {
        self.store.prefetch(row);
    }

    /// Returns the number by which equal weights are ordered.
    pub(crate) fn identity(&self, row: u32) -> u128 {
        self.store.identity(row)
    }

    /// Says whether a record has a national id that can be believed.
    pub(crate) fn identifies(&self, row: u32) -> bool {
        matches!(self.card(row), [.., marks, _] if *marks != 0)
    }

    /// Returns two rows in the order of their identities.
    pub(crate) fn ordered(&self, left: u32, right: u32) -> (u32, u32) {
        // The beginning of the identity stands in the card, which is fetched anyway.
        let order = match (self.card(left), self.card(right)) {
            ([.., left], [.., right]) => left.cmp(right),
            _ => std::cmp::Ordering::Equal,
        };
        let order = order.then_with(|| self.identity(left).cmp(&self.identity(right)));
        if order.is_le() {
            (left, right)
        } else {
            (right, left)
        }
    }

    fn write(&mut self, model: &LinkageModel, card: &mut [u32], column: usize, text: &str) {
        let Slot { offset, width } = self.slots[column];
        let pack = &*model.pack;
        let slot = &mut card[offset..offset + width];
        match model.columns[column].kind {
            ColumnType::Name => self.write_name(pack, slot, text),
            ColumnType::Text | ColumnType::Code => match self.texts.spelling(pack, text) {
                Some(code) => slot[0] = code,
                None => self.placeholders += 1,
            },
            ColumnType::Sex => {
                if let Some(sex) = sex(pack, text) {
                    slot[0] = self.texts.code(pack, sex);
                }
            }
            ColumnType::Number => {
                self.write_words(slot, value::number(text).map(value::number_words), text);
            }
            ColumnType::Point => self.write_words(slot, value::point_words(text), text),
            ColumnType::Set => {
                let members = value::set(pack, text);
                if !members.is_empty() {
                    slot[0] = self.texts.code(pack, &members);
                } else if !text.trim().is_empty() {
                    self.placeholders += 1;
                }
            }
            ColumnType::Digits | ColumnType::NationalId => {
                self.write_digits(slot, text, identifier::pack);
            }
            ColumnType::Phone => self.write_digits(slot, text, |part| {
                identifier::phone_digits(&pack.phone, part)
            }),
            ColumnType::Date => match date::parse(text) {
                Some(date) if date.year() > 1900 => slot[0] = date::pack(date),
                Some(_) => self.placeholders += 1,
                None => {}
            },
            ColumnType::Address => {
                let parts = address::parts(pack, text);
                slot[0] = parts.house;
                if !parts.street.is_empty() {
                    slot[1] = self.texts.code(pack, &parts.street);
                }
            }
        }
    }

    fn write_name(&mut self, pack: &Pack, slot: &mut [u32], text: &str) {
        let Written {
            length,
            may_be_unknown,
        } = self.words.chain(pack, text, slot);
        if may_be_unknown && is_unknown(pack, text) {
            slot.fill(0);
            self.placeholders += 1;
            return;
        }
        for word in &mut slot[..length] {
            *word += 1;
        }
        self.names.grow(pack, &self.words);
    }

    /// Writes a value of two words; a text that is none is set aside as a placeholder.
    fn write_words(&mut self, slot: &mut [u32], words: Option<[u32; 2]>, text: &str) {
        match words {
            Some(words) => slot.copy_from_slice(&words),
            None if text.trim().is_empty() => {}
            None => self.placeholders += 1,
        }
    }

    fn write_digits(&mut self, slot: &mut [u32], text: &str, read: impl Fn(&str) -> Option<u64>) {
        if !text.contains('\u{1f}') {
            match read(text) {
                Some(packed) if identifier::is_filler(packed) => self.placeholders += 1,
                Some(packed) => slot[..2].copy_from_slice(&halves(packed)),
                None => {}
            }
            return;
        }
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
        for (place, packed) in slot.chunks_exact_mut(2).zip(values) {
            place.copy_from_slice(&halves(packed));
        }
    }

    /// Returns a bit for every national id that can be believed.
    fn trusted(&self, model: &LinkageModel, card: &[u32]) -> u32 {
        let Some(layout) = &model.pack.national_id else {
            return 0;
        };
        let mut marks = 0;
        for (bit, (id, stated)) in self.trust.iter().enumerate() {
            let packed = digits_at(card, self.slots[*id].offset);
            let stated = stated.map_or(0, |column| card[self.slots[column].offset]);
            let read = (packed != 0)
                .then(|| identifier::national_id(layout, packed))
                .flatten();
            if read.is_some_and(|id| agrees(id, stated)) {
                marks |= 1 << bit;
            }
        }
        marks
    }

    /// Says whether the national id of a column is one by its structure in both cards, and embeds
    /// what the record itself states.
    pub(crate) fn both_trusted(&self, column: usize, left: &[u32], right: &[u32]) -> bool {
        let bit = self.trust.iter().position(|(id, _)| *id == column);
        let (Some(bit), [.., left, _], [.., right, _]) = (bit, left, right) else {
            return false;
        };
        left & right & (1 << bit) != 0
    }
}

/// Returns the national id columns that are compared, with the dates they are held against.
fn trusting(model: &LinkageModel) -> Vec<(usize, Option<usize>)> {
    let compared = model.comparisons.iter();
    let compared = compared.filter(|comparison| comparison.kind == ComparisonType::NationalId);
    compared
        .map(|comparison| (comparison.columns[0], comparison.columns.get(1).copied()))
        .collect()
}

/// Says whether a national id embeds the date that the record states, as far as it states one.
fn agrees(id: identifier::NationalId, stated: date::PackedDate) -> bool {
    let embedded = date::unpack(date::pack(id.birth_date));
    let (year, month, day) = date::unpack(stated);
    stated == 0 || (year, month, day) == embedded || (day == 0 && year == embedded.0)
}

/// Fills an absent date of birth or sex from a structurally valid national id.
fn fill_gaps(model: &LinkageModel, slots: &[Slot], texts: &mut TextTable, card: &mut [u32]) {
    let Some(layout) = &model.pack.national_id else {
        return;
    };
    for (index, column) in model.columns.iter().enumerate() {
        let Some(from) = column.fill_from else {
            continue;
        };
        let at = slots[index].offset;
        let packed = digits_at(card, slots[from].offset);
        if card[at] != 0 || packed == 0 {
            continue;
        }
        let Some(id) = identifier::national_id(layout, packed) else {
            continue;
        };
        if column.kind == ColumnType::Date {
            card[at] = date::pack(id.birth_date);
        } else if column.kind == ColumnType::Sex {
            card[at] = texts.code(&model.pack, if id.male { MALE } else { FEMALE });
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

/// The sexes as texts of a card.
const MALE: &str = "male";
const FEMALE: &str = "female";

/// Reads a sex; a code that is not one of the pack's is absent.
fn sex(pack: &Pack, text: &str) -> Option<&'static str> {
    match text {
        "M" => return Some(MALE),
        "F" => return Some(FEMALE),
        _ => {}
    }
    let plain = script::letters(text);
    if pack.sex.male.contains(&plain) {
        Some(MALE)
    } else if pack.sex.female.contains(&plain) {
        Some(FEMALE)
    } else {
        None
    }
}

/// Says whether a text is what clerks write where nothing is known.
pub(crate) fn is_unknown(pack: &Pack, text: &str) -> bool {
    text.len() <= 40 && pack.placeholders.contains(&script::letters(text))
}

#[cfg(test)]
mod soak;
#[cfg(test)]
mod tests;
