//! Records whose rows a whole reading did not find: they are gone at their source.

use std::sync::Arc;

use rabt_connect::{
    ConnectError, Connector, Deleted, Deletes, Guard, Message, Mode, Outlet, Session,
};
use rabt_model::{Pii, Timestamp};
use tokio_util::task::AbortOnDropHandle;

use super::super::Stop;
use super::super::writer::Place;
use super::{CHUNK_ROWS, MESSAGES, StreamRun};

/// Keys that are read, and records that are deleted, at a time.
const PAGE: u32 = 5_000;
/// So few rows may be gone whatever their share: small tables change in large steps.
const FEW: u64 = 10;

impl StreamRun<'_> {
    /// Deletes the records of the stream that this reading did not find, when it was one from the
    /// start to the end, or when the keys of an incremental stream are due.
    ///
    /// # Errors
    /// More are gone than the guard allows; none of them is deleted then.
    pub(super) async fn sweep(
        &mut self,
        connector: &Arc<dyn Connector>,
        session: &Session,
    ) -> Result<(), Stop> {
        if self.spec.deletes == Deletes::Never {
            return Ok(());
        }
        match self.spec.mode {
            Mode::Snapshot if self.whole => self.delete_missing().await,
            Mode::Changes { .. } if self.anew => self.delete_missing().await,
            Mode::Incremental { .. } => self.sweep_keys(connector, session).await,
            Mode::Snapshot | Mode::Changes { .. } => Ok(()),
        }
    }

    /// Reads the keys of an incremental stream and deletes what is not among them, when its time has
    /// come.
    async fn sweep_keys(
        &mut self,
        connector: &Arc<dyn Connector>,
        session: &Session,
    ) -> Result<(), Stop> {
        let name = format!("sweep/{}/{}", self.registered.spec.id, self.spec.id);
        let now = self.services.clock.now();
        if let Some(every) = self.spec.sweep_every {
            let mut tx = self.services.storage.snapshot().await?;
            let last = tx.get_mark(&name).await?;
            let last = last.and_then(|text| text.parse::<Timestamp>().ok());
            if last.is_some_and(|last| now.duration_since(last).unsigned_abs() < every) {
                return Ok(());
            }
        }
        self.seen.look();
        self.read_keys(Arc::clone(connector), session.clone())
            .await?;
        self.delete_missing().await?;
        if self.spec.sweep_every.is_some() {
            let mut tx = self.services.storage.begin().await?;
            tx.put_mark(&name, &now.to_string()).await?;
            self.tenure.hold(tx.as_mut()).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Looks at every key of the stream. Whoever rests meanwhile begins with them again: which keys came
    /// is known to this reading alone.
    async fn read_keys(
        &mut self,
        connector: Arc<dyn Connector>,
        session: Session,
    ) -> Result<(), Stop> {
        let plan = self.spec.key_plan(CHUNK_ROWS);
        let (outlet, mut inlet) = Outlet::channel(MESSAGES);
        let outlet = outlet.with_rows_per_second(session.protect.rows_per_second);
        let reading = self.services.tasks.spawn(async move {
            let read = connector.read(&session, &plan, None, outlet);
            read.await
        });
        let reading = AbortOnDropHandle::new(reading);
        while let Some(message) = inlet.receive().await? {
            self.hear();
            match message {
                Message::Rows(batch) => {
                    let context = self.context();
                    for key in self.spec.mapping.keys(&batch, &context) {
                        self.seen.note(&key);
                    }
                }
                Message::Checkpoint { .. } if self.leash.is_resting() => return Err(Stop::Rested),
                Message::Checkpoint { .. }
                | Message::Deleted(_)
                | Message::Truncated
                | Message::SchemaChanged(_)
                | Message::Progress(_) => {}
            }
        }
        match reading.await {
            Ok(ended) => Ok(ended?),
            Err(_) => Err(self.defect("the connector panicked").into()),
        }
    }

    async fn delete_missing(&mut self) -> Result<(), Stop> {
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
            self.hear();
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
