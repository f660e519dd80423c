//! A connector whose work is done by a process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rabt_proto::source as pb;
use rabt_proto::source::discover_response::Message as Told;
use rabt_proto::source::read_request::Message as Asked;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::crashes::Crashes;
use super::log::masked;
use super::running::Running;
use super::supervisor::Supervisor;
use super::wire::{
    Found, Misfit, description_of, error_of, findings_of, message_of, plan, session,
};
use super::{Program, version};
use crate::connector::{Connector, Description, Filter, Finding, Mode, Plan, Session, Table};
use crate::error::ConnectError;
use crate::message::{Outlet, Position};
use crate::problem::Problem;

/// What a statement may take beyond its own limit before its silence is a fault.
const BEYOND: Duration = Duration::from_mins(5);

/// A connector whose work is done by a process. The process starts with the first call that needs
/// it and ends with this value; one that crashed is started again by the next call.
pub struct Remote {
    supervisor: Supervisor,
    description: Description,
    /// The same kind in this process, which knows more of its configuration than a list of keys.
    local: Option<Arc<dyn Connector>>,
    running: Mutex<Option<Arc<Running>>>,
}

impl Remote {
    /// Returns a kind of this process in a process of its own.
    pub fn isolating(local: Arc<dyn Connector>, program: Program) -> Self {
        Self {
            description: local.describe(),
            supervisor: Supervisor {
                program,
                crashes: Arc::default(),
            },
            local: Some(local),
            running: Mutex::default(),
        }
    }

    /// Starts an executable and asks it what it is; when a kind is given, it must be of this kind.
    ///
    /// # Errors
    /// As any call of a connector may fail.
    pub async fn open(program: Program, kind: Option<&str>) -> Result<Self, ConnectError> {
        Self::open_counting(program, kind, Arc::default()).await
    }

    /// As [`open`](Self::open), for a source whose crashes are counted already.
    pub(crate) async fn open_counting(
        program: Program,
        kind: Option<&str>,
        crashes: Arc<Crashes>,
    ) -> Result<Self, ConnectError> {
        let supervisor = Supervisor { program, crashes };
        let running = supervisor.start().await?;
        let description = describe(&supervisor, &running).await?;
        if let Some(kind) = kind {
            supervisor.is_of(&description, kind)?;
        }
        Ok(Self {
            supervisor,
            description,
            local: None,
            running: Mutex::new(Some(Arc::new(running))),
        })
    }

    /// Returns the connector for another source: with a process of its own, and with crashes that
    /// are counted apart.
    pub(crate) fn for_source(&self, crashes: Arc<Crashes>) -> Self {
        Self {
            supervisor: Supervisor {
                program: self.supervisor.program.clone(),
                crashes,
            },
            description: self.description.clone(),
            local: self.local.as_ref().map(Arc::clone),
            running: Mutex::default(),
        }
    }

    /// Returns the process, started when there is none.
    async fn running(&self) -> Result<Arc<Running>, ConnectError> {
        let mut slot = self.running.lock().await;
        if let Some(running) = slot.as_ref().filter(|running| !running.is_over()) {
            return Ok(Arc::clone(running));
        }
        *slot = None;
        let running = self.supervisor.start().await?;
        let found = describe(&self.supervisor, &running).await?;
        self.supervisor.is_of(&found, self.description.kind)?;
        let running = Arc::new(running);
        *slot = Some(Arc::clone(&running));
        Ok(running)
    }

    async fn failed(&self, running: &Running, status: &Status) -> ConnectError {
        self.supervisor.explain(running, status.code()).await
    }

    /// Ends a process that sent what it must not, and returns the error.
    fn misfit(&self, running: &Running, misfit: &Misfit) -> ConnectError {
        running.kill.cancel();
        self.supervisor.violation(&format!("sent {}", misfit.0))
    }

