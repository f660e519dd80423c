//! The values of one column of a row group, some rows at a time.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescriptor;
use rabt_connect::Cell;

use crate::form::Form;

/// A column of a row group that is being read.
pub(crate) struct Values {
    form: Form,
    /// The level of a value that is there; 0 when none may be missing.
    present: i16,
    levels: Vec<i16>,
    typed: Typed,
    /// Which value is next.
    next: usize,
    text: String,
}

enum Typed {
    Bool(ColumnReaderImpl<parquet::data_type::BoolType>, Vec<bool>),
    Int32(ColumnReaderImpl<parquet::data_type::Int32Type>, Vec<i32>),
    Int64(ColumnReaderImpl<parquet::data_type::Int64Type>, Vec<i64>),
    Int96(ColumnReaderImpl<parquet::data_type::Int96Type>, Vec<Int96>),
    Float(ColumnReaderImpl<parquet::data_type::FloatType>, Vec<f32>),
    Double(ColumnReaderImpl<parquet::data_type::DoubleType>, Vec<f64>),
    Bytes(
        ColumnReaderImpl<parquet::data_type::ByteArrayType>,
        Vec<ByteArray>,
    ),
    Fixed(
        ColumnReaderImpl<parquet::data_type::FixedLenByteArrayType>,
        Vec<FixedLenByteArray>,
    ),
}

impl Values {
    /// Returns the values of a column.
    pub(crate) fn new(column: &ColumnDescriptor, reader: ColumnReader) -> Self {
        let typed = match reader {
            ColumnReader::BoolColumnReader(reader) => Typed::Bool(reader, Vec::new()),
            ColumnReader::Int32ColumnReader(reader) => Typed::Int32(reader, Vec::new()),
            ColumnReader::Int64ColumnReader(reader) => Typed::Int64(reader, Vec::new()),
            ColumnReader::Int96ColumnReader(reader) => Typed::Int96(reader, Vec::new()),
            ColumnReader::FloatColumnReader(reader) => Typed::Float(reader, Vec::new()),
            ColumnReader::DoubleColumnReader(reader) => Typed::Double(reader, Vec::new()),
            ColumnReader::ByteArrayColumnReader(reader) => Typed::Bytes(reader, Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Typed::Fixed(reader, Vec::new()),
        };
        Self {
            form: Form::of(column),
            present: column.max_def_level(),
            levels: Vec::new(),
            typed,
            next: 0,
            text: String::new(),
        }
    }

    /// Leaves out rows; returns how many there were.
    pub(crate) fn skip(&mut self, rows: usize) -> Result<usize, ParquetError> {
        match &mut self.typed {
            Typed::Bool(reader, _) => reader.skip_records(rows),
            Typed::Int32(reader, _) => reader.skip_records(rows),
            Typed::Int64(reader, _) => reader.skip_records(rows),
            Typed::Int96(reader, _) => reader.skip_records(rows),
            Typed::Float(reader, _) => reader.skip_records(rows),
            Typed::Double(reader, _) => reader.skip_records(rows),
            Typed::Bytes(reader, _) => reader.skip_records(rows),
            Typed::Fixed(reader, _) => reader.skip_records(rows),
        }
    }

    /// Reads the next rows; returns how many came.
    pub(crate) fn fill(&mut self, rows: usize) -> Result<usize, ParquetError> {
        self.next = 0;
        let (levels, present) = (&mut self.levels, self.present);
        match &mut self.typed {
            Typed::Bool(reader, values) => fill(reader, values, levels, present, rows),
            Typed::Int32(reader, values) => fill(reader, values, levels, present, rows),
            Typed::Int64(reader, values) => fill(reader, values, levels, present, rows),
            Typed::Int96(reader, values) => fill(reader, values, levels, present, rows),
            Typed::Float(reader, values) => fill(reader, values, levels, present, rows),
            Typed::Double(reader, values) => fill(reader, values, levels, present, rows),
            Typed::Bytes(reader, values) => fill(reader, values, levels, present, rows),
            Typed::Fixed(reader, values) => fill(reader, values, levels, present, rows),
        }
    }

    /// Returns the cell of a row of those that were read. Rows are asked for in their order.
    pub(crate) fn cell(&mut self, row: usize) -> Cell<'_> {
        let missing = self.present > 0 && self.levels.get(row) != Some(&self.present);
        if missing {
            return Cell::Null;
        }
        let at = self.next;
        self.next += 1;
        self.text.clear();
        let (form, text) = (self.form, &mut self.text);
        let written = match &self.typed {
            Typed::Bool(_, values) => {
                let word = |value: &bool| if *value { "true" } else { "false" };
                values.get(at).map(|value| {
                    text.push_str(word(value));
                    Ok(())
                })
            }
            Typed::Int32(_, values) => values.get(at).map(|value| form.int32(*value, text)),
            Typed::Int64(_, values) => values.get(at).map(|value| form.int64(*value, text)),
            Typed::Int96(_, values) => values.get(at).map(|value| Form::int96(value.data(), text)),
            Typed::Float(_, values) => values.get(at).map(|value| Form::float(*value, text)),
            Typed::Double(_, values) => values.get(at).map(|value| Form::double(*value, text)),
            Typed::Bytes(_, values) => values.get(at).map(|value| form.bytes(value.data(), text)),
            Typed::Fixed(_, values) => values.get(at).map(|value| form.bytes(value.data(), text)),
        };
        match written {
            Some(Ok(())) => Cell::Text(&self.text),
            Some(Err(fault)) => Cell::Unreadable(fault),
            None => Cell::Unreadable(rabt_connect::Fault::NoColumn),
        }
    }
}

/// Reads rows until there are as many as wanted, or no more.
fn fill<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    values: &mut Vec<T::T>,
    levels: &mut Vec<i16>,
    present: i16,
    rows: usize,
) -> Result<usize, ParquetError> {
    values.clear();
    levels.clear();
    let mut read = 0;
    while read < rows {
        let wanted = (present > 0).then_some(&mut *levels);
        let (records, _, _) = reader.read_records(rows - read, wanted, None, values)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    Ok(read)
}
