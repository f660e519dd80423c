//! The store of sealed secrets.

use std::fs;

use rabt_connect::{SecretName, SecretStore, Secrets};

use super::{Identities, MAX_SECRET_BYTES, SealedStore};

struct Made {
    folder: tempfile::TempDir,
    store: SealedStore,
}

fn made() -> Made {
    let folder = tempfile::tempdir().unwrap();
    let store = SealedStore {
        folder: folder.path().join("secrets"),
        identity: folder.path().join("keys/secrets.key"),
    };
    store.make().unwrap();
    Made { folder, store }
}

fn name(text: &str) -> SecretName {
    text.parse().unwrap()
}

const PASSWORD: &str = "agencies/civil-registry/password";

#[test]
fn secrets_are_sealed_listed_replaced_and_removed() {
    let Made { folder, store } = made();
    assert_eq!(store.names().unwrap(), []);
    assert!(!store.put(&name(PASSWORD), "hunter2").unwrap());
    assert!(!store.put(&name("key"), "منى\n x").unwrap());
    assert!(store.put(&name("key"), "منى").unwrap(), "replaced");
    assert_eq!(store.names().unwrap(), [name(PASSWORD), name("key")]);
    assert_eq!(store.read(&name(PASSWORD)).unwrap(), "hunter2");
    assert_eq!(store.read(&name("key")).unwrap(), "منى");
    let file = folder.path().join(format!("secrets/{PASSWORD}.age"));
    let sealed = fs::read(&file).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
    assert!(!String::from_utf8_lossy(&sealed).contains("hunter2"));
    #[cfg(unix)]
    for path in [&file, &store.identity] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    fs::write(folder.path().join("secrets/note.txt"), "x").unwrap();
    fs::write(folder.path().join("secrets/Other Name.age"), "x").unwrap();
    store.remove(&name(PASSWORD)).unwrap();
    assert_eq!(store.names().unwrap(), [name("key")]);
    assert!(!folder.path().join("secrets/agencies").exists());
    let error = store.remove(&name(PASSWORD)).unwrap_err();
    assert!(error.to_string().contains("is not in the store"), "{error}");
}

#[test]
fn references_are_resolved_from_the_store_as_it_is_now() {
    let Made { folder, store } = made();
    let secrets = Secrets::new().with_store(std::sync::Arc::new(store.clone()));
    let config: toml::Table = format!("password = {{ secret = 'store:{PASSWORD}' }}")
        .parse()
        .unwrap();
    let agency = "civil-registry".parse().unwrap();
    let resolve = || secrets.resolve(&config, &agency, folder.path());
    let error = resolve().unwrap_err().to_string();
    assert!(error.contains("source.config.password"), "{error}");
    assert!(error.contains(PASSWORD), "{error}");
    for secret in ["hunter2", "hunter3"] {
        store.put(&name(PASSWORD), secret).unwrap();
        assert_eq!(resolve().unwrap()["password"].as_str(), Some(secret));
    }
    store.rotate().unwrap();
    assert_eq!(resolve().unwrap()["password"].as_str(), Some("hunter3"));
}

#[test]
fn a_rotation_seals_everything_anew() {
    let Made { folder, store } = made();
    for word in ["a", "b/c", "b/d"] {
        store.put(&name(word), word).unwrap();
    }
    let before = fs::read_to_string(&store.identity).unwrap();
    let rotated = store.rotate().unwrap();
    assert_eq!(rotated.secrets, 3);
    let after = fs::read_to_string(&store.identity).unwrap();
    assert_ne!(after, before);
    assert!(after.contains(&rotated.recipient));
    assert_eq!(store.read(&name("b/c")).unwrap(), "b/c");
    let old = folder.path().join("old.key");
    fs::write(&old, before).unwrap();
    let with_old = SealedStore {
        identity: old,
        ..store.clone()
    };
    assert!(
        with_old.read(&name("b/c")).is_err(),
        "the old one opens nothing"
    );
}

