//! Comparisons of two columns, or of a measure of two columns and a number.

use super::super::sql::{Expr, Op};
use super::{Draft, operand, pair};
use crate::model::TestKind;

/// Reads `left op right`.
pub(super) fn read(op: Op, left: &Expr, right: &Expr) -> Result<Draft, String> {
    if let Some(draft) = of_texts(op, left, right)? {
        return Ok(draft);
    }
    match (left, right) {
        (measure, Expr::Number(bound)) => of_bound(op, measure, *bound),
        (Expr::Number(bound), measure) => of_bound(flipped(op), measure, *bound),
        _ => Err("it compares more than columns".to_owned()),
    }
}

/// Reads equality of two columns, of their beginnings, of a set and its part.
fn of_texts(op: Op, left: &Expr, right: &Expr) -> Result<Option<Draft>, String> {
    if let (Op::Ne, Some(operand), Expr::Text(text)) = (op, operand(left), right)
        && text.is_empty()
    {
        // An empty text is absent.
        let absent = Draft::of_column(TestKind::Absent, &operand.column);
        return Ok(Some(absent.not()));
    }
    if let (Op::Ne, Some((column, other)), Expr::Number(0.0)) = (op, least_length(left), right)
        && column == other
    {
        // An empty set is absent.
        return Ok(Some(Draft::of_column(TestKind::Absent, &column).not()));
    }
    if operand(left).is_some() && operand(right).is_some() && matches!(op, Op::Eq | Op::Ne) {
        let equal = Draft::test(TestKind::Equal, pair(left, right)?, 0.0);
        return Ok(Some(if op == Op::Eq {
            equal
        } else {
            let (column, other) = pair(left, right)?;
            let there = Draft::test(TestKind::Absent, (column, other), 0.0).not();
            Draft::All(vec![there, equal.not()])
        }));
    }
    if let (Op::Eq, Some((left, n)), Some((right, m))) = (op, beginning(left), beginning(right))
        && n == m
    {
        let columns = pair(left, right)?;
        return Ok(Some(Draft::Any(vec![
            Draft::test(TestKind::Equal, columns.clone(), 0.0),
            Draft::test(TestKind::Prefix, columns, f64::from(n)),
        ])));
    }
    if let (Op::Eq, Some((column, other)), Some(_)) = (op, common(left), least_length(right)) {
        return Ok(Some(Draft::test(
            TestKind::OverlapShare,
            (column, other),
            1.0,
        )));
    }
    Ok(None)
}

const fn flipped(op: Op) -> Op {
    match op {
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        other => other,
    }
}

/// Returns the text and the length of `substr(x, 1, n)` and `left(x, n)`.
pub(in crate::model::splink) fn beginning(expr: &Expr) -> Option<(&Expr, u32)> {
    let Expr::Call(name, arguments) = expr else {
        return None;
    };
    let length = match (name.as_str(), arguments.as_slice()) {
        ("substr" | "substring", [_, Expr::Number(1.0), Expr::Number(length)]) => *length,
        ("left", [_, Expr::Number(length)]) => *length,
        _ => return None,
    };
    let length = (1..=64).find(|n| (f64::from(*n) - length).abs() < f64::EPSILON)?;
    Some((arguments.first()?, length))
}

fn function<'a>(expr: &'a Expr, names: &[&str]) -> Option<&'a [Expr]> {
    match expr {
        Expr::Call(name, arguments) if names.contains(&name.as_str()) => Some(arguments),
        _ => None,
    }
}

const LENGTH: [&str; 6] = [
    "array_length",
    "len",
    "length",
    "cardinality",
    "size",
    "array_size",
];

/// Returns the two sets of `array_length(list_intersect(x, y))`.
fn common(expr: &Expr) -> Option<(String, String)> {
    let intersect = function(expr, &LENGTH)?.first()?;
    let [left, right] = function(intersect, &["list_intersect", "array_intersect"])? else {
        return None;
    };
    pair(left, right).ok()
}

