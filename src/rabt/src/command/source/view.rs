//! Sources and their runs, as rows for people and objects for programs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rabt_proto::connector as pb;
use serde::Serialize;

use super::quality::{self, QualityView};
use crate::render::table;

/// Registered sources.
#[derive(Debug, Serialize)]
pub(super) struct Sources {
    sources: Vec<SourceView>,
}

/// One source.
#[derive(Debug, Serialize)]
pub(super) struct SourceView {
    pub(super) source: String,
    agency: String,
    kind: String,
    state: &'static str,
    records: u64,
    rejections: BTreeMap<String, u64>,
    quality: QualityView,
    created_at: Option<String>,
    updated_at: Option<String>,
    in_force: Option<FolderView>,
    open: Option<FolderView>,
}

/// A version of an agency's folder.
#[derive(Debug, Serialize)]
pub(super) struct FolderView {
    agency: String,
    version: u32,
    state: &'static str,
    author: String,
    approver: String,
    created_at: Option<String>,
    updated_at: Option<String>,
}

/// A version of a folder, and where it was written.
#[derive(Debug, Serialize)]
pub(super) struct FolderFacts {
    pub(super) folder: FolderView,
    pub(super) written: String,
}

/// One reading of a source.
#[derive(Debug, Serialize)]
pub(super) struct RunView {
    run: String,
    state: &'static str,
    started_at: Option<String>,
    ended_at: Option<String>,
    rows: u64,
    records: u64,
    rejected: u64,
    unchanged: u64,
    deleted: u64,
    late: u64,
    error: String,
}

/// A run that was started.
#[derive(Debug, Serialize)]
pub(super) struct Started {
    #[serde(flatten)]
    pub(super) run: RunView,
}

/// Sources with their runs, newest first.
#[derive(Debug, Default, Serialize)]
pub(super) struct Status {
    sources: Vec<SourceStatus>,
}

#[derive(Debug, Serialize)]
struct SourceStatus {
    #[serde(flatten)]
    source: SourceView,
    runs: Vec<RunView>,
}

impl Sources {
    /// Returns the sources as they were answered.
    pub(super) fn of(sources: &[pb::Source]) -> Self {
        Self {
            sources: sources.iter().map(SourceView::of).collect(),
        }
    }

    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        if self.sources.is_empty() {
            return "no source is registered".to_owned();
        }
        let rows = self.sources.iter().map(|source| {
            let since = source.updated_at.clone().unwrap_or_default();
            let version = |view: &Option<FolderView>| view.as_ref().map(FolderView::short);
            vec![
                source.source.clone(),
                source.agency.clone(),
                source.kind.clone(),
                source.state.to_owned(),
                source.records.to_string(),
                source.quarantine(),
                version(&source.in_force).unwrap_or_default(),
                version(&source.open).unwrap_or_default(),
                since,
            ]
        });
        table(
            &[
                "source",
                "agency",
                "kind",
                "state",
                "records",
                "quarantine",
                "folder",
                "worked on",
                "since",
            ],
            rows,
        )
    }
}

impl SourceView {
    /// Returns one source.
    pub(super) fn of(source: &pb::Source) -> Self {
        let name = &source.name;
        Self {
            source: name.strip_prefix("sources/").unwrap_or(name).to_owned(),
            agency: source.agency.clone(),
            kind: source.kind.clone(),
            state: state(source.state()),
            records: source.record_count,
            rejections: rejections(&source.rejections),
            in_force: source.in_force.as_ref().map(FolderView::of),
            open: source.open.as_ref().map(FolderView::of),
            quality: QualityView::of(source),
            created_at: instant(source.create_time.as_ref()),
            updated_at: instant(source.update_time.as_ref()),
        }
    }
}

impl SourceView {
    /// Returns what was put aside, by reason.
    fn quarantine(&self) -> String {
        let counts = self.rejections.iter();
        let counts: Vec<String> = counts
            .map(|(why, count)| format!("{count} {why}"))
            .collect();
        counts.join(", ")
    }
}

const fn state(state: pb::SourceState) -> &'static str {
    match state {
        pb::SourceState::Unspecified => "unknown",
        pb::SourceState::Draft => "draft",
        pb::SourceState::Checked => "checked",
        pb::SourceState::Discovered => "discovered",
        pb::SourceState::Mapped => "mapped",
        pb::SourceState::Previewed => "previewed",
        pb::SourceState::Approved => "approved",
        pb::SourceState::Snapshot => "snapshot",
        pb::SourceState::Live => "live",
        pb::SourceState::Degraded => "degraded",
        pb::SourceState::Quarantined => "quarantined",
        pb::SourceState::Paused => "paused",
        pb::SourceState::Retired => "retired",
    }
}

/// Returns counts by reason and place: `bad_date of person.DOB`.
fn rejections(counts: &[pb::RejectionCount]) -> BTreeMap<String, u64> {
    let place = |one: &pb::RejectionCount| match (one.stream.as_str(), one.column.as_str()) {
        ("", _) => one.reason.clone(),
        (stream, "") => format!("{} in {stream}", one.reason),
        (stream, column) => format!("{} in {stream}.{column}", one.reason),
    };
    let mut by_place = BTreeMap::new();
    for one in counts {
        *by_place.entry(place(one)).or_default() += one.count;
    }
    by_place
}

