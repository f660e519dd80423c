//! Whether a source can be read, and whether it could be read more safely.

use rabt_connect::{ConnectError, Finding, Session};

use crate::client::{Ask, Client, NO_ATTRIBUTE, Paging};
use crate::config::{Privacy, Search, Settings, of_session};
use crate::fault::{SIZE_LIMIT, of_search};
use crate::read::ENTRY_UUID;
use crate::schema::Schema;
use crate::wire::{self, Failure};

/// Entries of a table that are counted: more than servers give at once when nothing was agreed.
const COUNTED: usize = 1_001;

/// What was seen of the tables.
#[derive(Default)]
struct Seen {
    empty: Vec<String>,
    /// Tables that had a second page.
    paged: usize,
    references: u64,
    base: Option<ConnectError>,
    size_limit: Option<ConnectError>,
    rows: Option<ConnectError>,
}

/// Returns every finding about a source. The first entries of each listed table are counted.
pub(crate) async fn check(session: &Session) -> Vec<Finding> {
    let settings = match of_session(session) {
        Ok(settings) => settings,
        Err(error) => return vec![Finding::of_error("config", &error)],
    };
    let name = settings.server.place();
    let reached = Finding::pass("reach", format!("{name} answers"));
    let stream = match wire::open(&settings.server, settings.connect_timeout).await {
        Ok(stream) => stream,
        Err(Failure::Setup(error)) => return vec![Finding::of_error("config", &error)],
        Err(Failure::Reach(error)) => return vec![Finding::of_error("reach", &error)],
        Err(Failure::Tls(error)) => return vec![reached, Finding::of_error("tls", &error)],
    };
    let mut findings = vec![reached, tls(&settings)];
    let mut client = match Client::over(stream, &settings).await {
        Ok(client) => client,
        Err(error) => return vec![Finding::of_error("reach", &error)],
    };
    if let Err(error) = client.log_in(settings.login.as_ref()).await {
        findings.push(Finding::of_error("login", &error));
        return findings;
    }
    findings.push(login(&settings));
    match client.look().await {
        Ok(()) => findings.extend(look(&mut client, &settings).await),
        Err(error) => findings.push(Finding::of_error("reach_root", &error)),
    }
    client.close().await;
    findings
}

pub(crate) fn tls(settings: &Settings) -> Finding {
    let server = &settings.server;
    match server.privacy {
        Privacy::Tls | Privacy::StartTls => Finding::pass("tls", "the connection is encrypted"),
        Privacy::Clear if server.is_local() => {
            Finding::pass("tls", "the connection does not leave this machine")
        }
        Privacy::Clear => {
            let summary = if settings.login.is_some() {
                "the connection is not encrypted, and the password is sent in clear"
            } else {
                "the connection is not encrypted"
            };
            let remedy = "write ldaps:// in `url`, or set start_tls = true";
            Finding::warn("tls", summary, remedy)
        }
    }
}

fn login(settings: &Settings) -> Finding {
    let summary = match settings.login {
        Some(_) => "the login is taken",
        None => "the server answers without a login",
    };
    Finding::pass("login", summary)
}

async fn look(client: &mut Client, settings: &Settings) -> Vec<Finding> {
    // A server never tells what an account may write without being asked to write.
    let mut findings = vec![Finding::warn(
        "read_only",
        "a directory does not tell whether the login may write; nothing but searches is sent",
        "ask the agency for an account that may only read",
    )];
    match Schema::of(client).await {
        Ok(schema) => findings.extend(schema_findings(schema.as_ref(), settings)),
        Err(error) => {
            findings.push(Finding::of_error("schema", &error));
            return findings;
        }
    }
    let mut seen = Seen::default();
    if settings.tables.is_empty() {
        count(client, "the base", settings.everything(), &mut seen).await;
    }
    for (name, search) in &settings.tables {
        count(client, &format!("table {name}"), search, &mut seen).await;
    }
    findings.extend(seen.findings(client.root.paging));
    findings
}

