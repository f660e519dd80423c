//! A node for tests: two tiny agencies whose tables are in memory, and storage that can fail.

mod log;
mod stamps;
mod terms;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rabt_audit::{AuditEvent, CheckpointKey, Entry, PseudonymKey, WitnessKey};
use rabt_connect::{
    BatchBuilder, Capabilities, Cell, ColumnInfo, ConfigKey, ConnectError, Connector, Description,
    Filter, Finding, Identity, Kinds, Message, Outlet, Plan, Position, Secrets, Session, Table,
};
use rabt_linkage::LinkageModel;
use rabt_model::{Label, ManualClock, SourceId, Timestamp};
use rabt_policy::{
    AccessRequest, Caller, Catalogue, Method, Policy, RequestContext, Role, Subject,
};
use rabt_storage::{AuditLog, Leases, Storage, StorageError, StoredEntry, Transaction};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::Semaphore;

use crate::operate::{NewSource, SourceView, approve_source, update_source};
use crate::{AuditKeys, MasterKey, Node, Services, Setup};

pub(super) use terms::BUNDLE;
use terms::SERVICES;

/// Rows between two checkpoints of the test connector.
const CHUNK: usize = 3;

/// One row: key, name, national id, date of birth, phone.
pub(super) type Row = [&'static str; 5];
const COLUMNS: [&str; 5] = ["id", "name", "nid", "dob", "tel"];

pub(super) const MONA: Row = [
    "1",
    "منى أحمد محمود حسن",
    "28402110100028",
    "1984-02-11",
    "01012345678",
];
pub(super) const OMAR: Row = [
    "2",
    "عمر خالد إبراهيم السيد",
    "29107150200131",
    "1991-07-15",
    "01112345678",
];

/// The tables of every agency, by the name in its configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables(Arc<Mutex<BTreeMap<String, Vec<Row>>>>);

impl Tables {
    pub(super) fn set(&self, table: &str, rows: &[Row]) {
        self.0
            .lock()
            .unwrap()
            .insert(table.to_owned(), rows.to_vec());
    }

    fn rows(&self, table: &str) -> Vec<Row> {
        self.0
            .lock()
            .unwrap()
            .get(table)
            .cloned()
            .unwrap_or_default()
    }
}

#[async_trait]
impl Connector for Tables {
    fn describe(&self) -> Description {
        Description {
            kind: "memory",
            label: Label::new("Memory", "ذاكرة"),
            capabilities: Capabilities {
                snapshot: true,
                incremental: false,
                changes: false,
            },
            config: vec![ConfigKey {
                name: "table",
                required: true,
                secret: false,
                doc: "which table",
            }],
        }
    }

    async fn check(&self, session: &Session) -> Vec<Finding> {
        vec![match session.text("table") {
            Ok("broken") => Finding::fail("reach", "it is broken", "mend it"),
            _ => Finding::pass("reach", "it answers"),
        }]
    }

    async fn discover(&self, session: &Session, _: &Filter) -> Result<Vec<Table>, ConnectError> {
        if session.text("table")? == "broken" {
            return Err(ConnectError::transient("memory", "is broken", "mend it"));
        }
        let column = |name: &&str| ColumnInfo {
            name: (*name).to_owned(),
            declared_type: "text".to_owned(),
            nullable: true,
        };
        Ok(vec![Table {
            schema: None,
            name: "persons".to_owned(),
            columns: COLUMNS.iter().map(column).collect(),
            key: vec!["id".to_owned()],
            estimated_rows: None,
        }])
    }

    async fn read(
        &self,
        session: &Session,
        plan: &Plan,
        from: Option<Position>,
        outlet: Outlet,
    ) -> Result<(), ConnectError> {
        let identity = Identity::new("memory", &[session.source.as_str(), &plan.table]);
        let from: usize = match from {
            Some(position) => position.place(&identity)?,
            None => 0,
        };
        let table = session.text("table")?;
        if table == "broken" {
            return Err(ConnectError::transient("memory", "is broken", "mend it"));
        }
        let rows = self.rows(table);
        let mut sent = from;
        loop {
            let chunk: Vec<Row> = rows.iter().skip(sent).take(CHUNK).copied().collect();
            let mut builder = BatchBuilder::new(plan.columns.clone());
            for row in &chunk {
                builder.push_row(plan.columns.iter().map(|column| {
                    let place = COLUMNS.iter().position(|known| known == column).unwrap();
                    match row[place] {
                        "" => Cell::Null,
                        text => Cell::Text(text),
                    }
                }));
            }
            sent += chunk.len();
            if !chunk.is_empty() {
                outlet.send(Message::Rows(builder.take())).await?;
            }
            let position = Position::new(&identity, &sent)?;
            let rows = chunk.len() as u64;
            outlet.send(Message::Checkpoint { position, rows }).await?;
            if chunk.len() < CHUNK {
                return Ok(());
            }
        }
    }
}

/// Storage whose `begin` fails from the n-th call on, and whose audit log can be held back.
pub(super) struct Fragile {
    inner: Arc<dyn Storage>,
    /// Calls of `begin` that still succeed.
    pub(super) begins: AtomicU64,
    /// Calls of `snapshot` so far.
    pub(super) snapshots: AtomicU64,
    log: Arc<FragileLog>,
}

pub(super) struct FragileLog {
    inner: Arc<dyn AuditLog>,
    /// Each append needs the one permit.
    gate: Semaphore,
    /// Appends that fail after they were made.
    pub(super) lies: AtomicU64,
    /// Destructions of keys that fail after they were made.
    pub(super) torn: AtomicU64,
    /// Journals that somebody reads when they are to be emptied.
    pub(super) busy: AtomicU64,
    /// Cases that are read a moment before another node judges them.
    pub(super) early: AtomicU64,
}

impl Fragile {
    pub(super) fn over(inner: Arc<dyn Storage>) -> Arc<Self> {
        let log = Arc::new(FragileLog {
            inner: inner.audit_log(),
            gate: Semaphore::new(1),
            lies: AtomicU64::new(0),
            torn: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            early: AtomicU64::new(0),
        });
        Arc::new(Self {
            inner,
            begins: AtomicU64::new(u64::MAX),
            snapshots: AtomicU64::new(0),
            log,
        })
    }

    pub(super) fn log(&self) -> &FragileLog {
        &self.log
    }
}

impl FragileLog {
    /// Lets no append through until the gate is opened.
    pub(super) async fn close_gate(&self) {
        self.gate.acquire().await.unwrap().forget();
    }

    pub(super) fn open_gate(&self) {
        self.gate.add_permits(1);
    }
}

pub(super) fn unreachable() -> StorageError {
    StorageError::Unreachable {
        doing: "testing",
        problem: "the test says so".into(),
    }
}

#[async_trait]
impl Storage for Fragile {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StorageError> {
        let take = |left: u64| left.checked_sub(1);
        let left = self
            .begins
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        match left {
            Ok(_) => self.inner.begin().await,
            Err(_) => Err(unreachable()),
        }
    }

    async fn snapshot(&self) -> Result<Box<dyn Transaction>, StorageError> {
        self.snapshots.fetch_add(1, Ordering::SeqCst);
        self.inner.snapshot().await
    }

    fn leases(&self) -> Arc<dyn Leases> {
        self.inner.leases()
    }

    fn audit_log(&self) -> Arc<dyn AuditLog> {
        Arc::clone(&self.log) as Arc<dyn AuditLog>
    }

    async fn probe(&self) -> Result<(), StorageError> {
        self.inner.probe().await
    }

    fn backend(&self) -> &'static str {
        self.inner.backend()
    }

    /// Stays open, as a database does whose client was killed.
    async fn close(&self) {}
}

