use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rabt_model::{Label, Pii};
use rabt_proto::source as pb;
use rabt_proto::source::read_response::Message as Kind;

use super::*;
use crate::connector::{
    Capabilities, ColumnInfo, ConfigKey, Description, Finding, Mode, Plan, Protect, Session, Table,
};
use crate::error::ConnectError;
use crate::message::{
    BatchBuilder, Cell, Deleted, Estimate, Fault, Identity, MAX_CELL_BYTES, Message, Position,
};

fn names(count: usize) -> Arc<[String]> {
    (0..count).map(|column| format!("c{column}")).collect()
}

/// Returns what the host makes of a message.
fn there(message: Message, columns: usize) -> Message {
    message_of(response(message), &names(columns))
        .unwrap()
        .unwrap()
}

fn cell() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(".{0,8}")
}

proptest! {
    #[test]
    fn batches_arrive_as_they_were(rows in prop::collection::vec(prop::collection::vec(cell(), 3), 0..20)) {
        let absences = [Cell::Null, Cell::Unchanged, Cell::Unreadable(Fault::NoColumn)];
        let of = |text: &'_ Option<String>, index: usize| match text {
            Some(text) => text.clone(),
            None => format!("{:?}", absences[index % 3]),
        };
        let mut builder = BatchBuilder::new(names(3));
        for row in &rows {
            builder.push_row(row.iter().enumerate().map(|(index, text)| {
                text.as_deref().map_or(absences[index % 3], Cell::Text)
            }));
        }
        let Message::Rows(batch) = there(Message::Rows(builder.take()), 3) else {
            panic!("another message");
        };
        prop_assert_eq!(batch.rows(), rows.len());
        for (number, row) in rows.iter().enumerate() {
            for (index, text) in row.iter().enumerate() {
                let arrived = match batch.cell(number, index) {
                    Cell::Text(text) => text.to_owned(),
                    other @ (Cell::Null | Cell::Unchanged | Cell::Unreadable(_)) => format!("{other:?}"),
                };
                // a NUL is no text, on either side
                let expected = match text {
                    Some(text) if text.contains('\0') => "Unreadable(NulByte)".to_owned(),
                    Some(_) | None => of(text, index),
                };
                prop_assert_eq!(arrived, expected);
            }
        }
    }

    #[test]
    fn columns_of_any_numbers_are_taken_or_refused(
        text in ".{0,12}", lengths in prop::collection::vec(any::<u32>().prop_map(|n| n % 9), 0..6),
        marks in prop::collection::vec(-1_i32..12, 0..6), row_count in 0_u32..6,
    ) {
        let column = pb::Column { text, lengths, marks };
        let rows = pb::Rows { row_count, columns: vec![column] };
        let response = pb::ReadResponse { message: Some(Kind::Rows(rows)) };
        if let Ok(Ok(Message::Rows(batch))) = message_of(response, &names(1)) {
            // every cell can be read without a panic
            for row in 0..=batch.rows() {
                batch.cell(row, 0);
            }
        }
    }
}

#[test]
fn every_fault_has_its_mark() {
    let faults = [
        Fault::RaggedRow,
        Fault::NotText,
        Fault::TooLong,
        Fault::NulByte,
        Fault::Binary,
        Fault::NoColumn,
        Fault::ErrorCell,
    ];
    let mut builder = BatchBuilder::new(names(1));
    for fault in faults {
        builder.push_row([Cell::Unreadable(fault)]);
    }
    let Message::Rows(batch) = there(Message::Rows(builder.take()), 1) else {
        panic!("another message");
    };
    for (row, fault) in faults.into_iter().enumerate() {
        assert_eq!(batch.cell(row, 0), Cell::Unreadable(fault));
    }
}

fn rows_of(row_count: u32, text: &str, lengths: &[u32], marks: &[i32]) -> pb::ReadResponse {
    let column = pb::Column {
        text: text.to_owned(),
        lengths: lengths.to_vec(),
        marks: marks.to_vec(),
    };
    pb::ReadResponse {
        message: Some(Kind::Rows(pb::Rows {
            row_count,
            columns: vec![column],
        })),
    }
}

