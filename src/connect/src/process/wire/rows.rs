//! Batches, column by column: a text, lengths, and marks where not every cell is text.

use std::sync::Arc;

use rabt_proto::source as pb;

use super::Misfit;
use crate::message::{Batch, Column, Fault, Mark};
use crate::process::MAX_ROWS;

/// Returns a batch as a message.
pub(super) fn rows(batch: Batch) -> pb::Rows {
    pb::Rows {
        row_count: u32::try_from(batch.rows()).unwrap_or(u32::MAX),
        columns: batch.into_columns().into_iter().map(column).collect(),
    }
}

/// Returns the batch of a message, in the columns of a plan.
pub(super) fn batch_of(message: pb::Rows, names: &Arc<[String]>) -> Result<Batch, Misfit> {
    if message.row_count > MAX_ROWS {
        let what = format!(
            "a batch of {} rows; {MAX_ROWS} are the most",
            message.row_count
        );
        return Err(Misfit::new(what));
    }
    if message.columns.len() != names.len() {
        return Err(Misfit::new(format!(
            "rows of {} columns where {} were asked for",
            message.columns.len(),
            names.len()
        )));
    }
    let rows = message.row_count as usize;
    let columns = message.columns.into_iter().map(column_of);
    let columns = columns.collect::<Result<Vec<Column>, Misfit>>()?;
    Batch::of_columns(Arc::clone(names), columns, rows)
        .ok_or_else(|| Misfit::new("columns of another number of cells than there are rows"))
}

fn column(column: Column) -> pb::Column {
    let (text, ends, marks) = column.into_parts();
    let mut start = 0;
    let lengths = ends.iter().map(|end| {
        let length = end - start;
        start = *end;
        // a cell is of 64 KiB at most
        u32::try_from(length).unwrap_or(u32::MAX)
    });
    let lengths = lengths.collect();
    let all_text = marks.iter().all(|mark| *mark == Mark::Text);
    let marks = if all_text { Vec::new() } else { marks };
    pb::Column {
        text,
        lengths,
        marks: marks.into_iter().map(|mark| mark_to(mark).into()).collect(),
    }
}

fn column_of(message: pb::Column) -> Result<Column, Misfit> {
    let mut end = 0_usize;
    let ends: Vec<usize> = message
        .lengths
        .iter()
        .map(|length| {
            end = end.saturating_add(*length as usize);
            end
        })
        .collect();
    let marks = if message.marks.is_empty() {
        vec![Mark::Text; ends.len()]
    } else {
        let marks = message.marks.iter().map(|mark| mark_of(*mark));
        marks.collect::<Result<_, _>>()?
    };
    Column::of_parts(message.text, ends, marks)
        .ok_or_else(|| Misfit::new("lengths or marks that do not fit the text of their column"))
}

const fn mark_to(mark: Mark) -> pb::Mark {
    match mark {
        Mark::Text => pb::Mark::Text,
        Mark::Null => pb::Mark::Null,
        Mark::Unchanged => pb::Mark::Unchanged,
        Mark::Unreadable(Fault::RaggedRow) => pb::Mark::RaggedRow,
        Mark::Unreadable(Fault::NotText) => pb::Mark::NotText,
        Mark::Unreadable(Fault::TooLong) => pb::Mark::TooLong,
        Mark::Unreadable(Fault::NulByte) => pb::Mark::NulByte,
        Mark::Unreadable(Fault::Binary) => pb::Mark::Binary,
        Mark::Unreadable(Fault::NoColumn) => pb::Mark::NoColumn,
        Mark::Unreadable(Fault::ErrorCell) => pb::Mark::ErrorCell,
    }
}

fn mark_of(number: i32) -> Result<Mark, Misfit> {
    Ok(match pb::Mark::try_from(number) {
        Ok(pb::Mark::Text) => Mark::Text,
        Ok(pb::Mark::Null) => Mark::Null,
        Ok(pb::Mark::Unchanged) => Mark::Unchanged,
        Ok(pb::Mark::RaggedRow) => Mark::Unreadable(Fault::RaggedRow),
        Ok(pb::Mark::NotText) => Mark::Unreadable(Fault::NotText),
        Ok(pb::Mark::TooLong) => Mark::Unreadable(Fault::TooLong),
        Ok(pb::Mark::NulByte) => Mark::Unreadable(Fault::NulByte),
        Ok(pb::Mark::Binary) => Mark::Unreadable(Fault::Binary),
        Ok(pb::Mark::NoColumn) => Mark::Unreadable(Fault::NoColumn),
        Ok(pb::Mark::ErrorCell) => Mark::Unreadable(Fault::ErrorCell),
        Ok(pb::Mark::Unspecified) | Err(_) => {
            return Err(Misfit::new("a cell with a mark that is none"));
        }
    })
}
