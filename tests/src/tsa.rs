//! A time-stamping authority: OpenSSL's, behind a small HTTP server, with whatever may go wrong.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::place::{required, skip};

/// What the authority does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Stamps.
    Stamps,
    /// Stamps something else.
    StampsOther,
    /// Stamps for another number than the one that was sent.
    AnswersOther,
    /// Refuses.
    Refuses,
    /// Sends something that is no reply.
    Garbles,
    /// Sends more than anybody wants.
    Floods,
    /// Sends the page of a proxy.
    Page,
    /// Answers with this status.
    Status(u16),
    /// Takes the request and says nothing.
    Hangs,
    /// Closes the connection in the middle of a reply.
    BreaksOff,
}

/// An authority that listens on the loopback interface.
#[derive(Debug)]
pub struct Tsa {
    folder: TempDir,
    address: SocketAddr,
    habit: Arc<Mutex<Habit>>,
    asked: Arc<AtomicU64>,
    task: Option<JoinHandle<()>>,
}

impl Tsa {
    /// Returns an authority whose certificate is good for long, or says that there is no OpenSSL.
    ///
    /// # Panics
    /// When there is none and `RABT_REQUIRE_LANES` is `all`, or it cannot be set up.
    pub async fn start() -> Option<Self> {
        Self::start_certified((2020, 2090)).await
    }

    /// Returns an authority whose certificate is good in these years.
    ///
    /// # Panics
    /// As [`Tsa::start`].
    pub async fn start_certified(years: (i32, i32)) -> Option<Self> {
        let found = Command::new("openssl").arg("version").output();
        if !found.is_ok_and(|output| output.status.success()) {
            assert!(
                !required(),
                "RABT_REQUIRE_LANES=all; install the Debian package openssl"
            );
            skip("no OpenSSL");
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        certify(folder.path(), years);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut tsa = Self {
            folder,
            address: listener.local_addr().expect("an address"),
            habit: Arc::new(Mutex::new(Habit::Stamps)),
            asked: Arc::default(),
            task: None,
        };
        tsa.listen(listener);
        Some(tsa)
    }

    /// Returns the address.
    pub fn url(&self) -> String {
        format!("http://{}/stamp", self.address)
    }

    /// Returns the file of the certificate that its stamps come from.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Returns how many requests came.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Does something else from now on.
    pub fn become_one_that(&self, habit: Habit) {
        *self.habit.lock().unwrap_or_else(PoisonError::into_inner) = habit;
    }

    /// Goes away; who connects is refused.
    pub async fn go_away(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// Comes back, at the same address.
    ///
    /// # Panics
    /// When somebody took the address.
    pub async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await;
        self.listen(listener.expect("the port is free"));
    }

    fn listen(&mut self, listener: TcpListener) {
        let (habit, asked) = (Arc::clone(&self.habit), Arc::clone(&self.asked));
        let folder = self.folder.path().to_path_buf();
        let task = TaskTracker::new().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                let habit = *habit.lock().unwrap_or_else(PoisonError::into_inner);
                // one after the other
                let _ = answer(stream, habit, &folder, number).await;
            }
        });
        self.task = Some(task);
    }
}

impl Drop for Tsa {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Writes an authority, its certificate for time stamps, and the settings of OpenSSL.
fn certify(folder: &Path, (from, until): (i32, i32)) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let name = "authority of time";
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    let name = "time of the tests";
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let stamping = [0x30, 0x0a, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8];
    let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], stamping.to_vec());
    usage.set_criticality(true);
    params.custom_extensions.push(usage);
    let key = KeyPair::generate().expect("a key");
    let made = params.signed_by(&key, &authority).expect("a certificate");
    write("ca.pem", &authority.pem());
    write("tsa.pem", &made.pem());
    write("tsa.key", &key.serialize_pem());
    let serial = folder.join("serial");
    write("serial", "01\n");
    let settings = format!(
        "[tsa]\ndefault_tsa = one\n[one]\nserial = {}\ndefault_policy = 1.2.3.4.1\n\
         digests = sha256\nsigner_digest = sha256\ness_cert_id_alg = sha256\n",
        serial.display()
    );
    write("tsa.cnf", &settings);
}

async fn answer(
    mut stream: TcpStream,
    habit: Habit,
    folder: &Path,
    number: u64,
) -> std::io::Result<()> {
    let mut request = read(&mut stream).await?;
    let (status, kind, body) = match habit {
        Habit::Stamps => (200, REPLY, stamp(folder, number, &request).await),
        Habit::StampsOther => {
            // the hash is behind its algorithm
            if let Some(byte) = request.get_mut(30) {
                *byte ^= 1;
            }
            (200, REPLY, stamp(folder, number, &request).await)
        }
        Habit::AnswersOther => {
            // the number is before the last three bytes
            let place = request.len().saturating_sub(5);
            if let Some(byte) = request.get_mut(place) {
                *byte ^= 1;
            }
            (200, REPLY, stamp(folder, number, &request).await)
        }
        Habit::Refuses => (200, REPLY, stamp(folder, number, b"no request").await),
        Habit::Garbles => (
            200,
            REPLY,
            b"\x30\x82\x01\x00 it is half past four".to_vec(),
        ),
        Habit::Floods => (200, REPLY, vec![0x30; 1 << 20]),
        Habit::Page => (200, "text/html", b"<html>log in</html>".to_vec()),
        Habit::Status(status) => (status, "text/plain", b"come again".to_vec()),
        Habit::Hangs => {
            // until whoever asks has had enough
            let _ = stream.read_u8().await;
            return Ok(());
        }
        Habit::BreaksOff => (200, REPLY, vec![0x30, 0x82]),
    };
    let missing = if habit == Habit::BreaksOff { 4_000 } else { 0 };
    let length = body.len() + missing;
    let head = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

const REPLY: &str = "application/timestamp-reply";

/// Reads the body of a request.
async fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let length = text.split("content-length: ").nth(1);
            let length = length.and_then(|text| text.split('\r').next()?.parse().ok());
            let body = &bytes[end + 4..];
            if body.len() >= length.unwrap_or(0) {
                return Ok(body.to_vec());
            }
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Lets OpenSSL answer a request.
async fn stamp(folder: &Path, number: u64, request: &[u8]) -> Vec<u8> {
    let (query, reply) = (format!("{number}.tsq"), format!("{number}.tsr"));
    std::fs::write(folder.join(&query), request).expect("a file");
    let mut openssl = tokio::process::Command::new("openssl");
    openssl.current_dir(folder).args(["ts", "-reply"]);
    openssl.args(["-config", "tsa.cnf", "-signer", "tsa.pem"]);
    openssl.args(["-inkey", "tsa.key", "-queryfile"]);
    openssl.args([&query, "-out", &reply]).kill_on_drop(true);
    let done = openssl.output().await.expect("OpenSSL runs");
    let made = std::fs::read(folder.join(&reply));
    made.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&done.stderr)))
}