/// Returns the two sets of `least(array_length(x), array_length(y))`.
fn least_length(expr: &Expr) -> Option<(String, String)> {
    let [left, right] = function(expr, &["least"])? else {
        return None;
    };
    let left = function(left, &LENGTH)?.first()?;
    pair(left, function(right, &LENGTH)?.first()?).ok()
}

/// Reads a measure of two columns that is at least or at most a number.
fn of_bound(op: Op, measure: &Expr, bound: f64) -> Result<Draft, String> {
    if let Some((column, other)) = common(measure) {
        let bound = least(op, bound, true)?;
        return Ok(Draft::test(TestKind::Overlap, (column, other), bound));
    }
    if let Some(draft) = distance(op, measure, bound)? {
        return Ok(draft);
    }
    match measure {
        Expr::Call(name, arguments) => match (likeness(name), arguments.as_slice()) {
            (Some((kind, true)), [left, right]) => Ok(Draft::test(
                kind,
                pair(left, right)?,
                least(op, bound, false)?,
            )),
            (Some((kind, false)), [left, right]) => Ok(Draft::test(
                kind,
                pair(left, right)?,
                most(op, bound, true)?,
            )),
            (_, [inner]) if name == "abs" => difference(op, inner, bound),
            _ => Err(format!("the function '{name}' has no test")),
        },
        Expr::Binary(Op::Div, above, below) => relative(op, above, below, bound),
        _ => Err("a part of it has no test".to_owned()),
    }
}

/// Returns the test of a function, and whether more of it is more alike.
fn likeness(name: &str) -> Option<(TestKind, bool)> {
    Some(match name {
        "jaro_winkler_similarity" | "jaro_winkler" | "jaro_winkler_sim" => {
            (TestKind::JaroWinkler, true)
        }
        "jaro_similarity" | "jaro" | "jaro_sim" => (TestKind::Jaro, true),
        "jaccard" | "jaccard_sim" => (TestKind::Jaccard, true),
        "levenshtein" | "editdist3" | "edit_distance" => (TestKind::Levenshtein, false),
        "damerau_levenshtein" => (TestKind::DamerauLevenshtein, false),
        _ => return None,
    })
}

/// Returns the least value that `op bound` lets through.
fn least(op: Op, bound: f64, counts: bool) -> Result<f64, String> {
    match (op, counts) {
        (Op::Ge, true) => Ok(bound.ceil().max(1.0)),
        (Op::Gt, true) => Ok((bound.floor() + 1.0).max(1.0)),
        (Op::Ge, false) => Ok(bound),
        (Op::Gt, false) => Ok(bound.next_up()),
        _ => Err("it does not ask for so much or more".to_owned()),
    }
}

/// Returns the greatest value that `op bound` lets through.
fn most(op: Op, bound: f64, counts: bool) -> Result<f64, String> {
    match (op, counts) {
        (Op::Le, true) => Ok(bound.floor()),
        (Op::Lt, true) => Ok(bound.ceil() - 1.0),
        (Op::Eq, true) if bound.abs() < f64::EPSILON => Ok(0.0),
        (Op::Le, false) => Ok(bound),
        (Op::Lt, false) => Ok(bound.next_down()),
        _ => Err("it does not ask for so much or less".to_owned()),
    }
}

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// Reads what stands in `abs(…)`: a difference of numbers, dates, or seconds since an epoch.
fn difference(op: Op, inner: &Expr, bound: f64) -> Result<Draft, String> {
    match inner {
        Expr::Binary(Op::Sub, left, right) => {
            let columns = pair(left, right)?;
            let is_date = operand(left).is_some_and(|operand| operand.is_date);
            let in_seconds = function(left, &["epoch", "unix_timestamp"]).is_some();
            match (in_seconds, is_date) {
                // Dates have no hours, so a bound of hours within a day is that of the day.
                (true, _) => Ok(Draft::test(
                    TestKind::Days,
                    columns,
                    most(op, bound / DAY, true)?,
                )),
                (_, true) => Ok(Draft::test(TestKind::Days, columns, most(op, bound, true)?)),
                _ => Ok(Draft::test(
                    TestKind::Difference,
                    columns,
                    most(op, bound, false)?,
                )),
            }
        }
        Expr::Call(name, arguments) => {
            let (unit, left, right) = match (name.as_str(), arguments.as_slice()) {
                ("date_diff" | "datediff" | "date_sub", [Expr::Text(unit), left, right]) => {
                    (unit.as_str(), left, right)
                }
                ("datediff", [left, right]) => ("day", left, right),
                _ => return Err(format!("the function '{name}' has no test")),
            };
            let kind = match unit.trim_end_matches('s') {
                "day" => TestKind::Days,
                "month" => TestKind::Months,
                "year" => TestKind::Years,
                other => return Err(format!("dates are not counted in '{other}'")),
            };
            Ok(Draft::test(
                kind,
                pair(left, right)?,
                most(op, bound, true)?,
            ))
        }
        _ => Err("a part of it has no test".to_owned()),
    }
}

