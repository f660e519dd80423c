//! Invented people in the databases of the shipped agencies.

use std::path::PathBuf;

use rabt_connector_synthetic::{Made, Targets, agencies, make};
use rabt_model::{Attribute, CitizenId, RecordNumber, SourceRecord, Value};
use rabt_service::operate::NewSource;
use rabt_storage::Storage;
use tempfile::TempDir;

/// The databases of every agency, and the truth about them.
#[derive(Debug)]
pub struct Town {
    /// What was made.
    pub made: Made,
    folder: TempDir,
}

/// A citizen whom several agencies know, and one of whom there is no doubt.
#[derive(Debug, Clone)]
pub struct Someone {
    /// Who it is.
    pub citizen: CitizenId,
    /// Their national id, as it is looked up.
    pub national_id: String,
    /// Their name in the record that holds the national id.
    pub name: String,
    /// The date of birth in that record.
    pub birth_date: String,
    /// How many agencies hold a record.
    pub agencies: usize,
}

impl Town {
    /// Makes the databases of so many people.
    ///
    /// # Panics
    /// When they cannot be written.
    pub async fn of(people: u32, seed: u64) -> Self {
        Self::with(people, seed, &Targets::default()).await
    }

    /// Makes the databases, some of them on servers.
    ///
    /// # Panics
    /// When they cannot be written.
    pub async fn with(people: u32, seed: u64, targets: &Targets) -> Self {
        let folder = TempDir::new().expect("a folder");
        let made = make(people, seed, folder.path(), targets).await;
        let made = made.expect("the agencies' databases are made");
        Self { made, folder }
    }

    /// Returns the agency folders as an operator registers them.
    pub fn sources(&self) -> Vec<NewSource> {
        let mut sources = Vec::new();
        for agency in agencies() {
            let own = self
                .made
                .manifests
                .iter()
                .find(|(id, _)| id.as_str() == agency.id);
            let shipped = agency.file("manifest.toml").unwrap_or_default();
            sources.push(NewSource {
                manifest: own.map_or(shipped, |(_, text)| text).to_owned(),
                mapping: agency.file("mapping.toml").unwrap_or_default().to_owned(),
                base: self.base(),
            });
        }
        sources
    }

    /// Returns where the databases are.
    pub fn base(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }
}

impl Someone {
    /// Finds the citizen whom most agencies know among those of the civil registry.
    ///
    /// # Panics
    /// When there is nobody, or storage fails.
    pub async fn best_known(storage: &dyn Storage) -> Self {
        let mut snapshot = storage.snapshot().await.expect("a snapshot");
        let memberships = snapshot.memberships().await.expect("memberships");
        let records = snapshot
            .records_after(RecordNumber(i64::MIN), u32::MAX >> 1)
            .await;
        let records = records.expect("records");
        let citizen_of = |number: RecordNumber| {
            let place = memberships.binary_search_by_key(&number, |(number, _)| *number);
            place.ok().map(|place| memberships[place].1)
        };
        let mut best: Option<Self> = None;
        for record in &records {
            if record.record.agency.as_str() != "civil-registry" {
                continue;
            }
            let Some(citizen) = citizen_of(record.number) else {
                continue;
            };
            let mut agencies: Vec<&str> = records
                .iter()
                .filter(|other| citizen_of(other.number) == Some(citizen))
                .map(|other| other.record.agency.as_str())
                .collect();
            agencies.sort_unstable();
            agencies.dedup();
            let known = best.as_ref().map_or(0, |best| best.agencies);
            if agencies.len() > known {
                best = Self::of(citizen, &record.record, agencies.len()).or(best);
            }
        }
        best.expect("somebody is known to several agencies")
    }

    fn of(citizen: CitizenId, record: &SourceRecord, agencies: usize) -> Option<Self> {
        let line = |attribute: &Attribute| {
            let value = record.values_of(attribute).next()?;
            Some(value.value.expose().to_line())
        };
        let birth = record.values_of(&Attribute::BirthDate).next()?;
        let Value::Date(date) = birth.value.expose() else {
            return None;
        };
        date.is_whole().then_some(())?;
        Some(Self {
            citizen,
            national_id: line(&Attribute::national_id())?,
            name: line(&Attribute::NameChain)?,
            birth_date: date.to_string(),
            agencies,
        })
    }
}
