//! A server that is sent some bytes now and then and answers with some: one connection for each question, and
//! nothing tried twice.
//!
//! For parts of a node that ask something outside; a source is read by [`crate::Rest`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rabt_connect::ConnectError;
use rustls::ClientConfig;
use url::{Position, Url};

use crate::client::body;
use crate::client::trust;
use crate::client::wire::Wire;
use crate::config::server_of;

/// What to do about a server that is slow or breaks off.
const WAIT: &str = "it is asked again later; if it lasts, ask whoever runs it";

/// A server that questions are posted to.
#[derive(Debug)]
pub struct Post {
    url: Url,
    tls: Arc<ClientConfig>,
    question: &'static str,
    answer: &'static str,
    most: usize,
    patience: Duration,
}

impl Post {
    /// Returns a way to the server at an address of `http` or `https`; the latter by the public authorities.
    /// `question` and `answer` are the types of what is sent and expected. An answer has at most `most` bytes and
    /// takes at most `patience`, the connection included.
    ///
    /// # Errors
    /// A configuration error when the address cannot be used.
    pub fn new(
        url: &str,
        (question, answer): (&'static str, &'static str),
        most: usize,
        patience: Duration,
    ) -> Result<Self, ConnectError> {
        let wrong = |what: &str, remedy: &str| ConnectError::configuration("url", what, remedy);
        let remedy = "write an address such as \"http://tsa.example/stamp\"";
        let url = Url::parse(url).map_err(|_| wrong("is no address", remedy))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong("is no address of http or https", remedy));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let remedy = "leave them out; a server that wants a login cannot be asked";
            return Err(wrong("holds a user or a password", remedy));
        }
        Ok(Self {
            tls: trust::tls(None)?,
            url,
            question,
            answer,
            most,
            patience,
        })
    }

    /// Sends a question and returns the body of the answer.
    ///
    /// # Errors
    /// By the status, and transient when the answer does not come whole and in time.
    pub async fn send(&self, question: Vec<u8>) -> Result<Vec<u8>, ConnectError> {
        let place = format!("server {}", server_of(&self.url));
        let asked = tokio::time::timeout(self.patience, self.ask(&place, question)).await;
        asked.unwrap_or_else(|_| {
            let what = format!("did not answer within {:?}", self.patience);
            Err(ConnectError::transient(&place, what, WAIT))
        })
    }

    async fn ask(&self, place: &str, question: Vec<u8>) -> Result<Vec<u8>, ConnectError> {
        let mut wire = Wire::open(&self.url, &self.tls, self.patience).await?;
        let sent = wire.send(self.request(question)).await;
        let answer = sent.map_err(|_| broke_off(place))?;
        let (head, incoming) = answer.into_parts();
        if head.status.as_u16() != 200 {
            let what = format!("answered with the status {}", head.status.as_u16());
            let remedy = "ask whoever runs it, and see that the address is the right one";
            return Err(ConnectError::transient(place, what, remedy));
        }
        let essence = body::essence(&head.headers);
        if essence != self.answer {
            let what = format!("answered with something that is not {}", self.answer);
            let remedy =
                "see that the address is the right one, and that no proxy answers in its place";
            return Err(ConnectError::transient(place, what, remedy));
        }
        wire.wait(self.take(incoming, place)).await
    }

    async fn take(&self, mut body: Incoming, place: &str) -> Result<Vec<u8>, ConnectError> {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| broke_off(place))?;
            bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            if bytes.len() > self.most {
                let what = format!("answered with more than {} bytes", self.most);
                let remedy = "see that the address is the right one";
                return Err(ConnectError::transient(place, what, remedy));
            }
        }
        Ok(bytes)
    }

    fn request(&self, question: Vec<u8>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from(question)));
        *request.method_mut() = Method::POST;
        let target = &self.url[Position::BeforePath..Position::AfterQuery];
        *request.uri_mut() = target.parse().unwrap_or_default();
        let headers = request.headers_mut();
        let host = &self.url[Position::BeforeHost..Position::AfterPort];
        if let Ok(host) = HeaderValue::from_str(host) {
            headers.insert(HOST, host);
        }
        let agent = concat!("rabt/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.question));
        headers.insert(ACCEPT, HeaderValue::from_static(self.answer));
        request
    }
}

fn broke_off(place: &str) -> ConnectError {
    ConnectError::transient(place, "broke off in the middle of an answer", WAIT)
}
