//! Cases about entries that leave the audit log.

use super::sample::at;
use crate::StorageError;
use crate::repository::{AuditLog, Storage};
use crate::row::{
    ArchiveStep, Archived, ErasureState, NewEntry, Removal, StoredArchive, StoredEntry,
};

fn hash(leaf: u64) -> [u8; 32] {
    let mut hash = [3; 32];
    hash[..8].copy_from_slice(&leaf.to_be_bytes());
    hash
}

fn entry(leaf: u64, archive: Option<ArchiveStep>) -> NewEntry {
    let entry = StoredEntry {
        body: leaf.to_be_bytes().to_vec(),
        leaf_hash: hash(leaf),
        outbox: (leaf == 20).then_some(900),
    };
    NewEntry {
        entry,
        subjects: vec![[7; 32]],
        keys: Vec::new(),
        case: None,
        archive,
    }
}

fn archive(number: i64, state: ErasureState) -> StoredArchive {
    StoredArchive {
        number,
        cutoff: at(5),
        reason: "retention ended".to_owned(),
        state,
        proposer: "rabt:officer".to_owned(),
        decider: String::new(),
        created_at: at(1),
        updated_at: at(2),
    }
}

/// Fills a log with 700 entries.
async fn fill(log: &dyn AuditLog) {
    let entries: Vec<NewEntry> = (0..700).map(|leaf| entry(leaf, None)).collect();
    log.append(0, &entries[..200], Some(b"two hundred"))
        .await
        .unwrap();
    log.append(200, &entries[200..], Some(b"seven hundred"))
        .await
        .unwrap();
}

/// Appends an entry by which others leave.
async fn leave(log: &dyn AuditLog, (from, to): (u64, u64)) -> Result<(), StorageError> {
    leave_of(log, (from, to), i64::try_from(to).unwrap()).await
}

/// As [`leave`]; the youngest of them is of this second.
async fn leave_of(
    log: &dyn AuditLog,
    (from, to): (u64, u64),
    second: i64,
) -> Result<(), StorageError> {
    let step = ArchiveStep {
        archive: archive(1, ErasureState::Confirmed),
        removes: Some(Removal {
            from,
            to,
            before: at(second),
            folder: format!("{from}-{to}"),
        }),
    };
    let size = log.size().await.unwrap();
    log.append(size, &[entry(size, Some(step))], Some(b"later"))
        .await
}

pub(super) async fn entries_leave_with_the_entry_that_says_so_and_their_hashes_stay(
    storage: &dyn Storage,
) {
    let log = storage.audit_log();
    let log = log.as_ref();
    assert_eq!(log.archived().await.unwrap(), Archived::default());
    fill(log).await;
    leave(log, (0, 256)).await.unwrap();
    let held = log.entries(0, 300).await.unwrap();
    let held: Vec<u64> = held.into_iter().map(|(leaf, _)| leaf).collect();
    assert_eq!(held, (256..300).collect::<Vec<_>>());
    assert!(log.entries(0, 256).await.unwrap().is_empty());
    leave(log, (256, 512)).await.unwrap();
    let archived = Archived {
        size: 512,
        before: Some(at(512)),
        folder: "256-512".to_owned(),
    };
    assert_eq!(log.archived().await.unwrap(), archived);
    assert_eq!(log.size().await.unwrap(), 702);
    // a row of the outbox that left is taken no second time
    assert_eq!(log.last_outbox().await.unwrap(), Some(900));
    for (from, limit) in [
        (0, 702),
        (0, 3),
        (255, 2),
        (300, 212),
        (300, 300),
        (511, 2),
        (600, 9),
        (700, 9),
        (702, 1),
    ] {
        let end = 702.min(from + limit);
        let expected: Vec<[u8; 32]> = (from..end).map(hash).collect();
        assert_eq!(
            log.leaf_hashes(from, limit).await.unwrap(),
            expected,
            "{from}, {limit}"
        );
    }
    assert!(log.leaf_hashes(0, 0).await.unwrap().is_empty());
    // an index row that is left of one leads nowhere
    let about = log.entries_about(&[[7; 32]], None, 1_000).await.unwrap();
    assert_eq!(about.len(), 702 - 512);
    let checkpoints = log.checkpoints().await.unwrap();
    let sizes: Vec<u64> = checkpoints.into_iter().map(|(size, _)| size).collect();
    assert_eq!(sizes, [700, 701, 702]);
}

pub(super) async fn entries_leave_once_and_all_or_none(storage: &dyn Storage) {
    let log = storage.audit_log();
    let log = log.as_ref();
    fill(log).await;
    leave(log, (0, 256)).await.unwrap();
    let left = log.archived().await.unwrap();
    // one that comes too late takes nothing, and what is written beside it is written
    for (size, late) in (702..).zip([(0, 256), (0, 512), (512, 768), (256, 256)]) {
        leave(log, late).await.unwrap();
        assert_eq!(log.archived().await.unwrap(), left, "{late:?}");
        assert_eq!(log.size().await.unwrap(), size, "{late:?}");
        assert_eq!(log.entries(0, 999).await.unwrap()[0].0, 256, "{late:?}");
    }
    // some of these are not there
    assert!(leave(log, (256, 768)).await.is_err());
    assert_eq!(log.archived().await.unwrap(), left);
    assert_eq!(log.size().await.unwrap(), 705);
    leave(log, (256, 512)).await.unwrap();
    assert_eq!(log.archived().await.unwrap().size, 512);
}

pub(super) async fn a_clock_that_goes_back_sets_no_time_of_the_archive_back(storage: &dyn Storage) {
    let log = storage.audit_log();
    let log = log.as_ref();
    fill(log).await;
    leave_of(log, (0, 256), 900).await.unwrap();
    leave_of(log, (256, 512), 600).await.unwrap();
    let archived = log.archived().await.unwrap();
    assert_eq!((archived.size, archived.before), (512, Some(at(900))));
}

pub(super) async fn archives_are_listed_where_they_stand(storage: &dyn Storage) {
    let log = storage.audit_log();
    let log = log.as_ref();
    assert!(log.archives(None, 9).await.unwrap().is_empty());
    let steps = [
        (1, ErasureState::Asked),
        (1, ErasureState::Withdrawn),
        (2, ErasureState::Asked),
    ];
    for (leaf, (number, state)) in (0..).zip(steps) {
        let step = ArchiveStep {
            archive: archive(number, state),
            removes: None,
        };
        log.append(leaf, &[entry(leaf, Some(step))], None)
            .await
            .unwrap();
    }
    let all = [
        archive(2, ErasureState::Asked),
        archive(1, ErasureState::Withdrawn),
    ];
    assert_eq!(log.archives(None, 9).await.unwrap(), all);
    assert_eq!(log.archives(None, 1).await.unwrap(), all[..1]);
    assert_eq!(log.archives(Some(2), 9).await.unwrap(), all[1..]);
}
