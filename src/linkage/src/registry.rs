//! How an agency's record becomes the text columns of a model whose columns are attribute ids.

use std::borrow::Cow;

use rabt_model::{Attribute, RecordId, SourceRecord, Value};

use crate::index::exposed;
use crate::model::LinkageModel;

/// Where each column of a model is found in a record.
pub(crate) struct Columns {
    wanted: Vec<Option<Wanted>>,
}

struct Wanted {
    attribute: Attribute,
    governorate: bool,
    many: usize,
}

impl Columns {
    /// Columns that are no attribute stay empty.
    pub(crate) fn of(model: &LinkageModel) -> Self {
        let wanted = model.columns.iter().map(|column| {
            let governorate = column.id == "address.governorate";
            let id = if governorate { "address" } else { &column.id };
            let attribute = id.parse().ok()?;
            Some(Wanted {
                attribute,
                governorate,
                many: column.many,
            })
        });
        Self {
            wanted: wanted.collect(),
        }
    }

    /// Returns the cells of a record. Where a column takes one value and the record has several,
    /// the first of the mapping is taken.
    pub(crate) fn cells<'a>(&self, record: &'a SourceRecord) -> Vec<Option<Cow<'a, str>>> {
        self.wanted
            .iter()
            .map(|wanted| wanted.as_ref().and_then(|w| w.cell(record)))
            .collect()
    }
}

impl Wanted {
    fn cell<'a>(&self, record: &'a SourceRecord) -> Option<Cow<'a, str>> {
        let mut found: Option<Cow<'a, str>> = None;
        let values = record
            .values
            .iter()
            .filter(|value| value.attribute == self.attribute);
        for value in values {
            let Some(text) = self.text(value.value.expose()) else {
                continue;
            };
            match &mut found {
                None => found = Some(text),
                Some(all) if self.many > 1 => {
                    let all = all.to_mut();
                    all.push('\u{1f}');
                    all.push_str(&text);
                }
                Some(_) => break,
            }
        }
        found
    }

    fn text<'a>(&self, value: &'a Value) -> Option<Cow<'a, str>> {
        match value {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Name(name) => Some(Cow::Borrowed(&name.text)),
            Value::Date(date) => Some(Cow::Owned(date.to_string())),
            Value::Address(address) if self.governorate => {
                address.governorate.as_deref().map(Cow::Borrowed)
            }
            Value::Address(address) => {
                let parts = [&address.text, &address.street, &address.district];
                let known: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
                (!known.is_empty()).then(|| Cow::Owned(known.join(" ")))
            }
            Value::Relation(_) => None,
        }
    }
}

/// Returns the text that names a record in hashes.
pub(crate) fn identity(id: &RecordId) -> String {
    format!("{}\u{1e}{}\u{1e}{}", id.source, id.stream, exposed(&id.key))
}
