//! Reading what has changed. Kinds that cannot are not asked.

use std::time::Duration;

use crate::compliance::run::{read, sorted};
use crate::compliance::{NewTable, Place, Row, Skipped, Subject, Verdict, place, row, session};
use crate::connector::{Mode, Plan};
use crate::message::Position;

fn people() -> NewTable {
    NewTable::new("persons", &["id#", "name", "seen#"], &["id"])
}

fn plan(place: &dyn Place, lag: Option<Duration>, chunk_rows: u32) -> Plan {
    Plan {
        mode: Mode::Incremental {
            cursor: "seen".to_owned(),
            lag,
        },
        ..people().plan(place, chunk_rows)
    }
}

async fn prepare(subject: &dyn Subject, rows: &[Row]) -> Result<Box<dyn Place>, Skipped> {
    if !subject.connector().describe().capabilities.incremental {
        return Err(Skipped::of(
            "the kind does not read by a cursor",
            "هذا النوع لا يقرأ بحسب مؤشر",
        ));
    }
    let place = place(subject).await?;
    place.create(&people(), rows).await;
    Ok(place)
}

/// Reads from a position to the end; returns the rows and the last position.
async fn run(
    subject: &dyn Subject,
    place: &dyn Place,
    plan: &Plan,
    from: Option<Position>,
) -> (Vec<Row>, Vec<(Position, usize)>) {
    let session = session(place, place.config());
    let taken = read(subject.connector().as_ref(), &session, plan, from)
        .await
        .expect("the changes are read");
    (taken.rows, taken.checkpoints)
}

fn last(checkpoints: &[(Position, usize)]) -> Option<Position> {
    checkpoints.last().map(|(position, _)| position.clone())
}

/// More rows of one cursor value than a chunk holds are all read, and one that comes later with
/// the same value is not missed.
pub async fn incremental_equal_cursors(subject: &dyn Subject) -> Verdict {
    let rows: Vec<Row> = (1..=10)
        .map(|id: i32| row(&[&id.to_string(), "x", "7"]))
        .collect();
    let place = prepare(subject, &rows).await?;
    let plan = plan(place.as_ref(), None, 3);
    let (first, checkpoints) = run(subject, place.as_ref(), &plan, None).await;
    assert_eq!(sorted(&first), sorted(&rows));
    let late = row(&["0", "late", "7"]);
    place.insert(&people(), std::slice::from_ref(&late)).await;
    let (second, _) = run(subject, place.as_ref(), &plan, last(&checkpoints)).await;
    assert!(second.contains(&late), "a row of an equal cursor is missed");
    Ok(())
}

/// A second run sends what is new, and of the old only rows of the last cursor value.
pub async fn incremental_reads_only_changes(subject: &dyn Subject) -> Verdict {
    let rows: Vec<Row> = (1..=9)
        .map(|id: i32| row(&[&id.to_string(), "x", &(id * 10).to_string()]))
        .collect();
    let place = prepare(subject, &rows).await?;
    let plan = plan(place.as_ref(), None, 4);
    let (_, checkpoints) = run(subject, place.as_ref(), &plan, None).await;
    let (idle, checkpoints) = run(subject, place.as_ref(), &plan, last(&checkpoints)).await;
    assert_eq!(idle, [rows[8].clone()]);
    let new = row(&["10", "new", "100"]);
    place.insert(&people(), std::slice::from_ref(&new)).await;
    let (second, _) = run(subject, place.as_ref(), &plan, last(&checkpoints)).await;
    assert_eq!(second, [rows[8].clone(), new]);
    Ok(())
}

/// Within the lag, a row that was committed late is read.
pub async fn incremental_lag_reads_late_rows(subject: &dyn Subject) -> Verdict {
    let rows: Vec<Row> = (1..=9)
        .map(|id: i32| row(&[&id.to_string(), "x", &(id * 10).to_string()]))
        .collect();
    let place = prepare(subject, &rows).await?;
    let plan = plan(place.as_ref(), Some(Duration::from_secs(20)), 4);
    let (_, checkpoints) = run(subject, place.as_ref(), &plan, None).await;
    let late = row(&["20", "late", "75"]);
    let lost = row(&["21", "lost", "65"]);
    place.insert(&people(), &[late.clone(), lost.clone()]).await;
    let (second, _) = run(subject, place.as_ref(), &plan, last(&checkpoints)).await;
    assert!(second.contains(&late));
    assert!(!second.contains(&lost), "the lag is longer than asked for");
    Ok(())
}

/// A run that is killed goes on behind its last checkpoint, also among rows of one cursor value.
pub async fn incremental_resumes_after_kill_at_every_chunk(subject: &dyn Subject) -> Verdict {
    let rows: Vec<Row> = (1..=12)
        .map(|id: i32| row(&[&id.to_string(), "x", &(id / 8).to_string()]))
        .collect();
    let place = prepare(subject, &rows).await?;
    let plan = plan(place.as_ref(), None, 3);
    let (whole, checkpoints) = run(subject, place.as_ref(), &plan, None).await;
    assert_eq!(sorted(&whole), sorted(&rows));
    let killed = &checkpoints[..checkpoints.len() - 1];
    for (position, before) in killed {
        let from = Some(position.clone());
        let (rest, _) = run(subject, place.as_ref(), &plan, from).await;
        let mut all = whole[..*before].to_vec();
        all.extend(rest);
        assert_eq!(sorted(&all), sorted(&rows));
    }
    Ok(())
}
