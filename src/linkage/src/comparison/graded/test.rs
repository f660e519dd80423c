//! The tests that predicates are made of, on two values that are both there.

use std::borrow::Cow;

use rapidfuzz::distance::{damerau_levenshtein, jaro, jaro_winkler, levenshtein};

use crate::model::{ColumnType, Test, TestKind};
use crate::standardise::date::{PackedDate, day_number, unpack};
use crate::standardise::{Standardised, digits_at, identifier, value};

/// One value of one card, or several where the column holds many.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) data: &'a Standardised,
    pub(crate) kind: ColumnType,
    pub(crate) words: &'a [u32],
}

/// Says whether a test holds of two values.
pub(super) fn holds(test: &Test, left: View<'_>, right: View<'_>) -> bool {
    let bound = test.bound;
    match test.kind {
        TestKind::Equal => is_equal(left, right),
        TestKind::SameSkeleton => has_same_skeleton(left, right),
        TestKind::Jaccard if left.kind == ColumnType::Set => {
            let (common, one, other) = overlap(left, right);
            common >= bound * (one + other - common)
        }
        TestKind::JaroWinkler
        | TestKind::Jaro
        | TestKind::Levenshtein
        | TestKind::DamerauLevenshtein
        | TestKind::Jaccard
        | TestKind::Prefix => any_alike(test, left, right),
        TestKind::Difference => numbers(left, right).is_some_and(|(a, b)| (a - b).abs() <= bound),
        TestKind::RelativeDifference => numbers(left, right).is_some_and(|(a, b)| {
            // Multiplied out, so that two zeros do not differ.
            (a - b).abs() <= bound * a.abs().max(b.abs())
        }),
        TestKind::Days | TestKind::Months | TestKind::Years => {
            within(test.kind, bound, left.words[0], right.words[0])
        }
        TestKind::DistanceKm => distance_km(left.words, right.words) <= bound,
        TestKind::Overlap => overlap(left, right).0 >= bound,
        TestKind::OverlapShare => {
            let (common, one, other) = overlap(left, right);
            common >= bound * one.min(other)
        }
        TestKind::Absent | TestKind::BothAbsent | TestKind::OneAbsent => false,
    }
}

impl<'a> View<'a> {
    fn text(&self, at: usize) -> &'a str {
        &self.data.texts.entry(self.words[at]).text
    }

    /// Returns the values as they are spelt.
    fn spellings(&self) -> Vec<Cow<'a, str>> {
        match self.kind {
            ColumnType::Text | ColumnType::Code | ColumnType::Sex | ColumnType::Set => {
                vec![Cow::Borrowed(self.text(0))]
            }
            ColumnType::Address if self.words[1] != 0 => {
                vec![Cow::Owned(format!("{} {}", self.words[0], self.text(1)))]
            }
            ColumnType::Digits | ColumnType::NationalId | ColumnType::Phone => self
                .packed()
                .map(|packed| Cow::Owned(digits(packed)))
                .collect(),
            ColumnType::Date => vec![Cow::Owned(iso(self.words[0]))],
            ColumnType::Name => vec![Cow::Owned(self.chain())],
            ColumnType::Address | ColumnType::Number | ColumnType::Point => Vec::new(),
        }
    }

    fn packed(&self) -> impl Iterator<Item = u64> + use<'a> {
        let words = self.words;
        let places = (0..words.len()).step_by(2);
        places
            .map(|at| digits_at(words, at))
            .filter(|packed| *packed != 0)
    }

    fn names(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.words.iter().copied().take_while(|word| *word != 0)
    }

    fn chain(&self) -> String {
        let mut chain = String::new();
        for (place, code) in self.names().enumerate() {
            if place > 0 {
                chain.push(' ');
            }
            chain.extend(self.data.names.spelling(code).letters.iter());
        }
        chain
    }
}

fn digits(packed: u64) -> String {
    let digits = identifier::unpack(packed);
    digits
        .into_iter()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}

/// Writes a date as far as it is known.
fn iso(packed: PackedDate) -> String {
    match unpack(packed) {
        (year, 0, _) => format!("{year:04}"),
        (year, month, 0) => format!("{year:04}-{month:02}"),
        (year, month, day) => format!("{year:04}-{month:02}-{day:02}"),
    }
}

fn is_equal(left: View<'_>, right: View<'_>) -> bool {
    match left.kind {
        ColumnType::Digits | ColumnType::NationalId | ColumnType::Phone => left
            .packed()
            .any(|one| right.packed().any(|other| one == other)),
        ColumnType::Name => {
            let entry = |code| left.data.names.entry(code);
            let (one, other): (Vec<u32>, Vec<u32>) =
                (left.names().collect(), right.names().collect());
            // Two spellings that the lexicon holds to be one name are equal.
            let same = |(a, b): (&u32, &u32)| {
                a == b || (entry(*a).classes[0] != 0 && entry(*a).classes == entry(*b).classes)
            };
            one.len() == other.len() && one.iter().zip(&other).all(same)
        }
        ColumnType::Address => left.words == right.words && left.words[1] != 0,
        ColumnType::Text
        | ColumnType::Code
        | ColumnType::Sex
        | ColumnType::Set
        | ColumnType::Date
        | ColumnType::Number
        | ColumnType::Point => left.words == right.words,
    }
}

