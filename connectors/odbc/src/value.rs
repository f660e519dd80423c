//! Cells as the driver gives them: UTF-16, in one buffer that is used again.

use odbc_api::buffers::Indicator;
use odbc_api::parameter::{VarCell, WideText};
use odbc_api::{CursorRow, Error};
use rabt_connect::{Cell, Fault, MAX_CELL_BYTES};

/// A buffer for one cell. Text of so many bytes has no more units; one is for the zero at the end, one
/// more tells what is too long.
pub(crate) struct Buffer(Vec<u16>);

/// A cell of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Value {
    #[default]
    Null,
    Text(String),
    Unreadable(Fault),
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self(vec![0; MAX_CELL_BYTES + 2])
    }

    /// Reads a column of the row, counted from one, into a value whose room is used again.
    pub(crate) fn read(
        &mut self,
        row: &mut CursorRow<'_>,
        column: u16,
        value: &mut Value,
    ) -> Result<(), Error> {
        let mut target =
            VarCell::<_, WideText>::from_buffer(self.0.as_mut_slice(), Indicator::NoTotal);
        row.get_data(column, &mut target)?;
        if !target.is_complete() {
            *value = Value::Unreadable(Fault::TooLong);
            return Ok(());
        }
        value.set(target.as_slice());
        Ok(())
    }
}

impl Value {
    /// Takes the units of a cell, and uses its room again.
    pub(crate) fn set(&mut self, units: Option<&[u16]>) {
        let Some(units) = units else {
            *self = Self::Null;
            return;
        };
        let mut text = match std::mem::take(self) {
            Self::Text(text) => text,
            Self::Null | Self::Unreadable(_) => String::new(),
        };
        text.clear();
        // An Arabic letter takes two bytes.
        text.reserve(2 * units.len());
        for unit in char::decode_utf16(units.iter().copied()) {
            let Ok(unit) = unit else {
                *self = Self::Unreadable(Fault::NotText);
                return;
            };
            text.push(unit);
        }
        *self = Self::Text(text);
    }

    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Text(text) => Cell::Text(text),
            Self::Unreadable(fault) => Cell::Unreadable(*fault),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Unreadable(_) => None,
        }
    }
}
