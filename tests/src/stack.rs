//! A whole node: storage, use cases, gRPC behind mutual TLS, on free ports of the loopback
//! interface.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rabt_api::{Bound, Limits, Reload, ServerConfig, TlsFiles};
use rabt_audit::{CheckpointKey, PseudonymKey, WitnessKey};
use rabt_connect::{Kinds, Secrets};
use rabt_connector_files::Files;
use rabt_connector_mysql::Mysql;
use rabt_connector_postgres::Postgres;
use rabt_connector_rest::Rest;
use rabt_connector_sqlite::Sqlite;
use rabt_linkage::LinkageModel;
use rabt_model::{Clock, ManualClock, SourceId, Timestamp};
use rabt_policy::{Caller, Catalogue, DEMO_BUNDLE, EGYPT, Policy, Role};
use rabt_proto::audit::audit_service_client::AuditServiceClient;
use rabt_proto::change::change_service_client::ChangeServiceClient;
use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::common::RequestContext;
use rabt_proto::connector::connector_service_client::ConnectorServiceClient;
use rabt_proto::linkage::linkage_service_client::LinkageServiceClient;
use rabt_service::operate::{NewSource, approve_source, create_source};
use rabt_service::transparency::Portals;
use rabt_service::{
    AuditKeys, ImageFile, MasterKey, Node, RunSummary, Services, Setup, ingest_all, link,
};
use rabt_storage::Storage;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use crate::Pki;

/// A system that an agreement of the demonstration allows everything a system may do.
pub const AGENCY_SYSTEM: &str = "urn:rabt:tax:assessment";

/// A person who registers and starts sources.
pub const OPERATOR: &str = "urn:rabt:rabt:person:operator-1:operator";

/// A person who answers review tasks.
pub const CLERK: &str = "urn:rabt:rabt:person:clerk-1:clerk";

/// A person who confirms what clerks propose.
pub const APPROVER: &str = "urn:rabt:rabt:person:approver-1:approver";

/// A person who looks after certificates and keys.
pub const SECURITY_OFFICER: &str = "urn:rabt:rabt:person:officer-1:security-officer";
/// A portal where citizens look at their own file.
pub const PORTAL: &str = "urn:rabt:egov:portal";

/// A person who checks the audit log.
pub const AUDITOR: &str = "urn:rabt:rabt:person:auditor-1:auditor";

const NOW: &str = "2026-06-01T10:00:00Z";
const SEED: [u8; 32] = [7; 32];

/// A node and the means to call it.
pub struct Stack {
    /// The use cases.
    pub services: Arc<Services>,
    /// The node's clock; it stands still.
    pub clock: Arc<ManualClock>,
    /// The authority of node and clients.
    pub pki: Pki,
    bound: Bound,
    shutdown: CancellationToken,
}

