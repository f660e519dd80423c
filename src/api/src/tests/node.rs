//! A node with one agency whose table is in memory.

use std::sync::Arc;
use std::time::Duration;

use rabt_audit::{CheckpointKey, PseudonymKey};
use rabt_connect::{
    BatchBuilder, Capabilities, Cell, ConfigKey, ConnectError, Connector, Description, Filter,
    Finding, Identity, Kinds, Message, Outlet, Plan, Position, Secrets, Session, Table,
};
use rabt_linkage::LinkageModel;
use rabt_model::{Label, ManualClock};
use rabt_policy::{Catalogue, Policy};
use rabt_proto::citizen::LookupCitizenRequest;
use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::common::{Identifier, RequestContext};
use rabt_proto::connector::connector_service_client::ConnectorServiceClient;
use rabt_proto::connector::{
    ApproveSourceRequest, CreateSourceRequest, ListRunsRequest, RunState, Source,
    StartSourceRequest,
};
use rabt_service::{AuditKeys, MasterKey, Services, Setup};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::pki::{self, Pki};
use crate::{Bound, Limits, serve};

pub(super) const HOSPITAL: &str = "urn:rabt:health:hospital";
pub(super) const STRANGER: &str = "urn:rabt:courts:docket";
pub(super) const OPERATOR: &str = "urn:rabt:rabt:person:m.hassan:operator";
pub(super) const APPROVER: &str = "urn:rabt:rabt:person:a.farid:approver";
pub(super) const CLERK: &str = "urn:rabt:rabt:person:s.ali:clerk";

pub(super) const MONA: &str = "28402110100028";
pub(super) const NOBODY: &str = "29107150200131";

const BUNDLE: &str = r#"
schema = 1
[[agreement]]
id = "AG-1"
title = { en = "Hospital admission", ar = "دخول المستشفى" }
agency = "health"
systems = ["hospital"]
methods = ["LookupCitizen", "GetCitizen", "BatchLookupCitizens", "SearchCitizens", "VerifyAttributes", "ListSourceReferences", "ExplainField"]
purposes = ["admission"]
exempt_purposes = ["admission"]
legal_bases = ["law-1"]
services = ["care"]
channels = ["system"]
fields = { default = ["name.chain", "birth.date"], maximum = ["name.chain", "birth.date", "identifier.national_id"] }
period = { from = "2026-01-01", until = "2026-12-31" }
"#;

pub(super) const MANIFEST: &str = r#"
schema = 1
[agency]
id = "registry"
name = { en = "Civil registry", ar = "السجل المدني" }
steward = "data@registry.example"
agreement = "AG-SUPPLY-1"
[source]
kind = "memory"
[source.config]
table = "persons"
[[stream]]
id = "person"
from = { table = "persons" }
key = ["id"]
mode = "snapshot"
"#;

pub(super) const MAPPING: &str = r#"
[person]
"name.chain" = { from = "name", steps = ["trim", "collapse_spaces"] }
"identifier.national_id" = { from = "nid", steps = ["digits_ascii", "trim", { check = "digits:14" }] }
"birth.date" = { from = "dob", steps = [{ parse_date = { formats = ["%Y-%m-%d"], calendar = "gregorian" } }] }
"#;

/// One row.
struct Memory;

#[tonic::async_trait]
impl Connector for Memory {
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

    async fn check(&self, _: &Session) -> Vec<Finding> {
        Vec::new()
    }

    async fn discover(&self, _: &Session, _: &Filter) -> Result<Vec<Table>, ConnectError> {
        Ok(Vec::new())
    }

    async fn read(
        &self,
        session: &Session,
        plan: &Plan,
        _: Option<Position>,
        outlet: Outlet,
    ) -> Result<(), ConnectError> {
        let mut builder = BatchBuilder::new(plan.columns.clone());
        builder.push_row(plan.columns.iter().map(|column| match column.as_str() {
            "id" => Cell::Text("1"),
            "name" => Cell::Text("منى أحمد محمود حسن"),
            "nid" => Cell::Text(MONA),
            "dob" => Cell::Text("1984-02-11"),
            _ => Cell::Null,
        }));
        outlet.send(Message::Rows(builder.take())).await?;
        let identity = Identity::new("memory", &[session.source.as_str(), &plan.table]);
        let position = Position::new(&identity, &1)?;
        outlet.send(Message::Checkpoint { position, rows: 1 }).await
    }
}

/// A running node and the means to call it.
pub(super) struct Node {
    pki: Pki,
    bound: Bound,
    pub(super) services: Arc<Services>,
}

