//! Records whose rows a whole reading did not find: they are gone at their source.

use rabt_connect::{ConnectError, Deleted, Deletes, Guard, Mode};
use rabt_model::Pii;

use super::super::Stop;
use super::super::writer::Place;
use super::StreamRun;

/// Keys that are read, and records that are deleted, at a time.
const PAGE: u32 = 5_000;
/// So few rows may be gone whatever their share: small tables change in large steps.
const FEW: u64 = 10;

impl StreamRun<'_> {
    /// Deletes the records of the stream that this reading did not find, when it was one from the
    /// start to the end.
    ///
    /// # Errors
    /// More are gone than the guard allows; none of them is deleted then.
    pub(super) async fn sweep(&mut self) -> Result<(), Stop> {
        let whole = self.spec.mode == Mode::Snapshot && self.whole;
        if !whole || self.spec.deletes == Deletes::Never {
            return Ok(());
        }
        let (held, gone) = self.missing().await?;
        self.guard_vanished(held, gone.len() as u64)?;
        for keys in gone.chunks(PAGE as usize) {
            let row = |key: &Pii<String>| Deleted {
                key: key.clone(),
                version: None,
                event_at: None,
            };
            self.delete(keys.iter().map(row).collect());
            self.submit(Place::Keep).await?;
        }
        self.settle().await
    }

    /// Returns how many records are held, and the keys of those that were not found.
    async fn missing(&self) -> Result<(u64, Vec<Pii<String>>), Stop> {
        let (source, stream) = (&self.registered.spec.id, &self.spec.id);
        let mut tx = self.services.storage.snapshot().await?;
        let (mut held, mut gone) = (0, Vec::new());
        let mut last: Option<Pii<String>> = None;
        loop {
            let page = tx.keys_after(source, stream, last.as_ref(), PAGE).await?;
            let Some(end) = page.last() else {
                return Ok((held, gone));
            };
            last = Some(end.clone());
            held += page.len() as u64;
            gone.extend(page.into_iter().filter(|key| !self.seen.holds(key)));
        }
    }

    /// Stops before harm: that much of a register does not end in one night.
    fn guard_vanished(&self, held: u64, gone: u64) -> Result<(), ConnectError> {
        let most = self.spec.guard.max_vanish.unwrap_or(Guard::MAX_VANISH);
        #[expect(clippy::cast_precision_loss, reason = "a share needs no exact counts")]
        let share = gone as f64 / held.max(1) as f64;
        if gone <= FEW || share <= most {
            return Ok(());
        }
        let what = format!("{gone} of {held} rows are no longer there; nothing was deleted");
        let remedy = "ask its owner; if they are really gone, hand in the folder with guard.max_vanish = \
             \"100 %\", have it approved and start the source again";
        Err(ConnectError::data(self.place(), what, remedy))
    }
}
