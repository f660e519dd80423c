//! The rows of an event, taken apart.

use super::cell;
use super::log::Change;
use super::shape::Shape;
use super::value::Value;

/// The cells of a row in the order of the table; those that no plan asks for are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tuple(pub(super) Vec<Value>);

/// A row as it was, and as it is.
pub(super) type Pair = (Option<Tuple>, Option<Tuple>);

/// Returns which table rows are of.
pub(super) fn table_of(data: &[u8]) -> Option<u64> {
    let mut number = [0; 8];
    number[..6].copy_from_slice(data.get(..6)?);
    Some(u64::from_le_bytes(number))
}

/// Returns a number of the protocol's, and how many bytes it takes.
pub(super) fn length(data: &[u8]) -> Option<(u64, usize)> {
    let bytes = match data.first()? {
        252 => 2,
        253 => 3,
        254 => 8,
        251 | 255 => return None,
        small => return Some((u64::from(*small), 1)),
    };
    let mut number = [0; 8];
    number[..bytes].copy_from_slice(data.get(1..=bytes)?);
    Some((u64::from_le_bytes(number), 1 + bytes))
}

/// Returns the changes of an event; nothing when it does not fit its table.
pub(super) fn pairs(change: Change, data: &[u8], shape: &Shape) -> Option<Vec<Pair>> {
    let (width, size) = length(data.get(8..)?)?;
    let width = usize::try_from(width).ok()?;
    if width != shape.width() {
        return None;
    }
    let bitmap = width.div_ceil(8);
    let mut rest = data.get(8 + size..)?;
    let mut take = |wanted: bool| -> Option<Option<&[u8]>> {
        if !wanted {
            return Some(None);
        }
        let (taken, behind) = rest.split_at_checked(bitmap)?;
        rest = behind;
        Some(Some(taken))
    };
    let before = take(change != Change::Insert)?;
    let after = take(change != Change::Delete)?;
    let mut rows = rest;
    let mut pairs = Vec::new();
    while !rows.is_empty() {
        let left = rows.len();
        let mut row = |present: Option<&[u8]>| match present {
            Some(present) => tuple(present, &mut rows, shape).map(Some),
            None => Some(None),
        };
        pairs.push((row(before)?, row(after)?));
        if rows.len() == left {
            return None;
        }
    }
    Some(pairs)
}

fn is_set(bits: &[u8], at: usize) -> bool {
    bits.get(at / 8)
        .is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}

fn tuple(present: &[u8], rows: &mut &[u8], shape: &Shape) -> Option<Tuple> {
    let told = (0..shape.width()).filter(|at| is_set(present, *at)).count();
    let (nulls, behind) = rows.split_at_checked(told.div_ceil(8))?;
    *rows = behind;
    let mut cells = Vec::with_capacity(shape.width());
    let mut next = 0;
    for (at, column) in shape.columns().enumerate() {
        if !is_set(present, at) {
            cells.push(Value::Absent);
            continue;
        }
        let null = is_set(nulls, next);
        next += 1;
        if null {
            cells.push(Value::Null);
            continue;
        }
        cells.push(cell::read(column, rows)?);
    }
    Some(Tuple(cells))
}

#[cfg(test)]
mod tests {
    use super::{length, table_of};

    #[test]
    fn lengths_are_read() {
        assert_eq!(length(&[7, 9]), Some((7, 1)));
        assert_eq!(length(&[252, 1, 1]), Some((257, 3)));
        assert_eq!(length(&[253, 1, 0, 1]), Some((65_537, 4)));
        assert_eq!(length(&[254, 1, 0, 0, 0, 0, 0, 0, 0]), Some((1, 9)));
        for broken in [&[][..], &[252, 1], &[251], &[255]] {
            assert_eq!(length(broken), None, "{broken:?}");
        }
        assert_eq!(table_of(&[18, 1, 0, 0, 0, 0, 9]), Some(274));
        assert_eq!(table_of(&[18]), None);
    }
}