fn schema_findings(schema: Option<&Schema>, settings: &Settings) -> Vec<Finding> {
    let Some(schema) = schema else {
        return vec![Finding::warn(
            "schema",
            "the login may not read the server's schema, so names of classes and attributes are not checked, and a snapshot has one checkpoint",
            "ask the agency for the right to read the subschema entry",
        )];
    };
    let classes = settings.tables.iter().flat_map(|(name, search)| {
        let classes = search.classes.iter();
        classes.map(move |class| (name, class))
    });
    let unknown = classes.filter(|(_, class)| schema.class(class).is_none());
    let unknown: Vec<String> = unknown
        .map(|(name, class)| format!("'{class}' of table {name}"))
        .collect();
    let named = if unknown.is_empty() {
        Finding::pass(
            "schema",
            "the server knows the object classes of the tables",
        )
    } else {
        let summary = format!(
            "the server does not know the object class {}",
            unknown.join(", ")
        );
        let remedy =
            "correct `class`, or the name of the table; `rabt source propose` shows what there is";
        Finding::fail("schema", summary, remedy)
    };
    let order = if schema.sort(ENTRY_UUID).is_some() {
        Finding::pass("order", "a snapshot can be cut into ranges of entryUUID")
    } else {
        Finding::warn(
            "order",
            "the server does not order entryUUID, so a snapshot has one checkpoint unless the key is ordered",
            "set `order` to an attribute that every entry has and the server orders, such as uSNCreated in Active Directory",
        )
    };
    vec![named, order]
}

/// Counts the first entries of a table.
async fn count(client: &mut Client, place: &str, search: &Search, seen: &mut Seen) {
    let attributes = [NO_ATTRIBUTE.to_owned()];
    let ask = Ask::of(place, search, &attributes);
    let (mut cookie, mut entries, mut pages) = (Vec::new(), 0, 0);
    loop {
        let page = match client.try_page(&ask, cookie).await {
            Ok(Ok(page)) => page,
            Ok(Err(code)) => {
                let slot = match code {
                    SIZE_LIMIT => &mut seen.size_limit,
                    10 | 32 | 34 => &mut seen.base,
                    _ => &mut seen.rows,
                };
                slot.get_or_insert(of_search(place, code));
                return;
            }
            Err(error) => {
                seen.rows.get_or_insert(error);
                return;
            }
        };
        pages += 1;
        if pages == 2 {
            seen.paged += 1;
        }
        entries += page.entries.len();
        seen.references += page.references;
        if page.next.is_empty() || entries >= COUNTED || page.entries.is_empty() {
            break;
        }
        cookie = page.next;
    }
    if entries == 0 {
        seen.empty.push(place.to_owned());
    }
}

impl Seen {
    fn findings(self, paging: Paging) -> Vec<Finding> {
        let base = match &self.base {
            Some(error) => Finding::of_error("base", error),
            None => Finding::pass("base", "the base is there"),
        };
        let mut findings = vec![base, self.paging(paging)];
        if let Some(error) = &self.size_limit {
            findings.push(Finding::of_error("size_limit", error));
        }
        if self.references > 0 {
            findings.push(Finding::warn(
                "referrals",
                "a part of the tree is at another server, and referrals are not followed",
                "register that server as a source of its own when its entries are wanted",
            ));
        }
        match &self.rows {
            Some(error) => findings.push(Finding::of_error("rows", error)),
            None if self.base.is_some() || self.size_limit.is_some() => {}
            None if self.empty.is_empty() => {
                findings.push(Finding::pass("rows", "every table has entries"));
            }
            None => findings.push(Finding::warn(
                "rows",
                format!("there are no entries in {}", self.empty.join(", ")),
                "check `base`, `scope` and `filter`, and whether the login may see the entries",
            )),
        }
        findings
    }

    fn paging(&self, paging: Paging) -> Finding {
        match paging {
            Paging::Missing => Finding::warn(
                "paging",
                "the server does not give answers page by page, so a table comes at once or not at all",
                "ask the agency to allow the paged results control (1.2.840.113556.1.4.319)",
            ),
            Paging::Offered | Paging::Untold if self.paged > 0 => {
                Finding::pass("paging", "answers come page by page")
            }
            Paging::Offered => Finding::pass(
                "paging",
                "the server gives answers page by page; no table has a second page to try it on",
            ),
            Paging::Untold => Finding::warn(
                "paging",
                "the server does not tell whether it gives answers page by page, and no table has a second page to try it on",
                "ask the agency whether the paged results control (1.2.840.113556.1.4.319) is allowed",
            ),
        }
    }
}
