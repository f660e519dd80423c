//! From the driver's errors to the four classes.
//!
//! Invariant: the server's message is never repeated, because it can hold values of the row.

use rabt_connect::ConnectError;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError};

use crate::connection::target;

/// What was being done when something went wrong: the place an error names.
#[derive(Debug, Clone)]
pub(crate) struct Doing {
    place: String,
    account: String,
}

impl Doing {
    /// Connecting to a server.
    pub(crate) fn connecting(options: &MySqlConnectOptions) -> Self {
        Self {
            place: format!("server {}", target(options)),
            account: options.get_username().to_owned(),
        }
    }

    /// Reading a table, or the catalog.
    pub(crate) fn reading(what: impl Into<String>) -> Self {
        Self {
            place: what.into(),
            account: "the account".to_owned(),
        }
    }

    /// Returns the error that the server cannot be reached.
    pub(crate) fn unreachable(&self, what: &str) -> ConnectError {
        let remedy = "see that the server runs and that its firewall lets this machine in";
        ConnectError::transient(&self.place, what, remedy)
    }

    /// Returns the error that TLS was not agreed on.
    pub(crate) fn no_tls(&self) -> ConnectError {
        let remedy = "check `tls` and `ca` against the server's certificate";
        ConnectError::configuration(&self.place, "cannot be spoken to with TLS", remedy)
    }

    /// Returns the error that the table does not exist for the account.
    pub(crate) fn no_table(&self) -> ConnectError {
        let remedy =
            "check schema and table of the stream, and that the account may use the schema";
        ConnectError::configuration(&self.place, "does not exist or cannot be seen", remedy)
    }

    /// Returns the class of a driver's error.
    pub(crate) fn fault(&self, error: &sqlx::Error) -> ConnectError {
        if let Some(database) = error.as_database_error() {
            let known = database.try_downcast_ref::<MySqlDatabaseError>();
            return self.of_number(known.map_or(0, MySqlDatabaseError::number));
        }
        let place = &self.place;
        if let sqlx::Error::Io(error) = error {
            if is_of_tls(error) {
                return self.no_tls();
            }
            return self.unreachable("cannot be reached or broke the connection");
        }
        if matches!(error, sqlx::Error::Protocol(_)) {
            return self.unreachable("broke off in the middle of an answer");
        }
        if matches!(error, sqlx::Error::Tls(_)) {
            return self.no_tls();
        }
        if matches!(error, sqlx::Error::Configuration(_)) {
            let remedy = "check the keys of [source.config]";
            return ConnectError::configuration(
                place,
                "has an address that cannot be used",
                remedy,
            );
        }
        ConnectError::defect(place, "an answer of the server was not understood")
    }

    /// Returns the class of a server's error number.
    pub(crate) fn of_number(&self, number: u16) -> ConnectError {
        let (place, account) = (&self.place, &self.account);
        let configuration =
            |what: &str, remedy: String| ConnectError::configuration(place, what, remedy);
        match number {
            1045 | 1698 | 1251 | 2059 => configuration(
                "refused the login",
                format!(
                    "check user and password, from where {account} may connect, and whether it must with TLS"
                ),
            ),
            1044 | 1049 => configuration(
                "has no such database, or the account may not use it",
                "check `database`".to_owned(),
            ),
            1146 => self.no_table(),
            1356 => configuration(
                "is a view whose tables or rights are gone",
                "ask the database's administrator to repair it".to_owned(),
            ),
            1054 => configuration(
                "lost a column while it was read",
                "check the mapping against the table".to_owned(),
            ),
            1142 | 1143 | 1370 => configuration(
                "may not be read",
                "GRANT SELECT on its mapped columns to the account".to_owned(),
            ),
            1969 | 3024 | 1317 => ConnectError::transient(
                place,
                "took longer than statement_timeout",
                "index the key or cursor, or raise [protect] statement_timeout",
            ),
            1205 | 1213 | 1412 => {
                ConnectError::transient(place, "is locked or altered", "try later")
            }
            1040 | 1041 | 1203 | 1226 | 1037 | 1038 => ConnectError::transient(
                place,
                "has no room for another connection or query",
                "raise its limits or try later",
            ),
            1053 | 1077 | 1079 | 1129 | 1130 | 1158..=1161 | 1927 => {
                self.unreachable("closed the connection or refuses this machine")
            }
            1034 | 1194 | 1195 | 1712 => ConnectError::data(
                place,
                format!("is damaged as far as its server can tell (error {number})"),
                "ask the server's administrator",
            ),
            _ => ConnectError::defect(place, format!("a statement failed (error {number})")),
        }
    }
}

/// Says whether a connection ended with a certificate or a handshake that is not good: no socket gives
/// this error by itself.
pub(crate) fn is_of_tls(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::InvalidData
}

#[cfg(test)]
mod tests {
    use super::Doing;

    #[test]
    fn numbers_have_classes() {
        let doing = Doing::reading("table persons");
        for (number, class) in [
            (1045, "configuration"),
            (1049, "configuration"),
            (1146, "configuration"),
            (1142, "configuration"),
            (1969, "transient"),
            (1213, "transient"),
            (1040, "transient"),
            (1194, "data"),
            (1064, "defect"),
            (0, "defect"),
        ] {
            assert_eq!(doing.of_number(number).name(), class, "{number}");
        }
    }
}
