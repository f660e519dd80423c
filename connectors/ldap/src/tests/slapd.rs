//! A server of a test's own.
//!
//! Invariant: a server lives no longer than the test, however the test ends: a shell holds it and stops
//! it when the pipe to the test closes.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::ldif::Ldif;

/// The entry that everything lies below.
pub(super) const SUFFIX: &str = "dc=agency,dc=example";

/// The account that reads.
pub(super) const READER: &str = "cn=rabt,dc=agency,dc=example";
pub(super) const PASSWORD: &str = "right";

const PROGRAMS: [&str; 3] = [
    "/usr/sbin/slapd",
    "/usr/libexec/slapd",
    "/usr/local/libexec/slapd",
];
const SCHEMAS: [&str; 2] = ["/etc/ldap/schema", "/usr/local/etc/openldap/schema"];
const MODULES: &str = "/usr/lib/ldap";

/// Holds the server that its arguments start.
const HOLD: &str = r#"
"$@" & server=$!
cat >/dev/null
kill "$server" 2>/dev/null
wait "$server"
"#;

const PATIENCE: Duration = Duration::from_secs(30);

/// How a server differs from the usual one.
#[derive(Debug, Clone, Default)]
pub(super) struct Setup {
    /// Types and classes of the test's own.
    pub(super) schema: String,
    /// Lines of the configuration before the database.
    pub(super) global: String,
    /// Lines of the configuration of the database.
    pub(super) database: String,
}

/// A server that runs, unless it was stopped.
pub(super) struct Slapd {
    folder: TempDir,
    user: Option<(u32, u32)>,
    holder: Option<Child>,
    pub(super) port: u16,
}

impl Slapd {
    /// Starts a server with the suffix and the reader in it; nothing when the program is not there.
    pub(super) fn start(setup: &Setup) -> Option<Self> {
        let Some(program) = PROGRAMS.iter().map(Path::new).find(|path| path.exists()) else {
            let required = std::env::var("RABT_REQUIRE_LANES").is_ok_and(|lanes| lanes == "all");
            assert!(
                !required,
                "OpenLDAP is not installed and RABT_REQUIRE_LANES=all; install the Debian package slapd"
            );
            eprintln!("skipped: no OpenLDAP (install the Debian package slapd)");
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("rabt-slapd-")
            .tempdir()
            .unwrap();
        // A copy: distributions confine the program at its own path to its own folders.
        std::fs::copy(program, folder.path().join("slapd")).unwrap();
        let user = is_root().then(unprivileged);
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let mut server = Self {
            folder,
            user,
            holder: None,
            port: free_port(),
        };
        server.configure(setup);
        let mut ldif = Ldif::default();
        ldif.entry(SUFFIX, &[("objectClass", "domain"), ("dc", "agency")]);
        ldif.entry(
            READER,
            &[
                ("objectClass", "organizationalRole"),
                ("objectClass", "simpleSecurityObject"),
                ("cn", "rabt"),
                ("userPassword", PASSWORD),
            ],
        );
        server.load(&ldif);
        server.run();
        Some(server)
    }

    /// Returns the address.
    pub(super) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Returns a configuration of the reader, below an entry of the suffix.
    pub(super) fn config(&self, below: &str) -> String {
        config_at(&self.url(), below)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that the server can read.
    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        self.give(&self.path(name));
    }

    /// Writes the configuration anew, for the next start.
    pub(super) fn configure(&self, setup: &Setup) {
        let folder = self.folder.path().display();
        let schemas = SCHEMAS
            .iter()
            .find(|path| Path::new(path).exists())
            .unwrap();
        let mut text = String::new();
        for name in ["core", "cosine", "inetorgperson"] {
            writeln!(text, "include {schemas}/{name}.schema").unwrap();
        }
        writeln!(text, "include {folder}/own.schema").unwrap();
        if Path::new(MODULES).exists() {
            writeln!(text, "modulepath {MODULES}\nmoduleload back_mdb").unwrap();
        }
        writeln!(text, "sizelimit unlimited\n{}", setup.global).unwrap();
        writeln!(
            text,
            "database mdb\nsuffix {SUFFIX}\ndirectory {folder}/data"
        )
        .unwrap();
        writeln!(
            text,
            "maxsize 2147483648\nenvflags nosync\nindex objectClass eq"
        )
        .unwrap();
        writeln!(text, "{}", setup.database).unwrap();
        self.write("own.schema", &setup.schema);
        self.write("slapd.conf", &text);
    }

    /// Adds entries; the server must not run.
    pub(super) fn load(&mut self, ldif: &Ldif) {
        self.offline("entries.ldif", ldif.text(), "add", &["-q"]);
    }

    /// Stops the server, loads entries, and starts it again.
    pub(super) fn reload(&mut self, ldif: &Ldif) {
        self.stop();
        self.load(ldif);
        self.run();
    }

    /// Returns all that the server holds.
    pub(super) fn dump(&self) -> String {
        let mut command = self.tool("cat");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn offline(&self, file: &str, text: &str, tool: &str, options: &[&str]) {
        self.write(file, text);
        let mut command = self.tool(tool);
        command.args(options).arg("-l").arg(self.path(file));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }

    fn tool(&self, tool: &str) -> Command {
        let mut command = self.command(&self.path("slapd"));
        command.arg(format!("-T{tool}"));
        command.arg("-f").arg(self.path("slapd.conf"));
        command
    }

    /// Starts the server, at the port it had before.
    pub(super) fn run(&mut self) {
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-c", HOLD, "sh"]).arg(self.path("slapd"));
        command.arg("-f").arg(self.path("slapd.conf"));
        let addresses = format!("{} ldaps://127.0.0.1:{}", self.url(), self.port + 1);
        let tls = std::fs::read_to_string(self.path("slapd.conf")).unwrap();
        let is_tls = tls.contains("TLSCertificateFile");
        let addresses = if is_tls { addresses } else { self.url() };
        command.args(["-d", "0", "-h", &addresses]);
        let holder = command.stdin(Stdio::piped()).spawn().unwrap();
        self.holder = Some(holder);
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "the server did not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops the server.
    pub(super) fn stop(&mut self) {
        if let Some(mut holder) = self.holder.take() {
            drop(holder.stdin.take());
            holder.wait().unwrap();
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        self.give(self.folder.path());
        self.give(&self.path("data"));
        command.current_dir(self.folder.path());
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        command.stdout(Stdio::piped());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn give(&self, path: &Path) {
        if let Some((uid, gid)) = self.user {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns a configuration of the reader at an address, below an entry of the suffix.
pub(super) fn config_at(url: &str, below: &str) -> String {
    let base = if below.is_empty() {
        SUFFIX.to_owned()
    } else {
        format!("{below},{SUFFIX}")
    };
    format!("url = '{url}'\nbind_dn = '{READER}'\npassword = '{PASSWORD}'\nbase = '{base}'\n")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Returns the ids of a user that is not root.
fn unprivileged() -> (u32, u32) {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    for user in ["openldap", "nobody"] {
        for line in passwd.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if fields[0] == user {
                return (fields[2].parse().unwrap(), fields[3].parse().unwrap());
            }
        }
    }
    panic!("run as root, and neither openldap nor nobody exists")
}

/// Returns a port that is free, and whose successor is.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}
