use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rabt_model::{Pii, RecordId};

use super::{Targets, key_text, make};
use crate::generator::Generator;
use crate::population::{Person, Sex};
use crate::record::Teller;
use crate::row::Rows;

const PEOPLE: u32 = 6_000;
const SEED: u64 = 42;

#[tokio::test]
async fn every_database_is_written_and_every_row_has_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let made = make(PEOPLE, SEED, dir.path(), &Targets::default())
        .await
        .unwrap();
    assert!(made.databases >= 104, "{}", made.databases);
    assert_eq!(made.records, made.truth.len() as u64);
    let each = made.records * 100 / u64::from(PEOPLE);
    assert!((255..300).contains(&each), "{each} records per 100 people");
    let people: HashSet<u32> = made.truth.iter().map(|(_, _, _, person)| person).collect();
    assert_eq!(people.len(), usize::try_from(PEOPLE).unwrap());
    let (source, stream, key, person) = made.truth.iter().next().unwrap();
    let mut record = RecordId {
        source: source.clone(),
        stream: stream.clone(),
        key: Pii::new(key.to_owned()),
    };
    assert_eq!(made.truth.person_of(&record), Some(person));
    record.key = Pii::new("no such key".to_owned());
    assert_eq!(made.truth.person_of(&record), None);
    assert!(made.manifests.is_empty());
    rows_are_in_the_files(dir.path(), &made.truth).await;
}

async fn rows_are_in_the_files(dir: &std::path::Path, truth: &crate::Truth) {
    let path = dir.join("electricity/cairo.db");
    let url = format!("sqlite://{}", path.display());
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    let keys: Vec<String> = sqlx::query_scalar("SELECT CAST(CUST_NO AS TEXT) FROM CUST_MAST")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let expected: BTreeSet<&str> = truth
        .iter()
        .filter(|(source, ..)| source.as_str() == "electricity-cairo")
        .map(|(_, _, key, _)| key)
        .collect();
    assert!(!keys.is_empty());
    assert_eq!(
        keys.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        expected
    );
    let bytes = std::fs::read(dir.join("pensions/pensioners.csv")).unwrap();
    let (text, _, lossy) = encoding_rs::WINDOWS_1256.decode(&bytes);
    assert!(!lossy && text.starts_with("رقم_الملف;"));
    let bytes = std::fs::read(dir.join("border-control/crossings.csv")).unwrap();
    assert!(bytes.starts_with(&[0xef, 0xbb, 0xbf]));
}

#[tokio::test]
async fn the_same_numbers_give_the_same_truth() {
    let dir = tempfile::tempdir().unwrap();
    let mut truths = Vec::new();
    for name in ["one", "two"] {
        let into = dir.path().join(name);
        truths.push(
            make(800, 3, &into, &Targets::default())
                .await
                .unwrap()
                .truth,
        );
    }
    assert_eq!(truths[0], truths[1]);
    for file in ["elections/voters.db", "housing/applications.csv"] {
        let read = |name: &str| std::fs::read(dir.path().join(name).join(file)).unwrap();
        assert_eq!(read("one"), read("two"), "{file}");
    }
}

#[test]
fn keys_are_unique_in_every_database() {
    let generator = Generator::new(PEOPLE, SEED).unwrap();
    for (contributor, places) in generator.contributors.iter().zip(generator.presence()) {
        let name = &contributor.files.id;
        let teller = Teller::new(&generator.population, name, &contributor.habits);
        let offices = generator.offices(contributor, places);
        for (source, places) in contributor.agency.sources.iter().zip(&offices) {
            let key = contributor
                .key_of(contributor.stream(source).unwrap())
                .unwrap();
            let mut seen = HashSet::new();
            for (_, row) in Rows::new(&teller, places) {
                assert!(key.iter().all(|place| row[*place].is_some()), "{name}");
                assert!(seen.insert(key_text(&row, &key)), "{name}");
            }
            assert!(!seen.is_empty(), "{} has no row", source.id);
        }
    }
}

/// What came out of telling an agency about people, counted.
#[derive(Default)]
struct Counts {
    rows: f64,
    id_missing: f64,
    id_wrong: f64,
    id_of_others: f64,
    birth_missing: f64,
    birth_wrong: f64,
    sex_flipped: f64,
    phone_missing: f64,
    mother_missing: f64,
    grandfather_dropped: f64,
    family_dropped: f64,
}

