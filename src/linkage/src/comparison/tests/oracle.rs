//! Named comparisons and the parsers below them, against a library or the plain definition.

use jiff::ToSpan;
use jiff::civil::Date;
use proptest::prelude::*;

use super::super::{date as dates, identifier as numbers};
use crate::model::ComparisonType;
use crate::standardise::date::{day_number, pack, parse, unpack};
use crate::standardise::{Slot, identifier, value};

fn day() -> impl Strategy<Value = Date> {
    // Years that are not taken for Hijri ones; the first of January is a year alone.
    let date = (1600_i16..=9999, 1_i8..13, 1_i8..32);
    date.prop_filter_map("a day", |(year, month, day)| {
        let date = Date::new(year, month, day).ok()?;
        (date.day_of_year() != 1).then_some(date)
    })
}

/// Two days, often a slip apart.
fn days() -> impl Strategy<Value = (Date, Date)> {
    let slip = (day(), 0..5_usize, any::<bool>()).prop_filter_map("a day", |(one, slip, back)| {
        let span = [1.day(), 1.year(), 10.years(), 1.month(), 3.days()][slip];
        let span = if back { -span } else { span };
        let other = one.checked_add(span).ok()?;
        (other.day_of_year() != 1 && other.year() >= 1600).then_some((one, other))
    });
    let swapped = day().prop_filter_map("a day", |one| {
        let other = Date::new(one.year(), one.day(), one.month()).ok()?;
        Some((one, other))
    });
    prop_oneof![slip, swapped, (day(), day())]
}

/// The levels of dates, said over calendar days.
fn expected(left: Date, right: Date) -> &'static str {
    let (same_year, same_month) = (left.year() == right.year(), left.month() == right.month());
    let swapped = left.month() == right.day() && left.day() == right.month();
    let years_apart = |years: i64| {
        let of =
            |one: Date, other: Date| one.year() + i16::try_from(years).unwrap() == other.year();
        let same_day = same_month && left.day() == right.day();
        same_day && (of(left, right) || of(right, left))
    };
    if left == right {
        "equal"
    } else if same_year && swapped {
        "swapped"
    } else if left.tomorrow().ok() == Some(right) || right.tomorrow().ok() == Some(left) {
        "near_day"
    } else if years_apart(1) {
        "near_year"
    } else if years_apart(10) {
        "decade"
    } else if same_year && same_month {
        "same_month"
    } else if same_year {
        "same_year"
    } else {
        "different"
    }
}

/// One to three numbers of few digits.
fn several() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[01]{1,6}", 1..4)
}

/// The numbers as a card holds them.
fn words(numbers: &[String]) -> Vec<u32> {
    let packed = numbers.iter().map(|text| identifier::pack(text).unwrap());
    packed
        .flat_map(|packed| [packed & u64::from(u32::MAX), packed >> 32])
        .map(|half| u32::try_from(half).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(crate::soak::cases(500))]

    #[test]
    fn levels_of_dates_are_those_of_the_calendar((left, right) in days()) {
        let packed = |day: Date| pack(parse(&day.to_string()).unwrap());
        let found = dates::compare(packed(left), packed(right));
        prop_assert_eq!(ComparisonType::Date.levels()[usize::from(found.level)], expected(left, right));
        prop_assert_eq!(found, dates::compare(packed(right), packed(left)));
    }

    #[test]
    fn days_are_numbered_as_in_the_calendar((left, right) in days()) {
        let number = |day: Date| day_number(pack(parse(&day.to_string()).unwrap()));
        let apart = left.until((jiff::Unit::Day, right)).unwrap().get_days();
        prop_assert_eq!(number(right) - number(left), i64::from(apart));
    }

    #[test]
    fn dates_are_read_in_every_form_the_library_writes(day in day(), form in 0..8_usize) {
        let form = ["%Y-%m-%d", "%Y%m%d", "%d/%m/%Y", "%d.%m.%Y", "%d %b %Y", "%b %d, %Y", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d"][form];
        let text = day.strftime(form).to_string();
        let found = parse(&text).map(|date| unpack(pack(date)));
        let part = |part: i8| u32::from(part.unsigned_abs());
        let whole = (u32::from(day.year().unsigned_abs()), part(day.month()), part(day.day()));
        prop_assert_eq!(found, Some(whole), "{}", text);
    }

    #[test]
    fn days_that_are_none_are_not_read(year in 1600_i16..=9999, month in 1_i8..40, day in 1_i8..40) {
        let text = format!("{year:04}-{month:02}-{day:02}");
        prop_assert_eq!(parse(&text).is_some(), Date::new(year, month, day).is_ok());
    }

    #[test]
    fn numbers_are_those_of_the_library(number in prop::num::f64::NORMAL | prop::num::f64::ZERO, whole in any::<i32>()) {
        for text in [number.to_string(), format!("{number:e}"), format!(" {number} ")] {
            prop_assert_eq!(value::number(&text), Some(number), "{}", text);
        }
        let digits = whole.unsigned_abs().to_string();
        let mut grouped = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if whole < 0 { "-" } else { "" };
        prop_assert_eq!(value::number(&format!("{sign}{grouped}")), Some(f64::from(whole)));
        let back = value::number_at(&value::number_words(number));
        prop_assert_eq!(back, Some(if number == 0.0 { -0.0 } else { number }));
    }

    #[test]
    fn no_text_makes_a_number_or_a_point_that_is_not_one(text in prop_oneof![any::<String>(), "[0-9eE+.,_٠-٩NaInf -]{0,16}"]) {
        prop_assert!(value::number(&text).is_none_or(f64::is_finite));
        if let Some(words) = value::point_words(&text) {
            let (latitude, longitude) = value::degrees(&words);
            prop_assert!(words[0] != 0 && latitude.abs() <= 90.0 && longitude.abs() <= 180.0);
        }
    }

    #[test]
    fn the_best_of_several_numbers_counts(left in several(), right in several()) {
        let slips = left.iter().flat_map(|one| right.iter().map(|other| strsim::osa_distance(one, other)));
        let expected = match slips.min() {
            Some(0) => 1,
            Some(1) => 2,
            _ => 3,
        };
        let (mut one, mut other) = (words(&left), words(&right));
        for words in [&mut one, &mut other] {
            words.resize(6, 0);
        }
        let slot = Slot { offset: 0, width: 6 };
        prop_assert_eq!(numbers::any_of(&one, &other, slot).level, expected);
        prop_assert_eq!(numbers::any_of(&other, &one, slot).level, expected);
        prop_assert_eq!(numbers::any_of(&other, &[0; 6], slot).level, 0);
    }
}
