//! What a demo found, as text and as one flat object.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use rabt_connector_synthetic::Made;
use serde::Serialize;

use super::DemoArgs;
use super::compare::{Compared, Example};
use super::folder::Folder;
use crate::error::CommandError;
use crate::meter::{Stage, Stages};

/// Everything a demo reports.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    databases: usize,
    records: u64,
    people: u32,
    citizens: u64,
    rejected: u64,
    precision: f64,
    recall: f64,
    over_merged: u64,
    cpu_seconds: f64,
    wall_seconds: f64,
    fingerprint: String,
    seed: u64,
    stages: Vec<Stage>,
    folder: String,
    address: String,
    admin_address: String,
    commands: Vec<String>,
}

impl Report {
    /// Returns the report without times and commands.
    pub(super) fn of(
        args: &DemoArgs,
        folder: &Folder,
        made: &Made,
        compared: &Compared,
        stages: &Stages,
    ) -> Self {
        Self {
            databases: made.databases,
            records: compared.records,
            people: args.people,
            citizens: compared.metrics.clusters,
            rejected: compared.rejected,
            precision: compared.metrics.precision(),
            recall: compared.metrics.recall(),
            over_merged: compared.metrics.over_merged,
            cpu_seconds: 0.0,
            wall_seconds: 0.0,
            fingerprint: compared.fingerprint.clone(),
            seed: args.seed,
            stages: stages.list().to_vec(),
            folder: folder.path().display().to_string(),
            address: String::new(),
            admin_address: String::new(),
            commands: Vec::new(),
        }
    }

    /// Adds the processor time between databases made and records served, and the whole time.
    pub(super) fn with_times(mut self, cpu_seconds: f64, wall: Duration) -> Self {
        self.cpu_seconds = cpu_seconds;
        self.wall_seconds = wall.as_secs_f64();
        self
    }

    /// Adds the addresses and the commands to try. A demo that runs once serves nobody.
    pub(super) fn with_commands(
        mut self,
        folder: &Folder,
        bound: &rabt_api::Bound,
        example: Option<&Example>,
    ) -> Result<Self, CommandError> {
        self.address = bound.addr.to_string();
        self.admin_address = bound.admin_addr.to_string();
        let profile = folder.write_profile(bound.addr)?;
        let rabt = executable();
        let profile = quote(&profile);
        if let Some(Example { national_id }) = example {
            let ask = |what: &str| {
                format!("{rabt} citizen {what} --profile {profile} --national-id {national_id}")
            };
            self.commands.push(ask("lookup"));
            self.commands.push(ask("explain birth.date"));
        }
        let settings = quote(&folder.path().join("rabt.toml"));
        self.commands
            .push(format!("{rabt} audit verify --config {settings}"));
        Ok(self)
    }

    /// Returns the report for people.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        let cpu = self.cpu_seconds;
        let lines = [
            (
                "read",
                format!("{} records from {} databases", self.records, self.databases),
            ),
            (
                "put aside",
                format!("{} rows or fields, each with its reason", self.rejected),
            ),
            (
                "found",
                format!(
                    "{} citizens; there are {} people",
                    self.citizens, self.people
                ),
            ),
            ("precision", format!("{:.5} of pairs", self.precision)),
            ("recall", format!("{:.5} of pairs", self.recall)),
            ("over-merged", format!("{} people", self.over_merged)),
            (
                "time",
                format!(
                    "{cpu:.1} CPU-s from databases to answers, {:.1} s in all",
                    self.wall_seconds
                ),
            ),
            ("fingerprint", self.fingerprint.clone()),
            ("folder", self.folder.clone()),
            ("serving on", self.address.clone()),
            ("health on", self.admin_address.clone()),
        ];
        for (name, value) in lines {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<12} {value}");
        }
        text.push_str("\nTry, in another terminal:\n");
        for command in &self.commands {
            let _ = writeln!(text, "  {command}");
        }
        text
    }
}

/// Returns how to call this executable: by its name when a shell finds it, else by its path.
fn executable() -> String {
    let Ok(this) = std::env::current_exe().and_then(|path| path.canonicalize()) else {
        return "rabt".to_owned();
    };
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .map(|folder| folder.join("rabt"))
        .find(|path| path.is_file());
    match found.and_then(|path| path.canonicalize().ok()) {
        Some(path) if path == this => "rabt".to_owned(),
        Some(_) | None => quote(&this),
    }
}

/// Returns a path as a shell reads it.
fn quote(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::quote;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(quote(Path::new("/tmp/rabt-demo-1")), "/tmp/rabt-demo-1");
        assert_eq!(quote(Path::new("/my demo/it's")), r"'/my demo/it'\''s'");
    }
}
