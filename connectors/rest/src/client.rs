//! Asking a server: one connection, one request at a time, nothing tried twice but a login whose
//! token had ended.

pub(crate) mod body;
mod token;
pub(crate) mod trust;
pub(crate) mod wire;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use rabt_connect::{ConnectError, Session};
use rustls::ClientConfig;
use url::{Position, Url};

use crate::config::{Auth, KeyPlace, OAuth2, Settings};
use crate::fault;
use token::Token;
use wire::Wire;

/// An answer with a status of success. `Debug` is not implemented: it holds values.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    /// As sent: not yet unpacked.
    pub(crate) body: Vec<u8>,
    pub(crate) status: StatusCode,
}

/// A server that is asked for pages.
pub(crate) struct Client {
    settings: Arc<Settings>,
    tls: Arc<ClientConfig>,
    agent: HeaderValue,
    wire: Option<Wire>,
    token: Option<Token>,
    /// Whether the server refused the login, the last time it was asked for a page.
    pub(crate) refused: bool,
}

impl Client {
    /// Returns a client that has reached nothing yet.
    ///
    /// # Errors
    /// A configuration error when the file of `ca` cannot be used.
    pub(crate) fn new(settings: &Arc<Settings>, session: &Session) -> Result<Self, ConnectError> {
        let agent = format!("rabt/{} ({})", env!("CARGO_PKG_VERSION"), session.source);
        Ok(Self {
            tls: trust::tls(settings.ca.as_deref())?,
            settings: Arc::clone(settings),
            agent: HeaderValue::from_str(&agent)
                .unwrap_or_else(|_| HeaderValue::from_static("rabt")),
            wire: None,
            token: None,
            refused: false,
        })
    }

    /// Connects, unless the client is connected.
    pub(crate) async fn reach(&mut self) -> Result<(), ConnectError> {
        let open = match &mut self.wire {
            Some(wire) => wire.is_ready().await,
            None => false,
        };
        if !open {
            let patience = self.settings.connect_timeout;
            let wire = Wire::open(&self.settings.base, &self.tls, patience).await?;
            self.wire = Some(wire);
        }
        Ok(())
    }

    /// Gets what is at an address of the server.
    ///
    /// # Errors
    /// By the status, and transient when the answer does not come whole and in time. `place` is
    /// what errors name. With `may_be_missing`, 404 is an answer without content.
    pub(crate) async fn get(
        &mut self,
        url: &Url,
        place: &str,
        may_be_missing: bool,
    ) -> Result<Answer, ConnectError> {
        let settings = Arc::clone(&self.settings);
        let mut fresh = self.log_in().await?;
        loop {
            let answer = within(settings.timeout, place, self.ask(url, place)).await;
            if !answer
                .as_ref()
                .is_ok_and(|answer| answer.status.is_success())
            {
                // What is left of a half-read answer must not be taken for the next one.
                self.wire = None;
            }
            let answer = answer?;
            if may_be_missing && answer.status == StatusCode::NOT_FOUND {
                let status = StatusCode::NO_CONTENT;
                return Ok(Answer { status, ..answer });
            }
            let ended = answer.status == StatusCode::UNAUTHORIZED
                && matches!(settings.auth, Auth::OAuth2(_))
                && !fresh;
            self.refused = answer.status == StatusCode::UNAUTHORIZED;
            if !ended {
                return judged(answer, place, &settings.auth);
            }
            // The server has withdrawn the token before its time: once, a new one is got.
            self.token = None;
            fresh = self.log_in().await?;
        }
    }

    /// Gets a token where one is needed and there is none that lasts. Says whether it did.
    pub(crate) async fn log_in(&mut self) -> Result<bool, ConnectError> {
        let settings = Arc::clone(&self.settings);
        let Auth::OAuth2(oauth2) = &settings.auth else {
            return Ok(false);
        };
        if self.token.as_ref().is_some_and(Token::is_fresh) {
            return Ok(false);
        }
        let place = token::place(oauth2);
        let asked = within(settings.timeout, &place, self.ask_token(oauth2, &place)).await?;
        self.token = Some(asked);
        Ok(true)
    }

    async fn ask_token(&mut self, oauth2: &OAuth2, place: &str) -> Result<Token, ConnectError> {
        let patience = self.settings.connect_timeout;
        let mut wire = Wire::open(&oauth2.token_url, &self.tls, patience).await?;
        let mut request = self.request(Method::POST, &oauth2.token_url, token::form(oauth2));
        let headers = request.headers_mut();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        if let Some(authorization) = token::authorization(oauth2) {
            headers.insert(AUTHORIZATION, authorization);
        }
        let answer = wire
            .send(request)
            .await
            .map_err(|error| of_hyper(place, &error))?;
        let answer = wire.wait(taken(answer, place, token::MAX_ANSWER)).await?;
        let bytes = body::unpacked(answer.body, &answer.headers, place, token::MAX_ANSWER)?;
        let text = body::text(bytes, &answer.headers, None);
        if answer.status.is_success() {
            return token::read(place, &text);
        }
        match answer.status.as_u16() {
            400 | 401 | 403 => Err(token::refused(place, answer.status, &text)),
            _ => Err(fault::of_status(
                place,
                answer.status,
                &answer.headers,
                "check `client_id` and `client_secret`",
            )),
        }
    }

