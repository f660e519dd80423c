//! Transactions that were being prepared when the stream began.
//!
//! A server writes the first phase into its log, and says a little later that the transaction is prepared.
//! One that was between the two when the stream began lies before it, and is looked for when it ends.

use futures::FutureExt;
use futures::future::BoxFuture;
use rabt_connect::ConnectError;
use sqlx::MySqlConnection;
use tokio::time::Instant;

use super::{Flow, SIGN_OF_LIFE, Step};
use crate::change::log::{Begin, FIRST, Logged, Phase, What, Wire};
use crate::change::place::Spot;
use crate::change::server::files_back_from;

/// Files of the log that are looked through: the one that the stream began in, and the one before it, since
/// a new one may have been begun in between.
const FILES: usize = 2;

impl Flow<'_> {
    /// Notes a transaction of two phases that was prepared a little before the stream began, when there is
    /// such a one.
    pub(super) async fn look_back(
        &mut self,
        xid: &str,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        let Some(spot) = self.first_phase(xid, connection).await? else {
            return Ok(());
        };
        // So that none is due while the stream is elsewhere.
        self.checkpoint().await?;
        let here = (self.spot.clone(), self.made, self.group.take());
        let noted = self.note_again(spot, connection).await;
        (self.spot, self.made, self.group) = here;
        noted
    }

    /// Reads the first phase that begins at a spot.
    async fn note_again(
        &mut self,
        spot: Spot,
        connection: &mut MySqlConnection,
    ) -> Result<(), ConnectError> {
        let mut wire = Wire::open(self.capture.session, &spot, false).await?;
        self.made = wire.made();
        self.spot = spot;
        loop {
            let logged = wire.next().await?;
            let ends = matches!(logged.what, What::Prepare | What::Rotate(..));
            self.take_again(logged, connection).await?;
            if ends {
                return Ok(());
            }
        }
    }

    fn take_again<'s>(
        &'s mut self,
        logged: Logged,
        connection: &'s mut MySqlConnection,
    ) -> BoxFuture<'s, Result<Step, ConnectError>> {
        self.take(logged, connection).boxed()
    }

    /// Returns where the last first phase of a transaction begins before the beginning of the stream.
    async fn first_phase(
        &mut self,
        xid: &str,
        connection: &mut MySqlConnection,
    ) -> Result<Option<Spot>, ConnectError> {
        let files = files_back_from(&self.begun.file, connection).await?;
        for file in files.into_iter().take(FILES) {
            let until = if file == self.begun.file {
                self.begun.offset
            } else {
                u64::MAX
            };
            if let Some(offset) = self.last_in(&file, until, xid).await? {
                return Ok(Some(Spot { file, offset }));
            }
        }
        Ok(None)
    }

    /// Looks through a file up to an offset.
    async fn last_in(
        &mut self,
        file: &str,
        until: u64,
        xid: &str,
    ) -> Result<Option<u64>, ConnectError> {
        let start = Spot {
            file: file.to_owned(),
            offset: FIRST,
        };
        let mut wire = Wire::open(self.capture.session, &start, false).await?;
        let mut found = None;
        loop {
            let Logged { begin, end, what } = wire.next().await?;
            if begin.is_some_and(|begin| begin >= until) {
                return Ok(found);
            }
            if matches!(what, What::Rotate(..) | What::Alive(_)) {
                return Ok(found);
            }
            if let What::Begin(Begin { phase, .. }) = what
                && phase.is_some_and(|phase| matches!(phase, Phase::First(name) if name == xid))
            {
                found = begin;
            }
            if begin.is_some() && end >= until {
                return Ok(found);
            }
            if Instant::now() >= self.life {
                self.life = Instant::now() + SIGN_OF_LIFE;
                self.progress().await?;
            }
        }
    }
}
