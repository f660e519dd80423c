mod held;

use std::sync::Arc;
use std::time::Duration;

use rabt_audit::AuditEvent;
use rabt_model::{ChangeKind, CitizenId};
use rabt_policy::{
    AccessRequest, Content, DenialReason, Disclosure, Method, Role, Subject, ToldChange,
};
use rabt_storage::{Deletion, Storage};

use super::node::{
    Fragile, MONA, OMAR, Row, Tables, events, memory, request, source, start, start_with_agencies,
};
use crate::change::{Step, Watch, check_feed, export_snapshot, list_changes};
use crate::enquiry::{AsOf, get_citizen, list_citizen_revisions};
use crate::{EnquiryError, Services, ingest, link};

const MONA_AT_TAX: Row = ["T-77", "مني احمد محمود حسن", MONA[2], MONA[3], ""];
const NAMESAKE: Row = [
    "9",
    "ناهد صبري فوزي كامل",
    "26105050199999",
    "1961-05-05",
    "",
];

fn ask(method: Method) -> AccessRequest {
    request(method, Subject::Feed(Vec::new()))
}

fn ask_as_tax(method: Method) -> AccessRequest {
    let mut asked = ask(method);
    asked.caller.agency = "tax".parse().unwrap();
    asked.caller.system = "desk".into();
    asked.context.agreement = "AG-2".into();
    asked
}

fn told(disclosure: &Disclosure) -> Vec<ToldChange> {
    let Content::Changes(changes) = disclosure.content() else {
        panic!("changes");
    };
    changes.clone()
}

fn kinds(changes: &[ToldChange]) -> Vec<ChangeKind> {
    changes.iter().map(|told| told.change.kind).collect()
}

async fn all(services: &Services) -> Vec<ToldChange> {
    let mut asked = ask(Method::ListChanges);
    let fields = ["name", "birth", "identifier.national_id", "phone"];
    asked.fields = Some(fields.map(str::to_owned).to_vec());
    let page = list_changes(services, asked, "", 500).await;
    told(&page.unwrap().told)
}

async fn read(services: &Arc<Services>, tables: &Tables, table: &str, rows: &[Row]) {
    tables.set(table, rows);
    ingest(services, &source(table)).await.unwrap();
    link(services).await.unwrap();
}

async fn delete(services: &Arc<Services>, storage: &Fragile, table: &str, key: &str) {
    let mut tx = storage.begin().await.unwrap();
    let gone = Deletion {
        id: rabt_model::RecordId {
            source: source(table),
            stream: "person".parse().unwrap(),
            key: key.to_owned().into(),
        },
        version: None,
        event_at: None,
    };
    let outcome = tx.delete_records(&[gone], services.clock.now()).await;
    assert_eq!(outcome.unwrap().deleted, 1);
    tx.commit().await.unwrap();
    link(services).await.unwrap();
}

fn id(services: &Services, number: &str) -> CitizenId {
    let found = services.directory.by_identifier("national_id", number);
    found.unwrap().citizen
}

async fn is_complete(storage: &Fragile) {
    let problems = check_feed(storage).await.unwrap();
    assert!(problems.is_empty(), "{problems:?}");
}

#[tokio::test]
async fn what_happens_to_people_is_told_by_kind() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    assert_eq!(kinds(&all(&services).await), [ChangeKind::Born; 2]);
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    let changes = all(&services).await;
    assert_eq!(changes[2].change.kind, ChangeKind::Holdings);
    let renumbered = ["2", OMAR[1], "29107150200999", OMAR[3], "01299999999"];
    let before = changes.len();
    read(&services, &tables, "registry", &[MONA, renumbered]).await;
    let changes = all(&services).await;
    let expected = [ChangeKind::IdentifierChanged, ChangeKind::Updated];
    assert_eq!(kinds(&changes[before..]), expected);
    assert_eq!(changes[before].change.attributes.len(), 1);
    // reading the same again tells nothing
    read(&services, &tables, "registry", &[MONA, renumbered]).await;
    assert_eq!(all(&services).await.len(), before + 2);
    is_complete(&storage).await;
}

