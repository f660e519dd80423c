//! Reading a whole table, in chunks, and going on after a kill.

use std::time::{Duration, Instant};

use futures::future::{Either, join, select};

use crate::compliance::run::{read, read_until, sorted};
use crate::compliance::{NewTable, Row, Skipped, Subject, Verdict, place, row, session};
use crate::error::ConnectError;
use crate::message::{Message, Outlet};

/// Why a case needs a table that the kind cannot have.
const KEYED: (&str, &str) = ("each of its tables has a key", "لكل جدول من جداوله مفتاح");

fn people() -> NewTable {
    NewTable::new("persons", &["id#", "name"], &["id"])
}

fn many(count: usize) -> Vec<Row> {
    let name = |id: usize| row(&[&id.to_string(), &format!("name {id}")]);
    (1..=count).map(name).collect()
}

/// An empty table has no rows and one checkpoint.
pub async fn empty_table(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    place.create(&people(), &[]).await;
    let session = session(place.as_ref(), place.config());
    let plan = people().plan(place.as_ref(), 10);
    let taken = read(subject.connector().as_ref(), &session, &plan, None)
        .await
        .expect("an empty table is read");
    assert_eq!((taken.rows.len(), taken.checkpoints.len()), (0, 1));
    Ok(())
}

/// A table that is not there is a configuration error.
pub async fn missing_table(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    place.create(&people(), &[]).await;
    let session = session(place.as_ref(), place.config());
    let plan = NewTable::new("nobody", &["id"], &["id"]).plan(place.as_ref(), 10);
    let error = read(subject.connector().as_ref(), &session, &plan, None)
        .await
        .expect_err("a missing table is read");
    assert_eq!(error.name(), "configuration", "{error}");
    assert!(error.to_string().contains(&plan.table), "{error}");
    Ok(())
}

/// A column that is not there is a configuration error that names the nearest one.
pub async fn missing_column(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    place.create(&people(), &many(1)).await;
    let session = session(place.as_ref(), place.config());
    let mut plan = people().plan(place.as_ref(), 10);
    plan.columns[1] = String::from("nmae");
    let error = read(subject.connector().as_ref(), &session, &plan, None)
        .await
        .expect_err("a missing column is read");
    assert_eq!(error.name(), "configuration", "{error}");
    assert!(error.remedy().contains("'name'"), "{error}");
    Ok(())
}

/// A table without a key is read whole, equal rows included.
pub async fn keyless_table(subject: &dyn Subject) -> Verdict {
    if !subject.features().keyless {
        return Err(Skipped::of(KEYED.0, KEYED.1));
    }
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["name"], &[]);
    let rows = [row(&["a"]), row(&["b"]), row(&["a"])];
    place.create(&table, &rows).await;
    let session = session(place.as_ref(), place.config());
    let plan = table.plan(place.as_ref(), 2);
    let taken = read(subject.connector().as_ref(), &session, &plan, None)
        .await
        .expect("a table without a key is read");
    assert_eq!(sorted(&taken.rows), sorted(&rows));
    Ok(())
}

/// A composite key cuts chunks in the middle of its first part.
pub async fn composite_key(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["office", "id#", "name"], &["office", "id"]);
    let mut rows = Vec::new();
    for office in ["a", "b"] {
        rows.extend((1..=5).map(|id: i32| row(&[office, &id.to_string(), "x"])));
    }
    place.create(&table, &rows).await;
    every_kill(subject, place.as_ref(), &table, &rows).await;
    Ok(())
}

/// Rows of an equal key are all sent, wherever two chunks meet.
pub async fn equal_keys_across_chunks(subject: &dyn Subject) -> Verdict {
    if !subject.features().keyless {
        return Err(Skipped::of(KEYED.0, KEYED.1));
    }
    let place = place(subject).await?;
    let bare = NewTable::new("persons", &["id#", "name"], &[]);
    let rows: Vec<Row> = ["1", "2", "2", "2", "2", "3"]
        .iter()
        .enumerate()
        .map(|(index, id)| row(&[id, &format!("name {index}")]))
        .collect();
    place.create(&bare, &rows).await;
    let keyed = NewTable {
        key: vec!["id".to_owned()],
        ..bare
    };
    every_kill(subject, place.as_ref(), &keyed, &rows).await;
    Ok(())
}

