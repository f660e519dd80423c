//! Reading an agency's database, and mapping what was read, on one core.

use std::sync::Arc;

use rabt_connect::{
    Agency, AgencyFolder, Connector, Inlet, MappingContext, Message, Outlet, Program, Remote,
    Session, SourceSpec,
};
use rabt_connector_mysql::Mysql;
use rabt_connector_postgres::Postgres;
use rabt_model::{AgencyId, Clock, SystemClock};
use rabt_tests::{Database, mysql_url, postgres_url};
use tokio::runtime::Builder;

use crate::meter::Meter;

const MANIFEST: &str = r#"
schema = 1
[agency]
id = "bench"
name = { en = "Bench", ar = "قياس" }
steward = "bench@example"
agreement = "AG-BENCH-1"
[source]
kind = "any"
[source.config]
[[stream]]
id = "person"
from = { table = "person" }
key = ["id"]
mode = "snapshot"
"#;

const MAPPING: &str = r#"
[person]
"name.chain" = { from = ["given", "father", "family"], as = ["given", "father", "family"], steps = ["trim", "collapse_spaces"] }
"identifier.national_id" = { from = "nid", steps = ["digits_ascii", "trim", { check = "digits:14" }], on_reject = "field" }
"birth.date" = { from = "born", steps = [{ parse_date = { formats = ["%d/%m/%Y"], calendar = "gregorian" } }], on_reject = "field" }
"sex" = { from = "sex", steps = [{ lookup = { "1" = "male", "2" = "female" } }], on_reject = "field" }
"phone" = { from = "phone", steps = ["digits_ascii", "trim"] }
"#;

const COLUMNS: &str = "id int PRIMARY KEY, given varchar(40), father varchar(40), \
     family varchar(40), nid char(14), born varchar(10), sex char(1), phone varchar(20)";

/// Measures both kinds whose server is there.
pub(crate) fn run(rows: usize) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    if let Some(server) = postgres_url() {
        let fill = postgres_rows(rows);
        let postgres = Arc::new(Postgres);
        runtime.block_on(measure(&server, &fill, rows, "postgres", postgres));
    }
    if let Some(server) = mysql_url() {
        let fill = format!(
            "INSERT INTO person SELECT seq, 'محمد', 'أحمد', 'حسن', \
             LPAD(seq, 14, '2'), '11/02/1984', '1', '0101234567' FROM seq_1_to_{rows}"
        );
        runtime.block_on(measure(&server, &fill, rows, "mysql", Arc::new(Mysql)));
    }
}

/// How often each way is measured.
const ROUNDS: usize = 3;
/// How much slower reading through a process may be, of the rate without one.
const SLOWER: f64 = 0.30;

/// Measures PostgreSQL in this process and in one of its own, in turns. Says whether the second is fast
/// enough.
pub(crate) fn run_isolated(rows: usize) -> bool {
    let Some((server, rabt)) = postgres_url().zip(crate::linkage::release()) else {
        return false;
    };
    // mapping and reading are one thread here, and the process has its own
    let runtime = Builder::new_current_thread().enable_all().build();
    let program = Program::of_kind(rabt, "postgres");
    let isolated = Arc::new(Remote::isolating(Arc::new(Postgres), program));
    runtime
        .expect("a runtime")
        .block_on(compare(&server, rows, isolated))
}

async fn compare(server: &str, rows: usize, isolated: Arc<dyn Connector>) -> bool {
    let database = Database::on(server).await;
    fill(&database, &postgres_rows(rows)).await;
    let (session, agency) = reading(&database);
    let source = agency.sources.first().expect("one source");
    let mut fast_enough = true;
    for (what, mapped_for) in [("read", None), ("read and mapped", Some(&agency.id))] {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let ways = [&Postgres as &dyn Connector, isolated.as_ref()];
            for (way, connector) in ways.into_iter().enumerate() {
                let meter = Meter::start();
                let taken = read(&session, source, connector, mapped_for).await;
                assert_eq!(taken, rows);
                let place = ["shared", "isolated"][way];
                rates[way].push(meter.report(&format!("{place}: {what}"), rows));
            }
        }
        let [shared, apart] = rates.map(median);
        let slower = 1.0 - apart / shared;
        eprintln!("isolated is slower by {:.0} % ({what})", slower * 100.0);
        fast_enough &= slower <= SLOWER;
    }
    fast_enough
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn postgres_rows(rows: usize) -> String {
    format!(
        "INSERT INTO person SELECT n, 'محمد', 'أحمد', 'حسن', \
         lpad(n::text, 14, '2'), '11/02/1984', '1', '0101234567' \
         FROM generate_series(1, {rows}) n"
    )
}

async fn fill(database: &Database, rows: &str) {
    database
        .run(&format!("CREATE TABLE person ({COLUMNS})"))
        .await;
    database.run(rows).await;
}

/// Returns the agency, and a session of its database.
fn reading(database: &Database) -> (Session, Agency) {
    let files = [("manifest.toml", MANIFEST), ("mapping.toml", MAPPING)];
    let agency = AgencyFolder::load(&files).expect("the folder loads");
    let source = agency.sources.first().expect("one source");
    let mut config = toml::Table::new();
    config.insert("url".to_owned(), database.url().into());
    (Session::new(source.id.clone(), config, "/"), agency)
}

async fn measure(
    server: &str,
    rows_of: &str,
    rows: usize,
    kind: &str,
    connector: Arc<dyn Connector>,
) {
    let database = Database::on(server).await;
    fill(&database, rows_of).await;
    let (session, agency) = reading(&database);
    let source = agency.sources.first().expect("one source");

    let meter = Meter::start();
    let read = read(&session, source, connector.as_ref(), None).await;
    assert_eq!(read, rows);
    meter.report(&format!("{kind}: read"), rows);

    let meter = Meter::start();
    let mapped = read_and_map(&session, source, &agency.id, connector.as_ref()).await;
    assert_eq!(mapped, rows);
    meter.report(&format!("{kind}: read and mapped"), rows);
}

async fn read_and_map(
    session: &Session,
    source: &SourceSpec,
    agency: &AgencyId,
    connector: &dyn Connector,
) -> usize {
    read(session, source, connector, Some(agency)).await
}

/// Reads the stream; with an agency, maps it too. Returns the number of rows or records.
async fn read(
    session: &Session,
    source: &SourceSpec,
    connector: &dyn Connector,
    agency: Option<&AgencyId>,
) -> usize {
    let stream = source.streams.first().expect("one stream");
    let plan = stream.plan(10_000);
    let (outlet, inlet) = Outlet::channel(4);
    let taking = take(inlet, |batch| match agency {
        None => batch.rows(),
        Some(agency) => {
            let context = MappingContext {
                source: &source.id,
                agency,
                stream: &stream.id,
                key: &plan.key,
                cursor: None,
                observed_at: SystemClock.now(),
            };
            stream.mapping.apply(batch, &context).records.len()
        }
    });
    let reading = connector.read(session, &plan, None, outlet);
    let (read, taken) = futures::future::join(reading, taking).await;
    read.expect("the table is read");
    taken
}

async fn take(mut inlet: Inlet, mut count: impl FnMut(&rabt_connect::Batch) -> usize) -> usize {
    let mut taken = 0;
    while let Some(message) = inlet.receive().await.expect("counts match") {
        if let Message::Rows(batch) = message {
            taken += count(&batch);
        }
    }
    taken
}
