//! Which record belongs to which citizen, on PostgreSQL.

use async_trait::async_trait;
use rabt_model::{CitizenId, RecordNumber};

use super::PostgresTransaction;
use crate::StorageError;
use crate::convert::{citizen_bytes, last_by_record, to_citizen, to_memberships};
use crate::error::Doing;
use crate::repository::Clusters;

const ALL: &str = "SELECT memberships.record, citizens.id
    FROM memberships JOIN citizens ON citizens.number = memberships.citizen
    ORDER BY memberships.record";

const OF_CITIZEN: &str = "SELECT record FROM memberships
    WHERE citizen = (SELECT number FROM citizens WHERE id = $1) ORDER BY record";

const ADD_CITIZENS: &str = "INSERT INTO citizens (id)
    SELECT id FROM UNNEST($1::BYTEA[]) WITH ORDINALITY AS given (id, place)
    GROUP BY id ORDER BY MIN(place)
    ON CONFLICT (id) DO NOTHING";

/// An id that is used again leads to itself.
const USE_CITIZENS: &str = "WITH added AS (
        INSERT INTO citizens (id)
        SELECT id FROM UNNEST($1::BYTEA[]) WITH ORDINALITY AS given (id, place)
        GROUP BY id ORDER BY MIN(place)
        ON CONFLICT (id) DO NOTHING
    )
    UPDATE citizens SET successor = NULL WHERE id = ANY($1::BYTEA[]) AND successor IS NOT NULL";

const ASSIGN: &str = "INSERT INTO memberships (record, citizen)
    SELECT given.record, citizens.number
    FROM UNNEST($1::BIGINT[], $2::BYTEA[]) AS given (record, id)
    JOIN citizens ON citizens.id = given.id
    ORDER BY given.record
    ON CONFLICT (record) DO UPDATE SET citizen = excluded.citizen";

const MARK_LINKED: &str = "DELETE FROM unlinked WHERE record = ANY($1::BIGINT[])";

const CLEAR_SUCCESSOR: &str = "UPDATE citizens SET successor = NULL
    WHERE id = ANY($1::BYTEA[]) AND successor IS NOT NULL";

const SET_SUCCESSOR: &str = "UPDATE citizens SET successor = heir.number
    FROM UNNEST($1::BYTEA[], $2::BYTEA[]) AS given (id, heir_id)
    JOIN citizens AS heir ON heir.id = given.heir_id
    WHERE citizens.id = given.id";

const RESOLVE: &str = "WITH RECURSIVE chain (id, successor) AS (
        SELECT id, successor FROM citizens WHERE id = $1
        UNION
        SELECT citizens.id, citizens.successor
        FROM chain JOIN citizens ON citizens.number = chain.successor
    )
    SELECT id FROM chain WHERE successor IS NULL";

const IDS_OF: &str = "WITH RECURSIVE heirs (number, id) AS (
        SELECT number, id FROM citizens WHERE id = $1
        UNION
        SELECT citizens.number, citizens.id
        FROM heirs JOIN citizens ON citizens.successor = heirs.number
    )
    SELECT id FROM heirs";

const OF_RECORDS: &str = "SELECT memberships.record, citizens.id
    FROM memberships JOIN citizens ON citizens.number = memberships.citizen
    WHERE memberships.record = ANY($1::BIGINT[]) ORDER BY memberships.record";

const OF_UNLINKED: &str = "SELECT DISTINCT citizens.id
    FROM unlinked JOIN memberships ON memberships.record = unlinked.record
    JOIN citizens ON citizens.number = memberships.citizen
    ORDER BY citizens.id";

