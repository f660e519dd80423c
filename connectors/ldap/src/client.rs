//! One connection to a server, logged in, that is asked one thing at a time.
//!
//! Invariant: whatever moves the connection ends with its owner, so a read that is given up leaves
//! nothing behind.

mod entry;
mod root;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ldap3::controls::{Control, ControlType, MakeCritical, PagedResults, RawControl};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchOptions, StdStream};
use rabt_connect::ConnectError;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use url::Url;

use crate::config::{Login, Search, Settings};
use crate::fault::{SIZE_LIMIT, endless, lost, of_login, of_search, timed_out, too_much};
use crate::wire::{self, Failure, Lost, Stream};
use crate::{ber, wire::carry};

pub(crate) use entry::Entry;
pub(crate) use root::{Paging, Root};

/// The attribute that stands for none (RFC 4511, 4.5.1.8).
pub(crate) const NO_ATTRIBUTE: &str = "1.1";

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// How much later than the server this side gives a page up.
const GRACE: Duration = Duration::from_secs(2);

/// Most bytes of a page, which is held in memory: 128 MiB. Tests send less.
pub(crate) const MAX_PAGE: usize = if cfg!(test) { 4 << 20 } else { 128 << 20 };

/// Empty pages in a row that are taken for a fault.
const MOST_EMPTY: u32 = 1_000;

/// A connection.
pub(crate) struct Client {
    ldap: Ldap,
    motion: JoinSet<()>,
    why: Arc<OnceLock<Lost>>,
    /// `server HOST:PORT`.
    server: String,
    page_size: u32,
    timeout: Duration,
    /// What the server says of itself.
    pub(crate) root: Root,
}

/// What to search for.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    /// What it is for, in errors: `table persons`.
    pub(crate) place: &'a str,
    pub(crate) base: &'a str,
    pub(crate) scope: Scope,
    pub(crate) filter: String,
    pub(crate) attributes: &'a [String],
    /// Names of attributes only, without values.
    pub(crate) names_only: bool,
    /// Most entries; 0 for all. With a limit there is one page.
    pub(crate) limit: u32,
}

/// Entries that came at once.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// References to other servers, which are not followed.
    pub(crate) references: u64,
    /// What asks for the next page; empty at the end.
    pub(crate) next: Vec<u8>,
}

/// How a search for a page ended.
enum Answer {
    Page(Page),
    /// The code that the server refuses it with.
    Refused(u32),
    /// More came than is held.
    TooMuch,
}

/// A search in progress.
pub(crate) struct Pages<'a> {
    ask: Ask<'a>,
    /// Nothing when there are no more pages.
    cookie: Option<Vec<u8>>,
    empty: u32,
}

impl<'a> Ask<'a> {
    /// Returns the question for the entries of a table.
    pub(crate) fn of(place: &'a str, search: &'a Search, attributes: &'a [String]) -> Self {
        Self {
            place,
            base: &search.base,
            scope: search.scope,
            filter: search.entries(),
            attributes,
            names_only: false,
            limit: 0,
        }
    }

    /// Returns the question with a filter of its own.
    pub(crate) fn with_filter(self, filter: String) -> Self {
        Self { filter, ..self }
    }

    /// Returns the question for a few of the entries.
    pub(crate) fn first(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// Returns the pages of the answer.
    pub(crate) fn pages(self) -> Pages<'a> {
        Pages {
            ask: self,
            cookie: Some(Vec::new()),
            empty: 0,
        }
    }
}

impl Pages<'_> {
    /// Returns the next page; nothing behind the last.
    pub(crate) async fn next(&mut self, client: &mut Client) -> Result<Option<Page>, ConnectError> {
        let Some(cookie) = self.cookie.take() else {
            return Ok(None);
        };
        let page = client.page(&self.ask, cookie).await?;
        self.empty = if page.entries.is_empty() {
            self.empty + 1
        } else {
            0
        };
        if self.empty > MOST_EMPTY {
            return Err(endless(self.ask.place));
        }
        if !page.next.is_empty() && self.ask.limit == 0 {
            self.cookie = Some(page.next.clone());
        }
        Ok(Some(page))
    }
}

