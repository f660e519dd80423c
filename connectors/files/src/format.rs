//! How the files are written: encoding, delimiter, quotes, header.

use encoding_rs::{Encoding, UTF_8};
use rabt_connect::{ConnectError, Problem, Session};

/// Encodings worth suggesting; every WHATWG name is taken.
const ENCODINGS: [&str; 8] = [
    "utf-8",
    "windows-1256",
    "windows-1252",
    "utf-16le",
    "utf-16be",
    "iso-8859-6",
    "iso-8859-1",
    "x-mac-arabic",
];

/// How the files are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub(crate) encoding: &'static Encoding,
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) header: bool,
}

/// Returns everything that is wrong with the values of a configuration.
pub(crate) fn problems_of(config: &toml::Table) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_path = |value: &toml::Value| value.as_str().is_some_and(|path| !path.is_empty());
    if config.get("path").is_some_and(|value| !is_path(value)) {
        problems.push(Problem::of_key("path", "must be a path in quotes"));
    }
    problems.extend(read(config).err());
    problems
}

/// Returns the format of a session.
pub(crate) fn of_session(session: &Session) -> Result<Format, ConnectError> {
    read(&session.config).map_err(|problem| {
        let place = format!("source.config.{}", problem.key);
        let remedy = match &problem.suggestion {
            Some(suggestion) => format!("did you mean '{suggestion}'?"),
            None => "correct it".to_owned(),
        };
        ConnectError::configuration(place, problem.message, remedy)
    })
}

fn read(config: &toml::Table) -> Result<Format, Problem> {
    let encoding = match config.get("encoding") {
        None => UTF_8,
        Some(value) => read_encoding(value)?,
    };
    let delimiter = match config.get("delimiter") {
        None => b',',
        Some(value) => read_byte("delimiter", value)?,
    };
    let quote = match config.get("quote") {
        None => Some(b'"'),
        Some(value) if value.as_str() == Some("none") => None,
        Some(value) => Some(read_byte("quote", value)?),
    };
    let header = match config.get("header") {
        None => true,
        Some(value) => value
            .as_bool()
            .ok_or_else(|| Problem::of_key("header", "must be true or false"))?,
    };
    if quote == Some(delimiter) {
        return Err(Problem::of_key("quote", "must differ from the delimiter"));
    }
    Ok(Format {
        encoding,
        delimiter,
        quote,
        header,
    })
}

fn read_encoding(value: &toml::Value) -> Result<&'static Encoding, Problem> {
    let Some(name) = value.as_str() else {
        return Err(Problem::of_key("encoding", "must be a name in quotes"));
    };
    // Agencies write code pages in many ways; these are the ones WHATWG does not list.
    let folded = name.to_ascii_lowercase();
    let name = folded.strip_prefix("cp").map_or_else(
        || folded.clone(),
        |number| format!("windows-{}", number.trim_start_matches(['-', '_'])),
    );
    Encoding::for_label(name.as_bytes()).ok_or_else(|| {
        Problem::of_key("encoding", "is not the name of an encoding").suggest(&name, ENCODINGS)
    })
}

fn read_byte(key: &str, value: &toml::Value) -> Result<u8, Problem> {
    let text = match value.as_str() {
        Some("tab") => "\t",
        Some(text) => text,
        None => "",
    };
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n' | 0) => Ok(*byte),
        _ => Err(Problem::of_key(key, "must be one ASCII character, or tab")),
    }
}

#[cfg(test)]
mod tests {
    use super::{problems_of, read};

    fn problem(text: &str) -> String {
        let problems = problems_of(&text.parse().unwrap());
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn formats_are_read() {
        let text = "encoding = 'cp1256'\ndelimiter = 'tab'\nquote = 'none'\nheader = false";
        let format = read(&text.parse().unwrap()).unwrap();
        assert_eq!(format.encoding.name(), "windows-1256");
        assert_eq!(
            (format.delimiter, format.quote, format.header),
            (b'\t', None, false)
        );
    }

    #[test]
    fn wrong_formats_are_told() {
        for (text, said) in [
            ("encoding = 'windows-1265'", "did you mean 'windows-1256'?"),
            ("encoding = 7", "in quotes"),
            ("delimiter = ';;'", "one ASCII character"),
            ("delimiter = '؛'", "one ASCII character"),
            ("quote = ','", "must differ"),
            ("header = 'yes'", "true or false"),
            ("path = ''", "a path in quotes"),
        ] {
            assert!(problem(text).contains(said), "{text}: {}", problem(text));
        }
    }
}
