//! Restricted sources: what they say is for those whose agreement names them, and for everybody else
//! it is as if they held nothing.

mod asked;

use std::sync::Arc;

use rabt_audit::AuditEvent;
use rabt_model::Attributed;
use rabt_policy::{Content, DenialReason, Method, Subject};
use rabt_storage::Storage;

use super::node::{
    BUNDLE, Fragile, MONA, OMAR, Row, Tables, by_national_id, events, folder, memory, operator,
    register, request, setup, source, start_with_agencies,
};
use crate::agreement::import_agreements;
use crate::change::{check_feed, export_snapshot, list_changes};
use crate::enquiry::{AsOf, get_citizen, list_citizen_revisions, lookup_citizen};
use crate::error::EnquiryError;
use crate::operate::NewSource;
use crate::{Services, ingest, link};
use asked::{ALL, everything, feed, lines, look, mona, with_fields};

/// Mona at the clinic, which was told another day of birth and another number, and at the tax office.
const MONA_AT_CLINIC: Row = ["C-1", MONA[1], MONA[2], "1984-02-12", "01298765432"];
const MONA_AT_TAX: Row = ["T-1", MONA[1], MONA[2], "", "01012345678"];
/// Known to the clinic alone.
const SALMA: Row = [
    "C-2",
    "سلمى يوسف عبد الله",
    "29002110112357",
    "1990-02-11",
    "01555555555",
];

/// Returns a folder whose source is restricted, and ranks first.
fn clinic(is_restricted: bool) -> NewSource {
    let folder = folder("clinic");
    let kind = format!("kind = \"memory\"\nrestricted = {is_restricted}\n");
    let manifest = folder.manifest.replace("kind = \"memory\"\n", &kind);
    NewSource {
        manifest: manifest.replace("[source]", "rank = 200\n[source]"),
        ..folder
    }
}

async fn read(services: &Arc<Services>, tables: &Tables, table: &str, rows: &[Row]) {
    tables.set(table, rows);
    ingest(services, &source(table)).await.unwrap();
    link(services).await.unwrap();
}

/// Mona and Omar at the registry and the tax office, and, unless it is left out, a restricted clinic
/// that holds Mona and Salma.
async fn node(with_clinic: bool) -> (Arc<Fragile>, Tables, Arc<Services>) {
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    if with_clinic {
        register(&services, clinic(true)).await;
        read(&services, &tables, "clinic", &[MONA_AT_CLINIC, SALMA]).await;
    }
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    (storage, tables, services)
}

async fn allow(services: &Services, terms: &str) {
    let bundle = BUNDLE.replacen("period", &format!("{terms}\nperiod"), 1);
    import_agreements(services, &operator(), &bundle)
        .await
        .unwrap();
}

/// What changes with an answer, and with nothing that is not in it.
#[tokio::test]
async fn the_mark_of_an_answer_does_not_move_with_what_is_hidden() {
    let (_storage, tables, services) = node(true).await;
    let mark = async || {
        let subject = Subject::Citizen(mona(&services).await.to_string());
        let asked = with_fields(request(Method::GetCitizen, subject), &ALL);
        let answer = get_citizen(&services, asked).await.unwrap();
        let Content::Citizen { etag, .. } = answer.content() else {
            panic!("{answer:?}");
        };
        etag.clone()
    };
    let first = mark().await;
    let moved: Row = ["C-1", MONA[1], MONA[2], "1984-02-13", "01298765433"];
    read(&services, &tables, "clinic", &[moved, SALMA]).await;
    assert_eq!(mark().await, first);
    let elsewhere: Row = ["T-1", MONA[1], MONA[2], "", "01212121212"];
    read(&services, &tables, "tax", &[elsewhere]).await;
    assert_ne!(mark().await, first);
    services.stop("test").await;
}

/// Cases 13 and 20: a golden record without the data of a source that the caller may not see.
#[tokio::test]
async fn cases_13_and_20_a_golden_record_is_without_a_source_that_the_caller_may_not_see() {
    let (_storage, _tables, without) = node(false).await;
    let (storage, _tables, services) = node(true).await;
    assert_eq!(everything(&services).await, everything(&without).await);
    assert_eq!(feed(&services).await, feed(&without).await);
    assert_eq!(
        check_feed(storage.as_ref()).await.unwrap(),
        Vec::<String>::new()
    );

    allow(&services, "sees_restricted = [\"clinic\"]").await;
    let (seen, hidden) = (everything(&services).await, everything(&without).await);
    assert!(
        seen[0].contains("birth.date 1984-02-12 clinic"),
        "{}",
        seen[0]
    );
    assert!(seen[2].contains("سلمى"), "{}", seen[2]);
    let same = seen
        .iter()
        .zip(&hidden)
        .filter(|(seen, hidden)| seen == hidden);
    assert!(same.count() < 8, "{seen:#?}");
    assert!(feed(&services).await.len() > feed(&without).await.len());
    without.stop("test").await;
    services.stop("test").await;
}