impl Stack {
    /// Starts a node on a store.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(storage: &str) -> Self {
        Self::start_with(storage, Limits::default()).await
    }

    /// Starts a node on a store, with an image of its directory in a file.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_from_image(storage: &str, path: PathBuf) -> Self {
        let image = ImageFile { path, key: SEED };
        Self::launch(storage, Limits::default(), Some(image)).await
    }

    /// Starts a node on a store, with limits of its own.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(storage: &str, limits: Limits) -> Self {
        Self::launch(storage, limits, None).await
    }

    /// Starts a node on a store, of which one caller may ask as often as it can.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_unlimited(storage: &str) -> Self {
        let limits = Limits {
            requests_per_second_per_caller: 1_000_000,
            burst_per_caller: 1_000_000,
            ..Limits::default()
        };
        Self::start_with(storage, limits).await
    }

    /// Starts a node on a store, which reads these kinds.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_reading(storage: &str, kinds: Kinds) -> Self {
        let pki = Pki::new();
        let files = pki.server();
        Self::launch_with(storage, (Limits::default(), None), kinds, (pki, files)).await
    }

    /// Starts a node with these certificates, on a store in memory.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_certified(limits: Limits, pki: Pki, files: TlsFiles) -> Self {
        let store = "sqlite::memory:";
        Self::launch_with(store, (limits, None), kinds(), (pki, files)).await
    }

    async fn launch(storage: &str, limits: Limits, image: Option<ImageFile>) -> Self {
        let pki = Pki::new();
        let files = pki.server();
        Self::launch_with(storage, (limits, image), kinds(), (pki, files)).await
    }

    async fn launch_with(
        storage: &str,
        (limits, image): (Limits, Option<ImageFile>),
        kinds: Kinds,
        (pki, tls): (Pki, TlsFiles),
    ) -> Self {
        let storage = rabt_storage::open(storage).await.expect("storage opens");
        let clock = Arc::new(ManualClock::at(NOW.parse::<Timestamp>().expect("a time")));
        let mut snapshot = storage.snapshot().await.expect("storage answers");
        let last = snapshot.last_change().await.expect("storage answers");
        drop(snapshot);
        let shown = Arc::clone(&clock) as Arc<dyn Clock>;
        // a node that starts again must not give out the ids of its earlier life
        let setup = Self::setup(storage, shown, Node::default(), 7 + last);
        let setup = Setup {
            image,
            kinds,
            ..setup
        };
        let services = Services::start(setup).await.expect("the node starts");
        let any = "127.0.0.1:0".parse().expect("an address");
        let config = ServerConfig {
            listen: any,
            admin_listen: any,
            admin_mtls: false,
            transparency_listen: Some(any),
            tls,
            limits,
        };
        let shutdown = CancellationToken::new();
        let bound = rabt_api::serve(Arc::clone(&services), config, shutdown.clone()).await;
        Self {
            services,
            clock,
            pki,
            bound: bound.expect("the edge starts"),
            shutdown,
        }
    }

    /// Returns what a node of the tests is made of; `seed` is where its citizen ids come from.
    ///
    /// # Panics
    /// When the shipped model or agreements do not load.
    pub fn setup(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, node: Node, seed: u64) -> Setup {
        Setup {
            node,
            storage,
            clock,
            kinds: kinds(),
            secrets: Secrets::new(),
            model: Arc::new(LinkageModel::shipped("egypt").expect("the shipped model")),
            rules: Arc::default(),
            policy: Policy::from_bundle(DEMO_BUNDLE, "demo.toml").expect("the demo's agreements"),
            catalogue: Catalogue::from_text(EGYPT, "egypt").expect("the shipped services"),
            keys: AuditKeys {
                checkpoint: Self::checkpoint_key(),
                pseudonyms: PseudonymKey::new(&SEED),
                master: MasterKey::new(SEED),
                witnesses: vec![Self::witness_key().verifier().clone()],
            },
            random: StdRng::seed_from_u64(seed),
            image: None,
            portals: Portals::of(&["egov:portal".to_owned()]).expect("a portal"),
            archive: None,
            version: "test".to_owned(),
        }
    }

    /// Returns the key that signs the checkpoints of every node of the tests.
    ///
    /// # Panics
    /// Never: the origin is a constant.
    pub fn checkpoint_key() -> CheckpointKey {
        CheckpointKey::from_seed("rabt.test", &SEED).expect("a key")
    }

    /// Returns the key of whoever witnesses the log of every node of the tests.
    ///
    /// # Panics
    /// Never: the name is a constant.
    pub fn witness_key() -> WitnessKey {
        WitnessKey::from_seed("witness.test", &SEED).expect("a key")
    }

    /// Registers agency folders.
    ///
    /// # Panics
    /// When one has a problem.
    pub async fn register(&self, sources: Vec<NewSource>) {
        for source in sources {
            put_in_force(&self.services, source).await;
        }
    }

    /// Reads every source, `concurrency` at a time, and returns what each run did.
    ///
    /// # Panics
    /// When a source cannot be read.
    pub async fn read(&self, concurrency: usize) -> Vec<RunSummary> {
        let ended = ingest_all(&self.services, concurrency).await;
        let summary = |(source, run): (_, Result<rabt_service::Audited<RunSummary>, _>)| {
            run.unwrap_or_else(|error| panic!("{source}: {error}"))
                .into_inner()
        };
        ended.into_iter().map(summary).collect()
    }

    /// Links what was read.
    ///
    /// # Panics
    /// When linking fails.
    pub async fn link(&self) {
        link(&self.services).await.expect("records are linked");
    }

    /// Returns the fingerprint of records, clusters and golden values.
    ///
    /// # Panics
    /// When storage fails.
    pub async fn fingerprint(&self) -> String {
        let fingerprint = rabt_service::fingerprint(self.services.storage.as_ref()).await;
        fingerprint.expect("a fingerprint")
    }

    /// Connects as a client of this name.
    ///
    /// # Errors
    /// The handshake failed.
    pub async fn connect(&self, urn: Option<&str>) -> Result<Channel, tonic::transport::Error> {
        Pki::connect(self.bound.addr, self.pki.client(urn)).await
    }

    /// Connects with a certificate of another authority.
    ///
    /// # Errors
    /// The handshake failed.
    pub async fn connect_as_stranger(&self) -> Result<Channel, tonic::transport::Error> {
        let tls = self.pki.client_of(&Pki::new(), AGENCY_SYSTEM);
        Pki::connect(self.bound.addr, tls).await
    }

    /// Returns a client for questions about citizens.
    ///
    /// # Panics
    /// When the handshake fails.
    pub async fn citizens(&self, urn: &str) -> CitizenServiceClient<Channel> {
        let channel = self
            .connect(Some(urn))
            .await
            .expect("the handshake succeeds");
        CitizenServiceClient::new(channel).max_decoding_message_size(64 << 20)
    }

    /// Returns a client of the change feed.
    ///
    /// # Panics
    /// When the handshake fails.
    pub async fn changes(&self, urn: &str) -> ChangeServiceClient<Channel> {
        let channel = self
            .connect(Some(urn))
            .await
            .expect("the handshake succeeds");
        ChangeServiceClient::new(channel)
    }

    /// Returns a client for the management of sources.
    ///
    /// # Panics
    /// When the handshake fails.
    pub async fn connectors(&self, urn: &str) -> ConnectorServiceClient<Channel> {
        let channel = self
            .connect(Some(urn))
            .await
            .expect("the handshake succeeds");
        ConnectorServiceClient::new(channel)
    }

    /// Returns a client for clerical review.
    ///
    /// # Panics
    /// When the handshake fails.
    pub async fn reviews(&self, urn: &str) -> LinkageServiceClient<Channel> {
        let channel = self
            .connect(Some(urn))
            .await
            .expect("the handshake succeeds");
        LinkageServiceClient::new(channel)
    }

    /// Returns what makes the node look at its certificates.
    pub fn reload(&self) -> &Reload {
        &self.bound.reload
    }

    /// Returns a client of the audit log.
    ///
    /// # Panics
    /// When the handshake fails.
    pub async fn audit(&self, urn: &str) -> AuditServiceClient<Channel> {
        let channel = self
            .connect(Some(urn))
            .await
            .expect("the handshake succeeds");
        AuditServiceClient::new(channel)
    }

    /// Connects to the address for portals as a client of this name.
    ///
    /// # Errors
    /// The handshake failed.
    ///
    /// # Panics
    /// When the node has no such address.
    pub async fn connect_portal(&self, urn: &str) -> Result<Channel, tonic::transport::Error> {
        let address = self.bound.transparency_addr.expect("an address");
        Pki::connect(address, self.pki.client(Some(urn))).await
    }

    /// Returns the address for agencies.
    pub fn address(&self) -> SocketAddr {
        self.bound.addr
    }

    /// Returns the address of health and reflection.
    pub fn admin(&self) -> String {
        format!("http://{}", self.bound.admin_addr)
    }

    /// Drains the node and closes its storage.
    pub async fn stop(self) {
        self.shutdown.cancel();
        if tokio::time::timeout(Duration::from_secs(20), self.bound.task)
            .await
            .is_err()
        {
            eprintln!("the edge did not drain within 20 seconds");
        }
        self.services.stop("the test is over").await;
    }
}

