//! Every test of a predicate against a library, or against the definition written plainly.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use jiff::Unit;
use jiff::civil::Date;
use proptest::prelude::*;

use super::super::test::{View, holds};
use super::{batch, model_of};
use crate::model::{LinkageModel, Test, TestKind};
use crate::standardise::Standardised;

fn model() -> &'static LinkageModel {
    static MODEL: OnceLock<LinkageModel> = OnceLock::new();
    MODEL.get_or_init(|| model_of("{ column = \"text\", test = \"equal\" }"))
}

/// Two values of one column on two cards.
struct Two {
    data: Standardised,
    column: usize,
}

impl Two {
    fn of(column: &str, left: &str, right: &str) -> Self {
        Self {
            data: batch(model(), [&[(column, left)], &[(column, right)]]),
            column: model().column(column).unwrap(),
        }
    }

    fn view(&self, row: u32) -> View<'_> {
        let slot = self.data.slots[self.column];
        View {
            data: &self.data,
            kind: model().columns[self.column].kind,
            words: &self.data.card(row)[slot.offset..slot.offset + slot.width],
        }
    }

    /// Says whether both values are there.
    fn are_there(&self) -> bool {
        [0, 1].iter().all(|row| self.view(*row).words[0] != 0)
    }

    fn text(&self, row: u32) -> &str {
        &self.data.texts.entry(self.view(row).words[0]).text
    }

    /// Says whether a test holds, which it must do from both sides.
    fn holds(&self, kind: TestKind, bound: f64) -> bool {
        let column = self.column;
        let test = Test {
            kind,
            column,
            other: column,
            both_ways: false,
            bound,
        };
        let found = holds(&test, self.view(0), self.view(1));
        assert_eq!(found, holds(&test, self.view(1), self.view(0)), "{test:?}");
        found
    }
}

/// Texts of few letters, so that they are alike; some longer than a machine word has bits.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab]{1,8}",
        4 => "[a-d ]{1,12}",
        4 => "[ابتحمد ]{1,10}",
        1 => "[abc]{60,70}",
        1 => "\\PC{1,20}",
    ]
}

/// Two texts, often one and its copy with a slip.
fn texts() -> impl Strategy<Value = (String, String)> {
    let slipped = (text(), any::<prop::sample::Index>(), "[a-dم]{0,2}");
    let slipped = slipped.prop_map(|(text, at, slip)| {
        let mut letters: Vec<char> = text.chars().collect();
        let at = at.index(letters.len());
        letters.splice(at..=at, slip.chars());
        (text, letters.into_iter().collect())
    });
    prop_oneof![(text(), text()), slipped]
}

