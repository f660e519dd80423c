//! What `[source.config]` holds for this kind, and the connection string that is made of it.

use std::time::Duration;

use rabt_connect::{ConfigFields, ConfigKey, ConnectError, Problem, Session};

use crate::dialect::{Fetch, Paging};

/// The keys.
pub(crate) const KEYS: [ConfigKey; 6] = [
    ConfigKey {
        name: "connection",
        required: true,
        secret: false,
        doc: "the connection string without a password, \"Driver={…};Server=…;Database=…\" or \"DSN=…\"",
    },
    ConfigKey {
        name: "user",
        required: false,
        secret: false,
        doc: "an account that may only read, handed to the driver as UID",
    },
    ConfigKey {
        name: "password",
        required: false,
        secret: true,
        doc: "the account's password, handed to the driver as PWD",
    },
    ConfigKey {
        name: "quote",
        required: false,
        secret: false,
        doc: "the character that names are quoted with, when the driver does not say it",
    },
    ConfigKey {
        name: "paging",
        required: false,
        secret: false,
        doc: "how the database limits rows: limit, top or fetch; by itself what its name promises",
    },
    ConfigKey {
        name: "fetch",
        required: false,
        secret: false,
        doc: "how many rows the driver gives at once: sets (by itself), or rows for one by one, where it fails otherwise",
    },
];

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// Attributes that hold a secret.
const SECRETS: [&str; 2] = ["pwd", "password"];

/// What drivers need to be read well, unless the connection string says otherwise: a part of the
/// driver's name, and the attributes.
const USUAL: [(&str, &[(&str, &str)]); 2] = [
    // It takes the whole result into memory otherwise.
    ("postgres", &[("UseDeclareFetch", "1"), ("Fetch", "5000")]),
    // It makes a file that is not there otherwise.
    ("sqlite", &[("NoCreat", "1")]),
];

/// A connection string in its parts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// Reads `KEY=value;KEY={value;with;semicolons}`. Nothing when it has another form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (key, after) = rest.split_once('=')?;
            let key = key.trim();
            if key.is_empty() || key.contains([';', '{', '}']) {
                return None;
            }
            let after = after.trim_start();
            let (value, left) = match after.strip_prefix('{') {
                Some(quoted) => braced(quoted)?,
                None => match after.split_once(';') {
                    Some((value, left)) => (value.trim().to_owned(), left),
                    None => (after.trim().to_owned(), ""),
                },
            };
            parts.push((key.to_owned(), value));
            rest = left.trim_start();
        }
        Some(Self(parts))
    }

    /// Returns an attribute by its name, in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Says whether the driver's name holds these letters.
    pub(crate) fn is_of(&self, driver: &str) -> bool {
        let name = self.get("Driver").unwrap_or_default();
        name.to_ascii_lowercase().contains(driver)
    }

    /// Returns what people call the database: never an account.
    pub(crate) fn target(&self) -> String {
        let named = ["Server", "Servername", "Host", "DSN", "Database", "Dbq"];
        let found = named.iter().find_map(|name| self.get(name));
        let place = found.or(self.get("Driver")).unwrap_or("?");
        match self.get("Port") {
            Some(port) if self.get("Server").or(self.get("Servername")).is_some() => {
                format!("database {place}:{port}")
            }
            Some(_) | None => format!("database {place}"),
        }
    }

    fn has_secret(&self) -> bool {
        let names = self.0.iter().map(|(key, _)| key.to_ascii_lowercase());
        names.into_iter().any(|key| SECRETS.contains(&key.as_str()))
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    fn to_text(&self) -> String {
        let part = |(key, value): &(String, String)| {
            let plain = value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-/:,".contains(c));
            if plain {
                format!("{key}={value};")
            } else {
                format!("{key}={{{}}};", value.replace('}', "}}"))
            }
        };
        self.0.iter().map(part).collect()
    }
}

/// Returns a value up to its closing brace, with doubled ones made single, and what follows it.
fn braced(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('}')?;
        value.push_str(before);
        if let Some(more) = after.strip_prefix('}') {
            value.push('}');
            rest = more;
            continue;
        }
        let after = after.trim_start();
        let left = match after.strip_prefix(';') {
            Some(left) => left,
            None if after.is_empty() => "",
            None => return None,
        };
        return Some((value, left));
    }
}

