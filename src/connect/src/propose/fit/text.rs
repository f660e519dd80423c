//! Names, addresses and other words.

use crate::propose::fit::{Case, ENOUGH};
use crate::propose::reason::{plain, share};
use crate::shape::{ColumnShapes, List, percent};

/// Values from which names are missed where none is listed.
const MANY: u32 = 20;

fn letters(column: &ColumnShapes) -> u32 {
    column.percent(column.arabic + column.latin)
}

fn no_words(case: &mut Case, column: &ColumnShapes, points: i32) {
    if column.values >= ENOUGH {
        case.add(points, share(letters(column), "have letters", "فيها حروف"));
    }
}

/// Adds what the share of listed names says. Latin names of all countries are not listed, so that
/// little, `unlisted`, is taken away where none is.
fn listed(case: &mut Case, column: &ColumnShapes, points: i32, unlisted: i32) {
    let names = percent(column.names, column.words);
    let reason = share(
        names,
        "of the words are names of people",
        "من الكلمات أسماء أشخاص",
    );
    if names >= 50 {
        case.add(points, reason);
    } else if names < 15 && column.values >= MANY {
        let is_arabic = column.arabic > column.latin;
        case.add(if is_arabic { -25 } else { unlisted }, reason);
    }
}

pub(super) fn part_of_name(case: &mut Case, column: &ColumnShapes) {
    if letters(column) < 50 {
        return no_words(case, column, -60);
    }
    listed(case, column, 30, 0);
}

/// A name of several words. That few of them are different speaks against a person's own.
pub(super) fn name(case: &mut Case, column: &ColumnShapes, is_own: bool) {
    if letters(column) < 50 || column.percent(column.emails) >= 20 {
        return no_words(case, column, -60);
    }
    listed(case, column, 40, -10);
    let words = column.words_in_ten();
    if words >= 18 {
        let (en, ar) = (
            format!("a value has {}.{} words", words / 10, words % 10),
            format!("في القيمة {}.{} كلمة", words / 10, words % 10),
        );
        case.add(10, plain(&en, &ar));
    }
    if is_own && words < 13 && column.values >= ENOUGH {
        case.add(-20, plain("a value is one word", "القيمة كلمة واحدة"));
    }
    if is_own && column.percent(column.distinct) < 10 && column.values >= MANY {
        case.add(
            -30,
            plain("few values are different", "القيم المختلفة قليلة"),
        );
    }
}

pub(super) fn district(case: &mut Case, column: &ColumnShapes) {
    if letters(column) < 50 {
        return no_words(case, column, -40);
    }
    let of_governorates = column
        .lists
        .iter()
        .find(|used| used.list == List::Governorate);
    if of_governorates.is_some_and(|used| column.percent(used.values) >= 70) {
        case.add(-30, plain("these are governorates", "هذه محافظات"));
    } else if column.words_in_ten() <= 30 && column.percent(column.address_words) < 30 {
        case.add(15, plain("these are short names", "هذه أسماء قصيرة"));
    }
}

pub(super) fn address(case: &mut Case, column: &ColumnShapes) {
    if letters(column) < 50 || column.percent(column.emails) >= 20 {
        return no_words(case, column, -60);
    }
    let streets = column.percent(column.address_words);
    if streets >= 30 {
        let reason = share(
            streets,
            "have a word of addresses",
            "فيها كلمة من كلمات العناوين",
        );
        case.add(35, reason);
    } else if column.words_in_ten() >= 18 {
        case.add(10, plain("these are several words", "هذه عدة كلمات"));
    }
}

pub(super) fn email(case: &mut Case, column: &ColumnShapes) {
    let emails = column.percent(column.emails);
    let reason = share(emails, "are e-mail addresses", "عناوين بريد إلكتروني");
    if emails >= 60 {
        case.add(60, reason);
    } else if column.values >= ENOUGH {
        case.add(-80, reason);
    }
}

pub(super) fn photo(case: &mut Case, column: &ColumnShapes) {
    let is_file = |pattern: &str| pattern.contains('/') || pattern.ends_with(".A(3)");
    let files = column.shapes.iter().filter(|shape| is_file(&shape.pattern));
    let files = column.percent(files.map(|shape| shape.values).sum());
    let reason = share(files, "look like the name of a file", "تشبه اسم ملف");
    case.add(if files >= 60 { 25 } else { -20 }, reason);
}

pub(super) fn nationality(case: &mut Case, column: &ColumnShapes) {
    if letters(column) < 50 {
        return no_words(case, column, -30);
    }
    if column.distinct <= 20 || column.percent(column.distinct) <= 20 {
        case.add(
            20,
            plain("few values are different", "القيم المختلفة قليلة"),
        );
    }
}
