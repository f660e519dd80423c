//! Starting a process, and saying what became of it.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rabt_proto::source::source_service_client::SourceServiceClient;
use rand::TryRngCore;
use rand::rngs::OsRng;
use rustix::process::{Resource, Rlimit, prlimit};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Code;
use tonic::transport::Endpoint;

use super::crashes::{Crashes, MOST};
use super::handshake::{Answer, Greeting, MAX_LINE};
use super::log::{discard, forward};
use super::running::{Cookie, Group, Running, keep, pid_of};
use super::{MAX_MESSAGE_BYTES, PROTOCOLS, Program, version};
use crate::connector::Description;
use crate::error::ConnectError;
use crate::hex::hex;

/// What a process is given of the environment: how to find programs and libraries, in which
/// language to speak, where certificates and drivers are.
const ENVIRONMENT: [&str; 10] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "ODBCSYSINI",
    "ODBCINI",
    "ODBCINSTINI",
];

/// Unread bytes of one call. It bounds what a stalled host holds.
const STREAM_WINDOW: u32 = 256 * 1024;

/// Unread bytes of all calls. HTTP/2 breaks a connection on which too many small messages wait; the
/// larger this window is, the more may.
const CONNECTION_WINDOW: u32 = 32 * 1024 * 1024;

/// How long a broken call waits for the end of the process, to say that it is the cause.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// Starts the processes of one source.
#[derive(Debug)]
pub(super) struct Supervisor {
    pub(super) program: Program,
    pub(super) crashes: Arc<Crashes>,
}