/// Pairs of neighbouring letters; a lone letter is a pair with nothing.
fn letter_pairs(text: &str) -> BTreeSet<String> {
    let letters: Vec<char> = text.chars().collect();
    if let [one] = letters[..] {
        return BTreeSet::from([one.to_string()]);
    }
    letters.windows(2).map(|two| two.iter().collect()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn real(count: usize) -> f64 {
    count as f64
}

/// Asserts that a similarity is told from the bounds below and above it that a model may have.
fn assert_least(two: &Two, kind: TestKind, similarity: f64) {
    for near in [-0.2, -0.01, -1e-9, 1e-9, 0.01, 0.2] {
        let bound = similarity + near;
        if bound > 0.0 && bound <= 1.0 {
            assert_eq!(two.holds(kind, bound), near < 0.0, "{kind:?} {bound}");
        }
    }
}

fn common_letters(left: &str, right: &str) -> usize {
    let both = left.chars().zip(right.chars());
    both.take_while(|(one, other)| one == other).count()
}

/// The first of January is how a year alone is written, and nobody is born before 1901.
fn is_whole(day: Date) -> bool {
    day.day_of_year() != 1 && day.year() > 1900
}

fn day() -> impl Strategy<Value = Date> {
    let date = (1901_i16..2300, 1_i8..13, 1_i8..32).prop_filter_map("a day", |(y, m, d)| {
        Date::new(y, m, d).ok().filter(|day| is_whole(*day))
    });
    prop_oneof![
        date,
        Just(Date::constant(2000, 2, 29)),
        Just(Date::constant(2001, 2, 28)),
        Just(Date::constant(1999, 12, 31)),
    ]
}

/// Two days, often near to one another.
fn days() -> impl Strategy<Value = (Date, Date)> {
    let near = (day(), -800_i64..800).prop_filter_map("a day", |(one, days)| {
        let other = one
            .checked_add(jiff::Span::new().days(days))
            .ok()
            .filter(|day| is_whole(*day))?;
        Some((one, other))
    });
    prop_oneof![near, (day(), day())]
}

fn assert_apart(two: &Two, kind: TestKind, whole: i64, beyond: bool) {
    for bound in [0, 1, 2, 12, 40, whole - 1, whole, whole + 1] {
        let expected = bound > whole || (bound == whole && !beyond);
        let bound = f64::from(i32::try_from(bound).unwrap());
        assert_eq!(two.holds(kind, bound), expected, "{kind:?} {bound}");
    }
}

/// Distance over the ground from the angle between two vectors: another formula than the kernel's.
fn kilometres((lat_a, lon_a): (f64, f64), (lat_b, lon_b): (f64, f64)) -> f64 {
    let vector = |lat: f64, lon: f64| {
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let ([ax, ay, az], [bx, by, bz]) = (vector(lat_a, lon_a), vector(lat_b, lon_b));
    let cross = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
    let across = cross.iter().map(|part| part * part).sum::<f64>().sqrt();
    6371.0 * across.atan2(ax * bx + ay * by + az * bz)
}

proptest! {
    #![proptest_config(crate::soak::cases(500))]

    #[test]
    fn likeness_of_texts_is_the_librarys((left, right) in texts()) {
        let two = Two::of("text", &left, &right);
        prop_assume!(two.are_there());
        let (left, right) = (two.text(0), two.text(1));
        assert_least(&two, TestKind::Jaro, strsim::jaro(left, right));
        assert_least(&two, TestKind::JaroWinkler, strsim::jaro_winkler(left, right));
        let slips = strsim::levenshtein(left, right);
        let swaps = strsim::damerau_levenshtein(left, right);
        for bound in [0, 1, 2, 3, slips.saturating_sub(1), slips, swaps, slips + 1] {
            prop_assert_eq!(two.holds(TestKind::Levenshtein, real(bound)), slips <= bound);
            prop_assert_eq!(two.holds(TestKind::DamerauLevenshtein, real(bound)), swaps <= bound);
        }
        prop_assert_eq!(two.holds(TestKind::Equal, 0.0), left == right);
        let common = common_letters(left, right);
        for bound in 1..=common + 1 {
            prop_assert_eq!(two.holds(TestKind::Prefix, real(bound)), bound <= common);
        }
        let (one, other) = (letter_pairs(left), letter_pairs(right));
        let share = real(one.intersection(&other).count()) / real(one.union(&other).count());
        assert_least(&two, TestKind::Jaccard, share);
    }

    #[test]
    fn likeness_of_digits_is_the_librarys(left in "[01]{1,16}", right in "[01]{1,16}") {
        let two = Two::of("digits", &left, &right);
        prop_assume!(two.are_there());
        let (slips, swaps) = (strsim::levenshtein(&left, &right), strsim::damerau_levenshtein(&left, &right));
        for bound in [0, 1, 2, slips, swaps] {
            prop_assert_eq!(two.holds(TestKind::Levenshtein, real(bound)), slips <= bound);
            prop_assert_eq!(two.holds(TestKind::DamerauLevenshtein, real(bound)), swaps <= bound);
        }
        assert_least(&two, TestKind::Jaro, strsim::jaro(&left, &right));
        prop_assert_eq!(two.holds(TestKind::Equal, 0.0), left == right);
    }

    #[test]
    fn sets_are_those_of_the_library(left in prop::collection::btree_set("[a-f]{1,2}", 1..8), right in prop::collection::btree_set("[a-f]{1,2}", 1..8)) {
        let written = |set: &BTreeSet<String>| set.iter().rev().cloned().collect::<Vec<_>>().join("|");
        let two = Two::of("set", &written(&left), &written(&right));
        prop_assert!(two.are_there());
        let common = left.intersection(&right).count();
        for bound in 1..10 {
            prop_assert_eq!(two.holds(TestKind::Overlap, real(bound)), common >= bound);
        }
        assert_least(&two, TestKind::Jaccard, real(common) / real(left.union(&right).count()));
        assert_least(&two, TestKind::OverlapShare, real(common) / real(left.len().min(right.len())));
        prop_assert_eq!(two.holds(TestKind::Equal, 0.0), left == right);
    }

    #[test]
    fn numbers_are_as_far_apart_as_whole_ones(left in -9999_i64..9999, right in -9999_i64..9999, bound in 0_i64..9999) {
        // Quarters have no error as binary fractions.
        let real = |quarters: i64| f64::from(i32::try_from(quarters).unwrap()) / 4.0;
        let two = Two::of("number", &real(left).to_string(), &real(right).to_string());
        let apart = (left - right).abs();
        prop_assert_eq!(two.holds(TestKind::Difference, real(bound)), apart <= bound);
        prop_assert!(two.holds(TestKind::Difference, real(apart)));
        prop_assert_eq!(two.holds(TestKind::Equal, 0.0), left == right);
        let larger = left.abs().max(right.abs());
        for percent in [0, 1, 10, 50, 100, 200] {
            let share = f64::from(i32::try_from(percent).unwrap()) / 100.0;
            // On the bound itself rounding decides.
            if 100 * apart != percent * larger || apart == 0 {
                prop_assert_eq!(two.holds(TestKind::RelativeDifference, share), 100 * apart <= percent * larger);
            }
        }
    }

    #[test]
    fn dates_are_as_far_apart_as_the_library_says((left, right) in days()) {
        let two = Two::of("date", &left.to_string(), &right.to_string());
        prop_assert!(two.are_there());
        let (early, late) = (left.min(right), left.max(right));
        let apart = |unit| early.until((unit, late)).unwrap();
        assert_apart(&two, TestKind::Days, i64::from(apart(Unit::Day).get_days()), false);
        let months = apart(Unit::Month);
        assert_apart(&two, TestKind::Months, i64::from(months.get_months()), months.get_days() > 0);
        let years = apart(Unit::Year);
        let beyond = years.get_months() > 0 || years.get_days() > 0;
        assert_apart(&two, TestKind::Years, i64::from(years.get_years()), beyond);
    }

    #[test]
    fn points_are_as_far_apart_as_vectors(
        left in (-90.0..90.0_f64, -180.0..180.0_f64),
        right in (-90.0..90.0_f64, -180.0..180.0_f64),
        near in any::<bool>(),
    ) {
        let right = if near {
            ((left.0 + right.0 * 1e-4).clamp(-90.0, 90.0), (left.1 + right.1 * 1e-4).clamp(-180.0, 180.0))
        } else {
            right
        };
        let written = |(lat, lon): (f64, f64)| format!("{lat},{lon}");
        let two = Two::of("point", &written(left), &written(right));
        prop_assert!(two.are_there());
        // A card keeps microdegrees, of which one is about a tenth of a metre.
        let apart = kilometres(left, right);
        prop_assert!(two.holds(TestKind::DistanceKm, apart + 0.001), "{}", apart);
        prop_assert!(apart < 0.001 || !two.holds(TestKind::DistanceKm, apart - 0.001), "{}", apart);
    }
}