/// Only the columns of the plan are sent, in its order.
pub async fn only_mapped_columns_selected(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["id#", "secret", "name"], &["id"]);
    place.create(&table, &[row(&["1", "never", "x"])]).await;
    let session = session(place.as_ref(), place.config());
    let mut plan = table.plan(place.as_ref(), 10);
    plan.columns = vec!["name".to_owned(), "id".to_owned()];
    let taken = read(subject.connector().as_ref(), &session, &plan, None)
        .await
        .expect("two columns are read");
    assert_eq!(taken.columns, Some(plan.columns));
    assert_eq!(taken.rows, [row(&["x", "1"])]);
    Ok(())
}

/// A host that is killed at any checkpoint loses no row and gets none twice.
pub async fn snapshot_resumes_after_kill_at_every_chunk(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let rows = many(25);
    place.create(&people(), &rows).await;
    every_kill(subject, place.as_ref(), &people(), &rows).await;
    Ok(())
}

/// Kills the host at every checkpoint of several chunk sizes, and once reads with a kill at each
/// checkpoint of one run.
async fn every_kill(
    subject: &dyn Subject,
    place: &dyn super::Place,
    table: &NewTable,
    rows: &[Row],
) {
    let connector = subject.connector();
    let session = session(place, place.config());
    for chunk_rows in [1, 3, 25, 100] {
        let plan = table.plan(place, chunk_rows);
        let whole = read(connector.as_ref(), &session, &plan, None)
            .await
            .expect("the table is read");
        assert_eq!(sorted(&whole.rows), sorted(rows));
        let last = whole.checkpoints.len() - 1;
        for (position, before) in &whole.checkpoints[..last] {
            let rest = read(connector.as_ref(), &session, &plan, Some(position.clone()))
                .await
                .expect("reading resumes");
            let mut all = whole.rows[..*before].to_vec();
            all.extend(rest.rows);
            assert_eq!(sorted(&all), sorted(rows), "chunks of {chunk_rows}");
        }
    }
    let plan = table.plan(place, 2);
    let mut all = Vec::new();
    let mut position = None;
    while all.len() < rows.len() {
        let from = position.take();
        let (taken, result) = read_until(connector.as_ref(), &session, &plan, from, 1).await;
        assert!(
            matches!(result, Ok(()) | Err(ConnectError::Cancelled)),
            "{result:?}"
        );
        assert_eq!(taken.checkpoints.len(), 1, "a run that is killed gets on");
        all.extend(taken.rows);
        position = taken
            .checkpoints
            .into_iter()
            .next()
            .map(|(position, _)| position);
    }
    assert_eq!(sorted(&all), sorted(rows));
}

/// Checkpoints count the rows before them, whatever the size of chunks and batches.
pub async fn counts_match_at_every_checkpoint(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let rows = many(2_500);
    place.create(&people(), &rows).await;
    let session = session(place.as_ref(), place.config());
    for chunk_rows in [100, 1_000, 1_250, 2_500, 10_000] {
        let plan = people().plan(place.as_ref(), chunk_rows);
        // The receiving side counts, and a wrong count is an error.
        let taken = read(subject.connector().as_ref(), &session, &plan, None)
            .await
            .expect("the counts match");
        assert_eq!(taken.rows.len(), rows.len());
        let expected = rows.len() / chunk_rows as usize;
        assert!(
            taken.checkpoints.len() >= expected,
            "chunks of {chunk_rows}"
        );
    }
    Ok(())
}

