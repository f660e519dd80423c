//! The two texts of an agency's folder, on this machine's disk.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use rabt_connect::{FolderText, Problem};

use crate::error::{CommandError, Exit, Fault};

/// Reads a folder; one without `mapping.toml` has an empty mapping.
pub(super) fn read(folder: &Path) -> Result<FolderText, CommandError> {
    let manifest = text(&folder.join("manifest.toml"))?;
    let mapping = folder.join("mapping.toml");
    let mapping = if mapping.exists() {
        text(&mapping)?
    } else {
        String::new()
    };
    Ok(FolderText { manifest, mapping })
}

fn text(path: &Path) -> Result<String, CommandError> {
    fs::read_to_string(path).map_err(|error| {
        let help = "an agency folder holds manifest.toml and mapping.toml, both UTF-8";
        CommandError::usage(format!("{}: {error}", path.display()), help)
    })
}

/// Writes the texts that are not empty, in place of none.
pub(super) fn write(out: &Path, folder: &FolderText) -> Result<(), CommandError> {
    let failed = |path: &Path, error: &io::Error| {
        let help = "name a folder that is new, or empty, and may be written";
        CommandError::usage(format!("{}: {error}", path.display()), help)
    };
    fs::create_dir_all(out).map_err(|error| failed(out, &error))?;
    for (name, text) in folder
        .files()
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
    {
        let path = out.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

/// Reads `key=value`; a value is TOML where it can be, and otherwise the text that it is.
pub(super) fn config(given: &[String]) -> Result<toml::Table, CommandError> {
    let mut config = toml::Table::new();
    for one in given {
        let Some((key, value)) = one.split_once('=') else {
            let help =
                "write --set path=people.db; see the keys of each kind in connectors/README.md";
            // what was given may hold a password, so it is not said again
            return Err(CommandError::usage("--set: not KEY=VALUE", help));
        };
        let parsed = format!("value = {}", value.trim()).parse::<toml::Table>();
        let parsed = parsed.ok().and_then(|mut table| table.remove("value"));
        let value = parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()));
        config.insert(key.trim().to_owned(), value);
    }
    Ok(config)
}

/// Refuses a configuration that would not load, secrets in clear above all: it is written to a file.
pub(super) fn check(problems: &[Problem]) -> Result<(), CommandError> {
    if problems.is_empty() {
        return Ok(());
    }
    let fault = |problem: &Problem| Fault {
        message: format!("--set: {problem}"),
        help: String::new(),
    };
    Err(CommandError::many(
        Exit::Usage,
        problems.iter().map(fault).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use rabt_connect::FolderText;

    use super::{config, read, write};

    #[test]
    fn settings_are_toml_where_they_can_be() {
        let given = [
            "path=people.db",
            "port=5432",
            "password={ secret = \"env:X\" }",
        ];
        let read = config(&given.map(str::to_owned)).unwrap();
        assert_eq!(read["path"].as_str(), Some("people.db"));
        assert_eq!(read["port"].as_integer(), Some(5432));
        assert_eq!(read["password"]["secret"].as_str(), Some("env:X"));
        let error = config(&["hunter2".to_owned()]).unwrap_err();
        assert!(!error.faults()[0].message.contains("hunter2"));
    }

    #[test]
    fn a_folder_comes_back_as_it_was_written_and_is_not_written_over() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("tax");
        let mut folder = FolderText {
            manifest: "schema = 1\n".to_owned(),
            mapping: String::new(),
        };
        write(&out, &folder).unwrap();
        assert!(!out.join("mapping.toml").exists());
        assert_eq!(read(&out).unwrap(), folder);
        folder.mapping = "# الاسم\n".to_owned();
        let error = write(&out, &folder).unwrap_err();
        assert!(error.faults()[0].message.contains("manifest.toml"));
    }
}