    /// Returns an error of the process. What others wrote into it is not taken on trust.
    fn told(&self, error: ConnectError) -> ConnectError {
        if self.supervisor.program.own {
            return error;
        }
        match error {
            ConnectError::Configuration {
                place,
                what,
                remedy,
            } => ConnectError::configuration(masked(&place), masked(&what), masked(&remedy)),
            ConnectError::Transient {
                place,
                what,
                remedy,
            } => ConnectError::transient(masked(&place), masked(&what), masked(&remedy)),
            ConnectError::Data {
                place,
                what,
                remedy,
            } => ConnectError::data(masked(&place), masked(&what), masked(&remedy)),
            ConnectError::Defect { place, what } => {
                let place = format!("{}, {}", self.supervisor.program.place(), masked(&place));
                ConnectError::defect(place, masked(&what))
            }
            ConnectError::Cancelled => ConnectError::Cancelled,
        }
    }

    fn silence(&self, session: &Session) -> Duration {
        let usual = self.supervisor.program.limits.silence;
        let statement = session.protect.statement_timeout;
        statement.map_or(usual, |statement| usual.max(statement + BEYOND))
    }

    /// Ends a process that has said nothing for too long.
    fn silent(&self, running: &Running, limit: Duration) -> ConnectError {
        running.kill.cancel();
        let what = format!("said nothing for {limit:?}, and was killed");
        self.supervisor.crashed(&what)
    }

    async fn findings(&self, asked: &Session) -> Result<Vec<Finding>, ConnectError> {
        let running = self.running().await?;
        let request = pb::CheckRequest {
            session: Some(session(asked)),
        };
        let limit = self.silence(asked);
        let mut client = running.client.clone();
        let checked = timeout(limit, client.check(request)).await;
        let response = match checked.map_err(|_| self.silent(&running, limit))? {
            Ok(response) => response.into_inner(),
            Err(status) => return Err(self.failed(&running, &status).await),
        };
        let findings = findings_of(&response).map_err(|misfit| self.misfit(&running, &misfit))?;
        if self.supervisor.program.own {
            return Ok(findings);
        }
        let masked = findings.into_iter().map(|finding| Finding {
            summary: masked(&finding.summary),
            remedy: finding.remedy.as_deref().map(masked),
            ..finding
        });
        Ok(masked.collect())
    }

    /// Opens a read, and hands its messages to the outlet until it ends.
    async fn stream(
        &self,
        running: &Running,
        open: pb::Open,
        names: &Arc<[String]>,
        limit: Duration,
        outlet: &Outlet,
    ) -> Result<(), ConnectError> {
        let (asking, asked) = mpsc::channel(1);
        let request = pb::ReadRequest {
            message: Some(Asked::Open(open)),
        };
        // there is room for one
        let _ = asking.send(request).await;
        let mut client = running.client.clone();
        let opened = client.read(ReceiverStream::new(asked));
        let mut stream = tokio::select! {
            opened = timeout(limit, opened) => match opened {
                Ok(Ok(response)) => response.into_inner(),
                Ok(Err(status)) => return Err(self.failed(running, &status).await),
                Err(_) => return Err(self.silent(running, limit)),
            },
            // the process may not have seen the call, so that dropping it is enough
            () = outlet.cancelled() => return Err(ConnectError::Cancelled),
        };
        loop {
            let next = tokio::select! {
                next = timeout(limit, stream.message()) => next,
                () = outlet.cancelled() => {
                    drop(asking);
                    return self.wind_down(running, stream).await;
                }
            };
            let response = match next {
                Ok(Ok(Some(response))) => response,
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(status)) => return Err(self.failed(running, &status).await),
                Err(_) => return Err(self.silent(running, limit)),
            };
            let message = match message_of(response, names) {
                Ok(Ok(message)) => message,
                Ok(Err(error)) => return Err(self.told(error)),
                Err(misfit) => return Err(self.misfit(running, &misfit)),
            };
            if outlet.send(message).await.is_err() {
                drop(asking);
                return self.wind_down(running, stream).await;
            }
        }
    }

    /// Reads what is still under way until the process has ended the read; kills it when it does not.
    async fn wind_down(
        &self,
        running: &Running,
        mut stream: Streaming<pb::ReadResponse>,
    ) -> Result<(), ConnectError> {
        let grace = self.supervisor.program.limits.grace;
        let rest = async {
            loop {
                match stream.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(status) => return Some(status),
                }
            }
        };
        match timeout(grace, rest).await {
            Ok(None) => Err(ConnectError::Cancelled),
            Ok(Some(status)) if status.code() == Code::Cancelled => Err(ConnectError::Cancelled),
            Ok(Some(status)) => Err(self.failed(running, &status).await),
            Err(_) => {
                running.kill.cancel();
                let what = format!("did not end a read within {grace:?}, and was killed");
                Err(self.supervisor.crashed(&what))
            }
        }
    }
}

