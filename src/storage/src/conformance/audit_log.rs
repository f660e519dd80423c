//! Cases about the audit log.

use rabt_model::RunId;

use super::sample::{at, record};
use crate::StorageError;
use crate::repository::{AuditLog, Storage};
use crate::row::{CaseState, CaseStep, NewEntry, StoredCase, StoredEntry, StoredStamp, SubjectKey};

fn entry(number: u8) -> NewEntry {
    about(number, &[])
}

fn about(number: u8, subjects: &[u8]) -> NewEntry {
    let entry = StoredEntry {
        body: vec![number; 20],
        leaf_hash: [number; 32],
        outbox: number.is_multiple_of(2).then_some(i64::from(number) * 10),
    };
    let subjects = subjects.iter().map(|subject| [*subject; 32]).collect();
    NewEntry {
        entry,
        subjects,
        keys: Vec::new(),
        case: None,
        archive: None,
    }
}

async fn leaves_about(log: &dyn AuditLog, subjects: &[u8], before: Option<u64>) -> Vec<u64> {
    let subjects: Vec<[u8; 32]> = subjects.iter().map(|subject| [*subject; 32]).collect();
    let found = log.entries_about(&subjects, before, 3).await.unwrap();
    let leaves = found.into_iter().map(|(leaf, found)| {
        let number = u8::try_from(leaf).unwrap();
        assert_eq!(found, entry(number).entry);
        leaf
    });
    leaves.collect()
}

pub(super) async fn entries_are_found_by_everybody_whom_they_are_about(storage: &dyn Storage) {
    let log = storage.audit_log();
    let entries = [
        about(0, &[7]),
        about(1, &[7, 8, 9, 7]),
        about(2, &[]),
        about(3, &[8]),
        about(4, &[7, 8]),
        about(5, &[7]),
    ];
    log.append(0, &entries[..2], None).await.unwrap();
    log.append(2, &entries[2..], None).await.unwrap();
    let log = log.as_ref();
    assert_eq!(leaves_about(log, &[7], None).await, [5, 4, 1]);
    assert_eq!(leaves_about(log, &[7], Some(1)).await, [0]);
    assert_eq!(leaves_about(log, &[8], Some(4)).await, [3, 1]);
    assert_eq!(leaves_about(log, &[9], None).await, [1]);
    // several names of one person: each entry once
    assert_eq!(leaves_about(log, &[8, 7], None).await, [5, 4, 3]);
    assert_eq!(leaves_about(log, &[8, 7], Some(3)).await, [1, 0]);
    assert!(leaves_about(log, &[1], None).await.is_empty());
    assert!(leaves_about(log, &[], None).await.is_empty());
    assert_eq!(log.indexed().await.unwrap(), 6);
}

pub(super) async fn what_is_indexed_later_is_found_once(storage: &dyn Storage) {
    let log = storage.audit_log();
    assert_eq!(log.indexed().await.unwrap(), 0);
    log.append(0, &[entry(0), entry(1), about(2, &[7])], None)
        .await
        .unwrap();
    for _ in 0..2 {
        let subjects = [(0, [7; 32]), (1, [8; 32]), (2, [7; 32])];
        log.index(0, 3, &subjects).await.unwrap();
        assert_eq!(log.indexed().await.unwrap(), 3);
    }
    // a place that is not the end of the index moves nothing
    log.index(1, 9, &[]).await.unwrap();
    assert_eq!(log.indexed().await.unwrap(), 3);
    assert_eq!(leaves_about(log.as_ref(), &[7], None).await, [2, 0]);
    assert_eq!(leaves_about(log.as_ref(), &[8], None).await, [1]);
}

pub(super) async fn a_checkpoint_takes_the_signature_of_a_witness(storage: &dyn Storage) {
    let log = storage.audit_log();
    log.append(0, &[entry(1)], Some(b"one")).await.unwrap();
    log.append(1, &[entry(2)], Some(b"two")).await.unwrap();
    log.append(2, &[entry(3)], Some(b"three")).await.unwrap();
    assert_eq!(log.latest_witnessed().await.unwrap(), None);
    assert!(log.put_witnessed(2, b"two", b"two, signed").await.unwrap());
    assert!(!log.put_witnessed(2, b"two", b"lost").await.unwrap());
    assert!(
        !log.put_witnessed(4, b"four", b"four, signed")
            .await
            .unwrap()
    );
    let signed = Some(b"two, signed".to_vec());
    assert_eq!(log.latest_witnessed().await.unwrap(), signed);
    assert_eq!(log.checkpoint(2).await.unwrap(), signed);
    assert_eq!(log.checkpoint(1).await.unwrap(), Some(b"one".to_vec()));
    assert_eq!(log.checkpoint(4).await.unwrap(), None);
    assert_eq!(
        log.latest_checkpoint().await.unwrap(),
        Some(b"three".to_vec())
    );
}

