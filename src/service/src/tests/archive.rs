//! Old entries leave storage for an archive, as two people decide; what stays proves as before.

mod world;

use std::sync::atomic::Ordering;
use std::time::Duration;

use rabt_audit::{TILE, verify_consistency, verify_inclusion};
use rabt_model::{ErrorClass, Pii};
use rabt_policy::{Assurance, Caller, Role};

use super::node::{MONA, approver, keys};
use crate::ErasureState;
use crate::evidence::{
    Filter, Seen, Tail, export_evidence, get_consistency_proof, get_inclusion_proof, list_events,
};
use crate::oversight::{
    Cut, OversightError, confirm_archive, list_archives, request_archive, withdraw_archive,
};
use crate::transparency::{Subject, Viewer, get_access_receipt, list_access_events};
use world::{DAY, World, auditor, checked, officer, sound, verifier};

#[tokio::test]
async fn entries_leave_for_an_archive_and_what_stays_proves_as_before() {
    let world = World::asked(900).await;
    let (services, log) = (&world.services, world.log());
    let size = log.size().await.unwrap();
    let hashes = log.leaf_hashes(0, size).await.unwrap();
    let number = world.request().await;
    let itself = confirm_archive(services, &officer(), number).await;
    assert!(matches!(itself, Err(OversightError::SecondPerson(_))));
    assert_eq!(world.archived().await, 0);
    assert_eq!(world.confirm(number).await.unwrap(), ErasureState::Done);

    assert_eq!(world.archived().await, 3 * TILE);
    assert!(log.entries(0, 3 * TILE).await.unwrap().is_empty());
    assert_eq!(log.entries(0, 3 * TILE + 1).await.unwrap()[0].0, 3 * TILE);
    assert_eq!(log.leaf_hashes(0, size).await.unwrap(), hashes);
    assert_eq!(log.leaf_hashes(300, 3).await.unwrap(), hashes[300..303]);
    assert_eq!(log.leaf_hashes(766, 4).await.unwrap(), hashes[766..770]);
    assert_eq!(world.folders().len(), 2, "as many as leave together");
    let report = world.verify().await;
    assert_eq!(report.problems, []);
    assert_eq!(report.signed, log.size().await.unwrap());

    // proofs of what left and of what stays
    for leaf in [3, 800] {
        let proof = get_inclusion_proof(services, &auditor(), leaf, 0).await;
        let proof = proof.unwrap();
        let note = log.checkpoint(proof.size).await.unwrap().unwrap();
        let root = verifier().open(&note).unwrap().root;
        let shown = verify_inclusion(&proof.leaf_hash, leaf, proof.size, &proof.hashes, &root);
        assert_eq!(shown, Ok(()), "{leaf}");
    }
    let now = log.size().await.unwrap();
    let proof = get_consistency_proof(services, &auditor(), size, now).await;
    let root = async |size| {
        let note = log.checkpoint(size).await.unwrap().unwrap();
        verifier().open(&note).unwrap().root
    };
    let shown = verify_consistency(
        size,
        &root(size).await,
        now,
        &root(now).await,
        &proof.unwrap().hashes,
    );
    assert_eq!(shown, Ok(()));

    // it goes on, and again after a restart, and the next archive begins where this one ends
    let world = world.again().await;
    world.clock.advance(40 * DAY);
    world.ask(400).await;
    let number = world.request().await;
    assert_eq!(number, 2);
    assert_eq!(world.confirm(number).await.unwrap(), ErasureState::Done);
    assert_eq!(
        world.archived().await,
        3 * TILE,
        "the tile that is begun stays"
    );
    world.clock.advance(40 * DAY);
    world.ask(3).await;
    let number = world.request().await;
    assert_eq!(world.confirm(number).await.unwrap(), ErasureState::Done);
    assert_eq!(world.archived().await, 5 * TILE);
    assert_eq!(world.verify().await.problems, []);
    let world = world.again().await;
    assert_eq!(world.verify().await.problems, []);
}