fn has_same_skeleton(left: View<'_>, right: View<'_>) -> bool {
    if left.kind == ColumnType::Name {
        let skeletons = |view: View<'_>| -> Vec<u64> {
            let names = view.names();
            names
                .map(|code| view.data.names.entry(code).skeleton_hash)
                .collect()
        };
        return skeletons(left) == skeletons(right);
    }
    let skeleton = |view: View<'_>| view.data.texts.entry(view.words[0]).skeleton_hash;
    skeleton(left) == skeleton(right)
}

/// Says whether any value of the left is like any of the right.
fn any_alike(test: &Test, left: View<'_>, right: View<'_>) -> bool {
    let is_text = |view: &View<'_>| matches!(view.kind, ColumnType::Text | ColumnType::Code);
    if is_text(&left) && is_text(&right) {
        // One value each, read in place; a text is like itself in every way but its length.
        let same = left.words == right.words && test.kind != TestKind::Prefix;
        return same || alike(test, left.text(0), right.text(0));
    }
    let right = right.spellings();
    let left = left.spellings();
    left.iter()
        .any(|one| right.iter().any(|other| alike(test, one, other)))
}

fn alike(test: &Test, left: &str, right: &str) -> bool {
    let bound = test.bound;
    let (one, other) = (left.chars(), right.chars());
    match test.kind {
        TestKind::JaroWinkler => jaro_winkler::normalized_similarity(one, other) >= bound,
        TestKind::Jaro => jaro::normalized_similarity(one, other) >= bound,
        TestKind::Levenshtein => {
            let args = levenshtein::Args::default().score_cutoff(count(bound));
            levenshtein::distance_with_args(one, other, &args).is_some()
        }
        TestKind::DamerauLevenshtein => {
            let args = damerau_levenshtein::Args::default().score_cutoff(count(bound));
            damerau_levenshtein::distance_with_args(one, other, &args).is_some()
        }
        TestKind::Prefix => {
            let equal = one.zip(other).take_while(|(a, b)| a == b).count();
            equal >= count(bound)
        }
        TestKind::Jaccard => {
            let (one, other) = (pairs_of_letters(left), pairs_of_letters(right));
            let common = one.iter().filter(|pair| other.binary_search(pair).is_ok());
            let common = float(common.count());
            common >= bound * (float(one.len()) + float(other.len()) - common)
        }
        TestKind::Equal | TestKind::SameSkeleton => left == right,
        TestKind::Difference | TestKind::RelativeDifference | TestKind::DistanceKm => false,
        TestKind::Days | TestKind::Months | TestKind::Years => false,
        TestKind::Overlap | TestKind::OverlapShare => false,
        TestKind::Absent | TestKind::BothAbsent | TestKind::OneAbsent => false,
    }
}

/// Returns a bound that is a whole number of things.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the model file's reader lets only whole numbers from 0 to 10^9 through"
)]
const fn count(bound: f64) -> usize {
    bound as usize
}

fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Returns the pairs of neighbouring letters, sorted, each once; a lone letter is a pair with
/// nothing.
fn pairs_of_letters(text: &str) -> Vec<(char, char)> {
    let next = text.chars().skip(1);
    let mut pairs: Vec<(char, char)> = text.chars().zip(next).collect();
    if pairs.is_empty() {
        pairs.extend(text.chars().map(|c| (c, '\0')));
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn numbers(left: View<'_>, right: View<'_>) -> Option<(f64, f64)> {
    Some((
        value::number_at(left.words)?,
        value::number_at(right.words)?,
    ))
}

fn members(view: View<'_>) -> Vec<&str> {
    view.text(0).split(value::MEMBER).collect()
}

/// Returns the members in common and those of either set.
fn overlap(left: View<'_>, right: View<'_>) -> (f64, f64, f64) {
    let (one, other) = (members(left), members(right));
    let common = one
        .iter()
        .filter(|member| other.binary_search(member).is_ok());
    (float(common.count()), float(one.len()), float(other.len()))
}

/// Says whether two dates are at most so far apart. Days need whole dates; months need months;
/// where a date says the year alone, years are counted by the calendar.
fn within(kind: TestKind, bound: f64, left: PackedDate, right: PackedDate) -> bool {
    let (early, late) = (left.min(right), left.max(right));
    let (from, to) = (unpack(early), unpack(late));
    let whole = from.2 != 0 && to.2 != 0;
    let months_known = from.1 != 0 && to.1 != 0;
    let months = (12 * to.0 + to.1).saturating_sub(12 * from.0 + from.1);
    // A month has passed once its day is reached.
    let beyond = whole && to.2 > from.2;
    let within_months = |most: f64| {
        let months = f64::from(months);
        months < most || (months <= most && !beyond)
    };
    if kind == TestKind::Days {
        let days = day_number(late) - day_number(early);
        return whole && i32::try_from(days).is_ok_and(|days| f64::from(days) <= bound);
    }
    match (kind == TestKind::Months, months_known) {
        (true, known) => known && within_months(bound),
        (false, true) => within_months(12.0 * bound),
        (false, false) => f64::from(to.0 - from.0) <= bound,
    }
}

/// Mean radius of the earth in kilometres.
const EARTH: f64 = 6371.0;

/// Returns the distance of two points over the ground, by the haversine formula.
fn distance_km(left: &[u32], right: &[u32]) -> f64 {
    let ((lat_a, lon_a), (lat_b, lon_b)) = (value::degrees(left), value::degrees(right));
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let across = lat_a.to_radians().cos() * lat_b.to_radians().cos();
    let chord = half(lat_a, lat_b) + across * half(lon_a, lon_b);
    2.0 * EARTH * chord.clamp(0.0, 1.0).sqrt().asin()
}
