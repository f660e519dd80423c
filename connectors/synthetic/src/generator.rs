//! Who is in which table.

use std::sync::LazyLock;

use rabt_connect::{Agency, AgencyFolder, SourceSpec, StreamSpec};

use crate::SyntheticError;
use crate::dice::{Dice, Use, number_of};
use crate::folders::{AgencyFiles, agencies};
use crate::habits::Habits;
use crate::population::Population;
use crate::record::{Place, Teller};
use crate::vocabulary::Vocabulary;

/// In how many agencies people are: one to eight, 2.7 on average.
const RECORDS: [f64; 8] = [0.22, 0.30, 0.24, 0.13, 0.06, 0.03, 0.015, 0.005];
/// Share of a person's further records to which the same agency adds a duplicate.
const DUPLICATE: f64 = 0.03;

/// An agency that holds records.
#[derive(Debug)]
pub(crate) struct Contributor {
    pub(crate) agency: Agency,
    pub(crate) habits: Habits,
    pub(crate) files: AgencyFiles,
}

/// A population and the agencies that hold records about it.
#[derive(Debug)]
pub(crate) struct Generator {
    pub(crate) population: Population,
    pub(crate) contributors: &'static [Contributor],
}

static SHIPPED: LazyLock<Result<Vec<Contributor>, SyntheticError>> =
    LazyLock::new(|| agencies().into_iter().map(Contributor::read).collect());

/// Returns the agencies whose folders are compiled in, ordered by id.
pub(crate) fn contributors() -> Result<&'static [Contributor], SyntheticError> {
    match &*SHIPPED {
        Ok(contributors) => Ok(contributors),
        Err(error) => Err(error.clone()),
    }
}

impl Contributor {
    fn read(files: AgencyFiles) -> Result<Self, SyntheticError> {
        let pairs: Vec<(&str, &str)> = files
            .files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let agency = AgencyFolder::load(&pairs).map_err(|problems| SyntheticError::Folder {
            agency: files.id.clone(),
            problems,
        })?;
        let text = files.file("habits.toml").unwrap_or_default();
        Ok(Self {
            habits: Habits::read(&files.id, text)?,
            agency,
            files,
        })
    }

    /// Returns the one stream of a source.
    pub(crate) fn stream<'a>(
        &self,
        source: &'a SourceSpec,
    ) -> Result<&'a StreamSpec, SyntheticError> {
        match source.streams.as_slice() {
            [stream] => Ok(stream),
            _ => Err(SyntheticError::Habits {
                agency: self.files.id.clone(),
                what: "needs a manifest with exactly one stream".to_owned(),
            }),
        }
    }

    /// Returns the places of the key columns in a row.
    pub(crate) fn key_of(&self, stream: &StreamSpec) -> Result<Vec<usize>, SyntheticError> {
        let columns = &self.habits.columns;
        let place = |key: &String| {
            let found = columns.iter().position(|column| column.name == *key);
            found.ok_or_else(|| SyntheticError::Habits {
                agency: self.files.id.clone(),
                what: format!("the key column {key} is not among [columns]"),
            })
        };
        stream.key.iter().map(place).collect()
    }
}

impl Generator {
    /// Makes a population for the agencies whose folders are compiled in.
    pub(crate) fn new(people: u32, seed: u64) -> Result<Self, SyntheticError> {
        Ok(Self {
            population: Population::generate(people, seed),
            contributors: contributors()?,
        })
    }

    /// Returns the records of each agency, in an order that says nothing about the people.
    pub(crate) fn presence(&self) -> Vec<Vec<Place>> {
        let seed = self.population.seed();
        let mut all = vec![Vec::new(); self.contributors.len()];
        for (number, person) in self.population.iter() {
            let mut dice = Dice::at(seed, Use::Presence, [u64::from(number), 0, 0]);
            let wanted = 1 + dice.weighted(&RECORDS);
            let mut order: Vec<(f64, usize)> = Vec::with_capacity(all.len());
            for (index, contributor) in self.contributors.iter().enumerate() {
                let luck = dice.unit().max(f64::MIN_POSITIVE).ln() / contributor.habits.weight;
                if contributor.habits.people.takes(person) {
                    order.push((luck, index));
                }
            }
            order.sort_by(|a, b| b.0.total_cmp(&a.0));
            for (rank, (_, index)) in order.into_iter().take(wanted).enumerate() {
                all[index].push(Place {
                    person: number,
                    copy: 0,
                });
                if rank > 0 && dice.chance(DUPLICATE) {
                    all[index].push(Place {
                        person: number,
                        copy: 1,
                    });
                }
            }
        }
        for (contributor, places) in self.contributors.iter().zip(&mut all) {
            let place = [number_of(&contributor.files.id), 0, 0];
            Dice::at(seed, Use::Order, place).shuffle(places);
        }
        all
    }

    /// Divides an agency's records among its sources: a person's office follows the governorate.
    pub(crate) fn offices(&self, contributor: &Contributor, places: Vec<Place>) -> Vec<Vec<Place>> {
        let sources = &contributor.agency.sources;
        if sources.len() == 1 {
            return vec![places];
        }
        let teller = Teller::new(&self.population, &contributor.files.id, &contributor.habits);
        let office_of: Vec<usize> = Vocabulary::shipped()
            .governorates
            .iter()
            .map(|governorate| {
                let office = contributor.habits.office_of(&governorate.code);
                let own = |source: &SourceSpec| source.office.as_deref() == office;
                sources.iter().position(own).unwrap_or(0)
            })
            .collect();
        let mut divided = vec![Vec::new(); sources.len()];
        for place in places {
            divided[office_of[teller.home(place).governorate]].push(place);
        }
        divided
    }
}
