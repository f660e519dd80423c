//! The golden record by configured rules: other rules, records of truth, what lost, and rows that
//! their owner replaced.

mod replaced;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rabt_linkage::Survivorship;
use rabt_model::{ChangeCause, ChangeKind, CitizenId, Rule};
use rabt_policy::{Content, Method, Subject};

use super::node::{
    Fragile, MONA, OMAR, Row, Tables, by_national_id, folder, memory, register, request, setup,
    source, start, start_with_agencies,
};
use crate::change::list_changes;
use crate::enquiry::{explain_field, lookup_citizen};
use crate::operate::NewSource;
use crate::{Services, fingerprint, ingest, link};

/// Mona at the tax office, born a day later and read after the registry.
const MONA_AT_TAX: Row = ["T-1", MONA[1], MONA[2], "1984-02-12", ""];

/// The office that ranks last among equals speaks for the date of birth.
const TAX_FIRST: &str = "
schema = 1
[attribute.\"birth.date\"]
rules = [\"source_rank\"]
ranks = { tax = 200 }
";

async fn start_by(storage: &Arc<Fragile>, tables: &Tables, rules: &str) -> Arc<Services> {
    let mut setup = setup(storage, tables);
    setup.rules = Arc::new(Survivorship::from_toml(rules).unwrap());
    Services::start(setup).await.unwrap()
}

async fn read(services: &Arc<Services>, tables: &Tables, table: &str, rows: &[Row]) {
    tables.set(table, rows);
    ingest(services, &source(table)).await.unwrap();
    link(services).await.unwrap();
}

/// Mona at both offices, which do not agree when she was born.
async fn disputed() -> (Arc<Fragile>, Tables, Arc<Services>) {
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start_with_agencies(&storage, &tables).await;
    read(&services, &tables, "registry", &[MONA]).await;
    read(&services, &tables, "tax", &[MONA_AT_TAX]).await;
    assert_eq!(services.citizens(), 1);
    (storage, tables, services)
}

/// Who has the records, in the order of their numbers.
async fn citizens(services: &Services) -> Vec<CitizenId> {
    let mut tx = services.storage.snapshot().await.unwrap();
    let held = tx.memberships().await.unwrap();
    held.into_iter().map(|(_, citizen)| citizen).collect()
}

async fn birth(services: &Services) -> (String, Rule, bool) {
    let answer = lookup_citizen(
        services,
        request(Method::LookupCitizen, by_national_id(MONA[2])),
    );
    let answer = answer.await.unwrap();
    let Content::Citizen { values, .. } = answer.content() else {
        panic!("{:?}", answer.content());
    };
    let birth = values
        .iter()
        .find(|value| value.attribute.to_string() == "birth.date")
        .unwrap();
    (birth.value.expose().to_line(), birth.rule, birth.disputed)
}

async fn rule_changes(services: &Services) -> Vec<(ChangeKind, Vec<String>)> {
    let asked = request(Method::ListChanges, Subject::Feed(Vec::new()));
    let page = list_changes(services, asked, "", 500).await.unwrap();
    let Content::Changes(changes) = page.told.content() else {
        panic!("changes");
    };
    let told = changes.iter().map(|told| &told.change);
    told.filter(|change| change.cause == ChangeCause::Rules)
        .map(|change| {
            let attributes = change.attributes.iter().map(ToString::to_string);
            (change.kind, attributes.collect())
        })
        .collect()
}

#[tokio::test]
async fn other_rules_compose_every_profile_again_and_tell_it() {
    let (storage, tables, services) = disputed().await;
    let before = citizens(&services).await;
    let by_shipped = fingerprint(services.storage.as_ref()).await.unwrap();
    assert_eq!(birth(&services).await.0, "1984-02-11");
    services.stop("test").await;

    let services = start_by(&storage, &tables, TAX_FIRST).await;
    link(&services).await.unwrap();
    assert_eq!(
        birth(&services).await,
        ("1984-02-12".to_owned(), Rule::SourceRank, true)
    );
    assert_eq!(citizens(&services).await, before, "ids are left alone");
    let told = rule_changes(&services).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1, ["birth.date"]);
    link(&services).await.unwrap();
    assert_eq!(rule_changes(&services).await.len(), 1, "told once");
    services.stop("test").await;

    let services = start(&storage, &tables).await;
    link(&services).await.unwrap();
    assert_eq!(birth(&services).await.0, "1984-02-11");
    let again = fingerprint(services.storage.as_ref()).await.unwrap();
    assert_eq!(again, by_shipped, "the rules alone decide");
    assert_eq!(rule_changes(&services).await.len(), 2);
    services.stop("test").await;
}

#[tokio::test]
async fn a_file_that_says_what_is_shipped_changes_nothing() {
    let (storage, tables, services) = disputed().await;
    let before = fingerprint(services.storage.as_ref()).await.unwrap();
    services.stop("test").await;
    let services = start_by(&storage, &tables, Survivorship::SHIPPED).await;
    let summary = link(&services).await.unwrap();
    assert_eq!(summary.profiles, 0);
    let after = fingerprint(services.storage.as_ref()).await.unwrap();
    assert_eq!(after, before);
    services.stop("test").await;
}

/// Five people at both offices, which do not agree when they were born.
async fn five() -> (Arc<Fragile>, Tables) {
    const PEOPLE: [[&str; 4]; 5] = [
        [MONA[1], MONA[2], "1984-02-11", "1984-02-12"],
        [OMAR[1], OMAR[2], "1991-07-15", "1991-07-16"],
        [
            "سارة علي حسين فؤاد",
            "29503030100145",
            "1995-03-03",
            "1995-03-04",
        ],
        [
            "يوسف سمير عادل نجيب",
            "27812250100159",
            "1978-12-25",
            "1978-12-26",
        ],
        [
            "هدى مصطفى كامل رزق",
            "28808080100162",
            "1988-08-08",
            "1988-08-09",
        ],
    ];
    const KEYS: [&str; 5] = ["1", "2", "3", "4", "5"];
    let row = |at: usize, birth: usize| {
        let [name, number, ..] = PEOPLE[at];
        [KEYS[at], name, number, PEOPLE[at][birth], ""]
    };
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start_with_agencies(&storage, &tables).await;
    let of = |birth| (0..5).map(|at| row(at, birth)).collect::<Vec<Row>>();
    read(&services, &tables, "registry", &of(2)).await;
    read(&services, &tables, "tax", &of(3)).await;
    assert_eq!(services.citizens(), 5);
    services.stop("test").await;
    (storage, tables)
}

#[tokio::test]
async fn a_kill_while_profiles_are_composed_again_changes_nothing_in_the_end() {
    let (storage, tables) = five().await;
    let services = start_by(&storage, &tables, TAX_FIRST).await;
    let before = storage.begins.load(Ordering::SeqCst);
    link(&services).await.unwrap();
    let begins = before - storage.begins.load(Ordering::SeqCst);
    let expected = fingerprint(storage.as_ref()).await.unwrap();
    assert_eq!(rule_changes(&services).await.len(), 5);
    services.stop("test").await;
    assert!(begins >= 4, "{begins} transactions");
    for survive in 0..begins {
        let (storage, tables) = five().await;
        let services = start_by(&storage, &tables, TAX_FIRST).await;
        storage.begins.store(survive, Ordering::SeqCst);
        assert!(link(&services).await.is_err(), "killed before {survive}");
        services.stop("signal").await;
        storage.begins.store(u64::MAX, Ordering::SeqCst);
        let services = start_by(&storage, &tables, TAX_FIRST).await;
        link(&services).await.unwrap();
        let after = fingerprint(storage.as_ref()).await.unwrap();
        assert_eq!(after, expected, "after {survive}");
        assert_eq!(rule_changes(&services).await.len(), 5, "each told once");
        services.stop("test").await;
    }
}

fn of_truth(agency: &str, truth: &str) -> NewSource {
    let folder = folder(agency);
    let marked = format!("mode = \"snapshot\"\nrecord_of_truth = {truth}\n");
    NewSource {
        manifest: folder.manifest.replace("mode = \"snapshot\"\n", &marked),
        ..folder
    }
}

#[tokio::test]
async fn a_manifest_that_names_a_record_of_truth_is_followed_with_the_next_link() {
    let (_storage, _tables, services) = disputed().await;
    let marked = of_truth("tax", "[\"birth.date\"]");
    register(&services, marked).await;
    link(&services).await.unwrap();
    assert_eq!(
        birth(&services).await,
        ("1984-02-12".to_owned(), Rule::RecordOfTruth, true)
    );
    assert_eq!(rule_changes(&services).await.len(), 1);
    register(&services, folder("tax")).await;
    link(&services).await.unwrap();
    assert_eq!(birth(&services).await.0, "1984-02-11");
    services.stop("test").await;
}

#[tokio::test]
async fn a_stream_that_holds_each_person_once_keeps_its_rows_apart() {
    let (tables, storage) = (Tables::default(), memory().await);
    let services = start(&storage, &tables).await;
    for folder in [folder("registry"), folder("tax")] {
        register(&services, folder).await;
    }
    let twice: Row = ["9", MONA[1], MONA[2], MONA[3], MONA[4]];
    read(&services, &tables, "registry", &[MONA, twice]).await;
    assert_eq!(services.citizens(), 1, "two rows of one person");
    let marked = of_truth("registry", "true");
    register(&services, marked).await;
    link(&services).await.unwrap();
    assert_eq!(services.citizens(), 2, "each row is a person of its own");
    register(&services, folder("registry")).await;
    link(&services).await.unwrap();
    assert_eq!(services.citizens(), 1);
    services.stop("test").await;
}

#[tokio::test]
async fn an_explanation_names_what_else_is_held_by_whom_and_why_it_lost() {
    let (_storage, _tables, services) = disputed().await;
    let mona = citizens(&services).await[0];
    let subject = || Subject::Citizen(mona.to_string());
    let mut asked = request(Method::ExplainField, subject());
    asked.fields = Some(vec!["birth.date".into()]);
    let answer = explain_field(&services, asked).await.unwrap();
    let Content::Explained { values, others, .. } = answer.content() else {
        panic!("{:?}", answer.content());
    };
    assert_eq!((values.len(), others.len()), (1, 1));
    let other = &others[0].other;
    assert_eq!(other.value.expose().to_line(), "1984-02-12");
    assert!(other.disputes);
    assert_eq!(other.holders[0].agency.as_str(), "tax");
    assert_eq!(other.holders[0].column, "dob");
    let sentences = &others[0].sentences;
    assert_eq!(
        sentences[0].en,
        "Also held: by Agency tax in column dob, read on 2026-06-01"
    );
    assert!(
        sentences[1]
            .en
            .contains("it contradicts the value that stands")
    );
    assert!(sentences.iter().all(|sentence| !sentence.ar.is_empty()));

    let mut asked = request(Method::ExplainField, subject());
    asked.fields = Some(vec!["sex".into()]);
    assert!(
        explain_field(&services, asked).await.is_err(),
        "no field outside the agreement"
    );
    services.stop("test").await;
}
