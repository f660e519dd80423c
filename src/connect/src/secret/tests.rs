//! Resolving references.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{SecretName, SecretStore, SecretStoreError, Secrets, wrong_reference};

/// A store of one secret, which tests change.
struct One(Mutex<String>);

impl SecretStore for One {
    fn read(&self, name: &SecretName) -> Result<String, SecretStoreError> {
        if name.as_str() == "agencies/tax/password" {
            return Ok(self.0.lock().unwrap().clone());
        }
        Err(SecretStoreError {
            what: "is not in the store".to_owned(),
            remedy: "put it there".to_owned(),
        })
    }
}

#[test]
fn secrets_come_from_where_they_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "hunter2\n").unwrap();
    let store = Arc::new(One(Mutex::new("sealed".to_owned())));
    let secrets = Secrets {
        variable: |name| (name == "PW").then(|| "variable".to_owned()),
        ..Secrets::new().with_store(Arc::clone(&store) as Arc<dyn SecretStore>)
    };
    let config: toml::Table = "host = 'h'\npassword = { secret = 'file:password' }\nport = 5432\n\
                               token = { secret = 'env:PW' }\n\
                               key = { secret = 'store:agencies/tax/password' }"
        .parse()
        .unwrap();
    let resolved = secrets.resolve(&config, folder.path()).unwrap();
    assert_eq!(resolved["password"].as_str(), Some("hunter2"));
    assert_eq!(resolved["port"].as_integer(), Some(5432));
    assert_eq!(resolved["token"].as_str(), Some("variable"));
    assert_eq!(resolved["key"].as_str(), Some("sealed"));

    "changed".clone_into(&mut store.0.lock().unwrap());
    std::fs::write(folder.path().join("password"), "other\n").unwrap();
    let again = secrets.resolve(&config, folder.path()).unwrap();
    assert_eq!(again["password"].as_str(), Some("other"));
    assert_eq!(again["key"].as_str(), Some("changed"));
    let shown = format!("{secrets:?}");
    assert!(
        !shown.contains("variable") && !shown.contains("changed"),
        "{shown}"
    );
}

#[test]
fn what_is_missing_is_named_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(One(Mutex::new("sealed".to_owned())));
    let with = Secrets::new().with_store(store);
    let without = Secrets::new();
    for (secrets, reference, said) in [
        (&without, "file:absent", "absent"),
        (&without, "env:RABT_TEST_NOT_SET", "RABT_TEST_NOT_SET"),
        (&without, "vault:hunter2", "unknown place"),
        (&without, "hunter2", "unknown place"),
        (&without, "store:agencies/tax/password", "[secrets]"),
        (
            &with,
            "store:agencies/tax/key",
            "store:agencies/tax/key is not in the store",
        ),
        (&with, "store:../hunter2", "is not the name of a secret"),
    ] {
        let config = format!("password = {{ secret = '{reference}' }}");
        let error = secrets
            .resolve(&config.parse().unwrap(), folder.path())
            .unwrap_err();
        assert_eq!(error.name(), "configuration");
        let text = error.to_string();
        assert!(text.contains("source.config.password"), "{text}");
        assert!(text.contains(said), "{text}");
        assert!(
            !text.contains("hunter2") && !text.contains("sealed"),
            "{text}"
        );
    }
    let plain: toml::Table = "password = 'x'\nlist = [{ secret = 1 }]".parse().unwrap();
    assert_eq!(without.resolve(&plain, Path::new("/")).unwrap(), plain);
}

#[test]
fn a_manifest_is_told_what_is_no_reference() {
    let wrong = |text: &str| {
        let table: toml::Table = format!("v = {text}").parse().unwrap();
        wrong_reference(&table["v"])
    };
    for reference in ["env:A", "file:a/b", "store:a/b"] {
        assert_eq!(wrong(&format!("{{ secret = '{reference}' }}")), None);
    }
    for value in [
        "'hunter2'",
        "7",
        "{ secert = 'env:A' }",
        "{ secret = 'hunter2' }",
        "{ secret = 'store:HUNTER2' }",
    ] {
        let told = wrong(value).expect(value);
        assert!(told.contains("store:NAME"), "{told}");
        assert!(!told.to_lowercase().contains("hunter2"), "{told}");
    }
}
