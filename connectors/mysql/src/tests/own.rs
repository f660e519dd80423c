//! A server of a test's own, which it may stop, start again and set as it likes.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, Row};

const PROGRAMS: [&str; 2] = ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd"];
const INSTALL: &str = "/usr/bin/mariadb-install-db";
const PATIENCE: Duration = Duration::from_mins(1);

/// The first statements of a new server: an account with all rights and a password.
const ACCOUNT: &str = "CREATE OR REPLACE USER 'rabt'@'%' IDENTIFIED BY 'rabt';
GRANT ALL PRIVILEGES ON *.* TO 'rabt'@'%' WITH GRANT OPTION;
";

/// A running server; stopped and removed with this value.
pub(super) struct OwnServer {
    folder: tempfile::TempDir,
    program: PathBuf,
    port: u16,
    settings: Vec<String>,
    user: Option<(u32, u32)>,
    running: Option<Child>,
}

impl OwnServer {
    /// Starts a server; nothing when its programs are not installed, unless every lane is required.
    pub(super) async fn start(settings: &[&str]) -> Option<Self> {
        let found = PROGRAMS.iter().map(Path::new).find(|p| p.exists());
        let Some(program) = found.filter(|_| Path::new(INSTALL).exists()) else {
            let required = std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all");
            assert!(
                !required,
                "mariadbd is not there and RABT_REQUIRE_LANES=all"
            );
            eprintln!("skipped: no programs of MariaDB");
            return None;
        };
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut server = Self {
            folder: tempfile::Builder::new()
                .prefix("rabt-own-")
                .tempdir()
                .unwrap(),
            program: program.to_owned(),
            port,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            user: user(),
            running: None,
        };
        if let Some((uid, gid)) = server.user {
            std::os::unix::fs::chown(server.folder.path(), Some(uid), Some(gid)).unwrap();
        }
        std::fs::write(server.path("account.sql"), ACCOUNT).unwrap();
        let mut install = server.command(Path::new(INSTALL));
        install.args(["--no-defaults", "--skip-test-db"]);
        install.arg("--auth-root-authentication-method=normal");
        install.arg(format!("--datadir={}", server.path("data").display()));
        assert!(
            install.status().unwrap().success(),
            "the installation fails"
        );
        server.up().await;
        Some(server)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Writes a file that only the server may read.
    pub(super) fn place(&self, name: &str, text: &str) {
        use std::os::unix::fs::{PermissionsExt, chown};
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((uid, gid)) = self.user {
            chown(&path, Some(uid), Some(gid)).unwrap();
        }
    }

    pub(super) fn set(&mut self, settings: &[String]) {
        self.settings.extend_from_slice(settings);
    }

    pub(super) fn url(&self) -> String {
        format!("mysql://rabt:rabt@127.0.0.1:{}/mysql", self.port)
    }

    /// Starts the server and waits until it answers.
    pub(super) async fn up(&mut self) {
        let place = |name: &str| self.path(name).display().to_string();
        let mut start = self.command(&self.program);
        start.args([
            "--no-defaults".to_owned(),
            format!("--datadir={}", place("data")),
            format!("--socket={}", place("socket")),
            format!("--pid-file={}", place("pid")),
            format!("--log-error={}", place("errors")),
            format!("--init-file={}", place("account.sql")),
            format!("--log-bin={}", place("log")),
            format!("--port={}", self.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--server-id=7".to_owned(),
            "--binlog-format=ROW".to_owned(),
            "--binlog-row-image=FULL".to_owned(),
            "--binlog-row-metadata=FULL".to_owned(),
            "--sync-binlog=0".to_owned(),
            "--innodb-flush-log-at-trx-commit=0".to_owned(),
            "--innodb-buffer-pool-size=32M".to_owned(),
        ]);
        start.args(&self.settings);
        self.running = Some(start.spawn().unwrap());
        let started = Instant::now();
        while MySqlConnection::connect(&self.url()).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "{}", self.errors());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the server, with whatever it is doing.
    pub(super) fn down(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
    }

    pub(super) async fn run(&self, script: &str) {
        let mut connection = MySqlConnection::connect(&self.url()).await.unwrap();
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        connection.execute(script).await.unwrap();
    }

    /// Removes the files of the log, all but a new one. The server waits for those who still read them.
    pub(super) async fn purge(&self) {
        let mut connection = MySqlConnection::connect(&self.url()).await.unwrap();
        connection.execute("FLUSH BINARY LOGS").await.unwrap();
        let started = Instant::now();
        loop {
            let files = sqlx::query("SHOW BINARY LOGS").fetch_all(&mut connection);
            let files = files.await.unwrap();
            if files.len() == 1 {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "the log is not removed");
            let last: String = files.last().unwrap().get(0);
            let purge = format!("PURGE BINARY LOGS TO '{last}'");
            connection.execute(AssertSqlSafe(purge)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(self.path("errors")).unwrap_or_default()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.down();
    }
}

/// Returns the user that the server runs as when this one is root, which it refuses.
fn user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    ["mysql", "nobody"].iter().find_map(|user| {
        let line = passwd
            .lines()
            .find(|line| line.starts_with(&format!("{user}:")))?;
        let fields: Vec<&str> = line.split(':').collect();
        Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
    })
}
