//! `rabt serve` as a process of its own, and the folder of settings that it starts from.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rabt_policy::DEMO_BUNDLE;
use rabt_proto::change::change_service_client::ChangeServiceClient;
use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::connector::connector_service_client::ConnectorServiceClient;
use rabt_tests::{AGENCY_SYSTEM, OPERATOR, Pki, executable};
use tempfile::TempDir;
use tonic::transport::Channel;

/// Where the nodes of one database have their settings and keys.
pub(super) struct Place {
    pub(super) pki: Pki,
    folder: TempDir,
    url: String,
}

/// A node that serves. Dropping it kills it.
pub(super) struct Node {
    process: Child,
    address: SocketAddr,
    pub(super) leads: bool,
}

impl Place {
    pub(super) fn new(url: &str) -> Self {
        Self {
            pki: Pki::new(),
            folder: TempDir::new().unwrap(),
            url: url.to_owned(),
        }
    }

    /// Starts a node, and waits until it serves.
    pub(super) fn start(&self, name: &str) -> Node {
        let settings = self.settle(name);
        let mut process = Command::new(executable())
            .args(["serve", "--json", "--config"])
            .arg(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log(name))
            .spawn()
            .unwrap();
        let said = first_object(process.stdout.take().unwrap());
        let address = said["address"].as_str().unwrap();
        Node {
            address: address.parse().unwrap(),
            leads: said["leads"].as_bool().unwrap(),
            process,
        }
    }

    /// Checks a node's audit log as an auditor does.
    pub(super) fn verify(&self, name: &str) {
        let verified = Command::new(executable())
            .args(["audit", "verify", "--json", "--config"])
            .arg(self.folder.path().join(name).join("rabt.toml"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&verified.stdout);
        let wrong = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success(), "{name}: {said}{wrong}");
        let report: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(report["origin"], format!("rabt.test/{name}"));
        assert!(report["entries"].as_u64().unwrap() > 2, "{report}");
    }

    /// Writes the settings of a node. The nodes name people alike: they have one pseudonym key and one
    /// master key.
    fn settle(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(folder.join("keys")).unwrap();
        std::fs::write(folder.join("keys/pseudonym.key"), "07".repeat(32)).unwrap();
        std::fs::write(folder.join("keys/master.key"), "08".repeat(32)).unwrap();
        std::fs::write(folder.join("agreements.toml"), DEMO_BUNDLE).unwrap();
        let tls = self.pki.server();
        let settings = format!(
            "[node]\nname = \"{name}\"\naddress = \"https://{name}.example\"\n\
             [server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             [tls]\ncert = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\n\
             [storage]\nurl = \"{}\"\n\
             [audit]\norigin = \"rabt.test/{name}\"\n",
            tls.cert.display(),
            tls.key.display(),
            tls.client_ca.display(),
            self.url,
        );
        let path = folder.join("rabt.toml");
        std::fs::write(&path, settings).unwrap();
        path
    }

    /// The log of a node is shown when the test fails and `RABT_TEST_LOGS` names a folder.
    fn log(&self, name: &str) -> Stdio {
        let folder = std::env::var_os("RABT_TEST_LOGS");
        let folder = folder.map_or_else(|| self.folder.path().to_owned(), PathBuf::from);
        std::fs::File::create(folder.join(format!("{name}.log")))
            .unwrap()
            .into()
    }
}

impl Node {
    /// Ends the process as a failing machine does: no signal can be caught here.
    pub(super) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks the process to end, and waits for it.
    pub(super) fn stop(mut self) {
        let asked = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        assert!(asked.unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }

    pub(super) async fn citizens(&self, pki: &Pki) -> CitizenServiceClient<Channel> {
        CitizenServiceClient::new(self.connect(pki, AGENCY_SYSTEM).await)
    }

    pub(super) async fn changes(&self, pki: &Pki) -> ChangeServiceClient<Channel> {
        ChangeServiceClient::new(self.connect(pki, AGENCY_SYSTEM).await)
    }

    pub(super) async fn connectors(&self, pki: &Pki) -> ConnectorServiceClient<Channel> {
        ConnectorServiceClient::new(self.connect(pki, OPERATOR).await)
    }

    pub(super) async fn connectors_as(
        &self,
        pki: &Pki,
        urn: &str,
    ) -> ConnectorServiceClient<Channel> {
        ConnectorServiceClient::new(self.connect(pki, urn).await)
    }

    pub(super) async fn connect(&self, pki: &Pki, urn: &str) -> Channel {
        let connected = Pki::connect(self.address, pki.client(Some(urn))).await;
        connected.expect("the handshake succeeds")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // one that was ended already is no failure
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads one JSON object; the process goes on.
fn first_object(mut output: impl Read) -> serde_json::Value {
    let mut text = Vec::new();
    let mut byte = [0];
    while output.read(&mut byte).unwrap() == 1 {
        text.push(byte[0]);
        if byte[0] == b'}'
            && let Ok(object) = serde_json::from_slice(&text)
        {
            return object;
        }
    }
    panic!("the node ended without a word");
}
