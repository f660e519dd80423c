//! From the bytes of a character set to text, as the server itself turns them.

use std::collections::HashMap;
use std::sync::Arc;

use rabt_connect::ConnectError;
use sqlx::{MySqlConnection, Row};

use crate::fault::Doing;
use crate::sql;

/// The character set of a collation, and how many bytes its longest character has.
const CHARSET: &str = "SELECT CAST(a.character_set_name AS CHAR), CAST(c.maxlen AS SIGNED) \
     FROM information_schema.collation_character_set_applicability a \
     JOIN information_schema.character_sets c ON c.character_set_name = a.character_set_name \
     WHERE a.id = ? LIMIT 1";

/// The same where the server knows collations by one name alone.
const CHARSET_BEFORE: &str = "SELECT CAST(a.character_set_name AS CHAR), CAST(c.maxlen AS SIGNED) \
     FROM information_schema.collations a \
     JOIN information_schema.character_sets c ON c.character_set_name = a.character_set_name \
     WHERE a.id = ? LIMIT 1";

/// The collation of bytes.
pub(super) const BYTES: u16 = 63;

/// How the bytes of a column become text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// They are UTF-8.
    Utf8,
    /// Each is a character.
    Single(Vec<char>),
    /// Only the server can say.
    Other,
}

/// The character sets that have been asked for, by their collations.
#[derive(Debug, Default)]
pub(super) struct Charsets(HashMap<u16, Arc<Charset>>);

impl Charset {
    /// Returns the text of bytes; nothing when only the server can say.
    pub(super) fn text(&self, bytes: Vec<u8>) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes).ok(),
            Self::Single(characters) => {
                let of = |byte: &u8| characters.get(usize::from(*byte)).copied();
                bytes.iter().map(of).collect()
            }
            Self::Other => None,
        }
    }
}

impl Charsets {
    /// Returns the character set of a collation.
    pub(super) async fn of(
        &mut self,
        collation: u16,
        connection: &mut MySqlConnection,
    ) -> Result<Arc<Charset>, ConnectError> {
        if let Some(known) = self.0.get(&collation) {
            return Ok(Arc::clone(known));
        }
        let doing = Doing::reading("the character sets");
        let asked = ask(collation, connection).await;
        let charset = Arc::new(asked.map_err(|error| doing.fault(&error))?);
        self.0.insert(collation, Arc::clone(&charset));
        Ok(charset)
    }
}

async fn ask(collation: u16, connection: &mut MySqlConnection) -> Result<Charset, sqlx::Error> {
    let mut row = None;
    for statement in [CHARSET, CHARSET_BEFORE] {
        let query = sqlx::query(statement).bind(collation);
        if let Ok(found) = query.fetch_optional(&mut *connection).await {
            row = found;
            break;
        }
    }
    let Some(row) = row else {
        return Ok(Charset::Other);
    };
    let (name, longest): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
    if matches!(name.as_str(), "utf8" | "utf8mb3" | "utf8mb4") {
        return Ok(Charset::Utf8);
    }
    let Some(statement) = sql::characters(&name).filter(|_| longest == 1) else {
        return Ok(Charset::Other);
    };
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let query = sqlx::query_scalar(statement).bind(rabt_connect::hex(&all));
    let answer: String = query.fetch_one(connection).await?;
    Ok(characters(&answer).map_or(Charset::Other, Charset::Single))
}

/// Returns the characters of all bytes in their order, from UTF-8 in hexadecimal digits.
fn characters(answer: &str) -> Option<Vec<char>> {
    let byte = |at: usize| u8::from_str_radix(answer.get(at..at + 2)?, 16).ok();
    let bytes = (0..answer.len()).step_by(2).map(byte);
    let text = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
    let characters: Vec<char> = text.chars().collect();
    (characters.len() == 256).then_some(characters)
}
