//! The text of every statement that depends on an agency's names.
//!
//! Invariant: names enter a statement only through [`quote`], values only as parameters.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::catalog::{Column, Form, Relation};

/// MySQL and MariaDB refuse longer names, in characters.
const LONGEST_NAME: usize = 64;

/// Returns a name in quotes, or nothing when it cannot be a name.
pub(crate) fn quote(name: &str) -> Option<String> {
    let length = name.chars().count();
    let possible = (1..=LONGEST_NAME).contains(&length) && !name.contains('\0');
    possible.then(|| format!("`{}`", name.replace('`', "``")))
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
                conditions.push(format!("{} IS NOT NULL", column.quoted));
            }
        }
        match start {
            Start::First => {}
            Start::After => conditions.push(self.after()),
            Start::From => conditions.extend(self.from()),
        }
        let mut clauses = vec![self.select(&conditions)];
        if !self.order.is_empty() {
            let names: Vec<String> = self.order.iter().map(|c| c.order()).collect();
            clauses.push(format!("ORDER BY {}", names.join(", ")));
        }
        if let Some(limit) = limit {
            clauses.push(format!("LIMIT {limit}"));
        }
        safe(clauses.join(" "))
    }

    /// Returns the statement that reads the row whose order columns have the bound values, one each.
    pub(crate) fn row(&self) -> SqlStr {
        let same = |column: &&Column| format!("{} = {}", column.order(), column.parameter());
        let conditions: Vec<String> = self.order.iter().map(same).collect();
        safe(format!("{} LIMIT 1", self.select(&conditions)))
    }

    /// Returns the statement that reads the rows no page holds: those with a null in the order
    /// columns. Nothing when there can be none.
    pub(crate) fn remainder(&self) -> Option<SqlStr> {
        let nullable = self.order.iter().filter(|column| column.nullable);
        let nulls: Vec<String> = nullable.map(|c| format!("{} IS NULL", c.quoted)).collect();
        if nulls.is_empty() {
            return None;
        }
        Some(safe(self.select(&[nulls.join(" OR ")])))
    }

    /// Returns which order column each parameter of a page takes.
    pub(crate) fn places(&self, start: Start) -> Vec<usize> {
        let mut places = Vec::new();
        match start {
            Start::First => return places,
            Start::From => return vec![0],
            Start::After => {}
        }
        if self.order.len() > 1 {
            places.push(0);
        }
        for last in 0..self.order.len() {
            places.extend(0..=last);
        }
        places
    }

    /// A comparison of rows is not a range to these optimisers, so it is written out; the first
    /// condition is the one an index serves.
    fn after(&self) -> String {
        let compare = |column: &Column, sign: &str| {
            format!("{} {sign} {}", column.order(), column.parameter())
        };
        let mut cases = Vec::new();
        for last in 0..self.order.len() {
            let mut terms: Vec<String> =
                self.order[..last].iter().map(|c| compare(c, "=")).collect();
            terms.push(compare(self.order[last], ">"));
            cases.push(format!("({})", terms.join(" AND ")));
        }
        match self.order.as_slice() {
            [only] => compare(only, ">"),
            [first, ..] => format!("{} AND ({})", compare(first, ">="), cases.join(" OR ")),
            [] => "TRUE".to_owned(),
        }
    }

    fn from(&self) -> Option<String> {
        let column = self.order.first()?;
        Some(format!("{} >= {}", column.order(), column.parameter()))
    }

    /// The comment tells the database's administrator whose statement it is: there is no
    /// application name here.
    fn select(&self, conditions: &[String]) -> String {
        let columns: Vec<String> = self.columns.iter().map(|c| c.as_text()).collect();
        let select = format!(
            "SELECT /* rabt */ {} FROM {}",
            columns.join(", "),
            self.relation.quoted
        );
        if conditions.is_empty() {
            return select;
        }
        format!("{select} WHERE {}", conditions.join(" AND "))
    }
}

impl Column {
    /// Returns the expression that gives the column as text.
    fn as_text(&self) -> String {
        let name = &self.quoted;
        match self.form {
            Form::Text
            | Form::Time
            | Form::Signed
            | Form::Unsigned
            | Form::Decimal
            | Form::Uneven => format!("CAST({name} AS CHAR CHARACTER SET utf8mb4)"),
            Form::Bits => format!("CAST({name} + 0 AS CHAR CHARACTER SET utf8mb4)"),
            Form::Bytes if self.in_key => format!("LOWER(HEX({name}))"),
            Form::Bytes => name.clone(),
        }
    }

