//! A connector whose work is done by a process.

mod reading;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rabt_proto::source as pb;
use rabt_proto::source::discover_response::Message as Told;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tonic::Status;

use super::crashes::Crashes;
use super::log::masked;
use super::running::Running;
use super::supervisor::Supervisor;
use super::wire::{Found, Misfit, description_of, error_of, findings_of, plan, session};
use super::{CHANGES, Program, version};
use crate::connector::{Connector, Description, Filter, Finding, Mode, Plan, Session, Table};
use crate::error::ConnectError;
use crate::message::{Outlet, Position};
use crate::problem::Problem;
use reading::Expected;

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

    /// Refuses a process that cannot read changes: the file of a kind of ours may have been replaced by an
    /// older one since its kind was described.
    fn knows_changes(&self, running: &Running) -> Result<(), ConnectError> {
        if running.protocol >= CHANGES {
            return Ok(());
        }
        let protocol = running.protocol;
        Err(ConnectError::configuration(
            self.supervisor.program.place(),
            format!("speaks protocol {protocol}; changes need {CHANGES}"),
            "install a connector and a Rabt that fit together, or set another mode",
        ))
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
        let changes = matches!(what.mode, Mode::Changes { .. });
        if !self.description.capabilities.changes {
            what.refuse_changes(self.description.kind)?;
        }
        let running = tokio::select! {
            running = self.running() => running?,
            () = outlet.cancelled() => return Err(ConnectError::Cancelled),
        };
        if changes {
            self.knows_changes(&running)?;
        }
        let open = pb::Open {
            session: Some(session(asked)),
            plan: Some(plan(what)),
            position: from.map(|position| position.as_str().to_owned()),
        };
        let expected = Expected {
            names: what.columns.clone().into(),
            limit: self.silence(asked),
            changes,
        };
        self.stream(&running, open, &expected, &outlet).await
    }

    async fn forget(&self, asked: &Session, what: &Plan) -> Result<(), ConnectError> {
        if !self.description.capabilities.changes {
            return Ok(());
        }
        let running = self.running().await?;
        self.knows_changes(&running)?;
        let request = pb::ForgetRequest {
            session: Some(session(asked)),
            plan: Some(plan(what)),
        };
        let limit = self.silence(asked);
        let mut client = running.client.clone();
        let forgotten = timeout(limit, client.forget(request)).await;
        match forgotten.map_err(|_| self.silent(&running, limit))? {
            Ok(response) => match response.into_inner().failure {
                None => Ok(()),
                Some(failure) => Err(self.told(error_of(&failure))),
            },
            Err(status) => Err(self.failed(&running, &status).await),
        }
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