#[async_trait]
impl Clusters for PostgresTransaction {
    async fn memberships(&mut self) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(ALL)
            .fetch_all(self.connection())
            .await
            .doing("reading memberships")?;
        to_memberships(rows)
    }

    async fn members_of(&mut self, citizen: CitizenId) -> Result<Vec<RecordNumber>, StorageError> {
        let rows: Vec<i64> = sqlx::query_scalar(OF_CITIZEN)
            .bind(citizen_bytes(citizen).to_vec())
            .fetch_all(self.connection())
            .await
            .doing("reading members")?;
        Ok(rows.into_iter().map(RecordNumber).collect())
    }

    async fn citizens_of(
        &mut self,
        records: &[RecordNumber],
    ) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError> {
        let list: Vec<i64> = records.iter().map(|record| record.0).collect();
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(OF_RECORDS)
            .bind(&list)
            .fetch_all(self.connection())
            .await
            .doing("reading whose records these are")?;
        to_memberships(rows)
    }

    async fn citizens_of_unlinked(&mut self) -> Result<Vec<CitizenId>, StorageError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(OF_UNLINKED)
            .fetch_all(self.connection())
            .await
            .doing("reading whose records are not linked")?;
        rows.iter().map(|id| to_citizen(id)).collect()
    }

    async fn assign(
        &mut self,
        memberships: &[(RecordNumber, CitizenId)],
    ) -> Result<(), StorageError> {
        if memberships.is_empty() {
            return Ok(());
        }
        let memberships = last_by_record(memberships);
        let numbers: Vec<i64> = memberships.iter().map(|(record, _)| record.0).collect();
        let citizens = memberships.iter().map(|(_, citizen)| *citizen);
        let citizens: Vec<[u8; 16]> = citizens.map(citizen_bytes).collect();
        let citizens = slices(&citizens);
        sqlx::query(USE_CITIZENS)
            .bind(&citizens)
            .execute(self.connection())
            .await
            .doing("storing citizens")?;
        sqlx::query(ASSIGN)
            .bind(&numbers)
            .bind(&citizens)
            .execute(self.connection())
            .await
            .doing("assigning records to citizens")?;
        self.unmark(&numbers).await
    }

    async fn mark_linked(&mut self, numbers: &[RecordNumber]) -> Result<(), StorageError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let numbers: Vec<i64> = numbers.iter().map(|number| number.0).collect();
        self.unmark(&numbers).await
    }

    async fn redirect(&mut self, redirects: &[(CitizenId, CitizenId)]) -> Result<(), StorageError> {
        if redirects.is_empty() {
            return Ok(());
        }
        let redirects = redirects.iter().filter(|(from, to)| from != to);
        let ids: Vec<([u8; 16], [u8; 16])> = redirects
            .map(|(from, to)| (citizen_bytes(*from), citizen_bytes(*to)))
            .collect();
        let citizens: Vec<&[u8]> = ids.iter().map(|(from, _)| from.as_slice()).collect();
        let heirs: Vec<&[u8]> = ids.iter().map(|(_, to)| to.as_slice()).collect();
        self.add_citizens(&[citizens.as_slice(), heirs.as_slice()].concat())
            .await?;
        self.clear_successors(&heirs).await?;
        sqlx::query(SET_SUCCESSOR)
            .bind(&citizens)
            .bind(&heirs)
            .execute(self.connection())
            .await
            .doing("redirecting citizens")?;
        Ok(())
    }

    async fn resolve(&mut self, citizen: CitizenId) -> Result<Option<CitizenId>, StorageError> {
        let id: Option<Vec<u8>> = sqlx::query_scalar(RESOLVE)
            .bind(citizen_bytes(citizen).to_vec())
            .fetch_optional(self.connection())
            .await
            .doing("following redirects")?;
        id.map(|bytes| to_citizen(&bytes)).transpose()
    }

    async fn ids_of(&mut self, citizen: CitizenId) -> Result<Vec<CitizenId>, StorageError> {
        let ids: Vec<Vec<u8>> = sqlx::query_scalar(IDS_OF)
            .bind(citizen_bytes(citizen).to_vec())
            .fetch_all(self.connection())
            .await
            .doing("reading the ids of a citizen")?;
        let ids = ids.iter().map(|bytes| to_citizen(bytes));
        let mut ids = ids.collect::<Result<Vec<CitizenId>, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }
}

impl PostgresTransaction {
    async fn add_citizens(&mut self, citizens: &[&[u8]]) -> Result<(), StorageError> {
        sqlx::query(ADD_CITIZENS)
            .bind(citizens)
            .execute(self.connection())
            .await
            .doing("storing citizens")?;
        Ok(())
    }

    /// An id that is used again leads to itself.
    async fn clear_successors(&mut self, citizens: &[&[u8]]) -> Result<(), StorageError> {
        sqlx::query(CLEAR_SUCCESSOR)
            .bind(citizens)
            .execute(self.connection())
            .await
            .doing("ending redirects")?;
        Ok(())
    }

    pub(super) async fn unmark(&mut self, numbers: &[i64]) -> Result<(), StorageError> {
        if !self.marks {
            return Ok(());
        }
        sqlx::query(MARK_LINKED)
            .bind(numbers)
            .execute(self.connection())
            .await
            .doing("marking records as linked")?;
        Ok(())
    }
}

fn slices(ids: &[[u8; 16]]) -> Vec<&[u8]> {
    ids.iter().map(<[u8; 16]>::as_slice).collect()
}
