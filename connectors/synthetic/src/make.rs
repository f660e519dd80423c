//! Writes the databases of all agencies.

mod files;
mod server;
mod sql;
mod sqlite;

use std::path::{Path, PathBuf};

use futures::stream::{StreamExt, TryStreamExt};
use rabt_connect::{SourceSpec, StreamSpec};
use rabt_model::{AgencyId, SourceId, StreamId};

use crate::SyntheticError;
use crate::generator::{Contributor, Generator};
use crate::habits::Target;
use crate::population::Population;
use crate::record::{Place, Teller};
use crate::row::{Row, Rows};
use crate::truth::Truth;

/// Databases written at the same time; more would only compete for the disk.
const AT_ONCE: usize = 2;

/// Servers that one agency each is written to instead of SQLite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// URL of a PostgreSQL database, for the agency whose habits say so.
    pub postgres: Option<String>,
    /// URL of a MariaDB or MySQL database, for the agency whose habits say so.
    pub mysql: Option<String>,
}

/// What was made.
#[derive(Debug)]
pub struct Made {
    /// How many databases, files included.
    pub databases: usize,
    /// How many rows in all of them.
    pub records: u64,
    /// Who each row is about.
    pub truth: Truth,
    /// Manifests that differ from the folder's: the agencies that were written to a server.
    pub manifests: Vec<(AgencyId, String)>,
}

/// Makes `people` persons and writes every agency's databases under `dir`, where the manifests'
/// relative paths start. What is there already is written anew.
pub async fn make(
    people: u32,
    seed: u64,
    dir: &Path,
    targets: &Targets,
) -> Result<Made, SyntheticError> {
    let generator = Generator::new(people, seed)?;
    let mut jobs = Vec::new();
    let mut manifests = Vec::new();
    for (contributor, places) in generator.contributors.iter().zip(generator.presence()) {
        let server = Server::of(contributor, targets);
        if let Some(server) = &server {
            manifests.push(server.manifest(contributor, dir)?);
        }
        let offices = generator.offices(contributor, places);
        for (source, places) in contributor.agency.sources.iter().zip(offices) {
            jobs.push(Job {
                population: &generator.population,
                contributor,
                source,
                places,
                server: server.clone(),
                dir: dir.to_owned(),
            });
        }
    }
    let databases = jobs.len();
    let written = futures::stream::iter(jobs.iter().map(Job::write));
    let tables: Vec<Written> = written.buffer_unordered(AT_ONCE).try_collect().await?;
    let mut truth = Truth::default();
    let mut records = 0;
    for table in tables {
        records += table.rows.len() as u64;
        truth.add(table.source, table.stream, table.rows);
    }
    Ok(Made {
        databases,
        records,
        truth,
        manifests,
    })
}

/// A server that stands in for a file.
#[derive(Debug, Clone)]
struct Server {
    kind: Target,
    url: String,
}

impl Server {
    fn of(contributor: &Contributor, targets: &Targets) -> Option<Self> {
        let kind = contributor.habits.target?;
        let url = match kind {
            Target::Postgres => targets.postgres.clone(),
            Target::Mysql => targets.mysql.clone(),
        };
        Some(Self { kind, url: url? })
    }

    /// Returns the agency's manifest with the server as its source. The address holds a password,
    /// so the manifest refers to a file with it, as every manifest must.
    fn manifest(
        &self,
        contributor: &Contributor,
        dir: &Path,
    ) -> Result<(AgencyId, String), SyntheticError> {
        let folder = dir.join(&contributor.files.id);
        let path = folder.join("server.url");
        files::write_secret(&path, &self.url)?;
        let text = contributor.files.file("manifest.toml").unwrap_or_default();
        let kind = match self.kind {
            Target::Postgres => "postgres",
            Target::Mysql => "mysql",
        };
        let manifest = server::manifest(text, kind, &path).map_err(|what| {
            let agency = contributor.files.id.clone();
            SyntheticError::Habits { agency, what }
        })?;
        Ok((contributor.agency.id.clone(), manifest))
    }
}

/// One database to write.
struct Job<'a> {
    population: &'a Population,
    contributor: &'a Contributor,
    source: &'a SourceSpec,
    places: Vec<Place>,
    server: Option<Server>,
    dir: PathBuf,
}

/// One database that was written: keys and persons.
struct Written {
    source: SourceId,
    stream: StreamId,
    rows: Vec<(String, u32)>,
}

impl Job<'_> {
    async fn write(&self) -> Result<Written, SyntheticError> {
        let stream = self.contributor.stream(self.source)?;
        let key = self.contributor.key_of(stream)?;
        let habits = &self.contributor.habits;
        let teller = Teller::new(self.population, &self.contributor.files.id, habits);
        let mut people = Vec::with_capacity(self.places.len());
        let rows = Rows::new(&teller, &self.places).map(|(place, row)| {
            people.push((key_text(&row, &key), place.person));
            row
        });
        let rows: Vec<Row> = rows.collect();
        self.write_rows(stream, &rows).await?;
        Ok(Written {
            source: self.source.id.clone(),
            stream: stream.id.clone(),
            rows: people,
        })
    }

    async fn write_rows(&self, stream: &StreamSpec, rows: &[Row]) -> Result<(), SyntheticError> {
        let habits = &self.contributor.habits;
        let table = sql::Table {
            name: &stream.table,
            key: &stream.key,
            columns: &habits.columns,
        };
        if let Some(server) = &self.server {
            return match server.kind {
                Target::Postgres => server::postgres(&server.url, &table, rows).await,
                Target::Mysql => server::mysql(&server.url, &table, rows).await,
            };
        }
        let path = self.dir.join(self.text("path"));
        if self.source.kind == "files" {
            let file = files::File {
                path: path.join(stream.table.replace('*', "")),
                encoding: self.text("encoding"),
                delimiter: self.text("delimiter").bytes().next().unwrap_or(b','),
                bom: habits.bom,
            };
            return file.write(&habits.columns, rows);
        }
        sqlite::write(&path, &table, rows).await
    }

    fn text(&self, key: &str) -> &str {
        let value = self.source.config.get(key);
        value.and_then(toml::Value::as_str).unwrap_or_default()
    }
}

/// Returns a row's key as record ids have it.
pub(crate) fn key_text(row: &Row, key: &[usize]) -> String {
    let parts: Vec<&str> = key
        .iter()
        .map(|place| row[*place].as_deref().unwrap_or_default())
        .collect();
    parts.join("\u{1f}")
}

#[cfg(test)]
mod tests;
