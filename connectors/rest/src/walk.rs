//! From page to page of one table.
//!
//! Invariant: a walk ends. No page is asked for twice, and a page whose rows came before is an
//! error.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use rabt_connect::{ConnectError, Session};
use url::Url;

use crate::client::{Answer, Client};
use crate::config::{self, Auth, CURSOR, Endpoint, KeyPlace, Last, Paging, Settings};
use crate::page::{Asked, At, Opening, Page};

/// A server whose tables are walked.
pub(crate) struct Server {
    pub(crate) settings: Arc<Settings>,
    pub(crate) client: Client,
}

/// A walk through one table.
pub(crate) struct Walk {
    pub(crate) table: String,
    pub(crate) endpoint: Endpoint,
    /// The columns to ask for; none for all.
    columns: Vec<String>,
    /// The cursor value to ask from.
    since: Option<String>,
    /// Each page that was asked for and each page's rows, as fingerprints, and which page it was.
    asked: HashMap<u64, u64>,
    given: HashMap<u64, u64>,
    pages: u64,
}

impl Server {
    /// Returns the server of a session; nothing is reached.
    ///
    /// # Errors
    /// A configuration error for the first mistake of the configuration.
    pub(crate) fn of(session: &Session) -> Result<Self, ConnectError> {
        let settings = Arc::new(config::of_session(session)?);
        let client = Client::new(&settings, session)?;
        Ok(Self { settings, client })
    }

    /// Gets a page of a walk.
    ///
    /// # Errors
    /// By class; a data error when the paging repeats itself.
    pub(crate) async fn page(&mut self, walk: &mut Walk, at: &At) -> Result<Page, ConnectError> {
        let answer = self.answer(walk, at).await?;
        self.open(walk, at, answer).await
    }

    /// Gets the answer that a page is in.
    pub(crate) async fn answer(
        &mut self,
        walk: &mut Walk,
        at: &At,
    ) -> Result<Answer, ConnectError> {
        walk.pages += 1;
        let number = walk.pages;
        if let Some(before) = walk.asked.insert(fingerprint(at), number) {
            let what = match before {
                1 => format!("page {} leads back to where this read began", number - 1),
                _ => format!(
                    "page {} names the same next page as page {}",
                    number - 1,
                    before - 1
                ),
            };
            return Err(walk.repeats(&what));
        }
        let url = walk.url(&self.settings, at);
        let may_be_missing = walk.endpoint.last == Last::Missing && *at != At::Start;
        self.client.get(&url, &walk.place(), may_be_missing).await
    }

    /// Opens the page that is in an answer.
    pub(crate) async fn open(
        &mut self,
        walk: &mut Walk,
        at: &At,
        answer: Answer,
    ) -> Result<Page, ConnectError> {
        let mut secret_param = None;
        if let Auth::Key {
            place: KeyPlace::Param(param),
            ..
        } = &self.settings.auth
        {
            secret_param = Some(param.clone());
        }
        let opening = Opening {
            place: walk.place(),
            endpoint: walk.endpoint.clone(),
            max_page: self.settings.max_page,
            encoding: self.settings.encoding,
            asked: Asked {
                at: at.clone(),
                url: walk.url(&self.settings, at),
                secret_param,
            },
        };
        let opened = tokio::task::spawn_blocking(move || Page::open(answer, &opening)).await;
        let page =
            opened.map_err(|_| ConnectError::defect("rest", "reading a page panicked"))??;
        walk.note(&page)?;
        Ok(page)
    }
}

impl Walk {
    /// Returns a walk through a table.
    pub(crate) fn new(settings: &Settings, table: &str, columns: &[String]) -> Self {
        Self {
            table: table.to_owned(),
            endpoint: settings.endpoint(table).clone(),
            columns: columns.to_vec(),
            since: None,
            asked: HashMap::new(),
            given: HashMap::new(),
            pages: 0,
        }
    }

    /// Returns the walk through what has changed since a cursor value, that value included.
    pub(crate) fn since(self, since: Option<String>) -> Self {
        Self { since, ..self }
    }

    /// Returns what errors call the table.
    pub(crate) fn place(&self) -> String {
        format!("table {}", self.table)
    }

    /// Notes the rows of a page.
    fn note(&mut self, page: &Page) -> Result<(), ConnectError> {
        if page.count() == 0 {
            return Ok(());
        }
        let number = self.pages;
        match self.given.insert(page.fingerprint, number) {
            None => Ok(()),
            Some(before) => Err(self.repeats(&format!(
                "page {number} has the rows of page {before} again"
            ))),
        }
    }

    fn repeats(&self, what: &str) -> ConnectError {
        let remedy = match &self.endpoint.paging {
            Paging::Offset { param }
            | Paging::Page { param, .. }
            | Paging::Cursor { param, .. } => {
                format!(
                    "see that the server knows the parameter '{param}', and that `paging` is right"
                )
            }
            Paging::None | Paging::Link | Paging::Next { .. } => {
                "tell the agency; its links lead in a circle".to_owned()
            }
        };
        let what = format!("has a paging that repeats itself: {what}");
        ConnectError::data(self.place(), what, remedy)
    }

    /// Returns the address of a page, without credentials.
    fn url(&self, settings: &Settings, at: &At) -> Url {
        let mut url = settings.base.clone();
        if let At::Link { path, query } = at {
            url.set_path(path);
            url.set_query(query.as_deref());
            return url;
        }
        let path = self.endpoint.path.as_deref().unwrap_or(&self.table);
        if let Ok(mut segments) = url.path_segments_mut() {
            let parts = path.split('/').filter(|part| !part.is_empty());
            segments.pop_if_empty().extend(parts);
        }
        let pairs = self.pairs(at);
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        url
    }

    fn pairs(&self, at: &At) -> Vec<(String, String)> {
        let endpoint = &self.endpoint;
        let mut pairs = endpoint.query.clone();
        if let Some(since) = &self.since {
            let filled = endpoint.since.iter();
            pairs.extend(filled.map(|(name, value)| (name.clone(), value.replace(CURSOR, since))));
        }
        if let (Some(param), false) = (&endpoint.fields_param, self.columns.is_empty()) {
            pairs.push((param.clone(), self.columns.join(",")));
        }
        if let Some(size) = &endpoint.size {
            pairs.push((size.param.clone(), size.rows.to_string()));
        }
        match (&endpoint.paging, at) {
            (Paging::Offset { param }, At::Offset(rows)) => {
                pairs.push((param.clone(), rows.to_string()));
            }
            (Paging::Offset { param }, _) => pairs.push((param.clone(), "0".to_owned())),
            (Paging::Page { param, .. }, At::Page(number)) => {
                pairs.push((param.clone(), number.to_string()));
            }
            (Paging::Page { param, first }, _) => pairs.push((param.clone(), first.to_string())),
            (Paging::Cursor { param, .. }, At::Cursor(cursor)) => {
                pairs.push((param.clone(), cursor.clone()));
            }
            _ => {}
        }
        pairs
    }
}

fn fingerprint(at: &At) -> u64 {
    let mut hasher = DefaultHasher::new();
    at.hash(&mut hasher);
    hasher.finish()
}