impl Node {
    pub(super) async fn start() -> Self {
        let setup = Setup {
            image: None,
            node: rabt_service::Node::default(),
            storage: rabt_storage::open("sqlite::memory:").await.unwrap(),
            clock: Arc::new(ManualClock::at("2026-06-01T10:00:00Z".parse().unwrap())),
            kinds: Kinds::new().with(Arc::new(Memory)),
            secrets: Secrets::new(),
            model: Arc::new(LinkageModel::shipped("egypt").unwrap()),
            rules: Arc::default(),
            policy: Policy::from_bundle(BUNDLE, "test.toml").unwrap(),
            catalogue: Catalogue::default(),
            keys: AuditKeys {
                checkpoint: CheckpointKey::from_seed("rabt.test", &[1; 32]).unwrap(),
                pseudonyms: PseudonymKey::new(&[2; 32]),
                master: MasterKey::new([4; 32]),
                witnesses: Vec::new(),
            },
            random: StdRng::seed_from_u64(7),
            portals: rabt_service::transparency::Portals::default(),
            archive: None,
            version: "test".to_owned(),
        };
        let services = Services::start(setup).await.unwrap();
        let pki = Pki::new();
        let config = pki.config(Limits::default(), false);
        let shared = Arc::clone(&services);
        let bound = serve(shared, config, CancellationToken::new())
            .await
            .unwrap();
        Self {
            pki,
            bound,
            services,
        }
    }

    /// Starts a node that knows one citizen.
    pub(super) async fn with_mona() -> Self {
        let node = Self::start().await;
        let mut operator = node.operator(OPERATOR).await;
        node.register(folder()).await;
        let name = "sources/registry".to_owned();
        operator
            .start_source(StartSourceRequest { name })
            .await
            .unwrap();
        let mut hospital = node.agency(HOSPITAL).await;
        while hospital.lookup_citizen(lookup(MONA)).await.is_err() {
            node.check_run(&mut operator).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        node
    }

    /// Hands a folder in and approves it, as two people.
    pub(super) async fn register(&self, folder: CreateSourceRequest) -> Vec<Source> {
        let mut operator = self.operator(OPERATOR).await;
        let created = operator.create_source(folder).await.unwrap().into_inner();
        let source = &created.sources[0];
        let approve = ApproveSourceRequest {
            name: source.name.clone(),
            version: source.open.as_ref().unwrap().version,
        };
        let mut second = self.operator(APPROVER).await;
        let approved = second.approve_source(approve).await.unwrap();
        approved.into_inner().sources
    }

    async fn check_run(&self, operator: &mut ConnectorServiceClient<Channel>) {
        let list = ListRunsRequest {
            parent: "sources/registry".to_owned(),
            ..Default::default()
        };
        let runs = operator.list_runs(list).await.unwrap().into_inner().runs;
        assert_ne!(runs[0].state(), RunState::Failed, "{:?}", runs[0].failure);
    }

    pub(super) async fn channel(&self, urn: &str) -> Channel {
        let tls = self.pki.client_of(urn);
        pki::connect(self.bound.addr, tls).await.unwrap()
    }

    pub(super) async fn agency(&self, urn: &str) -> CitizenServiceClient<Channel> {
        CitizenServiceClient::new(self.channel(urn).await)
    }

    pub(super) async fn operator(&self, urn: &str) -> ConnectorServiceClient<Channel> {
        ConnectorServiceClient::new(self.channel(urn).await)
    }
}

pub(super) fn folder() -> CreateSourceRequest {
    CreateSourceRequest {
        manifest: MANIFEST.to_owned(),
        mapping: MAPPING.to_owned(),
        base: String::new(),
    }
}

/// A context that the agreement permits.
pub(super) fn context() -> RequestContext {
    RequestContext {
        agreement: "AG-1".to_owned(),
        purpose: "admission".to_owned(),
        legal_basis: "law-1".to_owned(),
        service: "care".to_owned(),
        channel: "system".to_owned(),
        ..Default::default()
    }
}

pub(super) fn national_id(value: &str) -> Identifier {
    Identifier {
        scheme: "national_id".to_owned(),
        value: value.to_owned(),
    }
}

pub(super) fn lookup(value: &str) -> LookupCitizenRequest {
    LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(national_id(value)),
        read_mask: None,
    }
}

/// Returns the reason of a refusal, after checking that it belongs to the table.
pub(super) fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    let status = answer.unwrap_err();
    let details = status.get_error_details();
    let info = details.error_info().expect("an error without ErrorInfo");
    assert_eq!(info.domain, "rabt");
    assert_ne!(status.code(), Code::Unknown);
    info.reason.clone()
}