#[tokio::test]
async fn a_merge_that_is_undone_names_what_it_supersedes() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, NAMESAKE]).await;
    let ids = [MONA, NAMESAKE].map(|row| id(&services, row[2]));
    let wrong = ["9", MONA[1], MONA[2], MONA[3], MONA[4]];
    read(&services, &tables, "registry", &[MONA, wrong]).await;
    let merged = all(&services).await;
    let merged = merged.last().unwrap();
    assert_eq!(merged.change.kind, ChangeKind::Merged);
    assert_eq!(merged.change.other, Some(ids[1]));
    assert_eq!(merged.change.joined.len(), 1);
    is_complete(&storage).await;
    read(&services, &tables, "registry", &[MONA, NAMESAKE]).await;
    let changes = all(&services).await;
    let split = &changes[usize::try_from(merged.sequence).unwrap()];
    assert_eq!(split.change.kind, ChangeKind::Split);
    assert_eq!(
        (split.change.citizen, split.change.other),
        (ids[0], Some(ids[1]))
    );
    assert_eq!(split.change.supersedes, Some(merged.sequence));
    assert_eq!(
        id(&services, NAMESAKE[2]),
        ids[1],
        "the id returns with its record"
    );
    is_complete(&storage).await;
}

#[tokio::test]
async fn a_citizen_whose_last_record_goes_is_annulled_and_may_return() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    let omar = id(&services, OMAR[2]);
    delete(&services, &storage, "registry", "2").await;
    let changes = all(&services).await;
    let annulled = changes.last().unwrap();
    assert_eq!(annulled.change.kind, ChangeKind::Annulled);
    assert_eq!(annulled.change.citizen, omar);
    assert!(services.directory.get(omar).is_none());
    is_complete(&storage).await;
    // a node that starts anew knows it too
    services.stop("finished").await;
    let services = start(&storage, &tables).await;
    assert_eq!(services.citizens(), 1);
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    let changes = all(&services).await;
    let back = changes.last().unwrap();
    assert_eq!(
        (back.change.kind, back.change.citizen),
        (ChangeKind::Born, omar)
    );
    assert_eq!(back.change.supersedes, Some(annulled.sequence));
    assert_eq!(id(&services, OMAR[2]), omar);
    is_complete(&storage).await;
}

fn row(key: &'static str, like: Row) -> Row {
    [key, like[1], like[2], like[3], like[4]]
}

async fn answer(services: &Services, citizen: CitizenId) -> CitizenId {
    let asked = request(Method::GetCitizen, Subject::Citizen(citizen.to_string()));
    let answer = get_citizen(services, asked).await.unwrap();
    let Content::Citizen { citizen, .. } = answer.content() else {
        panic!("a citizen");
    };
    *citizen
}

#[tokio::test]
async fn a_citizen_does_not_return_as_one_of_several() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    let (c, d) = ([MONA, row("2", MONA)], NAMESAKE);
    let rows = [c[0], c[1], row("3", d), row("4", d)];
    read(&services, &tables, "registry", &rows).await;
    let ids = [c[0], d].map(|row| id(&services, row[2]));
    let rows = [c[0], c[1], row("3", MONA), row("4", MONA)];
    read(&services, &tables, "registry", &rows).await;
    assert_eq!(answer(&services, ids[1]).await, ids[0]);
    let other = ["4", OMAR[1], OMAR[2], OMAR[3], ""];
    read(
        &services,
        &tables,
        "registry",
        &[c[0], c[1], rows[2], other],
    )
    .await;
    assert_ne!(id(&services, OMAR[2]), ids[1]);
    // nor bit by bit
    read(
        &services,
        &tables,
        "registry",
        &[c[0], c[1], row("3", d), other],
    )
    .await;
    assert_ne!(id(&services, d[2]), ids[1]);
    assert_eq!(answer(&services, ids[1]).await, ids[0]);
    is_complete(&storage).await;
}

