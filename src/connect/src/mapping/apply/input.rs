//! What the columns of one input hold after their steps.

use std::borrow::Cow;

use super::super::{Input, OnReject, RejectReason};
use crate::message::{Batch, Cell, Fault};
use crate::step::{self, Out, Refused};

/// An input whose columns have been found in a batch.
pub(super) struct BoundInput<'m> {
    pub(super) input: &'m Input,
    pub(super) columns: Vec<usize>,
    /// The codes that the text must be one of.
    pub(super) codes: Option<&'static [&'static str]>,
}

/// Why a row is not taken, and because of which column.
pub(super) struct RowRefused {
    pub(super) column: String,
    pub(super) reason: RejectReason,
}

/// A value that was refused but does not take its row with it.
pub(super) struct FieldRefused {
    pub(super) column: String,
    pub(super) reason: RejectReason,
}

impl BoundInput<'_> {
    /// Returns what the columns hold after their steps. A value that may not take the row with it
    /// is noted in `refusals` and left out, or kept.
    pub(super) fn take<'b>(
        &self,
        batch: &'b Batch,
        row: usize,
        this_year: i16,
        refusals: &mut Vec<FieldRefused>,
    ) -> Result<Out<'b>, RowRefused> {
        let refused = match self.run(batch, row, this_year) {
            Ok(out) => return Ok(out),
            Err(refused) => refused,
        };
        let column = self.input.columns.join("+");
        let reason = refused.reason;
        let whole_row = matches!(
            reason,
            RejectReason::Unreadable(Fault::RaggedRow) | RejectReason::Unchanged
        );
        if whole_row || self.input.on_reject == OnReject::Row {
            return Err(RowRefused { column, reason });
        }
        refusals.push(FieldRefused { column, reason });
        if self.input.on_reject == OnReject::Keep && !refused.held.trim().is_empty() {
            return Ok(Out::Text(refused.held));
        }
        Ok(Out::Absent)
    }

    fn run<'b>(
        &self,
        batch: &'b Batch,
        row: usize,
        this_year: i16,
    ) -> Result<Out<'b>, Refused<'b>> {
        let out = if self.columns.len() == 1 {
            let text = cell(batch, row, self.columns[0])?;
            let out = step::run(&self.input.head, text, this_year)?;
            match out {
                Out::Date(_) => out,
                // Without a join there is nothing behind it.
                out if self.input.tail.is_empty() => out,
                Out::Text(text) => step::run(&self.input.tail, Some(text), this_year)?,
                Out::Absent => step::run(&self.input.tail, None, this_year)?,
            }
        } else {
            let joined = self.join(batch, row, this_year)?;
            step::run(&self.input.tail, joined.map(Cow::Owned), this_year)?
        };
        match (&self.codes, out) {
            (Some(codes), Out::Text(text)) if !codes.contains(&text.as_ref()) => Err(Refused {
                reason: RejectReason::NotInList,
                held: text,
            }),
            (_, out) => Ok(out),
        }
    }

    /// Joins the columns. Absent ones at the end are left out. Before a present one their place
    /// stays empty, unless the separator is white space: `1984--11` must not become `1984-11`.
    fn join<'b>(
        &self,
        batch: &'b Batch,
        row: usize,
        this_year: i16,
    ) -> Result<Option<String>, Refused<'b>> {
        let separator = self.input.join.as_deref().unwrap_or(" ");
        let skips_absent = separator.trim().is_empty();
        let mut joined = String::new();
        let mut places = 0;
        let mut any = false;
        for column in &self.columns {
            let text = cell(batch, row, *column)?;
            match step::run(&self.input.head, text, this_year)? {
                Out::Text(text) => {
                    let gaps = if skips_absent {
                        usize::from(any)
                    } else {
                        places
                    };
                    joined.push_str(&separator.repeat(gaps));
                    joined.push_str(&text);
                    places = 1;
                    any = true;
                }
                Out::Absent => places += 1,
                // The loader lets no date step stand before a join.
                Out::Date(_) => {}
            }
        }
        Ok(any.then_some(joined))
    }
}

fn cell(batch: &Batch, row: usize, column: usize) -> Result<Option<Cow<'_, str>>, Refused<'_>> {
    let refuse = |reason| Refused {
        reason,
        held: Cow::Borrowed(""),
    };
    match batch.cell(row, column) {
        Cell::Text(text) => Ok(Some(Cow::Borrowed(text))),
        Cell::Null => Ok(None),
        Cell::Unchanged => Err(refuse(RejectReason::Unchanged)),
        Cell::Unreadable(fault) => Err(refuse(RejectReason::Unreadable(fault))),
    }
}
