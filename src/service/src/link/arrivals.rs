//! Arrivals that wait, and who attends to them: one thread, for as long as any do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::LinkSummary;
use super::apply::{Arrival, apply};
use crate::audited::Audited;
use crate::error::LinkError;
use crate::services::Services;

/// What became of an arrival: what the transaction did that it shared with others.
pub(super) type Applied = Result<Audited<LinkSummary>, LinkError>;

/// Arrivals that wait for their transaction.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    arrivals: Vec<(Arrival, oneshot::Sender<Applied>)>,
    /// Whether somebody takes what waits, one transaction after the other.
    attended: bool,
}

/// The duty to take what waits, until nothing does.
struct Attendance {
    services: Arc<Services>,
    over: bool,
}

impl Arrivals {
    /// Adds an arrival; says whether nobody attends to it yet.
    fn push(&self, arrival: Arrival) -> (oneshot::Receiver<Applied>, bool) {
        let (done, told) = oneshot::channel();
        let mut waiting = self.lock();
        waiting.arrivals.push((arrival, done));
        (told, !std::mem::replace(&mut waiting.attended, true))
    }

    /// Takes what waits; nobody attends any more when that is nothing.
    fn take(&self) -> Option<Vec<(Arrival, oneshot::Sender<Applied>)>> {
        let mut waiting = self.lock();
        waiting.attended = !waiting.arrivals.is_empty();
        waiting
            .attended
            .then(|| std::mem::take(&mut waiting.arrivals))
    }

    /// Leaves nobody waiting for ever whom nobody attends to.
    fn abandon(&self) {
        *self.lock() = Waiting::default();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attendance {
    async fn attend(mut self) {
        let services = Arc::clone(&self.services);
        loop {
            // of everybody who waits for the linker, the next one has it between two transactions
            let mut slot = services.linker.lock().await;
            let Some(waiting) = services.arrivals.take() else {
                self.over = true;
                return;
            };
            let (arrivals, done): (Vec<Arrival>, Vec<_>) = waiting.into_iter().unzip();
            let applied = apply(&services, &mut slot, arrivals).await;
            drop(slot);
            for done in done {
                // who no longer listens has gone away; the records stay
                let _ = done.send(applied.clone());
            }
        }
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        // a panic or the end of the runtime came first; behind the end of the duty somebody else may attend
        if !self.over {
            self.services.arrivals.abandon();
        }
    }
}

/// Stores records, links them and tells what happens to citizens; returns when all of it is durable.
/// Records of one arrival are in one transaction.
///
/// # Errors
/// Storage or the audit log failed; nothing of the arrival was stored then.
pub async fn upsert(services: &Arc<Services>, arrival: Arrival) -> Applied {
    let (told, alone) = services.arrivals.push(arrival);
    if alone {
        let attendance = Attendance {
            services: Arc::clone(services),
            over: false,
        };
        let runtime = Handle::current();
        // A thread of its own: a transaction goes several ways to the database and back, and does not wait
        // at each of them until the threads that answer requests have time. Who goes away does not take the
        // others' transaction along either.
        let attend = move || runtime.block_on(attendance.attend());
        services.tasks.spawn_blocking(attend);
    }
    told.await.map_err(|_| LinkError::Stopped)?
}

#[cfg(test)]
mod tests {
    use rabt_model::RunId;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::{Arrival, Arrivals};

    fn arrival() -> Arrival {
        Arrival {
            run: RunId(1),
            records: Vec::new(),
            deletions: Vec::new(),
        }
    }

    #[test]
    fn one_attends_to_all_that_waits_and_another_to_what_comes_behind_its_end() {
        let arrivals = Arrivals::default();
        let attends = [0; 3].map(|_| arrivals.push(arrival()).1);
        assert_eq!(attends, [true, false, false]);
        assert_eq!(arrivals.take().map(|waiting| waiting.len()), Some(3));
        // what comes while a transaction is under way is in the next one
        assert!(!arrivals.push(arrival()).1);
        assert_eq!(arrivals.take().map(|waiting| waiting.len()), Some(1));
        assert!(arrivals.take().is_none());
        assert!(arrivals.push(arrival()).1);
    }

    #[test]
    fn nobody_is_left_waiting_when_who_attends_gives_up() {
        let arrivals = Arrivals::default();
        let (mut told, _) = arrivals.push(arrival());
        arrivals.abandon();
        assert!(matches!(told.try_recv(), Err(TryRecvError::Closed)));
        assert!(arrivals.push(arrival()).1);
    }
}
