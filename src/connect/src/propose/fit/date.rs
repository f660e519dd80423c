//! Dates and their parts.

use crate::propose::fit::{COMPARED, Case, ENOUGH};
use crate::propose::reason::share;
use crate::shape::{ColumnShapes, FORMATS, percent};

/// Returns the share of values that are dates, in percent.
fn dates(column: &ColumnShapes) -> u32 {
    column.percent_of_numbers(column.dates.iter().map(|used| used.values).sum())
}

/// Adds how dates are written, or that there are none.
fn written(case: &mut Case, column: &ColumnShapes, points: i32, against: i32) {
    let Some(best) = column.dates.first().filter(|_| dates(column) >= 70) else {
        if column.values >= ENOUGH {
            case.add(against, share(dates(column), "are dates", "تواريخ"));
        }
        return;
    };
    let label = FORMATS[best.format].label();
    let (en, ar) = (
        format!("are dates of the form {}", label.en),
        format!("تواريخ بالصورة {}", label.ar),
    );
    case.add(points, share(dates(column), &en, &ar));
}

/// Returns in which share of the rows the column has the birth date of the national id; nothing when
/// there are too few rows to compare.
fn born(column: &ColumnShapes) -> Option<u32> {
    let best = column.dates.iter().max_by_key(|used| used.born)?;
    (best.compared >= COMPARED).then(|| percent(best.born, best.compared))
}

pub(super) fn birth(case: &mut Case, column: &ColumnShapes) {
    written(case, column, 30, -60);
    let Some(born) = born(column).filter(|_| dates(column) >= 50) else {
        return;
    };
    let reason = share(
        born,
        "are the birth date in the national id of the row",
        "تطابق تاريخ الميلاد في الرقم القومي للصف",
    );
    match born {
        60.. => case.add(60, reason),
        0..15 => case.add(-60, reason),
        _ => {}
    }
}

/// Another date: one that is the birth date of the national id is none.
pub(super) fn other(case: &mut Case, column: &ColumnShapes) {
    written(case, column, 25, -40);
    if let Some(born) = born(column).filter(|born| *born >= 50) {
        let reason = share(
            born,
            "are the birth date in the national id",
            "تطابق تاريخ الميلاد",
        );
        case.add(-80, reason);
    }
}

pub(super) fn year(case: &mut Case, column: &ColumnShapes) {
    let years = column.percent_of_numbers(column.years);
    let reason = share(years, "are years", "سنوات");
    if years >= 70 {
        case.add(25, reason);
    } else if column.values >= ENOUGH {
        case.add(-60, reason);
    }
    part(case, column, column.agreement.year);
}

/// A year, month or day: `agreed` rows have that of the national id.
pub(super) fn part(case: &mut Case, column: &ColumnShapes, agreed: u32) {
    let compared = column.agreement.compared;
    if compared < COMPARED {
        return;
    }
    let agreed = percent(agreed, compared);
    let reason = share(agreed, "agree with the national id", "تتفق مع الرقم القومي");
    match agreed {
        60.. => case.add(35, reason),
        0..15 => case.add(-40, reason),
        _ => {}
    }
}
