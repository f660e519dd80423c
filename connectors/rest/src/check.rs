//! Whether a source can be read, and whether it could be read more safely.

use rabt_connect::{ConnectError, Finding, Session};
use rabt_model::{Clock, SystemClock};

use url::{Host, Url};

use crate::client::Answer;
use crate::config::{Auth, Paging};
use crate::fault::date_of;
use crate::page::At;
use crate::walk::{Server, Walk};

/// Difference of two clocks, in seconds, that is worth telling.
const SKEW: i64 = 5 * 60;

/// What was seen of the tables.
#[derive(Default)]
struct Seen {
    /// Tables whose rows were found, and how many rows of the first page.
    found: usize,
    empty: Vec<String>,
    paged: usize,
    /// Whether the server gave a page, of whatever form.
    answered: bool,
    login: Option<ConnectError>,
    rows: Option<ConnectError>,
    paging: Option<ConnectError>,
    /// How far the server's clock is ahead, in seconds.
    ahead: Option<i64>,
}

/// Returns every finding about a source. Two pages of each listed table are asked for.
pub(crate) async fn check(session: &Session) -> Vec<Finding> {
    let mut server = match Server::of(session) {
        Ok(server) => server,
        Err(error) => return vec![Finding::of_error("config", &error)],
    };
    let name = server.settings.server();
    if let Err(error) = server.client.reach().await {
        if error.is_transient() {
            return vec![Finding::of_error("reach", &error)];
        }
        let reached = Finding::pass("reach", format!("{name} answers"));
        return vec![reached, Finding::of_error("tls", &error)];
    }
    let mut findings = vec![
        Finding::pass("reach", format!("{name} answers")),
        tls(&server),
    ];
    if let Err(error) = server.client.log_in().await {
        findings.push(Finding::of_error("login", &error));
        return findings;
    }
    let names: Vec<String> = server.settings.tables.keys().cloned().collect();
    if names.is_empty() {
        let remedy = "list them: [source.config.tables.persons]";
        let summary = "no table is listed, so login, rows and paging were not tried";
        findings.push(Finding::warn("rows", summary, remedy));
        return findings;
    }
    let mut seen = Seen::default();
    for name in &names {
        look(&mut server, name, &mut seen).await;
    }
    findings.extend(seen.findings(&server));
    findings
}

fn tls(server: &Server) -> Finding {
    let settings = &server.settings;
    let mut ways = vec![way(&settings.base)];
    if let Auth::OAuth2(oauth2) = &settings.auth {
        ways.push(way(&oauth2.token_url));
    }
    if ways.contains(&Way::Open) {
        let summary = if matches!(settings.auth, Auth::None) {
            "the connection is not encrypted"
        } else {
            "the connection is not encrypted, and the login is sent in clear"
        };
        let remedy = "write https:// in `url`, and in `token_url` where there is one";
        return Finding::warn("tls", summary, remedy);
    }
    if ways.contains(&Way::Local) {
        return Finding::pass("tls", "the connection does not leave this machine");
    }
    Finding::pass("tls", "the connection is encrypted")
}

/// How safe the way to a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Encrypted,
    /// In clear, inside this machine.
    Local,
    /// In clear.
    Open,
}

fn way(url: &Url) -> Way {
    if url.scheme() == "https" {
        return Way::Encrypted;
    }
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if local { Way::Local } else { Way::Open }
}

/// Looks at the first two pages of a table.
async fn look(server: &mut Server, name: &str, seen: &mut Seen) {
    let mut walk = Walk::new(&server.settings, name, &[]);
    let answer = match server.answer(&mut walk, &At::Start).await {
        Ok(answer) => answer,
        Err(error) => {
            let refused = server.client.refused;
            let place = if refused {
                &mut seen.login
            } else {
                &mut seen.rows
            };
            place.get_or_insert(error);
            return;
        }
    };
    seen.answered = true;
    seen.ahead = seen.ahead.or_else(|| ahead(&answer));
    let page = match server.open(&mut walk, &At::Start, answer).await {
        Ok(page) => page,
        Err(error) => {
            seen.rows.get_or_insert(error);
            return;
        }
    };
    if page.count() == 0 {
        seen.empty.push(name.to_owned());
    } else {
        seen.found += 1;
    }
    let Some(next) = page.next else {
        return;
    };
    match server.page(&mut walk, &next).await {
        Ok(_) => seen.paged += 1,
        Err(error) => {
            seen.paging.get_or_insert(error);
        }
    }
}

fn ahead(answer: &Answer) -> Option<i64> {
    let date = date_of(&answer.headers)?;
    Some(date.duration_since(SystemClock.now()).as_secs())
}

impl Seen {
    fn findings(self, server: &Server) -> Vec<Finding> {
        let login = match &self.login {
            Some(error) => Finding::of_error("login", error),
            None if matches!(server.settings.auth, Auth::None) => {
                Finding::pass("login", "no login is asked for")
            }
            None if self.answered => Finding::pass("login", "the login is taken"),
            None => Finding::warn(
                "login",
                "whether the login is taken could not be tried",
                "correct what `rows` tells, then check again",
            ),
        };
        let mut findings = vec![login];
        if self.answered {
            findings.push(clock(self.ahead));
        }
        if self.login.is_some() && self.found == 0 && self.rows.is_none() {
            return findings;
        }
        findings.push(match &self.rows {
            Some(error) => Finding::of_error("rows", error),
            None if self.empty.is_empty() => {
                Finding::pass("rows", "every table has rows where they should be")
            }
            None => {
                let summary = format!("there are no rows in {}", self.empty.join(", "));
                Finding::warn(
                    "rows",
                    summary,
                    "see that `query` does not leave them all out",
                )
            }
        });
        if let Some(error) = &self.paging {
            findings.push(Finding::of_error("paging", error));
        } else if self.rows.is_none() {
            findings.push(paging(server, self.paged));
        }
        findings
    }
}

fn clock(ahead: Option<i64>) -> Finding {
    match ahead {
        None => Finding::pass("clock", "the server does not tell its time"),
        Some(seconds) if seconds.abs() <= SKEW => {
            Finding::pass("clock", "the server's clock agrees with this one")
        }
        Some(seconds) => {
            let way = if seconds > 0 { "ahead of" } else { "behind" };
            let summary = format!("the server's clock is {} s {way} this one", seconds.abs());
            let remedy =
                "set both by NTP; until then, give incremental streams a `lag` of that size";
            Finding::warn("clock", summary, remedy)
        }
    }
}

fn paging(server: &Server, paged: usize) -> Finding {
    let mut kinds = server.settings.tables.values().map(|table| &table.paging);
    let summary = if kinds.all(|kind| *kind == Paging::None) {
        "each table is one page".to_owned()
    } else if paged == 0 {
        "no table has a second page, so paging could not be tried".to_owned()
    } else {
        format!("the second page is another one, in each of {paged} tables that have one")
    };
    Finding::pass("paging", summary)
}

#[cfg(test)]
mod tests {
    use super::{Way, way};

    #[test]
    fn ways_are_told_apart() {
        for (url, expected) in [
            ("https://api.example/", Way::Encrypted),
            ("http://localhost:1/", Way::Local),
            ("http://127.0.0.2/", Way::Local),
            ("http://[::1]/", Way::Local),
            ("http://localhost.example/", Way::Open),
            ("http://10.0.0.1/", Way::Open),
        ] {
            assert_eq!(way(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
