//! Tables.

use rabt_proto::source as pb;

use crate::connector::{ColumnInfo, Table};

/// Returns a table as a message.
pub(in crate::process) fn table(table: Table) -> pb::Table {
    let column = |column: ColumnInfo| pb::ColumnInfo {
        name: column.name,
        declared_type: column.declared_type,
        nullable: column.nullable,
    };
    pb::Table {
        schema: table.schema,
        name: table.name,
        columns: table.columns.into_iter().map(column).collect(),
        key: table.key,
        estimated_rows: table.estimated_rows,
    }
}

/// Returns the table of a message.
pub(in crate::process) fn table_of(message: pb::Table) -> Table {
    let column = |column: pb::ColumnInfo| ColumnInfo {
        name: column.name,
        declared_type: column.declared_type,
        nullable: column.nullable,
    };
    Table {
        schema: message.schema,
        name: message.name,
        columns: message.columns.into_iter().map(column).collect(),
        key: message.key,
        estimated_rows: message.estimated_rows,
    }
}
