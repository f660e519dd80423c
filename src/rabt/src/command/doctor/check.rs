//! The checks of `rabt doctor`. None of them changes anything.

mod stamps;
mod tls;

use std::net::TcpListener;
use std::path::Path;

use rabt_model::{Clock, SourceId, SystemClock};
use rabt_service::SourceState;
use rabt_service::oversight::OVERDUE_DAYS;
use rabt_storage::{Storage, StorageError};

use super::{Finding, Outcome};
use crate::app::Settled;
use crate::config::redact_url;
use crate::keys;

/// Runs every check, in the order in which a start would need them.
pub(super) async fn all(settled: &Settled) -> Vec<Finding> {
    let mut findings = vec![Finding::pass("settings", "every setting is right")];
    findings.extend(tls::all(settled));
    findings.push(audit_keys(settled));
    findings.push(agreements(settled));
    findings.push(match settled.model() {
        Ok(model) => {
            let short = model.fingerprint().get(..12).unwrap_or_default().to_owned();
            Finding::pass("linkage model", format!("loads, fingerprint {short}"))
        }
        Err(error) => Finding::fail("linkage model", &error),
    });
    findings.push(match settled.survivorship() {
        Ok(rules) => {
            let short = rules.fingerprint().get(..12).unwrap_or_default().to_owned();
            Finding::pass("survivorship rules", format!("load, fingerprint {short}"))
        }
        Err(error) => Finding::fail("survivorship rules", &error),
    });
    findings.extend(addresses(settled));
    findings.extend(storage(settled).await);
    findings.extend(at_rest(settled));
    findings
}

/// Says what lies on disk in plain.
fn at_rest(settled: &Settled) -> Vec<Finding> {
    let url = settled.storage_url();
    let plain = "sealed by master.key: keys of persons, texts of corrections and emergencies; sealed by keys \
                 of their own: the image and secrets of sources; not encrypted by rabt: records and profiles, \
                 keys of rejected rows, folders and agreements, and the entries of the audit log, which hold no \
                 values";
    let Some(file) = url.strip_prefix("sqlite://").map(Path::new) else {
        let summary = format!("{}: {plain}", redact_url(&url));
        return vec![Finding::pass(
            "at rest",
            format!("{summary}; see that the database server's disk is"),
        )];
    };
    let mut findings: Vec<Finding> = private("at rest", file).into_iter().collect();
    let summary = format!("{}: {plain}; keep it on an encrypted disk", file.display());
    findings.push(Finding::pass("at rest", summary));
    findings
}

fn audit_keys(settled: &Settled) -> Finding {
    let folder = settled.path(&settled.config.audit.keys);
    let missing = [keys::CHECKPOINT, keys::PSEUDONYM, keys::MASTER]
        .into_iter()
        .find(|name| !folder.join(name).is_file());
    if missing.is_some() {
        let summary = format!("{}: not there yet", folder.display());
        let remedy = "the first start makes them; when a log is there already, restore them";
        return Finding::of("audit keys", Outcome::Warn, summary, remedy);
    }
    let mut all = [keys::CHECKPOINT, keys::PSEUDONYM, keys::MASTER].into_iter();
    let open = all.find_map(|name| private("audit keys", &folder.join(name)));
    open.unwrap_or_else(|| {
        let summary = format!("{}: there; have a backup", folder.display());
        Finding::pass("audit keys", summary)
    })
}

/// Returns a finding when others than its owner can read a key.
fn private(check: &'static str, path: &Path) -> Option<Finding> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let path = path.display();
            let summary = format!("{path}: others than its owner can read it (mode {mode:o})");
            return Some(Finding::of(
                check,
                Outcome::Warn,
                summary,
                format!("chmod 600 {path}"),
            ));
        }
    }
    None
}

