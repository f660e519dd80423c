//! What an SQL condition asks, as tests by column name.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of all that SQL can say, the arms are the little that has a counterpart"
)]

pub(super) mod measure;

use super::sql::{Expr, Op, Side};
use crate::model::TestKind;

/// A predicate whose columns are known by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Draft {
    All(Vec<Draft>),
    Any(Vec<Draft>),
    Not(Box<Draft>),
    Test(DraftTest),
    /// Whether a value of one record is absent: half of a test of absence.
    Half(String, Side, bool),
}

/// A test whose columns are known by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DraftTest {
    pub(super) kind: TestKind,
    pub(super) column: String,
    pub(super) other: String,
    pub(super) both_ways: bool,
    pub(super) bound: f64,
}

impl Draft {
    fn test(kind: TestKind, (column, other): (String, String), bound: f64) -> Self {
        Self::Test(DraftTest {
            kind,
            column,
            other,
            both_ways: false,
            bound,
        })
    }

    fn of_column(kind: TestKind, column: &str) -> Self {
        Self::test(kind, (column.to_owned(), column.to_owned()), 0.0)
    }

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Calls `visit` for every test in it.
    pub(super) fn for_each(&self, visit: &mut impl FnMut(&DraftTest)) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.for_each(visit);
                }
            }
            Self::Not(part) => part.for_each(visit),
            Self::Test(test) => visit(test),
            Self::Half(..) => {}
        }
    }
}

/// Returns what a condition asks; `Err` says which part has no test.
pub(super) fn read(expr: &Expr) -> Result<Draft, String> {
    match node(expr)? {
        Draft::Half(column, ..) => Err(format!("it asks for '{column}' of one record only")),
        draft => Ok(draft),
    }
}

fn node(expr: &Expr) -> Result<Draft, String> {
    match expr {
        Expr::Binary(Op::And, ..) => parts(expr, Op::And),
        Expr::Binary(Op::Or, ..) => parts(expr, Op::Or),
        Expr::Not(inner) => Ok(match node(inner)? {
            Draft::Half(column, side, absent) => Draft::Half(column, side, !absent),
            other => other.not(),
        }),
        Expr::IsNull(inner) => {
            let operand = operand(inner).ok_or("it asks whether an expression is null")?;
            Ok(Draft::Half(operand.column, operand.side, true))
        }
        Expr::Binary(op, left, right) => measure::read(*op, left, right),
        Expr::Call(name, arguments) => call(name, arguments),
        _ => Err("a part of it is no comparison".to_owned()),
    }
}

fn call(name: &str, arguments: &[Expr]) -> Result<Draft, String> {
    let overlaps = matches!(
        name,
        "list_has_any" | "array_has_any" | "arrays_overlap" | "array_overlap"
    );
    match arguments {
        [left, right] if overlaps => Ok(Draft::test(TestKind::Overlap, pair(left, right)?, 1.0)),
        _ => Err(format!("the function '{name}' has no test")),
    }
}

/// Reads the operands of `AND` or `OR`, and joins the halves of tests of absence and the two
/// directions of a test between two columns.
fn parts(expr: &Expr, op: Op) -> Result<Draft, String> {
    let mut operands = Vec::new();
    flatten(expr, op, &mut operands);
    let drafts: Result<Vec<Draft>, String> = operands.into_iter().map(node).collect();
    let mut whole = Vec::new();
    for draft in drafts? {
        match &draft {
            Draft::Half(column, side, absent) => {
                let opposite = Draft::Half(column.clone(), other_side(*side), *absent);
                match whole.iter().position(|found| *found == opposite) {
                    Some(at) => whole[at] = absence(column, op, *absent),
                    None => whole.push(draft),
                }
            }
            Draft::Test(test) if op == Op::And && test.column != test.other => {
                let mirrored = mirror(test);
                match whole.iter().position(|found| *found == mirrored) {
                    Some(at) => whole[at] = both_ways(test),
                    None => whole.push(draft),
                }
            }
            _ => whole.push(draft),
        }
    }
    let half = whole.iter().find_map(|draft| match draft {
        Draft::Half(column, ..) => Some(column),
        _ => None,
    });
    if let Some(column) = half {
        return Err(format!("it asks for '{column}' of one record only"));
    }
    whole.dedup();
    Ok(match (whole.len(), op) {
        (1, _) => whole.swap_remove(0),
        (_, Op::And) => Draft::All(whole),
        _ => Draft::Any(whole),
    })
}

fn flatten<'a>(expr: &'a Expr, op: Op, into: &mut Vec<&'a Expr>) {
    match expr {
        Expr::Binary(found, left, right) if *found == op => {
            flatten(left, op, into);
            flatten(right, op, into);
        }
        other => into.push(other),
    }
}

const fn other_side(side: Side) -> Side {
    match side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
    }
}

/// Joins `x_l IS NULL` and `x_r IS NULL`, or the same with `IS NOT NULL`.
fn absence(column: &str, op: Op, absent: bool) -> Draft {
    match (op, absent) {
        (Op::Or, true) => Draft::of_column(TestKind::Absent, column),
        (_, true) => Draft::of_column(TestKind::BothAbsent, column),
        (Op::Or, false) => Draft::of_column(TestKind::BothAbsent, column).not(),
        (_, false) => Draft::of_column(TestKind::Absent, column).not(),
    }
}

fn mirror(test: &DraftTest) -> Draft {
    Draft::Test(DraftTest {
        column: test.other.clone(),
        other: test.column.clone(),
        ..test.clone()
    })
}

fn both_ways(test: &DraftTest) -> Draft {
    let (column, other) = if test.column <= test.other {
        (&test.column, &test.other)
    } else {
        (&test.other, &test.column)
    };
    Draft::Test(DraftTest {
        column: column.clone(),
        other: other.clone(),
        both_ways: true,
        ..test.clone()
    })
}

/// A column of one record, out of what does not change how it is compared.
pub(super) struct Operand {
    pub(super) column: String,
    pub(super) side: Side,
    /// Whether it is read as a date.
    pub(super) is_date: bool,
}

/// Returns the column that an expression is, or `None` when it is more than a column. Folding and
/// trimming are done by standardisation, and an empty text is absent.
pub(super) fn operand(expr: &Expr) -> Option<Operand> {
    match expr {
        Expr::Column(column, side) => Some(Operand {
            column: column.clone(),
            side: *side,
            is_date: false,
        }),
        Expr::Call(name, arguments) => {
            let inner = operand(arguments.first()?)?;
            match name.as_str() {
                "lower" | "upper" | "trim" | "ltrim" | "rtrim" | "strip_accents" => Some(inner),
                "nullif" => (arguments.get(1) == Some(&Expr::Text(String::new()))).then_some(inner),
                "date" | "to_date" | "to_timestamp" | "strptime" | "try_strptime"
                | "try_to_timestamp" | "try_to_date" | "epoch" | "unix_timestamp" => {
                    Some(Operand {
                        is_date: true,
                        ..inner
                    })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Returns the columns of the left and the right record that two expressions are.
pub(super) fn pair(left: &Expr, right: &Expr) -> Result<(String, String), String> {
    let (Some(left), Some(right)) = (operand(left), operand(right)) else {
        return Err("it compares more than columns".to_owned());
    };
    match (left.side, right.side) {
        (Side::Left, Side::Right) => Ok((left.column, right.column)),
        (Side::Right, Side::Left) => Ok((right.column, left.column)),
        _ => Err(format!(
            "it compares '{}' and '{}' of one record",
            left.column, right.column
        )),
    }
}
