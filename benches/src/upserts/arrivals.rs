//! What arrives: in twenty, twelve changes of a record, four new records of people who are known,
//! three of strangers, and one deletion.

use std::sync::atomic::{AtomicUsize, Ordering};

use rabt_model::{Attribute, Pii, RunId, SourceRecord};
use rabt_service::Arrival;
use rabt_storage::Deletion;

/// What may arrive, and how much of it has.
pub(super) struct Arriving {
    run: RunId,
    residents: Vec<SourceRecord>,
    strangers: Vec<SourceRecord>,
    next: AtomicUsize,
}

impl Arriving {
    pub(super) const fn new(
        run: RunId,
        residents: Vec<SourceRecord>,
        strangers: Vec<SourceRecord>,
    ) -> Self {
        Self {
            run,
            residents,
            strangers,
            next: AtomicUsize::new(0),
        }
    }

    /// Returns the next arrival, of one record.
    pub(super) fn next(&self) -> Arrival {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let resident = &self.residents[number % self.residents.len()];
        let mut arrival = Arrival {
            run: self.run,
            records: Vec::new(),
            deletions: Vec::new(),
        };
        match number % 20 {
            0 => arrival.deletions.push(Deletion {
                id: resident.id.clone(),
                version: None,
                event_at: None,
            }),
            1..=3 => {
                let stranger = &self.strangers[number % self.strangers.len()];
                arrival.records.push(under_another_key(stranger, number));
            }
            4..=7 => arrival.records.push(under_another_key(resident, number)),
            _ => arrival.records.push(self.changed(number)),
        }
        arrival
    }

    /// Lets a record have the address or telephone of another one.
    fn changed(&self, number: usize) -> SourceRecord {
        let mut record = self.residents[number % self.residents.len()].clone();
        let moves = [Attribute::Address, Attribute::Phone];
        for value in &mut record.values {
            if !moves.contains(&value.attribute) {
                continue;
            }
            let others = self.residents.iter().cycle().skip(number + 1).take(50);
            let mut said = others.flat_map(|other| other.values_of(&value.attribute));
            if let Some(other) = said.next() {
                value.value.clone_from(&other.value);
            }
        }
        renewed(record, number)
    }
}

fn under_another_key(record: &SourceRecord, number: usize) -> SourceRecord {
    let mut record = record.clone();
    record.id.key = Pii::new(format!("arrival-{number}"));
    renewed(record, number)
}

/// Makes a version that no earlier one equals.
fn renewed(mut record: SourceRecord, number: usize) -> SourceRecord {
    let mark = number.to_le_bytes();
    for (byte, mark) in record.content_hash.iter_mut().zip(mark) {
        *byte ^= mark ^ 0x5a;
    }
    record
}
