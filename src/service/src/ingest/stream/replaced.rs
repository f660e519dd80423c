//! Rows whose replacement is not in their stream. A row may come before the one that takes its
//! place, so this is known at the end of the stream alone.

use std::collections::BTreeMap;

use rabt_connect::{RejectReason, Rejection};
use rabt_model::{Pii, SourceRecord};

use super::super::Stop;
use super::super::writer::Place;
use super::StreamRun;

/// Keys that are looked up at a time.
const PAGE: usize = 1_000;

/// What the rows of this reading say: key, and key of the row that takes its place.
#[derive(Debug, Default)]
pub(super) struct Replaced(BTreeMap<Pii<String>, Pii<String>>);

impl Replaced {
    pub(super) fn note(&mut self, record: &SourceRecord) {
        let key = &record.id.key;
        match &record.replaced_by {
            Some(other) => {
                self.0.insert(key.clone(), other.clone());
            }
            None if self.0.is_empty() => {}
            // In an incremental reading a row may come again and say otherwise.
            None => {
                self.0.remove(key);
            }
        }
    }
}

impl StreamRun<'_> {
    /// Rejects what rows say of replacements that the stream does not hold. The rows themselves
    /// are taken.
    pub(super) async fn refuse_unknown_replacements(&mut self) -> Result<(), Stop> {
        let said: Vec<_> = std::mem::take(&mut self.replaced.0).into_iter().collect();
        if said.is_empty() {
            return Ok(());
        }
        let (source, stream) = (self.registered.spec.id.clone(), self.spec.id.clone());
        let column = self.spec.mapping.replaced_by().join("+");
        for page in said.chunks(PAGE) {
            let keys: Vec<&str> = page.iter().map(|(_, key)| key.expose().as_str()).collect();
            let mut tx = self.services.storage.snapshot().await?;
            let found = tx.find_records(&source, &stream, &keys).await?;
            drop(tx);
            for ((key, _), _) in page.iter().zip(found).filter(|(_, found)| found.is_none()) {
                self.reject(Rejection {
                    key: key.clone(),
                    column: column.clone(),
                    reason: RejectReason::UnknownReplacement,
                    field_only: true,
                });
            }
        }
        if self.unit.rejections.is_empty() {
            return Ok(());
        }
        self.submit(Place::Keep).await?;
        self.settle().await
    }
}
