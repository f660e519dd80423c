//! Time stamps over checkpoints: got from OpenSSL over HTTP, checked, kept, and proven with files alone.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rabt_audit::{STAMP_BYTES, STAMP_QUERY, STAMP_REPLY, StampRoots};
use rabt_connector_rest::Post;
use rabt_proto::citizen::LookupCitizenRequest;
use rabt_proto::common::Identifier;
use rabt_service::{Stamped, Stamper, Stamping, TimeAuthority, stamp_standing};
use rabt_storage::StoredStamp;
use rabt_tests::{AGENCY_SYSTEM, Habit, Log, Stack, Tsa, context, rabt, text};
use tempfile::TempDir;
use tonic::async_trait;
use tracing::Level;

use crate::node::Node;

/// The time from one stamp to the next, in seconds.
pub(crate) const PERIOD: i64 = 600;

/// An authority that is asked as the executable asks it.
struct OverHttp(Post);

#[async_trait]
impl TimeAuthority for OverHttp {
    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, String> {
        let asked = self.0.send(request).await;
        asked.map_err(|error| error.to_string())
    }
}

/// Returns what stamps the log of a node, by an authority that a certificate of `ca` vouches for.
pub(crate) fn stamper(stack: &Stack, tsa: &Tsa, ca: &Path) -> Stamper {
    let types = (STAMP_QUERY, STAMP_REPLY);
    let patience = Duration::from_millis(700);
    let post = Post::new(&tsa.url(), types, STAMP_BYTES, patience).unwrap();
    let stamping = Stamping {
        authority: Arc::new(OverHttp(post)),
        roots: StampRoots::from_pem(&std::fs::read(ca).unwrap()).unwrap(),
        every: Duration::from_secs(PERIOD.unsigned_abs()),
    };
    Stamper::new(&stack.services, stamping)
}

/// Writes an entry: somebody asks for a person who is not there.
async fn ask(stack: &Stack) {
    let mut client = stack.citizens(AGENCY_SYSTEM).await;
    let request = LookupCitizenRequest {
        context: Some(context()),
        identifier: Some(Identifier {
            scheme: "national_id".to_owned(),
            value: "29901010100015".to_owned(),
        }),
        read_mask: None,
    };
    client.lookup_citizen(request).await.unwrap_err();
}

async fn latest(stack: &Stack) -> Option<StoredStamp> {
    let log = stack.services.storage.audit_log();
    log.latest_stamp().await.unwrap()
}

/// Says whether OpenSSL takes a stamp.
fn openssl_takes(stamp: &StoredStamp, ca: &Path) -> bool {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("note"), &stamp.note).unwrap();
    std::fs::write(folder.path().join("reply"), &stamp.reply).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder.path()).args(["ts", "-verify"]);
    openssl
        .args(["-data", "note", "-in", "reply", "-CAfile"])
        .arg(ca);
    openssl.output().unwrap().status.success()
}

#[tokio::test]
async fn a_log_that_grows_gets_a_stamp_each_period() {
    let Some(tsa) = Tsa::start().await else {
        return;
    };
    let stack = Stack::start("sqlite::memory:").await;
    let mut stamper = stamper(&stack, &tsa, &tsa.ca());
    let Stamped::New(size) = stamper.step().await else {
        panic!("there is no first stamp");
    };
    let stamp = latest(&stack).await.unwrap();
    assert_eq!(stamp.size, size);
    assert!(openssl_takes(&stamp, &tsa.ca()));
    assert!(!openssl_takes(
        &StoredStamp {
            note: b"other".to_vec(),
            ..stamp
        },
        &tsa.ca()
    ));

    ask(&stack).await;
    assert_eq!(stamper.step().await, Stamped::NotDue);
    stack.clock.advance(PERIOD);
    assert_eq!(stamper.step().await, Stamped::New(size + 1));
    // nothing new: nobody is asked
    stack.clock.advance(PERIOD);
    assert_eq!(stamper.step().await, Stamped::Covered);
    assert_eq!(tsa.asked(), 2);

    // a node that starts again asks no sooner than another, and one whose clock was set back asks
    ask(&stack).await;
    stack.clock.advance(-2 * PERIOD);
    let mut again = self::stamper(&stack, &tsa, &tsa.ca());
    assert_eq!(again.step().await, Stamped::New(size + 2));
    ask(&stack).await;
    let mut again = self::stamper(&stack, &tsa, &tsa.ca());
    assert_eq!(again.step().await, Stamped::NotDue);
    stack.clock.advance(PERIOD);
    assert_eq!(again.step().await, Stamped::New(size + 3));
    stack.stop().await;
}

