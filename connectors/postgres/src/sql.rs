//! The text of every statement that depends on an agency's names.
//!
//! Invariant: names enter a statement only through [`quote`], values only as parameters, types only
//! as the catalog spells them.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::catalog::{Column, Relation};

/// PostgreSQL cuts longer names, so a longer one can only be a mistake.
const LONGEST_NAME: usize = 63;

/// Returns a name in quotes, or nothing when it cannot be a name.
pub(crate) fn quote(name: &str) -> Option<String> {
    let possible = !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains('\0');
    possible.then(|| format!("\"{}\"", name.replace('"', "\"\"")))
}

/// What to read of a relation, and in which order.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    relation: &'a Relation,
    columns: Vec<&'a Column>,
    order: Vec<&'a Column>,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the first row.
    First,
    /// After the row whose order columns have the bound values.
    After,
    /// At the first row whose first order column has the bound value or a greater one.
    From,
}

impl<'a> Selection<'a> {
    /// Returns a selection; `order` is empty for a table that is read whole.
    pub(crate) fn new(
        relation: &'a Relation,
        columns: Vec<&'a Column>,
        order: Vec<&'a Column>,
    ) -> Self {
        Self {
            relation,
            columns,
            order,
        }
    }

    /// Returns the statement that reads rows in order; with a `limit`, at most so many.
    pub(crate) fn page(&self, start: Start, limit: Option<u32>) -> SqlStr {
        let mut conditions = Vec::new();
        for column in &self.order {
            if column.nullable {
                conditions.push(format!("{} IS NOT NULL", of_row(column)));
            }
        }
        conditions.extend(self.bound(start));
        let mut clauses = vec![self.select(&conditions)];
        if !self.order.is_empty() {
            // A bare name would mean the selected text, and 10 would come before 9.
            let names: Vec<String> = self.order.iter().map(|c| of_row(c)).collect();
            clauses.push(format!("ORDER BY {}", names.join(", ")));
        }
        if let Some(limit) = limit {
            clauses.push(format!("LIMIT {limit}"));
        }
        safe(clauses.join(" "))
    }

    /// Returns the statement that reads the row whose order columns have the bound values.
    pub(crate) fn row(&self) -> SqlStr {
        let same = |(n, column)| format!("{} = {}", of_row(column), parameter(n, column));
        let conditions: Vec<String> = (1..).zip(self.order.iter().copied()).map(same).collect();
        safe(format!("{} LIMIT 1", self.select(&conditions)))
    }

    /// Returns the statement that reads the rows no page holds: those with a null in the order
    /// columns. Nothing when there can be none.
    pub(crate) fn remainder(&self) -> Option<SqlStr> {
        let nullable = self.order.iter().filter(|column| column.nullable);
        let nulls: Vec<String> = nullable.map(|c| format!("{} IS NULL", of_row(c))).collect();
        if nulls.is_empty() {
            return None;
        }
        Some(safe(self.select(&[nulls.join(" OR ")])))
    }

    fn bound(&self, start: Start) -> Option<String> {
        match start {
            Start::First => None,
            Start::After => {
                let names: Vec<String> = self.order.iter().map(|c| of_row(c)).collect();
                let values: Vec<String> = (1..)
                    .zip(&self.order)
                    .map(|(n, c)| parameter(n, c))
                    .collect();
                Some(format!("({}) > ({})", names.join(", "), values.join(", ")))
            }
            Start::From => {
                let column = self.order.first()?;
                Some(format!("{} >= {}", of_row(column), parameter(1, column)))
            }
        }
    }

    fn select(&self, conditions: &[String]) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|c| format!("{}::text", of_row(c)))
            .collect();
        let select = format!(
            "SELECT {} FROM {} AS r",
            columns.join(", "),
            self.relation.quoted
        );
        if conditions.is_empty() {
            return select;
        }
        format!("{select} WHERE {}", conditions.join(" AND "))
    }
}

/// Returns the statement that lets a transaction see what a snapshot saw. Its name is the server's
/// own, and nothing else is taken for one.
pub(crate) fn see_snapshot(name: &str) -> Option<SqlStr> {
    let known = |c: char| c.is_ascii_hexdigit() || c == '-';
    let possible = !name.is_empty() && name.chars().all(known);
    possible.then(|| safe(format!("SET TRANSACTION SNAPSHOT '{name}'")))
}

/// Returns the statement that says whether a column holds nulls.
pub(crate) fn has_nulls(relation: &Relation, column: &Column) -> SqlStr {
    safe(format!(
        "SELECT EXISTS (SELECT 1 FROM {} WHERE {} IS NULL)",
        relation.quoted, column.quoted
    ))
}

/// Returns the statement that takes a cursor value and gives it back, but never later than now.
pub(crate) fn not_after_now(column: &Column) -> SqlStr {
    let value = parameter(1, column);
    safe(format!(
        "SELECT LEAST({value}, CAST(now() AS {}))::text",
        column.declared_type
    ))
}

fn of_row(column: &Column) -> String {
    format!("r.{}", column.quoted)
}

fn parameter(number: usize, column: &Column) -> String {
    format!("CAST(${number}::text AS {})", column.declared_type)
}

/// The one place that vouches for a text made at run time.
fn safe(text: String) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}

#[cfg(test)]
mod tests {
    use super::{Selection, Start, quote};
    use crate::catalog::{Column, Relation};

    fn column(name: &str, declared_type: &str, nullable: bool) -> Column {
        Column {
            name: name.to_owned(),
            quoted: quote(name).unwrap(),
            declared_type: declared_type.to_owned(),
            nullable,
        }
    }

    #[test]
    fn names_are_quoted_or_refused() {
        assert_eq!(quote("order").as_deref(), Some("\"order\""));
        assert_eq!(quote("a\"; DROP").as_deref(), Some("\"a\"\"; DROP\""));
        assert_eq!(quote("الرقم").as_deref(), Some("\"الرقم\""));
        assert_eq!(quote(""), None);
        assert_eq!(quote("a\0b"), None);
        assert_eq!(quote(&"x".repeat(64)), None);
    }

    #[test]
    fn pages_follow_the_key() {
        let relation = Relation::for_test("\"public\".\"p\"");
        let (id, office) = (
            column("id", "integer", false),
            column("office", "text", true),
        );
        let selection = Selection::new(&relation, vec![&id], vec![&office, &id]);
        assert_eq!(
            selection.page(Start::After, Some(10)).as_str(),
            "SELECT r.\"id\"::text FROM \"public\".\"p\" AS r WHERE r.\"office\" IS NOT NULL \
             AND (r.\"office\", r.\"id\") > (CAST($1::text AS text), CAST($2::text AS integer)) \
             ORDER BY r.\"office\", r.\"id\" LIMIT 10"
        );
        assert_eq!(
            selection.remainder().unwrap().as_str(),
            "SELECT r.\"id\"::text FROM \"public\".\"p\" AS r WHERE r.\"office\" IS NULL"
        );
    }

    #[test]
    fn a_cursor_starts_at_a_closed_bound() {
        let relation = Relation::for_test("\"p\"");
        let changed = column("changed", "timestamp without time zone", false);
        let selection = Selection::new(&relation, vec![&changed], vec![&changed]);
        let text = selection.page(Start::From, None);
        assert!(text.as_str().ends_with(
            "WHERE r.\"changed\" >= CAST($1::text AS timestamp without time zone) \
             ORDER BY r.\"changed\""
        ));
    }
}