impl Supervisor {
    /// Starts a process and shakes hands with it.
    ///
    /// # Errors
    /// Transient when it ends or says nothing, configuration when it cannot be started, or speaks
    /// another protocol.
    pub(super) async fn start(&self) -> Result<Running, ConnectError> {
        sleep_until(self.crashes.next_start(Instant::now())).await;
        let folder = self.folder()?;
        let socket = folder.path().join("s");
        let cookie = new_cookie().ok_or_else(|| self.broken("no randomness for its cookie"))?;
        let mut group = Group::new(self.spawn(&folder)?).map_err(|e| self.unwatched(&e))?;
        let child = &mut group.child;
        let taken = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = taken else {
            return Err(self.broken("it has no standard streams"));
        };
        self.limit(&group.child)?;
        let tasks = TaskTracker::new();
        let kill = CancellationToken::new();
        let fault = Arc::new(OnceLock::new());
        let name = self.program.name.clone();
        let watch = Watch::new(&fault, &kill);
        tasks.spawn(async move { watch.over(forward(stderr, &name).await.is_err()) });

        let greeting = Greeting {
            protocol: PROTOCOLS,
            host: version().to_owned(),
            socket: socket.to_string_lossy().into_owned(),
            cookie,
        };
        let mut stdout = BufReader::new(stdout);
        let shaken = self.shake(&greeting, &mut stdin, &mut stdout);
        let answer = match timeout(self.program.limits.handshake, shaken).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Silent)) => {
                let how = last_breath(&mut group).await;
                let how = how.unwrap_or_else(|| "without a word".to_owned());
                return Err(self.crashed(&format!("ended before it answered, {how}")));
            }
            Err(_) => {
                let limit = self.program.limits.handshake;
                return Err(
                    self.crashed(&format!("did not answer within {limit:?}, and was killed"))
                );
            }
        };
        let protocol = self.judge(&answer)?;
        let name = self.program.name.clone();
        let watch = Watch::new(&fault, &kill);
        tasks.spawn(async move { watch.over(discard(stdout, &name).await.is_err()) });

        let channel = Endpoint::from_shared(format!("unix:{}", greeting.socket))
            .map_err(|_| self.broken("the path of its socket cannot be used"))?
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .connect_timeout(self.program.limits.handshake)
            .connect()
            .await;
        let Ok(channel) = channel else {
            return Err(match last_breath(&mut group).await {
                Some(how) => self.crashed(&format!("ended before it was called, {how}")),
                None => self.violation("does not listen where it was told to"),
            });
        };
        let mut cookie: tonic::metadata::AsciiMetadataValue = greeting
            .cookie
            .parse()
            .map_err(|_| self.broken("its cookie cannot be sent"))?;
        cookie.set_sensitive(true);
        let client = SourceServiceClient::with_interceptor(channel, Cookie(cookie))
            .max_decoding_message_size(MAX_MESSAGE_BYTES);
        let (tell, ended) = watch::channel(None);
        tasks.spawn(keep(group, stdin, folder, kill.clone(), tell));
        Ok(Running {
            client,
            protocol,
            fault,
            ended,
            kill,
        })
    }

    /// Returns a new folder that nobody else may enter.
    pub(super) fn folder(&self) -> Result<TempDir, ConnectError> {
        let own = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new()
            .prefix("rabt-source-")
            .permissions(own)
            .tempdir();
        folder.map_err(|error| {
            let what = format!("no temporary folder for its socket: {}", error.kind());
            let remedy = "let this process write to the temporary folder (TMPDIR)";
            ConnectError::configuration(self.program.place(), what, remedy)
        })
    }

    pub(super) fn spawn(&self, folder: &TempDir) -> Result<Child, ConnectError> {
        let mut command = Command::new(&self.program.path);
        command
            .args(&self.program.arguments)
            .env_clear()
            .current_dir(folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if self.program.own {
            command.arg0("rabt");
        }
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.spawn().map_err(|error| {
            let what = format!("cannot be started: {}", error.kind());
            let remedy = format!(
                "see that {} is an executable for this machine, and its interpreter is installed",
                self.program.path.display()
            );
            ConnectError::configuration(self.program.place(), what, remedy)
        })
    }

    /// Bounds the memory of a child. It waits for its first line, so it has done nothing yet.
    fn limit(&self, child: &Child) -> Result<(), ConnectError> {
        let Some(pid) = pid_of(child) else {
            return Ok(()); // it has ended, which the handshake will tell
        };
        let memory = Some(self.program.limits.memory);
        let limit = Rlimit {
            current: memory,
            maximum: memory,
        };
        match prlimit(Some(pid), Resource::As, limit) {
            Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(_) => Err(self.broken("its memory cannot be limited")),
        }
    }

    async fn shake(
        &self,
        greeting: &Greeting,
        stdin: &mut ChildStdin,
        stdout: &mut BufReader<ChildStdout>,
    ) -> Result<Line, Silent> {
        let mut line = serde_json::to_vec(greeting).map_err(|_| Silent)?;
        line.push(b'\n');
        // a process that has ended is told by what it did not answer
        let _ = stdin.write_all(&line).await;
        let mut answer = Vec::new();
        let most = MAX_LINE as u64;
        let read = stdout.take(most).read_until(b'\n', &mut answer).await;
        read.map_err(|_| Silent)?;
        if answer.is_empty() {
            return Err(Silent);
        }
        Ok(Line(answer))
    }

    /// Returns the protocol that the process chose.
    fn judge(&self, line: &Line) -> Result<u32, ConnectError> {
        let answer: Option<Answer> = serde_json::from_slice(&line.0).ok();
        let Some(answer) = answer.filter(|_| line.0.ends_with(b"\n")) else {
            return Err(self.violation("answered with something that is no handshake"));
        };
        if (PROTOCOLS[0]..=PROTOCOLS[1]).contains(&answer.protocol) {
            return Ok(answer.protocol);
        }
        Err(self.other_protocol(answer.protocol))
    }

    /// Refuses a process of another kind than is wanted.
    pub(super) fn is_of(&self, found: &Description, kind: &str) -> Result<(), ConnectError> {
        if found.kind == kind {
            return Ok(());
        }
        let what = format!("says that it is of the kind {}, not {kind}", found.kind);
        Err(self.violation(&what))
    }

    /// Returns the error of a process that speaks another protocol.
    pub(super) fn other_protocol(&self, protocol: u32) -> ConnectError {
        let [oldest, newest] = PROTOCOLS;
        ConnectError::configuration(
            self.program.place(),
            format!("speaks protocol {protocol}; this host speaks {oldest} to {newest}"),
            "install a connector and a Rabt that fit together",
        )
    }

    /// Returns the error of a process that broke the protocol.
    pub(super) fn violation(&self, what: &str) -> ConnectError {
        ConnectError::configuration(
            self.program.place(),
            what,
            "correct the connector (docs/write-a-connector.md), or install another version of it",
        )
    }

    /// Returns the error of a process that ended, or had to be ended, and counts it.
    pub(super) fn crashed(&self, what: &str) -> ConnectError {
        let place = self.program.place();
        let remedy = "see its lines in the log of this node; \
                      if it takes too much memory, raise connectors.memory_mib in the settings";
        if self.crashes.note(Instant::now()) {
            let what = format!("{what}; it was the {MOST}th time within ten minutes");
            let remedy = format!("{remedy}; start the source again when the cause is gone");
            return ConnectError::configuration(place, what, remedy);
        }
        ConnectError::transient(place, what, remedy)
    }

    fn unwatched(&self, error: &std::io::Error) -> ConnectError {
        let what = format!("cannot be watched: {}", error.kind());
        let remedy = "let this process open more files (LimitNOFILE of its unit)";
        ConnectError::configuration(self.program.place(), what, remedy)
    }

    fn broken(&self, what: &str) -> ConnectError {
        ConnectError::defect(self.program.place(), what)
    }

    /// Returns what a broken call means, and ends the process: after it nothing it says can be
    /// relied on.
    pub(super) async fn explain(&self, running: &Running, code: Code) -> ConnectError {
        let ended = timeout(LAST_BREATH, running.ended()).await;
        running.kill.cancel();
        if let Some(fault) = running.fault.get() {
            return self.crashed(fault);
        }
        if let Ok(status) = ended {
            let how = status.map_or_else(|| "in an unknown way".to_owned(), told);
            return self.crashed(&format!("ended in the middle of its work, {how}"));
        }
        let what = match code {
            Code::Unimplemented => "does not serve what its protocol asks for",
            Code::Unauthenticated => "refuses the cookie that it was given",
            Code::OutOfRange | Code::ResourceExhausted => "sent a message of more than 4 MiB",
            Code::Unknown => "failed in an error that it does not handle",
            Code::Ok
            | Code::Cancelled
            | Code::InvalidArgument
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => "sent something that is no message, or half of one",
        };
        self.violation(what)
    }
}

/// The first line of a process.
struct Line(Vec<u8>);

/// A process that closed its output instead of answering.
struct Silent;

/// Ends a process that floods.
struct Watch {
    fault: Arc<OnceLock<&'static str>>,
    kill: CancellationToken,
}

impl Watch {
    fn new(fault: &Arc<OnceLock<&'static str>>, kill: &CancellationToken) -> Self {
        Self {
            fault: Arc::clone(fault),
            kill: kill.clone(),
        }
    }

    fn over(&self, flooded: bool) {
        if flooded {
            let _ = self
                .fault
                .set("flooded its standard output or its log, and was killed");
            self.kill.cancel();
        }
    }
}

pub(super) fn new_cookie() -> Option<String> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes).ok()?;
    Some(hex(&bytes))
}

/// Waits a little for the end of a process; returns how it ended, in words, when it did.
async fn last_breath(group: &mut Group) -> Option<String> {
    let status = timeout(LAST_BREATH, group.wait()).await;
    status.ok().and_then(Result::ok).map(told)
}

/// Returns how a process ended, in words.
pub(super) fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("with exit code {code}"),
        (None, Some(signal)) => format!("by signal {signal}"),
        (None, None) => "in an unknown way".to_owned(),
    }
}
