//! Numbers: of people, of documents, of telephones, of rows.

use crate::propose::fit::{Case, ENOUGH};
use crate::propose::reason::{plain, share};
use crate::shape::ColumnShapes;

/// Returns the share of values without a letter, in percent.
fn plain_numbers(column: &ColumnShapes) -> u32 {
    let words = ["latin", "arabic", "mixed", "e-mail", "long"];
    let is_number = |pattern: &str| {
        !pattern.contains(['A', 'ع']) && !words.iter().any(|word| pattern.starts_with(word))
    };
    let numbers = column
        .shapes
        .iter()
        .filter(|shape| is_number(&shape.pattern));
    column.percent(numbers.map(|shape| shape.values).sum())
}

pub(super) fn national_id(case: &mut Case, column: &ColumnShapes) {
    let structured = column.percent_of_numbers(column.national_ids);
    let reason = share(
        structured,
        "have the structure of a national id",
        "لها بنية الرقم القومي",
    );
    match structured {
        60.. => case.add(90, reason),
        20.. => case.add(40, reason),
        _ if column.values >= ENOUGH => case.add(-80, reason),
        _ => {}
    }
    let Some(linked) = column.linked else { return };
    let known = crate::shape::percent(linked, column.national_ids);
    let reason = share(
        known,
        "of these numbers are of people who are linked already",
        "من هذه الأرقام لأشخاص مرتبطين بالفعل",
    );
    // A register of the unborn is none: people of one country meet somewhere.
    case.add(if known >= 10 { 20 } else { 0 }, reason);
}

pub(super) fn document(case: &mut Case, column: &ColumnShapes) {
    if column.percent(column.national_ids) >= 50 {
        case.add(-80, plain("these are national ids", "هذه أرقام قومية"));
        return;
    }
    if column.words_in_ten() > 12 || column.percent(column.emails) > 20 {
        case.add(-60, plain("these are words", "هذه كلمات"));
        return;
    }
    let different = column.percent(column.distinct);
    let reason = share(
        different,
        "of the numbers are different",
        "من الأرقام مختلفة",
    );
    if different >= 60 && column.longest >= 5 {
        case.add(25, reason);
    } else if column.values >= ENOUGH {
        case.add(-30, reason);
    }
}

pub(super) fn phone(case: &mut Case, column: &ColumnShapes) {
    let phones = column.percent_of_numbers(column.phones);
    let reason = share(
        phones,
        "have the structure of a telephone number",
        "لها بنية رقم الهاتف",
    );
    let long = (7..=20).contains(&column.longest);
    match phones {
        60.. => case.add(45, reason),
        20.. => case.add(15, reason),
        _ if plain_numbers(column) >= 80 && long => {}
        _ if column.values >= ENOUGH => case.add(-50, reason),
        _ => {}
    }
    if column.percent(column.national_ids) >= 50 {
        case.add(-80, plain("these are national ids", "هذه أرقام قومية"));
    }
}

pub(super) fn row(case: &mut Case, column: &ColumnShapes) {
    if column.percent(column.national_ids) >= 50 {
        case.add(-60, plain("these are national ids", "هذه أرقام قومية"));
    } else if column.is_unique() {
        case.add(20, plain("no two rows have the same", "لا يتكرر في صفين"));
    } else if column.words_in_ten() > 12 {
        case.add(-40, plain("these are words", "هذه كلمات"));
    }
}
