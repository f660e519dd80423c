//! Golden records, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{CitizenId, Timestamp};

use super::SqliteTransaction;
use super::bulk::Bulk;
use super::records::json;
use crate::StorageError;
use crate::body::{ProfileRow, decode_profile, encode_profile, last_by_citizen};
use crate::convert::{citizen_bytes, citizen_hex, to_count, to_micros};
use crate::error::Doing;
use crate::repository::Profiles;
use crate::row::StoredProfile;

const PUT: Bulk = Bulk {
    doing: "storing profiles",
    head: "INSERT INTO citizens
        (id, composed_at, profile, told, revision, sequence, horizon) VALUES",
    row: "(?,?,?,?,1,(SELECT COALESCE(MAX(sequence), 0) FROM changes),
        (SELECT COALESCE(MAX(number), 0) FROM versions))",
    tail: "ON CONFLICT (id) DO UPDATE SET
        composed_at = excluded.composed_at, profile = excluded.profile,
        revision = citizens.revision + 1, sequence = excluded.sequence,
        told = MAX(citizens.told, excluded.told), horizon = excluded.horizon",
};

/// Makes past revisions of present profiles: each parameter is an id and the time of the end.
const ARCHIVE: &str = "INSERT INTO revisions
    (citizen, revision, composed_at, ended_at, sequence, ended_sequence, told, horizon, profile)
    SELECT citizens.number, revision, composed_at, wanted.value ->> 1, sequence,
        (SELECT COALESCE(MAX(sequence), 0) FROM changes), told, horizon, profile
    FROM json_each(?) AS wanted CROSS JOIN citizens ON citizens.id = UNHEX(wanted.value ->> 0)
    WHERE profile IS NOT NULL";

const DELETE: &str = "UPDATE citizens SET composed_at = NULL, profile = NULL
    WHERE id IN (SELECT UNHEX(value) FROM json_each(?)) AND profile IS NOT NULL";

const GET: &str = "SELECT id, composed_at, profile FROM citizens
    WHERE id IN (SELECT UNHEX(value) FROM json_each($1)) AND profile IS NOT NULL";

const NUMBER: &str = "SELECT number FROM citizens WHERE id = $1";

const AFTER: &str = "SELECT id, composed_at, profile FROM citizens
    WHERE number > $1 AND profile IS NOT NULL ORDER BY number LIMIT $2";

const COUNT: &str = "SELECT COUNT(*) FROM citizens WHERE profile IS NOT NULL";

#[async_trait]
impl Profiles for SqliteTransaction {
    async fn put_profiles(&mut self, profiles: &[StoredProfile]) -> Result<(), StorageError> {
        if profiles.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(profiles.len());
        let mut ends = Vec::with_capacity(profiles.len());
        for profile in last_by_citizen(profiles) {
            let id = citizen_bytes(profile.citizen);
            let at = to_micros(profile.composed_at);
            ends.push((citizen_hex(profile.citizen), at));
            let told = self.told.of(profile.citizen);
            rows.push((id, at, encode_profile(profile)?, told));
        }
        self.archive(&ends).await?;
        PUT.write(self, &rows, |values, (id, at, body, told)| {
            values.add(id.as_slice()).add(*at).add(body.as_str());
            values.add(*told);
        })
        .await
    }

    async fn delete_profiles(
        &mut self,
        citizens: &[CitizenId],
        at: Timestamp,
    ) -> Result<(), StorageError> {
        if citizens.is_empty() {
            return Ok(());
        }
        let mut ends: Vec<_> = citizens.iter().copied().map(citizen_hex).collect();
        ends.sort_unstable();
        ends.dedup();
        let ends: Vec<_> = ends.into_iter().map(|id| (id, to_micros(at))).collect();
        self.archive(&ends).await?;
        self.write_list("removing profiles", DELETE, json_ids(citizens)?)
            .await
    }

    async fn get_profile(
        &mut self,
        citizen: CitizenId,
    ) -> Result<Option<StoredProfile>, StorageError> {
        Ok(self.get_profiles(&[citizen]).await?.pop())
    }

    async fn get_profiles(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<StoredProfile>, StorageError> {
        let rows: Vec<ProfileRow> = sqlx::query_as(GET)
            .bind(json_ids(citizens)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading profiles")?;
        rows.iter().map(decode_profile).collect()
    }

    async fn profiles_after(
        &mut self,
        after: Option<CitizenId>,
        limit: u32,
    ) -> Result<Vec<StoredProfile>, StorageError> {
        let mut number = 0;
        if let Some(citizen) = after {
            let found: Option<i64> = sqlx::query_scalar(NUMBER)
                .bind(citizen_bytes(citizen).to_vec())
                .fetch_optional(self.ready().await?)
                .await
                .doing("reading profiles")?;
            let Some(found) = found else {
                return Ok(Vec::new());
            };
            number = found;
        }
        let rows: Vec<ProfileRow> = sqlx::query_as(AFTER)
            .bind(number)
            .bind(i64::from(limit))
            .fetch_all(self.ready().await?)
            .await
            .doing("reading profiles")?;
        rows.iter().map(decode_profile).collect()
    }

    async fn count_profiles(&mut self) -> Result<u64, StorageError> {
        let count: i64 = sqlx::query_scalar(COUNT)
            .fetch_one(self.ready().await?)
            .await
            .doing("counting profiles")?;
        Ok(to_count(count))
    }
}

impl SqliteTransaction {
    /// Makes past revisions of the present profiles of these citizens.
    async fn archive(&mut self, ends: &[(String, i64)]) -> Result<(), StorageError> {
        self.write_list("storing revisions", ARCHIVE, json(&ends)?)
            .await
    }
}

pub(super) fn json_ids(citizens: &[CitizenId]) -> Result<String, StorageError> {
    let ids: Vec<String> = citizens.iter().copied().map(citizen_hex).collect();
    json(&ids)
}
