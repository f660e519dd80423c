//! The versions of agencies' folders.

use async_trait::async_trait;
use rabt_model::{AgencyId, Timestamp};

use crate::StorageError;
use crate::row::{FolderState, StoredFolder};

/// Every version of an agency's folder that was handed in.
#[async_trait]
pub trait Folders: Send {
    /// Stores a folder as the next version of its agency and returns the version's number; the one
    /// in `folder` does not matter. A version that was being worked on is withdrawn.
    async fn put_folder(&mut self, folder: &StoredFolder) -> Result<u32, StorageError>;

    /// Changes where a version stands, and who approved it; returns `false` when there is none.
    async fn set_folder_state(
        &mut self,
        agency: &AgencyId,
        version: u32,
        state: FolderState,
        approver: Option<&str>,
        at: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Returns the versions of an agency's folder, the last one first.
    async fn folders(&mut self, agency: &AgencyId) -> Result<Vec<StoredFolder>, StorageError>;

    /// Returns the versions that are being worked on, one of an agency at most, in the order of the
    /// agencies.
    async fn open_folders(&mut self) -> Result<Vec<StoredFolder>, StorageError>;
}
