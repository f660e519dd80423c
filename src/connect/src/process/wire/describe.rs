//! What a kind says of itself, and what a check found.

use rabt_model::Label;
use rabt_proto::source as pb;

use super::{Misfit, shortened};
use crate::connector::{Capabilities, ConfigKey, Description, Finding, Outcome};
use crate::process::kept::keep;
use crate::process::{CHANGES, version};

/// Most keys of a configuration, and most findings of a check.
const MOST: usize = 1_000;
/// Longest name and longest sentence, in bytes.
const NAME: usize = 64;
const SENTENCE: usize = 1_024;

/// Returns a description as a message.
pub(in crate::process) fn describe_response(
    description: &Description,
    protocol: u32,
) -> pb::DescribeResponse {
    let key = |key: &ConfigKey| pb::ConfigKey {
        name: key.name.to_owned(),
        required: key.required,
        secret: key.secret,
        doc: key.doc.to_owned(),
    };
    pb::DescribeResponse {
        protocol,
        version: version().to_owned(),
        kind: description.kind.to_owned(),
        label_en: description.label.en.clone(),
        label_ar: description.label.ar.clone(),
        snapshot: description.capabilities.snapshot,
        incremental: description.capabilities.incremental,
        config: description.config.iter().map(key).collect(),
        changes: description.capabilities.changes && protocol >= CHANGES,
    }
}

/// Returns the description of a message.
pub(in crate::process) fn description_of(
    message: pb::DescribeResponse,
) -> Result<Description, Misfit> {
    let kind = name(&message.kind, "the name of a kind")?;
    if message.config.len() > MOST {
        return Err(Misfit::new("too many configuration keys"));
    }
    let config = message.config.iter().map(|key| {
        Ok(ConfigKey {
            name: name(&key.name, "the name of a configuration key")?,
            required: key.required,
            secret: key.secret,
            doc: lasting(&key.doc, SENTENCE, "the description of a key")?,
        })
    });
    Ok(Description {
        kind,
        config: config.collect::<Result<_, Misfit>>()?,
        label: Label::new(message.label_en, message.label_ar),
        capabilities: Capabilities {
            snapshot: message.snapshot,
            incremental: message.incremental,
            changes: message.changes && message.protocol >= CHANGES,
        },
    })
}

/// Returns a finding as a message.
pub(in crate::process) fn finding(finding: &Finding) -> pb::Finding {
    let outcome = match finding.outcome {
        Outcome::Pass => pb::Outcome::Pass,
        Outcome::Warn => pb::Outcome::Warn,
        Outcome::Fail => pb::Outcome::Fail,
    };
    pb::Finding {
        id: finding.id.to_owned(),
        outcome: outcome.into(),
        summary: finding.summary.clone(),
        remedy: finding.remedy.clone(),
    }
}

/// Returns the findings of a message.
pub(in crate::process) fn findings_of(
    response: &pb::CheckResponse,
) -> Result<Vec<Finding>, Misfit> {
    if response.findings.len() > MOST {
        return Err(Misfit::new(format!("more than {MOST} findings")));
    }
    response.findings.iter().map(finding_of).collect()
}

fn finding_of(message: &pb::Finding) -> Result<Finding, Misfit> {
    let outcome = match message.outcome() {
        pb::Outcome::Pass => Outcome::Pass,
        pb::Outcome::Warn => Outcome::Warn,
        pb::Outcome::Fail => Outcome::Fail,
        pb::Outcome::Unspecified => return Err(Misfit::new("a finding without an outcome")),
    };
    Ok(Finding {
        id: name(&message.id, "the name of a finding")?,
        outcome,
        summary: shortened(&message.summary),
        remedy: message.remedy.as_deref().map(shortened),
    })
}

fn name(text: &str, what: &str) -> Result<&'static str, Misfit> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
    if text.is_empty() || !text.chars().all(fits) {
        let rule = "is not of small letters, digits, '_', '-' and '.'";
        return Err(Misfit::new(format!("{what} that {rule}")));
    }
    lasting(text, NAME, what)
}

fn lasting(text: &str, most: usize, what: &str) -> Result<&'static str, Misfit> {
    if text.len() > most {
        return Err(Misfit::new(format!("{what} of more than {most} bytes")));
    }
    keep(text).ok_or_else(|| Misfit::new(format!("{what} after too many different ones")))
}
