//! Sources, folders and runs, as they are answered.

use rabt_proto::connector::{
    Folder, FolderState, RejectionCount, Run, RunFailure, RunState, Source, SourceState,
    StreamProgress,
};
use rabt_service::operate::{FolderView, RunView, SourceView};

use super::{label, quality, timestamp};

pub(crate) fn source(view: &SourceView) -> Source {
    let rejections = view.rejections.iter();
    let streams = view.positions.iter();
    Source {
        name: format!("sources/{}", view.id),
        agency: view.agency.to_string(),
        kind: view.kind.clone(),
        state: source_state(view.state).into(),
        create_time: Some(timestamp(view.created_at)),
        update_time: Some(timestamp(view.updated_at)),
        agency_label: Some(label(&view.agency_label)),
        record_count: view.records,
        quality: Some(quality(&view.quality)),
        rejections: rejections
            .map(|held| RejectionCount {
                reason: held.reason.clone(),
                count: held.count,
                stream: held.stream.to_string(),
                column: held.column.clone(),
                field_only: held.field_only,
            })
            .collect(),
        in_force: view.in_force.as_ref().map(folder),
        open: view.open.as_ref().map(folder),
        streams: streams
            .map(|position| StreamProgress {
                stream: position.stream.to_string(),
                row_count: position.rows,
            })
            .collect(),
    }
}

fn source_state(state: rabt_service::SourceState) -> SourceState {
    use rabt_service::SourceState as Held;
    match state {
        Held::Draft => SourceState::Draft,
        Held::Checked => SourceState::Checked,
        Held::Discovered => SourceState::Discovered,
        Held::Mapped => SourceState::Mapped,
        Held::Previewed => SourceState::Previewed,
        Held::Approved => SourceState::Approved,
        Held::Snapshot => SourceState::Snapshot,
        Held::Live => SourceState::Live,
        Held::Degraded => SourceState::Degraded,
        Held::Quarantined => SourceState::Quarantined,
        Held::Paused => SourceState::Paused,
        Held::Retired => SourceState::Retired,
    }
}

pub(crate) fn run(view: &RunView) -> Run {
    Run {
        name: format!("sources/{}/runs/{}", view.source, view.run.0),
        state: run_state(view.state).into(),
        start_time: Some(timestamp(view.started_at)),
        end_time: view.finished_at.map(timestamp),
        row_count: view.counts.rows,
        record_count: view.counts.records,
        rejected_count: view.counts.rejected,
        unchanged_count: view.counts.unchanged,
        deleted_count: view.counts.deleted,
        late_count: view.counts.late,
        failure: view.error.as_ref().map(|error| RunFailure {
            reason: error.class.reason().to_owned(),
            summary: error.summary.clone(),
        }),
    }
}

fn run_state(state: rabt_service::RunState) -> RunState {
    use rabt_service::RunState as Held;
    match state {
        Held::Running => RunState::Running,
        Held::Succeeded => RunState::Succeeded,
        Held::Failed => RunState::Failed,
        Held::Cancelled => RunState::Cancelled,
        Held::Interrupted => RunState::Interrupted,
    }
}

pub(crate) fn folder(view: &FolderView) -> Folder {
    Folder {
        agency: view.agency.to_string(),
        version: view.version,
        state: folder_state(view.state).into(),
        author: view.author.clone(),
        approver: view.approver.clone().unwrap_or_default(),
        create_time: Some(timestamp(view.created_at)),
        update_time: Some(timestamp(view.updated_at)),
        base: view.base.display().to_string(),
    }
}

fn folder_state(state: rabt_service::FolderState) -> FolderState {
    use rabt_service::FolderState as Held;
    match state {
        Held::Draft => FolderState::Draft,
        Held::Checked => FolderState::Checked,
        Held::Discovered => FolderState::Discovered,
        Held::Mapped => FolderState::Mapped,
        Held::Previewed => FolderState::Previewed,
        Held::Approved => FolderState::Approved,
        Held::Withdrawn => FolderState::Withdrawn,
    }
}
