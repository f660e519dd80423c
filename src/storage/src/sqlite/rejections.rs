//! Rejections that are no more, on `SQLite`.

use rabt_model::RunId;

use super::SqliteTransaction;
use super::records::json;
use crate::StorageError;
use crate::batch::StreamKeys;
use crate::convert::to_index;
use crate::error::Doing;

const OLD_REJECTIONS: &str = "SELECT wanted.key FROM json_each($1) AS wanted
    WHERE EXISTS (SELECT 1 FROM rejections WHERE source = wanted.value ->> 0
        AND stream = wanted.value ->> 1 AND run < $2)";

const CLEAR_REJECTIONS: &str = "DELETE FROM rejections WHERE (source, stream, key) IN
        (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))
    AND run < ?";

impl SqliteTransaction {
    /// Clears what earlier runs rejected of these rows, which are there now.
    pub(super) async fn clear_rejections(
        &mut self,
        run: RunId,
        streams: &[StreamKeys<'_>],
    ) -> Result<(), StorageError> {
        // to look for rejections of few rows is no more than to ask of which streams there are any
        let streams = if self.arrivals.is_some() {
            streams.iter().collect()
        } else {
            self.with_rejections(run, streams).await?
        };
        if streams.is_empty() {
            return Ok(());
        }
        let streams = streams.into_iter();
        let rows = streams.flat_map(|stream| {
            let keys = stream.keys.iter();
            keys.map(|key| (stream.source.as_str(), stream.stream.as_str(), *key))
        });
        let rows = json(&rows.collect::<Vec<_>>())?;
        self.write("clearing rejections", CLEAR_REJECTIONS, |values| {
            values.add(rows).add(run.0);
        })
        .await
    }

    /// Returns the streams of which a run before rejected something.
    async fn with_rejections<'s, 'a>(
        &mut self,
        run: RunId,
        streams: &'s [StreamKeys<'a>],
    ) -> Result<Vec<&'s StreamKeys<'a>>, StorageError> {
        let names = streams.iter();
        let names: Vec<_> = names
            .map(|keys| (keys.source.as_str(), keys.stream.as_str()))
            .collect();
        let places: Vec<i64> = sqlx::query_scalar(OLD_REJECTIONS)
            .bind(json(&names)?)
            .bind(run.0)
            .fetch_all(self.ready().await?)
            .await
            .doing("looking for rejections")?;
        let places = places.into_iter().map(to_index);
        Ok(places.filter_map(|place| streams.get(place)).collect())
    }
}
