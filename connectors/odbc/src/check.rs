//! Whether a source can be read, and whether it could be read more safely.

use rabt_connect::{Finding, Session};

use crate::catalog;
use crate::config;
use crate::connection::Database;
use crate::fault::Doing;

/// Returns every finding about a source.
pub(crate) fn check(session: &Session) -> Vec<Finding> {
    let attributes = match config::attributes(session) {
        Ok(attributes) => attributes,
        Err(error) => return vec![Finding::of_error("config", &error)],
    };
    let database = match Database::open(session) {
        Ok(database) => database,
        Err(error) if error.is_transient() => return vec![Finding::of_error("reach", &error)],
        Err(error) => return vec![Finding::of_error("login", &error)],
    };
    vec![
        Finding::pass("reach", format!("{} answers", attributes.target())),
        Finding::pass("login", "the account may connect"),
        product(&database),
        timeout(&database),
        tables(&database),
        keys(&database),
    ]
}

fn product(database: &Database) -> Finding {
    let product = &database.product;
    if database.dialect.is_tested() {
        return Finding::pass(
            "product",
            format!("the driver calls the database {product}"),
        );
    }
    Finding::warn(
        "product",
        format!("the driver calls the database {product}, which no test of this kind reads"),
        "compare `rabt source preview` with what the database's own client shows, numbers and dates \
         above all",
    )
}

fn timeout(database: &Database) -> Finding {
    if database.seconds.is_some() {
        return Finding::pass("timeout", "no statement takes longer than it may");
    }
    Finding::warn(
        "timeout",
        "the driver takes no time limit for a statement",
        "give the account a limit at the server",
    )
}

fn tables(database: &Database) -> Finding {
    match catalog::count(database) {
        Ok(0) => Finding::warn(
            "tables",
            "the account sees no table",
            "GRANT SELECT on the mapped tables to the account, or name another database",
        ),
        Ok(count) => Finding::pass("tables", format!("the account sees {count} tables")),
        Err(error) => Finding::of_error("tables", &Doing::reading("the catalog").fault(&error)),
    }
}

/// Which tables cannot be read by their primary key.
fn keys(database: &Database) -> Finding {
    match catalog::unorderable_keys(database) {
        Ok(columns) if columns.is_empty() => {
            Finding::pass("keys", "rows can be ordered by every primary key")
        }
        Ok(columns) => Finding::warn(
            "keys",
            format!(
                "rows cannot be ordered by bytes or approximate numbers, which these keys hold: {}",
                columns.join(", ")
            ),
            "map these tables with another key, or through the database's own kind, or offer a view \
             that has one",
        ),
        Err(error) => Finding::of_error("keys", &Doing::reading("the catalog").fault(&error)),
    }
}
