use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Kind, Loaded, Origin, Problem, Setting, Settings, load};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Root {
    server: Server,
    storage: Storage,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Server {
    address: String,
    drain_seconds: u32,
    reflection: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Storage {
    url: String,
    mode: String,
}

impl Default for Root {
    fn default() -> Self {
        Self {
            server: Server {
                address: "127.0.0.1:7443".to_owned(),
                drain_seconds: 10,
                reflection: true,
            },
            storage: Storage {
                url: "sqlite://rabt.db".to_owned(),
                mode: "safe".to_owned(),
            },
        }
    }
}

const fn setting(path: &'static str, kind: Kind) -> Setting {
    Setting {
        path,
        kind,
        secret: false,
        doc: "what it does",
    }
}

impl Settings for Root {
    const ALL: &'static [Setting] = &[
        setting("server.address", Kind::Address),
        setting("server.drain_seconds", Kind::Integer(0, 600)),
        setting("server.reflection", Kind::Flag),
        setting("storage.url", Kind::Text),
        setting("storage.mode", Kind::Choice(&["safe", "fast"])),
    ];
}

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Loaded<Root>, Vec<Problem>> {
    let folder = std::env::temp_dir().join(format!(
        "rabt-config-{}-{:x}",
        std::process::id(),
        text.len() * 31 + variables.len()
    ));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("rabt.toml");
    std::fs::write(&file, text).unwrap();
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let loaded = load(Some(&file), variables);
    std::fs::remove_dir_all(&folder).unwrap();
    loaded
}

fn lines(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .map(|problem| {
            let text = format!("{problem} | {}", problem.help);
            text.rsplit('/').next().unwrap_or_default().to_owned()
        })
        .collect()
}

#[test]
fn the_environment_wins_over_the_file_over_the_defaults() {
    let loaded = load_with(
        "[server]\naddress = \"0.0.0.0:1\"\ndrain_seconds = 3\n",
        &[("RABT__SERVER__DRAIN_SECONDS", "5"), ("RABT_LOG", "debug")],
    )
    .unwrap();
    assert_eq!(loaded.settings.server.address, "0.0.0.0:1");
    assert_eq!(loaded.settings.server.drain_seconds, 5);
    assert!(loaded.settings.server.reflection);
    assert_eq!(loaded.origins[0], ("server.address", Origin::File(2)));
    assert_eq!(loaded.origins[2], ("server.reflection", Origin::Default));
    let variable = Origin::Variable("RABT__SERVER__DRAIN_SECONDS".to_owned());
    assert_eq!(loaded.origins[1], ("server.drain_seconds", variable));
}

#[test]
fn without_a_file_the_defaults_hold() {
    let loaded = load::<Root>(None, std::iter::empty()).unwrap();
    assert_eq!(loaded.settings, Root::default());
    assert_eq!(loaded.base, PathBuf::from("."));
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let text = "[server]\nadress = \"x\"\naddress = 7\ndrain_seconds = 900\nreflection = \"yes\"\n\
                mode = \"safe\"\n[storag]\nurl = \"x\"\n[storage]\nmode = \"quick\"\n";
    let variables = [
        ("RABT__SERVER__REFLECTION", "maybe"),
        ("RABT__SERVER__ADRESS", "y"),
    ];
    let problems = load_with(text, &variables).unwrap_err();
    assert_eq!(
        lines(&problems),
        [
            "rabt.toml:2: unknown setting server.adress | did you mean `address`?",
            "rabt.toml:3: server.address must be an address such as \"127.0.0.1:7443\", found an \
             integer | server.address: what it does",
            "rabt.toml:4: server.drain_seconds must be a whole number from 0 to 600 | \
             server.drain_seconds: what it does",
            "rabt.toml:5: server.reflection must be true or false, found a string | \
             server.reflection: what it does",
            "rabt.toml:6: unknown setting server.mode | `mode` belongs to [storage]",
            "rabt.toml:7: unknown section [storag] | did you mean [storage]?",
            "rabt.toml:10: storage.mode must be one of \"safe\", \"fast\" | storage.mode: what it \
             does",
            "environment variable RABT__SERVER__ADRESS: no such setting | did you mean \
             RABT__SERVER__ADDRESS?",
            "environment variable RABT__SERVER__REFLECTION: server.reflection must be true or \
             false | server.reflection: what it does",
        ]
    );
}

#[test]
fn broken_toml_is_reported_with_its_line() {
    let problems = load_with("[server]\naddress = \n", &[]).unwrap_err();
    assert!(lines(&problems)[0].starts_with("rabt.toml:2: not TOML: "));
}

#[test]
fn a_missing_file_is_a_problem() {
    let missing = PathBuf::from("/nowhere/rabt.toml");
    let problems = load::<Root>(Some(&missing), std::iter::empty()).unwrap_err();
    assert!(problems[0].to_string().contains("cannot be read"));
    assert_eq!(problems.len(), 1);
}
