//! Properties of every text, not of well-formed ones.

use proptest::prelude::*;

use super::name::{skeleton, words};
use super::script::letters;
use super::vowels::Vowels;
use super::{address, date, identifier};
use crate::pack::Pack;

/// Letters of names with what keyboards put around them.
fn written() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ابتجحدرسشصعفقكلمنهويأإآىةئؤء ]{0,30}",
        "[A-Za-z' .-]{0,30}",
        any::<String>(),
    ]
}

/// Puts a mark that carries nothing behind every letter.
fn marked(text: &str, mark: char) -> String {
    text.chars().flat_map(|letter| [letter, mark]).collect()
}

proptest! {
    #![proptest_config(crate::soak::cases(500))]

    #[test]
    fn folding_twice_is_folding_once(text in written()) {
        let once = letters(&text);
        prop_assert_eq!(letters(&once), once.clone());
    }

    #[test]
    fn marks_and_spaces_change_no_word(text in "[ابتجحدرسعفقكلمنهويأإآىة]{1,8}( [ابتجحدرسعفقكلمنهويأإآىة]{1,8}){0,4}") {
        let pack = Pack::shipped("egypt").unwrap();
        let plain = words(&pack, &text);
        for mark in ['\u{64e}', '\u{651}', '\u{640}'] {
            let marked = marked(&text, mark);
            prop_assert_eq!(words(&pack, &marked), plain.clone(), "{:?}", marked);
        }
        prop_assert_eq!(words(&pack, &text.replace(' ', " \u{a0}\t ")), plain);
    }

    #[test]
    fn no_text_is_too_odd(text in written()) {
        let pack = Pack::shipped("egypt").unwrap();
        for word in words(&pack, &text) {
            skeleton(&pack, &word);
            Vowels::of(&pack, &word);
        }
        skeleton(&pack, &text);
        Vowels::of(&pack, &text);
        date::parse(&text);
        address::parts(&pack, &text);
        identifier::phone(&pack, &text);
        if let (Some(layout), Some(packed)) = (&pack.national_id, identifier::pack(&text)) {
            identifier::national_id(layout, packed);
        }
    }

    #[test]
    fn numbers_in_any_digits_are_read(text in "[0-9٠-٩۰-۹/.: +-]{0,24}") {
        let pack = Pack::shipped("egypt").unwrap();
        date::parse(&text);
        address::parts(&pack, &text);
        identifier::phone(&pack, &text);
        if let (Some(layout), Some(packed)) = (&pack.national_id, identifier::pack(&text)) {
            identifier::national_id(layout, packed);
        }
    }

    #[test]
    fn hijri_dates_come_back(year in 1300..=1500_i32, month in 1..=12_u8, day in 1..=29_u8) {
        use icu_calendar::Date;
        use icu_calendar::cal::Hijri;
        let read = date::parse(&format!("{year:04}-{month:02}-{day:02}")).unwrap();
        let (month_read, day_read) = (read.month().unwrap(), read.day().unwrap());
        let gregorian = Date::try_new_iso(i32::from(read.year()), month_read, day_read).unwrap();
        let back = gregorian.to_calendar(Hijri::new_umm_al_qura());
        prop_assert_eq!(back.year().extended_year(), year);
        prop_assert_eq!((back.month().ordinal, back.day_of_month().0), (month, day));
    }
}
