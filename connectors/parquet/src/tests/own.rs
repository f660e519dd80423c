//! Types, parts, damage, and a file that pandas wrote.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rabt_connect::compliance::{NewTable, Place, Row, row, session};
use rabt_connect::{ConnectError, Connector, Filter, Message, Outlet, Session};

use super::{Folder, plan, put, read, write};
use crate::Parquet;

const ALL_TYPES: &str = "message rows {
    OPTIONAL BOOLEAN alive; OPTIONAL INT32 born (DATE); OPTIONAL INT32 small (INTEGER(8,true));
    OPTIONAL INT64 big (INTEGER(64,false)); OPTIONAL INT64 seen (TIMESTAMP(MICROS,true));
    OPTIONAL INT64 local (TIMESTAMP(NANOS,false)); OPTIONAL INT96 old; OPTIONAL FLOAT half;
    OPTIONAL DOUBLE nid; OPTIONAL BYTE_ARRAY raw; OPTIONAL BYTE_ARRAY name (STRING);
    OPTIONAL FIXED_LEN_BYTE_ARRAY (5) worth (DECIMAL(10,2)); OPTIONAL FIXED_LEN_BYTE_ARRAY (16) id (UUID);
    OPTIONAL INT32 at (TIME(MILLIS,true)); OPTIONAL group address { REQUIRED BYTE_ARRAY street (STRING); }
    OPTIONAL group tags (LIST) { REPEATED group list { OPTIONAL BYTE_ARRAY element (STRING); } }
}";

/// A value in the first row, none in the second.
fn both<T>(value: T) -> std::vec::IntoIter<Option<T>> {
    vec![Some(value), None].into_iter()
}

/// Writes a file of all types.
fn of_all_types(path: &Path, compression: Compression) {
    let schema = Arc::new(parse_message_type(ALL_TYPES).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let fixed = |bytes: Vec<u8>| both(FixedLenByteArray::from(ByteArray::from(bytes)));
    put::<BoolType>(&mut group, both(true));
    put::<Int32Type>(&mut group, both(5_154));
    put::<Int32Type>(&mut group, both(-7));
    put::<Int64Type>(&mut group, both(-1));
    put::<Int64Type>(&mut group, both(1_706_689_800_000_000));
    put::<Int64Type>(&mut group, both(445_305_600_000_000_000));
    let mut old = Int96::new();
    old.set_data(0, 0, 2_440_589);
    put::<Int96Type>(&mut group, both(old));
    put::<FloatType>(&mut group, both(0.5));
    put::<DoubleType>(&mut group, both(29_001_011_234_567.0));
    put::<ByteArrayType>(&mut group, both(ByteArray::from(vec![0, 255])));
    put::<ByteArrayType>(&mut group, both(ByteArray::from("منى")));
    put::<FixedLenByteArrayType>(&mut group, fixed(vec![0xff, 0xff, 0xff, 0xff, 0x85]));
    put::<FixedLenByteArrayType>(&mut group, fixed((0..16).collect()));
    put::<Int32Type>(&mut group, both(37_815_500));
    put::<ByteArrayType>(&mut group, both(ByteArray::from("Nile St")));
    let mut tags = group.next_column().unwrap().unwrap();
    let values = [ByteArray::from("a"), ByteArray::from("b")];
    let written =
        tags.typed::<ByteArrayType>()
            .write_batch(&values, Some(&[3, 3, 0]), Some(&[0, 1, 0]));
    written.unwrap();
    tags.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

fn place() -> Folder {
    Folder(tempfile::tempdir().unwrap())
}

fn opened(place: &Folder) -> Session {
    session(place, place.config())
}

#[tokio::test]
async fn every_type_is_what_people_see_whatever_the_compression() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let place = place();
        of_all_types(&place.0.path().join("all.parquet"), compression);
        let found = Parquet.discover(&opened(&place), &Filter::default()).await;
        let table = found.unwrap().remove(0);
        assert_eq!((table.columns.len(), table.estimated_rows), (15, Some(2)));
        let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        let rows = read(&opened(&place), &plan("all.parquet", &names)).await;
        let rows = rows.unwrap();
        let expected = [
            "true",
            "1984-02-11",
            "-7",
            "18446744073709551615",
            "2024-01-31T08:30:00Z",
            "1984-02-11",
            "1970-01-02",
            "0.5",
            "29001011234567",
            "<binary>",
            "منى",
            "-1.23",
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
            "10:30:15.5",
            "Nile St",
        ];
        assert_eq!(rows[0], expected, "{compression:?}");
        assert_eq!(rows[1], ["<null>"; 15], "{compression:?}");
        let findings = Parquet.check(&opened(&place)).await;
        let lists = findings.iter().find(|finding| finding.id == "lists");
        let lists = &lists.unwrap().summary;
        assert!(lists.ends_with(": tags.list.element"), "{lists}");
    }
}

#[tokio::test]
async fn the_parts_of_a_folder_are_one_table() {
    let place = place();
    let folder = place.0.path().join("people");
    std::fs::create_dir(&folder).unwrap();
    let two = NewTable::new("people", &["id#", "name"], &[]);
    let one = NewTable::new("people", &["id#"], &[]);
    write(&folder.join("part-2.parquet"), &one, &[row(&["2"])]);
    write(&folder.join("part-1.parquet"), &two, &[row(&["1", "a"])]);
    std::fs::write(folder.join("_SUCCESS"), "").unwrap();
    std::fs::write(folder.join("_part.parquet"), "half written").unwrap();
    let found = Parquet.discover(&opened(&place), &Filter::default()).await;
    let found = found.unwrap();
    assert_eq!((found.len(), found[0].name.as_str()), (1, "people"));
    assert_eq!(found[0].estimated_rows, Some(2));
    let rows = read(&opened(&place), &plan("people", &["id", "name"])).await;
    assert_eq!(rows.unwrap(), [["1", "a"], ["2", "<no_column>"]]);
    let config = "path = 'people'".parse().unwrap();
    let pattern = plan("part-*.parquet", &["id"]);
    let rows = read(&session(&place, config), &pattern).await;
    assert_eq!(rows.unwrap(), [["1"], ["2"]]);
}

