//! `rabt secret`: the sealed secrets that manifests refer to.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use rabt_connect::{SecretName, SecretStore, SecretStoreError};
use serde::Serialize;
use zeroize::Zeroizing;

use super::ConfigFile;
use crate::error::CommandError;
use crate::render::{Render, table};
use crate::secrets::{MAX_SECRET_BYTES, SealedStore};

/// What to do with the secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretArgs {
    /// Make the store and the identity that opens it, where they are not there.
    Init(ConfigFile),
    /// Seal a secret from standard input, in place of an earlier one; a node that runs takes it from the
    /// next reading on.
    Put(OfName),
    /// List the names of the secrets, and whether the identity opens them.
    List(ConfigFile),
    /// Remove a secret.
    Remove(OfName),
    /// Seal every secret for a new identity.
    RotateIdentity(ConfigFile),
}

/// Which secret.
#[derive(Debug, clap::Args)]
pub(crate) struct OfName {
    #[command(flatten)]
    file: ConfigFile,
    /// Name of the secret, such as agencies/civil-registry/password; a manifest of this agency alone
    /// refers to it, as store:NAME.
    name: String,
}

#[derive(Serialize)]
struct Made {
    store: PathBuf,
    public_key: String,
}

#[derive(Serialize)]
struct Put {
    name: String,
    replaced: bool,
}

#[derive(Serialize)]
struct Removed {
    name: String,
}

#[derive(Serialize)]
struct Listed {
    store: PathBuf,
    secrets: Vec<OfSecret>,
}

#[derive(Serialize)]
struct OfSecret {
    name: String,
    opens: bool,
}

#[derive(Serialize)]
struct Rotated {
    public_key: String,
    secrets: usize,
}

/// Runs `rabt secret`.
pub(crate) fn run(args: &SecretArgs, render: &Render) -> Result<ExitCode, CommandError> {
    match args {
        SecretArgs::Init(file) => init(&store(file)?, render),
        SecretArgs::Put(of) => put(&store(&of.file)?, &name(&of.name)?, render),
        SecretArgs::List(file) => list(&store(file)?, render),
        SecretArgs::Remove(of) => remove(&store(&of.file)?, &name(&of.name)?, render),
        SecretArgs::RotateIdentity(file) => rotate(&store(file)?, render),
    }
}

fn init(store: &SealedStore, render: &Render) -> Result<ExitCode, CommandError> {
    let made = Made {
        public_key: store.make().map_err(|error| failed("the store", error))?,
        store: store.folder().to_owned(),
    };
    render.result(&made, || {
        let folder = made.store.display();
        format!("store: {folder}\npublic key: {}", made.public_key)
    });
    Ok(ExitCode::SUCCESS)
}

fn put(store: &SealedStore, name: &SecretName, render: &Render) -> Result<ExitCode, CommandError> {
    let input = std::io::stdin();
    let secret = if input.is_terminal() {
        let asked = rpassword::prompt_password(format!("{name}: "));
        Zeroizing::new(asked.map_err(|error| CommandError::failed(error, ""))?)
    } else {
        read_secret(input.lock())?
    };
    if secret.is_empty() {
        let help =
            format!("write it to standard input: printf %s \"$PASSWORD\" | rabt secret put {name}");
        return Err(CommandError::usage("the secret is empty", help));
    }
    let replaced = store.put(name, &secret);
    let put = Put {
        replaced: replaced.map_err(|error| of_secret(name, error))?,
        name: name.to_string(),
    };
    render.result(&put, || {
        let how = if put.replaced { "replaced" } else { "sealed" };
        format!("{how}: store:{}", put.name)
    });
    Ok(ExitCode::SUCCESS)
}

