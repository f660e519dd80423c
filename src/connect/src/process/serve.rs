//! Any connector as the process that `source_service.proto` describes.
//!
//! Invariant: the process ends when its host does, whatever the connector is doing.

use std::io::{BufRead, Read, Write};
use std::panic::PanicHookInfo;
use std::sync::Arc;

use rabt_proto::source as pb;
use rabt_proto::source::discover_response::Message as Told;
use rabt_proto::source::read_request::Message as Asked;
use rabt_proto::source::read_response::Message as Said;
use rabt_proto::source::source_service_server::{SourceService, SourceServiceServer};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tokio_util::task::TaskTracker;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::handshake::{Answer, Greeting, MAX_LINE};
use super::wire::{
    Misfit, describe_response, failure, finding, plan_of, response, session_of, table,
};
use super::{COOKIE, PROTOCOLS, version};
use crate::connector::{Connector, Filter, Finding, Plan, Session};
use crate::error::ConnectError;
use crate::message::{Acknowledger, Inlet, Outlet, Position};

/// Messages between the connector and the socket.
const MESSAGES: usize = 2;

/// Why a process could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody started it who is no host.
    #[error(
        "this is started by rabt, which tells it on standard input where to listen; \
         see `isolation` in connectors/README.md"
    )]
    NoHost,
    /// The host speaks another protocol.
    #[error("the host speaks protocol {0} to {1}, this executable {own} to {newest}", own = PROTOCOLS[0], newest = PROTOCOLS[1])]
    Protocol(u32, u32),
    /// The socket or a standard stream cannot be used.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Serving failed.
    #[error("{0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves a connector to the host that started this process; returns only with an error. The process
/// exits when the host ends.
///
/// # Errors
/// There is no host, or it speaks another protocol, or it cannot be reached.
pub async fn serve(connector: Arc<dyn Connector>) -> Result<(), ServeError> {
    let greeting = greeting()?;
    let [oldest, newest] = greeting.protocol;
    let protocol = greeting
        .common(PROTOCOLS)
        .ok_or(ServeError::Protocol(oldest, newest))?;
    std::panic::set_hook(Box::new(log_panic));
    std::thread::spawn(exit_with_host);
    let listener = UnixListener::bind(&greeting.socket)?;
    let answer = Answer {
        protocol,
        version: version().to_owned(),
    };
    let mut line = serde_json::to_vec(&answer).map_err(std::io::Error::other)?;
    line.push(b'\n');
    let mut stdout = std::io::stdout();
    stdout.write_all(&line)?;
    stdout.flush()?;
    serve_on(listener, connector, protocol, greeting.cookie).await?;
    Ok(())
}

/// Serves a connector to whoever knows the cookie.
async fn serve_on(
    listener: UnixListener,
    connector: Arc<dyn Connector>,
    protocol: u32,
    cookie: String,
) -> Result<(), tonic::transport::Error> {
    let served = Served {
        connector,
        protocol,
        tasks: TaskTracker::new(),
    };
    let check = move |request: Request<()>| {
        let shown = request.metadata().get(COOKIE);
        if shown.is_some_and(|shown| shown.as_bytes() == cookie.as_bytes()) {
            return Ok(request);
        }
        Err(Status::unauthenticated("the cookie is missing or wrong"))
    };
    Server::builder()
        .add_service(SourceServiceServer::with_interceptor(served, check))
        .serve_with_incoming(UnixListenerStream::new(listener))
        .await
}

fn greeting() -> Result<Greeting, ServeError> {
    use std::io::IsTerminal;
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(ServeError::NoHost);
    }
    let mut line = Vec::new();
    let mut input = stdin.lock().take(MAX_LINE as u64);
    input.read_until(b'\n', &mut line)?;
    serde_json::from_slice(&line).map_err(|_| ServeError::NoHost)
}

/// Waits for the end of standard input, which is the end of the host.
fn exit_with_host() {
    let mut rest = [0; 64];
    let mut stdin = std::io::stdin().lock();
    loop {
        match stdin.read(&mut rest) {
            Ok(0) => std::process::exit(0),
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => std::process::exit(0),
            Ok(_) | Err(_) => {}
        }
    }
}

/// Logs where a panic was, and not its text, which may hold a value.
fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    let message = format!("panicked at {}", place.unwrap_or_default());
    let line = serde_json::json!({"level": "error", "message": message});
    // a host that has gone away reads no log
    let _ = writeln!(std::io::stderr(), "{line}");
}

struct Served {
    connector: Arc<dyn Connector>,
    protocol: u32,
    tasks: TaskTracker,
}

impl Served {
    /// Runs the connector on a task of its own, so that its panic ends nothing else.
    async fn guarded<T, F>(&self, work: F) -> Result<T, ConnectError>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let task = self.tasks.spawn(work);
        task.await.map_err(|_| panicked())
    }
}

fn panicked() -> ConnectError {
    ConnectError::defect("connector", "it panicked")
}

fn refuse(misfit: Misfit) -> Status {
    Status::invalid_argument(misfit.0)
}

#[tonic::async_trait]
impl SourceService for Served {
    async fn describe(
        &self,
        _request: Request<pb::DescribeRequest>,
    ) -> Result<Response<pb::DescribeResponse>, Status> {
        let description = self.connector.describe();
        Ok(Response::new(describe_response(
            &description,
            self.protocol,
        )))
    }

