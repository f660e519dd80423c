//! The end of a process: the first signal asks, the second insists.
//!
//! Invariant: every task is on the one tracker, so that the end waits for it.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// Tells tasks to end and waits for them. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
}

/// How the wait for the tasks ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every task has ended.
    Complete,
    /// The time was up or a second signal came; this many tasks were still running.
    Abandoned(usize),
}

/// The operating system refused to report signals.
#[derive(Debug, thiserror::Error)]
#[error("signals cannot be watched: {0}")]
pub struct SignalError(#[from] std::io::Error);

impl Shutdown {
    /// Returns a shutdown that no signal reaches; [`Shutdown::start`] begins it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches for SIGINT and SIGTERM from now on: the first begins the soft end, the second the
    /// hard one.
    pub fn watch_signals(&self) -> Result<(), SignalError> {
        let mut signals = Signals::new()?;
        let shutdown = self.clone();
        // Not tracked: it waits for a signal that may never come, and must not delay the end.
        #[expect(
            clippy::disallowed_methods,
            reason = "the watcher outlives every tracked task"
        )]
        tokio::spawn(async move {
            signals.next().await;
            info!("signal received, finishing the work in hand");
            shutdown.start();
            signals.next().await;
            warn!("second signal received, ending now");
            shutdown.hard.cancel();
        });
        Ok(())
    }

    /// Begins the soft end: no new work, finish what is in hand.
    pub fn start(&self) {
        self.soft.cancel();
    }

    /// Returns the token that is cancelled when the soft end begins.
    pub fn token(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Returns the token that is cancelled when the end may wait no longer.
    pub fn hard_token(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Returns the tracker, for parts that take one.
    pub fn tasks(&self) -> TaskTracker {
        self.tasks.clone()
    }

    /// Runs a task that the end waits for.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Completes when the soft end begins.
    pub async fn started(&self) {
        self.soft.cancelled().await;
    }

    /// Waits until every task has ended, at most `limit` or until the second signal, and then
    /// cancels the hard token.
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.soft.cancel();
        self.tasks.close();
        let outcome = tokio::select! {
            () = self.tasks.wait() => Drained::Complete,
            () = self.hard.cancelled() => Drained::Abandoned(self.tasks.len()),
            () = tokio::time::sleep(limit) => Drained::Abandoned(self.tasks.len()),
        };
        self.hard.cancel();
        outcome
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self, SignalError> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self, SignalError> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Drained, Shutdown};

    #[tokio::test]
    async fn waits_for_a_task_that_ends_when_told() {
        let shutdown = Shutdown::new();
        let token = shutdown.token();
        let task = shutdown.spawn(async move {
            token.cancelled().await;
            7
        });
        assert_eq!(
            shutdown.drain(Duration::from_secs(5)).await,
            Drained::Complete
        );
        assert_eq!(task.await.unwrap(), 7);
        assert!(shutdown.hard_token().is_cancelled());
    }

    #[tokio::test]
    async fn abandons_a_task_that_does_not_end() {
        let shutdown = Shutdown::new();
        let hard = shutdown.hard_token();
        shutdown.spawn(async move { hard.cancelled().await });
        assert_eq!(
            shutdown.drain(Duration::from_millis(20)).await,
            Drained::Abandoned(1)
        );
    }
}
