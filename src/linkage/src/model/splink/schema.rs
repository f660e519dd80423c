//! The columns of the model: which there are, and of which type each must be for its tests.

use super::blocking::DraftRule;
use super::condition::{Draft, DraftTest};
use crate::model::{ColumnSpec, ColumnType, Predicate, Test, TestKind};

/// The columns found so far.
#[derive(Debug, Default)]
pub(super) struct Schema {
    columns: Vec<ColumnSpec>,
    /// The latitude and the longitude column of each point.
    points: Vec<(String, String)>,
}

impl Schema {
    pub(super) fn columns(&self) -> &[ColumnSpec] {
        &self.columns
    }

    /// Returns the index of a column; a latitude or longitude is that of its point.
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        let id = self.id_of(name);
        self.columns.iter().position(|column| column.id == id)
    }

    fn id_of(&self, name: &str) -> String {
        let point = self.points.iter().find(|(latitude, longitude)| {
            name == latitude || name == longitude || name == format!("{latitude}|{longitude}")
        });
        match point {
            Some((latitude, longitude)) => format!("{latitude}_{longitude}"),
            None => name.to_owned(),
        }
    }

    /// Adds a column, or gives the one that is there a type of its own in place of text.
    pub(super) fn add(&mut self, name: &str, kind: ColumnType) {
        let id = self.id_of(name);
        match self.columns.iter_mut().find(|column| column.id == id) {
            Some(column) if column.kind == ColumnType::Text => column.kind = kind,
            Some(_) => {}
            None => self.columns.push(ColumnSpec {
                id,
                kind,
                synonyms: Vec::new(),
                fill_from: None,
                many: 1,
            }),
        }
    }

    /// Adds the columns of a test with the type that it needs.
    pub(super) fn demand(&mut self, test: &DraftTest) {
        let kind = match test.kind {
            TestKind::Difference | TestKind::RelativeDifference => ColumnType::Number,
            TestKind::Days | TestKind::Months | TestKind::Years => ColumnType::Date,
            TestKind::Overlap | TestKind::OverlapShare => ColumnType::Set,
            TestKind::DistanceKm => ColumnType::Point,
            // A latitude of which only the absence is asked is no column of its own.
            TestKind::Absent | TestKind::BothAbsent | TestKind::OneAbsent => return,
            TestKind::Equal
            | TestKind::JaroWinkler
            | TestKind::Jaro
            | TestKind::Levenshtein
            | TestKind::DamerauLevenshtein
            | TestKind::Jaccard
            | TestKind::Prefix
            | TestKind::SameSkeleton => ColumnType::Text,
        };
        if kind == ColumnType::Point
            && let Some((latitude, longitude)) = test.column.split_once('|')
        {
            let point = (latitude.to_owned(), longitude.to_owned());
            if !self.points.contains(&point) {
                self.points.push(point);
            }
        }
        self.add(&test.column, kind);
        self.add(&test.other, kind);
    }

    /// Adds the columns of a blocking rule.
    pub(super) fn demand_keys(&mut self, rule: &DraftRule) {
        for part in &rule.parts {
            self.add(&part.column, ColumnType::Text);
        }
    }

    /// Returns a predicate by column index; `Err` says which test does not fit its columns.
    pub(super) fn resolve(&self, draft: &Draft) -> Result<Predicate, String> {
        let all = |parts: &[Draft]| {
            let mut found: Vec<Predicate> = Vec::new();
            for part in parts {
                let part = self.resolve(part)?;
                // Two columns that became one point are asked for once.
                if !found.contains(&part) {
                    found.push(part);
                }
            }
            Ok::<_, String>(found)
        };
        Ok(match draft {
            Draft::All(parts) => single(all(parts)?, Predicate::All),
            Draft::Any(parts) => single(all(parts)?, Predicate::Any),
            Draft::Not(part) => Predicate::Not(Box::new(self.resolve(part)?)),
            Draft::Test(test) => Predicate::Test(self.resolve_test(test)?),
            Draft::Half(column, ..) => {
                return Err(format!("it asks for '{column}' of one record only"));
            }
        })
    }

    fn resolve_test(&self, test: &DraftTest) -> Result<Test, String> {
        let find = |name: &str| {
            let missing = || format!("column '{name}' is in no test that maps");
            self.index(name).ok_or_else(missing)
        };
        let (column, other) = (find(&test.column)?, find(&test.other)?);
        let (left, right) = (&self.columns[column], &self.columns[other]);
        if !test.kind.fits(left.kind, right.kind) {
            return Err(format!(
                "column '{}' is read as {}, of which '{}' cannot be tested",
                left.id,
                left.kind.word(),
                test.kind.word()
            ));
        }
        if !test.kind.bound().allows(test.bound) {
            return Err(format!(
                "'{}' is asked with {}; it must be {}",
                test.kind.word(),
                test.bound,
                test.kind.bound().wanted()
            ));
        }
        Ok(Test {
            kind: test.kind,
            column,
            other,
            both_ways: test.both_ways,
            bound: test.bound,
        })
    }

    /// Says which columns the records must hold joined.
    pub(super) fn note_points(&self, notes: &mut Vec<String>) {
        for (latitude, longitude) in &self.points {
            notes.push(format!(
                "columns '{latitude}' and '{longitude}' are one here: give '{latitude}_{longitude}' \
                 as \"latitude,longitude\""
            ));
        }
    }
}

fn single(mut parts: Vec<Predicate>, many: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    if parts.len() == 1 {
        parts.swap_remove(0)
    } else {
        many(parts)
    }
}
