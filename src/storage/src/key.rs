//! Keys that seal what storage holds, each sealed itself by the node's master key. Both backends take the same
//! statements, so they are written once, for whichever transaction runs them.

pub(crate) const ALL: &str = "SELECT id, sealed, created_at FROM data_keys ORDER BY id";

pub(crate) const PUT: &str = "INSERT INTO data_keys (id, sealed, created_at) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO NOTHING";

pub(crate) const RESEAL: &str = "UPDATE data_keys SET sealed = $2 WHERE id = $1";

/// Makes a transaction keep data keys.
macro_rules! keeps_data_keys {
    ($transaction:ident) => {
        #[async_trait::async_trait]
        impl crate::repository::DataKeys for $transaction {
            async fn data_keys(
                &mut self,
            ) -> Result<Vec<crate::row::StoredDataKey>, crate::StorageError> {
                use crate::error::Doing;
                let rows: Vec<(i64, Vec<u8>, i64)> = sqlx::query_as(crate::key::ALL)
                    .fetch_all(self.connection())
                    .await
                    .doing("reading data keys")?;
                let keys = rows.into_iter().map(|(id, sealed, created_at)| {
                    Ok(crate::row::StoredDataKey {
                        id: u32::try_from(id).unwrap_or_default(),
                        sealed,
                        created_at: crate::convert::to_timestamp("data_keys", created_at)?,
                    })
                });
                keys.collect()
            }

            async fn put_data_key(
                &mut self,
                key: &crate::row::StoredDataKey,
            ) -> Result<bool, crate::StorageError> {
                use crate::error::Doing;
                let done = sqlx::query(crate::key::PUT)
                    .bind(i64::from(key.id))
                    .bind(key.sealed.as_slice())
                    .bind(crate::convert::to_micros(key.created_at))
                    .execute(self.connection())
                    .await
                    .doing("storing a data key")?;
                Ok(done.rows_affected() > 0)
            }

            async fn reseal_data_key(
                &mut self,
                id: u32,
                sealed: &[u8],
            ) -> Result<bool, crate::StorageError> {
                use crate::error::Doing;
                let done = sqlx::query(crate::key::RESEAL)
                    .bind(i64::from(id))
                    .bind(sealed)
                    .execute(self.connection())
                    .await
                    .doing("storing a data key")?;
                Ok(done.rows_affected() > 0)
            }
        }
    };
}

pub(crate) use keeps_data_keys;
