//! The start and the end of a process, and what it says beside the protocol: for kinds that run in one.
//!
//! Each case is a host of its own that speaks to the executable directly, because the node's own host
//! only says that something is wrong, and at the first call.

mod list;

use std::time::Duration;

use rabt_proto::source as pb;
use rabt_proto::source::read_request::Message as Asked;
use rabt_proto::source::read_response::Message as Said;
use rabt_proto::source::source_service_client::SourceServiceClient;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::compliance::{NewTable, Place, Skipped, Subject, Verdict, place, row, session};
use crate::process::{Bare, Broken, COOKIE, Limits, PROTOCOLS, Program, wire};

pub use list::CASES as HANDSHAKE;

/// How long an executable may live on without its host.
const LAST: Duration = Duration::from_secs(1);
/// How long what it prints may be on its way.
const PRINTED: Duration = Duration::from_millis(300);
type Client = SourceServiceClient<Channel>;

/// A protocol that nobody speaks.
const STRANGE: u32 = 9_000;
/// Values that no log may hold: a number of a person, two names and a text in Latin letters.
const VALUES: [&str; 4] = ["29001011234567", "منى", "حسناء", "quixotry"];

fn program(subject: &dyn Subject) -> Result<Program, Skipped> {
    subject.program().ok_or_else(|| {
        Skipped::of(
            "the kind runs in no process of its own",
            "هذا النوع لا يعمل في عملية مستقلة",
        )
    })
}

fn limit() -> Duration {
    Limits::default().handshake
}

/// Shakes hands; an executable that cannot is the finding of another case.
async fn shaken(subject: &dyn Subject) -> Result<Bare, Skipped> {
    let shaken = Bare::shaken(&program(subject)?, limit()).await;
    shaken.map_err(|Broken(what)| {
        Skipped::of(
            format!("it does not start: it {what}"),
            "لا يبدأ التشغيل، انظر start_is_answered",
        )
    })
}

/// Shakes hands and connects; an executable with which that cannot be done is the finding of another case.
async fn reached(subject: &dyn Subject) -> Result<(Bare, Client), Skipped> {
    let bare = shaken(subject).await?;
    match bare.connect().await {
        Ok(client) => Ok((bare, client)),
        Err(Broken(what)) => Err(Skipped::of(
            format!("it {what}"),
            "لا يستمع حيث قيل له، انظر start_listens_where_it_is_told",
        )),
    }
}

fn must<T>(done: Result<T, Broken>) -> T {
    match done {
        Ok(done) => done,
        Err(Broken(what)) => panic!("it {what}"),
    }
}

/// The first line is answered in time.
pub async fn start_is_answered(subject: &dyn Subject) -> Verdict {
    let mut bare = must(Bare::start(&program(subject)?, limit()));
    bare.greet(PROTOCOLS, &json!({})).await;
    must(bare.line().await);
    Ok(())
}

/// The answer is one line of JSON, and nothing is printed before it; what is new in the host's line is
/// passed over.
pub async fn start_line_is_a_handshake(subject: &dyn Subject) -> Verdict {
    shaken_or_answered(subject).await?;
    let mut bare = must(Bare::start(&program(subject)?, limit()));
    bare.greet(PROTOCOLS, &json!({"later": {"than": ["this"]}}))
        .await;
    let line = must(bare.line().await);
    must(Bare::answer(&line));
    Ok(())
}

/// Skips when nothing is answered at all, which is the finding of the first case.
async fn shaken_or_answered(subject: &dyn Subject) -> Verdict {
    let mut bare = must(Bare::start(&program(subject)?, limit()));
    bare.greet(PROTOCOLS, &json!({})).await;
    let line = bare.line().await.map(drop);
    line.map_err(|Broken(what)| {
        Skipped::of(
            format!("it does not start: it {what}"),
            "لا يبدأ التشغيل، انظر start_is_answered",
        )
    })
}

