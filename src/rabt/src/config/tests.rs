//! The settings and their example.

use std::path::PathBuf;

use rabt_runtime::Settings;

use super::{Config, redact_url};

/// Returns the `section.key` of everything in a settings file.
fn keys(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap();
    let mut keys = Vec::new();
    for (section, content) in &table {
        let content = content.as_table().unwrap();
        keys.extend(content.keys().map(|key| format!("{section}.{key}")));
    }
    keys
}

#[test]
fn the_list_of_settings_is_the_type() {
    let listed: Vec<&str> = Config::ALL.iter().map(|one| one.path).collect();
    let text = toml::to_string(&Config::default()).unwrap();
    assert_eq!(keys(&text), listed);
}

#[test]
fn the_example_is_complete_and_equals_the_defaults() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/rabt.example.toml"
    );
    let path = std::path::Path::new(path);
    let loaded = rabt_runtime::load::<Config>(Some(path), std::iter::empty()).unwrap();
    assert_eq!(loaded.settings, Config::default());
    let listed: Vec<&str> = Config::ALL.iter().map(|one| one.path).collect();
    assert_eq!(keys(&std::fs::read_to_string(path).unwrap()), listed);
}

#[test]
fn lists_of_paths_come_from_the_file_and_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rabt.toml");
    std::fs::write(&file, "[tls]\ncrl = [\"one.crl\", \"/two.crl\"]\n").unwrap();
    let load = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        rabt_runtime::load::<Config>(Some(&file), variables.collect::<Vec<_>>())
    };
    let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
    let crl = load(&[]).unwrap().settings.tls.crl;
    assert_eq!(crl, paths(&["one.crl", "/two.crl"]));
    let crl = load(&[("RABT__TLS__CRL", "/a.crl:b.crl")])
        .unwrap()
        .settings
        .tls
        .crl;
    assert_eq!(crl, paths(&["/a.crl", "b.crl"]));
    assert!(
        load(&[("RABT__TLS__CRL", "")])
            .unwrap()
            .settings
            .tls
            .crl
            .is_empty()
    );

    std::fs::write(&file, "[tls]\ncrl = \"one.crl\"\n").unwrap();
    let problem = load(&[]).unwrap_err().remove(0);
    assert!(
        problem.to_string().contains("must be a list of paths"),
        "{problem}"
    );
}

#[test]
fn a_list_may_stand_in_a_variable() {
    let variable = (
        "RABT__AUDIT__WITNESSES".to_owned(),
        "a+1+b c+2+d".to_owned(),
    );
    let loaded = rabt_runtime::load::<Config>(None, [variable]).unwrap();
    assert_eq!(loaded.settings.audit.witnesses, ["a+1+b", "c+2+d"]);
}

#[test]
fn passwords_are_redacted() {
    let url = "postgres://rabt:s3cret@db.example:5432/rabt?sslkey=x";
    let shown = "postgres://rabt:[redacted]@db.example:5432/rabt?[redacted]";
    assert_eq!(redact_url(url), shown);
    assert_eq!(redact_url("sqlite://rabt.db"), "sqlite://rabt.db");
    assert_eq!(redact_url("nonsense"), "[redacted]");
}