/// No byte of a file makes the process fall; what is damaged is said with the file's name.
#[tokio::test]
async fn a_damaged_file_is_a_data_error_that_names_it() {
    let place = place();
    let path = place.0.path().join("all.parquet");
    of_all_types(&path, Compression::SNAPPY);
    let whole = std::fs::read(&path).unwrap();
    let names = ["alive", "big", "name", "worth", "address.street"];
    let mut refused = 0;
    for at in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5a;
        std::fs::write(&path, &bytes).unwrap();
        match read(&opened(&place), &plan("all.parquet", &names)).await {
            Ok(_) => {}
            Err(ConnectError::Data { .. } | ConnectError::Configuration { .. }) => refused += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(refused > 100, "{refused} of {}", whole.len() / 3);
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = read(&opened(&place), &plan("all.parquet", &names)).await;
    let error = error.unwrap_err();
    assert_eq!(error.name(), "data");
    assert!(
        error.to_string().starts_with("file all.parquet:"),
        "{error}"
    );
    // Another whole file beside it is found all the same.
    of_all_types(&place.0.path().join("good.parquet"), Compression::SNAPPY);
    let found = Parquet.discover(&opened(&place), &Filter::default()).await;
    assert_eq!(found.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_changed_in_the_middle_of_its_reading_is_refused() {
    let place = place();
    let table = NewTable::new("people", &["id#"], &[]);
    let path = place.0.path().join("people.parquet");
    let rows: Vec<Row> = (0..30).map(|id: i32| row(&[&id.to_string()])).collect();
    write(&path, &table, &rows);
    let mut plan = plan("people.parquet", &["id"]);
    plan.chunk_rows = 10;
    let (outlet, mut inlet) = Outlet::channel(64);
    let session = opened(&place);
    Parquet.read(&session, &plan, None, outlet).await.unwrap();
    let mut position = None;
    while let Some(message) = inlet.receive().await.unwrap() {
        if let Message::Checkpoint { position: at, .. } = message {
            position.get_or_insert(at);
        }
    }
    write(&path, &table, &rows[1..]);
    let (outlet, _inlet) = Outlet::channel(64);
    let error = Parquet.read(&session, &plan, position, outlet).await;
    let error = error.unwrap_err();
    assert_eq!(error.name(), "configuration");
    assert!(error.to_string().contains("has changed"), "{error}");
}

/// pandas puts a description of Arrow into its files, on which readers of Arrow have fallen.
const PANDAS: &str = "
import sys, datetime, decimal, pandas
pandas.DataFrame({
  'id': [1, 2], 'name': ['منى', None], 'born': pandas.to_datetime(['1984-02-11', None]),
  'day': [datetime.date(1984, 2, 11), None], 'worth': [decimal.Decimal('12.50'), None],
  'nid': [28402110110118, None], 'sex': pandas.Categorical(['f', None]),
}).to_parquet(sys.argv[1])
";

#[tokio::test]
async fn a_file_that_pandas_wrote_is_read() {
    let place = place();
    let path = place.0.path().join("people.parquet");
    let mut python = std::process::Command::new("python3");
    let written = python.args(["-c", PANDAS]).arg(&path).output();
    if !written.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no pandas with pyarrow (pip install pandas pyarrow)");
        return;
    }
    let names = ["id", "name", "born", "day", "worth", "nid", "sex"];
    let rows = read(&opened(&place), &plan("people.parquet", &names)).await;
    let rows = rows.unwrap();
    let first = [
        "1",
        "منى",
        "1984-02-11",
        "1984-02-11",
        "12.50",
        "28402110110118",
        "f",
    ];
    assert_eq!(rows[0], first);
    assert_eq!(rows[1][1..], ["<null>"; 6]);
}

/// Whoever delivers files does not choose what else is read.
#[tokio::test]
async fn links_out_of_the_folder_are_refused() {
    let [folder, other] = [(); 2].map(|()| Folder(tempfile::tempdir().unwrap()));
    let table = NewTable::new("people", &["name"], &[]);
    folder.create(&table, &[row(&["a"])]).await;
    other.create(&table, &[row(&["secret"])]).await;
    let own = folder.0.path();
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, own.join(name)).unwrap();
    link(&own.join("people.parquet"), "again.parquet");
    link(&other.0.path().join("people.parquet"), "outside.parquet");
    link(other.0.path(), "all");
    let session = session(&folder, folder.config());
    let rows = read(&session, &plan("again.parquet", &["name"]))
        .await
        .unwrap();
    assert_eq!(rows, [["a"]]);
    for (table, file) in [
        ("outside.parquet", "outside.parquet"),
        ("out*.parquet", "outside.parquet"),
        ("all", "all/people.parquet"),
    ] {
        let error = read(&session, &plan(table, &["name"])).await.unwrap_err();
        assert_eq!(error.name(), "configuration", "{error}");
        let said = format!("file {file}: is a symbolic link");
        assert!(error.to_string().starts_with(&said), "{error}");
    }
    let tables = Parquet
        .discover(&session, &Filter::default())
        .await
        .unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["again.parquet", "people.parquet"]);
    let findings = Parquet.check(&session).await;
    let summary = &findings.last().unwrap().summary;
    assert!(summary.contains("is a symbolic link"), "{findings:?}");
}
