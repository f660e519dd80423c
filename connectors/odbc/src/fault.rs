//! From the driver's errors to the four classes.
//!
//! Invariant: the message of a driver or server is never repeated, because it can hold values of the
//! row; the five letters of the state and the number are.

use odbc_api::Error;
use rabt_connect::ConnectError;

/// What was being done when something went wrong: the place an error names.
#[derive(Debug, Clone)]
pub(crate) struct Doing {
    place: String,
    connecting: bool,
}

/// What of a driver's error is looked at.
#[derive(Debug, Default)]
struct Told<'e> {
    state: &'e str,
    number: i32,
    message: String,
}

impl Doing {
    /// Connecting to a database.
    pub(crate) fn connecting(target: impl Into<String>) -> Self {
        Self {
            place: target.into(),
            connecting: true,
        }
    }

    /// Reading a table, or the catalog.
    pub(crate) fn reading(what: impl Into<String>) -> Self {
        Self {
            place: what.into(),
            connecting: false,
        }
    }

    /// Returns the error that the table does not exist for the account.
    pub(crate) fn no_table(&self) -> ConnectError {
        let remedy = "check schema and table of the stream, and that the account may use them";
        ConnectError::configuration(&self.place, "does not exist or cannot be seen", remedy)
    }

    /// Returns the class of a driver's error.
    pub(crate) fn fault(&self, error: &Error) -> ConnectError {
        let Error::Diagnostics { record, .. } = error else {
            return ConnectError::defect(
                &self.place,
                "the driver answered against the rules of ODBC",
            );
        };
        self.of(&Told {
            state: record.state.as_str(),
            number: record.native_error,
            message: record.to_string().to_ascii_lowercase(),
        })
    }

    fn of(&self, told: &Told<'_>) -> ConnectError {
        let place = &self.place;
        let configuration =
            |what: &str, remedy: &str| ConnectError::configuration(place, what, remedy);
        let transient = |what: &str, remedy: &str| ConnectError::transient(place, what, remedy);
        let unreachable = || {
            transient(
                "cannot be reached or broke the connection",
                "see that the server runs and that its firewall lets this machine in",
            )
        };
        match told.state {
            "IM002" | "IM003" | "IM004" | "IM005" => no_driver(place),
            "01000" if self.connecting && told.message.contains("can't open lib") => {
                no_driver(place)
            }
            "28000" | "28P01" => configuration(
                "refused the login",
                "check user and password, and from where the account may connect",
            ),
            // psqlODBC has one state for all that can happen; the server's own word is FATAL.
            "08001" | "08004" if told.message.contains("fatal:") => {
                if is_passing(&told.message) {
                    return transient("takes no connection at present", "try later");
                }
                configuration(
                    "refused the login or has no such database",
                    "check user, password and database, and from where the account may connect",
                )
            }
            "HYT00" | "HYT01" | "57014" | "S1T00" => transient(
                "took longer than statement_timeout",
                "index the key or cursor, or raise [protect] statement_timeout",
            ),
            "40001" | "40P01" | "40003" => transient("is locked or altered", "try later"),
            "42000" if self.connecting => configuration(
                "has no such database, or the account may not use it",
                "check the database in `connection`",
            ),
            "42S02" => self.no_table(),
            "42S22" => configuration(
                "lost a column while it was read",
                "check the mapping against the table",
            ),
            "42501" => configuration("may not be read", "GRANT SELECT on it to the account"),
            state if state.starts_with("08") => unreachable(),
            _ => self.of_number(told, unreachable),
        }
    }

    /// Returns the class of an error whose state says nothing.
    fn of_number(&self, told: &Told<'_>, unreachable: impl Fn() -> ConnectError) -> ConnectError {
        let place = &self.place;
        match told.number {
            // MariaDB and MySQL: no server, or it has gone.
            2002 | 2003 | 2005 | 2006 | 2013 | 2055 => unreachable(),
            1969 | 3024 | 1317 => ConnectError::transient(
                place,
                "took longer than statement_timeout",
                "index the key or cursor, or raise [protect] statement_timeout",
            ),
            1142 | 1143 => ConnectError::configuration(
                place,
                "may not be read",
                "GRANT SELECT on it to the account",
            ),
            // SQLite: busy, locked; cannot be opened, is no database.
            5 | 6 if told.message.contains("sqlite") => {
                ConnectError::transient(place, "is held by another program", "try later")
            }
            14 | 26 if told.message.contains("sqlite") => ConnectError::configuration(
                place,
                "cannot be opened, or is no database",
                "correct the path in `connection`",
            ),
            number if self.connecting => ConnectError::transient(
                place,
                format!("did not let us in (state {}, error {number})", told.state),
                "try the same connection string with `isql -k`",
            ),
            number => ConnectError::defect(
                place,
                format!("a statement failed (state {}, error {number})", told.state),
            ),
        }
    }
}

fn no_driver(place: &str) -> ConnectError {
    ConnectError::configuration(
        place,
        "the driver manager knows no such driver or data source",
        "install the driver; `odbcinst -q -d` and `odbcinst -q -s` list what is known",
    )
}

/// Says whether what `PostgreSQL` said ends by itself.
fn is_passing(message: &str) -> bool {
    [
        "starting up",
        "shutting down",
        "recovery",
        "too many",
        "slots",
    ]
    .iter()
    .any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{Doing, Told};

    #[test]
    fn states_and_numbers_have_classes() {
        for (connecting, state, number, message, class) in [
            (true, "IM002", 0, "", "configuration"),
            (true, "01000", 0, "can't open lib 'x'", "configuration"),
            (true, "28000", 1045, "", "configuration"),
            (true, "08001", 101, "fatal: password", "configuration"),
            (
                true,
                "08001",
                101,
                "fatal: sorry, too many clients",
                "transient",
            ),
            (true, "08001", 101, "connection refused", "transient"),
            (true, "42000", 1049, "", "configuration"),
            (true, "HY000", 2002, "", "transient"),
            (true, "HY000", 14, "[sqlite]connect failed", "configuration"),
            (false, "HY000", 26, "[sqlite]file is not", "configuration"),
            (false, "HYT00", 0, "", "transient"),
            (false, "42S02", 0, "", "configuration"),
            (false, "08S01", 0, "", "transient"),
            (false, "22018", 0, "invalid 29001011234567", "defect"),
        ] {
            let doing = Doing {
                place: "table persons".to_owned(),
                connecting,
            };
            let told = Told {
                state,
                number,
                message: message.to_owned(),
            };
            let error = doing.of(&told);
            assert_eq!(error.name(), class, "{state} {number} {message}");
            assert!(!error.to_string().contains("29001011234567"));
        }
    }
}