/// What changes at the clinic is not told; what changes behind it is.
#[tokio::test]
async fn changes_of_a_restricted_source_are_told_to_those_who_see_it() {
    let (_storage, tables, services) = node(true).await;
    let (_storage, other, without) = node(false).await;
    let moved: Row = ["C-1", MONA[1], MONA[2], "1984-02-13", "01298765433"];
    read(&services, &tables, "clinic", &[moved]).await;
    assert_eq!(feed(&services).await, feed(&without).await);
    let renamed: Row = ["1", MONA[1], MONA[2], MONA[3], "01099999999"];
    for (node, tables) in [(&services, &tables), (&without, &other)] {
        // the registry's value does not stand while the clinic has one
        read(node, tables, "registry", &[renamed, OMAR]).await;
    }
    assert_eq!(feed(&services).await, feed(&without).await);
    for (node, tables) in [(&services, &tables), (&without, &other)] {
        read(node, tables, "tax", &[]).await;
        read(node, tables, "registry", &[OMAR]).await;
    }
    let (told, expected) = (feed(&services).await, feed(&without).await);
    assert_eq!(told, expected);
    let omar = look(&without, OMAR[2]).await.unwrap().1;
    assert_eq!(look(&services, OMAR[2]).await.unwrap().1, omar);
    services.stop("test").await;
    without.stop("test").await;
}

#[tokio::test]
async fn whom_restricted_sources_alone_know_is_absent_and_not_to_the_log() {
    let (storage, _tables, services) = node(true).await;
    let asked = request(Method::LookupCitizen, by_national_id(SALMA[2]));
    let answer = lookup_citizen(&services, asked).await.unwrap();
    assert!(matches!(answer.content(), Content::Absent));
    let told = events(storage.as_ref()).await.into_iter().rev();
    let mut told = told.filter_map(|event| {
        let AuditEvent::Disclosed(answer) = event else {
            return None;
        };
        Some(answer)
    });
    let last = told.next().unwrap();
    assert_eq!(
        (last.outcome.as_str(), last.subjects.len()),
        ("restricted", 1)
    );
    services.stop("test").await;
}

/// From the moment it is approved, before anything is composed again.
#[tokio::test]
async fn a_source_that_becomes_restricted_is_silent_at_once() {
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start_with_agencies(&storage, &tables).await;
    register(&services, clinic(false)).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    read(&services, &tables, "clinic", &[MONA_AT_CLINIC, SALMA]).await;
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    let (_storage, _tables, without) = node(false).await;
    assert_ne!(everything(&services).await, everything(&without).await);
    let asked = || {
        with_fields(
            request(Method::ListChanges, Subject::Feed(Vec::new())),
            &ALL,
        )
    };
    let before = list_changes(&services, asked(), "", 1)
        .await
        .unwrap()
        .resume;
    let salma = look(&services, SALMA[2]).await.unwrap().0;
    register(&services, clinic(true)).await;
    // what was told before is told to nobody anew, and who has read on begins anew
    let told = list_changes(&services, asked(), "", 500).await.unwrap();
    let Content::Changes(changes) = told.told.content() else {
        panic!("{told:?}");
    };
    assert!(changes.iter().all(|told| told.change.citizen != salma));
    let resumed = list_changes(&services, asked(), &before, 500).await;
    let Err(EnquiryError::Denied(denial)) = resumed else {
        panic!("{resumed:?}");
    };
    assert_eq!(denial.reason(), DenialReason::Expired);
    assert!(
        list_changes(&services, asked(), &told.resume, 500)
            .await
            .is_ok()
    );
    let (silent, expected) = (everything(&services).await, everything(&without).await);
    assert_eq!(silent[0], expected[0]);
    assert_eq!(silent[2], "absent");
    link(&services).await.unwrap();
    assert_eq!(everything(&services).await, expected);
    let again = list_changes(&services, asked(), &told.resume, 500).await;
    let again = again.unwrap();
    let Content::Changes(changes) = again.told.content() else {
        panic!("{again:?}");
    };
    assert!(
        changes.is_empty(),
        "becoming restricted is no change: {changes:?}"
    );
    register(&services, clinic(false)).await;
    link(&services).await.unwrap();
    assert_ne!(everything(&services).await, expected);
    services.stop("test").await;
    without.stop("test").await;
}