/// Returns a context that the demonstration's agreement with the tax authority allows.
pub fn context() -> RequestContext {
    RequestContext {
        agreement: "AG-TAX-001".to_owned(),
        purpose: "assessment".to_owned(),
        legal_basis: "income-tax-act".to_owned(),
        service: "tax-return".to_owned(),
        channel: "system".to_owned(),
        ..RequestContext::default()
    }
}

/// Returns the stable reason of a status; empty when it has none.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

/// Returns the kinds of the executable.
pub fn kinds() -> Kinds {
    Kinds::new()
        .with(Arc::new(Sqlite))
        .with(Arc::new(Postgres))
        .with(Arc::new(Mysql))
        .with(Arc::new(Files))
        .with(Arc::new(Rest))
}

/// Hands a folder in and approves it, as two people; returns the sources.
///
/// # Panics
/// When it has a problem.
pub async fn put_in_force(services: &Arc<Services>, folder: NewSource) -> Vec<SourceId> {
    let handed_in = create_source(services, &operator(), folder).await;
    let views = handed_in.expect("the folder is taken in");
    let first = views.first().expect("an agency has a source");
    if let Some(open) = &first.open {
        let second = Caller {
            system: "approver-1".to_owned(),
            role: Role::Approver,
            ..operator()
        };
        let approved = approve_source(services, &second, &first.id, open.version).await;
        approved.expect("the folder is approved");
    }
    views.iter().map(|view| view.id.clone()).collect()
}

fn operator() -> Caller {
    Caller {
        agency: "rabt".parse().expect("a name"),
        system: "operator-1".to_owned(),
        role: Role::Operator,
    }
}