impl Counts {
    fn add(&mut self, told: &crate::record::Told, person: &Person, ids: &HashMap<String, u32>) {
        let count = |yes: bool| if yes { 1.0 } else { 0.0 };
        let own = person.national_id.to_string();
        let id = told.national_id.as_deref();
        let wrong = id.is_some_and(|id| id != own && id.is_ascii());
        self.rows += 1.0;
        self.id_missing += count(id.is_none());
        self.id_wrong += count(wrong);
        self.id_of_others += count(wrong && id.is_some_and(|id| ids.contains_key(id)));
        self.birth_missing += count(told.birth.is_none());
        self.birth_wrong += count(told.birth.is_some_and(|birth| birth != person.birth));
        let flipped = match told.sex {
            Some(Sex::Male) => person.sex == Sex::Female,
            Some(Sex::Female) => person.sex == Sex::Male,
            None => false,
        };
        self.sex_flipped += count(flipped);
        self.phone_missing += count(told.phone.is_none());
        self.mother_missing += count(told.mother.is_none());
        self.grandfather_dropped += count(told.arabic.chain[2].is_none());
        self.family_dropped += count(told.arabic.chain[3].is_none());
    }
}

#[test]
fn errors_are_as_frequent_as_the_habits_say() {
    let generator = Generator::new(15_000, 7).unwrap();
    let ids: HashMap<String, u32> = generator
        .population
        .iter()
        .map(|(number, person)| (person.national_id.to_string(), number))
        .collect();
    let (mut wrong, mut others) = (0.0, 0.0);
    for (contributor, places) in generator.contributors.iter().zip(generator.presence()) {
        let habits = &contributor.habits;
        let name = contributor.files.id.as_str();
        let teller = Teller::new(&generator.population, name, habits);
        let mut counts = Counts::default();
        for place in places {
            let told = teller.tell(place, &mut teller.dice(place));
            counts.add(&told, generator.population.person(place.person), &ids);
        }
        let errors = &habits.errors;
        let near = |what: &str, counted: f64, expected: f64| {
            let share = counted / counts.rows;
            let spread = (expected * (1.0 - expected) / counts.rows).sqrt();
            assert!(
                (share - expected).abs() <= 4.5 * spread + 0.002,
                "{name}, {what}: {share:.4} instead of {expected:.4} in {} rows",
                counts.rows
            );
        };
        let held = 1.0 - errors.national_id_missing;
        near("id missing", counts.id_missing, errors.national_id_missing);
        if errors.arabic_digits < f64::EPSILON {
            near(
                "id wrong",
                counts.id_wrong,
                held * errors.national_id_wrong * 0.98,
            );
            wrong += counts.id_wrong;
            others += counts.id_of_others;
        }
        near("birth missing", counts.birth_missing, errors.birth_missing);
        let typical = 0.0055 + 0.01 + 0.01 + 0.003 + 0.0048 + errors.birth_first_january;
        let expected = typical * (1.0 - errors.birth_missing);
        near("birth wrong", counts.birth_wrong, expected);
        near("sex flipped", counts.sex_flipped, errors.sex_flipped * 0.97);
        near("phone missing", counts.phone_missing, errors.phone_missing);
        near(
            "mother missing",
            counts.mother_missing,
            errors.mother_missing,
        );
        near(
            "grandfather dropped",
            counts.grandfather_dropped,
            errors.grandfather_dropped,
        );
        near(
            "family dropped",
            counts.family_dropped,
            errors.family_dropped,
        );
    }
    let share = others / wrong;
    assert!((0.02..0.09).contains(&share), "somebody else's: {share:.3}");
}

#[test]
fn agencies_differ_in_size_as_their_weights_do() {
    let generator = Generator::new(20_000, 1).unwrap();
    let sizes: BTreeMap<&str, usize> = generator
        .contributors
        .iter()
        .zip(generator.presence())
        .map(|(contributor, places)| (contributor.files.id.as_str(), places.len()))
        .collect();
    assert!(sizes["civil-registry"] > 2 * sizes["customs"]);
    assert!(sizes.values().all(|size| *size > 300), "{sizes:?}");
}