#[tokio::test]
async fn whoever_asks_for_what_left_is_told_where_it_is() {
    let world = World::asked(900).await;
    let services = &world.services;
    let portal = Caller {
        agency: "egov".parse().unwrap(),
        system: "portal".into(),
        role: Role::System,
    };
    let viewer = Viewer {
        subject: Subject::Identifier {
            scheme: "national_id".into(),
            value: Pii::new(MONA[2].to_owned()),
        },
        assurance: Assurance::Substantial,
        request_id: String::new(),
    };
    let history = async || {
        let page = list_access_events(services, &portal, &viewer, false, (5_000, "")).await;
        page.unwrap().into_inner()
    };
    let before = history().await;
    assert_eq!((before.events.len(), before.archived_before), (930, None));
    let old = before.events.last().unwrap().leaf;
    let number = world.request().await;
    world.confirm(number).await.unwrap();

    let after = history().await;
    assert!(after.events.len() < 200, "{}", after.events.len());
    assert!(after.events.iter().all(|event| event.leaf >= 3 * TILE));
    assert_eq!(
        after.archived_before,
        Some("2026-06-01T10:00:00Z".parse().unwrap())
    );
    let size = world.log().size().await.unwrap();
    let receipt = get_access_receipt(services, &portal, &viewer, (0, old)).await;
    let told = receipt.unwrap_err();
    let looked = world.log().size().await.unwrap();
    assert_eq!(looked, size + 1, "the look has its entry");
    assert_eq!(told.class(), ErrorClass::NotFound);
    assert!(told.to_string().contains("is in the archive"), "{told}");
    let left = after.events.last().unwrap().leaf;
    assert!(
        get_access_receipt(services, &portal, &viewer, (0, left))
            .await
            .is_ok()
    );

    let all = export_evidence(services, &auditor(), (0, 0), 0).await;
    let told = all.err().unwrap().to_string();
    assert!(told.contains("leaf 0 is in the archive"), "{told}");
    assert!(told.contains("begin at leaf 768"), "{told}");
    let folder = world.folders().remove(1);
    let folder = folder.file_name().unwrap().to_str().unwrap();
    assert!(told.contains(folder), "{told}");
    assert!(
        export_evidence(services, &auditor(), (3 * TILE, 0), 0)
            .await
            .is_ok()
    );
    for oldest_first in [true, false] {
        let filter = Filter::default();
        let page = list_events(services, &auditor(), &filter, (oldest_first, None), 5_000).await;
        let page = page.unwrap().into_inner();
        let lowest = page.found.iter().map(|found| found.leaf).min();
        assert_eq!(
            (lowest, page.next),
            (Some(3 * TILE), None),
            "{oldest_first}"
        );
    }
}

#[tokio::test]
async fn it_goes_on_wherever_it_was_cut_off() {
    for step in [
        Cut::Confirmed,
        Cut::HalfWritten,
        Cut::Written,
        Cut::Named,
        Cut::Removed,
    ] {
        let world = World::asked(800).await;
        let number = world.request().await;
        world.cut(Some(step));
        assert!(world.confirm(number).await.is_err(), "{step:?}");
        let listed = list_archives(&world.services, &auditor(), None, 9).await;
        assert_eq!(
            listed.unwrap()[0].state,
            ErasureState::Confirmed,
            "{step:?}"
        );
        // nothing is in neither place
        let left = world.archived().await;
        assert_eq!(
            left,
            if step == Cut::Removed { 2 * TILE } else { 0 },
            "{step:?}"
        );
        let world = world.again().await;
        assert_eq!(
            world.confirm(number).await.unwrap(),
            ErasureState::Done,
            "{step:?}"
        );
        assert_eq!(world.archived().await, 3 * TILE, "{step:?}");
        assert_eq!(world.verify().await.problems, [], "{step:?}");
    }
    // a commit of which nobody knows whether it was made
    let world = World::asked(800).await;
    let number = world.request().await;
    world.cut(Some(Cut::Named));
    assert!(world.confirm(number).await.is_err());
    world.cut(None);
    world.storage.log().lies.store(1, Ordering::SeqCst);
    assert!(world.confirm(number).await.is_err());
    assert_eq!(world.archived().await, 2 * TILE);
    assert_eq!(world.confirm(number).await.unwrap(), ErasureState::Done);
    assert_eq!(world.verify().await.problems, []);
}

