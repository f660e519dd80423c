//! Rows of a sheet of a workbook.

use rabt_connect::{ConnectError, Fault};

use super::{Looked, Records, Value};
use crate::format::{Range, Sheet};
use crate::xlsx::{Cells, Held, Row, Strings, Workbook};

/// A sheet, open at a row.
pub(super) struct Rows {
    place: String,
    cells: Cells,
    strings: Strings,
    range: Range,
    /// Columns from the first one of the range on.
    width: u32,
    row: Row,
    /// Whether the row was looked at and is still to be handed out.
    is_ahead: bool,
}

/// Returns the sheets that may be tables: no name where there is only one.
pub(super) fn names(
    looked: &Looked<'_>,
    chosen: &Sheet,
) -> Result<Vec<Option<String>>, ConnectError> {
    let workbook = Workbook::open(looked.path, &looked.head, &looked.place)?;
    if chosen.name.is_some() {
        return Ok(vec![None]);
    }
    let mut names: Vec<_> = workbook
        .sheets()
        .map(|name| Some(name.to_owned()))
        .collect();
    if names.len() < 2 {
        names = vec![None];
    }
    Ok(names)
}

/// Opens a sheet and reads its header. What tells a workbook from another is in all of its parts.
pub(super) fn open(
    looked: &mut Looked<'_>,
    chosen: &Sheet,
    sheet: Option<&str>,
) -> Result<(Vec<String>, Rows), ConnectError> {
    let workbook = Workbook::open(looked.path, &looked.head, &looked.place)?;
    let name = sheet.or(chosen.name.as_deref());
    let cells = workbook.cells(name)?;
    let place = match name {
        Some(name) => format!("{} sheet {name}", looked.place),
        None => looked.place.clone(),
    };
    let mut rows = Rows {
        place,
        cells,
        strings: workbook.strings(chosen.max_shared)?,
        range: chosen.range,
        width: 0,
        row: Row::default(),
        is_ahead: false,
    };
    let header = rows.read_header(chosen)?;
    looked.fingerprint = format!("{}-{}", looked.fingerprint, workbook.fingerprint());
    Ok((header, rows))
}

impl Rows {
    /// Returns the names of the columns: those of the header row, and `c1`, `c2` and so on where there
    /// is none.
    fn read_header(&mut self, chosen: &Sheet) -> Result<Vec<String>, ConnectError> {
        let (first, last) = self.range.columns;
        self.width = last - first + 1;
        let mut more = self.advance()?;
        if let Some(row) = chosen.header_row {
            while more && self.row.number < row {
                more = self.advance()?;
            }
            more &= self.row.number == row;
        }
        if !more {
            let what = match chosen.header_row {
                Some(row) => format!("has no value in row {row}, which names the columns"),
                None if !chosen.header => {
                    self.width = 0;
                    return Ok(Vec::new());
                }
                None => "is empty, without even a header".to_owned(),
            };
            let remedy = "correct `sheet`, `range` or `header_row`, or deliver it again";
            return Err(ConnectError::data(self.place.clone(), what, remedy));
        }
        let cells = self.row.cells.iter();
        let in_range = cells.filter(|(column, _)| (first..=last).contains(column));
        let end = in_range.map(|(column, _)| *column).max().unwrap_or(first);
        self.width = end - first + 1;
        if !chosen.header {
            self.is_ahead = true;
            return Ok((1..=self.width).map(|at| format!("c{at}")).collect());
        }
        let mut header = Vec::new();
        for at in 0..self.width {
            let name = match self.cell(at as usize) {
                Ok(Some(name)) => name.trim().to_owned(),
                Ok(None) => String::new(),
                Err(_) => {
                    return Err(ConnectError::data(
                        format!("{} row {}", self.place, self.row.number),
                        format!(
                            "has a name of a column, the {}., that cannot be read",
                            at + 1
                        ),
                        "correct it, or say the right row in `header_row`",
                    ));
                }
            };
            header.push(if name.is_empty() {
                format!("c{}", at + 1)
            } else {
                name
            });
        }
        Ok(header)
    }

    /// Goes to the next row of the range that has a value in it.
    fn advance(&mut self) -> Result<bool, ConnectError> {
        let first = self.range.columns.0;
        while self.cells.next(&mut self.row)? {
            if self.row.number > self.range.rows.1 {
                // What is behind the range is not read.
                return Ok(false);
            }
            let columns = first..first + self.width;
            let mut cells = self.row.cells.iter();
            if self.row.number >= self.range.rows.0 && cells.any(|(at, _)| columns.contains(at)) {
                self.check_shared()?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Refuses a row with a text that is not there.
    fn check_shared(&self) -> Result<(), ConnectError> {
        let mut cells = self.row.cells.iter();
        let is_there = |held: &Held| match held {
            Held::Shared(index) => self.strings.get(*index).is_some(),
            Held::Own(_) | Held::Fault(_) => true,
        };
        if cells.all(|(_, held)| is_there(held)) {
            return Ok(());
        }
        Err(ConnectError::data(
            format!("{} row {}", self.place, self.row.number),
            "refers to a shared text that is not there",
            "open it in a spreadsheet program and save it again as .xlsx",
        ))
    }
}

impl Records for Rows {
    fn next(&mut self) -> Result<bool, ConnectError> {
        if std::mem::take(&mut self.is_ahead) {
            return Ok(true);
        }
        self.advance()
    }

    fn row(&self) -> u64 {
        u64::from(self.row.number)
    }

    fn cell(&self, at: usize) -> Value<'_> {
        let at = u32::try_from(at).map_err(|_| Fault::NoColumn)?;
        let column = self.range.columns.0 + at;
        let cells = &self.row.cells;
        let Ok(found) = cells.binary_search_by_key(&column, |(column, _)| *column) else {
            return Ok(None);
        };
        match &cells[found].1 {
            Held::Own(text) => Ok(Some(text.as_str().into())),
            Held::Shared(index) => {
                let text = self.strings.get(*index).ok_or(Fault::NotText)?;
                Ok(Some(text.into()))
            }
            Held::Fault(fault) => Err(*fault),
        }
    }

    /// A cell has a place of its own, so none moves when another is missing.
    fn is_ragged(&self) -> bool {
        false
    }

    fn width(&self) -> usize {
        self.width as usize
    }

    fn offset(&self) -> Option<u64> {
        None
    }

    fn go_behind(&mut self, row: u64, _: Option<u64>) -> Result<(), ConnectError> {
        if row == 0 {
            return Ok(());
        }
        self.is_ahead &= self.row() > row;
        while self.row() < row && self.advance()? {}
        Ok(())
    }
}