pub(super) async fn of_two_stamps_of_one_size_the_first_stays(storage: &dyn Storage) {
    let log = storage.audit_log();
    let stamp = |size: u64, seconds: i64| StoredStamp {
        size,
        at: at(seconds),
        note: format!("checkpoint of {size}").into_bytes(),
        reply: format!("stamp of {size} at {seconds}").into_bytes(),
    };
    assert_eq!(log.latest_stamp().await.unwrap(), None);
    assert!(log.stamps_after(0, 9).await.unwrap().is_empty());
    for (size, seconds) in [(7, 3), (2, 1), (7, 4), (300, 9)] {
        log.put_stamp(&stamp(size, seconds)).await.unwrap();
    }
    assert_eq!(log.latest_stamp().await.unwrap(), Some(stamp(300, 9)));
    let all = [stamp(2, 1), stamp(7, 3), stamp(300, 9)];
    assert_eq!(log.stamps_after(0, 9).await.unwrap(), all);
    assert_eq!(log.stamps_after(2, 1).await.unwrap(), all[1..2]);
    assert!(log.stamps_after(300, 9).await.unwrap().is_empty());
}

pub(super) async fn entries_come_back_in_order(storage: &dyn Storage) {
    let log = storage.audit_log();
    assert_eq!(log.size().await.unwrap(), 0);
    assert_eq!(log.last_outbox().await.unwrap(), None);
    let entries: Vec<NewEntry> = (0..200).map(entry).collect();
    log.append(0, &entries[..150], None).await.unwrap();
    log.append(150, &entries[150..], None).await.unwrap();
    assert_eq!(log.size().await.unwrap(), 200);
    assert_eq!(log.last_outbox().await.unwrap(), Some(1980));
    let page = log.entries(145, 10).await.unwrap();
    let expected: Vec<_> = (145..155)
        .map(|leaf| (u64::from(leaf), entry(leaf).entry))
        .collect();
    assert_eq!(page, expected);
    assert_eq!(
        log.leaf_hashes(198, 9).await.unwrap(),
        [[198; 32], [199; 32]]
    );
    assert!(log.entries(200, 9).await.unwrap().is_empty());
}

pub(super) async fn a_second_writer_is_refused(storage: &dyn Storage) {
    let log = storage.audit_log();
    log.append(0, &[entry(1), entry(2)], None).await.unwrap();
    for first_leaf in [0, 1, 3] {
        let refused = log.append(first_leaf, &[entry(3)], Some(b"head")).await;
        let size = 2;
        assert_eq!(refused, Err(StorageError::LeafTaken { first_leaf, size }));
    }
    let nothing = log.append(1, &[], Some(b"head")).await;
    let (first_leaf, size) = (1, 2);
    assert_eq!(nothing, Err(StorageError::LeafTaken { first_leaf, size }));
    assert_eq!(log.size().await.unwrap(), 2);
    assert_eq!(log.latest_checkpoint().await.unwrap(), None);
}

pub(super) async fn of_two_who_append_at_once_one_is_refused(storage: &dyn Storage) {
    let log = storage.audit_log();
    let [one, other] = [1, 3].map(|number| [entry(number)]);
    for first_leaf in 0..20 {
        let both = tokio::join!(
            log.append(first_leaf, &one, Some(b"one")),
            log.append(first_leaf, &other, Some(b"other")),
        );
        let size = first_leaf + 1;
        let taken = Err(StorageError::LeafTaken { first_leaf, size });
        let (checkpoint, [held]) = match &both {
            (Ok(()), refused) if *refused == taken => (&b"one"[..], &one),
            (refused, Ok(())) if *refused == taken => (&b"other"[..], &other),
            both => panic!("{both:?}"),
        };
        let latest = log.latest_checkpoint().await.unwrap();
        assert_eq!(latest.as_deref(), Some(checkpoint));
        let last = log.entries(first_leaf, 9).await.unwrap();
        assert_eq!(last, [(first_leaf, held.entry.clone())]);
    }
}

pub(super) async fn the_latest_checkpoint_is_of_the_largest_tree(storage: &dyn Storage) {
    let log = storage.audit_log();
    assert_eq!(log.latest_checkpoint().await.unwrap(), None);
    log.append(0, &[entry(1)], Some(b"one")).await.unwrap();
    log.append(1, &[entry(2)], None).await.unwrap();
    log.append(2, &[entry(3)], Some(b"three")).await.unwrap();
    log.append(3, &[], Some(b"three again")).await.unwrap();
    let latest = log.latest_checkpoint().await.unwrap();
    assert_eq!(latest.as_deref(), Some(&b"three again"[..]));
    let all = log.checkpoints().await.unwrap();
    assert_eq!(all, [(1, b"one".to_vec()), (3, b"three again".to_vec())]);
}

pub(super) async fn a_transaction_does_not_delay_the_log(storage: &dyn Storage) {
    let mut tx = storage.begin().await.unwrap();
    tx.put_records(RunId(1), &[record("tax", "a", 1)])
        .await
        .unwrap();
    let log = storage.audit_log();
    let entries = [entry(1)];
    let append = log.append(0, &entries, None);
    let patience = std::time::Duration::from_secs(5);
    tokio::time::timeout(patience, append)
        .await
        .unwrap()
        .unwrap();
    drop(tx);
    // What the log holds does not depend on what becomes of the transaction.
    assert_eq!(log.size().await.unwrap(), 1);
}

