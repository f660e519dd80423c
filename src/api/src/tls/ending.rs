//! What ends when, and how soon.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use rabt_model::Timestamp;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use tracing::{error, warn};
use x509_parser::prelude::{ASN1Time, CertificateRevocationList, FromDer, X509Certificate};

use super::file::{Authorities, Lists, Served};
use super::kept::ALARM_INTERVAL;
use crate::TlsFiles;

/// A certificate or a list of `[tls]` and the time it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The setting under `tls`.
    pub setting: &'static str,
    /// The file.
    pub file: PathBuf,
    /// What it is.
    pub thing: Thing,
    /// Whose it is, as it says itself; may be empty.
    pub name: String,
    /// When its time begins.
    pub from: Timestamp,
    /// When its time ends.
    pub until: Timestamp,
}

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thing {
    /// A certificate of the server's chain.
    Server,
    /// A certificate of an authority of clients.
    Authority,
    /// A revocation list: its end is the time by which it names the next one.
    List,
}

/// How soon something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its time has not begun.
    Early,
    /// In good time.
    Far,
    /// Within 30 days.
    Month,
    /// Within 7 days.
    Week,
    /// Within a day.
    Day,
    /// It has ended.
    Over,
}

impl Ending {
    /// Returns how soon it ends. What was never good for long is not warned of in advance by more
    /// than half of its time: a list that is made anew each week would warn all the time.
    pub fn stage(&self, now: Timestamp) -> Stage {
        if now < self.from {
            return Stage::Early;
        }
        if now >= self.until {
            return Stage::Over;
        }
        let left = self.until.duration_since(now);
        let half = self.until.duration_since(self.from) / 2;
        let stages = [(1, Stage::Day), (7, Stage::Week), (30, Stage::Month)];
        let reached = stages.into_iter().find(|(days, _)| {
            let ahead = SignedDuration::from_hours(days * 24);
            left <= ahead && ahead <= half
        });
        reached.map_or(Stage::Far, |(_, stage)| stage)
    }
}

impl Thing {
    /// Returns what people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "the server's certificate",
            Self::Authority => "an authority's certificate",
            Self::List => "a revocation list",
        }
    }
}

/// Returns everything that ends.
pub(super) fn endings(
    files: &TlsFiles,
    served: &Served,
    authorities: &Authorities,
    lists: &[(&Path, &Lists)],
) -> Vec<Ending> {
    let mut all = Vec::new();
    for one in &served.chain {
        all.extend(of_certificate("cert", &files.cert, Thing::Server, one));
    }
    for one in authorities {
        let file = &files.client_ca;
        all.extend(of_certificate("client_ca", file, Thing::Authority, one));
    }
    for (file, lists) in lists {
        all.extend(lists.iter().filter_map(|list| of_list(file, list)));
    }
    all
}

fn of_certificate(
    setting: &'static str,
    file: &Path,
    thing: Thing,
    certificate: &CertificateDer<'_>,
) -> Option<Ending> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(Ending {
        setting,
        file: file.to_owned(),
        thing,
        name: certificate.subject().to_string(),
        from: time(certificate.validity().not_before)?,
        until: time(certificate.validity().not_after)?,
    })
}

fn of_list(file: &Path, list: &CertificateRevocationListDer<'_>) -> Option<Ending> {
    let (_, list) = CertificateRevocationList::from_der(list).ok()?;
    Some(Ending {
        setting: "crl",
        file: file.to_owned(),
        thing: Thing::List,
        name: list.issuer().to_string(),
        from: time(list.last_update())?,
        until: time(list.next_update()?)?,
    })
}

/// Returns the time until which a certificate is good; `None` when it cannot be read.
pub(super) fn until(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    time(certificate.validity().not_after)
}

fn time(time: ASN1Time) -> Option<Timestamp> {
    Timestamp::from_second(time.timestamp()).ok()
}

/// Tells in the log what ends soon, once for each stage; what is over, or early, from time to time.
#[derive(Debug, Default)]
pub(super) struct Herald {
    told: HashMap<(PathBuf, String, Timestamp), (Stage, Timestamp)>,
}

impl Herald {
    /// Tells what has not been told yet and returns how much that was.
    pub(super) fn tell(&mut self, endings: &[Ending], now: Timestamp) -> usize {
        let mut count = 0;
        for ending in endings {
            let stage = ending.stage(now);
            if stage == Stage::Far {
                continue;
            }
            let key = (ending.file.clone(), ending.name.clone(), ending.until);
            let told = self.told.get(&key).is_some_and(|(before, at)| {
                let lasts = matches!(stage, Stage::Over | Stage::Early);
                *before == stage && !(lasts && now.duration_since(*at) >= ALARM_INTERVAL)
            });
            if !told {
                self.told.insert(key, (stage, now));
                say(ending, stage, now);
                count += 1;
            }
        }
        count
    }
}

fn say(ending: &Ending, stage: Stage, now: Timestamp) {
    let (thing, file) = (ending.thing.as_str(), ending.file.display());
    let (name, until) = (&ending.name, ending.until);
    let hours = ending.until.duration_since(now).as_hours();
    match stage {
        Stage::Far => {}
        Stage::Early => error!(thing, %file, name, from = %ending.from, "its time has not begun"),
        Stage::Month | Stage::Week => warn!(thing, %file, name, %until, hours, "ends soon"),
        Stage::Day => error!(thing, %file, name, %until, hours, "ends within a day"),
        Stage::Over if ending.thing == Thing::List => {
            error!(thing, %file, name, %until, "is past its time and stays in force");
        }
        Stage::Over => error!(thing, %file, name, %until, "has ended"),
    }
}

#[cfg(test)]
mod tests;
