//! What a process is given: little, in a place of its own, and nothing to those who do not know its
//! cookie.

use std::process::Stdio;
use std::time::Duration;

use rabt_connect::{Connector, Limits, Remote, Session};
use rabt_proto::source::DescribeRequest;
use rabt_proto::source::source_service_client::SourceServiceClient;
use rabt_tests::{executable, python_plugins};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tonic::transport::Endpoint;
use tonic::{Code, Request};

/// What a process may find in its environment: what it needs to run, in the order of the names. The
/// interpreter of a script may add its own.
const ENVIRONMENT: [&str; 12] = [
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "ODBCINI",
    "ODBCINSTINI",
    "ODBCSYSINI",
    "PATH",
    "PWD",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
];

#[tokio::test]
async fn a_process_is_given_little() {
    let Some(plugins) = python_plugins() else {
        return;
    };
    plugins.put("plain", "misbehaving.py", "plain");
    let limits = Limits {
        memory: 1 << 30,
        ..Limits::default()
    };
    let program = plugins.program("plain").with_limits(limits);
    let remote = Remote::open(program, Some("plain")).await.unwrap();
    let config = "password = 'hunter2'".parse().unwrap();
    let session = Session::new("tax".parse().unwrap(), config, "/");
    let findings = remote.check(&session).await;
    let told = |id: &str| {
        let found = findings.iter().find(|finding| finding.id == id);
        found.map(|found| found.summary.clone()).unwrap_or_default()
    };
    let environment = told("environment");
    for name in environment.split(' ').filter(|name| *name != "TZ") {
        assert!(ENVIRONMENT.contains(&name), "{name} in {environment}");
    }
    assert!(environment.contains("TMPDIR"));
    assert_eq!(told("arguments"), "plain");
    assert_eq!(told("folder"), "0o700");
    assert_eq!(told("current"), "True");
    assert_eq!(told("cookie"), "True");
    // numbers of an executable that is not ours are masked, so the limit is asked of the system
    assert_eq!(told("memory"), "#");
    let child = super::misbehaving::children()[0];
    let limits = std::fs::read_to_string(format!("/proc/{child}/limits")).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max address space"));
    assert_eq!(line.unwrap().split_whitespace().nth(3), Some("1073741824"));
    let arguments = std::fs::read(format!("/proc/{child}/cmdline")).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains("hunter2"));
}

/// Starts a kind of the executable by hand, as a host would. Returns it with its socket.
async fn start(folder: &tempfile::TempDir) -> (Child, String) {
    let mut child = Command::new(executable())
        .args(["source", "serve", "sqlite"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let socket = folder.path().join("s").display().to_string();
    let greeting = serde_json::json!({
        "protocol": [1, 4], "host": "9.9", "socket": socket, "cookie": "right", "later": true,
    });
    let line = format!("{greeting}\n");
    let stdin = child.stdin.as_mut().unwrap();
    stdin.write_all(line.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut answer).await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["protocol"], 2, "of 1 to 4, what it speaks");
    (child, socket)
}

#[tokio::test]
async fn a_call_without_the_cookie_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_child, socket) = start(&folder).await;
    let channel = Endpoint::from_shared(format!("unix:{socket}")).unwrap();
    let mut client = SourceServiceClient::new(channel.connect().await.unwrap());
    for (cookie, expected) in [
        (None, Code::Unauthenticated),
        (Some("wrong"), Code::Unauthenticated),
        (Some("right"), Code::Ok),
    ] {
        let mut request = Request::new(DescribeRequest::default());
        if let Some(cookie) = cookie {
            let cookie = cookie.parse().unwrap();
            request.metadata_mut().insert("rabt-cookie", cookie);
        }
        let code = client.describe(request).await.err().map(|s| s.code());
        assert_eq!(code.unwrap_or(Code::Ok), expected);
    }
}

#[tokio::test]
async fn the_end_of_standard_input_is_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, _) = start(&folder).await;
    drop(child.stdin.take());
    let ended = tokio::time::timeout(Duration::from_secs(1), child.wait()).await;
    assert!(ended.unwrap().unwrap().success());
}

#[tokio::test]
async fn started_by_hand_it_says_what_it_is_for() {
    for input in [
        "",
        "hello\n",
        "{\"protocol\": [7, 9], \"host\": \"\", \"socket\": \"\", \"cookie\": \"\"}\n",
    ] {
        let mut child = Command::new(executable())
            .args(["source", "serve", "sqlite"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = if input.starts_with('{') {
            "the host speaks protocol 7 to 9, this executable 1 to 2"
        } else {
            "this is started by rabt"
        };
        assert!(said.contains(expected), "{said}");
    }
}
