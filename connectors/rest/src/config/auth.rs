//! How the connector says who it is.

use rabt_connect::ConfigFields;

use std::fmt;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::url_of;

const KINDS: [&str; 5] = ["none", "api-key", "bearer", "basic", "oauth2"];

/// Which keys belong to which way.
const BELONGS: [(&str, &[&str]); 5] = [
    ("none", &[]),
    ("api-key", &["key", "key_header", "key_param"]),
    ("bearer", &["token"]),
    ("basic", &["user", "password"]),
    (
        "oauth2",
        &[
            "token_url",
            "client_id",
            "client_secret",
            "client_auth",
            "scopes",
        ],
    ),
];

/// Headers that steer the connection.
const NO_KEY_HEADERS: [&str; 6] = [
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
    "upgrade",
];

/// A secret; nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

/// How the connector says who it is.
#[derive(Debug, Clone)]
pub(crate) enum Auth {
    None,
    /// A key in a header or in the query.
    Key {
        place: KeyPlace,
        key: Secret,
    },
    /// A token that does not change.
    Bearer(Secret),
    /// HTTP basic.
    Basic {
        user: String,
        password: Secret,
    },
    /// A token for the client's own credentials.
    OAuth2(Box<OAuth2>),
}

/// Where an API key stands.
#[derive(Debug, Clone)]
pub(crate) enum KeyPlace {
    Header(HeaderName),
    Param(String),
}

/// OAuth 2.0 client credentials (RFC 6749, 4.4).
#[derive(Debug, Clone)]
pub(crate) struct OAuth2 {
    pub(crate) token_url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    /// The client's credentials go into the form, not into the `Authorization` header.
    pub(crate) in_form: bool,
    /// Joined by spaces; empty for none.
    pub(crate) scope: String,
}

impl Secret {
    /// Returns the secret, to be sent.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Returns the way a configuration describes; mistakes are noted in `fields`.
pub(super) fn read(fields: &ConfigFields<'_>) -> Option<Auth> {
    let kind = if fields.has("auth") {
        fields.word("auth", &KINDS)?
    } else {
        "none"
    };
    for (other, keys) in BELONGS {
        for key in keys.iter().filter(|key| other != kind && fields.has(key)) {
            fields.wrong(key, format!("belongs to auth = \"{other}\""));
        }
    }
    match kind {
        "api-key" => {
            let place = key_place(fields);
            let key = secret(fields, "key", "the API key")?;
            Some(Auth::Key { place: place?, key })
        }
        "bearer" => secret(fields, "token", "the token").map(Auth::Bearer),
        "basic" => {
            let user = fields.needed("user", "the account's name");
            if user.is_some_and(|user| user.contains(':')) {
                fields.wrong("user", "cannot hold a colon");
            }
            let password = secret(fields, "password", "the account's password")?;
            let user = user?.to_owned();
            Some(Auth::Basic { user, password })
        }
        "oauth2" => oauth2(fields),
        _ => Some(Auth::None),
    }
}

fn key_place(fields: &ConfigFields<'_>) -> Option<KeyPlace> {
    match (fields.text("key_header"), fields.text("key_param")) {
        (Some(header), None) => {
            let name = HeaderName::from_bytes(header.as_bytes()).ok();
            let Some(name) = name else {
                fields.wrong("key_header", "is not the name of a header");
                return None;
            };
            if NO_KEY_HEADERS.contains(&name.as_str()) {
                fields.wrong(
                    "key_header",
                    "is a header of the connection; a key cannot go there",
                );
                return None;
            }
            Some(KeyPlace::Header(name))
        }
        (None, Some("")) => {
            fields.wrong("key_param", "is empty");
            None
        }
        (None, Some(param)) => Some(KeyPlace::Param(param.to_owned())),
        (Some(_), Some(_)) => {
            fields.wrong("key_param", "cannot stand beside `key_header`");
            None
        }
        (None, None) => {
            if !fields.has("key_header") && !fields.has("key_param") {
                let message =
                    "is missing: the header of the key, or `key_param`, its place in the query";
                fields.wrong("key_header", message);
            }
            None
        }
    }
}

fn oauth2(fields: &ConfigFields<'_>) -> Option<Auth> {
    let token_url = fields.needed("token_url", "where tokens are given");
    let token_url = token_url.and_then(|text| url_of(fields, "token_url", text));
    let client_id = fields.needed("client_id", "the client's name");
    let in_form = fields
        .word("client_auth", &["basic", "form"])
        .is_some_and(|place| place == "form");
    let scope = fields.texts("scopes").join(" ");
    let client_secret = secret(fields, "client_secret", "the client's secret")?;
    Some(Auth::OAuth2(Box::new(OAuth2 {
        token_url: token_url?,
        client_id: client_id?.to_owned(),
        client_secret,
        in_form,
        scope,
    })))
}

/// Returns a secret. Where it still is a reference, as in a manifest that is only checked, an empty
/// one stands for it.
fn secret(fields: &ConfigFields<'_>, key: &str, what: &str) -> Option<Secret> {
    if fields.get(key).is_some_and(toml::Value::is_table) {
        return Some(Secret::new(""));
    }
    let text = fields.needed(key, what)?;
    // A secret goes into a header or a form; a line break in it is a mistake of the file.
    if HeaderValue::from_str(text).is_err() {
        fields.wrong(key, "holds a character that cannot be sent in a header");
        return None;
    }
    Some(Secret::new(text))
}