/// A position of a later format is refused.
pub async fn future_position_is_refused(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    place.create(&people(), &many(3)).await;
    let session = session(place.as_ref(), place.config());
    let plan = people().plan(place.as_ref(), 1);
    let connector = subject.connector();
    let taken = read(connector.as_ref(), &session, &plan, None)
        .await
        .expect("the table is read");
    let text = taken.checkpoints[0].0.as_str();
    let later = later_format(text);
    assert!(later.is_some(), "a position holds \"format\":1");
    for text in later.as_deref().into_iter().chain(["", "{}"]) {
        let position = text.parse().expect("any text parses");
        let error = read(connector.as_ref(), &session, &plan, Some(position))
            .await
            .expect_err("a later position is taken");
        assert_eq!(error.name(), "configuration", "{error}");
    }
    Ok(())
}

/// Returns a position of the first format as one of the second.
fn later_format(text: &str) -> Option<String> {
    let found = ["\"format\":1", "\"format\": 1"]
        .into_iter()
        .find(|form| text.contains(form))?;
    Some(text.replacen(found, "\"format\":2", 1))
}

/// A position of another table is refused.
pub async fn foreign_position_is_refused(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let other = NewTable::new("others", &["id#", "name"], &["id"]);
    place.create(&people(), &many(3)).await;
    place.create(&other, &many(3)).await;
    let session = session(place.as_ref(), place.config());
    let connector = subject.connector();
    let plan = people().plan(place.as_ref(), 1);
    let taken = read(connector.as_ref(), &session, &plan, None)
        .await
        .expect("the table is read");
    let position = taken.checkpoints[0].0.clone();
    let plan = other.plan(place.as_ref(), 1);
    let error = read(connector.as_ref(), &session, &plan, Some(position))
        .await
        .expect_err("a foreign position is taken");
    assert_eq!(error.name(), "configuration", "{error}");
    Ok(())
}

/// A host that stalls stalls the read: nothing piles up behind the channel.
pub async fn slow_consumer_is_bounded(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    place.create(&people(), &many(20_000)).await;
    let session = session(place.as_ref(), place.config());
    let plan = people().plan(place.as_ref(), 20_000);
    let connector = subject.connector();
    let (outlet, mut inlet) = Outlet::channel(1);
    let reading = connector.read(&session, &plan, None, outlet);
    let stalled = async {
        let first = loop {
            let message = inlet.receive().await;
            if !matches!(message, Ok(Some(Message::Progress(_)))) {
                break message;
            }
        };
        assert!(matches!(first, Ok(Some(Message::Rows(_)))), "{first:?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let reading = match select(reading, Box::pin(stalled)).await {
        Either::Left((result, _)) => panic!("the read ended in a stall: {result:?}"),
        Either::Right(((), reading)) => reading,
    };
    let drained = async move {
        let mut rows = 0;
        while let Ok(Some(message)) = inlet.receive().await {
            if let Message::Rows(batch) = message {
                rows += batch.rows();
            }
        }
        rows
    };
    let (result, rows) = join(reading, drained).await;
    assert_eq!(result, Ok(()));
    assert!(
        rows < 20_000 && rows > 10_000,
        "the first batch had been taken: {rows}"
    );
    Ok(())
}

/// A read ends within a second after its host has gone.
pub async fn cancel_frees_source_within_1s(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    place.create(&people(), &many(20_000)).await;
    let session = session(place.as_ref(), place.config());
    let plan = people().plan(place.as_ref(), 20_000);
    let connector = subject.connector();
    let (outlet, mut inlet) = Outlet::channel(1);
    let host = async move {
        let first = inlet.receive().await;
        assert!(first.is_ok());
        drop(inlet);
        Instant::now()
    };
    let (result, left) = join(connector.read(&session, &plan, None, outlet), host).await;
    assert_eq!(result, Err(ConnectError::Cancelled));
    assert!(left.elapsed() < Duration::from_secs(1));
    Ok(())
}