fn agreements(settled: &Settled) -> Finding {
    match settled.agreements() {
        Ok(Some(_)) => Finding::pass("agreements", "the file loads"),
        Ok(None) => {
            let path = settled.path(&settled.config.agreements.bundle);
            Finding::of(
                "agreements",
                Outcome::Warn,
                format!("{}: not there; every question is denied", path.display()),
                "write the agreements and name the file in agreements.bundle",
            )
        }
        Err(error) => Finding::fail("agreements", &error),
    }
}

fn addresses(settled: &Settled) -> Vec<Finding> {
    let server = &settled.config.server;
    let both = [
        ("server.listen", &server.listen),
        ("server.admin_listen", &server.admin_listen),
    ];
    let finding = |(name, address): (&'static str, &String)| match TcpListener::bind(address) {
        Ok(_) => Finding::pass(name, format!("{address} is free")),
        Err(error) => Finding::of(
            name,
            Outcome::Warn,
            format!("{address}: {error}"),
            "fine when this node is running; otherwise end what listens there, or choose another",
        ),
    };
    both.into_iter().map(finding).collect()
}

async fn storage(settled: &Settled) -> Vec<Finding> {
    let url = settled.storage_url();
    let shown = redact_url(&url);
    let file = url.strip_prefix("sqlite://").map(Path::new);
    if file.is_some_and(|file| !file.exists()) {
        let summary = format!("{shown}: not there yet");
        let remedy = "the first start makes it; see that its folder can be written";
        return vec![Finding::of("storage", Outcome::Warn, summary, remedy)];
    }
    let remedy = "see storage.url in the settings";
    let storage = match rabt_storage::open(&url).await {
        Ok(storage) => storage,
        Err(error) => {
            let summary = error.to_string();
            return vec![Finding::of("storage", Outcome::Fail, summary, remedy)];
        }
    };
    let findings = state(settled, storage.as_ref())
        .await
        .unwrap_or_else(|error| {
            let summary = error.to_string();
            vec![Finding::of("storage", Outcome::Fail, summary, remedy)]
        });
    storage.close().await;
    findings
}

async fn state(settled: &Settled, storage: &dyn Storage) -> Result<Vec<Finding>, StorageError> {
    storage.probe().await?;
    let mut snapshot = storage.snapshot().await?;
    let records = snapshot.count_records().await?;
    let sources = snapshot.list_sources().await?;
    let backend = storage.backend();
    let summary = format!("{backend}: {records} records of {} sources", sources.len());
    let mut findings = vec![Finding::pass("storage", summary)];
    for source in sources {
        let stopped = matches!(
            source.state,
            SourceState::Degraded | SourceState::Quarantined
        );
        if stopped {
            let why = last_error(snapshot.runs(&source.id, 1).await?.first());
            let summary = format!("{} is {}{why}", source.id, source.state.as_str());
            let remedy = retry(&source.id);
            findings.push(Finding::of("source", Outcome::Warn, summary, remedy));
        }
    }
    findings.push(emergencies(storage).await?);
    findings.push(stamps::standing(settled, storage).await?);
    Ok(findings)
}

/// Says whether emergencies wait for somebody to look at them.
async fn emergencies(storage: &dyn Storage) -> Result<Finding, StorageError> {
    const CHECK: &str = "emergencies";
    let week = jiff::SignedDuration::from_hours(24 * OVERDUE_DAYS);
    let now = SystemClock.now();
    let log = storage.audit_log();
    let overdue = log
        .open_cases(now.saturating_sub(week).unwrap_or(now))
        .await?;
    let open = log.open_cases(now).await?;
    let summary = format!("{open} wait, {overdue} of them for a week or longer");
    Ok(if overdue == 0 {
        Finding::pass(CHECK, summary)
    } else {
        let remedy = "`rabt emergency list`, then confirm or dispute each, as somebody else";
        Finding::of(CHECK, Outcome::Warn, summary, remedy)
    })
}

fn last_error(run: Option<&rabt_storage::StoredRun>) -> String {
    let error = run.and_then(|run| run.error.as_ref());
    error.map_or_else(String::new, |error| format!(": {}", error.summary))
}

fn retry(source: &SourceId) -> String {
    format!("correct what it names, then `rabt source start {source}`")
}