/// The protocol that is chosen is one of both, the same in `Describe`, and never one that the executable
/// does not speak.
pub async fn start_chooses_a_protocol_of_both(subject: &dyn Subject) -> Verdict {
    drop(shaken(subject).await?);
    let program = program(subject)?;
    let oldest = PROTOCOLS[0];
    for offered in [PROTOCOLS, [oldest, oldest], [oldest, STRANGE]] {
        let mut bare = must(Bare::start(&program, limit()));
        bare.greet(offered, &json!({})).await;
        let chosen = must(Bare::answer(&must(bare.line().await)));
        let [first, last] = offered;
        assert!(
            (first..=last).contains(&chosen) && chosen < STRANGE,
            "chose protocol {chosen} of {first} to {last}"
        );
        let Ok(mut client) = bare.connect().await else {
            continue; // the finding of another case
        };
        let request = shown(&bare.cookie, described(chosen));
        let described = client.describe(request).await;
        let described = described.unwrap_or_else(|status| panic!("Describe: {:?}", status.code()));
        let described = described.into_inner().protocol;
        assert_eq!(described, chosen, "Describe says another protocol");
    }
    let mut bare = must(Bare::start(&program, limit()));
    bare.greet([STRANGE, STRANGE + 1], &json!({})).await;
    // It may end, or say what it does speak.
    if let Ok(line) = bare.line().await
        && let Ok(chosen) = Bare::answer(&line)
    {
        assert!(chosen < STRANGE, "says that it speaks protocol {chosen}");
    }
    Ok(())
}

/// It listens where it was told to by the time it answers.
pub async fn start_listens_where_it_is_told(subject: &dyn Subject) -> Verdict {
    let bare = shaken(subject).await?;
    must(bare.connect().await);
    Ok(())
}

/// Whoever does not show the cookie is refused, in every call.
pub async fn a_wrong_cookie_is_refused(subject: &dyn Subject) -> Verdict {
    let (bare, mut client) = reached(subject).await?;
    let longer = format!("{}0", bare.cookie);
    for (cookie, which) in [
        (None, "without a cookie"),
        (Some(""), "with an empty cookie"),
        (Some("wrong"), "with a wrong cookie"),
        (
            Some(longer.as_str()),
            "with a cookie that only begins as the right one",
        ),
    ] {
        for (call, answered) in calls(&mut client, cookie).await {
            let code = answered.err().map(|status| status.code());
            assert_eq!(code, Some(Code::Unauthenticated), "{call} {which}");
        }
    }
    Ok(())
}

type Answered = (&'static str, Result<(), Status>);

/// Makes every call that an executable of any protocol serves.
async fn calls(client: &mut Client, cookie: Option<&str>) -> [Answered; 4] {
    let described = client
        .describe(asking(cookie, described(PROTOCOLS[0])))
        .await;
    let check = pb::CheckRequest { session: None };
    let checked = client.check(asking(cookie, check)).await;
    let discover = pb::DiscoverRequest::default();
    let discovered = match client.discover(asking(cookie, discover)).await {
        Ok(stream) => stream.into_inner().message().await.map(drop),
        Err(status) => Err(status),
    };
    let request = pb::ReadRequest {
        message: Some(Asked::Open(pb::Open::default())),
    };
    let read = match client
        .read(asking(cookie, tokio_stream::iter([request])))
        .await
    {
        Ok(stream) => stream.into_inner().message().await.map(drop),
        Err(status) => Err(status),
    };
    [
        ("Describe", described.map(drop)),
        ("Check", checked.map(drop)),
        ("Discover", discovered),
        ("Read", read),
    ]
}

fn described(protocol: u32) -> pb::DescribeRequest {
    pb::DescribeRequest {
        protocol,
        host_version: String::new(),
    }
}

fn asking<T>(cookie: Option<&str>, message: T) -> Request<T> {
    match cookie {
        Some(cookie) => shown(cookie, message),
        None => Request::new(message),
    }
}

/// Returns a request that shows a cookie.
fn shown<T>(cookie: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Ok(cookie) = cookie.parse::<AsciiMetadataValue>() {
        request.metadata_mut().insert(COOKIE, cookie);
    }
    // An executable that does not answer at all fails its case with a reason.
    request.set_timeout(limit());
    request
}

/// The end of standard input is the end of an executable at rest.
pub async fn the_end_of_input_is_the_end(subject: &dyn Subject) -> Verdict {
    let mut bare = shaken(subject).await?;
    assert!(bare.leave(LAST).await, "it lived on for more than {LAST:?}");
    Ok(())
}

/// The end of standard input is the end of an executable in the middle of a read.
pub async fn the_end_of_input_ends_a_read(subject: &dyn Subject) -> Verdict {
    let (mut bare, mut client) = reached(subject).await?;
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["id", "name"], &["id"]);
    let filler = "x".repeat(200);
    let rows = (0..20_000).map(|id| row(&[&format!("{id:06}"), &filler]));
    place.create(&table, &rows.collect::<Vec<_>>()).await;
    let (asking, asked) = mpsc::channel(1);
    let _ = asking
        .send(open(place.as_ref(), &table, place.config()))
        .await;
    let request = shown_for_long(&bare.cookie, ReceiverStream::new(asked));
    let stream = client.read(request).await;
    let mut stream = stream
        .unwrap_or_else(|status| panic!("Read: {:?}", status.code()))
        .into_inner();
    let first = timeout(limit(), stream.message()).await;
    assert!(matches!(first, Ok(Ok(Some(_)))), "no row came");
    // Nobody takes the others, so it waits in the middle of them.
    assert!(bare.leave(LAST).await, "it lived on for more than {LAST:?}");
    Ok(())
}