/// Reads a secret to the end, without the end of its last line.
fn read_secret(input: impl Read) -> Result<Zeroizing<String>, CommandError> {
    let wrong = |what: &str| {
        let help = format!("a secret is a text in UTF-8 of at most {MAX_SECRET_BYTES} bytes");
        CommandError::usage(format!("standard input: {what}"), help)
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let read = input.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| CommandError::failed(format!("standard input: {error}"), ""))?;
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err(wrong("too long"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("not a text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok(Zeroizing::new(text.to_owned()))
}

fn list(store: &SealedStore, render: &Render) -> Result<ExitCode, CommandError> {
    let names = store.names().map_err(|error| failed("the store", error))?;
    let secrets = names.iter().map(|name| OfSecret {
        opens: store.read(name).map(Zeroizing::new).is_ok(),
        name: name.to_string(),
    });
    let listed = Listed {
        store: store.folder().to_owned(),
        secrets: secrets.collect(),
    };
    render.result(&listed, || {
        let rows = listed.secrets.iter().map(|secret| {
            let opens = if secret.opens { "yes" } else { "NO" };
            vec![secret.name.clone(), opens.to_owned()]
        });
        table(&["name", "opens"], rows)
    });
    Ok(ExitCode::SUCCESS)
}

fn remove(
    store: &SealedStore,
    name: &SecretName,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    store.remove(name).map_err(|error| of_secret(name, error))?;
    let removed = Removed {
        name: name.to_string(),
    };
    render.result(&removed, || format!("removed: store:{name}"));
    Ok(ExitCode::SUCCESS)
}

fn rotate(store: &SealedStore, render: &Render) -> Result<ExitCode, CommandError> {
    let rotated = store.rotate().map_err(|error| failed("the store", error))?;
    let rotated = Rotated {
        public_key: rotated.recipient,
        secrets: rotated.secrets,
    };
    render.result(&rotated, || {
        format!(
            "{} secrets are sealed for a new identity\npublic key: {}",
            rotated.secrets, rotated.public_key
        )
    });
    Ok(ExitCode::SUCCESS)
}

fn store(file: &ConfigFile) -> Result<SealedStore, CommandError> {
    let settled = file.settle()?;
    SealedStore::of(&settled).ok_or_else(|| {
        let help = "name a folder in secrets.store of the settings";
        CommandError::usage("the settings name no store of secrets", help)
    })
}

/// Reads a name. What is none is not said again: it may be the secret.
fn name(text: &str) -> Result<SecretName, CommandError> {
    text.parse().map_err(|error| {
        let help = "name it like agencies/civil-registry/password; the secret itself is read from \
                    standard input";
        CommandError::usage(format!("NAME {error}"), help)
    })
}

fn of_secret(name: &SecretName, error: SecretStoreError) -> CommandError {
    failed(&format!("store:{name}"), error)
}

fn failed(what: &str, error: SecretStoreError) -> CommandError {
    CommandError::failed(format!("{what}: {}", error.what), error.remedy)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ConfigFile, OfName, SecretArgs, name, read_secret, run};
    use crate::render::Render;

    fn config(folder: &Path) -> ConfigFile {
        let path = folder.join("rabt.toml");
        std::fs::write(&path, "").unwrap();
        ConfigFile { config: Some(path) }
    }

    fn said(args: &SecretArgs, is_json: bool) -> String {
        let (render, printed) = Render::kept(is_json);
        run(args, &render).unwrap();
        let (out, err) = printed.texts();
        assert_eq!(err, "");
        out
    }

    #[test]
    fn names_and_states_are_shown_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = || config(folder.path());
        let of = |name: &str| OfName {
            file: file(),
            name: name.to_owned(),
        };
        let made = said(&SecretArgs::Init(file()), true);
        assert!(made.contains("\"public_key\": \"age1"), "{made}");
        let again = said(&SecretArgs::Init(file()), true);
        assert_eq!(again, made, "the identity is kept");
        let store = super::store(&file()).unwrap();
        store
            .put(&"tax/password".parse().unwrap(), "hunter2")
            .unwrap();
        let listed: serde_json::Value =
            serde_json::from_str(&said(&SecretArgs::List(file()), true)).unwrap();
        assert_eq!(listed["secrets"][0]["name"], "tax/password");
        assert_eq!(listed["secrets"][0]["opens"], true);
        let text = said(&SecretArgs::List(file()), false);
        assert!(
            text.contains("tax/password") && !text.contains("hunter2"),
            "{text}"
        );
        let rotated = said(&SecretArgs::RotateIdentity(file()), true);
        assert!(rotated.contains("\"secrets\": 1"), "{rotated}");
        assert!(!rotated.contains("SECRET-KEY"), "{rotated}");
        let removed = said(&SecretArgs::Remove(of("tax/password")), false);
        assert_eq!(removed, "removed: store:tax/password\n");
        let (render, _) = Render::kept(true);
        let error = run(&SecretArgs::Remove(of("tax/password")), &render).unwrap_err();
        assert!(error.faults()[0].message.contains("store:tax/password"));
    }

    #[test]
    fn a_secret_is_read_without_the_end_of_its_line() {
        for (input, expected) in [
            ("hunter2\n", "hunter2"),
            ("hunter2\r\n", "hunter2"),
            (" two words ", " two words "),
            ("two\nlines\n", "two\nlines"),
            ("\n", ""),
        ] {
            assert_eq!(read_secret(input.as_bytes()).unwrap().as_str(), expected);
        }
        let long = "x".repeat(70_000);
        for wrong in [long.as_bytes(), b"\xff".as_slice()] {
            assert!(read_secret(wrong).is_err());
        }
        let error = name("Hunter 2").unwrap_err();
        assert!(!error.faults()[0].message.contains("Hunter"));
    }
}