#[tokio::test]
async fn a_row_that_returns_as_somebody_else_does_not_take_them_over() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    let gone = id(&services, OMAR[2]);
    delete(&services, &storage, "registry", "2").await;
    read(&services, &tables, "registry", &[MONA, NAMESAKE]).await;
    let living = id(&services, NAMESAKE[2]);
    let rows = [MONA, row("2", NAMESAKE), NAMESAKE];
    read(&services, &tables, "registry", &rows).await;
    assert_eq!(id(&services, NAMESAKE[2]), living);
    assert_eq!(answer(&services, gone).await, living);
    is_complete(&storage).await;
}

#[tokio::test]
async fn an_id_leads_where_it_leads_today() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    let (c, d, e) = (
        [MONA, row("2", MONA), row("3", MONA)],
        row("5", NAMESAKE),
        row("6", OMAR),
    );
    let say = async |services: &Arc<Services>, fifth: Row, sixth: Row| {
        let rows = [c[0], c[1], c[2], row("5", fifth), row("6", sixth)];
        read(services, &tables, "registry", &rows).await;
    };
    say(&services, d, e).await;
    let [c_id, d_id, e_id] = [MONA, d, e].map(|row| id(&services, row[2]));
    say(&services, d, d).await;
    say(&services, MONA, MONA).await;
    services.stop("finished").await;
    let services = start(&storage, &tables).await;
    assert_eq!(answer(&services, e_id).await, c_id);
    say(&services, d, d).await;
    assert_eq!(id(&services, NAMESAKE[2]), d_id);
    assert_eq!(answer(&services, e_id).await, d_id);
    assert_eq!(answer(&services, d_id).await, d_id);
}

#[tokio::test]
async fn a_deleted_record_leaves_the_others_with_their_citizen() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA]).await;
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    let mona = id(&services, MONA[2]);
    delete(&services, &storage, "registry", "1").await;
    let changes = all(&services).await;
    let left: Vec<_> = changes
        .iter()
        .filter(|told| !told.change.left.is_empty())
        .collect();
    assert_eq!(left.len(), 1);
    assert_eq!(
        (left[0].change.kind, left[0].change.citizen),
        (ChangeKind::Holdings, mona)
    );
    assert_eq!(id(&services, MONA[2]), mona);
    is_complete(&storage).await;
}

fn refused<T>(answer: Result<T, EnquiryError>) -> DenialReason {
    match answer {
        Err(EnquiryError::Denied(denial)) => denial.reason(),
        _ => panic!("a refusal"),
    }
}

#[tokio::test]
async fn tokens_of_others_and_of_another_time_are_refused() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA]).await;
    let page = list_changes(&services, ask(Method::ListChanges), "", 9)
        .await
        .unwrap();
    let stolen = list_changes(&services, ask_as_tax(Method::ListChanges), &page.resume, 9).await;
    assert_eq!(refused(stolen), DenialReason::BadToken);
    let empty = memory().await;
    let other = start(&empty, &tables).await;
    let ahead = list_changes(&other, ask(Method::ListChanges), &page.resume, 9).await;
    assert_eq!(refused(ahead), DenialReason::Expired);
    let entries = events(empty.as_ref()).await;
    let AuditEvent::Denied(denied) = entries.last().unwrap() else {
        panic!("a refusal has its entry");
    };
    assert_eq!(denied.reason, "EXPIRED");
    let mut person = ask(Method::ListChanges);
    person.caller.role = Role::Operator;
    let denied = list_changes(&services, person, "", 9).await;
    assert_eq!(refused(denied), DenialReason::NotParty);
}