/// Reads `abs(x - y) / greatest(x, y)`.
fn relative(op: Op, above: &Expr, below: &Expr, bound: f64) -> Result<Draft, String> {
    let of_larger = match below {
        Expr::Case(results) => results.len() == 2,
        Expr::Call(name, arguments) => name == "greatest" && arguments.len() == 2,
        _ => false,
    };
    match function(above, &["abs"]) {
        Some([Expr::Binary(Op::Sub, left, right)]) if of_larger => {
            let bound = most(op, bound, false)?;
            Ok(Draft::test(
                TestKind::RelativeDifference,
                pair(left, right)?,
                bound,
            ))
        }
        _ => Err("a part of it has no test".to_owned()),
    }
}

/// Reads the distance on the ground of two pairs of latitude and longitude, `acos(…) * 6371`. The
/// point is named `latitude|longitude`.
fn distance(op: Op, measure: &Expr, bound: f64) -> Result<Option<Draft>, String> {
    let Expr::Binary(Op::Mul, arc, radius) = measure else {
        return Ok(None);
    };
    let Some(cosine) = function(arc, &["acos"]) else {
        return Ok(None);
    };
    if !matches!(**radius, Expr::Number(6370.0..=6372.0)) {
        return Err("the distance is not in kilometres".to_owned());
    }
    let (mut all, mut latitudes) = (Vec::new(), Vec::new());
    columns(&cosine[0], false, &mut all, &mut latitudes);
    let longitudes: Vec<&String> = all.iter().filter(|c| !latitudes.contains(c)).collect();
    match (latitudes.as_slice(), longitudes.as_slice()) {
        ([latitude], [longitude]) => {
            let point = format!("{latitude}|{longitude}");
            let bound = most(op, bound, false)?;
            Ok(Some(Draft::test(
                TestKind::DistanceKm,
                (point.clone(), point),
                bound,
            )))
        }
        _ => Err("latitude and longitude are not told apart in it".to_owned()),
    }
}

/// Collects the columns of an expression, and those whose sine is taken.
fn columns(expr: &Expr, in_sine: bool, all: &mut Vec<String>, latitudes: &mut Vec<String>) {
    match expr {
        Expr::Column(name, _) => {
            for (list, wanted) in [(all, true), (latitudes, in_sine)] {
                if wanted && !list.contains(name) {
                    list.push(name.clone());
                }
            }
        }
        Expr::Call(name, arguments) => {
            for argument in arguments {
                columns(argument, in_sine || name == "sin", all, latitudes);
            }
        }
        Expr::Binary(_, left, right) => {
            columns(left, in_sine, all, latitudes);
            columns(right, in_sine, all, latitudes);
        }
        Expr::Case(results) => {
            for result in results {
                columns(result, in_sine, all, latitudes);
            }
        }
        Expr::Not(inner) | Expr::IsNull(inner) => columns(inner, in_sine, all, latitudes),
        Expr::Number(_) | Expr::Text(_) | Expr::Null => {}
    }
}
