//! Tokens for the client's own credentials (OAuth 2.0, RFC 6749 section 4.4).

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode};
use rabt_connect::ConnectError;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::config::{OAuth2, Secret, server_of};
use crate::fault;
use crate::json::{text, value, whole};
use crate::pointer::Pointer;

/// Largest answer of a token server, in bytes.
pub(super) const MAX_ANSWER: usize = 256 * 1024;

/// How long before its end a token is no longer used, at most.
const MARGIN: Duration = Duration::from_mins(1);

/// What RFC 6749 lets a token server complain of.
const COMPLAINTS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// A token and when it should be replaced.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) secret: Secret,
    until: Option<Instant>,
}

impl Token {
    /// Says whether the token may still be sent.
    pub(super) fn is_fresh(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}

/// Returns the place of the token server for people.
pub(super) fn place(oauth2: &OAuth2) -> String {
    format!("token server {}", server_of(&oauth2.token_url))
}

/// Returns the form that asks for a token.
pub(super) fn form(oauth2: &OAuth2) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !oauth2.scope.is_empty() {
        form.append_pair("scope", &oauth2.scope);
    }
    if oauth2.in_form {
        form.append_pair("client_id", &oauth2.client_id);
        form.append_pair("client_secret", oauth2.client_secret.expose());
    }
    form.finish()
}

/// Returns the header that names the client, where it does not stand in the form. Both parts are
/// encoded as in a form (RFC 6749 section 2.3.1).
pub(super) fn authorization(oauth2: &OAuth2) -> Option<HeaderValue> {
    if oauth2.in_form {
        return None;
    }
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let client = encoded(&oauth2.client_id);
    let secret = encoded(oauth2.client_secret.expose());
    basic(&client, &secret)
}

/// Returns the header of HTTP basic.
pub(super) fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    let pair = STANDARD.encode(format!("{user}:{password}"));
    sensitive(&format!("Basic {pair}"))
}

/// Returns a header value that nothing shows.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Returns the token of a server's answer.
pub(super) fn read(place: &str, answer: &str) -> Result<Token, ConnectError> {
    let json = whole(answer).map_err(|error| fault::bad_json(place, &error))?;
    let at = |pointer: &str| Pointer::parse(pointer).and_then(|pointer| pointer.find(json));
    let kind = at("/token_type").and_then(text);
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        let what = "gives tokens of a type other than Bearer";
        return Err(ConnectError::configuration(
            place,
            what,
            "ask the agency for another way to log in",
        ));
    }
    let token = at("/access_token")
        .and_then(text)
        .filter(|token| !token.is_empty() && HeaderValue::from_str(token).is_ok());
    let Some(token) = token else {
        let what = "gave an answer without a token";
        return Err(ConnectError::configuration(
            place,
            what,
            "check `token_url`",
        ));
    };
    let seconds = at("/expires_in").and_then(|json| match value(json) {
        crate::json::Value::Text(text) => text.parse::<u64>().ok(),
        crate::json::Value::Null | crate::json::Value::Unreadable(_) => None,
    });
    let until = seconds.and_then(|seconds| {
        let lives = Duration::from_secs(seconds);
        Instant::now().checked_add(lives.saturating_sub(MARGIN.min(lives / 10)))
    });
    Ok(Token {
        secret: Secret::new(token),
        until,
    })
}

/// Returns the error that a token was refused; the complaint is named when it is one of the
/// standard's words.
pub(super) fn refused(place: &str, status: StatusCode, answer: &str) -> ConnectError {
    let error = Pointer::parse("/error").and_then(|pointer| pointer.find(answer).and_then(text));
    let known = COMPLAINTS
        .iter()
        .find(|known| error.as_deref() == Some(**known));
    let number = status.as_u16();
    let what = match known {
        Some(known) => format!("refused the client: {known} ({number})"),
        None => format!("refused the client ({number})"),
    };
    let remedy = match known {
        Some(&"invalid_scope") => "check `scopes`",
        _ => "check `client_id`, `client_secret`, `client_auth` and `scopes`",
    };
    ConnectError::configuration(place, what, remedy)
}

#[cfg(test)]
mod tests {
    use super::{basic, read};

    #[test]
    fn tokens_are_read() {
        let token = read(
            "t",
            r#"{"access_token":"abc","token_type":"bearer","expires_in":3600}"#,
        );
        let token = token.unwrap();
        assert!(token.is_fresh() && token.until.is_some());
        assert_eq!(token.secret.expose(), "abc");
        assert!(!format!("{token:?}").contains("abc"));
        let ends = read("t", r#"{"access_token":"abc","expires_in":"0"}"#).unwrap();
        assert!(!ends.is_fresh());
        let endless = read("t", r#"{"access_token":"abc"}"#).unwrap();
        assert!(endless.is_fresh() && endless.until.is_none());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for (answer, class) in [
            ("", "transient"),
            ("<html>", "data"),
            ("{}", "configuration"),
            (r#"{"access_token":""}"#, "configuration"),
            (r#"{"access_token":"a\nb"}"#, "configuration"),
            (
                r#"{"access_token":"a","token_type":"mac"}"#,
                "configuration",
            ),
        ] {
            assert_eq!(read("t", answer).unwrap_err().name(), class, "{answer}");
        }
        assert!(!format!("{:?}", basic("u", "hunter2")).contains("aHVudGVy"));
    }
}
