//! What is particular to delimited text.

use rabt_connect::{Connector, Filter, Mode, Outcome, Plan};

use super::{PATH, error, place, plan, read, rows, session};
use crate::Files;

#[tokio::test]
async fn encodings_are_decoded_and_a_byte_order_mark_wins() {
    let arabic = b"id;name\r\n1;\xe3\xe4\xec\r\n";
    let folder = place(&[("a.csv", arabic)]);
    let config = "path = '.'\nencoding = 'cp-1256'\ndelimiter = ';'";
    assert_eq!(rows(&folder, config, &["id", "name"]).await, [["1", "منى"]]);

    let folder = place(&[("a.csv", "\u{feff}id,name\n1,منى\n".as_bytes())]);
    let config = "path = '.'\nencoding = 'windows-1256'";
    assert_eq!(rows(&folder, config, &["id", "name"]).await, [["1", "منى"]]);

    let wide: Vec<u8> = "\u{feff}id,name\n1,منى\n"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let folder = place(&[("a.csv", &wide)]);
    assert_eq!(rows(&folder, PATH, &["id", "name"]).await, [["1", "منى"]]);
}

#[tokio::test]
async fn cells_that_are_not_text_are_named() {
    let folder = place(&[("a.csv", b"id,name\n1,\xe3\xe4\n2,a\0b\n3,ok\n".as_slice())]);
    let config = "path = '.'\nquote = 'none'";
    let rows = rows(&folder, config, &["id", "name"]).await;
    assert_eq!(
        rows,
        [["1", "<not_text>"], ["2", "<nul_byte>"], ["3", "ok"]]
    );
}

#[tokio::test]
async fn of_ragged_rows_only_the_key_is_taken() {
    let folder = place(&[("a.csv", b"id,name,town\n1,a\n2,b,c,d\n\n3,e,f\n".as_slice())]);
    let rows = rows(&folder, PATH, &["id", "name"]).await;
    assert_eq!(
        rows,
        [["1", "<ragged_row>"], ["2", "<ragged_row>"], ["3", "e"]]
    );
}

