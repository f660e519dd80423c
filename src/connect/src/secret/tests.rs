//! Resolving references.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rabt_model::AgencyId;

use super::{SecretName, SecretReach, SecretStore, SecretStoreError, Secrets, wrong_reference};

fn tax() -> AgencyId {
    "tax".parse().unwrap()
}

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
    let resolved = secrets.resolve(&config, &tax(), folder.path()).unwrap();
    assert_eq!(resolved["password"].as_str(), Some("hunter2"));
    assert_eq!(resolved["port"].as_integer(), Some(5432));
    assert_eq!(resolved["token"].as_str(), Some("variable"));
    assert_eq!(resolved["key"].as_str(), Some("sealed"));

    "changed".clone_into(&mut store.0.lock().unwrap());
    std::fs::write(folder.path().join("password"), "other\n").unwrap();
    let again = secrets.resolve(&config, &tax(), folder.path()).unwrap();
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
        (
            &with,
            "store:agencies/customs/password",
            "store:agencies/customs/password is not of the agency tax",
        ),
        (&with, "store:node/password", "store:agencies/tax/"),
    ] {
        let config = format!("password = {{ secret = '{reference}' }}");
        let error = secrets
            .resolve(&config.parse().unwrap(), &tax(), folder.path())
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
    assert_eq!(
        without.resolve(&plain, &tax(), Path::new("/")).unwrap(),
        plain
    );
}

#[test]
fn a_source_reaches_the_secrets_of_its_own_agency_alone() {
    let store = Arc::new(One(Mutex::new("sealed".to_owned())));
    let secrets = Secrets::new().with_store(store);
    let config: toml::Table = "password = { secret = 'store:agencies/tax/password' }"
        .parse()
        .unwrap();
    let base = Path::new("/");
    let own = secrets.resolve(&config, &tax(), base).unwrap();
    assert_eq!(own["password"].as_str(), Some("sealed"));
    for other in ["customs", "ta", "tax-2"] {
        let agency = other.parse().unwrap();
        let error = secrets.resolve(&config, &agency, base).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("source.config.password"), "{text}");
        assert!(
            text.contains(&format!("is not of the agency {other}")),
            "{text}"
        );
        assert!(text.contains(&format!("store:agencies/{other}/")), "{text}");
    }
}

#[test]
fn a_bound_opens_some_variables_and_the_files_of_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let (open, keys) = (place.path().join("open"), place.path().join("keys"));
    for folder in [&open, &keys] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("password"), "hunter2").unwrap();
    }
    std::os::unix::fs::symlink(keys.join("password"), open.join("link")).unwrap();
    let bounded = |folder| {
        let reach = SecretReach {
            env_prefix: "RABT_SECRET_".to_owned(),
            folder,
        };
        Secrets {
            variable: |name| Some(format!("value of {name}")),
            ..Secrets::new().within(reach)
        }
    };
    let resolve = |secrets: &Secrets, reference: &str, base: &Path| {
        let config = format!("password = {{ secret = '{reference}' }}");
        let resolved = secrets.resolve(&config.parse().unwrap(), &tax(), base)?;
        Ok::<_, crate::error::ConnectError>(resolved["password"].as_str().unwrap().to_owned())
    };
    let some = bounded(Some(open.clone()));
    let read = resolve(&some, "env:RABT_SECRET_TAX", &open).unwrap();
    assert_eq!(read, "value of RABT_SECRET_TAX");
    assert_eq!(resolve(&some, "file:password", &open).unwrap(), "hunter2");
    let absolute = format!("file:{}/password", open.display());
    assert_eq!(
        resolve(&some, &absolute, Path::new("/")).unwrap(),
        "hunter2"
    );

    let foreign = format!("file:{}/password", keys.display());
    for (reference, base, said) in [
        (
            "env:RABT__STORAGE__URL",
            &open,
            "call it RABT_SECRET_RABT__STORAGE__URL",
        ),
        ("env:", &open, "is not open to manifests"),
        (foreign.as_str(), &open, "is not in"),
        ("file:password", &keys, "is not in"),
        ("file:absent", &keys, "is not in"),
        ("file:../keys/password", &open, "is not in"),
        ("file:../keys/absent", &open, "is not in"),
        ("file:link", &open, "is not in"),
        ("file:absent", &open, "cannot be read"),
    ] {
        let error = resolve(&some, reference, base).unwrap_err().to_string();
        assert!(error.contains("source.config.password"), "{error}");
        assert!(error.contains(said), "{reference}: {error}");
        assert!(
            !error.contains("hunter2") && !error.contains("value"),
            "{error}"
        );
    }
    let error = resolve(&bounded(None), "file:password", &open).unwrap_err();
    assert!(error.to_string().contains("secrets.folder"), "{error}");
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
