//! A database that nobody has described, of ten thousand tables: how long its catalog takes, and how
//! long from its address to linked people.

use std::time::{Duration, Instant};

use rabt_policy::{Caller, Role};
use rabt_service::operate::{
    Filter, NewSource, approve_source, check_source, create_source, discover_source,
    preview_source, propose_source,
};
use rabt_service::{Services, ingest, link};
use rabt_tests::{Database, Stack, postgres_url};

/// What is promised, machine time: the whole catalog, and from registration to linked records.
const CATALOG: Duration = Duration::from_secs(30);
const LINKED: Duration = Duration::from_secs(30);

/// Rows of the table of people.
const PEOPLE: u64 = 10_000;

const MANIFEST: &str = r#"
schema = 1
[agency]
id = "unknown"
name = { en = "Unknown", ar = "مجهول" }
steward = "bench@example"
agreement = "AG-BENCH-1"
[source]
kind = "postgres"
[source.config]
url = { secret = "file:URL" }
"#;

/// Measures on PostgreSQL; `false` when something took longer than is promised, or there is no server.
pub(crate) fn run(tables: usize) -> bool {
    let Some(server) = postgres_url() else {
        eprintln!("onboarding needs PostgreSQL");
        return false;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure(&server, tables))
}

async fn measure(server: &str, tables: usize) -> bool {
    let database = Database::on(server).await;
    fill(&database, tables).await;
    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("url"), database.url()).expect("the secret is written");
    let stack = Stack::start("sqlite::memory:").await;
    let services = &stack.services;
    let person = |name: &str, role| Caller {
        agency: "rabt".parse().expect("a name"),
        system: name.to_owned(),
        role,
    };
    let (one, two) = (person("one", Role::Operator), person("two", Role::Approver));
    let new = NewSource {
        manifest: MANIFEST.replace("file:URL", "file:url"),
        mapping: String::new(),
        base: place.path().to_owned(),
    };
    let id = "unknown".parse().expect("an id");

    let began = Instant::now();
    create_source(services, &one, new)
        .await
        .expect("it is taken in");
    check_source(services, &one, &id)
        .await
        .expect("it is checked");
    tell("described and checked", began.elapsed());
    let looked = Instant::now();
    let filter = Filter::default();
    let seen = discover_source(services, &one, &id, &filter, 0)
        .await
        .expect("it is discovered");
    let catalog = looked.elapsed();
    tell(&format!("{} tables listed", seen.tables.len()), catalog);
    let proposed = Instant::now();
    let seen = propose_source(services, &one, &id, &filter, true)
        .await
        .expect("it is proposed");
    let version = seen.folder.as_ref().expect("people are found").version;
    tell("sampled and proposed", proposed.elapsed());
    let previewed = Instant::now();
    preview_source(services, &one, &id, 1_000)
        .await
        .expect("it is previewed");
    tell("previewed, 1,000 rows", previewed.elapsed());
    approve_source(services, &two, &id, version)
        .await
        .expect("it is approved");
    let records = read(services, &id).await;
    let linked = began.elapsed();
    tell(
        &format!("{records} records linked, from the address on"),
        linked,
    );
    stack.stop().await;
    catalog <= CATALOG && linked <= LINKED && records == PEOPLE
}

async fn read(services: &Services, id: &rabt_model::SourceId) -> u64 {
    let began = Instant::now();
    let run = ingest(services, id).await.expect("it is read");
    tell("read", began.elapsed());
    let began = Instant::now();
    link(services).await.expect("it is linked");
    tell("linked", began.elapsed());
    run.counts.records
}

#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
fn tell(what: &str, took: Duration) {
    println!("{what:<42}{:>8.3} s", took.as_secs_f64());
}

/// Makes the tables, one of which holds people under an odd name.
async fn fill(database: &Database, tables: usize) {
    let make = format!(
        "DO $$ BEGIN FOR n IN 1..{tables} LOOP EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, \
         code varchar(10), amount numeric, made_at timestamptz)', n); \
         IF n % 500 = 0 THEN COMMIT; END IF; END LOOP; END $$"
    );
    database.run(&make).await;
    let people = format!(
        "CREATE TABLE \"X7_ABONNES\" (no_abonne int PRIMARY KEY, nom_complet varchar(80), nid char(14), \
         dob varchar(10), tel varchar(20)); \
         INSERT INTO \"X7_ABONNES\" SELECT n, \
         (ARRAY['محمد','أحمد','منى','فاطمة','عمر','سعاد'])[1 + n % 6] || ' ' || \
         (ARRAY['حسن','علي','محمود','إبراهيم','خالد'])[1 + n % 5] || ' ' || \
         (ARRAY['السيد','مصطفى','عبد الله','يوسف','كامل','فؤاد','سليم'])[1 + n % 7], \
         '2' || lpad((60 + n % 40)::text, 2, '0') || lpad((1 + n % 12)::text, 2, '0') || \
         lpad((1 + n % 28)::text, 2, '0') || '01' || lpad(n::text, 5, '0'), \
         lpad((1 + n % 28)::text, 2, '0') || '/' || lpad((1 + n % 12)::text, 2, '0') || '/19' || \
         lpad((60 + n % 40)::text, 2, '0'), '010' || lpad(n::text, 8, '0') \
         FROM generate_series(1, {PEOPLE}) n"
    );
    database.run(&people).await;
}