    /// Returns the expression that rows are ordered and compared by.
    fn order(&self) -> String {
        match self.form {
            Form::Uneven => self.as_text(),
            Form::Text
            | Form::Time
            | Form::Signed
            | Form::Unsigned
            | Form::Decimal
            | Form::Bits
            | Form::Bytes => self.quoted.clone(),
        }
    }

    /// Returns the expression that turns the text back into what the column is compared with.
    /// Numbers compared with a text would be compared as floating point.
    fn parameter(&self) -> &'static str {
        match self.form {
            Form::Signed => "CAST(? AS SIGNED)",
            Form::Unsigned | Form::Bits => "CAST(? AS UNSIGNED)",
            Form::Decimal => "CAST(? AS DECIMAL(65, 30))",
            Form::Bytes => "UNHEX(?)",
            Form::Text | Form::Time | Form::Uneven => "?",
        }
    }
}

/// Returns the statement that says whether a column holds nulls.
pub(crate) fn has_nulls(relation: &Relation, column: &Column) -> SqlStr {
    safe(format!(
        "SELECT EXISTS (SELECT 1 FROM {} WHERE {} IS NULL)",
        relation.quoted, column.quoted
    ))
}

/// Returns the statement that shows how a table is defined.
pub(crate) fn definition(relation: &Relation) -> SqlStr {
    safe(format!("SHOW CREATE TABLE {}", relation.quoted))
}

/// Returns the statement that gives the bytes of a character set as text, one character each, in
/// hexadecimal digits. Nothing when the name cannot be one.
pub(crate) fn characters(charset: &str) -> Option<SqlStr> {
    if charset.is_empty() || !charset.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    Some(safe(format!(
        "SELECT HEX(CONVERT(CONVERT(UNHEX(?) USING {charset}) USING utf8mb4))"
    )))
}

/// Returns the statement that takes a cursor value and gives it back, but never later than now. A
/// zero date is nothing here.
pub(crate) const NOT_AFTER_NOW: &str =
    "SELECT CAST(LEAST(CAST(? AS DATETIME(6)), NOW(6)) AS CHAR CHARACTER SET utf8mb4)";

/// The one place that vouches for a text made at run time.
fn safe(text: String) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}

#[cfg(test)]
mod tests {
    use super::{Selection, Start, quote};
    use crate::catalog::{Column, Form, Relation};

    fn column(name: &str, form: Form) -> Column {
        Column {
            name: name.to_owned(),
            quoted: quote(name).unwrap(),
            declared_type: String::new(),
            nullable: false,
            in_key: true,
            form,
        }
    }

    #[test]
    fn names_are_quoted_or_refused() {
        assert_eq!(quote("order").as_deref(), Some("`order`"));
        assert_eq!(quote("a`; DROP").as_deref(), Some("`a``; DROP`"));
        assert_eq!(quote("الرقم").as_deref(), Some("`الرقم`"));
        assert_eq!(quote(""), None);
        assert_eq!(quote("a\0b"), None);
        assert_eq!(quote(&"x".repeat(65)), None);
    }

    #[test]
    fn pages_follow_the_key() {
        let relation = Relation::for_test("`p`");
        let (id, office) = (column("id", Form::Unsigned), column("office", Form::Text));
        let selection = Selection::new(&relation, vec![&id], vec![&office, &id]);
        assert_eq!(
            selection.page(Start::After, Some(10)).as_str(),
            "SELECT /* rabt */ CAST(`id` AS CHAR CHARACTER SET utf8mb4) FROM `p` \
             WHERE `office` >= ? AND ((`office` > ?) OR (`office` = ? AND `id` > CAST(? AS UNSIGNED))) \
             ORDER BY `office`, `id` LIMIT 10"
        );
        assert_eq!(selection.places(Start::After), [0, 0, 0, 1]);
        assert!(selection.remainder().is_none());
    }

    #[test]
    fn one_key_column_is_bound_once() {
        let relation = Relation::for_test("`p`");
        let id = column("id", Form::Signed);
        let selection = Selection::new(&relation, vec![&id], vec![&id]);
        assert_eq!(selection.places(Start::After), [0]);
        assert_eq!(
            selection.page(Start::After, None).as_str(),
            "SELECT /* rabt */ CAST(`id` AS CHAR CHARACTER SET utf8mb4) FROM `p` \
             WHERE `id` > CAST(? AS SIGNED) ORDER BY `id`"
        );
    }
}
