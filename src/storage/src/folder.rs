//! The versions of agencies' folders. Both backends take the same statements, so they are written
//! once, for whichever transaction runs them.

pub(crate) const NEXT: &str = "SELECT COALESCE(MAX(version), 0) + 1 FROM folders WHERE agency = $1";

pub(crate) const WITHDRAW: &str = "UPDATE folders SET state = 'withdrawn', updated_at = $2
    WHERE agency = $1 AND state NOT IN ('approved', 'withdrawn')";

pub(crate) const PUT: &str = "INSERT INTO folders
    (agency, version, manifest, mapping, state, author, approver, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

pub(crate) const SET_STATE: &str = "UPDATE folders
    SET state = $3, approver = COALESCE($4, approver), updated_at = $5
    WHERE agency = $1 AND version = $2";

pub(crate) const OF_AGENCY: &str = "SELECT agency, version, manifest, mapping, state, author,
    approver, created_at, updated_at FROM folders WHERE agency = $1 ORDER BY version DESC";

pub(crate) const OPEN: &str = "SELECT agency, version, manifest, mapping, state, author,
    approver, created_at, updated_at FROM folders
    WHERE state NOT IN ('approved', 'withdrawn') ORDER BY agency";

/// Makes a transaction keep folders.
macro_rules! keeps_folders {
    ($transaction:ident) => {
        #[async_trait::async_trait]
        impl crate::repository::Folders for $transaction {
            async fn put_folder(
                &mut self,
                folder: &crate::row::StoredFolder,
            ) -> Result<u32, crate::StorageError> {
                use crate::convert::to_micros;
                use crate::error::Doing;
                let agency = folder.agency.as_str();
                sqlx::query(crate::folder::WITHDRAW)
                    .bind(agency)
                    .bind(to_micros(folder.updated_at))
                    .execute(self.connection())
                    .await
                    .doing("withdrawing a folder")?;
                let version: i64 = sqlx::query_scalar(crate::folder::NEXT)
                    .bind(agency)
                    .fetch_one(self.connection())
                    .await
                    .doing("numbering a folder")?;
                sqlx::query(crate::folder::PUT)
                    .bind(agency)
                    .bind(version)
                    .bind(folder.manifest.as_str())
                    .bind(folder.mapping.as_str())
                    .bind(folder.state.as_str())
                    .bind(folder.author.as_str())
                    .bind(folder.approver.as_deref())
                    .bind(to_micros(folder.created_at))
                    .bind(to_micros(folder.updated_at))
                    .execute(self.connection())
                    .await
                    .doing("storing a folder")?;
                u32::try_from(version)
                    .map_err(|_| crate::convert::corrupt("folders", "the version is no version"))
            }

            async fn set_folder_state(
                &mut self,
                agency: &rabt_model::AgencyId,
                version: u32,
                state: crate::row::FolderState,
                approver: Option<&str>,
                at: rabt_model::Timestamp,
            ) -> Result<bool, crate::StorageError> {
                use crate::error::Doing;
                let done = sqlx::query(crate::folder::SET_STATE)
                    .bind(agency.as_str())
                    .bind(i64::from(version))
                    .bind(state.as_str())
                    .bind(approver)
                    .bind(crate::convert::to_micros(at))
                    .execute(self.connection())
                    .await
                    .doing("changing the state of a folder")?;
                Ok(done.rows_affected() > 0)
            }

            async fn folders(
                &mut self,
                agency: &rabt_model::AgencyId,
            ) -> Result<Vec<crate::row::StoredFolder>, crate::StorageError> {
                use crate::error::Doing;
                let rows: Vec<crate::convert::FolderRow> = sqlx::query_as(crate::folder::OF_AGENCY)
                    .bind(agency.as_str())
                    .fetch_all(self.connection())
                    .await
                    .doing("reading folders")?;
                rows.into_iter().map(crate::convert::to_folder).collect()
            }

            async fn open_folders(
                &mut self,
            ) -> Result<Vec<crate::row::StoredFolder>, crate::StorageError> {
                use crate::error::Doing;
                let rows: Vec<crate::convert::FolderRow> = sqlx::query_as(crate::folder::OPEN)
                    .fetch_all(self.connection())
                    .await
                    .doing("reading folders")?;
                rows.into_iter().map(crate::convert::to_folder).collect()
            }
        }
    };
}

pub(crate) use keeps_folders;