    async fn ask(&mut self, url: &Url, place: &str) -> Result<Answer, ConnectError> {
        let answer = match self.send(url).await? {
            // The server closed the connection behind its last answer, and the request was never
            // written: to write it to a new connection is not to ask twice.
            Err(error) if error.is_canceled() => {
                self.wire = None;
                self.send(url).await?
            }
            sent => sent,
        };
        let answer = answer.map_err(|error| of_hyper(place, &error))?;
        let taking = taken(answer, place, self.settings.max_page);
        match &mut self.wire {
            Some(wire) => wire.wait(taking).await,
            None => taking.await,
        }
    }

    /// Sends a request. The outer error is that there is no connection.
    async fn send(
        &mut self,
        url: &Url,
    ) -> Result<Result<Response<Incoming>, hyper::Error>, ConnectError> {
        self.reach().await?;
        let mut url = url.clone();
        let credentials = self.credentials(&mut url);
        let mut request = self.request(Method::GET, &url, String::new());
        let headers = request.headers_mut();
        for (name, value) in &self.settings.headers {
            headers.insert(name, value.clone());
        }
        if let Some((name, value)) = credentials {
            headers.insert(name, value);
        }
        match &mut self.wire {
            Some(wire) => Ok(wire.send(request).await),
            None => Err(ConnectError::defect(
                "rest",
                "there is no connection to ask",
            )),
        }
    }

    fn request(&self, method: Method, url: &Url, body: String) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        let target = &url[Position::BeforePath..Position::AfterQuery];
        *request.uri_mut() = target.parse().unwrap_or_default();
        let headers = request.headers_mut();
        let host = &url[Position::BeforeHost..Position::AfterPort];
        if let Ok(host) = HeaderValue::from_str(host) {
            headers.insert(HOST, host);
        }
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        request
    }

    /// Returns the header that says who asks, or puts it into the query.
    fn credentials(&self, url: &mut Url) -> Option<(http::HeaderName, HeaderValue)> {
        let (name, value) = match &self.settings.auth {
            Auth::None => return None,
            Auth::Key {
                place: KeyPlace::Param(param),
                key,
            } => {
                url.query_pairs_mut().append_pair(param, key.expose());
                return None;
            }
            Auth::Key {
                place: KeyPlace::Header(name),
                key,
            } => (name.clone(), token::sensitive(key.expose())),
            Auth::Basic { user, password } => {
                (AUTHORIZATION, token::basic(user, password.expose()))
            }
            Auth::Bearer(token) => (AUTHORIZATION, bearer(token.expose())),
            Auth::OAuth2(_) => {
                let token = self.token.as_ref()?;
                (AUTHORIZATION, bearer(token.secret.expose()))
            }
        };
        value.map(|value| (name, value))
    }
}

fn bearer(token: &str) -> Option<HeaderValue> {
    token::sensitive(&format!("Bearer {token}"))
}

/// Largest body of a failure that is taken, in bytes.
const MAX_FAILURE: usize = 64 * 1024;

/// Takes an answer. The body of a failure is of little use and is left out when it is large.
async fn taken(
    answer: Response<Incoming>,
    place: &str,
    most: usize,
) -> Result<Answer, ConnectError> {
    let (head, incoming) = answer.into_parts();
    let body = if head.status.is_success() {
        body::take(incoming, place, most).await?
    } else {
        let failure = body::take(incoming, place, most.min(MAX_FAILURE)).await;
        failure.unwrap_or_default()
    };
    Ok(Answer {
        headers: head.headers,
        status: head.status,
        body,
    })
}

/// Returns an answer of success, or the error that it is.
fn judged(answer: Answer, place: &str, auth: &Auth) -> Result<Answer, ConnectError> {
    if matches!(answer.status.as_u16(), 200 | 204 | 206) {
        return Ok(answer);
    }
    let login = match auth {
        Auth::None => "set `auth`: the server wants a login",
        Auth::Key { .. } => "check `key` and where it goes, and that it has not been withdrawn",
        Auth::Bearer(_) => "check `token`, and that it has not been withdrawn",
        Auth::Basic { .. } => "check `user` and `password`",
        Auth::OAuth2(_) => "check `scopes`, and that the server trusts `token_url`",
    };
    Err(fault::of_status(
        place,
        answer.status,
        &answer.headers,
        login,
    ))
}

async fn within<T>(
    limit: Duration,
    place: &str,
    work: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(fault::timed_out(place, limit.as_secs().max(1))),
    }
}

fn of_hyper(place: &str, error: &hyper::Error) -> ConnectError {
    if error.is_parse() {
        let what = "is answered with something that is not HTTP";
        return ConnectError::configuration(place, what, "check the port and the scheme of `url`");
    }
    fault::broke_off(place)
}
