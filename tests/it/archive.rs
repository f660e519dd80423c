//! Old entries leave storage by what two people type, and the archives and storage together prove the log.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use prost::Message;
use rabt_model::Clock;
use rabt_proto::citizen::{ItemStatus, LookupCitizenRequest};
use rabt_proto::common::Identifier;
use rabt_tests::{AGENCY_SYSTEM, Stack, context, executable, text};
use tempfile::TempDir;
use tonic::Status;

use crate::node::Node;

/// Settings of a node whose old entries may leave.
const SECTIONS: &str = "[audit]\norigin = \"rabt.test\"\nkeys = \"keys\"\narchive = \"archive\"\nretention_days = 30\n";
/// The archive of the entries of [`old_log`].
const ARCHIVE: &str = "archive/rabt.test-000000000000-000000000512";

/// Leaves a log of 600 entries of half a year ago, the second half a day after the first, and the keys of its node.
/// Beside it are the time between the halves, and the question and the answer of an entry of the second.
async fn old_log() -> TempDir {
    let place = TempDir::new().unwrap();
    let at = |name: &str| place.path().join(name);
    let stack = Stack::start(&format!("sqlite://{}", at("rabt.db").display())).await;
    let mut client = stack.citizens(AGENCY_SYSTEM).await;
    for number in 0..600 {
        if number == 300 {
            stack.clock.advance(43_200);
            std::fs::write(at("half"), stack.clock.now().to_string()).unwrap();
            stack.clock.advance(43_200);
        }
        let request = LookupCitizenRequest {
            context: Some(context()),
            identifier: Some(Identifier {
                scheme: "national_id".to_owned(),
                value: "29901010100015".to_owned(),
            }),
            read_mask: None,
        };
        let refused = client.lookup_citizen(request.clone()).await.unwrap_err();
        if number == 400 {
            std::fs::write(at("told.json"), exchange(&request, &refused)).unwrap();
        }
    }
    stack.stop().await;
    std::fs::create_dir(at("keys")).unwrap();
    for name in ["checkpoint.key", "pseudonym.key", "master.key"] {
        std::fs::write(at("keys").join(name), format!("{}\n", "07".repeat(32))).unwrap();
    }
    place
}

/// Returns a question and what was answered, as `--save` writes them.
fn exchange(request: &LookupCitizenRequest, refused: &Status) -> String {
    let header = |name: &str| refused.metadata().get(name).unwrap().to_str().unwrap();
    let leaf: u64 = header("rabt-audit-leaf").parse().unwrap();
    let refusal = ItemStatus {
        code: refused.code().into(),
        reason: rabt_tests::reason(refused),
        message: refused.message().to_owned(),
    };
    let saved = serde_json::json!({
        "format": "rabt-exchange/1",
        "method": "LookupCitizen",
        "leaf": leaf,
        "salt": header("rabt-audit-salt"),
        "request": BASE64.encode(&request.encode_to_vec()),
        "refusal": BASE64.encode(&refusal.encode_to_vec()),
    });
    saved.to_string()
}

