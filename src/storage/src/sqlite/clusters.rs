//! Which record belongs to which citizen, on `SQLite`.

use async_trait::async_trait;
use rabt_model::{CitizenId, RecordNumber};

use super::SqliteTransaction;
use super::records::json;
use crate::StorageError;
use crate::convert::{citizen_bytes, citizen_hex, last_by_record, to_citizen, to_memberships};
use crate::error::Doing;
use crate::repository::Clusters;

const ALL: &str = "SELECT memberships.record, citizens.id
    FROM memberships CROSS JOIN citizens ON citizens.number = memberships.citizen
    ORDER BY memberships.record";

const OF_CITIZEN: &str = "SELECT record FROM memberships
    WHERE citizen = (SELECT number FROM citizens WHERE id = $1) ORDER BY record";

/// An id that is used again leads to itself.
const USE_CITIZENS: &str = "INSERT INTO citizens (id)
    SELECT UNHEX(value) FROM json_each(?) WHERE TRUE
    ON CONFLICT (id) DO UPDATE SET successor = NULL WHERE successor IS NOT NULL";

const ADD_CITIZENS: &str = "INSERT INTO citizens (id)
    SELECT UNHEX(value) FROM json_each(?) WHERE TRUE
    ON CONFLICT (id) DO NOTHING";

const ASSIGN: &str = "INSERT INTO memberships (record, citizen)
    SELECT wanted.value ->> 0, citizens.number
    FROM json_each(?) AS wanted CROSS JOIN citizens ON citizens.id = UNHEX(wanted.value ->> 1)
    WHERE TRUE
    ON CONFLICT (record) DO UPDATE SET citizen = excluded.citizen";

const MARK_LINKED: &str = "DELETE FROM unlinked
    WHERE record IN (SELECT value FROM json_each(?))";

const CLEAR_SUCCESSOR: &str = "UPDATE citizens SET successor = NULL
    WHERE id IN (SELECT UNHEX(value) FROM json_each(?)) AND successor IS NOT NULL";

const SET_SUCCESSOR: &str = "UPDATE citizens SET successor = heir.number
    FROM json_each(?) AS wanted JOIN citizens AS heir ON heir.id = UNHEX(wanted.value ->> 1)
    WHERE citizens.id = UNHEX(wanted.value ->> 0)";

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
    FROM memberships CROSS JOIN citizens ON citizens.number = memberships.citizen
    WHERE memberships.record IN (SELECT value FROM json_each($1)) ORDER BY memberships.record";

const OF_UNLINKED: &str = "SELECT DISTINCT citizens.id
    FROM unlinked CROSS JOIN memberships ON memberships.record = unlinked.record
    CROSS JOIN citizens ON citizens.number = memberships.citizen
    ORDER BY citizens.id";

#[async_trait]
impl Clusters for SqliteTransaction {
    async fn memberships(&mut self) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(ALL)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading memberships")?;
        to_memberships(rows)
    }

    async fn members_of(&mut self, citizen: CitizenId) -> Result<Vec<RecordNumber>, StorageError> {
        let rows: Vec<i64> = sqlx::query_scalar(OF_CITIZEN)
            .bind(citizen_bytes(citizen).to_vec())
            .fetch_all(self.ready().await?)
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
            .bind(json(&list)?)
            .fetch_all(self.ready().await?)
            .await
            .doing("reading whose records these are")?;
        to_memberships(rows)
    }

    async fn citizens_of_unlinked(&mut self) -> Result<Vec<CitizenId>, StorageError> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(OF_UNLINKED)
            .fetch_all(self.ready().await?)
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
        let citizens = memberships.iter().map(|(_, citizen)| *citizen);
        let citizens: Vec<String> = citizens.map(citizen_hex).collect();
        self.write_list("storing citizens", USE_CITIZENS, json(&citizens)?)
            .await?;
        let numbers: Vec<i64> = memberships.iter().map(|(record, _)| record.0).collect();
        let rows: Vec<(i64, String)> = numbers.iter().copied().zip(citizens).collect();
        self.write_list("assigning records to citizens", ASSIGN, json(&rows)?)
            .await?;
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
        let rows = redirects.iter().filter(|(from, to)| from != to);
        let rows: Vec<[String; 2]> = rows
            .map(|(from, to)| [citizen_hex(*from), citizen_hex(*to)])
            .collect();
        let heirs: Vec<String> = rows.iter().map(|[_, to]| to.clone()).collect();
        self.add_citizens(rows.as_flattened()).await?;
        self.clear_successors(&heirs).await?;
        self.write_list("redirecting citizens", SET_SUCCESSOR, json(&rows)?)
            .await
    }

    async fn resolve(&mut self, citizen: CitizenId) -> Result<Option<CitizenId>, StorageError> {
        let id: Option<Vec<u8>> = sqlx::query_scalar(RESOLVE)
            .bind(citizen_bytes(citizen).to_vec())
            .fetch_optional(self.ready().await?)
            .await
            .doing("following redirects")?;
        id.map(|bytes| to_citizen(&bytes)).transpose()
    }

    async fn ids_of(&mut self, citizen: CitizenId) -> Result<Vec<CitizenId>, StorageError> {
        let ids: Vec<Vec<u8>> = sqlx::query_scalar(IDS_OF)
            .bind(citizen_bytes(citizen).to_vec())
            .fetch_all(self.ready().await?)
            .await
            .doing("reading the ids of a citizen")?;
        let ids = ids.iter().map(|bytes| to_citizen(bytes));
        let mut ids = ids.collect::<Result<Vec<CitizenId>, _>>()?;
        ids.sort_unstable();
        Ok(ids)
    }
}

impl SqliteTransaction {
    async fn add_citizens(&mut self, citizens: &[String]) -> Result<(), StorageError> {
        self.write_list("storing citizens", ADD_CITIZENS, json(&citizens)?)
            .await
    }

    /// An id that is used again leads to itself.
    async fn clear_successors(&mut self, citizens: &[String]) -> Result<(), StorageError> {
        self.write_list("ending redirects", CLEAR_SUCCESSOR, json(&citizens)?)
            .await
    }

    pub(super) async fn unmark(&mut self, numbers: &[i64]) -> Result<(), StorageError> {
        if self.arrivals.is_some() {
            return Ok(());
        }
        self.write_list("marking records as linked", MARK_LINKED, json(&numbers)?)
            .await
    }
}