/// Of what was, the part is seen that other sources said; a snapshot has the present as it is seen.
#[tokio::test]
async fn the_past_is_seen_without_restricted_sources() {
    let (storage, tables, services) = node(true).await;
    let moved: Row = ["C-1", MONA[1], MONA[2], "1984-02-13", "01298765433"];
    read(&services, &tables, "clinic", &[moved, SALMA]).await;
    let revisions = async |services: &Services| {
        let subject = Subject::Citizen(mona(services).await.to_string());
        let asked = with_fields(request(Method::ListCitizenRevisions, subject), &ALL);
        let answer = list_citizen_revisions(services, asked, AsOf::default())
            .await
            .unwrap();
        let Content::Revisions { revisions, .. } = answer.content() else {
            panic!("{answer:?}");
        };
        let lines = |one: &rabt_policy::KnownRevision| {
            let value = |value: &Attributed| {
                let origin = &value.provenance.agency;
                format!(
                    "{} {} {origin}",
                    value.attribute,
                    value.value.expose().to_line()
                )
            };
            let values: Vec<String> = one.values.iter().map(value).collect();
            format!("{}: {}", one.revision, values.join(", "))
        };
        revisions.iter().map(lines).collect::<Vec<_>>()
    };
    let snapshot = async |services: &Services| {
        let asked = with_fields(
            request(Method::ExportSnapshot, Subject::Feed(Vec::new())),
            &ALL,
        );
        let page = export_snapshot(services, asked, "", 500).await.unwrap();
        let Content::Snapshot(known) = page.known.content() else {
            panic!("{page:?}");
        };
        let mut known: Vec<String> = known
            .iter()
            .map(|one| lines(&one.values).join("\n"))
            .collect();
        known.sort_unstable();
        known
    };
    let (_storage, _tables, without) = node(false).await;
    let was = revisions(&services).await;
    assert!(!was.is_empty());
    let says = |line: &String| line.contains("clinic") || line.contains("0129876");
    assert!(!was.iter().any(says), "{was:?}");
    // numbers go on without a gap
    let numbers = was.iter().map(|line| line.split(':').next().unwrap());
    let numbers: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers, (1..=was.len()).rev().collect::<Vec<_>>());
    let asked = with_fields(
        request(Method::ExportSnapshot, Subject::Feed(Vec::new())),
        &ALL,
    );
    assert!(export_snapshot(&services, asked, "", 500).await.is_ok());
    assert_eq!(snapshot(&services).await, snapshot(&without).await);

    allow(&services, "sees_restricted = [\"clinic\"]").await;
    let all = revisions(&services).await;
    assert!(all.iter().any(says), "{all:?}");
    assert!(snapshot(&services).await.len() > snapshot(&without).await.len());
    drop(storage);
    services.stop("test").await;
    without.stop("test").await;
}

/// An agreement that names one restricted source and not another sees what is composed without the other.
#[tokio::test]
async fn some_restricted_sources_may_be_seen_and_others_not() {
    let (_storage, tables, services) = node(true).await;
    let police = folder("police");
    let police = NewSource {
        manifest: police
            .manifest
            .replace(
                "kind = \"memory\"\n",
                "kind = \"memory\"\nrestricted = true\n",
            )
            .replace("[source]", "rank = 250\n[source]"),
        ..police
    };
    register(&services, police).await;
    let at_police: Row = ["P-1", MONA[1], MONA[2], "1984-02-14", ""];
    read(&services, &tables, "police", &[at_police]).await;
    let birth = async || {
        let told = everything(&services).await.swap_remove(0);
        let line = told
            .lines()
            .find(|line| line.starts_with("birth"))
            .map(str::to_owned);
        line.unwrap()
    };
    assert!(birth().await.contains("1984-02-11 "), "neither");
    for (terms, expected) in [
        ("sees_restricted = [\"clinic\"]", "1984-02-12 clinic"),
        ("sees_restricted = [\"police\"]", "1984-02-14 police"),
        (
            "sees_restricted = [\"clinic\", \"police\"]",
            "1984-02-14 police",
        ),
    ] {
        allow(&services, terms).await;
        let birth = birth().await;
        assert!(birth.contains(expected), "{terms}: {birth}");
    }
    services.stop("test").await;
}

/// A source whose manifest does not load may be restricted: nobody knows that it is not.
#[tokio::test]
async fn a_node_that_starts_again_hides_what_it_hid() {
    let (storage, tables, services) = node(true).await;
    let expected = everything(&services).await;
    services.stop("test").await;
    let services = Services::start(setup(&storage, &tables)).await.unwrap();
    assert_eq!(everything(&services).await, expected);
    services.stop("test").await;
    let mut tx = storage.begin().await.unwrap();
    for mut source in tx.list_sources().await.unwrap() {
        if source.id.as_str() == "clinic" {
            source.manifest = source.manifest.replace("schema = 1", "schema = 2");
            tx.put_source(&source).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let services = Services::start(setup(&storage, &tables)).await.unwrap();
    assert_eq!(everything(&services).await[..3], expected[..3]);
    services.stop("test").await;
}