fn key(name: u8, sealed: u8) -> SubjectKey {
    SubjectKey {
        name: [name; 32],
        sealed: vec![sealed; 76],
    }
}

pub(super) async fn keys_of_persons_are_in_the_commit_of_the_entry_and_are_destroyed(
    storage: &dyn Storage,
) {
    let log = storage.audit_log();
    let new = NewEntry {
        keys: vec![key(1, 1), key(2, 1)],
        ..about(0, &[7])
    };
    log.append(0, &[new], None).await.unwrap();
    // a commit that fails stores none
    let late = NewEntry {
        keys: vec![key(5, 5)],
        ..about(1, &[7])
    };
    log.append(0, &[late], None).await.unwrap_err();
    log.put_subject_keys(&[key(1, 1), key(1, 2), key(3, 1)])
        .await
        .unwrap();
    let names = [[1; 32], [2; 32], [3; 32], [5; 32]];
    let found = log.subject_keys(&names).await.unwrap();
    assert_eq!(found, [key(1, 1), key(1, 2), key(2, 1), key(3, 1)]);
    assert!(log.subject_keys(&[]).await.unwrap().is_empty());
    assert_eq!(log.erasures().await.unwrap(), 0);
    let gone = [[1; 32], [2; 32], [9; 32]];
    assert_eq!(log.delete_subject_keys(&gone).await.unwrap(), 3);
    log.scrub_subject_keys().await.unwrap();
    assert_eq!(log.erasures().await.unwrap(), 1);
    assert_eq!(log.subject_keys(&names).await.unwrap(), [key(3, 1)]);
    // the entries stay
    assert_eq!(log.size().await.unwrap(), 1);
    assert_eq!(
        log.entries_about(&[[7; 32]], None, 9).await.unwrap().len(),
        1
    );
}

pub(super) async fn an_emergency_is_in_the_commit_of_its_entry_and_judged_once(
    storage: &dyn Storage,
) {
    let log = storage.audit_log();
    let opened = |number: u8, agency: &str| NewEntry {
        case: Some(CaseStep::Open {
            agency: agency.parse().unwrap(),
            at: at(i64::from(number)),
        }),
        ..about(number, &[7])
    };
    let entries = [opened(0, "health"), about(1, &[7]), opened(2, "tax")];
    log.append(0, &entries, None).await.unwrap();
    let open = |leaf: u64, agency: &str| StoredCase {
        leaf,
        agency: agency.parse().unwrap(),
        at: at(i64::try_from(leaf).unwrap()),
        state: CaseState::Open,
        reviewer: String::new(),
        text: Vec::new(),
        reviewed_at: None,
    };
    let all = log.cases(None, false, None, 9).await.unwrap();
    assert_eq!(all, [open(2, "tax"), open(0, "health")]);
    let tax = "tax".parse().unwrap();
    assert_eq!(
        log.cases(Some(&tax), true, None, 9).await.unwrap(),
        [open(2, "tax")]
    );
    for (only_open, after, behind) in [(true, 0, 2), (false, 2, 0)] {
        let found = log.cases(None, only_open, Some(after), 9).await.unwrap();
        let agency = if behind == 0 { "health" } else { "tax" };
        assert_eq!(found, [open(behind, agency)]);
        let found = log.cases(None, only_open, Some(behind), 9).await.unwrap();
        assert_eq!(found, [], "behind the last one");
    }
    let oldest = log.cases(None, true, None, 1).await.unwrap();
    assert_eq!(oldest, [open(0, "health")]);
    assert_eq!(log.case(1).await.unwrap(), None);
    assert_eq!(log.open_cases(at(2)).await.unwrap(), 1);
    assert_eq!(log.open_cases(at(3)).await.unwrap(), 2);

    let origins = storage.audit_origins().await.unwrap();
    let origin = origins.first().cloned().unwrap_or_default();
    let judged = |state: CaseState| StoredCase {
        state,
        reviewer: "health:chief".to_owned(),
        text: vec![1, 2, 3],
        reviewed_at: Some(at(9)),
        ..open(0, "health")
    };
    // the first word stands
    for (number, state) in [(3, CaseState::Disputed), (4, CaseState::Confirmed)] {
        let step = CaseStep::Judge {
            origin: origin.clone(),
            case: judged(state),
        };
        let new = NewEntry {
            case: Some(step),
            ..about(number, &[])
        };
        log.append(number.into(), &[new], None).await.unwrap();
    }
    let found = log.case(0).await.unwrap();
    assert_eq!(found, Some(judged(CaseState::Disputed)));
    assert_eq!(
        log.cases(None, true, None, 9).await.unwrap(),
        [open(2, "tax")]
    );
    assert_eq!(log.open_cases(at(9)).await.unwrap(), 1);
}
