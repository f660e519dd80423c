//! Secrets by reference: a manifest names where a secret is, never the secret.

use std::path::Path;

use crate::error::ConnectError;

/// Returns the configuration with every `{ secret = "env:NAME" }` and `{ secret = "file:PATH" }`
/// replaced by the secret; paths start at `base`, and white space at the end of a file is left out.
///
/// # Errors
/// A configuration error that names the key and the reference, never a secret.
pub fn resolve_secrets(config: &toml::Table, base: &Path) -> Result<toml::Table, ConnectError> {
    let environment = |name: &str| std::env::var(name).ok();
    let resolve = |(key, value): (&String, &toml::Value)| {
        resolve_value(key, value, base, &environment).map(|value| (key.clone(), value))
    };
    config.iter().map(resolve).collect()
}

fn resolve_value(
    key: &str,
    value: &toml::Value,
    base: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<toml::Value, ConnectError> {
    let reference = value.as_table().and_then(|table| table.get("secret"));
    let Some(reference) = reference.and_then(toml::Value::as_str) else {
        return Ok(value.clone());
    };
    let place = format!("source.config.{key}");
    let secret = if let Some(name) = reference.strip_prefix("env:") {
        environment(name).ok_or_else(|| {
            let what = format!("the environment variable {name} is not set");
            let remedy = format!("set {name} for the process that reads the source");
            ConnectError::configuration(&place, what, remedy)
        })?
    } else if let Some(path) = reference.strip_prefix("file:") {
        let text = std::fs::read_to_string(base.join(path)).map_err(|error| {
            let what = format!("the secret file {path} cannot be read: {}", error.kind());
            ConnectError::configuration(&place, what, "create it, readable by this process only")
        })?;
        text.trim_end().to_owned()
    } else {
        return Err(ConnectError::configuration(
            &place,
            "is a secret of an unknown place",
            "write env:NAME or file:PATH",
        ));
    };
    Ok(toml::Value::String(secret))
}

#[cfg(test)]
mod tests {
    use super::{resolve_secrets, resolve_value};

    #[test]
    fn secrets_come_from_the_environment_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "hunter2\n").unwrap();
        let config: toml::Table =
            "host = 'h'\npassword = { secret = 'file:password' }\nport = 5432"
                .parse()
                .unwrap();
        let resolved = resolve_secrets(&config, folder.path()).unwrap();
        assert_eq!(resolved["password"].as_str(), Some("hunter2"));
        assert_eq!(resolved["port"].as_integer(), Some(5432));

        let reference = toml::Value::Table("secret = 'env:PW'".parse().unwrap());
        let set = |name: &str| (name == "PW").then(|| "s".to_owned());
        let value = resolve_value("password", &reference, folder.path(), &set).unwrap();
        assert_eq!(value.as_str(), Some("s"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (text, said) in [
            ("password = { secret = 'file:absent' }", "absent"),
            (
                "password = { secret = 'env:RABT_TEST_NOT_SET' }",
                "RABT_TEST_NOT_SET",
            ),
            ("password = { secret = 'vault:x' }", "unknown place"),
        ] {
            let error = resolve_secrets(&text.parse().unwrap(), folder.path()).unwrap_err();
            assert_eq!(error.name(), "configuration");
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
