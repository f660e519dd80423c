//! Rows: what an agency was told, in the columns of its table.

mod value;

use std::collections::HashSet;

use crate::dice::Dice;
use crate::habits::{Column, Is};
use crate::record::{Place, Teller, one_digit_wrong};
use crate::spelling::arabic_digits;

/// One row: a text or NULL for each column.
pub(crate) type Row = Vec<Option<String>>;

/// The rows of one table, in the order of their keys.
pub(crate) struct Rows<'a> {
    teller: &'a Teller<'a>,
    places: std::slice::Iter<'a, Place>,
    number: u64,
    /// National ids that are keys already.
    taken: HashSet<String>,
}

impl<'a> Rows<'a> {
    /// Returns the rows of the records in `places`.
    pub(crate) fn new(teller: &'a Teller<'a>, places: &'a [Place]) -> Self {
        Self {
            teller,
            places: places.iter(),
            number: 0,
            taken: HashSet::new(),
        }
    }

    fn cell(
        &mut self,
        column: &Column,
        cells: &value::Cells<'_>,
        dice: &mut Dice,
    ) -> Option<String> {
        let value = if let Is::RowNumber { start, step } = &column.is {
            Some((start + step * self.number).to_string())
        } else if let Is::RowText { start, step, width } = &column.is {
            let number = start + step * self.number;
            Some(format!("{number:0width$}", width = *width))
        } else if column.is == Is::NationalIdKey {
            Some(self.free_national_id(cells, dice))
        } else {
            cells.value(&column.is, dice)
        };
        let value = value.filter(|_| !dice.chance(column.absent));
        let Some(value) = value else {
            return dice.pick(&column.missing).cloned();
        };
        let value = if column.arabic_digits {
            arabic_digits(&value)
        } else {
            value
        };
        if column.prefix.is_empty() && column.suffix.is_empty() {
            return Some(value);
        }
        Some(format!("{}{value}{}", column.prefix, column.suffix))
    }

    /// A key is never missing and never comes twice: a second entry stands under a mistyped number.
    fn free_national_id(&mut self, cells: &value::Cells<'_>, dice: &mut Dice) -> String {
        let own = || cells.person.national_id.to_string();
        let mut id = cells.told.national_id.clone().unwrap_or_else(own);
        while !self.taken.insert(id.clone()) {
            id = one_digit_wrong(&id, dice);
        }
        id
    }
}

impl Iterator for Rows<'_> {
    type Item = (Place, Row);

    fn next(&mut self) -> Option<Self::Item> {
        let place = *self.places.next()?;
        let teller = self.teller;
        let mut dice = teller.dice(place);
        let told = teller.tell(place, &mut dice);
        let cells = value::Cells {
            population: teller.population,
            person: teller.population.person(place.person),
            number: place.person,
            wrong_documents: teller.habits.errors.document_wrong,
            told: &told,
        };
        let columns = &teller.habits.columns;
        let row = columns
            .iter()
            .map(|column| self.cell(column, &cells, &mut dice))
            .collect();
        self.number += 1;
        Some((place, row))
    }
}
