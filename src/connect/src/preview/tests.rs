//! A preview of a source that lives in the test.

use std::sync::Arc;

use async_trait::async_trait;
use rabt_model::{Label, Timestamp};

use super::preview;
use crate::connector::{
    Capabilities, ColumnInfo, Connector, Description, Filter, Finding, Mode, Plan, Session, Table,
};
use crate::error::ConnectError;
use crate::manifest::{AgencyFolder, StreamSpec};
use crate::message::{BatchBuilder, Cell, Message, Outlet, Position};
use crate::survey::{Sampling, sample};

const MANIFEST: &str = r#"
schema = 1
[agency]
id = "tax"
name = { en = "Tax", ar = "الضرائب" }
steward = "data@tax.example"
agreement = "AG-S-1"
[source]
kind = "rows"
[source.config]
[[stream]]
id = "person"
from = { table = "persons" }
key = ["id"]
mode = "snapshot"
"#;

const MAPPING: &str = r#"
[person]
"name.chain" = { from = "name", steps = ["trim"] }
"birth.date" = { from = "born", steps = [{ parse_date = { formats = ["%d/%m/%Y"] } }] }
"#;

/// Sends the same two rows for ever; the second one cannot be taken. Ends with an error of its own
/// when it is stopped. It has no log.
struct Endless;

#[async_trait]
impl Connector for Endless {
    fn describe(&self) -> Description {
        Description {
            kind: "rows",
            label: Label::new("Rows", "صفوف"),
            capabilities: Capabilities::default(),
            config: Vec::new(),
        }
    }

    async fn check(&self, _: &Session) -> Vec<Finding> {
        Vec::new()
    }

    async fn discover(&self, _: &Session, _: &Filter) -> Result<Vec<Table>, ConnectError> {
        Ok(Vec::new())
    }

    async fn read(
        &self,
        _: &Session,
        plan: &Plan,
        _: Option<Position>,
        outlet: Outlet,
    ) -> Result<(), ConnectError> {
        plan.refuse_changes("rows")?;
        let mut builder = BatchBuilder::new(Arc::<[String]>::from(plan.columns.clone()));
        for number in 0.. {
            let key = number.to_string();
            builder.push_row(["31/12/1990", &key, " منى أحمد "].map(Cell::Text));
            builder.push_row([Cell::Text("31/02/1990"), Cell::Null, Cell::Text("x")]);
            let sent = outlet.send(Message::Rows(builder.take())).await;
            sent.map_err(|_| ConnectError::transient("rows", "broke off", "try again"))?;
        }
        Ok(())
    }
}

fn spec() -> StreamSpec {
    let files = [("manifest.toml", MANIFEST), ("mapping.toml", MAPPING)];
    let mut agency = AgencyFolder::load(&files).unwrap();
    agency.sources.remove(0).streams.remove(0)
}

#[tokio::test]
async fn rows_are_counted_mapped_and_shown_as_shapes() {
    let (source, agency) = ("tax".parse().unwrap(), "tax".parse().unwrap());
    let session = Session::new("tax".parse().unwrap(), toml::Table::new(), "/");
    let at: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
    let seen = preview(&Endless, &session, &spec(), (&source, &agency), 7, at)
        .await
        .unwrap();
    assert_eq!((seen.rows, seen.skipped), (7, 0));
    assert_eq!((seen.records.len(), seen.rejected_rows), (4, 3));
    let counts: Vec<_> = seen
        .rejections
        .iter()
        .map(|one| (one.reason, one.count))
        .collect();
    assert_eq!(counts, [("missing_key", 3)]);
    let first: Vec<_> = seen.examples[0]
        .iter()
        .map(|one| {
            (
                one.attribute.to_string(),
                one.column.as_str(),
                one.before.as_str(),
                one.after.as_str(),
            )
        })
        .collect();
    insta::assert_debug_snapshot!(first);
    let shown = format!("{:?}", (&seen.examples, &seen.rejections));
    assert!(!shown.contains("منى") && !shown.contains("1990"), "{shown}");
}

#[tokio::test]
async fn a_sample_is_what_came_before_the_connector_was_stopped() {
    let session = Session::new("tax".parse().unwrap(), toml::Table::new(), "/");
    let column = |name: &str| ColumnInfo {
        name: name.to_owned(),
        declared_type: "text".to_owned(),
        nullable: true,
    };
    let table = Table {
        schema: None,
        name: "persons".to_owned(),
        columns: ["born", "id", "name"].map(column).into(),
        key: vec!["id".to_owned()],
        estimated_rows: None,
    };
    let sampling = Sampling {
        rows: 7,
        ..Sampling::usual(2026)
    };
    let shapes = sample(&Endless, &session, &table, sampling, None).await;
    assert_eq!(shapes.unwrap().rows, 7);
}

/// Its log, and the slot that the next reading goes on from, are left alone.
#[tokio::test]
async fn of_a_stream_of_changes_the_table_is_looked_at() {
    let (source, agency) = ("tax".parse().unwrap(), "tax".parse().unwrap());
    let session = Session::new("tax".parse().unwrap(), toml::Table::new(), "/");
    let at: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
    let mut spec = spec();
    spec.mode = Mode::Changes { follow: false };
    let seen = preview(&Endless, &session, &spec, (&source, &agency), 7, at);
    assert_eq!(seen.await.unwrap().rows, 7);
}
