//! Model files and settings that nobody meant: they load or they are refused, and never panic.

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::import_splink;
use super::{COMPANIES, LinkageModel};

const SETTINGS: &str = include_str!("../../../tests/fixtures/splink/registers.json");

/// Words that mean something somewhere in a file, and letters that break things.
const PIECES: [&str; 28] = [
    "",
    "\n",
    "\"",
    "'",
    "[",
    "]",
    "[[column]]",
    "{",
    "}",
    "=",
    ",",
    ".",
    "-1",
    "0",
    "1e400",
    "nan",
    "inf",
    "99999999999999999999",
    "\u{0}",
    "م",
    "id",
    "name",
    "when = { not = { ",
    "many = 5",
    "null",
    "true",
    "cap = 0",
    "u = 0",
];

/// Where a text is cut, how much is left out there, and what takes its place.
type Cut = (Index, usize, usize);

fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    prop::collection::vec((any::<Index>(), 0..12_usize, 0..PIECES.len()), 1..4)
}

/// Puts pieces in the place of letters.
fn cut(text: &str, cuts: &[Cut]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (at, length, piece) in cuts {
        let at = at.index(letters.len() + 1);
        let end = (at + length).min(letters.len());
        letters.splice(at..end, PIECES[*piece].chars());
    }
    letters.into_iter().collect()
}

/// Puts a line of the file into the place of another.
fn moved(text: &str, (from, to): (Index, Index)) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let from = lines[from.index(lines.len())];
    let to = to.index(lines.len());
    lines[to] = from;
    lines.join("\n")
}

/// Asserts that what loads is written as a file that loads as the same model, and that what does
/// not is said why.
fn assert_sound(text: &str) {
    match LinkageModel::from_toml(text) {
        Ok(model) => {
            let written = model.to_toml(&[]);
            assert_eq!(LinkageModel::from_toml(&written).as_ref(), Ok(&model));
        }
        Err(errors) => assert!(errors.iter().all(|error| !error.message.is_empty())),
    }
}

fn assert_imported(json: &str) {
    match import_splink(json) {
        Ok(imported) => assert!(LinkageModel::from_toml(&imported.toml).is_ok(), "{json}"),
        Err(errors) => assert!(!errors.is_empty()),
    }
}

proptest! {
    #![proptest_config(crate::soak::cases(100))]

    #[test]
    fn a_model_with_slips_loads_or_is_refused(cuts in cuts(), lines in any::<(Index, Index)>()) {
        assert_sound(&cut(COMPANIES, &cuts));
        assert_sound(&moved(COMPANIES, lines));
    }

    #[test]
    fn no_text_is_too_odd_for_a_model(text in any::<String>(), key in "[a-z_]{1,12}") {
        prop_assert!(LinkageModel::from_toml(&text).is_err());
        assert_sound(&format!("{key} = {text}\n{COMPANIES}"));
        assert_sound(&format!("{COMPANIES}\n[{key}]\n{key} = {text}"));
    }

    #[test]
    fn settings_with_slips_load_or_are_refused(cuts in cuts(), lines in any::<(Index, Index)>()) {
        assert_imported(&cut(SETTINGS, &cuts));
        assert_imported(&moved(SETTINGS, lines));
    }

    #[test]
    fn no_text_is_too_odd_for_settings(text in any::<String>()) {
        assert_imported(&text);
        let condition = serde_json::Value::String(text).to_string();
        let json = SETTINGS.replacen("\"\\\"name_l\\\" = \\\"name_r\\\"\"", &condition, 1);
        prop_assert_ne!(&json, SETTINGS);
        assert_imported(&json);
    }
}
