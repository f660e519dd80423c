//! One replication connection: log in, ask, stream, confirm.
//!
//! The frames, the login and the messages of replication are those of `pgwire-replication`; the
//! connection itself is ours, because its TLS would bring a second cryptographic library, and because
//! a server's own words must not reach a log.

use std::time::Duration;

use bytes::Bytes;
use md5::{Digest, Md5};
use pgwire_replication::auth::ScramClient;
use pgwire_replication::protocol::framing::{
    MessageReader, write_copy_data, write_password_message, write_query, write_startup_message,
};
use pgwire_replication::protocol::{
    BackendMessage, ErrorFields, ReplicationCopyData, encode_standby_status_update, parse_copy_data,
};
use pgwire_replication::{Lsn, PgWireError};
use rabt_connect::{ConnectError, Session, hex};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpStream, UnixStream};

use super::account::Account;
use super::tls;
use crate::fault::Doing;

const PATIENCE: Duration = Duration::from_secs(15);
const VERSION: i32 = 3 << 16;
/// The longest message that is taken: a row with every value as long as PostgreSQL allows.
const LONGEST: usize = 1 << 30;
const BUFFER: usize = 128 * 1024;

/// What a connection is made of.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A replication connection.
pub(super) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    reader: MessageReader,
    doing: Doing,
}

/// What the server streams.
pub(super) enum Streamed {
    /// A part of its log, as `pgoutput` writes it.
    Data(Bytes),
    /// The server has sent everything before this place.
    Reached(Lsn),
}

impl Wire {
    /// Connects and logs in.
    pub(super) async fn connect(session: &Session) -> Result<Self, ConnectError> {
        let account = Account::of(session)?;
        let doing = account.doing.clone();
        match tokio::time::timeout(PATIENCE, Self::open(account)).await {
            Ok(connected) => connected,
            Err(_) => Err(doing.unreachable("did not answer within 15 seconds")),
        }
    }

    async fn open(account: Account) -> Result<Self, ConnectError> {
        let doing = account.doing.clone();
        let failed = |_| doing.unreachable("cannot be reached or broke the connection");
        let stream: Box<dyn Stream> = if let Some(path) = &account.socket {
            Box::new(UnixStream::connect(path).await.map_err(failed)?)
        } else {
            let target = (account.host.as_str(), account.port);
            let tcp = TcpStream::connect(target).await.map_err(failed)?;
            tcp.set_nodelay(true).map_err(failed)?;
            let ca = account.ca.as_deref();
            tls::encrypt(tcp, &account.host, account.mode, ca, &doing).await?
        };
        let mut wire = Self {
            stream: BufReader::with_capacity(BUFFER, stream),
            reader: MessageReader::new().with_max_message_size(LONGEST),
            doing,
        };
        let parameters = account.parameters();
        let written = write_startup_message(&mut wire.stream, VERSION, &parameters).await;
        wire.known(written)?;
        wire.log_in(&account).await?;
        Ok(wire)
    }

    async fn log_in(&mut self, account: &Account) -> Result<(), ConnectError> {
        loop {
            let message = self.message().await?;
            match message.tag {
                b'Z' => return Ok(()),
                b'R' => self.answer(account, &message.payload).await?,
                _ => {}
            }
        }
    }

    /// Answers one question for the password.
    async fn answer(&mut self, account: &Account, payload: &Bytes) -> Result<(), ConnectError> {
        let (code, rest) = split_code(payload).ok_or_else(|| self.garbled())?;
        let password = account.password.as_deref().unwrap_or_default();
        let text = match code {
            0 | 12 => return Ok(()),
            3 => format!("{password}\0"),
            5 => format!("{}\0", digest(password, &account.user, &rest)),
            10 => return self.scram(account, password).await,
            _ => {
                let remedy = "let it ask for a password (scram-sha-256 or md5) in pg_hba.conf";
                let what = "asks for a login that is not a password";
                return Err(ConnectError::configuration(&account.place, what, remedy));
            }
        };
        let written = write_password_message(&mut self.stream, text.as_bytes()).await;
        self.known(written)
    }

    async fn scram(&mut self, account: &Account, password: &str) -> Result<(), ConnectError> {
        let client = ScramClient::new(&account.user);
        let mut first = b"SCRAM-SHA-256\0".to_vec();
        let length = i32::try_from(client.client_first.len()).unwrap_or(i32::MAX);
        first.extend_from_slice(&length.to_be_bytes());
        first.extend_from_slice(client.client_first.as_bytes());
        let written = write_password_message(&mut self.stream, &first).await;
        self.known(written)?;
        let said = self.said(11).await?;
        let (last, all, salted) = self.known(client.client_final(password, &said))?;
        let written = write_password_message(&mut self.stream, last.as_bytes()).await;
        self.known(written)?;
        let said = self.said(12).await?;
        self.known(ScramClient::verify_server_final(&said, &salted, &all))
    }

    /// Returns what the server says in a step of the login.
    async fn said(&mut self, step: i32) -> Result<String, ConnectError> {
        loop {
            let message = self.message().await?;
            if message.tag != b'R' {
                continue;
            }
            let (code, rest) = split_code(&message.payload).ok_or_else(|| self.garbled())?;
            if code == step {
                return String::from_utf8(rest.to_vec()).map_err(|_| self.garbled());
            }
            return Err(self.garbled());
        }
    }

