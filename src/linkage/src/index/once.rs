//! Streams that hold each person once. Two rows of such a stream are two people whatever the
//! evidence, unless somebody decided that they are one.

use std::collections::BTreeSet;

use rabt_model::{RecordId, RecordNumber, SourceId, StreamId};
use rustc_hash::FxHashMap;

use crate::judgement::Judgements;

/// Which records are rows of which such stream.
#[derive(Debug, Default)]
pub(super) struct Once {
    registers: BTreeSet<(SourceId, StreamId)>,
    /// The stream of a record, by its place among the registers; nothing for other records. It
    /// outlives the record: a number never becomes another stream's.
    of: FxHashMap<RecordNumber, usize>,
}

impl Once {
    pub(super) fn of(registers: BTreeSet<(SourceId, StreamId)>) -> Self {
        Self {
            registers,
            of: FxHashMap::default(),
        }
    }

    pub(super) fn registers(&self) -> &BTreeSet<(SourceId, StreamId)> {
        &self.registers
    }

    pub(super) fn note(&mut self, number: RecordNumber, id: &RecordId) {
        let place = self
            .registers
            .iter()
            .position(|(source, stream)| *source == id.source && *stream == id.stream);
        if let Some(place) = place {
            self.of.insert(number, place);
        }
    }

    /// Returns the pairs of rows that are of one register and were not decided to be one person,
    /// each once. `number` leads from a live row to its record.
    pub(super) fn apart(
        &self,
        judgements: &Judgements,
        rows: &[u32],
        number: impl Fn(u32) -> Option<RecordNumber>,
    ) -> Vec<(u32, u32)> {
        if self.of.is_empty() {
            return Vec::new();
        }
        let registered: Vec<(u32, RecordNumber, usize)> = rows
            .iter()
            .filter_map(|row| {
                let number = number(*row)?;
                Some((*row, number, *self.of.get(&number)?))
            })
            .collect();
        let mut apart = Vec::new();
        for (at, (row, number, register)) in registered.iter().enumerate() {
            let others = registered[at + 1..].iter();
            let same = others.filter(|(_, _, other)| other == register);
            // Most registers have one row in a component, and nobody needs to be asked.
            let mut person: Option<Vec<RecordNumber>> = None;
            for (other, of_other, _) in same {
                let person = person.get_or_insert_with(|| judgements.person(*number));
                if person.binary_search(of_other).is_err() {
                    apart.push((*row, *other));
                }
            }
        }
        apart
    }
}
