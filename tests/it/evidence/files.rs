//! The log as files, and receipts, checked by programs that have no server and no storage.

use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::sample::Index;
use rabt_audit::{Levels, Receipt};
use rabt_storage::Storage;
use rabt_tests::{Stack, python_script, rabt, text};
use tempfile::TempDir;

use super::ask;

/// A node that was asked and has stopped, in a folder with its settings and its public key.
async fn node() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let url = format!("sqlite://{}", at("rabt.db").display());
    let stack = Stack::start(&url).await;
    ask(&stack, 300).await;
    stack.stop().await;
    let settings = format!("[storage]\nurl = \"{url}\"\n[audit]\nkeys = \"keys\"\n");
    std::fs::write(at("rabt.toml"), settings).unwrap();
    std::fs::create_dir(at("keys")).unwrap();
    let key = Stack::checkpoint_key().verifier().to_string();
    std::fs::write(at("keys/log.pub"), format!("{key}\n")).unwrap();
    folder
}

#[tokio::test]
async fn an_export_is_verified_by_its_files_alone() {
    let folder = node().await;
    let at = folder.path();
    let exported = rabt(
        at,
        &[
            "audit",
            "export",
            "log",
            "--offline",
            "--config",
            "rabt.toml",
        ],
    );
    assert!(exported.status.success(), "{}", text(&exported));
    // nothing but the folder and the key
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::rename(at.join("log"), elsewhere.path().join("log")).unwrap();
    std::fs::copy(at.join("keys/log.pub"), elsewhere.path().join("log.pub")).unwrap();
    let at = elsewhere.path();
    let verify = || rabt(at, &["audit", "verify", "log", "--key", "log.pub"]);
    let verified = verify();
    assert!(verified.status.success(), "{}", text(&verified));
    for (file, place) in [
        ("tile/entries/000", 900),
        ("tile/0/000", 40),
        ("checkpoint", 30),
    ] {
        let path = at.join("log").join(file);
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[place] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let found = verify();
        assert_eq!(found.status.code(), Some(4), "{file}");
        assert!(text(&found).contains(file), "{}", text(&found));
        std::fs::write(&path, whole).unwrap();
    }
    assert!(verify().status.success());
}

/// Makes the receipt of an entry from storage.
async fn receipt(storage: &dyn Storage, index: u64) -> Receipt {
    let log = storage.audit_log();
    let mut levels = Levels::new();
    for leaf in log.leaf_hashes(0, 1_000_000).await.unwrap() {
        levels.append(leaf);
    }
    let size = levels.size();
    Receipt {
        index,
        body: log.entries(index, 1).await.unwrap()[0].1.body.clone(),
        proof: levels.inclusion_proof(index, size).unwrap(),
        checkpoint: log.latest_checkpoint().await.unwrap().unwrap(),
    }
}

#[test]
fn a_receipt_is_verified_by_python_and_any_changed_byte_of_it_is_noticed() {
    if python_script("verify_receipt.py").is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (folder, receipt) = runtime.block_on(async {
        let folder = node().await;
        let url = format!("sqlite://{}", folder.path().join("rabt.db").display());
        let storage = rabt_storage::open(&url).await.unwrap();
        let receipt = receipt(storage.as_ref(), 77).await;
        storage.close().await;
        (folder, receipt)
    });
    let at = folder.path();
    let verify = |bytes: &[u8]| {
        std::fs::write(at.join("receipt"), bytes).unwrap();
        let mut python = python_script("verify_receipt.py").unwrap();
        let python = python.current_dir(at).args(["receipt", "keys/log.pub"]);
        let ours = rabt(at, &["audit", "verify", "receipt", "--key", "keys/log.pub"]);
        (python.output().unwrap(), ours)
    };
    let whole = receipt.to_text().into_bytes();
    let (python, ours) = verify(&whole);
    assert!(python.status.success(), "{}", text(&python));
    assert!(ours.status.success(), "{}", text(&ours));
    assert_eq!(python.stdout.trim_ascii_end(), receipt.body);
    proptest!(ProptestConfig::with_cases(24), |(place in any::<Index>(), bit in 0_u8..8)| {
        let mut changed = whole.clone();
        let place = place.index(changed.len());
        changed[place] ^= 1 << bit;
        let (python, ours) = verify(&changed);
        assert!(!python.status.success(), "Python takes byte {place}");
        assert!(!ours.status.success(), "byte {place} is taken");
    });
}