#[test]
fn rows_that_do_not_fit_are_refused_by_name() {
    for (response, said) in [
        (rows_of(1, "abc", &[2], &[]), "do not fit the text"),
        (rows_of(1, "abc", &[4], &[]), "do not fit the text"),
        (rows_of(1, "ابج", &[1], &[]), "do not fit the text"),
        (rows_of(2, "ابج", &[1, 5], &[]), "do not fit the text"),
        (rows_of(2, "ab", &[u32::MAX, 1], &[]), "do not fit the text"),
        (rows_of(1, "a", &[1], &[1, 1]), "do not fit the text"),
        (rows_of(2, "a", &[1], &[]), "another number of cells"),
        (rows_of(1, "a", &[1], &[0]), "a mark that is none"),
        (rows_of(1, "a", &[1], &[99]), "a mark that is none"),
        (rows_of(16_385, "", &[], &[]), "a batch of 16385 rows"),
        (pb::ReadResponse { message: None }, "says nothing"),
    ] {
        let misfit = message_of(response, &names(1)).unwrap_err();
        assert!(misfit.0.contains(said), "{misfit:?}");
    }
}

#[test]
fn cells_that_a_process_should_have_marked_are_marked_here() {
    let long = "x".repeat(MAX_CELL_BYTES + 1);
    let lengths = [3, u32::try_from(long.len()).unwrap(), 1];
    let message = rows_of(3, &format!("a\0b{long}c"), &lengths, &[]);
    let Ok(Ok(Message::Rows(batch))) = message_of(message, &names(1)) else {
        panic!("refused");
    };
    assert_eq!(batch.cell(0, 0), Cell::Unreadable(Fault::NulByte));
    assert_eq!(batch.cell(1, 0), Cell::Unreadable(Fault::TooLong));
    assert_eq!(batch.cell(2, 0), Cell::Text("c"));
}

#[test]
fn the_other_messages_arrive_as_they_were() {
    let gone = |event_at: Option<&str>| Deleted {
        key: Pii::new("7\u{1f}8".to_owned()),
        version: event_at.map(str::to_owned),
        event_at: event_at.map(|at| at.parse().unwrap()),
    };
    let rows = [
        gone(Some("1969-12-31T23:59:59.25Z")),
        gone(Some("2026-01-02T03:04:05.000006Z")),
        gone(None),
    ];
    let Message::Deleted(arrived) = there(Message::Deleted(rows.to_vec()), 0) else {
        panic!("another message");
    };
    assert_eq!(arrived, rows);
    let identity = Identity::new("test", &["a"]);
    let position = Position::new(&identity, &7).unwrap();
    let checkpoint = Message::Checkpoint {
        position: position.clone(),
        rows: 9,
    };
    let Message::Checkpoint { position: p, rows } = there(checkpoint, 0) else {
        panic!("another message");
    };
    assert_eq!((p, rows), (position, 9));
    let estimate = Estimate {
        done: 1,
        of: Some(2),
    };
    let Message::Progress(arrived) = there(Message::Progress(estimate), 0) else {
        panic!("another message");
    };
    assert_eq!(arrived, estimate);
    assert!(matches!(there(Message::Truncated, 0), Message::Truncated));
    let Message::SchemaChanged(arrived) = there(Message::SchemaChanged(a_table()), 0) else {
        panic!("another message");
    };
    assert_eq!(arrived, a_table());
    let long = pb::Checkpoint {
        position: "x".repeat(70_000),
        rows: 0,
    };
    let message = Some(Kind::Checkpoint(long));
    let misfit = message_of(pb::ReadResponse { message }, &names(0)).unwrap_err();
    assert!(misfit.0.contains("a position of more than"));
}

fn a_table() -> Table {
    Table {
        schema: Some("public".to_owned()),
        name: "أشخاص".to_owned(),
        columns: vec![ColumnInfo {
            name: "id".to_owned(),
            declared_type: "INT".to_owned(),
            nullable: true,
        }],
        key: vec!["id".to_owned()],
        estimated_rows: Some(u64::MAX),
    }
}