#[test]
fn a_secret_of_any_size_that_is_taken_stays_whole() {
    let Made { folder, store } = made();
    let most = usize::try_from(MAX_SECRET_BYTES).unwrap();
    let (largest, wide) = ("x".repeat(most), "م".repeat(most / 2));
    store.put(&name("largest"), &largest).unwrap();
    store.put(&name("wide"), &wide).unwrap();
    assert_eq!(store.rotate().unwrap().secrets, 2);
    assert!(store.read(&name("largest")).unwrap() == largest);
    assert!(store.read(&name("wide")).unwrap() == wide);

    for too_large in [
        format!("{largest}y"),
        format!("{wide}y"),
        "z".repeat(3 * most),
    ] {
        let error = store.put(&name("large"), &too_large).unwrap_err();
        assert!(error.what.contains("larger than 65536 bytes"), "{error}");
        let refused = store.put(&name("largest"), &too_large);
        assert!(refused.is_err());
        assert!(store.read(&name("largest")).unwrap() == largest, "kept");
    }
    let names = [name("largest"), name("wide")];
    assert_eq!(store.names().unwrap(), names);
    drop(folder);
}

#[test]
fn a_larger_secret_that_another_program_sealed_is_never_cut() {
    for size in [65_537, 100_000, 200_000] {
        let Made { folder, store } = made();
        let identities = Identities::read(&store.identity).unwrap();
        let path = store.path(&name("large"));
        let secret = "x".repeat(size);
        store.seal(&identities, &path, secret.as_bytes()).unwrap();
        let before = [&path, &store.identity].map(|path| fs::read(path).unwrap());
        let error = store.read(&name("large")).unwrap_err();
        assert!(error.what.contains("larger than 65536 bytes"), "{error}");
        let error = store.rotate().unwrap_err().to_string();
        assert!(error.contains("store:large is larger"), "{error}");
        assert!(error.contains("nothing was changed"), "{error}");
        let after = [&path, &store.identity].map(|path| fs::read(path).unwrap());
        assert!(after == before);
        drop(folder);
    }
}

#[test]
fn an_interrupted_rotation_loses_nothing_and_is_finished() {
    let Made { folder, store } = made();
    for word in ["a", "b"] {
        store.put(&name(word), word).unwrap();
    }
    // As it is after the first secret was sealed anew.
    let identities = Identities::read(&store.identity).unwrap().with_new();
    identities.write(&store.identity).unwrap();
    store
        .seal(&identities, &store.path(&name("a")), b"a")
        .unwrap();
    let both = fs::read_to_string(&store.identity).unwrap();
    assert_eq!(both.matches("AGE-SECRET-KEY-1").count(), 2);
    for word in ["a", "b"] {
        assert_eq!(store.read(&name(word)).unwrap(), word);
    }
    store.put(&name("c"), "c").unwrap();
    let recipient = identities.recipient().to_string();
    assert_eq!(store.rotate().unwrap().recipient, recipient);
    let one = fs::read_to_string(&store.identity).unwrap();
    assert_eq!(one.matches("AGE-SECRET-KEY-1").count(), 1);
    for word in ["a", "b", "c"] {
        assert_eq!(store.read(&name(word)).unwrap(), word);
    }
    drop(folder);
}

#[test]
fn what_cannot_be_opened_is_named_and_changes_nothing() {
    let Made { folder, store } = made();
    store.put(&name("a"), "hunter2").unwrap();
    store.put(&name("b"), "hunter2").unwrap();
    let path = store.path(&name("b"));
    let mut sealed = fs::read(&path).unwrap();
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    fs::write(&path, sealed).unwrap();
    let before = fs::read(&store.identity).unwrap();
    let error = store.rotate().unwrap_err().to_string();
    assert!(error.contains("store:b is damaged"), "{error}");
    assert_eq!(fs::read(&store.identity).unwrap(), before);
    assert_eq!(store.read(&name("a")).unwrap(), "hunter2");

    for (identity, said) in [
        ("# only a comment\n", "line 1 is no X25519 identity"),
        (
            "\nAGE-SECRET-KEY-1NONSENSE\n",
            "line 2 is no X25519 identity",
        ),
        (
            "age-encryption.org/v1\n-> scrypt\n",
            "is no X25519 identity",
        ),
    ] {
        fs::write(&store.identity, identity).unwrap();
        let error = store.read(&name("a")).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("NONSENSE"), "{error}");
    }
    fs::remove_file(&store.identity).unwrap();
    let error = store.put(&name("c"), "x").unwrap_err().to_string();
    assert!(error.contains("rabt secret init"), "{error}");
    drop(folder);
}