    async fn check(
        &self,
        request: Request<pb::CheckRequest>,
    ) -> Result<Response<pb::CheckResponse>, Status> {
        let session = session_of(request.into_inner().session).map_err(refuse)?;
        let connector = Arc::clone(&self.connector);
        let checked = self.guarded(async move { connector.check(&session).await });
        let findings = checked
            .await
            .unwrap_or_else(|error| vec![Finding::of_error("process", &error)]);
        Ok(Response::new(pb::CheckResponse {
            findings: findings.iter().map(finding).collect(),
        }))
    }

    type DiscoverStream =
        tokio_stream::Iter<std::vec::IntoIter<Result<pb::DiscoverResponse, Status>>>;

    async fn discover(
        &self,
        request: Request<pb::DiscoverRequest>,
    ) -> Result<Response<Self::DiscoverStream>, Status> {
        let request = request.into_inner();
        let session = session_of(request.session).map_err(refuse)?;
        let filter = Filter {
            schema: request.schema,
            name_contains: request.name_contains,
        };
        let connector = Arc::clone(&self.connector);
        let found = self.guarded(async move { connector.discover(&session, &filter).await });
        let told: Vec<Told> = match found.await.and_then(|found| found) {
            Ok(tables) => tables.into_iter().map(|t| Told::Table(table(t))).collect(),
            Err(error) => vec![Told::Failure(failure(&error))],
        };
        let said = told.into_iter().map(|message| {
            Ok(pb::DiscoverResponse {
                message: Some(message),
            })
        });
        Ok(Response::new(tokio_stream::iter(said.collect::<Vec<_>>())))
    }

    type ReadStream = ReceiverStream<Result<pb::ReadResponse, Status>>;

    async fn read(
        &self,
        request: Request<Streaming<pb::ReadRequest>>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let mut requests = request.into_inner();
        let first = requests.message().await?;
        let Some(Asked::Open(open)) = first.and_then(|first| first.message) else {
            return Err(Status::invalid_argument("a read that is not opened"));
        };
        let session = session_of(open.session).map_err(refuse)?;
        let plan = plan_of(open.plan).map_err(refuse)?;
        let from = open.position.as_deref().map(position_of);
        let (sender, receiver) = mpsc::channel(MESSAGES);
        let reading = Reading {
            connector: Arc::clone(&self.connector),
            tasks: self.tasks.clone(),
            sender,
        };
        self.tasks.spawn(reading.run(session, plan, from, requests));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn forget(
        &self,
        request: Request<pb::ForgetRequest>,
    ) -> Result<Response<pb::ForgetResponse>, Status> {
        let request = request.into_inner();
        let session = session_of(request.session).map_err(refuse)?;
        let plan = plan_of(request.plan).map_err(refuse)?;
        let connector = Arc::clone(&self.connector);
        let forgotten = self.guarded(async move { connector.forget(&session, &plan).await });
        let error = forgotten.await.and_then(|forgotten| forgotten).err();
        Ok(Response::new(pb::ForgetResponse {
            failure: error.as_ref().map(failure),
        }))
    }
}

/// One read, between a connector and the socket.
struct Reading {
    connector: Arc<dyn Connector>,
    tasks: TaskTracker,
    sender: mpsc::Sender<Result<pb::ReadResponse, Status>>,
}

impl Reading {
    async fn run(
        self,
        session: Session,
        plan: Plan,
        from: Option<Position>,
        mut requests: Streaming<pb::ReadRequest>,
    ) {
        let (outlet, inlet) = Outlet::channel(MESSAGES);
        let commits = inlet.acknowledger();
        let connector = Arc::clone(&self.connector);
        let read = self
            .tasks
            .spawn(async move { connector.read(&session, &plan, from, outlet).await });
        let passed = tokio::select! {
            passed = self.pass(inlet) => passed,
            // whichever way the host's stream ends, the host no longer wants the rows; the inlet is
            // dropped, which tells the connector
            () = hear(&mut requests, &commits) => Ok(()),
        };
        let read = read.await.unwrap_or_else(|_| Err(panicked()));
        if let Err(error) = passed.and(read) {
            let message = Some(Said::Failure(failure(&error)));
            // a host that no longer listens needs no reason
            let _ = self.sender.send(Ok(pb::ReadResponse { message })).await;
        }
    }

    async fn pass(&self, mut inlet: Inlet) -> Result<(), ConnectError> {
        while let Some(message) = inlet.receive().await? {
            if self.sender.send(Ok(response(message))).await.is_err() {
                return Err(ConnectError::Cancelled);
            }
        }
        Ok(())
    }
}

/// Reads the host's stream to its end, and tells the connector what the host commits; a later protocol may
/// say more in it.
async fn hear(requests: &mut Streaming<pb::ReadRequest>, commits: &Acknowledger) {
    while let Ok(Some(request)) = requests.message().await {
        if let Some(Asked::Committed(committed)) = request.message {
            commits.acknowledge(position_of(&committed.position));
        }
    }
}

fn position_of(text: &str) -> Position {
    match text.parse() {
        Ok(position) => position,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests;