#[test]
fn a_session_keeps_its_configuration_and_shows_no_secret() {
    let config = "password = 'hunter2'\nbig = 9007199254740993\nshare = 0.5\nflag = true\n\
                  at = 2026-01-02\nodd = inf\nlist = [1, 'a', { x = {} }]";
    let base = std::path::PathBuf::from("/data");
    let own = Session {
        protect: Protect {
            max_connections: Some(2),
            rows_per_second: Some(3),
            slot_budget: Some(8 << 30),
            statement_timeout: Some(Duration::from_micros(1_500)),
        },
        ..Session::new("tax".parse().unwrap(), config.parse().unwrap(), base)
    };
    let arrived = session_of(Some(session(&own))).unwrap();
    assert_eq!((&arrived.source, &arrived.base), (&own.source, &own.base));
    let milliseconds = arrived.protect.statement_timeout;
    assert_eq!(
        milliseconds,
        Some(Duration::from_millis(2)),
        "never shorter"
    );
    assert_eq!(arrived.protect.max_connections, Some(2));
    assert_eq!(arrived.protect.slot_budget, Some(8 << 30));
    let mut expected = own.config.clone();
    // JSON has no date and no infinity
    expected.insert("at".to_owned(), "2026-01-02".into());
    expected.insert("odd".to_owned(), "inf".into());
    assert_eq!(arrived.config, expected);
    for wrong in ["", "[]", "{\"a\": null}", "{\"a\": 99999999999999999999999"] {
        let message = pb::Session {
            config: wrong.to_owned(),
            ..session(&own)
        };
        let misfit = session_of(Some(message)).unwrap_err();
        assert!(!format!("{misfit:?}").contains("hunter2"));
    }
    let relative = Session::new("tax".parse().unwrap(), toml::Table::new(), "agencies");
    assert!(session(&relative).base.starts_with('/'));
    let nowhere = Session::new("tax".parse().unwrap(), toml::Table::new(), "");
    let here = std::env::current_dir().unwrap();
    assert_eq!(session(&nowhere).base, here.to_string_lossy());
}

#[test]
fn plans_tables_and_errors_arrive_as_they_were() {
    let own = |mode| Plan {
        stream: "person".parse().unwrap(),
        schema: Some("public".to_owned()),
        table: "persons".to_owned(),
        key: vec!["id".to_owned()],
        columns: vec!["id".to_owned(), "name".to_owned()],
        mode,
        chunk_rows: 5_000,
    };
    let incremental = |lag| Mode::Incremental {
        cursor: "seen".to_owned(),
        lag,
    };
    let lag = Some(Duration::from_mins(15));
    for mode in [
        Mode::Snapshot,
        incremental(None),
        incremental(lag),
        Mode::Changes { follow: false },
        Mode::Changes { follow: true },
    ] {
        let own = own(mode);
        assert_eq!(plan_of(Some(plan(&own))), Ok(own));
    }
    let both = pb::Plan {
        cursor: Some("seen".to_owned()),
        ..plan(&own(Mode::Changes { follow: false }))
    };
    assert!(plan_of(Some(both)).is_err());
    assert!(plan_of(None).is_err());
    for error in [
        ConnectError::configuration("a", "b", "c"),
        ConnectError::transient("a", "b", "c"),
        ConnectError::data("a", "b", "c"),
        ConnectError::defect("a", "b"),
        ConnectError::Cancelled,
    ] {
        assert_eq!(error_of(&failure(&error)), error);
    }
    let long = failure(&ConnectError::data("a\nb", "x".repeat(9_999), "c"));
    let shown = error_of(&long).to_string();
    assert!(shown.starts_with("a b: ") && shown.len() < 600, "{shown}");
}

#[test]
fn descriptions_and_findings_arrive_as_they_were() {
    let own = Description {
        kind: "odbc",
        label: Label::new("ODBC", "أو دي بي سي"),
        capabilities: Capabilities {
            changes: false,
            snapshot: true,
            incremental: false,
        },
        config: vec![ConfigKey {
            name: "dsn",
            required: true,
            secret: false,
            doc: "the data source",
        }],
    };
    assert_eq!(description_of(describe_response(&own, 1)), Ok(own.clone()));
    let mut logged = own.clone();
    logged.capabilities.changes = true;
    let there = |protocol| description_of(describe_response(&logged, protocol));
    assert_eq!(there(2), Ok(logged.clone()));
    assert_eq!(there(1), Ok(own.clone()), "protocol 1 has no changes");
    let boast = pb::DescribeResponse {
        protocol: 1,
        ..describe_response(&logged, 2)
    };
    assert_eq!(description_of(boast), Ok(own.clone()));
    let message = describe_response(&own, 1);
    for kind in ["", "ODBC", "a b", &"x".repeat(65)] {
        let message = pb::DescribeResponse {
            kind: kind.to_owned(),
            ..message.clone()
        };
        assert!(description_of(message).is_err(), "{kind}");
    }
    let own = [
        Finding::pass("reach", "yes"),
        Finding::warn("read_only", "it may write", "REVOKE"),
        Finding::fail("login", "no", "another password"),
    ];
    let told = |findings: Vec<pb::Finding>| findings_of(&pb::CheckResponse { findings });
    assert_eq!(told(own.iter().map(finding).collect()), Ok(own.to_vec()));
    assert!(told(vec![pb::Finding::default()]).is_err());
    let many = |count: usize| told(vec![finding(&own[0]); count]);
    assert_eq!(many(1_000).unwrap().len(), 1_000);
    assert_eq!(many(1_001), Err(Misfit::new("more than 1000 findings")));
}
