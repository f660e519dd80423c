//! The steps that make standard values of a column that looks as it does.

use std::collections::{BTreeMap, BTreeSet};

use rabt_model::Attribute;

use crate::propose::fit::{parts_sexes, sex_of, words_of};
use crate::propose::meaning::Meaning;
use crate::shape::{ColumnShapes, FORMATS, List, ListUse, Tail, list, percent};
use crate::step::{Calendar, Step};

/// Share of values, in percent, below which another way to write a date is taken for a slip.
const SLIP: u32 = 3;
/// Most ways to write a date in one column.
const MOST_FORMATS: usize = 3;
/// Share of values that have one number of digits, in percent, from which others are refused.
const ONE_LENGTH: u32 = 97;

/// What `fold` does to Arabic letters, as pairs of a replacement.
const FOLDED: [(&str, &str); 5] = [("أ", "ا"), ("إ", "ا"), ("آ", "ا"), ("ى", "ي"), ("ة", "ه")];

/// Returns the steps of a column, and what happens to a value that they refuse where it is not left
/// out.
pub(super) fn of(
    meaning: Meaning,
    shapes: Option<&ColumnShapes>,
) -> (Vec<Step>, Option<&'static str>) {
    let empty = ColumnShapes::default();
    let shapes = shapes.unwrap_or(&empty);
    if meaning == Meaning::NationalId {
        // A wrong number is evidence too.
        return (number(shapes, Some(Step::CheckNationalId)), Some("keep"));
    }
    (plain(meaning, shapes), None)
}

fn plain(meaning: Meaning, shapes: &ColumnShapes) -> Vec<Step> {
    if meaning.relation().is_some() {
        return number(shapes, None);
    }
    match meaning.attribute(false) {
        Some(Attribute::Identifier(_)) => document(shapes),
        Some(Attribute::BirthDate | Attribute::DeathDate) => date(shapes),
        Some(Attribute::Sex) => sex(shapes),
        Some(Attribute::MaritalStatus) => codes(shapes, List::MaritalStatus, BTreeMap::new()),
        Some(Attribute::BirthPlace) => region(shapes),
        Some(Attribute::Address) if meaning == Meaning::Governorate => region(shapes),
        Some(Attribute::Phone) => digits(shapes, true),
        Some(Attribute::Email) => without_spaces(shapes, Some(Step::FoldCase)),
        Some(Attribute::PhotoReference) => vec![Step::Trim],
        Some(
            Attribute::NameChain
            | Attribute::NameLatin
            | Attribute::MotherName
            | Attribute::Nationality
            | Attribute::Address
            | Attribute::Relation
            | Attribute::Fact(..),
        )
        | None => text(shapes),
    }
}

/// Returns the steps of a text that has no spaces to collapse.
fn without_spaces(shapes: &ColumnShapes, last: Option<Step>) -> Vec<Step> {
    let mut steps = text(shapes);
    steps.retain(|step| *step != Step::CollapseSpaces);
    steps.extend(last);
    steps
}

/// Returns the steps of a name of one column or several, which `joins` puts into one text.
pub(super) fn name<'a>(shapes: impl Iterator<Item = &'a ColumnShapes>, joins: bool) -> Vec<Step> {
    let unknown: BTreeSet<&String> = shapes.flat_map(|shapes| &shapes.unknown_texts).collect();
    let mut steps = vec![Step::Trim];
    steps.extend(null_if(unknown));
    if joins {
        steps.push(Step::Join(" ".to_owned()));
        steps.push(Step::Trim);
    }
    steps.push(Step::CollapseSpaces);
    steps
}

/// Returns the steps of a date in parts, the year first.
pub(super) fn date_of_parts(columns: &[Option<&ColumnShapes>]) -> Vec<Step> {
    let mut steps = vec![Step::DigitsAscii, Step::Trim];
    let texts = columns.iter().flatten().flat_map(|shapes| {
        let unknown = shapes.unknown_texts.iter();
        unknown.chain(&shapes.zero_texts)
    });
    steps.extend(null_if(texts.collect()));
    if columns.len() > 1 {
        steps.push(Step::Join("-".to_owned()));
    } else if columns
        .iter()
        .flatten()
        .any(|shapes| has_letter_behind(shapes))
    {
        steps.push(Step::Take(4));
    }
    steps.push(Step::ParsePartialDate);
    steps
}