async fn describe(supervisor: &Supervisor, running: &Running) -> Result<Description, ConnectError> {
    let request = pb::DescribeRequest {
        protocol: running.protocol,
        host_version: version().to_owned(),
    };
    let limit = supervisor.program.limits.handshake;
    let mut client = running.client.clone();
    let response = match timeout(limit, client.describe(request)).await {
        Ok(Ok(response)) => response.into_inner(),
        Ok(Err(status)) => return Err(supervisor.explain(running, status.code()).await),
        Err(_) => {
            let what = format!("did not say what it is within {limit:?}, and was killed");
            return Err(supervisor.crashed(&what));
        }
    };
    if response.protocol != running.protocol {
        return Err(supervisor.other_protocol(response.protocol));
    }
    let own_version = response.version.clone();
    let description = description_of(response);
    let description = description
        .map_err(|misfit| supervisor.violation(&format!("described itself by {}", misfit.0)))?;
    tracing::debug!(
        connector = supervisor.program.name,
        version = masked(&own_version),
        kind = description.kind,
        "a connector process runs"
    );
    Ok(description)
}

#[async_trait]
impl Connector for Remote {
    fn describe(&self) -> Description {
        self.description.clone()
    }

    fn validate(&self, config: &toml::Table) -> Vec<Problem> {
        match &self.local {
            Some(local) => local.validate(config),
            None => self.description.problems_of(config),
        }
    }

    async fn check(&self, session: &Session) -> Vec<Finding> {
        match self.findings(session).await {
            Ok(findings) => findings,
            Err(error) => vec![Finding::of_error("process", &error)],
        }
    }

    async fn discover(&self, asked: &Session, filter: &Filter) -> Result<Vec<Table>, ConnectError> {
        let running = self.running().await?;
        let request = pb::DiscoverRequest {
            session: Some(session(asked)),
            schema: filter.schema.clone(),
            name_contains: filter.name_contains.clone(),
        };
        let limit = self.silence(asked);
        let mut client = running.client.clone();
        let opened = timeout(limit, client.discover(request)).await;
        let mut stream = match opened.map_err(|_| self.silent(&running, limit))? {
            Ok(response) => response.into_inner(),
            Err(status) => return Err(self.failed(&running, &status).await),
        };
        let mut found = Found::default();
        loop {
            let next = timeout(limit, stream.message()).await;
            let told = match next.map_err(|_| self.silent(&running, limit))? {
                Ok(Some(response)) => response.message,
                Ok(None) => return Ok(found.into_tables()),
                Err(status) => return Err(self.failed(&running, &status).await),
            };
            match told {
                Some(Told::Table(table)) => {
                    let taken = found.take(table);
                    taken.map_err(|misfit| self.misfit(&running, &misfit))?;
                }
                Some(Told::Failure(failure)) => return Err(self.told(error_of(&failure))),
                None => return Err(self.misfit(&running, &Misfit::new("a table that is none"))),
            }
        }
    }

    async fn read(
        &self,
        asked: &Session,
        what: &Plan,
        from: Option<Position>,
        outlet: Outlet,
    ) -> Result<(), ConnectError> {
        if matches!(what.mode, Mode::Changes { .. }) {
            return Err(ConnectError::configuration(
                format!("stream {}", what.stream),
                "asks for changes, which are read in the node's own process only",
                "set isolation = \"shared\", or another mode",
            ));
        }
        let running = tokio::select! {
            running = self.running() => running?,
            () = outlet.cancelled() => return Err(ConnectError::Cancelled),
        };
        let open = pb::Open {
            session: Some(session(asked)),
            plan: Some(plan(what)),
            position: from.map(|position| position.as_str().to_owned()),
        };
        let names: Arc<[String]> = what.columns.clone().into();
        let limit = self.silence(asked);
        self.stream(&running, open, &names, limit, &outlet).await
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("kind", &self.description.kind)
            .field("program", &self.supervisor.program.name)
            .finish_non_exhaustive()
    }
}
