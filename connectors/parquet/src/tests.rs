//! The compliance suite, and what is particular to Parquet, on files of the crate's own writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use rabt_connect::compliance::{ColumnKind, Features, Names, NewTable, Place, Row, Subject};
use rabt_connect::{Batch, Cell, ConnectError, Connector, Message, Mode, Outlet, Plan, Session};

use crate::Parquet;

mod link;
mod own;

struct Files;

struct Folder(tempfile::TempDir);

#[async_trait]
impl Subject for Files {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Parquet)
    }

    fn features(&self) -> Features {
        Features {
            keys: false,
            names: Names::Any,
            ..Features::default()
        }
    }

    async fn place(&self) -> Option<Box<dyn Place>> {
        Some(Box::new(Folder(tempfile::tempdir().unwrap())))
    }
}

#[async_trait]
impl Place for Folder {
    fn config(&self) -> toml::Table {
        "path = '.'".parse().unwrap()
    }

    fn base(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    fn table_name(&self, name: &str) -> String {
        format!("{name}.parquet")
    }

    async fn create(&self, table: &NewTable, rows: &[Row]) {
        write(
            &self.0.path().join(self.table_name(&table.name)),
            table,
            rows,
        );
    }

    async fn insert(&self, _table: &NewTable, _rows: &[Row]) {
        panic!("a file is written once");
    }

    async fn state(&self) -> Option<String> {
        let mut state = String::new();
        for entry in std::fs::read_dir(self.0.path()).unwrap() {
            let path = entry.unwrap().path();
            state.push_str(&path.to_string_lossy());
            state.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
        Some(state)
    }

    fn wrong_configs(&self) -> Vec<toml::Table> {
        std::fs::write(self.0.path().join("notes.txt"), "not a table").unwrap();
        let configs = ["path = 'absent'", "path = 'notes.txt'", "path = 7", ""];
        configs.map(|text| text.parse().unwrap()).into()
    }
}

rabt_connect::compliance_tests!(Files);

/// Writes a file of 7 rows a group, so that reads meet the ends of groups.
fn write(path: &Path, table: &NewTable, rows: &[Row]) {
    let fields: Vec<Arc<parquet::schema::types::Type>> = table
        .columns
        .iter()
        .map(|column| {
            let (physical, logical) = match column.kind {
                ColumnKind::Integer => (parquet::basic::Type::INT64, None),
                ColumnKind::Text => (
                    parquet::basic::Type::BYTE_ARRAY,
                    Some(parquet::basic::LogicalType::String),
                ),
            };
            let built =
                parquet::schema::types::Type::primitive_type_builder(&column.name, physical)
                    .with_repetition(parquet::basic::Repetition::OPTIONAL)
                    .with_logical_type(logical)
                    .build();
            Arc::new(built.unwrap())
        })
        .collect();
    let schema = parquet::schema::types::Type::group_type_builder("rows")
        .with_fields(fields)
        .build();
    let file = std::fs::File::create(path).unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let schema = Arc::new(schema.unwrap());
    let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
    let groups = if rows.len() > 1_000 { 5_000 } else { 7 };
    for rows in rows.chunks(groups) {
        let mut group = writer.next_row_group().unwrap();
        for (index, column) in table.columns.iter().enumerate() {
            let cells = rows.iter().map(|row| row[index].as_deref());
            match column.kind {
                ColumnKind::Integer => {
                    let values = cells.map(|cell| cell.map(|cell| cell.parse().unwrap()));
                    put::<Int64Type>(&mut group, values);
                }
                ColumnKind::Text => {
                    put::<ByteArrayType>(&mut group, cells.map(|cell| cell.map(ByteArray::from)));
                }
            }
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

/// Writes the next column of a row group.
fn put<T: DataType>(
    group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, std::fs::File>,
    cells: impl Iterator<Item = Option<T::T>>,
) {
    let cells: Vec<Option<T::T>> = cells.collect();
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    let mut column = group.next_column().unwrap().unwrap();
    let written = column
        .typed::<T>()
        .write_batch(&values, Some(&levels), None);
    written.unwrap();
    column.close().unwrap();
}

fn plan(table: &str, columns: &[&str]) -> Plan {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: table.to_owned(),
        key: Vec::new(),
        columns: own(columns),
        mode: Mode::Snapshot,
        chunk_rows: 1_000,
    }
}

/// Reads a table whole; a cell is its text, or its absence in angle brackets.
async fn read(session: &Session, plan: &Plan) -> Result<Vec<Vec<String>>, ConnectError> {
    let (outlet, mut inlet) = Outlet::channel(4);
    let taking = async move {
        let mut rows = Vec::new();
        while let Some(message) = inlet.receive().await? {
            if let Message::Rows(batch) = message {
                rows.extend((0..batch.rows()).map(|row| show(&batch, row)));
            }
        }
        Ok(rows)
    };
    let (result, rows) =
        futures::future::join(Parquet.read(session, plan, None, outlet), taking).await;
    result.and(rows)
}

fn show(batch: &Batch, row: usize) -> Vec<String> {
    let columns = 0..batch.columns().len();
    let cell = |column| match batch.cell(row, column) {
        Cell::Text(text) => text.to_owned(),
        Cell::Null => "<null>".to_owned(),
        Cell::Unchanged => "<unchanged>".to_owned(),
        Cell::Unreadable(fault) => format!("<{}>", fault.code()),
    };
    columns.map(cell).collect()
}