pub(super) async fn memory() -> Arc<Fragile> {
    Fragile::over(rabt_storage::open("sqlite::memory:").await.unwrap())
}

/// The key of whoever witnesses the log of the tests.
pub(super) fn witness() -> WitnessKey {
    WitnessKey::from_seed("witness.test", &[3; 32]).unwrap()
}

pub(super) fn keys() -> AuditKeys {
    AuditKeys {
        checkpoint: CheckpointKey::from_seed("rabt.test", &[1; 32]).unwrap(),
        pseudonyms: PseudonymKey::new(&[2; 32]),
        master: MasterKey::new([4; 32]),
        witnesses: vec![witness().verifier().clone()],
    }
}

pub(super) fn setup(storage: &Arc<Fragile>, tables: &Tables) -> Setup {
    let now: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
    let storage = Arc::clone(storage);
    Setup {
        node: Node::default(),
        storage,
        clock: Arc::new(ManualClock::at(now)),
        kinds: Kinds::new().with(Arc::new(tables.clone())),
        secrets: Secrets::new(),
        model: Arc::new(LinkageModel::shipped("egypt").unwrap()),
        rules: Arc::default(),
        policy: Policy::from_bundle(BUNDLE, "test.toml").unwrap(),
        catalogue: Catalogue::from_text(SERVICES, "services.toml").unwrap(),
        keys: keys(),
        random: StdRng::seed_from_u64(7),
        image: None,
        portals: crate::transparency::Portals::of(&["egov:portal".to_owned()]).unwrap(),
        archive: None,
        version: "test".into(),
    }
}

