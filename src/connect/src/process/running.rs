//! A process that runs.
//!
//! Invariant: the process, and every process it started in its group, ends with the value that
//! stands for it; when the process ends by itself, the others end with it.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, OnceLock};

use rabt_proto::source::source_service_client::SourceServiceClient;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::COOKIE;

/// A caller of the process.
pub(super) type Client = SourceServiceClient<InterceptedService<Channel, Cookie>>;

/// Shows in each call who calls.
#[derive(Clone)]
pub(super) struct Cookie(pub(super) AsciiMetadataValue);

/// A process that runs. Dropping it kills the process.
pub(super) struct Running {
    pub(super) client: Client,
    pub(super) protocol: u32,
    pub(super) fault: Arc<OnceLock<&'static str>>,
    pub(super) ended: watch::Receiver<Option<ExitStatus>>,
    pub(super) kill: CancellationToken,
}

/// A child with its group. Dropping it kills the group.
pub(super) struct Group {
    pub(super) child: Child,
    /// Tells that some child of this program has ended.
    ends: unix::Signal,
}

impl Interceptor for Cookie {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(COOKIE, self.0.clone());
        Ok(request)
    }
}

impl Running {
    /// Says whether the process has ended, or will at once.
    pub(super) fn is_over(&self) -> bool {
        self.kill.is_cancelled() || self.ended.borrow().is_some()
    }

    /// Waits until the process has ended.
    pub(super) async fn ended(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await;
        status.ok().and_then(|status| *status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill.cancel();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("over", &self.is_over())
            .finish_non_exhaustive()
    }
}

impl Group {
    /// Returns a child that was started as the leader of a group, and that nobody has waited for.
    pub(super) fn new(child: Child) -> io::Result<Self> {
        let ends = unix::signal(SignalKind::child())?;
        Ok(Self { child, ends })
    }

    /// Waits for the end of the child, and ends what is left of its group.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        while self.lives()? && self.ends.recv().await.is_some() {}
        // Before the child is waited for: from then on the id of its group may be another's.
        self.kill();
        self.child.wait().await
    }

    /// Says whether the child has not ended, and leaves it to be waited for.
    pub(super) fn lives(&self) -> io::Result<bool> {
        let Some(pid) = pid_of(&self.child) else {
            return Ok(false);
        };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(pid), look)?.is_none())
    }

    fn kill(&self) {
        // The id is there as long as nobody has waited for the child, so it is nobody else's.
        if let Some(pid) = pid_of(&self.child) {
            // It fails when all of the group have ended.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(super) fn pid_of(child: &Child) -> Option<Pid> {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    id.and_then(Pid::from_raw)
}

/// Waits for the end of a process or of the wish for it; holds what the process lives on.
pub(super) async fn keep(
    mut group: Group,
    lifeline: ChildStdin,
    folder: TempDir,
    kill: CancellationToken,
    ended: watch::Sender<Option<ExitStatus>>,
) {
    let status = tokio::select! {
        status = group.wait() => status,
        () = kill.cancelled() => {
            group.kill();
            group.wait().await
        }
    };
    drop(lifeline);
    drop(folder);
    ended.send_replace(status.ok());
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Stdio;
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::process::Command;
    use tokio::sync::watch;
    use tokio::time::{Instant, sleep};
    use tokio_util::sync::CancellationToken;

    use super::super::{Program, Remote};
    use super::{Group, keep};

    /// A shell that leaves a process behind and ends.
    const LEAVING: &str = "sleep 600 </dev/null >/dev/null 2>&1 & echo $! >\"$0.left\"; exit 3";

    fn left_behind(path: &Path) -> u32 {
        let path = format!("{}.left", path.display());
        let text = std::fs::read_to_string(path).unwrap();
        text.trim().parse().unwrap()
    }

    fn lives(process: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
        state.is_some_and(|state| !state.starts_with('Z'))
    }

    async fn assert_gone(process: u32) {
        let since = Instant::now();
        while lives(process) {
            assert!(since.elapsed() < Duration::from_secs(2), "it lives on");
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_process_that_ends_by_itself_takes_its_group_along() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leaving");
        let mut child = Command::new("/bin/sh")
            .args(["-c", LEAVING])
            .arg(&path)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let (tell, ended) = watch::channel(None);
        let group = Group::new(child).unwrap();
        let never = CancellationToken::new();
        keep(group, stdin, TempDir::new().unwrap(), never, tell).await;
        assert_eq!(ended.borrow().unwrap().code(), Some(3));
        assert_gone(left_behind(&path)).await;
    }

    #[tokio::test]
    async fn a_process_that_ends_instead_of_shaking_hands_takes_its_group_along() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rabt-connector-leaving");
        std::fs::write(&path, format!("#!/bin/sh\n{LEAVING}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = Remote::open(Program::new(&path), None).await.unwrap_err();
        let said = "ended before it answered, with exit code 3";
        assert!(error.to_string().contains(said), "{error}");
        assert_gone(left_behind(&path)).await;
    }

    #[tokio::test]
    async fn a_process_that_ends_behind_its_handshake_has_crashed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rabt-connector-fleeting");
        let script =
            "#!/bin/sh\nread greeting\necho '{\"protocol\":2,\"version\":\"1\"}'\nexit 3\n";
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = Remote::open(Program::new(&path), None).await.unwrap_err();
        assert_eq!(error.name(), "transient", "{error}");
        let said = "ended before it was called, with exit code 3";
        assert!(error.to_string().contains(said), "{error}");
    }
}
