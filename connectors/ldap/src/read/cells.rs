//! The planned columns of an entry.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rabt_connect::{BatchBuilder, Cell, ConnectError, Fault, Plan};

use super::table::DN;
use crate::attribute::Described;
use crate::client::Entry;
use crate::config::Settings;
use crate::schema::{Schema, Syntax};
use crate::time::shown;

/// Names of attributes that are kept with what they are for; an honest server uses a few.
const MOST_NAMES: usize = 10_000;

/// The planned columns.
pub(crate) struct Cells {
    columns: Vec<Column>,
    join: String,
    /// For each name that the server used, the columns it is for.
    known: HashMap<String, Vec<usize>>,
    /// For each type, every name it goes by.
    aliases: HashMap<String, String>,
}

struct Column {
    /// Nothing for the name of the entry.
    described: Option<Described>,
    how: How,
}

/// How the bytes of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// As the text they are.
    Text,
    /// As the text they are, or else as bytes that cannot be shown.
    Maybe,
    /// As RFC 3339.
    Time,
    Base64,
    /// Not at all.
    Not,
}

impl Cells {
    pub(crate) fn new(
        plan: &Plan,
        settings: &Settings,
        schema: Option<&Schema>,
    ) -> Result<Self, ConnectError> {
        let mut columns = Vec::with_capacity(plan.columns.len());
        let mut aliases = HashMap::new();
        for name in &plan.columns {
            if name.eq_ignore_ascii_case(DN) {
                let how = How::Text;
                columns.push(Column {
                    described: None,
                    how,
                });
                continue;
            }
            let described = Described::parse(name)
                .ok_or_else(|| ConnectError::defect("ldap", "a column was not checked"))?;
            let own = schema.and_then(|schema| schema.attribute(&described.kind));
            if let Some(attribute) = own {
                let (alias, usual) = (&described.kind, attribute.name());
                aliases.insert(alias.to_ascii_lowercase(), usual.to_ascii_lowercase());
            }
            let how = how(&described, settings, schema);
            columns.push(Column {
                described: Some(described),
                how,
            });
        }
        Ok(Self {
            columns,
            join: settings.join.clone(),
            known: HashMap::new(),
            aliases,
        })
    }

    /// Returns the attributes to ask for.
    pub(super) fn attributes(&self) -> Vec<String> {
        let described = self
            .columns
            .iter()
            .filter_map(|column| column.described.as_ref());
        let mut names: Vec<String> = Vec::new();
        for one in described {
            let options = one.options.iter().map(|option| format!(";{option}"));
            let binary = one.binary.then(|| ";binary".to_owned());
            let name = [one.kind.clone()].into_iter().chain(options).chain(binary);
            let name = name.collect::<String>();
            if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                names.push(name);
            }
        }
        names
    }

    /// Adds an entry to a batch.
    pub(crate) fn push(&mut self, entry: &Entry, builder: &mut BatchBuilder) {
        let mut cells: Vec<Option<Result<Cow<'_, str>, Fault>>> = vec![None; self.columns.len()];
        for (name, values) in &entry.attributes {
            if !self.known.contains_key(name) {
                if self.known.len() >= MOST_NAMES {
                    self.known.clear();
                }
                let columns = self.columns_of(name);
                self.known.insert(name.clone(), columns);
            }
            for at in self.known.get(name).into_iter().flatten() {
                let cell = &mut cells[*at];
                if is_partial(name) {
                    // A server that gives a part of a long list would have to be asked for the rest.
                    *cell = Some(Err(Fault::TooLong));
                } else if *cell != Some(Err(Fault::TooLong)) {
                    // Such a server names the attribute once more, without values.
                    *cell = self.columns[*at]
                        .written(values, &self.join)
                        .or(cell.take());
                }
            }
        }
        for (at, column) in self.columns.iter().enumerate() {
            if column.described.is_none() {
                let dn = std::str::from_utf8(&entry.dn);
                cells[at] = Some(dn.map(Cow::Borrowed).map_err(|_| Fault::NotText));
            }
        }
        builder.push_row(cells.iter().map(|cell| match cell {
            None => Cell::Null,
            Some(Ok(text)) => Cell::Text(text),
            Some(Err(fault)) => Cell::Unreadable(*fault),
        }));
    }

    /// Returns the columns that a name of the server's is for.
    fn columns_of(&self, name: &str) -> Vec<usize> {
        let Some(named) = Described::parse(name) else {
            return Vec::new();
        };
        let kind = named.kind.to_ascii_lowercase();
        let is_for = |column: &Column| {
            column.described.as_ref().is_some_and(|own| {
                let asked = own.kind.to_ascii_lowercase();
                let usual = self.aliases.get(&asked);
                (asked == kind || usual == Some(&kind)) && own.options == named.options
            })
        };
        let columns = self.columns.iter().enumerate();
        columns
            .filter(|(_, column)| is_for(column))
            .map(|(at, _)| at)
            .collect()
    }
}

fn is_partial(name: &str) -> bool {
    name.contains(';') && Described::parse(name).is_some_and(|named| named.partial)
}

fn how(described: &Described, settings: &Settings, schema: Option<&Schema>) -> How {
    let same = |one: &Described| {
        let alias = schema.and_then(|schema| schema.attribute(&one.kind));
        let own = schema.and_then(|schema| schema.attribute(&described.kind));
        let is_alias = alias.is_some() && alias == own;
        (is_alias || one.kind.eq_ignore_ascii_case(&described.kind))
            && one.options == described.options
    };
    if settings.base64.iter().any(same) {
        return How::Base64;
    }
    if described.binary {
        return How::Not;
    }
    let Some(schema) = schema else {
        return How::Maybe;
    };
    match schema.syntax(&described.kind) {
        Syntax::Text(_) | Syntax::Integer => How::Text,
        Syntax::Time => How::Time,
        Syntax::Binary(_) => How::Not,
        Syntax::Octets | Syntax::Other => How::Maybe,
    }
}

impl Column {
    /// Returns the values as one text; nothing when there are none.
    fn written<'v>(
        &self,
        values: &'v [Vec<u8>],
        join: &str,
    ) -> Option<Result<Cow<'v, str>, Fault>> {
        match values {
            [] => None,
            [value] => Some(self.one(value)),
            _ => {
                let texts: Result<Vec<_>, Fault> =
                    values.iter().map(|value| self.one(value)).collect();
                Some(texts.map(|mut texts| {
                    // Values are a set: a server may give them in another order each time.
                    texts.sort();
                    Cow::Owned(texts.join(join))
                }))
            }
        }
    }

    fn one<'v>(&self, value: &'v [u8]) -> Result<Cow<'v, str>, Fault> {
        let text = || std::str::from_utf8(value);
        match self.how {
            How::Not => Err(Fault::Binary),
            How::Base64 => Ok(Cow::Owned(STANDARD.encode(value))),
            How::Text => text().map(Cow::Borrowed).map_err(|_| Fault::NotText),
            How::Maybe => text().map(Cow::Borrowed).map_err(|_| Fault::Binary),
            How::Time => {
                let text = text().map_err(|_| Fault::NotText)?;
                Ok(shown(text).map_or(Cow::Borrowed(text), Cow::Owned))
            }
        }
    }
}
