//! An agency that has no database to read, only a server of JSON: from its pages to records.

use rabt_model::{Attribute, RecordNumber};
use rabt_service::operate::NewSource;
use rabt_tests::Stack;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const MANIFEST: &str = r#"
schema = 1
[agency]
id = "clinics"
name = { en = "Clinics", ar = "العيادات" }
steward = "data@clinics.example"
agreement = "AG-SUPPLY-901"
[source]
kind = "rest"
[source.config]
url = "ADDRESS/v1"
auth = "bearer"
token = { secret = "file:token" }
paging = "page"
rows = "/data"
since = { seen_from = "{cursor}" }
[[stream]]
id = "patient"
from = { table = "patients" }
key = ["id"]
mode = "incremental"
[stream.incremental]
cursor = "seen"
"#;

const MAPPING: &str = r#"
[patient]
"name.chain" = { from = "name.full", steps = ["trim"] }
"identifier.national_id" = { from = "nid", steps = [{ check = "digits:14" }] }
"facts.clinics.balance" = { from = "balance" }
"#;

/// Starts a server of two pages and an empty one behind them; with a cursor, of the last row.
async fn server() -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer(stream).await;
        }
    });
    (address, serving)
}

/// Answers one request, and closes.
async fn answer(mut stream: TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        request.push(byte);
    }
    let request = String::from_utf8(request).unwrap().to_lowercase();
    let row = |id: u32| {
        format!(
            "{{\"id\":{id},\"seen\":{},\"nid\":2900101123456{id},\"balance\":12345678901234567890.1{id}0,\
             \"name\":{{\"full\":\"منى علي\"}}}}",
            id * 10
        )
    };
    let rows = match () {
        () if !request.contains("\r\nauthorization: bearer hunter2\r\n") => None,
        () if request.contains("seen_from=30&") && request.contains("page=1") => Some(row(3)),
        () if request.contains("seen_from=") => Some(String::new()),
        () if request.contains("page=1") => Some(format!("{},{}", row(1), row(2))),
        () if request.contains("page=2") => Some(row(3)),
        () => Some(String::new()),
    };
    let (status, body) = match rows {
        Some(rows) => ("200 OK", format!("{{\"data\":[{rows}]}}")),
        None => ("401 Unauthorized", String::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
    );
    let reply = format!("{head}connection: close\r\n\r\n{body}");
    let _ = stream.write_all(reply.as_bytes()).await;
}

/// Returns every value of an attribute, sorted.
async fn values(stack: &Stack, attribute: &str) -> Vec<String> {
    let attribute: Attribute = attribute.parse().unwrap();
    let mut snapshot = stack.services.storage.snapshot().await.unwrap();
    let records = snapshot
        .records_after(RecordNumber(i64::MIN), 100)
        .await
        .unwrap();
    let mut values: Vec<String> = records
        .iter()
        .flat_map(|stored| stored.record.values_of(&attribute))
        .map(|value| value.value.expose().to_line())
        .collect();
    values.sort();
    values
}

#[tokio::test]
async fn pages_become_records_and_only_changes_are_read_again() {
    let (address, serving) = server().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "hunter2\n").unwrap();
    let stack = Stack::start("sqlite::memory:").await;
    let source = NewSource {
        manifest: MANIFEST.replace("ADDRESS", &address),
        mapping: MAPPING.to_owned(),
        base: folder.path().into(),
    };
    stack.register(vec![source]).await;
    let runs = stack.read(1).await;
    assert_eq!((runs[0].counts.rows, runs[0].counts.rejected), (3, 0));
    let balances = values(&stack, "facts.clinics.balance").await;
    let kept = |balance: &&String| balance.contains("12345678901234567890.1");
    assert_eq!(
        balances.iter().filter(kept).count(),
        3,
        "every digit is kept: {balances:?}"
    );
    assert_eq!(values(&stack, "identifier.national_id").await.len(), 3);

    let runs = stack.read(1).await;
    assert_eq!(
        runs[0].counts.rows, 1,
        "the last value of the cursor, included"
    );
    stack.stop().await;
    drop(serving);
}
