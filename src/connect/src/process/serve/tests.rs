use std::sync::Arc;

use async_trait::async_trait;
use rabt_model::Label;
use rabt_proto::source as pb;
use rabt_proto::source::discover_response::Message as Told;
use rabt_proto::source::read_request::Message as Asked;
use rabt_proto::source::read_response::Message as Said;
use rabt_proto::source::source_service_client::SourceServiceClient;
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use super::serve_on;
use crate::connector::{
    Capabilities, Connector, Description, Filter, Finding, Mode, Plan, Session, Table,
};
use crate::error::ConnectError;
use crate::message::{Outlet, Position};
use crate::process::running::Cookie;
use crate::process::wire::{plan, session};

/// A kind that is full of faults.
struct Panicking;

#[async_trait]
impl Connector for Panicking {
    fn describe(&self) -> Description {
        Description {
            kind: "panicking",
            label: Label::default(),
            capabilities: Capabilities::default(),
            config: Vec::new(),
        }
    }

    async fn check(&self, _session: &Session) -> Vec<Finding> {
        panic!("29001011234567")
    }

    async fn discover(&self, _: &Session, _: &Filter) -> Result<Vec<Table>, ConnectError> {
        panic!("29001011234567")
    }

    async fn read(
        &self,
        _session: &Session,
        _plan: &Plan,
        _from: Option<Position>,
        _outlet: Outlet,
    ) -> Result<(), ConnectError> {
        panic!("29001011234567")
    }
}

type Client = SourceServiceClient<InterceptedService<Channel, Cookie>>;

async fn served(folder: &tempfile::TempDir) -> (Client, JoinSet<()>) {
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let served = serve_on(listener, Arc::new(Panicking), 1, "right".to_owned());
        served.await.unwrap();
    });
    let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display())).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let cookie = Cookie("right".parse().unwrap());
    (
        SourceServiceClient::with_interceptor(channel, cookie),
        tasks,
    )
}

fn asked() -> pb::Session {
    let own = Session::new("tax".parse().unwrap(), toml::Table::new(), "/");
    session(&own)
}

fn open() -> pb::ReadRequest {
    let own = Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: "t".to_owned(),
        key: Vec::new(),
        columns: vec!["a".to_owned()],
        mode: Mode::Snapshot,
        chunk_rows: 10,
    };
    let open = pb::Open {
        session: Some(asked()),
        plan: Some(plan(&own)),
        position: None,
    };
    pb::ReadRequest {
        message: Some(Asked::Open(open)),
    }
}

fn assert_panicked(failure: &pb::Failure) {
    assert!(failure.class() == pb::Class::Defect);
    assert_eq!(failure.what, "it panicked", "and not with what");
}

#[tokio::test]
async fn a_panic_is_a_defect_of_its_call_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (mut client, _tasks) = served(&folder).await;
    for _ in 0..2 {
        let requests = tokio_stream::iter([open()]);
        let mut stream = client.read(requests).await.unwrap().into_inner();
        let response = stream.message().await.unwrap().unwrap();
        let Some(Said::Failure(failure)) = response.message else {
            panic!("another message");
        };
        assert_panicked(&failure);
        assert!(stream.message().await.unwrap().is_none());

        let request = pb::DiscoverRequest {
            session: Some(asked()),
            ..pb::DiscoverRequest::default()
        };
        let mut stream = client.discover(request).await.unwrap().into_inner();
        let response = stream.message().await.unwrap().unwrap();
        let Some(Told::Failure(failure)) = response.message else {
            panic!("another message");
        };
        assert_panicked(&failure);

        let request = pb::CheckRequest {
            session: Some(asked()),
        };
        let findings = client.check(request).await.unwrap().into_inner().findings;
        assert!(findings[0].outcome() == pb::Outcome::Fail);
        assert!(!findings[0].summary.contains("2900"));
    }
}

#[tokio::test]
async fn requests_that_say_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut client, _tasks) = served(&folder).await;
    for requests in [vec![], vec![pb::ReadRequest { message: None }]] {
        let refused = client.read(tokio_stream::iter(requests)).await;
        assert_eq!(refused.err().map(|s| s.code()), Some(Code::InvalidArgument));
    }
    let refused = client.check(pb::CheckRequest { session: None }).await;
    assert_eq!(refused.err().map(|s| s.code()), Some(Code::InvalidArgument));
}
