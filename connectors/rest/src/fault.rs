//! From what a server does to the four classes.
//!
//! Invariant: nothing the server wrote is repeated, neither its body nor a header, but for numbers
//! and words of a closed list.

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use rabt_connect::ConnectError;

/// Types of content worth naming when they come instead of JSON.
const NAMED_TYPES: [&str; 8] = [
    "text/html",
    "text/plain",
    "text/csv",
    "text/xml",
    "application/xml",
    "application/xhtml+xml",
    "application/octet-stream",
    "application/pdf",
];

/// Returns the error that a status is; `login` is what to do about a login that was refused.
pub(crate) fn of_status(
    place: &str,
    status: StatusCode,
    headers: &HeaderMap,
    login: &str,
) -> ConnectError {
    let number = status.as_u16();
    let configuration = |what: &str, remedy: &str| {
        ConnectError::configuration(place, format!("{what} ({number})"), remedy)
    };
    match number {
        300..=399 => configuration(
            "is somewhere else, says the server, and redirects are not followed",
            "write the address where it is now in `url`, or in the table's `path`",
        ),
        401 => configuration("refused the login", login),
        403 => configuration(
            "may not be read with this login",
            "ask the agency for the right to read it, and to let this machine's address in",
        ),
        404 | 410 => configuration(
            "is not there",
            "compare `url`, and `path` or the name of the table, with the agency's description",
        ),
        407 => configuration(
            "is behind a proxy that wants a login",
            "let this machine reach the server itself",
        ),
        408 | 425 | 429 | 500 | 502..=504 | 506..=599 => busy(place, status, headers),
        _ => configuration(
            "was not asked for in a way the server takes",
            "compare `paging`, `size_param`, `page_size`, `query` and `since` with the agency's description",
        ),
    }
}

fn busy(place: &str, status: StatusCode, headers: &HeaderMap) -> ConnectError {
    let number = status.as_u16();
    let what = match number {
        429 => "has had too many requests for now",
        503 => "is not available for now",
        _ => "failed at the server",
    };
    let remedy = match retry_after(headers) {
        Some(seconds) => format!("the server asks to wait {seconds} seconds"),
        None => "try later; if it lasts, tell the agency".to_owned(),
    };
    ConnectError::transient(place, format!("{what} ({number})"), remedy)
}

/// Returns what the server's clock says.
pub(crate) fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    time_of(headers.get(header::DATE)?.to_str().ok()?)
}

/// Returns how many seconds a server wants to be left alone, at most a week. A time is counted
/// from the server's own.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    const WEEK: u64 = 7 * 24 * 3_600;
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = if let Ok(seconds) = text.parse::<u64>() {
        seconds
    } else {
        let wait = time_of(text)?.duration_since(date_of(headers)?);
        u64::try_from(wait.as_secs()).unwrap_or(0)
    };
    Some(seconds.min(WEEK))
}

/// Returns the time that a header says.
fn time_of(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
}

/// Returns the error that an answer is no JSON by its type.
pub(crate) fn not_json(place: &str, essence: &str) -> ConnectError {
    let named = NAMED_TYPES.iter().find(|known| **known == essence);
    let what = match named {
        Some(named) => format!("is answered with {named} instead of JSON"),
        None => "is answered with something that is not JSON".to_owned(),
    };
    let remedy = "check `url`: a page for people, or of a proxy, may stand there";
    ConnectError::configuration(place, what, remedy)
}

/// Returns the error that JSON could not be understood. The parser's words are left out, because
/// they hold values.
pub(crate) fn bad_json(place: &str, error: &serde_json::Error) -> ConnectError {
    if error.is_eof() {
        return broke_off(place);
    }
    let (line, column) = (error.line(), error.column());
    let what = format!("is answered with text that is not JSON, at line {line} column {column}");
    ConnectError::data(place, what, "tell the agency; the answer is damaged")
}

/// Returns the error that an answer ended before its end.
pub(crate) fn broke_off(place: &str) -> ConnectError {
    let remedy = "try later; if it lasts, ask the agency for smaller pages (`page_size`)";
    ConnectError::transient(place, "broke off in the middle of an answer", remedy)
}

/// Returns the error that a page is too large.
pub(crate) fn too_large(place: &str, most: usize) -> ConnectError {
    let most = most / (1024 * 1024);
    let what = format!("has a page of more than {most} MiB");
    let remedy = "lower `page_size`, or raise `max_page_mib`";
    ConnectError::configuration(place, what, remedy)
}

/// Returns the error that a page did not come in time.
pub(crate) fn timed_out(place: &str, seconds: u64) -> ConnectError {
    let what = format!("did not answer within {seconds} s");
    let remedy = "lower `page_size`, or raise `timeout`; it cannot pass protect.statement_timeout";
    ConnectError::transient(place, what, remedy)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::{of_status, retry_after};

    #[test]
    fn statuses_have_classes() {
        for (status, class) in [
            (302, "configuration"),
            (400, "configuration"),
            (401, "configuration"),
            (403, "configuration"),
            (404, "configuration"),
            (408, "transient"),
            (422, "configuration"),
            (429, "transient"),
            (500, "transient"),
            (501, "configuration"),
            (503, "transient"),
            (504, "transient"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let error = of_status("table t", status, &HeaderMap::new(), "`token`");
            assert_eq!(error.name(), class, "{status}");
        }
    }

    #[test]
    fn a_pause_is_seconds_or_a_time() {
        let date = HeaderValue::from_static("Mon, 01 Jun 2026 10:00:00 GMT");
        for (text, expected) in [
            ("120", Some(120)),
            ("Mon, 01 Jun 2026 10:01:30 GMT", Some(90)),
            ("Mon, 01 Jun 2026 09:00:00 GMT", Some(0)),
            ("99999999999", Some(604_800)),
            ("soon", None),
            ("-5", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_static(text));
            headers.insert("date", date.clone());
            assert_eq!(retry_after(&headers), expected, "{text}");
        }
    }
}
