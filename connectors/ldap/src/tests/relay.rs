//! What stands between a test and a server: a relay that breaks off, and servers that are none.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Passes bytes on to a server, and breaks off after a number of them that the server sent.
pub(super) struct Relay {
    pub(super) port: u16,
    /// How many bytes the last connection may still bring.
    left: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
}

impl Relay {
    pub(super) fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let sent = Arc::new(AtomicUsize::new(0));
        let (limit, count) = (Arc::clone(&left), Arc::clone(&sent));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                let (asking, asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || copy(asking, asked, |_| true));
                let (limit, count) = (Arc::clone(&limit), Arc::clone(&count));
                std::thread::spawn(move || {
                    copy(server, client, |bytes| {
                        count.fetch_add(bytes, Ordering::SeqCst);
                        let less = |left: usize| Some(left.saturating_sub(bytes));
                        let before = limit.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
                        before.unwrap() > bytes
                    });
                });
            }
        });
        Self {
            port: own,
            left,
            sent,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Lets so many bytes through from now on.
    pub(super) fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// Returns how many bytes the server has sent since this was last asked.
    pub(super) fn sent(&self) -> usize {
        self.sent.swap(0, Ordering::SeqCst)
    }
}

/// Copies until the end, or until `may` says no; then both sides are closed.
fn copy(mut from: TcpStream, mut to: TcpStream, may: impl Fn(usize) -> bool) {
    let mut buffer = [0; 4_096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !may(count) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Starts a server that answers the requests of a connection with these bytes, one after the other, and
/// then says nothing; returns its address.
pub(super) fn fake(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let answers = answers.clone();
            std::thread::spawn(move || {
                let mut answers = answers.iter();
                let mut buffer = [0; 4_096];
                while let Ok(1..) = client.read(&mut buffer) {
                    if let Some(answer) = answers.next() {
                        let _ = client.write_all(answer);
                    }
                }
            });
        }
    });
    format!("ldap://127.0.0.1:{port}")
}
