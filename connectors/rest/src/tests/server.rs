//! A server of HTTP that answers what a test tells it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a server was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// The path, decoded.
    pub(super) path: String,
    /// The query as sent.
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Asked {
    /// Returns a parameter of the query.
    pub(super) fn param(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query.as_bytes());
        let found = pairs.find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// Returns a parameter that is a number.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.param(name)?.parse().ok()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// What a server answers.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    pause: Duration,
    cut: bool,
}

impl Reply {
    /// Returns an answer of JSON.
    pub(super) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::of_type("application/json", body)
    }

    /// Returns an answer of some type.
    pub(super) fn of_type(kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.into(),
            pause: Duration::ZERO,
            cut: false,
        }
    }

    /// Returns an answer without rows.
    pub(super) fn status(status: u16) -> Self {
        let body = "{\"error\":\"of 29001011234567\"}";
        Self {
            status,
            ..Self::json(body)
        }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Returns the answer with a pause in the middle of its body.
    pub(super) fn slow(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Returns the answer without its end.
    pub(super) fn cut(self) -> Self {
        Self { cut: true, ..self }
    }

    fn into_response(self) -> Response<UnsyncBoxBody<Bytes, std::io::Error>> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let body = if self.cut || self.pause > Duration::ZERO {
            let half = self.body.len() / 2;
            let (first, second) = self.body.split_at(half);
            let first = Bytes::copy_from_slice(first);
            let second = Bytes::copy_from_slice(second);
            let (pause, cut) = (self.pause, self.cut);
            let frames = stream::unfold(0, move |step| {
                let (first, second) = (first.clone(), second.clone());
                async move {
                    match step {
                        0 => Some((Ok(Frame::data(first)), 1)),
                        1 if cut => Some((Err(std::io::Error::other("cut")), 2)),
                        1 => {
                            tokio::time::sleep(pause).await;
                            Some((Ok(Frame::data(second)), 2))
                        }
                        _ => None,
                    }
                }
            });
            StreamBody::new(frames).boxed_unsync()
        } else {
            let full = Full::new(Bytes::from(self.body));
            full.map_err(|never: Infallible| match never {})
                .boxed_unsync()
        };
        response.body(body).unwrap()
    }
}

/// Runs a server until it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Starts a server that answers by `answer`.
    pub(super) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(answer, None).await
    }

    /// Starts a server that speaks TLS when it is given how.
    pub(super) async fn start_with(
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log, tls) = (Arc::clone(&answer), Arc::clone(&log), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, answer, log).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, answer, log).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            asked,
            _tasks: tasks,
        }
    }

    /// Starts a server that answers every connection with these bytes, whatever it is asked.
    pub(super) async fn of_bytes(bytes: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4_096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(bytes).await;
            }
        });
        Self {
            address,
            asked: Arc::default(),
            _tasks: tasks,
        }
    }

    /// Returns the base address.
    pub(super) fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// Returns what has been asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve<S>(
    stream: S,
    answer: Arc<impl Fn(&Asked) -> Reply + Send + Sync + 'static>,
    log: Arc<Mutex<Vec<Asked>>>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
        async move {
            let asked = asked_of(request).await;
            log.lock().unwrap().push(asked.clone());
            Ok::<_, Infallible>(answer(&asked).into_response())
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

async fn asked_of(request: Request<Incoming>) -> Asked {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = head.uri.path().replace('+', "%2B");
    let decoded = url::form_urlencoded::parse(path.as_bytes()).next();
    Asked {
        method: head.method,
        path: decoded
            .map(|(path, _)| path.into_owned())
            .unwrap_or_default(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}
