//! Leases and the steps that followers take, on PostgreSQL.
//!
//! A transaction that holds a lease locks its row `FOR KEY SHARE`. A renewal changes no key, so it
//! does not wait for that lock; a change of holder locks `FOR UPDATE`, which does.

use std::time::Duration;

use async_trait::async_trait;
use rabt_model::{CitizenId, RecordNumber};
use sqlx::PgPool;

use super::PostgresTransaction;
use super::profiles::ids;
use crate::StorageError;
use crate::convert::{corrupt, to_count, to_id_bytes, to_integer, to_memberships, to_steps};
use crate::error::Doing;
use crate::lease::{
    FORGET_STEPS, FORGOTTEN_TOGETHER, Fence, Following, Head, Holder, KEPT_STEPS, Leader, Lease,
    Leases, PROCESS_OF_STEP, PUT_STEP, STEPS,
};

const RENEW: &str = "UPDATE leases
    SET until = (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT + $3
    WHERE name = $1 AND process = $2 RETURNING epoch";

const LOOK: &str = "SELECT node, address,
        until - (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT
    FROM leases WHERE name = $1";

const CREATE: &str = "INSERT INTO leases (name, node, address, process, epoch, until)
    VALUES ($1, $2, $3, $4, 1,
        (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT + $5)
    ON CONFLICT (name) DO NOTHING RETURNING epoch";

/// A successor gives up for now, rather than wait for a commit that hangs.
const PATIENCE: &str = "SELECT set_config('lock_timeout', '2000', true)";

const LOCK: &str = "SELECT until - (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT
    FROM leases WHERE name = $1 FOR UPDATE";

const TAKE_OVER: &str = "UPDATE leases SET node = $2, address = $3, process = $4,
        epoch = epoch + 1,
        until = (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT + $5
    WHERE name = $1 RETURNING epoch";

const RELEASE: &str = "UPDATE leases SET until = 0 WHERE name = $1 AND epoch = $2";

/// Between the fence and the commit a process may not fall asleep for long: its successor waits.
const HOLD: &str = "SELECT set_config('idle_in_transaction_session_timeout', '3000', true)
    FROM leases WHERE name = $1 AND epoch = $2 FOR KEY SHARE OF leases";

const HEAD: &str = "SELECT (SELECT COALESCE(MIN(number), 0) FROM steps),
    (SELECT COALESCE(MAX(number), 0) FROM steps),
    (SELECT COALESCE(MAX(sequence), 0) FROM changes),
    COALESCE((SELECT revision FROM bundles ORDER BY number DESC LIMIT 1), ''),
    (SELECT COALESCE(BIT_XOR(hashtextextended(id, updated_at)), 0) FROM sources)";

const MEMBERSHIPS: &str = "SELECT memberships.record, citizens.id
    FROM citizens JOIN memberships ON memberships.citizen = citizens.number
    WHERE citizens.id = ANY($1::BYTEA[]) ORDER BY memberships.record";

pub(super) struct PostgresLeases {
    pool: PgPool,
}

impl PostgresLeases {
    pub(super) const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn look(&self, name: &str) -> Result<Option<Leader>, StorageError> {
        let row: Option<(String, String, i64)> = sqlx::query_as(LOOK)
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .doing("reading a lease")?;
        Ok(row.map(|(node, address, left)| Leader {
            node,
            address,
            left: Duration::from_micros(to_count(left.max(0))),
        }))
    }

    /// Takes a lease that ran out; `None` when somebody was quicker.
    async fn take_over(
        &self,
        name: &str,
        holder: &Holder,
        ttl: i64,
    ) -> Result<Option<u64>, StorageError> {
        let doing = "taking a lease over";
        let mut inner = self.pool.begin().await.doing(doing)?;
        sqlx::query(PATIENCE)
            .execute(&mut *inner)
            .await
            .doing(doing)?;
        let left: i64 = sqlx::query_scalar(LOCK)
            .bind(name)
            .fetch_one(&mut *inner)
            .await
            .doing(doing)?;
        if left > 0 {
            return Ok(None);
        }
        let epoch: i64 = sqlx::query_scalar(TAKE_OVER)
            .bind(name)
            .bind(&holder.node)
            .bind(&holder.address)
            .bind(holder.process)
            .bind(ttl)
            .fetch_one(&mut *inner)
            .await
            .doing(doing)?;
        inner.commit().await.doing(doing)?;
        Ok(Some(to_count(epoch)))
    }
}

#[async_trait]
impl Leases for PostgresLeases {
    async fn take(
        &self,
        name: &str,
        holder: &Holder,
        ttl: Duration,
    ) -> Result<Lease, StorageError> {
        let ttl = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX >> 8);
        let held = |epoch: i64| Lease::Held {
            epoch: to_count(epoch),
        };
        let renewed: Option<i64> = sqlx::query_scalar(RENEW)
            .bind(name)
            .bind(holder.process)
            .bind(ttl)
            .fetch_optional(&self.pool)
            .await
            .doing("renewing a lease")?;
        if let Some(epoch) = renewed {
            return Ok(held(epoch));
        }
        let Some(leader) = self.look(name).await? else {
            let created: Option<i64> = sqlx::query_scalar(CREATE)
                .bind(name)
                .bind(&holder.node)
                .bind(&holder.address)
                .bind(holder.process)
                .bind(ttl)
                .fetch_optional(&self.pool)
                .await
                .doing("taking a lease")?;
            if let Some(epoch) = created {
                return Ok(held(epoch));
            }
            let winner = self.look(name).await?;
            let winner = winner.ok_or_else(|| corrupt("leases", "a lease is gone"))?;
            return Ok(Lease::Elsewhere(winner));
        };
        if leader.left.is_zero()
            && let Some(epoch) = self.take_over(name, holder, ttl).await?
        {
            return Ok(Lease::Held { epoch });
        }
        Ok(Lease::Elsewhere(leader))
    }

    async fn release(&self, name: &str, epoch: u64) -> Result<(), StorageError> {
        sqlx::query(RELEASE)
            .bind(name)
            .bind(to_integer(epoch))
            .execute(&self.pool)
            .await
            .doing("releasing a lease")?;
        Ok(())
    }

    fn is_shared(&self) -> bool {
        true
    }
}

#[async_trait]
impl Fence for PostgresTransaction {
    async fn hold(&mut self, name: &str, epoch: u64) -> Result<(), StorageError> {
        let held = sqlx::query(HOLD)
            .bind(name)
            .bind(to_integer(epoch))
            .fetch_optional(self.connection())
            .await
            .doing("holding a lease")?;
        held.map(|_| ()).ok_or(StorageError::LeaseLost)
    }
}

#[async_trait]
impl Following for PostgresTransaction {
    async fn put_step(
        &mut self,
        process: i64,
        citizens: &[CitizenId],
    ) -> Result<u64, StorageError> {
        let number: i64 = sqlx::query_scalar(PUT_STEP)
            .bind(process)
            .bind(to_id_bytes(citizens))
            .fetch_one(self.connection())
            .await
            .doing("storing a step")?;
        if number % FORGOTTEN_TOGETHER == 0 {
            sqlx::query(FORGET_STEPS)
                .bind(number - to_integer(KEPT_STEPS))
                .execute(self.connection())
                .await
                .doing("storing a step")?;
        }
        Ok(to_count(number))
    }

    async fn process_of_step(&mut self, number: u64) -> Result<Option<i64>, StorageError> {
        sqlx::query_scalar(PROCESS_OF_STEP)
            .bind(to_integer(number))
            .fetch_optional(self.connection())
            .await
            .doing("reading a step")
    }

    async fn steps_after(
        &mut self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Vec<CitizenId>)>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(STEPS)
            .bind(to_integer(after))
            .bind(i64::from(limit))
            .fetch_all(self.connection())
            .await
            .doing("reading steps")?;
        to_steps(rows)
    }

    async fn head(&mut self) -> Result<Head, StorageError> {
        let row: (i64, i64, i64, String, i64) = sqlx::query_as(HEAD)
            .fetch_one(self.connection())
            .await
            .doing("reading what changed")?;
        Ok(Head {
            first_step: to_count(row.0),
            last_step: to_count(row.1),
            last_change: to_count(row.2),
            agreements: row.3,
            sources: row.4,
        })
    }

    async fn memberships_of(
        &mut self,
        citizens: &[CitizenId],
    ) -> Result<Vec<(RecordNumber, CitizenId)>, StorageError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(MEMBERSHIPS)
            .bind(ids(citizens))
            .fetch_all(self.connection())
            .await
            .doing("reading memberships")?;
        to_memberships(rows)
    }
}
