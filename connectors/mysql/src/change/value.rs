//! The text of a value in the log: the one that the server gives to whoever selects it.

use std::sync::Arc;

use jiff::Timestamp;
use rabt_connect::{Cell, Fault};

use super::charset::Charset;

/// A cell of a row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Null,
    /// The row must be read again to know it.
    Again,
    /// The log does not tell it.
    Absent,
    Unreadable(Fault),
}

/// How the values of a column become text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// A whole number, filled with zeros to a width.
    Whole(usize),
    Decimal,
    Year,
    Date,
    /// With so many digits of a second.
    Time(usize),
    DateTime(usize),
    Timestamp(usize),
    Bits,
    Enumeration(Vec<Option<String>>),
    Set(Vec<Option<String>>),
    Characters(Arc<Charset>),
    /// Bytes, filled with zeros to a length; as hexadecimal digits in a key.
    Bytes {
        length: usize,
        digits: bool,
    },
    /// Only the server can say.
    Again,
}

impl Value {
    /// Returns the cell of a batch.
    pub(super) fn as_cell(&self) -> Cell<'_> {
        match self {
            Self::Text(text) => Cell::Text(text),
            Self::Null => Cell::Null,
            Self::Again | Self::Absent => Cell::Unchanged,
            Self::Unreadable(fault) => Cell::Unreadable(*fault),
        }
    }

    /// Returns how much memory the value takes, about.
    pub(super) const fn size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                Self::Null | Self::Again | Self::Absent | Self::Unreadable(_) => 0,
            }
    }
}

/// Returns so many digits of a fraction of a second, with the point before them.
pub(super) fn fraction(micro: u32, digits: usize) -> String {
    if digits == 0 {
        return String::new();
    }
    let all = format!("{micro:06}");
    format!(".{}", all.get(..digits).unwrap_or(&all))
}

/// Returns the time in UTC of seconds since 1970 with a fraction; nothing at all is the zero date.
pub(super) fn timestamp(seconds: u32, micro: u32, digits: usize) -> Option<String> {
    let fraction = fraction(micro, digits);
    if seconds == 0 && micro == 0 {
        return Some(format!("0000-00-00 00:00:00{fraction}"));
    }
    let time = Timestamp::from_second(i64::from(seconds)).ok()?.to_string();
    let time = time.trim_end_matches('Z').replace('T', " ");
    Some(format!("{time}{fraction}"))
}

/// Returns the members of a set that a number has the bits of.
pub(super) fn members(names: &[Option<String>], bits: u64) -> Option<String> {
    let mut text = String::new();
    for at in 0..64 {
        if bits >> at & 1 == 0 {
            continue;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(names.get(at)?.as_ref()?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{fraction, members, timestamp};

    #[test]
    fn times_are_written_as_the_server_does() {
        assert_eq!(fraction(1200, 3), ".001");
        assert_eq!(fraction(1200, 0), "");
        assert_eq!(timestamp(0, 0, 2).unwrap(), "0000-00-00 00:00:00.00");
        assert_eq!(timestamp(0, 500_000, 1).unwrap(), "1970-01-01 00:00:00.5");
        assert_eq!(timestamp(951_782_400, 0, 0).unwrap(), "2000-02-29 00:00:00");
    }

    #[test]
    fn members_of_a_set_are_named() {
        let names = ["a", "b", "c"].map(|name| Some(name.to_owned()));
        assert_eq!(members(&names, 0b101).unwrap(), "a,c");
        assert_eq!(members(&names, 0).unwrap(), "");
        assert_eq!(members(&names, 0b1000), None);
    }
}
