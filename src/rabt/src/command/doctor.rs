//! `rabt doctor`: would this node start, and is it well; every finding with its remedy.

mod check;

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::{ConfigFile, block_on};
use crate::error::{CommandError, Exit};
use crate::render::{Render, table};

/// `rabt doctor`
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    file: ConfigFile,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// As it should be.
    Pass,
    /// The node starts, and somebody should look.
    Warn,
    /// The node does not start, or does not do its work.
    Fail,
}

/// What a check found.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    check: &'static str,
    outcome: Outcome,
    summary: String,
    remedy: String,
}

#[derive(Serialize)]
struct Health {
    healthy: bool,
    base: PathBuf,
    findings: Vec<Finding>,
}

impl Finding {
    fn pass(check: &'static str, summary: impl Into<String>) -> Self {
        Self::of(check, Outcome::Pass, summary, "")
    }

    fn of(
        check: &'static str,
        outcome: Outcome,
        summary: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            check,
            outcome,
            summary: summary.into(),
            remedy: remedy.into(),
        }
    }

    /// Turns an error of another command into a finding.
    fn fail(check: &'static str, error: &CommandError) -> Self {
        let messages: Vec<&str> = error.faults().iter().map(|f| f.message.as_str()).collect();
        let help = error.faults().first().map(|fault| fault.help.clone());
        let remedy = help.unwrap_or_default();
        Self::of(check, Outcome::Fail, messages.join("; "), remedy)
    }
}

/// Runs every check.
pub(crate) fn run(args: &DoctorArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let settled = args.file.settle()?;
    let findings = block_on(async { Ok(check::all(&settled).await) })?;
    let failed = |finding: &Finding| finding.outcome == Outcome::Fail;
    let findings = Health {
        healthy: !findings.iter().any(failed),
        base: settled.base,
        findings,
    };
    render.result(&findings, || {
        let rows = findings.findings.iter().map(|finding| {
            let outcome = match finding.outcome {
                Outcome::Pass => "pass",
                Outcome::Warn => "warn",
                Outcome::Fail => "FAIL",
            };
            vec![
                outcome.to_owned(),
                finding.check.to_owned(),
                finding.summary.clone(),
                finding.remedy.clone(),
            ]
        });
        table(&["", "check", "finding", "remedy"], rows)
    });
    Ok(if findings.healthy {
        ExitCode::SUCCESS
    } else {
        Exit::Failed.into()
    })
}
