//! The people that the agencies hold records about. Nobody in it is real.

mod family;
mod national_id;
mod phone;

use jiff::civil::Date;

pub(crate) use family::day_between;
pub(crate) use phone::Phone;

use crate::dice::{Dice, Use};
use crate::vocabulary::{NameId, Vocabulary};

/// Everybody: families over generations, reproducible from a count and a seed.
#[derive(Debug)]
pub struct Population {
    people: Vec<Person>,
    seed: u64,
}

/// A man or a woman.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sex {
    Male,
    Female,
}

/// Marital status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marital {
    Single,
    Married,
    Divorced,
    Widowed,
}

/// A name over the generations. `family` is the family's name where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) given: NameId,
    pub(crate) father: NameId,
    pub(crate) grandfather: NameId,
    pub(crate) great_grandfather: NameId,
    pub(crate) family: Option<NameId>,
}

impl Chain {
    /// Returns what stands in the last column of a form: the family's name, or else the
    /// great-grandfather's.
    pub(crate) fn last(&self) -> NameId {
        self.family.unwrap_or(self.great_grandfather)
    }

    /// Returns the chain of this man's child.
    pub(crate) fn child(&self, given: NameId) -> Self {
        Self {
            given,
            father: self.given,
            grandfather: self.father,
            great_grandfather: self.grandfather,
            family: self.family,
        }
    }
}

/// Where somebody lives; every part but the number is an index into the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) governorate: usize,
    pub(crate) district: usize,
    pub(crate) street: usize,
    pub(crate) number: u16,
}

/// One of the people.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) chain: Chain,
    /// Whether "Mohamed" stands before the given name.
    pub(crate) compound: bool,
    pub(crate) sex: Sex,
    pub(crate) birth: Date,
    pub(crate) death: Option<Date>,
    /// Governorate of birth, an index.
    pub(crate) born_in: usize,
    pub(crate) national_id: u64,
    pub(crate) marital: Marital,
    pub(crate) mother: Chain,
    /// The mother, when she is one of the people.
    pub(crate) mother_number: Option<u32>,
    /// The father, when he is one of the people.
    pub(crate) father_number: Option<u32>,
    pub(crate) household: u32,
    pub(crate) home: Home,
    /// The second home of those who moved, and since when.
    pub(crate) moved: Option<(Date, Home)>,
    pub(crate) phone: Phone,
    pub(crate) second_phone: Option<Phone>,
    /// The telephone of the whole household, where there is one.
    pub(crate) household_phone: Option<Phone>,
    /// Whose number stands here by mistake, usually a sibling's.
    pub(crate) neighbour: u32,
}

impl Person {
    /// Returns where the person lived on a day.
    pub(crate) fn home_on(&self, day: Date) -> Home {
        match self.moved {
            Some((since, home)) if day >= since => home,
            _ => self.home,
        }
    }
}

impl Population {
    /// Makes `people` persons from a seed. The same two numbers give the same persons.
    pub fn generate(people: u32, seed: u64) -> Self {
        let dice = Dice::at(seed, Use::Population, [u64::from(people), 0, 0]);
        Self {
            people: family::people(Vocabulary::shipped(), people, dice),
            seed,
        }
    }

    /// Returns how many people there are.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Says whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Returns the seed.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns one person.
    pub(crate) fn person(&self, number: u32) -> &Person {
        &self.people[usize::try_from(number).unwrap_or(usize::MAX)]
    }

    /// Returns everybody, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Person)> {
        (0_u32..).zip(&self.people)
    }
}

#[cfg(test)]
mod tests;
