//! Workbooks in the format of Office Open XML.
//!
//! Invariant: a part is read as a stream; what is kept in memory (the texts that cells share, one row,
//! one element) has a limit, and whatever a damaged or hostile workbook says, it ends in a data error
//! that names the file and the part. That is why the parts are read here, by `zip` and `quick-xml`,
//! and not by a reader that takes the sizes and places of a workbook on trust.

mod cells;
mod package;
mod strings;
mod styles;
mod value;
mod workbook;
mod xml;

/// Most rows of a sheet, as the format has them.
pub(crate) const MOST_ROWS: u32 = 1_048_576;
/// Most columns of a sheet, as the format has them.
pub(crate) const MOST_COLUMNS: u32 = 16_384;

pub(crate) use cells::{Cells, Held, Row};
pub(crate) use strings::Strings;
pub(crate) use workbook::Workbook;
