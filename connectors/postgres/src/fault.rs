//! From the driver's errors to the four classes.
//!
//! Invariant: the server's message is never repeated, because it can hold values of the row.

use rabt_connect::{ConnectError, READ_ANEW};
use sqlx::postgres::PgConnectOptions;

use crate::connection::target;

/// What was being done when something went wrong: the place an error names.
#[derive(Debug, Clone)]
pub(crate) struct Doing {
    place: String,
    account: String,
}

impl Doing {
    /// Connecting to a server.
    pub(crate) fn connecting(options: &PgConnectOptions) -> Self {
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

    /// Returns the error that the table does not exist for the account.
    pub(crate) fn no_table(&self) -> ConnectError {
        let remedy =
            "check schema and table of the stream, and that the account may use the schema";
        ConnectError::configuration(&self.place, "does not exist or cannot be seen", remedy)
    }

    /// Returns the error that the server and this side do not agree on TLS.
    pub(crate) fn no_tls(&self, what: &str) -> ConnectError {
        let remedy = "check `tls` and `ca` against the server's certificate";
        ConnectError::configuration(&self.place, what, remedy)
    }

    /// Returns the class of a driver's error.
    pub(crate) fn fault(&self, error: &sqlx::Error) -> ConnectError {
        if let Some(database) = error.as_database_error() {
            return self.of_state(&database.code().unwrap_or_default());
        }
        let place = &self.place;
        if let sqlx::Error::Io(inner) = error
            && let Some(inner) = inner.get_ref()
            && inner.is::<rustls::Error>()
        {
            return self.no_tls("cannot be spoken to with TLS");
        }
        if matches!(error, sqlx::Error::Io(_)) {
            return self.unreachable("cannot be reached or broke the connection");
        }
        if matches!(error, sqlx::Error::Protocol(_)) {
            return self.unreachable("broke off in the middle of an answer");
        }
        if matches!(error, sqlx::Error::Tls(_)) {
            return self.no_tls("cannot be spoken to with TLS");
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

    /// Returns the class of an SQLSTATE.
    pub(crate) fn of_state(&self, state: &str) -> ConnectError {
        let (place, account) = (&self.place, &self.account);
        let configuration =
            |what: &str, remedy: String| ConnectError::configuration(place, what, remedy);
        match state {
            "28P01" | "28000" => configuration(
                "refused the login",
                format!("check user and password, and pg_hba.conf for {account}"),
            ),
            "3D000" => configuration("has no such database", "check `database`".to_owned()),
            "42P01" | "3F000" => self.no_table(),
            "42703" => configuration(
                "lost a column while it was read",
                "check the mapping against the table".to_owned(),
            ),
            "53400" => configuration(
                "has no replication slot or sender left",
                "ALTER SYSTEM SET max_replication_slots = 20; ALTER SYSTEM SET max_wal_senders = 20; \
                 then restart the server"
                    .to_owned(),
            ),
            "55000" | "42704" => configuration(
                "no longer has the log or the slot that the changes were to come from",
                READ_ANEW
                    .to_owned(),
            ),
            "42501" => configuration(
                "may not be read",
                "GRANT SELECT on its mapped columns to the account".to_owned(),
            ),
            "42883" | "42804" => configuration(
                "cannot be put in order by its key or cursor",
                "choose key and cursor columns that have an order, and a lag only for times"
                    .to_owned(),
            ),
            "57014" => ConnectError::transient(
                place,
                "took longer than statement_timeout",
                "index the key or cursor, or raise [protect] statement_timeout",
            ),
            "55006" => ConnectError::transient(
                place,
                "has a slot that another process reads from",
                "wait for its end; only one node may read a source",
            ),
            "55P03" => ConnectError::transient(place, "is locked", "try when nothing alters it"),
            _ => self.of_state_class(state),
        }
    }

    fn of_state_class(&self, state: &str) -> ConnectError {
        let place = &self.place;
        match state.get(..2).unwrap_or_default() {
            "08" | "57" => self.unreachable("closed the connection"),
            "53" => ConnectError::transient(
                place,
                "has no room for another connection or query",
                "raise its limits or try later",
            ),
            "40" | "25" => ConnectError::transient(place, "was in conflict", "try again"),
            "22" => ConnectError::configuration(
                place,
                "the position does not fit the type of key or cursor",
                READ_ANEW,
            ),
            "XX" | "58" => ConnectError::data(
                place,
                format!("is damaged as far as its server can tell (SQLSTATE {state})"),
                "ask the server's administrator",
            ),
            _ => ConnectError::defect(place, format!("a statement failed (SQLSTATE {state})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Doing;

    #[test]
    fn states_have_classes() {
        let doing = Doing::reading("table persons");
        for (state, class) in [
            ("28P01", "configuration"),
            ("3D000", "configuration"),
            ("42P01", "configuration"),
            ("42501", "configuration"),
            ("57014", "transient"),
            ("57P01", "transient"),
            ("53300", "transient"),
            ("40001", "transient"),
            ("22P02", "configuration"),
            ("XX001", "data"),
            ("42601", "defect"),
            ("", "defect"),
        ] {
            assert_eq!(doing.of_state(state).name(), class, "{state}");
        }
    }
}
