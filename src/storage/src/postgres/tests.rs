//! What only the planner of PostgreSQL can show.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::history::AT;
use crate::conformance::Scratch;

/// 4,000 citizens of 50 past revisions each.
const FILL: [&str; 3] = [
    "INSERT INTO citizens (id, composed_at, profile, revision, sequence)
        SELECT DECODE(LPAD(TO_HEX(n), 32, '0'), 'hex'), 0, '[]', 51, 51
        FROM GENERATE_SERIES(1, 4000) AS n",
    "INSERT INTO revisions
        (citizen, revision, composed_at, ended_at, sequence, ended_sequence, told, horizon, profile)
        SELECT number, n, 0, 0, n, n + 1, 0, 0, '[]' FROM citizens, GENERATE_SERIES(1, 50) AS n",
    "ANALYZE",
];

#[tokio::test]
async fn a_page_of_the_past_passes_over_no_revisions() {
    let Some(place) = Scratch::postgres("plan").await else {
        return;
    };
    let mut connection = PgConnection::connect(place.url()).await.unwrap();
    for statement in FILL {
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let plan = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {AT}");
    let plan = plan.replace("$1", "1000").replace("$2", "30");
    let plan = AssertSqlSafe(plan.replace("$3", "1500"));
    let plan: Vec<String> = sqlx::query_scalar(plan)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let plan = plan.join("\n");
    // Citizens whose revision is another are passed over once each; past revisions never.
    assert!(!plan.contains("Seq Scan on revisions"), "{plan}");
    assert!(
        plan.contains("Index Only Scan using revisions_by_end"),
        "{plan}"
    );
    connection.close().await.unwrap();
    place.remove().await;
}