/// Starts a node on storage; agencies are registered by the caller.
pub(super) async fn start(storage: &Arc<Fragile>, tables: &Tables) -> Arc<Services> {
    Services::start(setup(storage, tables)).await.unwrap()
}

/// Starts a node with the agencies `registry` and `tax`.
pub(super) async fn start_with_agencies(storage: &Arc<Fragile>, tables: &Tables) -> Arc<Services> {
    let services = start(storage, tables).await;
    for agency in ["registry", "tax"] {
        register(&services, folder(agency)).await;
    }
    services
}

/// Hands a folder in, in place of one that is there, and approves it as a second person.
pub(super) async fn register(services: &Arc<Services>, folder: NewSource) -> Vec<SourceView> {
    let views = update_source(services, &operator(), folder).await.unwrap();
    let Some(open) = views[0].open.as_ref().map(|open| open.version) else {
        return views.into_inner();
    };
    let approved = approve_source(services, &approver(), &views[0].id, open).await;
    approved.unwrap().into_inner()
}

pub(super) fn source(id: &str) -> SourceId {
    id.parse().unwrap()
}

pub(super) fn operator() -> Caller {
    Caller {
        agency: "rabt".parse().unwrap(),
        system: "op-1".into(),
        role: Role::Operator,
    }
}

pub(super) fn approver() -> Caller {
    Caller {
        system: "ap-1".into(),
        role: Role::Approver,
        ..operator()
    }
}

pub(super) fn folder(agency: &str) -> NewSource {
    NewSource {
        manifest: format!(
            r#"
schema = 1
[agency]
id = "{agency}"
name = {{ en = "Agency {agency}", ar = "جهة {agency}" }}
steward = "data@{agency}.example"
agreement = "AG-SUPPLY-1"
[source]
kind = "memory"
[source.config]
table = "{agency}"
[[stream]]
id = "person"
from = {{ table = "persons" }}
key = ["id"]
mode = "snapshot"
[stream.guard]
max_reject = "60 %"
"#
        ),
        mapping: r#"
[person]
"name.chain" = { from = "name", steps = ["trim", "collapse_spaces"] }
"identifier.national_id" = { from = "nid", steps = ["digits_ascii", "trim", { check = "digits:14" }], on_reject = "field" }
"birth.date" = { from = "dob", steps = ["digits_ascii", { parse_date = { formats = ["%Y-%m-%d"], calendar = "gregorian" } }], on_reject = "field" }
"phone" = { from = "tel", steps = ["digits_ascii"] }
"#
        .into(),
        base: "/data".into(),
    }
}

/// A permitted question about a subject.
pub(super) fn request(method: Method, subject: Subject) -> AccessRequest {
    AccessRequest {
        caller: Caller {
            agency: "health".parse().unwrap(),
            system: "hospital".into(),
            role: Role::System,
        },
        method,
        context: RequestContext {
            agreement: "AG-1".into(),
            purpose: "admission".into(),
            legal_basis: "law-1".into(),
            service: "care".into(),
            channel: "system".into(),
            ..RequestContext::default()
        },
        fields: None,
        subject,
        at: "2026-06-01T10:00:00Z".parse().unwrap(),
    }
}

pub(super) fn by_national_id(number: &str) -> Subject {
    Subject::Identifier {
        scheme: "national_id".into(),
        value: number.to_owned().into(),
    }
}

/// Waits until what was committed is in the log.
pub(super) async fn integrated(storage: &dyn Storage) {
    loop {
        let last = storage
            .audit_log()
            .last_outbox()
            .await
            .unwrap()
            .unwrap_or(0);
        let mut tx = storage.snapshot().await.unwrap();
        if tx.outbox_after(last, 1).await.unwrap().is_empty() {
            break;
        }
        drop(tx);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// Returns every event of the audit log, in order, once the outbox is empty.
pub(super) async fn events(storage: &dyn Storage) -> Vec<AuditEvent> {
    integrated(storage).await;
    let entries = storage.audit_log().entries(0, 100_000).await.unwrap();
    let decode = |(_, entry): (u64, StoredEntry)| Entry::decode(&entry.body).unwrap().event;
    entries.into_iter().map(decode).collect()
}