#[tokio::test]
async fn files_that_are_no_tables_are_named() {
    for (bytes, said) in [
        (b"".as_slice(), "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"SQLite format 3\0", "sqlite"),
        (b"\x00\x01\x02\x00\x00", "binary"),
        (b"id,\xe3\xe4\n1,a\n", "set `encoding`"),
        (b"id,name,name\n1,a,b\n", "twice"),
    ] {
        let error = error(&place(&[("a.csv", bytes)]), PATH).await;
        assert_eq!(error.name(), "data", "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains("a.csv"), "{error}");
    }
    let error = error(&place(&[("a.txt", b"id,name\n")]), PATH).await;
    assert_eq!(error.name(), "configuration", "{error}");
}

#[tokio::test]
async fn a_quote_that_is_never_closed_does_not_take_the_file_in() {
    let mut bytes = b"id,name\n1,a\n2,\"open\n".to_vec();
    bytes.extend(b"3,some row that goes on\n".repeat(500_000));
    let error = error(&place(&[("a.csv", &bytes)]), PATH).await;
    assert_eq!(error.name(), "data");
    assert!(error.to_string().contains("behind row 1"), "{error}");
}

#[tokio::test]
async fn several_files_are_one_table_whatever_the_order_of_their_columns() {
    let folder = place(&[
        ("2.csv", b"name,id\nc,3\nd,4\n".as_slice()),
        ("1.csv", b"id,name\n1,a\n2,b\n"),
        (".hidden.csv", b"id,name\n9,z\n"),
        ("note.txt", b"id,name\n8,y\n"),
        ("3.csv", b"id,name\n"),
    ]);
    let plan = plan("*.csv", &["id", "name"]);
    let (all, positions) = read(&folder, PATH, &plan, None).await.unwrap();
    assert_eq!(all, [["1", "a"], ["2", "b"], ["3", "c"], ["4", "d"]]);
    assert_eq!(positions.len(), 3);
    let from = Some(positions[0].clone());
    let (rest, _) = read(&folder, PATH, &plan, from).await.unwrap();
    assert_eq!(rest, all[2..]);
}

#[tokio::test]
async fn a_position_in_a_file_that_changed_is_refused() {
    let folder = place(&[("a.csv", b"id,name\n1,a\n2,b\n3,c\n".as_slice())]);
    let plan = plan("*.csv", &["id", "name"]);
    let (_, positions) = read(&folder, PATH, &plan, None).await.unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "id,name\n1,a\n").unwrap();
    let changed = read(&folder, PATH, &plan, Some(positions[0].clone())).await;
    assert_eq!(changed.unwrap_err().name(), "configuration");
    std::fs::rename(&path, folder.path().join("b.csv")).unwrap();
    let gone = read(&folder, PATH, &plan, Some(positions[0].clone())).await;
    assert_eq!(gone.unwrap_err().name(), "configuration");
    let last = positions.last().cloned();
    let (again, _) = read(&folder, PATH, &plan, last).await.unwrap();
    assert_eq!(again, [["1", "a"]]);
}

#[tokio::test]
async fn columns_without_a_header_are_numbered() {
    let folder = place(&[("a.csv", b"1|a\n2|b\n".as_slice())]);
    let config = "path = 'a.csv'\nheader = false\ndelimiter = '|'";
    let plan = Plan {
        key: vec!["c1".to_owned()],
        ..plan("*", &["c2", "c1"])
    };
    let (rows, _) = read(&folder, config, &plan, None).await.unwrap();
    assert_eq!(rows, [["a", "1"], ["b", "2"]]);
}

#[tokio::test]
async fn incremental_is_refused() {
    let folder = place(&[("a.csv", b"id,name\n".as_slice())]);
    let plan = Plan {
        mode: Mode::Incremental {
            cursor: "id".to_owned(),
            lag: None,
        },
        ..plan("*.csv", &["id"])
    };
    let refused = read(&folder, PATH, &plan, None).await;
    assert_eq!(refused.unwrap_err().name(), "configuration");
}

#[tokio::test]
async fn a_check_tells_what_is_wrong_with_which_file() {
    let folder = place(&[
        ("good.csv", b"id,name\n1,a\n".as_slice()),
        ("ragged.csv", b"id,name\n1\n"),
        ("arabic.csv", b"id,name\n1,\xe3\xe4\n"),
        ("sheet.xlsx", b"PK\x03\x04"),
    ]);
    let session = session(&folder, PATH);
    let findings = Files.check(&session).await;
    let warned: Vec<(&str, &str)> = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Warn)
        .map(|finding| (finding.id, finding.summary.as_str()))
        .collect();
    assert_eq!(warned.len(), 3, "{findings:?}");
    assert!(warned[0].1.contains("sheet.xlsx"));
    assert_eq!(warned[1], ("encoding", "not so in arabic.csv"));
    assert_eq!(warned[2], ("ragged", "not so in ragged.csv"));
    let tables = Files.discover(&session, &Filter::default()).await.unwrap();
    assert_eq!(tables.len(), 3);
}

/// Whoever delivers files does not choose what else is read.
#[tokio::test]
async fn links_out_of_the_folder_are_refused() {
    let text = b"id,name\n1,a\n";
    let (own, other) = (place(&[("a.csv", text)]), place(&[("b.csv", text)]));
    let link = |to, name| std::os::unix::fs::symlink(to, own.path().join(name)).unwrap();
    link(own.path().join("a.csv"), "inside.csv");
    assert_eq!(rows(&own, PATH, &["id"]).await, [["1"], ["1"]]);
    link(other.path().join("b.csv"), "outside.csv");
    let error = error(&own, PATH).await;
    assert_eq!(error.name(), "configuration", "{error}");
    let said = "file outside.csv: is a symbolic link";
    assert!(error.to_string().starts_with(said), "{error}");
    let session = session(&own, PATH);
    let tables = Files.discover(&session, &Filter::default()).await.unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["a.csv", "inside.csv"]);
    let findings = format!("{:?}", Files.check(&session).await);
    assert!(findings.contains("is a symbolic link"), "{findings}");
}
