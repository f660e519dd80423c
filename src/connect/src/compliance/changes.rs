//! Reading changes from the source's log. Kinds that cannot are not asked.

use futures::future::join;

use crate::compliance::run::{Told, read, read_until};
use crate::compliance::{
    Change, NewTable, Place, Row, Skipped, Subject, Verdict, place, row, session, there,
};
use crate::connector::{Mode, Plan};
use crate::error::ConnectError;
use crate::message::Position;

fn people() -> NewTable {
    NewTable::new("persons", &["id#", "name"], &["id"])
}

fn plan(place: &dyn Place, chunk_rows: u32) -> Plan {
    Plan {
        mode: Mode::Changes { follow: false },
        ..people().plan(place, chunk_rows)
    }
}

fn must_read_changes(subject: &dyn Subject) -> Verdict {
    if subject.connector().describe().capabilities.changes {
        return Ok(());
    }
    Err(Skipped::of(
        "the kind does not read changes from a log",
        "هذا النوع لا يقرأ التغييرات من سجل",
    ))
}

async fn prepare(subject: &dyn Subject, rows: &[Row]) -> Result<Box<dyn Place>, Skipped> {
    must_read_changes(subject)?;
    let place = place(subject).await?;
    place.create(&people(), rows).await;
    Ok(place)
}

fn many(from: usize, to: usize) -> Vec<Row> {
    let one = |id: usize| row(&[&id.to_string(), &format!("name {id}")]);
    (from..=to).map(one).collect()
}

fn rows(rows: &[Row]) -> Vec<Told> {
    rows.iter().cloned().map(Told::Row).collect()
}

/// Reads from a position to the end, as a host that commits; returns what came and the last position.
async fn run(
    subject: &dyn Subject,
    place: &dyn Place,
    plan: &Plan,
    from: Option<Position>,
) -> (Vec<Told>, Option<Position>) {
    let session = session(place, place.config());
    let taken = read(subject.connector().as_ref(), &session, plan, from)
        .await
        .expect("changes are read");
    let last = taken
        .checkpoints
        .last()
        .map(|(position, _)| position.clone());
    (taken.told, last)
}

/// Rows that are written while the first reading is under way come once, from the snapshot or from
/// the log.
pub async fn changes_join_their_snapshot(subject: &dyn Subject) -> Verdict {
    let place = prepare(subject, &many(1, 2_000)).await?;
    let place = place.as_ref();
    let plan = plan(place, 500);
    let writing = async {
        for id in 2_001..=2_100 {
            place.insert(&people(), &many(id, id)).await;
        }
    };
    let (first, ()) = join(run(subject, place, &plan, None), writing).await;
    let (mut told, position) = first;
    let (rest, _) = run(subject, place, &plan, position).await;
    told.extend(rest);
    told.sort();
    let mut expected = rows(&many(1, 2_100));
    expected.sort();
    assert!(
        told == expected,
        "{} of {} came",
        told.len(),
        expected.len()
    );
    Ok(())
}

/// Every change comes, in the order of the commits; a new key is a deletion and a row.
pub async fn changes_come_in_the_order_of_commits(subject: &dyn Subject) -> Verdict {
    let place = prepare(subject, &many(1, 3)).await?;
    let place = place.as_ref();
    let plan = plan(place, 100);
    let (_, position) = run(subject, place, &plan, None).await;
    let update = |key: &str, cells: &[&str]| Change::Update(key.to_owned(), row(cells));
    let changes = [
        Change::Insert(row(&["4", "d"])),
        update("1", &["1", "aa"]),
        update("2", &["22", "b"]),
        Change::Delete("4".to_owned()),
        Change::Insert(row(&["4", "again"])),
    ];
    for change in changes {
        place.change(&people(), change).await;
    }
    let (told, position) = run(subject, place, &plan, position).await;
    let expected = [
        Told::Row(row(&["4", "d"])),
        Told::Row(row(&["1", "aa"])),
        Told::Gone("2".to_owned()),
        Told::Row(row(&["22", "b"])),
        Told::Gone("4".to_owned()),
        Told::Row(row(&["4", "again"])),
    ];
    assert_eq!(told, expected);
    let (told, _) = run(subject, place, &plan, position).await;
    assert_eq!(told, [], "a change came twice");
    Ok(())
}

