//! Collecting the shapes of one column.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{Hash, Hasher};

use rabt_linkage::NationalId;

use crate::fold::fold;
use crate::shape::codes::{Codes, ListCounts};
use crate::shape::dates::Dates;
use crate::shape::form::{Form, filler, is_email};
use crate::shape::{ColumnShapes, Shape, ShortCode};

/// Different values that are counted one by one, by their hash.
const MOST_DISTINCT: usize = 8_192;
/// Different shapes that are counted one by one.
const MOST_SHAPES: usize = 64;
/// Shapes that are told.
const TOLD_SHAPES: usize = 8;
/// A column with more different values holds no codes.
const MOST_CODES: usize = 6;
/// Longest code, in characters.
const LONGEST_CODE: usize = 2;
/// A code that fewer rows share might tell of a person.
const LEAST_ROWS: u32 = 5;
/// Texts for "not known" that are kept.
const MOST_UNKNOWN: usize = 6;

/// Collects the shapes of one column in bounded memory. It shows nothing of a value.
#[derive(Default)]
pub(super) struct ColumnCollector {
    out: ColumnShapes,
    distinct: HashSet<u64>,
    shapes: BTreeMap<String, u32>,
    dates: Dates,
    lists: ListCounts,
    codes: BTreeMap<String, ShortCode>,
    long_codes: bool,
    unknown: BTreeSet<String>,
    zeros: BTreeSet<String>,
}

/// What the row of a cell says about the person.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// The national id in the row.
    pub(super) id: Option<NationalId>,
    /// Whether it stands in this column: then there is nothing to compare.
    pub(super) own: bool,
    /// The year that two-digit years are read by.
    pub(super) this_year: i16,
}

/// Says whether a text is a year from 1900 to 2050, perhaps with a letter behind it: `1991م`.
fn is_year(text: &str) -> bool {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let is_year = |year: u16| (1900..=2050).contains(&year);
    digits.len() == 4 && text.chars().count() <= 5 && digits.parse().is_ok_and(is_year)
}

/// Returns the hash by which equal values are known in a sample.
pub(super) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl ColumnCollector {
    pub(super) fn new(name: String) -> Self {
        Self {
            out: ColumnShapes {
                name,
                ..ColumnShapes::default()
            },
            ..Self::default()
        }
    }

    pub(super) fn push_null(&mut self) {
        self.out.rows += 1;
        self.out.nulls += 1;
    }

    pub(super) fn push_unreadable(&mut self) {
        self.out.rows += 1;
        self.out.unreadable += 1;
    }

    /// Counts a text that is trimmed and has ASCII digits only; `other_digits` says that it had
    /// others.
    pub(super) fn push(&mut self, text: &str, other_digits: bool, row: Row) {
        self.out.rows += 1;
        if text.is_empty() {
            self.out.blank += 1;
            return;
        }
        let folded = fold(text);
        if self.push_unknown(text, &folded) {
            return;
        }
        self.out.values += 1;
        self.out.arabic_digits += u32::from(other_digits);
        let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.out.longest = self.out.longest.max(length);
        if self.distinct.len() < MOST_DISTINCT {
            self.distinct.insert(hash(text));
        }
        let form = Form::of(text);
        self.push_structure(text, &folded, &form, row);
        self.push_code(&folded, row);
        self.lists.push(&folded);
        if self.shapes.len() < MOST_SHAPES || self.shapes.contains_key(&form.pattern) {
            *self.shapes.entry(form.pattern).or_default() += 1;
        }
    }

    /// Counts a text that says that nothing is known. Of a text of one repeated digit nothing is
    /// lost by keeping it: it is no number of anybody.
    fn push_unknown(&mut self, text: &str, folded: &str) -> bool {
        let filler = filler(text).filter(|_| text.len() <= 24);
        let kept = match filler {
            Some(filler) => filler,
            None if Codes::shipped().is_unknown(folded) => text.to_owned(),
            None => return false,
        };
        self.out.unknown += 1;
        if self.unknown.len() < MOST_UNKNOWN {
            self.unknown.insert(kept);
        }
        true
    }

    fn push_structure(&mut self, text: &str, folded: &str, form: &Form, row: Row) {
        let out = &mut self.out;
        out.arabic += u32::from(form.arabic);
        out.latin += u32::from(form.latin && !form.arabic);
        out.words += form.words;
        out.emails += u32::from(is_email(text));
        out.address_words += u32::from(form.words > 0 && Codes::shipped().has_address_word(folded));
        if form.digits == 0 && form.words > 0 && form.words <= 8 {
            let known = rabt_linkage::listed_names(text);
            out.names += u32::try_from(known).unwrap_or(0).min(form.words);
        }
        let has_letters = form.arabic || form.latin;
        if !has_letters && (7..=16).contains(&form.digits) {
            out.phones += u32::from(rabt_linkage::phone(text).is_some());
        }
        out.years += u32::from(is_year(text));
        let is_region = text.len() <= 2 && Codes::shipped().is_governorate(&format!("{text:0>2}"));
        out.governorate_numbers += u32::from(is_region);
        if text.bytes().all(|byte| byte == b'0') {
            out.zeros += 1;
            if self.zeros.len() < MOST_UNKNOWN {
                self.zeros.insert(text.to_owned());
            }
        }
        let id = row.id.filter(|_| !row.own);
        self.dates
            .push(text, id.map(|id| id.birth_date), row.this_year);
        if let Some(id) = id {
            self.out.agreement.push(folded, id);
        }
    }

    /// Counts a short code and whose it is. A column with many, or with longer values, has none.
    fn push_code(&mut self, folded: &str, row: Row) {
        if self.long_codes {
            return;
        }
        if folded.chars().count() > LONGEST_CODE
            || (self.codes.len() >= MOST_CODES && !self.codes.contains_key(folded))
        {
            self.long_codes = true;
            self.codes.clear();
            return;
        }
        let code = self
            .codes
            .entry(folded.to_owned())
            .or_insert_with(|| ShortCode {
                code: folded.to_owned(),
                values: 0,
                men: 0,
                women: 0,
            });
        code.values += 1;
        if let Some(id) = row.id.filter(|_| !row.own) {
            code.men += u32::from(id.male);
            code.women += u32::from(!id.male);
        }
    }

    /// Counts a cell with a national id.
    pub(super) fn push_national_id(&mut self, linked: Option<bool>) {
        self.out.national_ids += 1;
        if let Some(linked) = linked {
            *self.out.linked.get_or_insert(0) += u32::from(linked);
        }
    }

    /// Returns what was collected.
    pub(super) fn finish(self) -> ColumnShapes {
        let mut shapes: Vec<Shape> = self
            .shapes
            .into_iter()
            .map(|(pattern, values)| Shape { pattern, values })
            .collect();
        shapes.sort_by(|a, b| b.values.cmp(&a.values).then(a.pattern.cmp(&b.pattern)));
        shapes.truncate(TOLD_SHAPES);
        let codes = self.codes.into_values();
        ColumnShapes {
            distinct: u32::try_from(self.distinct.len()).unwrap_or(u32::MAX),
            shapes,
            date_tail: self.dates.tail(),
            dates: self.dates.uses(),
            lists: self.lists.uses(),
            short_codes: codes.filter(|code| code.values >= LEAST_ROWS).collect(),
            unknown_texts: self.unknown.into_iter().collect(),
            zero_texts: self.zeros.into_iter().collect(),
            ..self.out
        }
    }
}
