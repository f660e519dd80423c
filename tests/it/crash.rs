//! The executable is killed at random moments and started again: nothing is lost, nothing doubled.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rabt_tests::{executable, soak};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn demo(folder: &Path) -> Command {
    let mut command = Command::new(executable());
    command.args([
        "demo", "--once", "--json", "--people", "1500", "--seed", "4", "--dir",
    ]);
    command
        .arg(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs the demo to its end; returns what it reported.
fn finish(folder: &Path) -> serde_json::Value {
    let output = demo(folder).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Follows the feed of a finished demo; returns where it differs from what storage holds.
fn feed_problems(folder: &Path) -> Vec<String> {
    let url = format!("sqlite://{}", folder.join("rabt.db").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let storage = rabt_storage::open(&url).await.unwrap();
        let problems = rabt_service::change::check_feed(storage.as_ref())
            .await
            .unwrap();
        storage.close().await;
        problems
    })
}

/// What must be the same: everything but times.
fn essence(report: &serde_json::Value) -> Vec<&serde_json::Value> {
    let keys = [
        "databases",
        "records",
        "people",
        "precision",
        "recall",
        "fingerprint",
    ];
    keys.iter().map(|key| &report[*key]).collect()
}

#[test]
fn killed_at_random_moments_it_ends_as_if_undisturbed() {
    let folder = tempfile::tempdir().unwrap();
    // where it is missing it is built, which takes longer than the demo
    executable();
    let started = Instant::now();
    let undisturbed = finish(&folder.path().join("undisturbed"));
    let whole = started.elapsed();

    let place = folder.path().join("killed");
    let mut random = ChaCha8Rng::seed_from_u64(20);
    let (mut kills, mut tries) = (0, 0);
    let wanted = soak(10, 100);
    while kills < wanted {
        tries += 1;
        assert!(tries < wanted * 20, "the demo ends before it can be killed");
        let mut child = demo(&place).stdout(Stdio::null()).spawn().unwrap();
        let moment = whole.mul_f64(random.random_range(0.02..0.98));
        std::thread::sleep(moment.max(Duration::from_millis(20)));
        // No signal can be caught here: this is kill -9.
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.code().is_none() {
            kills += 1;
        }
    }
    let disturbed = finish(&place);
    let problems = feed_problems(&place);
    let few = &problems[..problems.len().min(3)];
    assert!(few.is_empty(), "{} problems: {few:?}", problems.len());
    assert_eq!(essence(&disturbed), essence(&undisturbed));
}