impl FolderView {
    /// Returns one version.
    pub(super) fn of(folder: &pb::Folder) -> Self {
        Self {
            agency: folder.agency.clone(),
            version: folder.version,
            state: match folder.state() {
                pb::FolderState::Unspecified => "unknown",
                pb::FolderState::Draft => "draft",
                pb::FolderState::Checked => "checked",
                pb::FolderState::Discovered => "discovered",
                pb::FolderState::Mapped => "mapped",
                pb::FolderState::Previewed => "previewed",
                pb::FolderState::Approved => "approved",
                pb::FolderState::Withdrawn => "withdrawn",
            },
            author: folder.author.clone(),
            approver: folder.approver.clone(),
            created_at: instant(folder.create_time.as_ref()),
            updated_at: instant(folder.update_time.as_ref()),
        }
    }

    fn short(&self) -> String {
        format!("{} {}", self.version, self.state)
    }

    /// Returns one line for people.
    pub(super) fn to_text(&self) -> String {
        let approver = match self.approver.as_str() {
            "" => String::new(),
            approver => format!(", approved by {approver}"),
        };
        format!(
            "folder of {}, version {}: {}, handed in by {}{approver}",
            self.agency, self.version, self.state, self.author
        )
    }
}

impl FolderFacts {
    /// Returns the lines for people.
    pub(super) fn to_text(&self) -> String {
        format!("{}\nwritten to {}", self.folder.to_text(), self.written)
    }
}

impl RunView {
    /// Returns one run.
    pub(super) fn of(run: &pb::Run) -> Self {
        Self {
            run: run.name.rsplit('/').next().unwrap_or_default().to_owned(),
            state: match run.state() {
                pb::RunState::Unspecified => "unknown",
                pb::RunState::Running => "running",
                pb::RunState::Succeeded => "succeeded",
                pb::RunState::Failed => "failed",
                pb::RunState::Cancelled => "cancelled",
                pb::RunState::Interrupted => "interrupted",
            },
            started_at: instant(run.start_time.as_ref()),
            ended_at: instant(run.end_time.as_ref()),
            rows: run.row_count,
            records: run.record_count,
            rejected: run.rejected_count,
            unchanged: run.unchanged_count,
            deleted: run.deleted_count,
            late: run.late_count,
            error: run.failure.clone().unwrap_or_default().summary,
        }
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.run.clone(),
            self.state.to_owned(),
            self.started_at.clone().unwrap_or_default(),
            self.rows.to_string(),
            self.records.to_string(),
            self.unchanged.to_string(),
            self.deleted.to_string(),
            self.late.to_string(),
            self.rejected.to_string(),
            self.error.clone(),
        ]
    }
}

const RUN_HEAD: [&str; 10] = [
    "run",
    "state",
    "started",
    "rows",
    "records",
    "unchanged",
    "deleted",
    "late",
    "rejected",
    "error",
];

impl Started {
    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        table(&RUN_HEAD, [self.run.cells()])
    }
}

impl Status {
    /// Adds a source with its runs.
    pub(super) fn put(&mut self, source: SourceView, runs: &[pb::Run]) {
        let runs = runs.iter().map(RunView::of).collect();
        self.sources.push(SourceStatus { source, runs });
    }

    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        let mut rows = Vec::new();
        for SourceStatus { source, runs } in &self.sources {
            let first = [source.source.clone(), source.state.to_owned()];
            if runs.is_empty() {
                let mut row = first.to_vec();
                row.resize(2 + RUN_HEAD.len(), String::new());
                rows.push(row);
            }
            for run in runs {
                rows.push(first.iter().cloned().chain(run.cells()).collect());
            }
        }
        let head: Vec<&str> = ["source", "now"].into_iter().chain(RUN_HEAD).collect();
        let sources = self.sources.iter();
        let qualities: Vec<_> = sources
            .map(|status| (status.source.source.as_str(), &status.source.quality))
            .collect();
        table(&head, rows) + &quality::to_text(&qualities)
    }
}

fn instant(at: Option<&prost_types::Timestamp>) -> Option<String> {
    let at = at?;
    let instant = Timestamp::new(at.seconds, at.nanos).ok()?;
    Some(instant.to_string())
}

#[cfg(test)]
mod tests {
    use rabt_proto::connector as pb;

    use super::{RunView, SourceView, Started, Status};

    #[test]
    fn a_source_without_runs_is_still_shown() {
        let source = pb::Source {
            name: "sources/tax".to_owned(),
            state: pb::SourceState::Approved.into(),
            ..Default::default()
        };
        let mut status = Status::default();
        status.put(SourceView::of(&source), &[]);
        assert!(status.to_text().contains("tax"));
    }

    #[test]
    fn what_was_deleted_and_what_came_late_is_shown() {
        let run = pb::Run {
            deleted_count: 41,
            late_count: 43,
            ..Default::default()
        };
        let started = Started {
            run: RunView::of(&run),
        };
        let text = started.to_text();
        assert!(text.contains("41") && text.contains("43"), "{text}");
    }
}