#[tokio::test]
async fn a_watcher_hears_of_commits_and_signs_of_life_and_resumes_after_a_restart() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    let beat = Duration::from_millis(50);
    let ask = || ask(Method::WatchChanges);
    let mut watch = Watch::begin(&services, ask(), "", beat).await.unwrap();
    let Step::Heartbeat(_) = watch.next().await.unwrap() else {
        panic!("nothing happened yet");
    };
    read(&services, &tables, "registry", &[MONA, OMAR]).await;
    let Step::Changes(first, resume) = watch.next().await.unwrap() else {
        panic!("two are known");
    };
    assert_eq!(kinds(&told(&first)), [ChangeKind::Born; 2]);
    let long = Duration::from_mins(1);
    let mut watch = Watch::begin(&services, ask(), &resume, long).await.unwrap();
    let waiting = tokio::time::timeout(beat, watch.next()).await;
    assert!(waiting.is_err(), "nothing is told twice");
    services.stop("finished").await;
    let services = start(&storage, &tables).await;
    let mut watch = Watch::begin(&services, ask(), &resume, long).await.unwrap();
    let (step, ()) = tokio::join!(
        watch.next(),
        read(&services, &tables, "tax", &[MONA_AT_TAX])
    );
    let Step::Changes(second, _) = step.unwrap() else {
        panic!("a record came");
    };
    assert_eq!(told(&second)[0].sequence, 3);
    let disclosed = events(storage.as_ref()).await;
    let spans: Vec<_> = disclosed
        .iter()
        .filter_map(|event| {
            let AuditEvent::Disclosed(disclosed) = event else {
                return None;
            };
            disclosed.changes
        })
        .collect();
    assert_eq!(
        spans.len(),
        2,
        "each page has its entry, a sign of life has none"
    );
    assert_eq!(spans[0], (1, 2));
}

#[tokio::test]
async fn a_snapshot_stays_at_its_place_and_the_feed_goes_on_from_it() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA, OMAR, NAMESAKE]).await;
    let ask_page = || ask(Method::ExportSnapshot);
    let first = export_snapshot(&services, ask_page(), "", 2).await.unwrap();
    let wrong = ["9", MONA[1], MONA[2], MONA[3], MONA[4]];
    let renamed = ["1", "منى أحمد محمود السيد", MONA[2], MONA[3], MONA[4]];
    read(&services, &tables, "registry", &[renamed, OMAR, wrong]).await;
    let second = export_snapshot(&services, ask_page(), &first.next, 2)
        .await
        .unwrap();
    let mut names = Vec::new();
    for page in [&first, &second] {
        let Content::Snapshot(known) = page.known.content() else {
            panic!("a snapshot");
        };
        for citizen in known {
            let name = citizen
                .values
                .iter()
                .find(|v| v.attribute.to_string() == "name.chain");
            names.push(name.unwrap().value.expose().to_line());
        }
    }
    names.sort();
    let mut expected = [MONA, OMAR, NAMESAKE].map(|row| row[1].to_owned());
    expected.sort();
    assert_eq!(names, expected);
    assert!(second.next.is_empty());
    assert_eq!(first.resume, second.resume);
    let rest = list_changes(&services, ask(Method::ListChanges), &first.resume, 9).await;
    let rest = told(&rest.unwrap().told);
    assert_eq!(rest[0].sequence, 4);
}

#[tokio::test]
async fn past_profiles_are_read_as_they_were() {
    let (storage, tables) = (memory().await, Tables::default());
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA]).await;
    let renamed = ["1", "منى أحمد محمود السيد", MONA[2], MONA[3], MONA[4]];
    read(&services, &tables, "registry", &[renamed]).await;
    let mona = id(&services, MONA[2]);
    let ask = |as_of| {
        let subject = Subject::Citizen(mona.to_string());
        let asked = request(Method::ListCitizenRevisions, subject);
        list_citizen_revisions(&services, asked, as_of)
    };
    let answer = ask(AsOf::default()).await.unwrap();
    let Content::Revisions { revisions, .. } = answer.content() else {
        panic!("revisions");
    };
    let names: Vec<String> = revisions
        .iter()
        .map(|revision| revision.values[0].value.expose().to_line())
        .collect();
    assert_eq!(names, [renamed[1], MONA[1]]);
    assert!(revisions.iter().all(|revision| {
        revision
            .values
            .iter()
            .all(|value| value.attribute.to_string() != "phone")
    }));
    let early = AsOf {
        recorded_at: Some("2020-01-01T00:00:00Z".parse().unwrap()),
        valid_at: None,
    };
    let nobody = ask(early).await.unwrap();
    assert!(matches!(nobody.content(), Content::Absent));
    let subject = Subject::Citizen(mona.to_string());
    let today = get_citizen(&services, request(Method::GetCitizen, subject)).await;
    assert!(matches!(today.unwrap().content(), Content::Citizen { .. }));
}