/// Nothing that it started lives on behind it.
pub async fn nothing_is_left_behind(subject: &dyn Subject) -> Verdict {
    let (mut bare, mut client) = reached(subject).await?;
    let place = place(subject).await?;
    let table = NewTable::new("persons", &["id", "name"], &["id"]);
    place.create(&table, &[row(&["1", "a"])]).await;
    read(
        &mut client,
        &bare.cookie,
        open(place.as_ref(), &table, place.config()),
    )
    .await;
    if !bare.leave(LAST).await {
        return Err(Skipped::of(
            "it does not end, see the_end_of_input_is_the_end",
            "لا ينتهي، انظر the_end_of_input_is_the_end",
        ));
    }
    let left = bare.left();
    assert!(left.is_empty(), "{} processes live on", left.len());
    Ok(())
}

/// What it prints holds no value and no secret, whatever goes well or wrong.
pub async fn nothing_printed_holds_a_value(subject: &dyn Subject) -> Verdict {
    let (bare, mut client) = reached(subject).await?;
    let place = place(subject).await?;
    let place = place.as_ref();
    let table = NewTable::new("persons", &["id", "name"], &["id"]);
    let mut rows: Vec<_> = VALUES.iter().map(|value| row(&[value, value])).collect();
    rows.push(row(&["a", &format!("{}{}", VALUES[3], "y".repeat(70_000))]));
    place.create(&table, &rows).await;
    let cookie = bare.cookie.as_str();
    let mut other = table.clone();
    other.columns.push(crate::compliance::NewColumn {
        name: "absent".to_owned(),
        kind: crate::compliance::ColumnKind::Text,
    });
    read(&mut client, cookie, open(place, &table, place.config())).await;
    read(&mut client, cookie, open(place, &other, place.config())).await;
    for config in place.wrong_configs() {
        let session = wire::session(&session(place, config.clone()));
        let check = pb::CheckRequest {
            session: Some(session),
        };
        // What it answers is the finding of other cases.
        let _ = client.check(shown(cookie, check)).await;
        read(&mut client, cookie, open(place, &table, config)).await;
    }
    sleep(PRINTED).await;
    let printed = bare.printed();
    for value in VALUES {
        assert!(!printed.contains(value), "a value of a row was printed");
    }
    assert!(!printed.contains("hunter2"), "a secret was printed");
    assert!(!printed.contains(cookie), "the cookie was printed");
    Ok(())
}

fn open(place: &dyn Place, table: &NewTable, config: toml::Table) -> pb::ReadRequest {
    let open = pb::Open {
        session: Some(wire::session(&session(place, config))),
        plan: Some(wire::plan(&table.plan(place, 1_000))),
        position: None,
    };
    pb::ReadRequest {
        message: Some(Asked::Open(open)),
    }
}

/// Reads to the end, whatever it is.
async fn read(client: &mut Client, cookie: &str, open: pb::ReadRequest) {
    let (asking, asked) = mpsc::channel(1);
    let _ = asking.send(open).await;
    let request = shown_for_long(cookie, ReceiverStream::new(asked));
    let Ok(stream) = client.read(request).await else {
        return;
    };
    let mut stream = stream.into_inner();
    while let Ok(Some(response)) = stream.message().await {
        if matches!(response.message, Some(Said::Failure(_))) {
            break;
        }
    }
}

/// As [`shown`], for a call that may take longer than an answer.
fn shown_for_long<T>(cookie: &str, message: T) -> Request<T> {
    let mut request = shown(cookie, message);
    request.set_timeout(6 * limit());
    request
}