#[tokio::test]
async fn a_reply_that_proves_nothing_is_not_kept_and_told_once() {
    let log = Log::start(Level::WARN);
    let Some(tsa) = Tsa::start().await else {
        return;
    };
    let stack = Stack::start("sqlite::memory:").await;
    for (habit, reason) in [
        (Habit::StampsOther, "is over something else"),
        (Habit::AnswersOther, "answers another request"),
        (Habit::Refuses, "is a refusal, status 2"),
        (
            Habit::Garbles,
            "is not a reply of a time-stamping authority",
        ),
        (Habit::Floods, "more than 65536 bytes"),
        (
            Habit::Page,
            "something that is not application/timestamp-reply",
        ),
        (Habit::Status(503), "the status 503"),
        (Habit::Status(302), "the status 302"),
        (Habit::Hangs, "did not"),
        (Habit::BreaksOff, "broke off"),
    ] {
        tsa.become_one_that(habit);
        let mut stamper = stamper(&stack, &tsa, &tsa.ca());
        let before = log.text().len();
        let began = Instant::now();
        assert_eq!(stamper.step().await, Stamped::Missed, "{habit:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{habit:?}");
        stack.clock.advance(PERIOD);
        assert_eq!(stamper.step().await, Stamped::Missed, "{habit:?}");
        assert_eq!(latest(&stack).await, None);
        let told = log.text()[before..].to_owned();
        assert_eq!(told.matches("no time stamp was got").count(), 1, "{told}");
        assert!(told.contains(reason), "{habit:?}: {told}");
        stack.clock.advance(PERIOD);
    }
    tsa.become_one_that(Habit::Stamps);
    let mut stamper = stamper(&stack, &tsa, &tsa.ca());
    // one that hung is still being served
    for _ in 0..3 {
        if matches!(stamper.step().await, Stamped::New(_)) {
            break;
        }
        stack.clock.advance(PERIOD);
    }
    assert!(latest(&stack).await.is_some());
    stack.stop().await;
}

