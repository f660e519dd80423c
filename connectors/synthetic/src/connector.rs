//! The kind `synthetic`: an agency's table straight from (people, seed), without a database.

use async_trait::async_trait;
use rabt_connect::{
    BatchBuilder, Capabilities, Cell, ColumnInfo, ConfigKey, ConnectError, Connector, Description,
    Estimate, Filter, Finding, Identity, Message, Mode, Outlet, Plan, Position, Problem, Session,
    Table,
};
use rabt_model::Label;

use crate::SyntheticError;
use crate::folders::agencies;
use crate::generator::{Contributor, Generator, contributors};
use crate::habits::Column;
use crate::record::{Place, Teller};
use crate::row::Rows;

/// The kind `synthetic`, for tests and benches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Synthetic;

const KEYS: [ConfigKey; 4] = [
    ConfigKey {
        name: "people",
        required: true,
        secret: false,
        doc: "how many people there are",
    },
    ConfigKey {
        name: "seed",
        required: true,
        secret: false,
        doc: "what the people are drawn from",
    },
    ConfigKey {
        name: "agency",
        required: true,
        secret: false,
        doc: "whose table to read, by the agency's id",
    },
    ConfigKey {
        name: "office",
        required: false,
        secret: false,
        doc: "which office's, for an agency that has offices",
    },
];

/// A session's configuration, understood.
struct Wanted {
    people: u32,
    seed: u64,
    agency: String,
    office: Option<String>,
}

impl Wanted {
    fn of(session: &Session) -> Result<Self, ConnectError> {
        let office = session.optional_text("office")?.map(str::to_owned);
        Ok(Self {
            people: number(session, "people")?,
            seed: number(session, "seed")?,
            agency: session.text("agency")?.to_owned(),
            office,
        })
    }

    fn identity(&self, plan: &Plan) -> Identity {
        let (people, seed) = (self.people.to_string(), self.seed.to_string());
        let office = self.office.as_deref().unwrap_or_default();
        let parts = [&people, &seed, self.agency.as_str(), office, &plan.table];
        Identity::new("synthetic", &parts)
    }

    fn contributor(&self) -> Result<&'static Contributor, ConnectError> {
        let all = contributors().map_err(|error| defect(&error))?;
        let own = all
            .iter()
            .find(|contributor| contributor.files.id == self.agency);
        own.ok_or_else(|| unknown("agency", "is not an agency folder"))
    }

    /// Returns the place of the wanted office among the agency's sources.
    fn source(&self, contributor: &Contributor) -> Result<usize, ConnectError> {
        let sources = &contributor.agency.sources;
        let found = sources
            .iter()
            .position(|source| source.office == self.office);
        found.ok_or_else(|| {
            let offices: Vec<&str> = sources.iter().filter_map(|s| s.office.as_deref()).collect();
            if offices.is_empty() {
                return unknown("office", "is given, and the agency has none");
            }
            unknown("office", &format!("must be one of {}", offices.join(", ")))
        })
    }
}

fn number<N: TryFrom<i64>>(session: &Session, key: &str) -> Result<N, ConnectError> {
    let value = session.config.get(key).and_then(toml::Value::as_integer);
    let number = value.and_then(|value| N::try_from(value).ok());
    number.ok_or_else(|| unknown(key, "must be a whole number"))
}

fn unknown(key: &str, what: &str) -> ConnectError {
    let place = format!("source.config.{key}");
    ConnectError::configuration(place, what, "change it in the manifest")
}

fn defect(error: &SyntheticError) -> ConnectError {
    ConnectError::defect("synthetic", error.to_string())
}

#[async_trait]
impl Connector for Synthetic {
    fn describe(&self) -> Description {
        Description {
            kind: "synthetic",
            label: Label::new("Synthetic agency", "جهة تجريبية"),
            capabilities: Capabilities {
                snapshot: true,
                incremental: false,
                changes: false,
            },
            config: KEYS.to_vec(),
        }
    }

    fn validate(&self, config: &toml::Table) -> Vec<Problem> {
        let mut problems = self.describe().problems_of(config);
        for key in ["people", "seed"] {
            let value = config.get(key);
            if value.is_some_and(|value| value.as_integer().is_none_or(|number| number < 0)) {
                problems.push(Problem::of_key(key, "must be a whole number, 0 or more"));
            }
        }
        if let Some(agency) = config.get("agency").and_then(toml::Value::as_str) {
            let all = agencies();
            if all.iter().all(|files| files.id != agency) {
                let names = all.iter().map(|files| files.id.as_str());
                let problem = Problem::of_key("agency", "is not an agency folder");
                problems.push(problem.suggest(agency, names));
            }
        }
        problems
    }

