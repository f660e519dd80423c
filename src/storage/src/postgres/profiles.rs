//! Golden records, on PostgreSQL.

use async_trait::async_trait;
use rabt_model::{CitizenId, Timestamp};

use super::PostgresTransaction;
use crate::StorageError;
use crate::body::{ProfileRow, decode_profile, encode_profile, last_by_citizen};
use crate::convert::{citizen_bytes, to_count, to_micros};
use crate::error::Doing;
use crate::repository::Profiles;
use crate::row::StoredProfile;

/// Makes past revisions of present profiles, as they were before the statement, and puts others in their place.
const PUT: &str = "WITH past AS (
        INSERT INTO revisions
        (citizen, revision, composed_at, ended_at, sequence, ended_sequence, told, horizon, profile)
        SELECT citizens.number, revision, citizens.composed_at, given.ended_at, sequence,
            (SELECT COALESCE(MAX(sequence), 0) FROM changes), told, horizon, profile
        FROM UNNEST($1::BYTEA[], $2::BIGINT[]) AS given (id, ended_at)
        JOIN citizens ON citizens.id = given.id
        WHERE profile IS NOT NULL
    )
    INSERT INTO citizens (id, composed_at, profile, revision, sequence, told, horizon)
    SELECT id, composed_at, profile, 1, (SELECT COALESCE(MAX(sequence), 0) FROM changes), told,
        (SELECT COALESCE(MAX(number), 0) FROM versions)
    FROM UNNEST($1::BYTEA[], $2::BIGINT[], $3::TEXT[], $4::BIGINT[]) WITH ORDINALITY
        AS given (id, composed_at, profile, told, place)
    ORDER BY place
    ON CONFLICT (id) DO UPDATE SET
        composed_at = excluded.composed_at, profile = excluded.profile,
        revision = citizens.revision + 1, sequence = excluded.sequence,
        told = GREATEST(citizens.told, excluded.told), horizon = excluded.horizon";

/// Makes past revisions of present profiles.
const ARCHIVE: &str = "INSERT INTO revisions
    (citizen, revision, composed_at, ended_at, sequence, ended_sequence, told, horizon, profile)
    SELECT citizens.number, revision, composed_at, given.ended_at, sequence,
        (SELECT COALESCE(MAX(sequence), 0) FROM changes), told, horizon, profile
    FROM UNNEST($1::BYTEA[], $2::BIGINT[]) AS given (id, ended_at)
    JOIN citizens ON citizens.id = given.id
    WHERE profile IS NOT NULL";

const DELETE: &str = "UPDATE citizens SET composed_at = NULL, profile = NULL
    WHERE id = ANY($1::BYTEA[]) AND profile IS NOT NULL";

const GET: &str = "SELECT id, composed_at, profile FROM citizens
    WHERE id = ANY($1::BYTEA[]) AND profile IS NOT NULL";

const NUMBER: &str = "SELECT number FROM citizens WHERE id = $1";

const AFTER: &str = "SELECT id, composed_at, profile FROM citizens
    WHERE number > $1 AND profile IS NOT NULL ORDER BY number LIMIT $2";

const COUNT: &str = "SELECT COUNT(*) FROM citizens WHERE profile IS NOT NULL";

#[async_trait]
impl Profiles for PostgresTransaction {
    async fn put_profiles(&mut self, profiles: &[StoredProfile]) -> Result<(), StorageError> {
        if profiles.is_empty() {
            return Ok(());
        }
        let (mut ids, mut times, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        let mut told = Vec::new();
        for profile in last_by_citizen(profiles) {
            ids.push(citizen_bytes(profile.citizen).to_vec());
            times.push(to_micros(profile.composed_at));
            bodies.push(encode_profile(profile)?);
            told.push(self.told.of(profile.citizen));
        }
        sqlx::query(PUT)
            .bind(ids)
            .bind(times)
            .bind(bodies)
            .bind(told)
            .execute(self.connection())
            .await
            .doing("storing profiles")?;
        Ok(())
    }

    async fn delete_profiles(
        &mut self,
        citizens: &[CitizenId],
        at: Timestamp,
    ) -> Result<(), StorageError> {
        if citizens.is_empty() {
            return Ok(());
        }
        let mut gone = ids(citizens);
        gone.sort_unstable();
        gone.dedup();
        let ends = vec![to_micros(at); gone.len()];
        self.archive(&gone, &ends).await?;
        sqlx::query(DELETE)
            .bind(ids(citizens))
            .execute(self.connection())
            .await
            .doing("removing profiles")?;
        Ok(())
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
            .bind(ids(citizens))
            .fetch_all(self.connection())
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
                .fetch_optional(self.connection())
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
            .fetch_all(self.connection())
            .await
            .doing("reading profiles")?;
        rows.iter().map(decode_profile).collect()
    }

    async fn count_profiles(&mut self) -> Result<u64, StorageError> {
        let count: i64 = sqlx::query_scalar(COUNT)
            .fetch_one(self.connection())
            .await
            .doing("counting profiles")?;
        Ok(to_count(count))
    }
}

impl PostgresTransaction {
    /// Makes past revisions of the present profiles of these citizens.
    async fn archive(&mut self, ids: &[Vec<u8>], ends: &[i64]) -> Result<(), StorageError> {
        sqlx::query(ARCHIVE)
            .bind(ids)
            .bind(ends)
            .execute(self.connection())
            .await
            .doing("storing revisions")?;
        Ok(())
    }
}

pub(super) fn ids(citizens: &[CitizenId]) -> Vec<Vec<u8>> {
    let ids = citizens.iter().copied().map(citizen_bytes);
    ids.map(|id| id.to_vec()).collect()
}