/// Says whether some years have a letter behind them, as in `1991م`.
fn has_letter_behind(shapes: &ColumnShapes) -> bool {
    let mut patterns = shapes.shapes.iter().map(|shape| shape.pattern.as_str());
    patterns.any(|pattern| matches!(pattern, "9(4)ع" | "9(4)A"))
}

fn null_if(texts: BTreeSet<&String>) -> Option<Step> {
    let texts: Vec<String> = texts.into_iter().cloned().collect();
    (!texts.is_empty()).then_some(Step::NullIf(texts))
}

fn text(shapes: &ColumnShapes) -> Vec<Step> {
    let mut steps = vec![Step::Trim, Step::CollapseSpaces];
    steps.extend(null_if(shapes.unknown_texts.iter().collect()));
    steps
}

/// Returns the steps that all numbers begin with. `zeros` says that zeros alone mean nothing.
fn digits(shapes: &ColumnShapes, zeros: bool) -> Vec<Step> {
    let mut steps = vec![Step::DigitsAscii, Step::Trim];
    let mut unknown: BTreeSet<&String> = shapes.unknown_texts.iter().collect();
    if zeros {
        unknown.extend(&shapes.zero_texts);
    }
    steps.extend(null_if(unknown));
    steps
}

fn number(shapes: &ColumnShapes, check: Option<Step>) -> Vec<Step> {
    let mut steps = digits(shapes, true);
    let marks = marks(shapes);
    if !marks.is_empty() {
        steps.push(Step::Strip(marks));
    }
    steps.extend(check);
    steps
}

/// Returns the marks in the shapes that are numbers, each once.
fn marks(shapes: &ColumnShapes) -> String {
    let numbers = shapes.shapes.iter().filter(|shape| {
        let has_letters = |c: char| c == 'A' || c == 'ع' || c.is_lowercase();
        !shape.pattern.contains(has_letters)
    });
    let marks = numbers.flat_map(|shape| marks_of(&shape.pattern));
    marks.collect::<BTreeSet<char>>().into_iter().collect()
}

/// Returns the marks and spaces of a pattern, without the brackets of its repetitions.
fn marks_of(pattern: &str) -> Vec<char> {
    let mut marks = Vec::new();
    let mut inside = false;
    for c in pattern.chars() {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            c if !inside && (c.is_ascii_punctuation() || c == ' ') => marks.push(c),
            _ => {}
        }
    }
    marks
}

/// Returns the steps of the number of a document. Where all are digits of one number, others are
/// refused.
fn document(shapes: &ColumnShapes) -> Vec<Step> {
    let mut lengths: BTreeMap<u32, u32> = BTreeMap::new();
    for shape in &shapes.shapes {
        if let Some(length) = digits_of(&shape.pattern) {
            *lengths.entry(length).or_default() += shape.values;
        }
    }
    let most = lengths.into_iter().max_by_key(|(_, values)| *values);
    match most {
        Some((length, values)) if percent(values, shapes.values) >= ONE_LENGTH => {
            let length = usize::try_from(length).unwrap_or_default();
            number(shapes, Some(Step::CheckDigits(length)))
        }
        Some(_) | None => without_spaces(shapes, None),
    }
}

/// Returns how many digits a pattern of digits and marks has; nothing when it has letters.
fn digits_of(pattern: &str) -> Option<u32> {
    let mut digits = 0;
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        let count = rest
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'));
        let (count, behind) = match count {
            Some((count, behind)) => (count.parse().ok()?, behind),
            None => (1, rest),
        };
        rest = behind;
        match first {
            '9' => digits += count,
            c if c.is_ascii_punctuation() || c == ' ' => {}
            _ => return None,
        }
    }
    (digits > 0).then_some(digits)
}