/// A host that is killed at any checkpoint, in the snapshot or behind it, misses nothing and is told
/// nothing twice.
pub async fn changes_resume_after_kill_at_every_checkpoint(subject: &dyn Subject) -> Verdict {
    let place = prepare(subject, &many(1, 20)).await?;
    let place = place.as_ref();
    let (connector, plan) = (subject.connector(), plan(place, 6));
    let session = session(place, place.config());
    let (mut told, mut position) = (Vec::new(), None);
    let mut expected = rows(&many(1, 20));
    for round in 0..40 {
        let from = position.take();
        let (taken, result) = read_until(connector.as_ref(), &session, &plan, from, 1).await;
        assert!(
            matches!(result, Ok(()) | Err(ConnectError::Cancelled)),
            "{result:?}"
        );
        assert_eq!(taken.checkpoints.len(), 1, "a run that is killed gets on");
        told.extend(taken.told);
        position = taken.checkpoints.into_iter().next().map(|(at, _)| at);
        if round == 8 {
            // One transaction of more changes than a chunk.
            place.insert(&people(), &many(100, 130)).await;
            expected.extend(rows(&many(100, 130)));
        }
        if round > 8 && told.len() >= expected.len() {
            break;
        }
    }
    assert_eq!(told, expected);
    Ok(())
}

/// What no host has committed comes again, however often it was sent.
pub async fn changes_without_a_commit_come_again(subject: &dyn Subject) -> Verdict {
    let place = prepare(subject, &[]).await?;
    let place = place.as_ref();
    let (connector, plan) = (subject.connector(), plan(place, 100));
    let (_, position) = run(subject, place, &plan, None).await;
    place.insert(&people(), &many(1, 10)).await;
    let session = session(place, place.config());
    for _ in 0..2 {
        let from = position.clone();
        let (taken, _) = read_until(connector.as_ref(), &session, &plan, from, 1).await;
        assert_eq!(taken.told, rows(&many(1, 10)));
    }
    let (told, _) = run(subject, place, &plan, position).await;
    assert_eq!(told, rows(&many(1, 10)));
    Ok(())
}

/// A table that was emptied is told of, and the next read goes on behind that.
pub async fn changes_tell_of_an_emptied_table(subject: &dyn Subject) -> Verdict {
    let place = prepare(subject, &many(1, 3)).await?;
    let place = place.as_ref();
    let plan = plan(place, 100);
    let (_, position) = run(subject, place, &plan, None).await;
    place.change(&people(), Change::Truncate).await;
    place.insert(&people(), &many(7, 8)).await;
    let (told, position) = run(subject, place, &plan, position).await;
    assert_eq!(told, [Told::Emptied]);
    let (told, _) = run(subject, place, &plan, position).await;
    assert_eq!(told, rows(&many(7, 8)));
    Ok(())
}

/// What was forgotten, by us or by the source itself, is not gone on with: changes would be missed.
pub async fn changes_that_were_forgotten_are_refused(subject: &dyn Subject) -> Verdict {
    must_read_changes(subject)?;
    let place = there(subject, subject.place_with_own_log().await)?;
    let place = place.as_ref();
    place.create(&people(), &many(1, 3)).await;
    let (connector, plan) = (subject.connector(), plan(place, 100));
    let (_, position) = run(subject, place, &plan, None).await;
    let session = session(place, place.config());
    for _ in 0..2 {
        let forgotten = connector.forget(&session, &plan).await;
        assert_eq!(forgotten, Ok(()));
    }
    place.lose_log().await;
    let error = read(connector.as_ref(), &session, &plan, position)
        .await
        .expect_err("a log that is not kept any more is gone on with");
    assert_eq!(error.name(), "configuration", "{error}");
    assert!(error.remedy().contains("from the beginning"), "{error}");
    let (told, _) = run(subject, place, &plan, None).await;
    assert_eq!(told, rows(&many(1, 3)));
    Ok(())
}
