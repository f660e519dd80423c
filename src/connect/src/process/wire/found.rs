//! The tables of a discovery, as they come.
//!
//! Invariant: however many or large tables a process tells of, what is held of them is bounded.

use rabt_proto::source as pb;

use super::{Misfit, table_of};
use crate::connector::{ColumnInfo, Table};

/// Most tables that one discovery takes.
const MOST_TABLES: usize = 100_000;
/// Most memory that they take, in bytes.
const MOST_BYTES: usize = 128 * 1024 * 1024;

/// The tables so far.
#[derive(Debug, Default)]
pub(in crate::process) struct Found {
    tables: Vec<Table>,
    bytes: usize,
}

impl Found {
    /// Takes one more table.
    pub(in crate::process) fn take(&mut self, message: pb::Table) -> Result<(), Misfit> {
        if self.tables.len() == MOST_TABLES {
            return Err(Misfit::new(format!("more than {MOST_TABLES} tables")));
        }
        self.bytes += bytes(&message);
        if self.bytes > MOST_BYTES {
            let most = MOST_BYTES / (1024 * 1024);
            return Err(Misfit::new(format!("tables of more than {most} MiB")));
        }
        self.tables.push(table_of(message));
        Ok(())
    }

    /// Returns the tables.
    pub(in crate::process) fn into_tables(self) -> Vec<Table> {
        self.tables
    }
}

/// Returns what a table takes: a column without a name is two bytes of a message, and more here.
fn bytes(message: &pb::Table) -> usize {
    let column = |column: &pb::ColumnInfo| {
        size_of::<ColumnInfo>() + column.name.len() + column.declared_type.len()
    };
    let columns: usize = message.columns.iter().map(column).sum();
    let keys = message.key.iter();
    let key: usize = keys.map(|name| size_of::<String>() + name.len()).sum();
    let schema = message.schema.as_ref().map_or(0, String::len);
    size_of::<Table>() + schema + message.name.len() + columns + key
}

#[cfg(test)]
mod tests {
    use rabt_proto::source as pb;

    use super::{Found, MOST_BYTES, MOST_TABLES, bytes};

    fn refused(table: &pb::Table) -> (usize, String) {
        let mut found = Found::default();
        loop {
            if let Err(misfit) = found.take(table.clone()) {
                return (found.into_tables().len(), misfit.0);
            }
        }
    }

    #[test]
    fn tables_are_bounded_in_number_and_in_bytes() {
        let small = pb::Table::default();
        let (taken, said) = refused(&small);
        assert_eq!(
            (taken, said.as_str()),
            (MOST_TABLES, "more than 100000 tables")
        );

        let column = pb::ColumnInfo::default();
        for large in [
            pb::Table {
                name: "x".repeat(1 << 20),
                ..small.clone()
            },
            pb::Table {
                schema: Some("x".repeat(1 << 20)),
                ..small.clone()
            },
            pb::Table {
                key: vec!["x".repeat(1 << 20)],
                ..small.clone()
            },
            pb::Table {
                key: vec![String::new(); 1 << 16],
                ..small.clone()
            },
            pb::Table {
                columns: vec![column.clone(); 1 << 16],
                ..small.clone()
            },
            pb::Table {
                columns: vec![pb::ColumnInfo {
                    name: "x".repeat(1 << 20),
                    ..column.clone()
                }],
                ..small.clone()
            },
            pb::Table {
                columns: vec![pb::ColumnInfo {
                    declared_type: "x".repeat(1 << 20),
                    ..column.clone()
                }],
                ..small.clone()
            },
        ] {
            let (taken, said) = refused(&large);
            assert_eq!(said, "tables of more than 128 MiB");
            assert!(taken >= 30, "{taken}: a discovery that is honest fits");
            assert!(taken * bytes(&large) <= MOST_BYTES);
            assert!(taken * (1 << 20) <= MOST_BYTES, "{taken}");
        }
    }
}
