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
use crate::message::{Message, Outlet, Position};
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

/// A kind that tells what it has been told was committed.
struct Logged;

#[async_trait]
impl Connector for Logged {
    fn describe(&self) -> Description {
        Description {
            kind: "logged",
            capabilities: Capabilities {
                changes: true,
                ..Capabilities::default()
            },
            ..Panicking.describe()
        }
    }

    async fn check(&self, _session: &Session) -> Vec<Finding> {
        Vec::new()
    }

    async fn discover(&self, _: &Session, _: &Filter) -> Result<Vec<Table>, ConnectError> {
        Ok(Vec::new())
    }

    async fn read(
        &self,
        _session: &Session,
        _plan: &Plan,
        _from: Option<Position>,
        outlet: Outlet,
    ) -> Result<(), ConnectError> {
        let mut commits = outlet.acknowledgements();
        for _ in 0..2 {
            let position = commits.next().await;
            let checkpoint = Message::Checkpoint { position, rows: 0 };
            outlet.send(checkpoint).await?;
        }
        outlet.send(Message::Truncated).await
    }

    async fn forget(&self, session: &Session, _plan: &Plan) -> Result<(), ConnectError> {
        match session.source.as_str() {
            "tax" => Ok(()),
            _ => Err(ConnectError::transient("a", "b", "c")),
        }
    }
}

type Client = SourceServiceClient<InterceptedService<Channel, Cookie>>;

async fn served(
    folder: &tempfile::TempDir,
    connector: Arc<dyn Connector>,
) -> (Client, JoinSet<()>) {
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let served = serve_on(listener, connector, 2, "right".to_owned());
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

fn asked_plan(mode: Mode) -> pb::Plan {
    let own = Plan {
        stream: "person".parse().unwrap(),
        schema: None,
        table: "t".to_owned(),
        key: Vec::new(),
        columns: vec!["a".to_owned()],
        mode,
        chunk_rows: 10,
    };
    plan(&own)
}

fn open(mode: Mode) -> pb::ReadRequest {
    let open = pb::Open {
        session: Some(asked()),
        plan: Some(asked_plan(mode)),
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
    let (mut client, _tasks) = served(&folder, Arc::new(Panicking)).await;
    for _ in 0..2 {
        let requests = tokio_stream::iter([open(Mode::Snapshot)]);
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
    let (mut client, _tasks) = served(&folder, Arc::new(Panicking)).await;
    for requests in [vec![], vec![pb::ReadRequest { message: None }]] {
        let refused = client.read(tokio_stream::iter(requests)).await;
        assert_eq!(refused.err().map(|s| s.code()), Some(Code::InvalidArgument));
    }
    let refused = client.check(pb::CheckRequest { session: None }).await;
    assert_eq!(refused.err().map(|s| s.code()), Some(Code::InvalidArgument));
}

#[tokio::test]
async fn a_kind_is_told_what_the_host_committed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut client, _tasks) = served(&folder, Arc::new(Logged)).await;
    let (asking, requests) = tokio::sync::mpsc::channel(1);
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    asking
        .send(open(Mode::Changes { follow: false }))
        .await
        .unwrap();
    let mut stream = client.read(requests).await.unwrap().into_inner();
    for number in ["1", "2"] {
        let committed = Asked::Committed(pb::Committed {
            position: number.to_owned(),
        });
        let message = Some(committed);
        asking.send(pb::ReadRequest { message }).await.unwrap();
        let response = stream.message().await.unwrap().unwrap();
        let Some(Said::Checkpoint(checkpoint)) = response.message else {
            panic!("another message");
        };
        assert_eq!(checkpoint.position, number);
    }
    let response = stream.message().await.unwrap().unwrap();
    assert!(matches!(response.message, Some(Said::Truncated(_))));
    assert!(stream.message().await.unwrap().is_none());
}

#[tokio::test]
async fn forgetting_goes_through_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (mut client, _tasks) = served(&folder, Arc::new(Logged)).await;
    let request = |source: &str| pb::ForgetRequest {
        session: Some(pb::Session {
            source: source.to_owned(),
            ..asked()
        }),
        plan: Some(asked_plan(Mode::Changes { follow: false })),
    };
    let response = client.forget(request("tax")).await.unwrap().into_inner();
    assert!(response.failure.is_none());
    let response = client.forget(request("other")).await.unwrap().into_inner();
    assert!(
        response
            .failure
            .is_some_and(|f| f.class() == pb::Class::Transient)
    );
}