fn rabt(folder: &Path, line: &str) -> Output {
    rabt_tests::rabt(folder, &line.split(' ').collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_type_moves_old_entries_and_all_of_it_verifies() {
    let place = old_log().await;
    let mut node = Node::start_in(place, SECTIONS);
    let asked = node.type_in("rabt audit archive request --reason 'retention ended'");
    assert!(asked.contains("asked"), "{asked}");
    let (_, told) = node.refused("rabt audit archive confirm 1 --as security-officer");
    assert!(told.contains("another person"), "{told}");
    let done = node.type_in("rabt audit archive confirm 1");
    assert!(done.contains("done"), "{done}");

    let folder = node.place.path().to_owned();
    let archives: Vec<String> = std::fs::read_dir(folder.join("archive"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(archives, ["rabt.test-000000000000-000000000512"]);
    let archive = format!("archive/{}", archives[0]);
    let alone = rabt(
        &folder,
        &format!("audit verify {archive} --key keys/log.pub"),
    );
    assert!(alone.status.success(), "{}", text(&alone));
    let hashes = rabt(&folder, "audit verify --config rabt.toml");
    assert!(hashes.status.success(), "{}", text(&hashes));
    assert!(
        text(&hashes).contains("512 more are in the archive"),
        "{}",
        text(&hashes)
    );
    let both = format!("audit verify --config rabt.toml --archive {archive}");
    let whole = rabt(&folder, &both);
    assert!(whole.status.success(), "{}", text(&whole));
    assert!(
        !text(&whole).contains("more are in the archive"),
        "{}",
        text(&whole)
    );

    // an export of the whole log, from both
    let (_, told) = node.refused("rabt audit export all --as auditor");
    assert!(told.contains("--archive"), "{told}");
    std::fs::remove_dir_all(folder.join("all")).unwrap();
    for way in ["--as auditor", "--offline"] {
        let line = format!("rabt audit export all {way} --config rabt.toml --archive {archive}");
        node.type_in(&line);
        let all = rabt(&folder, "audit verify all --key keys/log.pub");
        assert!(all.status.success(), "{}", text(&all));
        std::fs::remove_dir_all(folder.join("all")).unwrap();
    }

    // one changed byte of the archive is found by both ways
    let bundle = folder.join(&archive).join("tile/entries/001");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[90] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    for line in [both, format!("audit verify {archive} --key keys/log.pub")] {
        let found = rabt(&folder, &line);
        assert_eq!(found.status.code(), Some(4), "{line}: {}", text(&found));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_archive_proves_what_is_in_it() {
    let mut node = Node::start_in(old_log().await, SECTIONS);
    let folder = node.place.path().to_owned();
    let half = std::fs::read_to_string(folder.join("half")).unwrap();
    let before = format!("rabt audit archive request --before {half} --reason first");
    node.type_in(&before);
    node.type_in("rabt audit archive confirm 1");
    node.type_in("rabt audit archive request --reason second");
    node.type_in("rabt audit archive confirm 2");
    let listed = node.type_in("rabt audit archive list --limit 1");
    assert!(
        listed.contains("second") && !listed.contains("first"),
        "{listed}"
    );

    let archives = ["000000000000-000000000256", "000000000256-000000000512"];
    let archives = archives.map(|leaves| format!("archive/rabt.test-{leaves}"));
    for archive in &archives {
        node.type_in(&format!("rabt audit verify {archive} --key keys/log.pub"));
    }
    let [first, second] = &archives;
    let both = format!("--archive {second} --archive {first}");
    let whole = node.type_in(&format!("rabt audit verify --config rabt.toml {both}"));
    assert!(!whole.contains("more are in the archive"), "{whole}");
    node.type_in(&format!(
        "rabt audit export all --offline --config rabt.toml {both}"
    ));
    node.type_in("rabt audit verify all --key keys/log.pub");

    // who was answered then proves it by the archive that the entry is in
    let replay = "rabt audit replay told.json --public-key keys/log.pub --evidence";
    for evidence in [second.as_str(), "all"] {
        let proven = node.type_in(&format!("{replay} {evidence}"));
        assert!(proven.contains("the answer is the one"), "{proven}");
    }
    node.refused(&format!("{replay} {first}"));
    let (_, told) = node.refused("rabt audit replay told.json --as auditor");
    assert!(told.contains("is in the archive"), "{told}");
    assert!(
        told.contains("rabt.test-000000000256-000000000512"),
        "{told}"
    );
    let (_, told) = node.refused("rabt audit tail --from 3 --count 1 --as auditor");
    assert!(told.contains("begin at leaf 512"), "{told}");
    let (_, told) = node.refused(&format!(
        "rabt audit export part --offline --config rabt.toml --archive {first}"
    ));
    assert!(
        told.contains("the entries before leaf 512 are in the archive"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_entries_leave_goes_on() {
    let place = old_log().await;
    let mut node = Node::start_in(place, SECTIONS);
    let folder = node.place.path().to_owned();
    node.type_in("rabt audit archive request --reason 'retention ended'");
    // when half of it is written, when the whole is in its place, and when nobody knows how far it is
    let part = format!("{ARCHIVE}.part");
    for step in [part.as_str(), ARCHIVE, "rabt.toml"] {
        let confirm = node.begin("rabt audit archive confirm 1");
        let start = Instant::now();
        while !folder.join(step).exists() && start.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        assert!(folder.join(step).exists(), "{step} is never there");
        node.kill_and_start();
        confirm.wait_with_output().unwrap();
        let whole = rabt(&folder, "audit verify --config rabt.toml");
        assert!(whole.status.success(), "{step}: {}", text(&whole));
        if folder.join(ARCHIVE).exists() {
            let line = format!("audit verify {ARCHIVE} --key keys/log.pub");
            let alone = rabt(&folder, &line);
            assert!(alone.status.success(), "{step}: {}", text(&alone));
        } else {
            let told = text(&whole);
            assert!(!told.contains("are in the archive"), "{step}: {told}");
        }
    }
    // whoever verifies meanwhile sees a whole log, before, between and after
    let mut listed = node.type_in("rabt audit archive list");
    if !listed.contains("done") {
        let mut confirm = node.begin("rabt audit archive confirm 1");
        while confirm.try_wait().unwrap().is_none() {
            let whole = rabt(&folder, "audit verify --config rabt.toml");
            assert!(whole.status.success(), "{}", text(&whole));
        }
        listed = node.type_in("rabt audit archive list");
    }
    assert!(listed.contains("done"), "{listed}");
    let line = format!("audit verify --config rabt.toml --archive {ARCHIVE}");
    let whole = rabt(&folder, &line);
    assert!(whole.status.success(), "{}", text(&whole));
    assert!(!text(&whole).contains("more are in"), "{}", text(&whole));
}

/// A command that runs what is behind it where an archive has room for a part of itself; `None` where nobody may have
/// such a place.
fn with_little_room(archive: &Path) -> Option<Command> {
    let mount = "mount -t tmpfs -o size=64k none \"$1\" && shift && exec \"$@\"";
    let wrap = |program: &OsStr| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", mount, "sh"]);
        command.arg(archive).arg(program);
        command
    };
    let tried = wrap(OsStr::new("true")).output().ok()?;
    let can = tried.status.success();
    can.then(|| wrap(executable().as_os_str()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_without_room_takes_nothing_out_and_goes_on_when_there_is_some() {
    let place = old_log().await;
    let archive = place.path().join("archive");
    std::fs::create_dir(&archive).unwrap();
    let Some(command) = with_little_room(&archive) else {
        return;
    };
    let mut node = Node::start_by(command, place, SECTIONS);
    node.type_in("rabt audit archive request --reason 'retention ended'");
    let (_, told) = node.refused("rabt audit archive confirm 1");
    assert!(told.contains("No space left on device"), "{told}");
    assert!(told.contains("confirm the archive again"), "{told}");
    let listed = node.type_in("rabt audit archive list");
    assert!(listed.contains("confirmed"), "{listed}");
    let whole = node.type_in("rabt audit verify --config rabt.toml");
    assert!(!whole.contains("are in the archive"), "{whole}");

    let id = node.id().to_string();
    let grown = Command::new("nsenter")
        .args(["-U", "-m", "--preserve-credentials", "-t", &id])
        .args(["mount", "-o", "remount,size=64m"])
        .arg(&archive)
        .output()
        .unwrap();
    assert!(grown.status.success(), "{}", text(&grown));
    let done = node.type_in("rabt audit archive confirm 1");
    assert!(done.contains("done"), "{done}");
    let whole = node.type_in("rabt audit verify --config rabt.toml");
    assert!(whole.contains("512 more are in the archive"), "{whole}");
}
