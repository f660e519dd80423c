//! What stands between a server and the library.
//!
//! Invariant: only whole messages that the library can take, and that answer what it asked, pass to it,
//! none of them larger than [`MAX_MESSAGE`].

use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, split};
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::Stream;
use crate::ber;

/// Largest message, and so largest entry: 16 MiB.
pub(crate) const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// Bytes that are read of a server at once.
const BUFFER: usize = 64 * 1024;

/// Why a connection ended that was still needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The server, or the way to it, broke off.
    Closed,
    /// The server said something that is no LDAP.
    NotLdap,
    /// The server sent more at once than is taken.
    TooLarge,
}

/// What the library has asked: the number of the message, and what may answer it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked {
    id: Vec<u8>,
    answers: &'static [u8],
}

/// Carries messages between a server and the library until one of them ends, and notes why.
pub(crate) async fn carry(server: Box<dyn Stream>, library: UnixStream, why: Arc<OnceLock<Lost>>) {
    let (from_server, mut to_server) = split(server);
    let (from_library, mut to_library) = library.into_split();
    let mut from_server = BufReader::with_capacity(BUFFER, from_server);
    let mut from_library = BufReader::new(from_library);
    let (told, asked) = watch::channel(Asked::default());
    let asking = async {
        let mut request = Vec::new();
        while next(&mut from_library, &mut request).await.is_ok() {
            // Known before the server can answer.
            let _ = told.send(Asked::of(&request));
            if to_server.write_all(&request).await.is_err() || to_server.flush().await.is_err() {
                break;
            }
        }
        // The library has said goodbye; the server sees the end of it.
        let _ = to_server.shutdown().await;
        Lost::Closed
    };
    let answering = async {
        let mut answer = Vec::new();
        loop {
            let came = next(&mut from_server, &mut answer).await;
            if let Err(lost) = came.and_then(|()| asked.borrow().must_fit(&answer)) {
                return lost;
            }
            if to_library.write_all(&answer).await.is_err() {
                return Lost::Closed;
            }
        }
    };
    let lost = tokio::select! {
        lost = answering => lost,
        lost = asking => lost,
    };
    // Before the library sees the end, so that it can be told why.
    let _ = why.set(lost);
}

impl Asked {
    fn of(request: &[u8]) -> Self {
        let (id, tag) = ber::outline(request).unwrap_or((&[], 0));
        Self {
            id: id.to_vec(),
            answers: ber::answers(tag),
        }
    }

    /// Refuses what the library cannot take, and what it did not ask for.
    fn must_fit(&self, answer: &[u8]) -> Result<(), Lost> {
        let operation = ber::operation(answer).ok_or(Lost::NotLdap)?;
        let (id, tag) = ber::outline(answer).ok_or(Lost::NotLdap)?;
        // A server that ends a connection may say so first (RFC 4511, 4.4.1).
        if id == [0] && operation.tag == ber::EXTENDED {
            return Err(Lost::Closed);
        }
        if id != self.id || !self.answers.contains(&tag) {
            return Err(Lost::NotLdap);
        }
        Ok(())
    }
}

/// Reads one message.
async fn next(from: &mut (impl AsyncRead + Unpin), message: &mut Vec<u8>) -> Result<(), Lost> {
    message.clear();
    let head = loop {
        let byte = from.read_u8().await.map_err(|_| Lost::Closed)?;
        message.push(byte);
        if let Some(head) = ber::head(message).map_err(|()| Lost::NotLdap)? {
            break head;
        }
    };
    if message[0] != 0x30 {
        return Err(Lost::NotLdap);
    }
    if head.content > MAX_MESSAGE {
        return Err(Lost::TooLarge);
    }
    message.resize(head.own + head.content, 0);
    let content = &mut message[head.own..];
    from.read_exact(content).await.map_err(|_| Lost::Closed)?;
    Ok(())
}