/// Returns what is wrong with a configuration beyond its keys.
pub(crate) fn problems_of(config: &toml::Table) -> Vec<Problem> {
    let fields = ConfigFields::new(config, "");
    if let Some(text) = fields.filled("connection") {
        match Attributes::parse(text) {
            None => fields.wrong("connection", "is not of the form \"KEY=value;KEY=value\""),
            Some(attributes) => problems_of_connection(&attributes, &fields),
        }
    }
    fields.filled("user");
    if let Some(quote) = fields.text("quote")
        && quote.chars().count() != 1
    {
        fields.wrong("quote", "must be one character");
    }
    fields.word("paging", &Paging::WORDS);
    fields.word("fetch", &Fetch::WORDS);
    fields.into_problems()
}

fn problems_of_connection(attributes: &Attributes, fields: &ConfigFields<'_>) {
    if attributes.get("Driver").is_none() && attributes.get("DSN").is_none() {
        fields.wrong("connection", "names neither Driver nor DSN");
    }
    if attributes.has_secret() {
        let message = "holds a password; write password = { secret = \"env:NAME\" }";
        fields.wrong("connection", message);
    }
    if attributes.get("UID").is_some() && fields.has("user") {
        fields.wrong("user", "stands in `connection` already, as UID");
    }
}

/// Returns the parts of the connection string as the manifest has them.
pub(crate) fn attributes(session: &Session) -> Result<Attributes, ConnectError> {
    let text = session.text("connection")?;
    let attributes = Attributes::parse(text).filter(|attributes| {
        let named = attributes.get("Driver").or(attributes.get("DSN"));
        named.is_some() && !attributes.has_secret()
    });
    attributes.ok_or_else(|| {
        ConnectError::configuration(
            "source.config.connection",
            "cannot be understood, or holds a password",
            "write \"Driver={…};Server=…;Database=…\", and the password under its own key",
        )
    })
}

/// Returns the whole connection string, secrets put in.
pub(crate) fn connection_string(
    session: &Session,
    attributes: &Attributes,
) -> Result<String, ConnectError> {
    let mut whole = attributes.clone();
    for (driver, usual) in USUAL {
        for (name, value) in usual {
            if attributes.is_of(driver) && attributes.get(name).is_none() {
                whole.set(name, value);
            }
        }
    }
    for (key, name) in [("user", "UID"), ("password", "PWD")] {
        if let Some(value) = session.optional_text(key)? {
            whole.set(name, value);
        }
    }
    Ok(whole.to_text())
}

/// Returns how long one statement may take.
pub(crate) fn timeout(session: &Session) -> Duration {
    session.protect.statement_timeout.unwrap_or(DEFAULT_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::{Attributes, problems_of};

    fn lines(config: &str) -> Vec<String> {
        let problems = problems_of(&config.parse().unwrap());
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn connection_strings_are_taken_apart() {
        let text = "Driver={A } odd}} name};Server = db.example ;Port=1;x={a;b}";
        assert!(Attributes::parse(text).is_none());
        let text = "Driver={An odd}} name};Server = db.example ;Port=1;x={a;b}";
        let attributes = Attributes::parse(text).unwrap();
        assert_eq!(attributes.get("driver"), Some("An odd} name"));
        assert_eq!(attributes.get("x"), Some("a;b"));
        assert_eq!(attributes.target(), "database db.example:1");
        assert_eq!(
            attributes.to_text(),
            "Driver={An odd}} name};Server=db.example;Port=1;x={a;b};"
        );
        for wrong in ["hunter2", "=x", "a;b=c", "a={b", "a={b}c"] {
            assert_eq!(Attributes::parse(wrong).map(|a| a.0), None, "{wrong}");
        }
    }

    #[test]
    fn every_mistake_is_reported() {
        assert_eq!(
            lines(
                "connection = 'Server=x;Pwd=hunter2'\nquote = 'ab'\npaging = 'limits'\nfetch = 'row'"
            ),
            [
                "connection: names neither Driver nor DSN",
                "connection: holds a password; write password = { secret = \"env:NAME\" }",
                "quote: must be one character",
                "paging: must be one of limit, top, fetch; did you mean 'limit'?",
                "fetch: must be one of sets, rows; did you mean 'rows'?",
            ]
        );
        assert_eq!(lines("connection = 'DSN=x;UID=a'\nuser = 'a'").len(), 1);
        assert_eq!(lines("connection = 'hunter2'").len(), 1);
        assert!(lines("connection = 'DSN=x'\nuser = 'a'\nquote = '`'").is_empty());
    }
}