impl Client {
    /// Connects, logs in and asks the server about itself.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, ConnectError> {
        let stream = wire::open(&settings.server, settings.connect_timeout)
            .await
            .map_err(Failure::into_error)?;
        let mut client = Self::over(stream, settings).await?;
        client.log_in(settings.login.as_ref()).await?;
        client.look().await?;
        Ok(client)
    }

    /// Returns a client over a stream that nobody has logged in to.
    pub(crate) async fn over(
        stream: Box<dyn Stream>,
        settings: &Settings,
    ) -> Result<Self, ConnectError> {
        let broken = || ConnectError::defect("ldap", "no pair of sockets can be made");
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(|_| broken())?;
        ours.set_nonblocking(true).map_err(|_| broken())?;
        let ours = UnixStream::from_std(ours).map_err(|_| broken())?;
        let url = Url::parse("ldapi:///").map_err(|_| broken())?;
        let given = LdapConnSettings::new().set_std_stream(StdStream::Unix(theirs));
        let (connection, ldap) = LdapConnAsync::from_url_with_settings(given, &url)
            .await
            .map_err(|_| broken())?;
        let why = Arc::new(OnceLock::new());
        let mut motion = JoinSet::new();
        motion.spawn(carry(stream, ours, Arc::clone(&why)));
        motion.spawn(async move {
            // Whoever waits for an answer is told by the handle.
            let _ = connection.drive().await;
        });
        Ok(Self {
            ldap,
            motion,
            why,
            server: settings.server.place(),
            page_size: settings.page_size,
            timeout: settings.timeout,
            root: Root::default(),
        })
    }

    /// Logs in; without an account, as nobody, which some servers do not let in.
    pub(crate) async fn log_in(&mut self, login: Option<&Login>) -> Result<(), ConnectError> {
        let (dn, password) = login.map_or(("", ""), |login| (&login.dn, login.password.expose()));
        let answer = self.ldap.simple_bind(dn, password);
        let result = match tokio::time::timeout(self.timeout + GRACE, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => return Err(self.lost().await),
            Err(_) => return Err(timed_out(&self.server, self.timeout.as_secs())),
        };
        match result.rc {
            0 => Ok(()),
            code => Err(of_login(&self.server, code)),
        }
    }

    /// Asks the server about itself. One that says nothing is taken as it comes.
    pub(crate) async fn look(&mut self) -> Result<(), ConnectError> {
        let attributes: Vec<String> = root::ATTRIBUTES.map(str::to_owned).into();
        let ask = Ask {
            place: "the root of the server",
            base: "",
            scope: Scope::Base,
            filter: crate::filter::present("objectClass"),
            attributes: &attributes,
            names_only: false,
            limit: 1,
        };
        match self.page(&ask, Vec::new()).await {
            Ok(page) => {
                self.root = page.entries.first().map(Root::of).unwrap_or_default();
                Ok(())
            }
            Err(ConnectError::Configuration { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Says goodbye.
    pub(crate) async fn close(mut self) {
        let goodbye = async {
            let _ = self.ldap.unbind().await;
            while self.motion.join_next().await.is_some() {}
        };
        // A server that does not listen is left without a word.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }

    /// Returns the first entries of an answer.
    pub(crate) async fn one_page(&mut self, ask: &Ask<'_>) -> Result<Page, ConnectError> {
        self.page(ask, Vec::new()).await
    }

    async fn page(&mut self, ask: &Ask<'_>, cookie: Vec<u8>) -> Result<Page, ConnectError> {
        let answer = self.try_page(ask, cookie).await?;
        answer.map_err(|code| of_search(ask.place, code))
    }

    /// Returns a page, or the code that the server refuses it with.
    pub(crate) async fn try_page(
        &mut self,
        ask: &Ask<'_>,
        cookie: Vec<u8>,
    ) -> Result<Result<Page, u32>, ConnectError> {
        let patience = self.timeout + GRACE;
        match tokio::time::timeout(patience, self.ask(ask, cookie)).await {
            Ok(Ok(Answer::Page(page))) => Ok(Ok(page)),
            Ok(Ok(Answer::Refused(code))) => Ok(Err(code)),
            Ok(Ok(Answer::TooMuch)) => Err(too_much(ask.place)),
            Ok(Err(LdapError::FilterParsing)) => Err(ConnectError::defect(
                ask.place,
                "made a filter that is none",
            )),
            Ok(Err(_)) => Err(self.lost().await),
            Err(_) => Err(timed_out(ask.place, self.timeout.as_secs())),
        }
    }

    async fn ask(&mut self, ask: &Ask<'_>, cookie: Vec<u8>) -> Result<Answer, LdapError> {
        let seconds = i32::try_from(self.timeout.as_secs()).unwrap_or(i32::MAX);
        let options = SearchOptions::new()
            .typesonly(ask.names_only)
            .timelimit(seconds.max(1))
            .sizelimit(i32::try_from(ask.limit).unwrap_or(i32::MAX));
        self.ldap.with_search_options(options);
        if let Some(control) = self.paging(ask.limit, cookie) {
            self.ldap.with_controls(vec![control]);
        }
        let attributes = ask.attributes.to_vec();
        let mut stream = self
            .ldap
            .streaming_search(ask.base, ask.scope, &ask.filter, attributes)
            .await?;
        let (mut page, mut held) = (Page::default(), 0);
        while let Some(item) = stream.next().await? {
            if item.is_ref() {
                page.references += 1;
            } else if !item.is_intermediate() {
                let entry = Entry::of(item.0);
                held += entry.as_ref().map_or(0, Entry::size);
                page.entries.extend(entry);
            }
            if held > MAX_PAGE {
                return Ok(Answer::TooMuch);
            }
        }
        let result = stream.finish().await;
        // Whoever asks for a few is content with them.
        let enough = result.rc == SIZE_LIMIT && ask.limit > 0;
        if result.rc != 0 && !enough {
            return Ok(Answer::Refused(result.rc));
        }
        page.next = result.ctrls.iter().find_map(cookie_of).unwrap_or_default();
        Ok(Answer::Page(page))
    }

    fn paging(&self, limit: u32, cookie: Vec<u8>) -> Option<RawControl> {
        if limit > 0 {
            return None;
        }
        let size = i32::try_from(self.page_size).unwrap_or(i32::MAX);
        let control = PagedResults { size, cookie };
        match self.root.paging {
            Paging::Offered => Some(control.critical().into()),
            Paging::Untold => Some(control.into()),
            Paging::Missing => None,
        }
    }

    /// Returns why the connection has ended.
    async fn lost(&mut self) -> ConnectError {
        // What carries the messages knows why, and ends with them.
        let ending = async { while self.motion.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GOODBYE, ending).await;
        lost(
            &self.server,
            self.why.get().copied().unwrap_or(Lost::Closed),
        )
    }
}

fn cookie_of(control: &Control) -> Option<Vec<u8>> {
    match control {
        Control(Some(ControlType::PagedResults), raw) => ber::cookie(raw.val.as_deref()?),
        Control(..) => None,
    }
}
