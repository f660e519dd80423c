//! What an operator types: certificates are made, a node goes by them, one is revoked.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rabt_tests::{executable, rabt};
use serde_json::Value;
use tempfile::TempDir;

use super::SOON;

/// A node that is a process. Dropping it kills the process.
struct Node {
    process: Child,
    server: String,
}

impl Node {
    fn start(place: &Path) -> Self {
        let log = std::fs::File::create(place.join("log")).unwrap();
        let mut process = Command::new(executable())
            .args(["serve", "--json"])
            .current_dir(place)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut text = String::new();
        let mut server = String::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            text.push_str(&line.unwrap());
            if let Ok(said) = serde_json::from_str::<Value>(&text) {
                let (_, port) = said["address"].as_str().unwrap().rsplit_once(':').unwrap();
                server = format!("https://localhost:{port}");
                break;
            }
        }
        Self { process, server }
    }

    /// Lists the sources as somebody; says whether there was an answer.
    fn answers(&self, place: &Path, who: &str) -> bool {
        let words = [
            "source",
            "list",
            "--profile",
            "pki/profile.toml",
            "--as",
            who,
        ];
        let output = rabt(place, &[&words[..], &["--server", &self.server]].concat());
        output.status.success()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn findings(place: &Path) -> Vec<(String, String)> {
    let output = rabt(place, &["doctor", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = said["findings"].as_array().unwrap().iter();
    findings
        .map(|one| (text(&one["check"]), text(&one["outcome"])))
        .filter(|(check, _)| check.starts_with("tls"))
        .collect()
}

#[test]
fn what_is_typed_revokes_within_a_second() {
    let folder = TempDir::new().unwrap();
    let place = folder.path();
    assert!(
        rabt(place, &["pki", "dev", "--out", "pki"])
            .status
            .success()
    );
    let settings = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
                    [tls]\ncrl = [\"pki/ca.crl\"]\n";
    std::fs::write(place.join("rabt.toml"), settings).unwrap();
    let node = Node::start(place);
    for who in ["auditor", "security-officer", "operator"] {
        assert!(node.answers(place, who), "{who}");
    }
    assert!(findings(place).iter().all(|(_, outcome)| outcome == "pass"));

    // a signal to look again ends nothing
    let process = node.process.id().to_string();
    let signalled = Command::new("kill").args(["-HUP", &process]).status();
    assert!(signalled.unwrap().success());
    let revoked = rabt(place, &["pki", "revoke", "pki/auditor.pem"]);
    let said = String::from_utf8_lossy(&revoked.stdout).into_owned();
    assert!(
        revoked.status.success() && said.contains("pki/ca.crl"),
        "{said}"
    );
    let start = Instant::now();
    while node.answers(place, "auditor") {
        // a command takes its own time to start, on a busy machine
        assert!(
            start.elapsed() < SOON * 3,
            "the revoked auditor is still answered"
        );
    }
    assert!(node.answers(place, "operator"));

    std::fs::write(place.join("pki/ca.crl"), "nonsense").unwrap();
    let failed = |(check, outcome): &(String, String)| check == "tls" && outcome == "fail";
    let found = findings(place);
    assert!(found.iter().any(failed), "{found:?}");
    drop(node);
    let again = rabt(place, &["serve"]);
    let wrong = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success());
    assert!(
        wrong.contains("ca.crl") && wrong.contains("tls.crl"),
        "{wrong}"
    );
}