    /// Runs a statement or a command; returns its rows as text.
    pub(super) async fn ask(
        &mut self,
        statement: &str,
    ) -> Result<Vec<Vec<Option<String>>>, ConnectError> {
        let written = write_query(&mut self.stream, statement).await;
        self.known(written)?;
        let mut rows = Vec::new();
        let mut failure = None;
        loop {
            let message = self.any_message().await?;
            match message.tag {
                b'D' => rows.push(cells(&message.payload).ok_or_else(|| self.garbled())?),
                b'E' => failure = Some(self.refused(&message)),
                b'Z' => return failure.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    /// Starts to stream from a slot.
    pub(super) async fn start(&mut self, command: &str) -> Result<(), ConnectError> {
        let written = write_query(&mut self.stream, command).await;
        self.known(written)?;
        loop {
            if self.message().await?.tag == b'W' {
                return Ok(());
            }
        }
    }

    /// Returns what the server streams next. May be dropped while it waits. A wish for a sign of
    /// life is answered by whoever confirms next, which is soon.
    pub(super) async fn next(&mut self) -> Result<Streamed, ConnectError> {
        loop {
            let message = self.message().await?;
            if message.tag != b'd' {
                continue;
            }
            let parsed = parse_copy_data(message.payload);
            return Ok(match self.known(parsed)? {
                ReplicationCopyData::XLogData { data, .. } => Streamed::Data(data),
                ReplicationCopyData::KeepAlive { wal_end, .. } => Streamed::Reached(wal_end),
            });
        }
    }

    /// Says whether something is here already.
    pub(super) fn has_more(&self) -> bool {
        !self.stream.buffer().is_empty()
    }

    /// Confirms that everything before a place is durable, and with `ask` wants to know at once how
    /// far the server is.
    pub(super) async fn confirm(&mut self, place: Lsn, ask: bool) -> Result<(), ConnectError> {
        let status = encode_standby_status_update(place, 0, ask);
        let written = write_copy_data(&mut self.stream, &status).await;
        self.known(written)
    }

    /// Returns the next message that is no error.
    async fn message(&mut self) -> Result<BackendMessage, ConnectError> {
        let message = self.any_message().await?;
        if message.tag == b'E' {
            return Err(self.refused(&message));
        }
        Ok(message)
    }

    async fn any_message(&mut self) -> Result<BackendMessage, ConnectError> {
        let read = self.reader.read(&mut self.stream).await;
        self.known(read)
    }

    fn refused(&self, message: &BackendMessage) -> ConnectError {
        let fields = ErrorFields::parse(&message.payload);
        self.doing.of_state(&fields.code.unwrap_or_default())
    }

    fn garbled(&self) -> ConnectError {
        self.doing
            .unreachable("broke off in the middle of an answer")
    }

    fn known<T>(&self, result: Result<T, PgWireError>) -> Result<T, ConnectError> {
        result.map_err(|error| {
            if error.is_io() {
                self.doing
                    .unreachable("cannot be reached or broke the connection")
            } else if error.is_auth() {
                self.doing.of_state("28P01")
            } else {
                self.garbled()
            }
        })
    }
}

fn split_code(payload: &Bytes) -> Option<(i32, Bytes)> {
    let code = payload.get(..4)?.try_into().ok()?;
    Some((i32::from_be_bytes(code), payload.slice(4..)))
}

/// Returns the answer of the older login.
fn digest(password: &str, user: &str, salt: &[u8]) -> String {
    let inner = Md5::new().chain_update(password).chain_update(user);
    let inner = hex(&inner.finalize());
    let outer = Md5::new().chain_update(inner).chain_update(salt);
    format!("md5{}", hex(&outer.finalize()))
}

/// Returns the cells of a row of text.
fn cells(payload: &[u8]) -> Option<Vec<Option<String>>> {
    let mut rest = payload.get(2..)?;
    let count = u16::from_be_bytes(payload.get(..2)?.try_into().ok()?);
    let mut cells = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let length = i32::from_be_bytes(rest.get(..4)?.try_into().ok()?);
        rest = &rest[4..];
        let Ok(length) = usize::try_from(length) else {
            cells.push(None);
            continue;
        };
        let text = std::str::from_utf8(rest.get(..length)?).ok()?;
        cells.push(Some(text.to_owned()));
        rest = &rest[length..];
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::{cells, digest};

    #[test]
    fn rows_of_text_are_taken_apart() {
        let row = b"\0\x03\0\0\0\x01a\xff\xff\xff\xff\0\0\0\0";
        let expected = vec![Some("a".to_owned()), None, Some(String::new())];
        assert_eq!(cells(row), Some(expected));
        assert_eq!(cells(b"\0\x01\0\0\0\x09a"), None);
        assert_eq!(cells(b""), None);
    }

    #[test]
    fn the_older_login_is_a_digest_of_a_digest() {
        // md5(md5("pass" + "user") + 01020304), as another implementation has it.
        assert_eq!(digest("pass", "user", &[1, 2, 3, 4]), DIGEST);
    }

    const DIGEST: &str = "md56cf524962d8413e6b0cdf79fddff891c";
}
