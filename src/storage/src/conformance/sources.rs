//! Cases about sources, runs, agreements and the outbox.

use rabt_model::ErrorClass;

use super::sample::{at, source, stream};
use crate::repository::Storage;
use crate::row::{RunCounts, RunError, RunOutcome, RunState, SourceState, StoredSource};

pub(super) fn stored(name: &str, state: SourceState) -> StoredSource {
    StoredSource {
        id: source(name),
        agency: "electricity".parse().unwrap(),
        kind: "sqlite".into(),
        manifest: "schema = 1\n".into(),
        mapping: "# الاسم".into(),
        state,
        created_at: at(1),
        updated_at: at(2),
    }
}

pub(super) async fn a_source_comes_back_as_it_went_in(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let giza = stored("electricity-giza", SourceState::Draft);
    let mut cairo = stored("electricity-cairo", SourceState::Draft);
    for source in [&giza, &cairo] {
        tx.put_source(source).await.unwrap();
    }
    assert_eq!(
        tx.list_sources().await.unwrap(),
        [cairo.clone(), giza.clone()]
    );
    assert!(
        tx.set_state(&giza.id, SourceState::Live, at(9))
            .await
            .unwrap()
    );
    assert!(
        !tx.set_state(&source("tax"), SourceState::Live, at(9))
            .await
            .unwrap()
    );
    let live = tx.get_source(&giza.id).await.unwrap().unwrap();
    assert_eq!((live.state, live.updated_at), (SourceState::Live, at(9)));
    let mut changed = cairo.clone();
    changed.mapping = "# new".into();
    changed.created_at = at(50);
    changed.updated_at = at(50);
    tx.put_source(&changed).await.unwrap();
    cairo.mapping = changed.mapping;
    cairo.updated_at = at(50);
    assert_eq!(tx.get_source(&cairo.id).await.unwrap(), Some(cairo));
    assert_eq!(tx.get_source(&source("tax")).await.unwrap(), None);
    tx.commit().await.unwrap();
}

pub(super) async fn positions_are_kept_by_stream(storage: &dyn Storage) {
    let (tax, person, company) = (source("tax"), stream("person"), stream("company"));
    let mut tx = storage.begin().await.unwrap();
    assert_eq!(tx.get_position(&tax, &person).await.unwrap(), None);
    tx.put_position(&tax, &person, "one", 1).await.unwrap();
    tx.put_position(&tax, &person, "two", 2).await.unwrap();
    tx.put_position(&tax, &company, "three", 3).await.unwrap();
    let position = tx.get_position(&tax, &person).await.unwrap();
    assert_eq!(position.as_deref(), Some("two"));
    let all = tx.positions(&tax).await.unwrap();
    let all: Vec<_> = all.iter().map(|p| (p.stream.as_str(), p.rows)).collect();
    assert_eq!(all, [("company", 3), ("person", 2)]);
    tx.delete_position(&tax, &person).await.unwrap();
    assert_eq!(tx.get_position(&tax, &person).await.unwrap(), None);
    tx.commit().await.unwrap();
}

pub(super) async fn runs_are_counted_and_end(storage: &dyn Storage) {
    let tax = source("tax");
    let mut tx = storage.begin().await.unwrap();
    let first = tx.start_run(&tax, at(1)).await.unwrap();
    let second = tx.start_run(&tax, at(2)).await.unwrap();
    tx.start_run(&source("civil"), at(3)).await.unwrap();
    let counts = RunCounts {
        rows: 10,
        records: 5,
        rejected: 2,
        unchanged: 3,
        deleted: 4,
        late: 1,
    };
    tx.count_run(first, counts).await.unwrap();
    tx.count_run(first, counts).await.unwrap();
    let error = RunError {
        class: ErrorClass::SourceUnreachable,
        summary: "connection refused".into(),
    };
    let outcome = RunOutcome {
        state: RunState::Failed,
        finished_at: at(4),
        error: Some(error.clone()),
    };
    tx.finish_run(first, &outcome).await.unwrap();
    let runs = tx.runs(&tax, 9).await.unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[0].run, runs[0].state), (second, RunState::Running));
    assert_eq!(runs[0].finished_at, None);
    assert_eq!(runs[1].counts.rows, 20);
    assert_eq!(runs[1].counts.unchanged, 6);
    assert_eq!((runs[1].counts.deleted, runs[1].counts.late), (8, 2));
    assert_eq!(runs[1].error, Some(error));
    assert_eq!(runs[1].finished_at, Some(at(4)));
    assert_eq!(tx.runs(&tax, 1).await.unwrap(), runs[..1]);
    assert_eq!(tx.get_run(first).await.unwrap().as_ref(), runs.get(1));
    tx.commit().await.unwrap();
}

pub(super) async fn a_run_of_a_killed_process_is_interrupted(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let run = tx.start_run(&source("tax"), at(1)).await.unwrap();
    assert_eq!(tx.interrupt_runs(at(5)).await.unwrap(), 1);
    assert_eq!(tx.interrupt_runs(at(6)).await.unwrap(), 0);
    let run = tx.get_run(run).await.unwrap().unwrap();
    assert_eq!(run.state, RunState::Interrupted);
    assert_eq!(run.finished_at, Some(at(5)));
    tx.commit().await.unwrap();
}

pub(super) async fn the_last_bundle_is_current(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    assert_eq!(tx.current_bundle().await.unwrap(), None);
    for (revision, seconds) in [("r1", 1), ("r2", 2), ("r2", 3), ("r1", 4)] {
        tx.put_bundle(revision, "text", at(seconds)).await.unwrap();
    }
    let bundles = tx.bundles(9).await.unwrap();
    let revisions: Vec<&str> = bundles.iter().map(|b| b.revision.as_str()).collect();
    assert_eq!(revisions, ["r1", "r2", "r1"]);
    assert_eq!(bundles[1].stored_at, at(2));
    assert_eq!(tx.current_bundle().await.unwrap().as_ref(), bundles.first());
    tx.commit().await.unwrap();
}

pub(super) async fn outbox_numbers_are_never_used_again(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    let bodies: Vec<Vec<u8>> = (0..200_u8).map(|n| vec![n, 0, 255]).collect();
    tx.put_outbox(&bodies).await.unwrap();
    tx.put_outbox(&[]).await.unwrap();
    let rows = tx.outbox_after(0, 1000).await.unwrap();
    assert!(rows.is_sorted_by(|a, b| a.0 < b.0));
    let found: Vec<Vec<u8>> = rows.iter().map(|(_, body)| body.clone()).collect();
    assert_eq!(found, bodies);
    let page = tx.outbox_after(rows[9].0, 5).await.unwrap();
    assert_eq!(page, rows[10..15]);
    let last = rows[199].0;
    tx.delete_outbox_through(last).await.unwrap();
    assert!(tx.outbox_after(0, 9).await.unwrap().is_empty());
    tx.put_outbox(&bodies[..1]).await.unwrap();
    assert!(tx.outbox_after(0, 9).await.unwrap()[0].0 > last);
    tx.commit().await.unwrap();
}

pub(super) async fn a_mark_has_its_last_text(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    tx.put_mark("one", "first").await.unwrap();
    tx.put_mark("one", "second").await.unwrap();
    tx.put_mark("other", "").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = storage.snapshot().await.unwrap();
    assert_eq!(tx.get_mark("one").await.unwrap().as_deref(), Some("second"));
    assert_eq!(tx.get_mark("other").await.unwrap().as_deref(), Some(""));
    assert_eq!(tx.get_mark("nobody").await.unwrap(), None);
}
