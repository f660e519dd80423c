//! The demonstration as a newcomer meets it: one command, and the three that it prints.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rabt_tests::executable;

/// A demo that serves. Dropping it ends it.
pub(crate) struct Demo(pub(crate) Child);

impl Demo {
    /// Starts a demo and waits until it has said that it serves.
    fn start(folder: &Path) -> (Self, serde_json::Value) {
        Self::start_by(Command::new(executable()), folder)
    }

    /// As [`Demo::start`], by a command that runs the executable.
    pub(crate) fn start_by(mut command: Command, folder: &Path) -> (Self, serde_json::Value) {
        let mut child = command
            .args(["demo", "--json", "--people", "400", "--seed", "2", "--dir"])
            .arg(folder)
            .env("RABT__SERVER__LISTEN", "127.0.0.1:0")
            .env("RABT__SERVER__ADMIN_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let demo = Self(child);
        let report = first_object(output);
        (demo, report)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let pid = self.0.id().to_string();
        let asked = Command::new("sh")
            .args(["-c", &format!("kill -TERM {pid}")])
            .status();
        let ended = asked.is_ok() && self.0.wait().is_ok();
        if !ended {
            eprintln!("a demo may still run");
        }
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
    panic!(
        "the demo ended without a word: {}",
        String::from_utf8_lossy(&text)
    );
}

/// Runs a command as a shell does; returns its exit code and what it printed.
pub(crate) fn paste(command: &str) -> (i32, String) {
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), said + &wrong)
}

#[test]
fn the_printed_commands_work_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (demo, report) = Demo::start(folder.path());
    assert!(report["databases"].as_u64().unwrap() >= 104);
    assert!(
        report["precision"].as_f64().unwrap() >= 0.998,
        "{}",
        report["precision"]
    );
    assert!(
        report["recall"].as_f64().unwrap() >= 0.98,
        "{}",
        report["recall"]
    );
    let commands: Vec<&str> = report["commands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c.as_str().unwrap())
        .collect();
    assert_eq!(commands.len(), 3);

    let (code, said) = paste(&format!("{} --json", commands[0]));
    assert_eq!(code, 0, "{said}");
    let agencies: Vec<&str> = said.matches("\"agency\"").collect();
    assert!(
        agencies.len() > 3,
        "values of several agencies, each with its source: {said}"
    );
    for command in &commands[1..] {
        let (code, said) = paste(command);
        assert_eq!(code, 0, "{command}: {said}");
        assert!(!said.is_empty());
    }
    drop(demo);

    // Nobody serves any more: the error says so, and what to do.
    let (code, said) = paste(commands[0]);
    assert_ne!(code, 0, "{said}");
    let verify = commands[2];
    assert_eq!(paste(verify).0, 0, "the log outlives the server");
    change_a_byte(&folder.path().join("rabt-audit.db"));
    let (code, said) = paste(verify);
    assert_ne!(code, 0, "a changed byte is not found: {said}");
}

/// Changes one byte in the middle of the text of an entry.
fn change_a_byte(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let needle = b"\"at\"";
    let found = bytes
        .windows(needle.len())
        .rposition(|window| window == needle);
    bytes[found.expect("an entry has a time") + 1] ^= 1;
    std::fs::write(path, bytes).unwrap();
}
