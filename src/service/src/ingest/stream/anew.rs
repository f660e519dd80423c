//! A stream of changes that is read from its start although records of it are held, or whose table
//! was emptied: what does not come again is gone.
//!
//! Invariant: until that has been deleted the position stays where it was, so a reading that is
//! killed begins anew the next time and overlooks nothing.

use super::super::Stop;
use super::super::writer::Place;
use super::StreamRun;

impl StreamRun<'_> {
    /// Says whether storage holds records of the stream.
    pub(super) async fn holds_records(&self) -> Result<bool, Stop> {
        let (source, stream) = (&self.registered.spec.id, &self.spec.id);
        let mut tx = self.services.storage.snapshot().await?;
        Ok(!tx.keys_after(source, stream, None, 1).await?.is_empty())
    }

    /// Keeps the position from now on, and the keys that come: at the start of a reading, or where
    /// the table was emptied.
    pub(super) fn begin_anew(&mut self) {
        self.anew = true;
        self.seen.look();
    }

    /// Moves the position to where the reading came.
    pub(super) async fn end_anew(&mut self) -> Result<(), Stop> {
        let Some((position, rows)) = self.reached.take() else {
            return Ok(());
        };
        self.submit(Place::At(position, rows)).await?;
        self.settle().await
    }
}