    async fn check(&self, session: &Session) -> Vec<Finding> {
        let wanted = Wanted::of(session).and_then(|wanted| {
            let contributor = wanted.contributor()?;
            wanted.source(contributor)
        });
        vec![match wanted {
            Ok(_) => Finding::pass("reach", "the agency's table can be made"),
            Err(error) => Finding::of_error("reach", &error),
        }]
    }

    async fn discover(
        &self,
        session: &Session,
        filter: &Filter,
    ) -> Result<Vec<Table>, ConnectError> {
        let wanted = Wanted::of(session)?;
        let contributor = wanted.contributor()?;
        wanted.source(contributor)?;
        let mut tables = vec![table(contributor)?];
        tables.retain(|table| filter.wants(None, &table.name));
        Ok(tables)
    }

    async fn read(
        &self,
        session: &Session,
        plan: &Plan,
        from: Option<Position>,
        mut outlet: Outlet,
    ) -> Result<(), ConnectError> {
        let wanted = Wanted::of(session)?;
        if plan.mode != Mode::Snapshot {
            let remedy = "set mode = \"snapshot\"";
            return Err(ConnectError::configuration(
                "mode",
                "must be snapshot",
                remedy,
            ));
        }
        let contributor = wanted.contributor()?;
        plan.check_columns(&table(contributor)?)?;
        let source = wanted.source(contributor)?;
        let identity = wanted.identity(plan);
        let done: u64 = match from {
            Some(position) => position.place(&identity)?,
            None => 0,
        };
        let generator =
            Generator::new(wanted.people, wanted.seed).map_err(|error| defect(&error))?;
        let places = places(&generator, &wanted.agency, source);
        let teller = Teller::new(&generator.population, &wanted.agency, &contributor.habits);
        let columns = chosen(&contributor.habits.columns, plan);
        let reading = Reading {
            rows: Rows::new(&teller, &places),
            columns: &columns,
            identity: &identity,
            done: 0,
            of: places.len() as u64,
        };
        reading.send(done, plan, &mut outlet).await
    }
}

fn table(contributor: &Contributor) -> Result<Table, ConnectError> {
    let sources = contributor.agency.sources.first();
    let source = sources.ok_or_else(|| ConnectError::defect("synthetic", "no source"))?;
    let stream = contributor.stream(source).map_err(|error| defect(&error))?;
    let column = |column: &Column| ColumnInfo {
        name: column.name.clone(),
        declared_type: column.declared.clone(),
        nullable: !stream.key.contains(&column.name),
    };
    Ok(Table {
        schema: None,
        name: stream.table.clone(),
        columns: contributor.habits.columns.iter().map(column).collect(),
        key: stream.key.clone(),
        estimated_rows: None,
    })
}

/// Returns the records of one of an agency's sources.
fn places(generator: &Generator, agency: &str, source: usize) -> Vec<Place> {
    let all = generator.contributors.iter().zip(generator.presence());
    let own = all
        .into_iter()
        .find(|(contributor, _)| contributor.files.id == agency);
    let divided = own.map(|(contributor, places)| generator.offices(contributor, places));
    divided
        .and_then(|mut sources| (source < sources.len()).then(|| sources.swap_remove(source)))
        .unwrap_or_default()
}

/// Returns the names of the plan's columns and their places in the table.
fn chosen(columns: &[Column], plan: &Plan) -> Vec<(String, usize)> {
    let place = |name: &String| columns.iter().position(|column| column.name == *name);
    let pair = |name: &String| place(name).map(|place| (name.clone(), place));
    plan.columns.iter().filter_map(pair).collect()
}

struct Reading<'a> {
    rows: Rows<'a>,
    columns: &'a [(String, usize)],
    identity: &'a Identity,
    done: u64,
    of: u64,
}

impl Reading<'_> {
    /// Sends the rows behind the first `skip`, with a checkpoint after each chunk and at the end.
    async fn send(
        mut self,
        skip: u64,
        plan: &Plan,
        outlet: &mut Outlet,
    ) -> Result<(), ConnectError> {
        while self.done < skip && self.rows.next().is_some() {
            self.done += 1;
        }
        let names: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let chunk = usize::try_from(plan.chunk_rows.max(1)).unwrap_or(usize::MAX);
        loop {
            let mut batch = BatchBuilder::new(names.clone());
            while !batch.is_full(chunk)
                && let Some((_, row)) = self.rows.next()
            {
                batch.push_row(self.columns.iter().map(|(_, place)| {
                    let cell = row[*place].as_deref();
                    cell.map_or(Cell::Null, Cell::Text)
                }));
            }
            let rows = batch.rows() as u64;
            self.done += rows;
            if rows > 0 {
                outlet.send(Message::Rows(batch.take())).await?;
            }
            let position = Position::new(self.identity, &self.done)?;
            outlet.send(Message::Checkpoint { position, rows }).await?;
            let estimate = Estimate {
                done: self.done,
                of: Some(self.of),
            };
            outlet.send(Message::Progress(estimate)).await?;
            if self.done >= self.of {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
