//! One connection to an agency's database.

use odbc_api::{Connection, ConnectionOptions, Cursor, Error, environment};
use rabt_connect::{ConnectError, Session};

use crate::config;
use crate::dialect::{Dialect, Fetch, Paging};
use crate::fault::Doing;

/// Seconds to wait for a login.
const PATIENCE: u32 = 15;

/// A database that answers, and how to speak to it.
pub(crate) struct Database {
    pub(crate) connection: Connection<'static>,
    pub(crate) dialect: Dialect,
    pub(crate) paging: Paging,
    pub(crate) fetch: Fetch,
    /// What the driver calls the database.
    pub(crate) product: String,
    quote: char,
    /// Seconds that a statement may take, where the driver can be told.
    pub(crate) seconds: Option<usize>,
}

impl Database {
    /// Connects as the session says.
    pub(crate) fn open(session: &Session) -> Result<Self, ConnectError> {
        let attributes = config::attributes(session)?;
        let doing = Doing::connecting(attributes.target());
        let text = config::connection_string(session, &attributes)?;
        let fault = |error: Error| doing.fault(&error);
        let options = ConnectionOptions {
            login_timeout_sec: Some(PATIENCE),
            packet_size: None,
        };
        let environment = environment().map_err(fault)?;
        let connection = environment
            .connect_with_connection_string(&text, options)
            .map_err(fault)?;
        let product = connection
            .database_management_system_name()
            .map_err(fault)?;
        let dialect = Dialect::of(&product);
        let quote = quote_of(session, &connection)?;
        let paging = session.optional_text("paging")?.and_then(Paging::of);
        let fetch = session.optional_text("fetch")?.and_then(Fetch::of);
        let timeout = config::timeout(session);
        let mut database = Self {
            connection,
            dialect,
            paging: paging.unwrap_or(dialect.paging()),
            fetch: fetch.unwrap_or_default(),
            product,
            quote,
            seconds: None,
        };
        for statement in dialect.session(timeout) {
            database.run(&statement).map_err(fault)?;
        }
        let seconds = usize::try_from(timeout.as_secs()).unwrap_or(usize::MAX);
        database.seconds = database.takes_timeout(seconds).then_some(seconds);
        Ok(database)
    }

    /// Returns a name in quotes: reserved words, spaces and quotes in a name are all fine.
    pub(crate) fn quote(&self, name: &str) -> String {
        let (open, close) = match self.quote {
            '[' => ('[', ']'),
            other => (other, other),
        };
        let doubled: String = [close, close].iter().collect();
        format!("{open}{}{close}", name.replace(close, &doubled))
    }

    fn run(&self, statement: &str) -> Result<(), Error> {
        if let Some(mut cursor) = self.connection.execute(statement, (), None)? {
            while cursor.next_row()?.is_some() {}
        }
        Ok(())
    }

    fn takes_timeout(&self, seconds: usize) -> bool {
        let statement = self.connection.preallocate();
        statement.is_ok_and(|mut statement| statement.set_query_timeout_sec(seconds).is_ok())
    }
}

fn quote_of(session: &Session, connection: &Connection<'_>) -> Result<char, ConnectError> {
    let given = session.optional_text("quote")?;
    if let Some(quote) = given.and_then(|text| text.chars().next()) {
        return Ok(quote);
    }
    let told = connection.identifier_quote_char().ok().flatten();
    told.filter(|quote| !quote.is_whitespace()).ok_or_else(|| {
        ConnectError::configuration(
            "source.config.quote",
            "is missing, and the driver does not say how names are quoted",
            "add quote = '\"' or what the database takes",
        )
    })
}
