//! Sources as operators see them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rabt_model::{AgencyId, Label, SourceId, Timestamp};
use rabt_policy::Caller;
use rabt_storage::{
    FolderState, RejectionCount, SourceState, StoredFolder, StoredPosition, StoredSource,
    Transaction,
};

use super::folder::parse;
use super::{READERS, allow, unknown};
use crate::error::OperateError;
use crate::quality::{self, Quality};
use crate::registry::base_of;
use crate::services::Services;

/// A registered source, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceView {
    /// Which source.
    pub id: SourceId,
    /// Whose it is.
    pub agency: AgencyId,
    /// What people call the agency.
    pub agency_label: Label,
    /// The connector's kind.
    pub kind: String,
    /// Where it stands.
    pub state: SourceState,
    /// Records held of it.
    pub records: u64,
    /// Rejections that stand against its rows, by stream, column and reason.
    pub rejections: Vec<RejectionCount>,
    /// How far its streams were read.
    pub positions: Vec<StoredPosition>,
    /// How good its data is.
    pub quality: Quality,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its manifest, mapping or state last changed.
    pub updated_at: Timestamp,
    /// The version of its agency's folder that is in force.
    pub in_force: Option<FolderView>,
    /// The version that is being worked on.
    pub open: Option<FolderView>,
}

/// A version of an agency's folder, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderView {
    /// Whose it is.
    pub agency: AgencyId,
    /// Its number.
    pub version: u32,
    /// Where it stands.
    pub state: FolderState,
    /// Who handed it in; empty for one from before this was kept.
    pub author: String,
    /// Who approved it.
    pub approver: Option<String>,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
    /// Where relative paths in its manifest start, at the node.
    pub base: PathBuf,
}

/// What every view needs, read once.
pub(super) struct Held {
    counts: Vec<(SourceId, u64)>,
    folders: BTreeMap<AgencyId, Vec<StoredFolder>>,
}

/// Returns a source.
///
/// # Errors
/// There is none of this id, or storage failed.
pub async fn get_source(
    services: &Services,
    caller: &Caller,
    id: &SourceId,
) -> Result<SourceView, OperateError> {
    allow(services, caller, "GetSource", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let mut held = Held::read(tx.as_mut()).await?;
    if let Some(source) = tx.get_source(id).await? {
        return held.view(services, tx.as_mut(), source).await;
    }
    let drafts = drafts(services, tx.as_mut()).await?;
    let draft = drafts.into_iter().find(|view| view.id == *id);
    draft.ok_or_else(|| unknown(id))
}

/// Returns every source, those that nobody has approved yet among them, in the order of the ids.
///
/// # Errors
/// Storage failed.
pub async fn list_sources(
    services: &Services,
    caller: &Caller,
) -> Result<Vec<SourceView>, OperateError> {
    allow(services, caller, "ListSources", &READERS).await?;
    let mut tx = services.storage.snapshot().await?;
    let mut held = Held::read(tx.as_mut()).await?;
    let mut views = BTreeMap::new();
    for view in drafts(services, tx.as_mut()).await? {
        views.insert(view.id.clone(), view);
    }
    for source in tx.list_sources().await? {
        let view = held.view(services, tx.as_mut(), source).await?;
        views.insert(view.id.clone(), view);
    }
    Ok(views.into_values().collect())
}

/// Returns the views of what is being worked on, as if none of it were in force.
pub(super) async fn drafts(
    services: &Services,
    tx: &mut dyn Transaction,
) -> Result<Vec<SourceView>, OperateError> {
    let mut views = Vec::new();
    for folder in tx.open_folders().await? {
        views.extend(draft_views(services, &folder));
    }
    Ok(views)
}

/// Returns the sources of a folder that is not in force; none when it no longer loads.
pub(super) fn draft_views(services: &Services, folder: &StoredFolder) -> Vec<SourceView> {
    let Ok(agency) = parse(services, &folder.manifest, &folder.mapping) else {
        tracing::error!(agency = %folder.agency, version = folder.version, "a folder does not load");
        return Vec::new();
    };
    let view = |spec: rabt_connect::SourceSpec| SourceView {
        id: spec.id,
        agency: agency.id.clone(),
        agency_label: agency.name.clone(),
        kind: spec.kind,
        state: state_of(folder.state),
        records: 0,
        rejections: Vec::new(),
        positions: Vec::new(),
        quality: Quality::default(),
        created_at: folder.created_at,
        updated_at: folder.updated_at,
        in_force: None,
        open: Some(FolderView::of(folder)),
    };
    agency.sources.into_iter().map(view).collect()
}

/// Returns the state of a source that has no other folder than this one.
const fn state_of(state: FolderState) -> SourceState {
    match state {
        FolderState::Draft | FolderState::Withdrawn => SourceState::Draft,
        FolderState::Checked => SourceState::Checked,
        FolderState::Discovered => SourceState::Discovered,
        FolderState::Mapped => SourceState::Mapped,
        FolderState::Previewed => SourceState::Previewed,
        FolderState::Approved => SourceState::Approved,
    }
}

impl Held {
    pub(super) async fn read(tx: &mut dyn Transaction) -> Result<Self, OperateError> {
        Ok(Self {
            counts: tx.count_records_by_source().await?,
            folders: BTreeMap::new(),
        })
    }

    /// Returns the view of a source that is in storage.
    pub(super) async fn view(
        &mut self,
        services: &Services,
        tx: &mut dyn Transaction,
        source: StoredSource,
    ) -> Result<SourceView, OperateError> {
        if !self.folders.contains_key(&source.agency) {
            let folders = tx.folders(&source.agency).await?;
            self.folders.insert(source.agency.clone(), folders);
        }
        let folders = self
            .folders
            .get(&source.agency)
            .map_or(&[][..], Vec::as_slice);
        let find = |wanted: fn(FolderState) -> bool| {
            let found = folders.iter().find(|folder| wanted(folder.state));
            found.map(FolderView::of)
        };
        let records = self.counts.iter().find(|(id, _)| *id == source.id);
        Ok(SourceView {
            records: records.map_or(0, |(_, count)| *count),
            rejections: tx.rejections_by_column(&source.id).await?,
            positions: tx.positions(&source.id).await?,
            quality: quality::of_source(services, tx, &source.id).await?,
            agency_label: services.registry.current().agency_label(&source.agency),
            in_force: find(|state| state == FolderState::Approved),
            open: find(FolderState::is_open),
            id: source.id,
            agency: source.agency,
            kind: source.kind,
            state: source.state,
            created_at: source.created_at,
            updated_at: source.updated_at,
        })
    }
}

impl FolderView {
    pub(super) fn of(folder: &StoredFolder) -> Self {
        Self {
            agency: folder.agency.clone(),
            version: folder.version,
            state: folder.state,
            author: folder.author.clone(),
            approver: folder.approver.clone(),
            created_at: folder.created_at,
            updated_at: folder.updated_at,
            base: base_of(&folder.manifest),
        }
    }
}
