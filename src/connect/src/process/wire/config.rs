//! A session: configuration as JSON, so that any language can read it.

use std::path::PathBuf;
use std::time::Duration;

use rabt_proto::source as pb;
use serde_json::Value;

use super::{Misfit, milliseconds};
use crate::connector::{Protect, Session};

/// Returns a session as a message. Its base becomes absolute, because the process has another
/// current folder.
pub(crate) fn session(session: &Session) -> pb::Session {
    let base = std::path::absolute(&session.base);
    let base = base
        .or_else(|_| std::env::current_dir())
        .unwrap_or_else(|_| session.base.clone());
    let protect = &session.protect;
    pb::Session {
        source: session.source.to_string(),
        config: Value::Object(object(&session.config)).to_string(),
        base: base.to_string_lossy().into_owned(),
        max_connections: protect.max_connections,
        rows_per_second: protect.rows_per_second,
        statement_timeout_ms: protect.statement_timeout.map(milliseconds),
        slot_budget_bytes: protect.slot_budget,
    }
}

/// Returns the session of a message.
pub(in crate::process) fn session_of(message: Option<pb::Session>) -> Result<Session, Misfit> {
    let message = message.ok_or_else(|| Misfit::new("no session"))?;
    let source = message.source.parse();
    let source = source.map_err(|_| Misfit::new("a session of no source"))?;
    let config = serde_json::from_str(&message.config);
    let config = match config {
        Ok(Value::Object(object)) => table(object)?,
        Ok(_) | Err(_) => return Err(Misfit::new("a configuration that is no JSON object")),
    };
    let protect = Protect {
        max_connections: message.max_connections,
        rows_per_second: message.rows_per_second,
        statement_timeout: message.statement_timeout_ms.map(Duration::from_millis),
        slot_budget: message.slot_budget_bytes,
    };
    let session = Session::new(source, config, PathBuf::from(message.base));
    Ok(Session { protect, ..session })
}

fn object(table: &toml::Table) -> serde_json::Map<String, Value> {
    let entries = table.iter();
    entries
        .map(|(key, value)| (key.clone(), json(value)))
        .collect()
}

/// A date, and a number that JSON has no word for, become their text.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text.clone()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => serde_json::Number::from_f64(*number)
            .map_or_else(|| Value::String(number.to_string()), Value::Number),
        toml::Value::Boolean(flag) => Value::Bool(*flag),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.iter().map(json).collect()),
        toml::Value::Table(table) => Value::Object(object(table)),
    }
}

fn table(object: serde_json::Map<String, Value>) -> Result<toml::Table, Misfit> {
    let entries = object.into_iter();
    entries
        .map(|(key, value)| Ok((key, toml(value)?)))
        .collect()
}

fn toml(value: Value) -> Result<toml::Value, Misfit> {
    Ok(match value {
        Value::Null => return Err(Misfit::new("a configuration with null in it")),
        Value::Bool(flag) => toml::Value::Boolean(flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => toml::Value::Integer(whole),
            (None, Some(number)) => toml::Value::Float(number),
            (None, None) => return Err(Misfit::new("a number that is too large")),
        },
        Value::String(text) => toml::Value::String(text),
        Value::Array(items) => {
            let items = items.into_iter().map(toml);
            toml::Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(object) => toml::Value::Table(table(object)?),
    })
}
