//! The settings of the gRPC edge.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// Where the edge listens, who it is, and how much it takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address for agencies; always mutual TLS. Port 0 means any free port.
    pub listen: SocketAddr,
    /// Address for health checks and reflection. Port 0 means any free port.
    pub admin_listen: SocketAddr,
    /// Whether the admin address asks for a client certificate too. Plain text is for loopback and
    /// for networks that only operators reach.
    #[serde(default)]
    pub admin_mtls: bool,
    /// Address for portals of citizens, always mutual TLS; none means that there are none.
    #[serde(default)]
    pub transparency_listen: Option<SocketAddr>,
    /// Certificate, key and the authority of client certificates.
    pub tls: TlsFiles,
    /// How much the edge takes before it sheds load.
    #[serde(default)]
    pub limits: Limits,
}

/// Files in PEM form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The server's certificate chain, leaf first.
    pub cert: PathBuf,
    /// The private key of the leaf.
    pub key: PathBuf,
    /// The certificates of the authorities that client certificates must come from.
    pub client_ca: PathBuf,
    /// Revocation lists of these authorities, PEM or DER; none when certificates are not revoked.
    #[serde(default)]
    pub crl: Vec<PathBuf>,
}

/// How much the edge takes. What is over a limit of the node is answered `OVERLOADED` at once, what
/// is over a caller's own rate or number of watchers `QUOTA_EXCEEDED`; nothing is queued.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open connections; further ones are closed before their handshake.
    pub connections: usize,
    /// Open connections of one caller; further ones are closed after their handshake.
    pub connections_per_caller: usize,
    /// Requests in work.
    pub in_flight: usize,
    /// Requests in work of one caller.
    pub in_flight_per_caller: usize,
    /// Requests of one caller within a second, evenly spread.
    pub requests_per_second_per_caller: u32,
    /// Requests of one caller at once after a pause.
    pub burst_per_caller: u32,
    /// Batches in work; a batch counts as one request above.
    pub batches_in_flight: usize,
    /// Watchers of the change feed; one counts as no request once it has begun.
    pub watchers: usize,
    /// Watchers of one caller; one more is `QUOTA_EXCEEDED`, so that no agency takes the places of
    /// the others.
    pub watchers_per_caller: usize,
    /// Largest request message, bytes.
    pub message_bytes: usize,
    /// Longest time a request may take, the arrival of its message included; shorter deadlines of
    /// callers are honoured.
    pub deadline_ms: u64,
    /// The same for requests that wait for an agency's database, or compare all that is held.
    pub slow_deadline_ms: u64,
    /// Longest time a handshake may take.
    pub handshake_ms: u64,
    /// Longest time that a shutdown waits for requests in work.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_caller: 256,
            in_flight: 1_024,
            in_flight_per_caller: 512,
            requests_per_second_per_caller: 2_000,
            burst_per_caller: 4_000,
            batches_in_flight: 4,
            watchers: 256,
            watchers_per_caller: 16,
            message_bytes: 1 << 20,
            deadline_ms: 10_000,
            slow_deadline_ms: 300_000,
            handshake_ms: 5_000,
            drain_ms: 30_000,
        }
    }
}

impl Limits {
    pub(crate) const fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    pub(crate) const fn slow_deadline(&self) -> Duration {
        Duration::from_millis(self.slow_deadline_ms)
    }

    pub(crate) const fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_ms)
    }

    pub(crate) const fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}
