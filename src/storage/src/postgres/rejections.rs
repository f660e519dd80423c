//! Rejections that are no more, on PostgreSQL.

use rabt_model::RunId;

use super::PostgresTransaction;
use crate::StorageError;
use crate::batch::StreamKeys;
use crate::convert::to_index;
use crate::error::Doing;

const OLD_REJECTIONS: &str = "SELECT given.place
    FROM UNNEST($1::TEXT[], $2::TEXT[]) WITH ORDINALITY AS given (source, stream, place)
    WHERE EXISTS (SELECT 1 FROM rejections WHERE rejections.source = given.source
        AND rejections.stream = given.stream AND run < $3)";

const CLEAR_REJECTIONS: &str = "DELETE FROM rejections
    USING UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[]) AS given (source, stream, key)
    WHERE rejections.source = given.source AND rejections.stream = given.stream
        AND rejections.key = given.key AND run < $4";

impl PostgresTransaction {
    /// Clears what earlier runs rejected of these rows, which are there now.
    pub(super) async fn clear_rejections(
        &mut self,
        run: RunId,
        streams: &[StreamKeys<'_>],
    ) -> Result<(), StorageError> {
        // to look for rejections of few rows is no more than to ask of which streams there are any
        let streams = if self.marks {
            self.with_rejections(run, streams).await?
        } else {
            streams.iter().collect()
        };
        if streams.is_empty() {
            return Ok(());
        }
        let (mut sources, mut names, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for stream in streams {
            for key in &stream.keys {
                sources.push(stream.source.as_str());
                names.push(stream.stream.as_str());
                keys.push(*key);
            }
        }
        sqlx::query(CLEAR_REJECTIONS)
            .bind(sources)
            .bind(names)
            .bind(keys)
            .bind(run.0)
            .execute(self.connection())
            .await
            .doing("clearing rejections")?;
        Ok(())
    }

    /// Returns the streams of which a run before rejected something.
    async fn with_rejections<'s, 'a>(
        &mut self,
        run: RunId,
        streams: &'s [StreamKeys<'a>],
    ) -> Result<Vec<&'s StreamKeys<'a>>, StorageError> {
        let names = streams.iter();
        let (sources, names): (Vec<&str>, Vec<&str>) = names
            .map(|keys| (keys.source.as_str(), keys.stream.as_str()))
            .unzip();
        let places: Vec<i64> = sqlx::query_scalar(OLD_REJECTIONS)
            .bind(sources)
            .bind(names)
            .bind(run.0)
            .fetch_all(self.connection())
            .await
            .doing("looking for rejections")?;
        // Places count from 1.
        let places = places.into_iter().map(|place| to_index(place - 1));
        Ok(places.filter_map(|place| streams.get(place)).collect())
    }
}
