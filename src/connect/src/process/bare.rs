//! A host that is no more than its side of the protocol: it shows what an executable does with it, where
//! [`Remote`](super::Remote) would only say what is wrong.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rabt_proto::source::source_service_client::SourceServiceClient;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;
use tonic::transport::{Channel, Endpoint};

use super::handshake::{Answer, MAX_LINE};
use super::running::{Group, pid_of};
use super::supervisor::{Supervisor, new_cookie, told};
use super::{MAX_MESSAGE_BYTES, PROTOCOLS, Program, version};
use crate::error::ConnectError;

/// Most that is kept of what an executable prints, in bytes.
const KEPT: usize = 1 << 20;

/// An executable that was started, and has been told nothing yet.
pub(crate) struct Bare {
    group: Group,
    lifeline: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    printed: Arc<Mutex<Vec<u8>>>,
    tasks: TaskTracker,
    folder: TempDir,
    limit: Duration,
    /// What calls must show.
    pub(crate) cookie: String,
}

/// What an executable did instead, as the end of a sentence.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) String);

impl From<ConnectError> for Broken {
    fn from(error: ConnectError) -> Self {
        Self(error.to_string())
    }
}

impl Bare {
    /// Starts an executable. Its limit of the handshake is that of the contract, however patient the
    /// program's is.
    pub(crate) fn start(program: &Program, limit: Duration) -> Result<Self, Broken> {
        let supervisor = Supervisor {
            program: program.clone(),
            crashes: Arc::default(),
        };
        let folder = supervisor.folder()?;
        let child = supervisor.spawn(&folder)?;
        let mut group = Group::new(child).map_err(|error| Broken(error.to_string()))?;
        let printed = Arc::default();
        let tasks = TaskTracker::new();
        if let Some(stderr) = group.child.stderr.take() {
            tasks.spawn(keep(stderr, Arc::clone(&printed)));
        }
        Ok(Self {
            lifeline: group.child.stdin.take(),
            stdout: group.child.stdout.take().map(BufReader::new),
            cookie: new_cookie().unwrap_or_default(),
            group,
            printed,
            tasks,
            folder,
            limit,
        })
    }

    /// Starts an executable and shakes hands as a host does.
    pub(crate) async fn shaken(program: &Program, limit: Duration) -> Result<Self, Broken> {
        let mut bare = Self::start(program, limit)?;
        bare.greet(PROTOCOLS, &json!({})).await;
        let line = bare.line().await?;
        Self::answer(&line)?;
        Ok(bare)
    }

    /// Says the first line, with what else is put into it.
    pub(crate) async fn greet(&mut self, protocols: [u32; 2], more: &Value) {
        let socket = self.folder.path().join("s");
        let mut greeting = json!({
            "protocol": protocols,
            "host": version(),
            "socket": socket.to_string_lossy(),
            "cookie": self.cookie,
        });
        if let (Some(greeting), Some(more)) = (greeting.as_object_mut(), more.as_object()) {
            greeting.extend(more.clone());
        }
        if let Some(lifeline) = &mut self.lifeline {
            // an executable that has ended is told by what it does not answer
            let _ = lifeline.write_all(format!("{greeting}\n").as_bytes()).await;
        }
    }

    /// Returns the first line, as it was printed.
    pub(crate) async fn line(&mut self) -> Result<Vec<u8>, Broken> {
        let Some(mut stdout) = self.stdout.take() else {
            return Err(Broken("has no standard output".to_owned()));
        };
        let mut line = Vec::new();
        let mut bounded = (&mut stdout).take(MAX_LINE as u64);
        let read = timeout(self.limit, bounded.read_until(b'\n', &mut line)).await;
        if read.is_err() {
            return Err(Broken(format!("said nothing within {:?}", self.limit)));
        }
        self.tasks.spawn(keep(stdout, Arc::clone(&self.printed)));
        if line.is_empty() {
            let status = timeout(self.limit, self.group.wait()).await;
            let how = status.ok().and_then(Result::ok).map(told);
            let how = how.unwrap_or_else(|| "its standard output alone".to_owned());
            return Err(Broken(format!("ended before it answered, {how}")));
        }
        Ok(line)
    }

    /// Returns the protocol that a first line chooses.
    pub(crate) fn answer(line: &[u8]) -> Result<u32, Broken> {
        let answer: Option<Answer> = serde_json::from_slice(line).ok();
        let answer = answer.filter(|_| line.ends_with(b"\n"));
        let what = "its first line on standard output is not the JSON of a handshake";
        let answer = answer.ok_or_else(|| Broken(what.to_owned()))?;
        Ok(answer.protocol)
    }

    /// Connects to where the executable was told to listen. Nobody shows a cookie on the way.
    pub(crate) async fn connect(&self) -> Result<SourceServiceClient<Channel>, Broken> {
        let socket = self.folder.path().join("s");
        let broken = || Broken("does not listen on the socket that it was told".to_owned());
        let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display()));
        let endpoint = endpoint.map_err(|_| broken())?;
        let channel = timeout(self.limit, endpoint.connect())
            .await
            .map_err(|_| broken())?;
        let client = SourceServiceClient::new(channel.map_err(|_| broken())?);
        Ok(client.max_decoding_message_size(MAX_MESSAGE_BYTES))
    }

    /// Returns what was printed so far, on both streams, behind the first line.
    pub(crate) fn printed(&self) -> String {
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&printed).into_owned()
    }

    /// Ends standard input, as a host that is gone does, and says whether the executable ended in time.
    pub(crate) async fn leave(&mut self, limit: Duration) -> bool {
        self.lifeline = None;
        let since = Instant::now();
        while self.group.lives().unwrap_or(false) {
            if since.elapsed() > limit {
                return false;
            }
            sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// Returns what the executable has started and not ended: processes of its group, or with its
    /// temporary folder in their environment.
    pub(crate) fn left(&self) -> Vec<u32> {
        let own = pid_of(&self.group.child).map(|pid| pid.as_raw_nonzero().get());
        let mark = format!("TMPDIR={}", self.folder.path().display());
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let others = ids.filter(|id| Some(*id) != own);
        let left = others.filter(|id| {
            let group = group_of(*id);
            let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            group.is_some_and(|group| Some(group) == own)
                || variables.any(|variable| variable == mark.as_bytes())
        });
        left.filter_map(|id| u32::try_from(id).ok()).collect()
    }
}

impl Drop for Bare {
    /// Ends what the executable has started, also what is not in its group any more.
    fn drop(&mut self) {
        for id in self.left() {
            let id = i32::try_from(id).ok().and_then(Pid::from_raw);
            // It may have ended meanwhile.
            let _ = id.map(|id| kill_process(id, Signal::KILL));
        }
    }
}

/// Returns the group of a process that has not ended.
fn group_of(id: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    (state != "Z")
        .then(|| fields.nth(1)?.parse().ok())
        .flatten()
}

/// Reads a stream to its end, and keeps its beginning.
async fn keep(mut stream: impl AsyncRead + Unpin, printed: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 8 * 1024];
    while let Ok(count) = stream.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT.saturating_sub(printed.len()).min(count);
        printed.extend_from_slice(&buffer[..room]);
    }
}
