//! Holding a proposal against the folder it was not shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rabt_connect::{AgencyFolder, MappingContext, StreamSpec};
use rabt_model::{Attribute, SourceRecord, Timestamp};

use super::Case;
use super::truth::{Target, targets};

/// What of a folder was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Score {
    /// Columns of people in the folder.
    columns: u32,
    /// Of those, mapped to the same attribute and part.
    right: u32,
    /// Values of people that the folder's mapping makes of the rows.
    values: u32,
    /// Of those, made by the proposed mapping as well, equal in every letter.
    equal: u32,
    /// Folders whose key was found.
    keys: u32,
    folders: u32,
    /// What was missed or taken for something else.
    wrong: Vec<String>,
    /// Columns that the folder does not map and the proposal does.
    more: Vec<String>,
}

impl Score {
    pub(super) fn of(case: &Case) -> Self {
        let mut score = Self {
            folders: 1,
            ..Self::default()
        };
        let truth = targets(case.files.file("mapping.toml").unwrap());
        score.compare_columns(case, &truth);
        score.compare_values(case);
        let key = &case.agency.sources[0].streams[0].key;
        score.keys = u32::from(case.proposal.tables[0].key == *key);
        score
    }

    fn compare_columns(&mut self, case: &Case, truth: &BTreeMap<String, Target>) {
        let proposed = |name: &str| {
            let columns = &case.proposal.tables[0].columns;
            let column = columns.iter().find(|column| column.name == name)?;
            let attribute = column.attribute.as_ref()?.to_string();
            Some((attribute, column.part))
        };
        for (column, target) in truth {
            self.columns += 1;
            let found = proposed(column);
            let is_right = found.as_ref().is_some_and(|(attribute, part)| {
                let same_part = target.part.is_none() || target.part.as_deref() == *part;
                *attribute == target.attribute && same_part
            });
            if is_right {
                self.right += 1;
                continue;
            }
            let found = found.map_or("-".to_owned(), |(attribute, _)| attribute);
            self.wrong
                .push(format!("{column}: {} as {found}", target.attribute));
        }
        for column in &case.proposal.tables[0].columns {
            if let Some(attribute) = &column.attribute
                && !truth.contains_key(&column.name)
            {
                self.more.push(format!("{} as {attribute}", column.name));
            }
        }
    }

    fn compare_values(&mut self, case: &Case) {
        let Some(folder) = case.folder() else { return };
        let proposed = AgencyFolder::load(&folder.files()).unwrap();
        let own = &case.agency.sources[0].streams[0];
        let records = map(case, own);
        let others = map(case, &proposed.sources[0].streams[0]);
        for (key, record) in &records {
            let is_fact = |attribute: &Attribute| matches!(attribute, Attribute::Fact(..));
            let attributes: BTreeSet<&Attribute> = own.mapping.attributes().collect();
            for attribute in attributes.into_iter().filter(|one| !is_fact(one)) {
                let expected = lines(record, attribute);
                let found = others.get(key).map(|other| lines(other, attribute));
                for line in expected {
                    self.values += 1;
                    let is_equal = found.as_ref().is_some_and(|found| found.contains(&line));
                    self.equal += u32::from(is_equal);
                }
            }
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.columns += other.columns;
        self.right += other.right;
        self.values += other.values;
        self.equal += other.equal;
        self.keys += other.keys;
        self.folders += other.folders;
    }

    pub(super) fn columns_percent(&self) -> u32 {
        (self.right * 100).checked_div(self.columns).unwrap_or(0)
    }

    pub(super) fn shares(&self) -> String {
        let values = (self.equal * 100).checked_div(self.values).unwrap_or(0);
        format!(
            "{:3} of {:3} columns, {:3} %; values {values:3} %; keys {} of {}",
            self.right,
            self.columns,
            self.columns_percent(),
            self.keys,
            self.folders
        )
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shares())?;
        for wrong in &self.wrong {
            write!(f, "; {wrong}")?;
        }
        for more in &self.more {
            write!(f, "; also {more}")?;
        }
        Ok(())
    }
}

/// Maps the rows; the folder's own key tells the records apart.
fn map(case: &Case, stream: &StreamSpec) -> BTreeMap<String, SourceRecord> {
    let source = &case.agency.sources[0];
    let observed_at: Timestamp = "2026-01-15T08:00:00Z".parse().unwrap();
    let context = MappingContext {
        source: &source.id,
        agency: &case.agency.id,
        stream: &source.streams[0].id,
        key: &source.streams[0].key,
        cursor: None,
        observed_at,
    };
    let mapped = stream.mapping.apply(&case.rows, &context);
    let keyed = mapped.records.into_iter().map(|record| {
        let key = record.id.key.expose().clone();
        (key, record)
    });
    keyed.collect()
}

fn lines(record: &SourceRecord, attribute: &Attribute) -> Vec<String> {
    let values = record.values_of(attribute);
    values.map(|value| value.value.expose().to_line()).collect()
}
