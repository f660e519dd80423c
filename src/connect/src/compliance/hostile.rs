//! Names and values nobody expects.

use crate::compliance::run::{read, sorted};
use crate::compliance::{Names, NewTable, Skipped, Subject, Verdict, place, row, session};
use crate::message::{MAX_BATCH_BYTES, MAX_CELL_BYTES};

/// Reserved words are fine as names; so are quotes, spaces and Arabic, where the kind has such names.
pub async fn reserved_and_quoted_names(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let columns = [
        "order",
        "select",
        "with space",
        "quote\"d",
        "it's",
        "الاسم",
        "semi;colon",
        "a,b",
    ];
    let named = match subject.features().names {
        Names::Any => columns.len(),
        Names::Plain => 2,
    };
    let table = NewTable::new("group", &columns[..named], &["order"]);
    let rows = [
        row(&["1", "a", "b", "c", "d", "e", "f", "g"][..named]),
        row(&["2", "a", "b", "c", "d", "e", "f", "g"][..named]),
    ];
    place.create(&table, &rows).await;
    let session = session(place.as_ref(), place.config());
    let plan = table.plan(place.as_ref(), 1);
    let taken = read(subject.connector().as_ref(), &session, &plan, None)
        .await
        .expect("strange names are read");
    assert_eq!(sorted(&taken.rows), sorted(&rows));
    Ok(())
}

/// Values arrive as they are; one that is too long says so, and its row arrives.
pub async fn hostile_values(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["id#", "value"], &["id"]);
    let values = [
        "'; DROP TABLE persons; --",
        "\"quoted\", with comma",
        "two\nlines\r\nand\ttabs",
        " leading and trailing ",
        "محمد \u{200f}علي",
        "👩🏽‍⚕️ \u{1f} \u{fffd}",
        "NULL",
        "\\N",
        "0000-00-00",
        "infinity",
        "NaN",
        "00123",
        "1e400",
        "{\"a\":1}",
        "%s %n $1 ?",
    ];
    let mut rows: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(id, value)| row(&[&id.to_string(), value]))
        .collect();
    let long = "x".repeat(MAX_CELL_BYTES + 1);
    let very_long = "ي".repeat(500_000);
    rows.push(row(&["100", &long]));
    rows.push(row(&["101", &very_long]));
    rows.push(row(&["102", &long[1..]]));
    place.create(&table, &rows).await;
    let expected = rows.len();
    rows[expected - 3] = row(&["100", "!too_long"]);
    rows[expected - 2] = row(&["101", "!too_long"]);
    for value in rows.iter_mut().filter_map(|row| row[1].as_mut()) {
        *value = place.kept(value);
    }
    let session = session(place.as_ref(), place.config());
    let plan = table.plan(place.as_ref(), 4);
    let taken = read(subject.connector().as_ref(), &session, &plan, None)
        .await
        .expect("hostile values are read");
    assert_eq!(sorted(&taken.rows), sorted(&rows));
    Ok(())
}

/// NULL and the empty text are told apart.
pub async fn null_is_not_empty(subject: &dyn Subject) -> Verdict {
    if !subject.features().nulls {
        return Err(Skipped::of(
            "its tables have no NULL",
            "جداوله لا تعرف القيمة الغائبة",
        ));
    }
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["id#", "value"], &["id"]);
    let rows = [
        vec![Some("1".to_owned()), None],
        vec![Some("2".to_owned()), Some(String::new())],
    ];
    place.create(&table, &rows).await;
    let session = session(place.as_ref(), place.config());
    let plan = table.plan(place.as_ref(), 10);
    let taken = read(subject.connector().as_ref(), &session, &plan, None)
        .await
        .expect("NULL is read");
    assert_eq!(sorted(&taken.rows), sorted(&rows));
    Ok(())
}

/// Wide rows make batches of fewer rows, not larger batches.
pub async fn large_cells_make_small_batches(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["id#", "value"], &["id"]);
    let value = "x".repeat(60_000);
    let rows: Vec<_> = (1..=60)
        .map(|id: i32| row(&[&id.to_string(), &value]))
        .collect();
    place.create(&table, &rows).await;
    let session = session(place.as_ref(), place.config());
    let plan = table.plan(place.as_ref(), 1_000);
    let taken = read(subject.connector().as_ref(), &session, &plan, None)
        .await
        .expect("wide rows are read");
    assert_eq!(taken.rows.len(), rows.len());
    assert!(
        taken.largest < MAX_BATCH_BYTES + MAX_CELL_BYTES,
        "{}",
        taken.largest
    );
    Ok(())
}