fn date(shapes: &ColumnShapes) -> Vec<Step> {
    let mut steps = digits(shapes, true);
    match shapes.date_tail {
        Some(Tail::Space) => steps.push(split(" ")),
        Some(Tail::T) => steps.push(split("T")),
        Some(Tail::Digits) => steps.push(Step::Take(8)),
        None => {}
    }
    let Some(best) = shapes.dates.first() else {
        steps.push(Step::ParsePartialDate);
        return steps;
    };
    let calendar = FORMATS[best.format].calendar;
    let likely = shapes.dates.iter().filter(|used| {
        let is_more = percent(used.values, shapes.values) >= SLIP;
        used.format == best.format || (is_more && FORMATS[used.format].calendar == calendar)
    });
    let formats = likely
        .take(MOST_FORMATS)
        .map(|used| FORMATS[used.format].format.clone());
    steps.push(Step::ParseDate {
        formats: formats.collect(),
        calendar,
        unknown: Vec::new(),
    });
    steps
}

fn split(separator: &str) -> Step {
    Step::Split {
        separator: separator.to_owned(),
        index: 0,
    }
}

/// Returns the steps of a sex. What the national ids of the rows say of a code stands above the
/// shipped lists.
fn sex(shapes: &ColumnShapes) -> Vec<Step> {
    let mut learnt = BTreeMap::new();
    if parts_sexes(shapes) {
        for code in &shapes.short_codes {
            let sex = sex_of(code).unwrap_or_default();
            learnt.insert(code.code.clone(), sex.to_owned());
        }
    }
    codes(shapes, List::Sex, learnt)
}

/// Returns the steps of a list: of every family of which a word occurs, all words, because a sample
/// need not hold them all.
fn codes(shapes: &ColumnShapes, wanted: List, learnt: BTreeMap<String, String>) -> Vec<Step> {
    let used = shapes.lists.iter().find(|used| used.list == wanted);
    let mut table = BTreeMap::new();
    for family in list(wanted) {
        let occurs = |used: &ListUse| {
            let mut words = used.words.iter();
            words.any(|word| family.words.contains_key(*word))
        };
        // Where the sample says nothing, every word may come.
        let may_come = used.map_or(learnt.is_empty(), occurs);
        if may_come {
            table.extend(family.words.clone());
        }
    }
    if !learnt.is_empty() {
        // A short code is what the rows say it is, or nothing.
        table.retain(|word, _| word.chars().count() > 2);
        table.extend(learnt);
    }
    let mut steps = vec![Step::Trim];
    if shapes.arabic_digits > 0 {
        steps.insert(0, Step::DigitsAscii);
    }
    steps.extend(null_if(shapes.unknown_texts.iter().collect()));
    steps.extend(folding(&table));
    steps.push(Step::Lookup(table));
    steps
}

/// Returns the steps that bring a text into the form of the words of a list.
fn folding(table: &BTreeMap<String, String>) -> Vec<Step> {
    let has = |is: fn(char) -> bool| table.keys().any(|word| word.chars().any(is));
    let mut steps = Vec::new();
    if has(|c| c.is_ascii_alphabetic()) {
        steps.push(Step::FoldCase);
    }
    if has(crate::fold::is_arabic) {
        let pairs = FOLDED
            .iter()
            .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
        steps.push(Step::CollapseSpaces);
        steps.push(Step::Replace(pairs.collect()));
    }
    steps
}

/// Returns the steps of a governorate: a name becomes its code, a number gets two digits.
fn region(shapes: &ColumnShapes) -> Vec<Step> {
    if words_of(shapes, List::Governorate).is_some() {
        return codes(shapes, List::Governorate, BTreeMap::new());
    }
    if shapes.percent_of_numbers(shapes.governorate_numbers) >= 50 {
        let mut steps = digits(shapes, true);
        steps.push(Step::PadLeft {
            width: 2,
            with: '0',
        });
        return steps;
    }
    text(shapes)
}

/// Returns the steps that read when a row last changed.
pub(super) fn event_at(shapes: &ColumnShapes) -> Option<Vec<Step>> {
    let best = shapes.dates.first()?;
    let way = &FORMATS[best.format];
    let is_iso = way.pattern == "%Y-%m-%d" && way.calendar == Calendar::Gregorian;
    if is_iso && shapes.date_tail != Some(Tail::Digits) {
        return Some(vec![Step::Trim]);
    }
    Some(date(shapes))
}
