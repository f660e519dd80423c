//! A leader that sleeps beyond its lease, in the middle of a transaction or before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rabt_model::{Clock, SystemClock};
use rabt_policy::{Caller, Role};
use rabt_service::operate::pause_source;
use rabt_service::{LinkError, Node, Pace, Services, ingest_all, link};
use rabt_storage::{AuditLog, Holder, Lease, Leases, Storage, StorageError, Transaction};
use rabt_tests::{Database, Stack, Town, postgres_url, put_in_force, skip};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// Storage as a process sees it that may fall asleep: then it neither begins a transaction nor
/// renews its lease, and does not know.
struct Sleepy {
    inner: Arc<dyn Storage>,
    bed: Arc<Bed>,
}

#[derive(Default)]
struct Bed {
    asleep: AtomicBool,
    /// Somebody waits for the morning before a transaction.
    dozes: Notify,
    wake: Notify,
}

struct SleepyLeases {
    inner: Arc<dyn Leases>,
    bed: Arc<Bed>,
}

impl Bed {
    async fn lie(&self) {
        while self.asleep.load(Ordering::Acquire) {
            let morning = self.wake.notified();
            self.dozes.notify_one();
            if self.asleep.load(Ordering::Acquire) {
                morning.await;
            }
        }
    }

    fn sleep(&self) {
        self.asleep.store(true, Ordering::Release);
    }

    fn wake(&self) {
        self.asleep.store(false, Ordering::Release);
        self.wake.notify_waiters();
    }
}

#[async_trait]
impl Storage for Sleepy {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StorageError> {
        self.bed.lie().await;
        self.inner.begin().await
    }

    async fn snapshot(&self) -> Result<Box<dyn Transaction>, StorageError> {
        self.inner.snapshot().await
    }

    fn audit_log(&self) -> Arc<dyn AuditLog> {
        self.inner.audit_log()
    }

    fn leases(&self) -> Arc<dyn Leases> {
        Arc::new(SleepyLeases {
            inner: self.inner.leases(),
            bed: Arc::clone(&self.bed),
        })
    }

    async fn probe(&self) -> Result<(), StorageError> {
        self.inner.probe().await
    }

    fn backend(&self) -> &'static str {
        self.inner.backend()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[async_trait]
impl Leases for SleepyLeases {
    async fn take(
        &self,
        name: &str,
        holder: &Holder,
        ttl: Duration,
    ) -> Result<Lease, StorageError> {
        // the one who is waited for is whoever begins a transaction
        while self.bed.asleep.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.inner.take(name, holder, ttl).await
    }

    async fn release(&self, name: &str, epoch: u64) -> Result<(), StorageError> {
        self.inner.release(name, epoch).await
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }
}

async fn start(url: &str, name: &str, bed: &Arc<Bed>) -> Arc<Services> {
    let process = i64::from(name.as_bytes()[0]);
    let inner = rabt_storage::open_as(url, name).await.unwrap();
    let bed = Arc::clone(bed);
    let storage = Arc::new(Sleepy { inner, bed });
    let node = Node {
        name: name.to_owned(),
        address: String::new(),
        process,
        pace: Pace {
            ttl: Duration::from_secs(2),
            renew: Duration::from_millis(400),
            poll: Duration::from_millis(100),
        },
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let setup = Stack::setup(storage, clock, node, process.unsigned_abs());
    Services::start(setup).await.unwrap()
}

fn operator() -> Caller {
    Caller {
        agency: "rabt".parse().unwrap(),
        system: "operator-1".to_owned(),
        role: Role::Operator,
    }
}

async fn fingerprint(services: &Services) -> String {
    let storage = services.storage.as_ref();
    rabt_service::fingerprint(storage).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_slept_beyond_its_lease_commits_nothing() {
    let Some(server) = postgres_url() else {
        return skip("PostgreSQL");
    };
    let database = Database::on(&server).await;
    let (bed, awake) = (Arc::new(Bed::default()), Arc::new(Bed::default()));
    let first = start(&database.url(), "a", &bed).await;
    let second = start(&database.url(), "b", &awake).await;
    assert!(first.leads() && !second.leads());
    let town = Town::of(40, 31).await;
    let mut sources = Vec::new();
    for new in town.sources() {
        sources.extend(put_in_force(&first, new).await);
    }
    for (source, run) in ingest_all(&first, 2).await {
        run.unwrap_or_else(|error| panic!("{source}: {error}"));
    }

    // asleep between what it decided and the transaction that says so
    bed.sleep();
    let slow = Arc::clone(&first);
    let linking = TaskTracker::new().spawn(async move { link(&slow).await.map(|_| ()) });
    bed.dozes.notified().await;
    let patience = Duration::from_mins(2);
    let taken = tokio::time::timeout(patience, second.until_leads(true));
    taken.await.expect("the other takes over");
    link(&second).await.unwrap();
    let linked = fingerprint(&second).await;
    let mut tx = second.storage.snapshot().await.unwrap();
    let changes = tx.last_change().await.unwrap();
    drop(tx);

    // it wakes up, and believes that it leads
    assert!(first.leads());
    bed.wake();
    let refused = linking.await.unwrap();
    let lost = |error: &LinkError| error.to_string().contains("another node writes now");
    assert!(refused.as_ref().is_err_and(lost), "{refused:?}");
    assert_eq!(fingerprint(&second).await, linked);
    let mut tx = second.storage.snapshot().await.unwrap();
    assert_eq!(tx.last_change().await.unwrap(), changes);
    drop(tx);

    // then it follows, and refuses to write before it tries
    let follows = tokio::time::timeout(patience, first.until_leads(false));
    follows.await.expect("it notices");
    while first.citizens() != second.citizens() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let refused = pause_source(&first, &operator(), &sources[0]).await;
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("ask b, which leads"), "{said}");

    // and leads again when the other one ends, with a linker that knows what happened since
    second.stop("the test").await;
    let taken = tokio::time::timeout(patience, first.until_leads(true));
    taken.await.expect("it takes over");
    link(&first).await.unwrap();
    assert_eq!(fingerprint(&first).await, linked);
    first.stop("the test").await;
}