#[tokio::test]
async fn an_archive_that_is_not_whole_takes_nothing_out() {
    let world = World::asked(800).await;
    let number = world.request().await;
    // somebody's file is where the archive belongs
    world.cut(Some(Cut::Named));
    assert!(world.confirm(number).await.is_err());
    world.cut(None);
    let folder = world.folders().remove(0);
    let foreign = folder.join("notes.txt");
    std::fs::write(&foreign, "mine").unwrap();
    let told = world.confirm(number).await.unwrap_err();
    assert_eq!(told.class(), ErrorClass::Configuration);
    assert!(
        told.to_string().contains("notes.txt: does not belong"),
        "{told}"
    );
    std::fs::remove_file(&foreign).unwrap();
    // a byte of an entry is another
    let bundle = folder.join("tile/entries/001");
    let whole = std::fs::read(&bundle).unwrap();
    let mut changed = whole.clone();
    changed[100] ^= 1;
    std::fs::write(&bundle, changed).unwrap();
    let told = world.confirm(number).await.unwrap_err();
    assert!(told.to_string().contains("nothing was taken out"), "{told}");
    assert_eq!(world.archived().await, 0);
    // an archive of the same log that ends elsewhere
    std::fs::write(&bundle, &whole).unwrap();
    let aside = world.place.path().join("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "a file").unwrap();
    assert!(world.confirm(number).await.is_err());
    assert_eq!(world.archived().await, 0);
    std::fs::remove_file(&folder).unwrap();
    std::fs::remove_dir_all(&aside).unwrap();
    assert_eq!(world.confirm(number).await.unwrap(), ErasureState::Done);
    assert_eq!(world.verify().await.problems, []);
}

#[tokio::test]
async fn an_archive_begins_where_its_checkpoint_says() {
    let world = World::asked(800).await;
    let number = world.request().await;
    world.confirm(number).await.unwrap();
    let folders = world.folders();
    let (first, second) = (&folders[0], &folders[1]);
    assert_eq!((sound(first).first, sound(first).size), (0, 2 * TILE));
    assert_eq!(
        (sound(second).first, sound(second).size),
        (2 * TILE, 3 * TILE)
    );
    // an export whose beginning was taken away is no archive
    let note = keys().checkpoint.sign(3 * TILE, sound(second).root);
    std::fs::write(second.join("checkpoint"), note).unwrap();
    assert_ne!(checked(second).problems, []);
    // what the tiles above say of the entries that are elsewhere is signed too
    let note = keys()
        .checkpoint
        .sign_archive(2 * TILE, 3 * TILE, sound(first).root);
    std::fs::write(second.join("checkpoint"), note).unwrap();
    assert_ne!(checked(second).problems, []);
    let note = keys().checkpoint.sign_archive(TILE, 3 * TILE, [0; 32]);
    std::fs::write(second.join("checkpoint"), note).unwrap();
    assert_ne!(checked(second).problems, []);
}

#[tokio::test]
async fn what_is_young_stays_and_one_is_asked_at_a_time() {
    let world = World::asked(300).await;
    let services = &world.services;
    let young = Some("2026-06-20T00:00:00Z".parse().unwrap());
    let told = request_archive(services, &officer(), young, "soon").await;
    let told = told.unwrap_err().to_string();
    assert!(told.contains("retention_days"), "{told}");
    for reason in ["", "of 29901010100015"] {
        let told = request_archive(services, &officer(), None, reason).await;
        assert_eq!(told.unwrap_err().class(), ErrorClass::InvalidRequest);
    }
    let told = request_archive(services, &approver(), None, "soon").await;
    assert_eq!(told.unwrap_err().class(), ErrorClass::NotPermitted);
    let number = world.request().await;
    let told = request_archive(services, &officer(), None, "again").await;
    assert!(told.unwrap_err().to_string().contains("is asked already"));
    let withdrawn = withdraw_archive(services, &approver(), number).await;
    assert_eq!(withdrawn.unwrap().state, ErasureState::Withdrawn);
    assert!(matches!(
        world.confirm(number).await,
        Err(OversightError::Decided)
    ));
    assert!(matches!(
        world.confirm(9).await,
        Err(OversightError::NotFound(_))
    ));
    assert_eq!(world.archived().await, 0);
    // nothing is old enough
    let older = Some("2026-01-01T00:00:00Z".parse().unwrap());
    let asked = request_archive(services, &officer(), older, "very old").await;
    let number = asked.unwrap().number;
    assert_eq!(world.confirm(number).await.unwrap(), ErasureState::Done);
    assert_eq!(world.archived().await, 0);
    assert_eq!(world.folders().len(), 0);
    assert_eq!(world.verify().await.problems, []);
}

#[tokio::test]
async fn one_that_was_cut_off_can_be_withdrawn_and_holds_up_no_other() {
    for step in [Cut::Confirmed, Cut::HalfWritten, Cut::Named, Cut::Removed] {
        let world = World::asked(800).await;
        let number = world.request().await;
        world.cut(Some(step));
        assert!(world.confirm(number).await.is_err(), "{step:?}");
        world.cut(None);
        let left = world.archived().await;
        // whoever runs the node names no archive any more
        let world = world.again_without_place().await;
        let told = world.confirm(number).await.unwrap_err().to_string();
        assert!(told.contains("audit.archive"), "{step:?}: {told}");
        let withdrawn = withdraw_archive(&world.services, &officer(), number).await;
        let withdrawn = withdrawn.unwrap();
        assert_eq!(withdrawn.state, ErasureState::Withdrawn, "{step:?}");
        assert_eq!(withdrawn.decider, "rabt:officer-1", "{step:?}");
        let again = withdraw_archive(&world.services, &officer(), number).await;
        assert!(matches!(again, Err(OversightError::Decided)), "{step:?}");
        assert_eq!(world.archived().await, left, "{step:?}");
        let world = world.again().await;
        let next = world.request().await;
        assert_eq!(world.confirm(next).await.unwrap(), ErasureState::Done);
        assert_eq!(world.archived().await, 3 * TILE, "{step:?}");
        assert_eq!(world.verify().await.problems, [], "{step:?}");
    }
}

#[tokio::test]
async fn who_reads_while_entries_leave_is_told_where_they_are() {
    let world = World::asked(900).await;
    let services = &world.services;
    let filter = Filter::default;
    let wait = Duration::from_secs(5);
    let mut all = export_evidence(services, &auditor(), (0, 0), 0)
        .await
        .unwrap();
    let mut kept = export_evidence(services, &auditor(), (3 * TILE, 0), 0)
        .await
        .unwrap();
    assert_eq!(all.next().await.unwrap().unwrap().0, 0);
    let mut tail = Tail::begin(services, auditor(), filter(), Some(0), wait)
        .await
        .unwrap();
    let Seen::Events(_, next) = tail.next().await.unwrap() else {
        panic!("there are entries");
    };
    let listed = list_events(services, &auditor(), &filter(), (true, None), 10)
        .await
        .unwrap();
    let place = listed.next;
    assert!(next < 3 * TILE && place.unwrap() < 3 * TILE);

    let number = world.request().await;
    world.confirm(number).await.unwrap();
    let folder = world.folders().remove(1);
    let folder = folder.file_name().unwrap().to_str().unwrap();
    let mut told = Vec::new();
    // what was read before may be told still
    let error = loop {
        match all.next().await {
            Ok(Some((first, bodies))) => assert!(first + (bodies.len() as u64) <= 3 * TILE),
            Ok(None) => panic!("entries were left out"),
            Err(error) => break error,
        }
    };
    told.push(error);
    told.push(tail.next().await.err().unwrap());
    let begun = Tail::begin(services, auditor(), filter(), Some(3), wait).await;
    told.push(begun.err().unwrap());
    let list = list_events(services, &auditor(), &filter(), (true, place), 10).await;
    told.push(list.unwrap_err());
    for error in told {
        assert_eq!(error.class(), ErrorClass::NotFound, "{error}");
        let text = error.to_string();
        assert!(
            text.contains("begin at leaf 768") && text.contains(folder),
            "{text}"
        );
    }
    let (first, _) = kept.next().await.unwrap().unwrap();
    assert_eq!(first, 3 * TILE);
    let mut tail = Tail::begin(services, auditor(), filter(), Some(3 * TILE), wait)
        .await
        .unwrap();
    assert!(matches!(tail.next().await.unwrap(), Seen::Events(..)));
}

#[tokio::test]
async fn what_a_citizen_may_not_see_yet_does_not_leave() {
    let world = World::asked(300).await;
    world.withhold("2026-09-01T00:00:00Z").await;
    world.ask(300).await;
    world.clock.advance(40 * DAY);
    world.ask(3).await;
    let number = world.request().await;
    assert_eq!(world.confirm(number).await.unwrap(), ErasureState::Done);
    assert_eq!(world.archived().await, TILE);
    let held = export_evidence(&world.services, &auditor(), (TILE, 0), 0).await;
    assert!(held.is_ok());
    // it is August, and then October
    world.clock.advance(50 * DAY);
    let number = world.request().await;
    assert_eq!(world.confirm(number).await.unwrap(), ErasureState::Done);
    assert_eq!(
        world.archived().await,
        2 * TILE,
        "with all that came behind"
    );
    assert_eq!(world.verify().await.problems, []);
}