#[tokio::test]
async fn a_stamp_of_an_ended_or_foreign_certificate_is_not_kept() {
    let log = Log::start(Level::WARN);
    let (Some(tsa), Some(ended)) = (Tsa::start().await, Tsa::start_certified((2020, 2021)).await)
    else {
        return;
    };
    let stack = Stack::start("sqlite::memory:").await;
    for (authority, ca, reason) in [
        (
            &ended,
            ended.ca(),
            "a certificate that was not good at its time",
        ),
        (&tsa, ended.ca(), "none of the authorities that are trusted"),
    ] {
        let mut stamper = stamper(&stack, authority, &ca);
        assert_eq!(stamper.step().await, Stamped::Missed, "{reason}");
        assert!(log.text().contains(reason), "{}", log.text());
        assert_eq!(latest(&stack).await, None);
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_log_that_waits_for_two_periods_is_overdue() {
    let Some(tsa) = Tsa::start().await else {
        return;
    };
    let stack = Stack::start("sqlite::memory:").await;
    let log = stack.services.storage.audit_log();
    let every = Duration::from_secs(PERIOD.unsigned_abs());
    let overdue = async || {
        let standing = stamp_standing(log.as_ref()).await.unwrap();
        let now = rabt_model::Clock::now(stack.clock.as_ref());
        standing.is_overdue(now, every)
    };
    stack.clock.advance(2 * PERIOD);
    assert!(!overdue().await);
    stack.clock.advance(1);
    assert!(overdue().await, "there was never a stamp");
    let mut stamper = stamper(&stack, &tsa, &tsa.ca());
    assert!(matches!(stamper.step().await, Stamped::New(_)));
    // a node that nobody asks anything needs none
    stack.clock.advance(100 * PERIOD);
    assert!(!overdue().await);
    ask(&stack).await;
    assert!(!overdue().await, "what came just now does not wait yet");
    stack.clock.advance(2 * PERIOD + 1);
    assert!(overdue().await);
    stack.stop().await;
}

/// A node that got two stamps and has stopped, with its export and the public keys beside it.
async fn exported(tsa: &Tsa) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let url = format!("sqlite://{}", at("rabt.db").display());
    let stack = Stack::start(&url).await;
    let mut stamper = stamper(&stack, tsa, &tsa.ca());
    for _ in 0..2 {
        assert!(matches!(stamper.step().await, Stamped::New(_)));
        for _ in 0..150 {
            ask(&stack).await;
        }
        stack.clock.advance(PERIOD);
    }
    stack.stop().await;
    let settings = format!("[storage]\nurl = \"{url}\"\n[audit]\nkeys = \"keys\"\n");
    std::fs::write(at("rabt.toml"), settings).unwrap();
    std::fs::create_dir(at("keys")).unwrap();
    let key = Stack::checkpoint_key().verifier().to_string();
    std::fs::write(at("keys/log.pub"), format!("{key}\n")).unwrap();
    std::fs::copy(tsa.ca(), at("time.pem")).unwrap();
    let arguments = [
        "audit",
        "export",
        "log",
        "--offline",
        "--config",
        "rabt.toml",
    ];
    let done = rabt(folder.path(), &arguments);
    assert!(done.status.success(), "{}", text(&done));
    folder
}

#[tokio::test]
async fn an_export_says_since_when_the_log_existed_and_any_change_is_found() {
    let Some(tsa) = Tsa::start().await else {
        return;
    };
    let folder = exported(&tsa).await;
    let at = folder.path();
    let key = ["audit", "verify", "log", "--key", "keys/log.pub"];
    let verify = || rabt(at, &[&key[..], &["--tsa-ca", "time.pem"]].concat());
    let whole = verify();
    let told = text(&whole);
    assert!(whole.status.success(), "{told}");
    assert!(told.contains("2 time stamps hold"), "{told}");
    assert!(told.contains("entries existed at 20"), "{told}");
    assert!(told.contains("CN=time of the tests"), "{told}");
    let unchecked = rabt(at, &key);
    assert!(unchecked.status.success());
    assert!(text(&unchecked).contains("2 time stamps were not checked"));

    let stamps: Vec<String> = std::fs::read_dir(at.join("log/stamp"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(stamps.len(), 4, "{stamps:?}");
    for name in &stamps {
        let path = at.join("log/stamp").join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let found = verify();
        assert_eq!(found.status.code(), Some(4), "{name}: {}", text(&found));
        assert!(
            text(&found).contains(&format!("stamp/{name}")),
            "{}",
            text(&found)
        );
        std::fs::remove_file(&path).unwrap();
        assert_eq!(verify().status.code(), Some(4), "{name} is missing");
        std::fs::write(&path, whole).unwrap();
    }
    let foreign = at.join("log/stamp/0x.tsr");
    std::fs::write(&foreign, "mine").unwrap();
    let found = verify();
    assert!(
        text(&found).contains("stamp/0x.tsr: does not belong"),
        "{}",
        text(&found)
    );
    std::fs::remove_file(&foreign).unwrap();
    assert!(verify().status.success());

    // a good stamp of another checkpoint, in the place of this one
    let sizes = stamps.iter().filter_map(|name| name.strip_suffix(".tsr"));
    let mut replies = sizes.map(|size| at.join(format!("log/stamp/{size}.tsr")));
    let (one, other) = (replies.next().unwrap(), replies.next().unwrap());
    std::fs::copy(&one, &other).unwrap();
    let found = verify();
    assert_eq!(found.status.code(), Some(4));
    assert!(
        text(&found).contains("is over something else"),
        "{}",
        text(&found)
    );
}

#[tokio::test]
async fn storage_is_verified_with_its_stamps() {
    let Some(tsa) = Tsa::start().await else {
        return;
    };
    let folder = exported(&tsa).await;
    let at = folder.path();
    let key = [
        "audit",
        "verify",
        "--config",
        "rabt.toml",
        "--tsa-ca",
        "time.pem",
    ];
    let whole = rabt(at, &key);
    assert!(whole.status.success(), "{}", text(&whole));
    assert!(
        text(&whole).contains("2 time stamps hold"),
        "{}",
        text(&whole)
    );
    let url = format!("sqlite://{}", at.join("rabt.db").display());
    let storage = rabt_storage::open(&url).await.unwrap();
    let log = storage.audit_log();
    let mut stamp = log.latest_stamp().await.unwrap().unwrap();
    stamp.size -= 1;
    log.put_stamp(&stamp).await.unwrap();
    storage.close().await;
    let found = rabt(at, &key);
    assert_eq!(found.status.code(), Some(4), "{}", text(&found));
    let wrong = rabt(at, &[&key[..5], &["keys/log.pub"]].concat());
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
    assert!(
        text(&wrong).contains("holds no certificate"),
        "{}",
        text(&wrong)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_run_gets_stamps_exports_them_and_says_how_old_they_are() {
    let Some(tsa) = Tsa::start().await else {
        return;
    };
    let (url, ca) = (tsa.url(), tsa.ca());
    let sections = format!(
        "[stamps]\nurl = \"{url}\"\nca = \"{}\"\nevery_s = 1\n",
        ca.display()
    );
    let mut node = Node::start_with(&sections);
    let start = Instant::now();
    while tsa.asked() == 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "it never asks");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut said = String::new();
    while !said.contains("time stamps hold") {
        assert!(start.elapsed() < Duration::from_secs(30), "{said}");
        let _ = std::fs::remove_dir_all(node.place.path().join("files"));
        node.type_in("rabt audit export files --as auditor");
        let verify = format!(
            "rabt audit verify files --key keys/log.pub --tsa-ca {}",
            ca.display()
        );
        said = node.type_in(&verify);
    }
    let doctor = node.type_in("rabt doctor --config rabt.toml");
    assert!(doctor.contains("the last one is 0 minutes old"), "{doctor}");
}
