//! From what a server answers to the four classes.
//!
//! Invariant: nothing the server wrote is repeated but the number of a code; its texts hold names of
//! entries.

use rabt_connect::ConnectError;

use crate::client::MAX_PAGE;
use crate::wire::Lost;

/// The search went on longer than it may.
pub(crate) const TIME_LIMIT: u32 = 3;
/// The search found more than the server gives.
pub(crate) const SIZE_LIMIT: u32 = 4;
/// The login was refused.
const INVALID_CREDENTIALS: u32 = 49;

/// Returns the error that a code is in the answer to a search.
pub(crate) fn of_search(place: &str, code: u32) -> ConnectError {
    let configuration = |what: &str, remedy: &str| {
        ConnectError::configuration(place, format!("{what} (code {code})"), remedy)
    };
    match code {
        TIME_LIMIT => ConnectError::transient(
            place,
            format!("was not searched within the time limit (code {code})"),
            "ask the agency to index the attributes of the filter, of the order and of the cursor, or raise protect.statement_timeout",
        ),
        SIZE_LIMIT => configuration(
            "has more entries than the server gives this login",
            "ask the agency to lift the size limit of the login, paged results included; lower `page_size` when the limit is one of a page",
        ),
        11 => configuration(
            "would cost the server more than it spends on a search",
            "ask the agency to lift the limit of the login, or to index the attributes of the filter and of the order",
        ),
        12 => configuration(
            "cannot be read page by page, says the server",
            "ask the agency to allow the paged results control (1.2.840.113556.1.4.319)",
        ),
        16..=21 => configuration(
            "was searched by a filter that the server does not take",
            "compare `filter`, `order` and the cursor with the server's schema",
        ),
        32 => configuration(
            "has a base that is not there, or that the login may not see",
            "correct `base`, or ask the agency for the right to read it",
        ),
        34 => configuration(
            "has a base that is no distinguished name",
            "write `base` as in ou=people,dc=agency,dc=example",
        ),
        _ => of_any(place, code),
    }
}

/// Returns the error that a code is in the answer to a login.
pub(crate) fn of_login(place: &str, code: u32) -> ConnectError {
    let (what, remedy) = match code {
        INVALID_CREDENTIALS | 32 => (
            "refused the login",
            "check `bind_dn` and `password`, and whether the account is locked or its password has expired",
        ),
        34 => (
            "takes the account for no distinguished name",
            "write `bind_dn` as in cn=rabt,dc=agency,dc=example",
        ),
        7 | 48 => (
            "does not let this account log in by password",
            "ask the agency for an account with a password",
        ),
        50 | 53 => (
            "does not let this account log in",
            "ask the agency whether the account is locked, and whether a login without `bind_dn` is allowed",
        ),
        _ => return of_any(place, code),
    };
    ConnectError::configuration(place, format!("{what} (code {code})"), remedy)
}

fn of_any(place: &str, code: u32) -> ConnectError {
    let configuration = |what: &str, remedy: &str| {
        ConnectError::configuration(place, format!("{what} (code {code})"), remedy)
    };
    match code {
        51 | 52 => ConnectError::transient(
            place,
            format!("is busy or not available for now (code {code})"),
            "try later; if it lasts, tell the agency",
        ),
        TIME_LIMIT | 80 => ConnectError::transient(
            place,
            format!("failed at the server (code {code})"),
            "try later; if it lasts, tell the agency",
        ),
        1 | 50 => configuration(
            "may not be read with this login",
            "set `bind_dn` and `password`, or ask the agency for the right to read it",
        ),
        8 | 13 => configuration(
            "is only given over an encrypted connection",
            "write ldaps:// in `url`, or set start_tls = true",
        ),
        10 => configuration(
            "is at another server, and referrals are not followed",
            "write that server in `url`, or a `base` that this one holds",
        ),
        53 => configuration(
            "is not given by the server in this way",
            "ask the agency what the login may search for",
        ),
        _ => configuration(
            "was refused by the server",
            "ask the agency what the code means there",
        ),
    }
}

/// Returns the error that a server cannot be reached.
pub(crate) fn unreachable(place: &str, what: &str) -> ConnectError {
    let remedy = "see that the server runs, that its name is right and that its firewall lets this machine in";
    ConnectError::transient(place, what, remedy)
}

/// Returns the error that something else than a directory answers.
pub(crate) fn not_ldap(place: &str) -> ConnectError {
    let remedy = "check the port in `url`: 636 is for ldaps://, 389 for ldap://";
    ConnectError::configuration(place, "answers in a way that is no LDAP", remedy)
}

/// Returns the error that a connection ended in the middle.
pub(crate) fn lost(place: &str, why: Lost) -> ConnectError {
    match why {
        Lost::Closed => ConnectError::transient(
            place,
            "broke the connection",
            "try later; if it lasts, ask the agency how long a connection may stand",
        ),
        Lost::NotLdap => not_ldap(place),
        Lost::TooLarge => ConnectError::data(
            place,
            "sent an entry of more than 16 MiB",
            "leave the large attribute out of the mapping, or tell the agency",
        ),
    }
}

/// Returns the error that an answer did not come in time.
pub(crate) fn timed_out(place: &str, seconds: u64) -> ConnectError {
    let what = format!("did not answer within {seconds} s");
    let remedy = "lower `page_size`, or raise `timeout`; it cannot pass protect.statement_timeout";
    ConnectError::transient(place, what, remedy)
}

/// Returns the error that a page does not fit into memory.
pub(crate) fn too_much(place: &str) -> ConnectError {
    let what = format!("gives more than {} MiB in one page", MAX_PAGE >> 20);
    let remedy = "lower `page_size`, leave large attributes out of the mapping, or ask the agency to allow \
                  the paged results control (1.2.840.113556.1.4.319)";
    ConnectError::configuration(place, what, remedy)
}

/// Returns the error that a server pages without an end.
pub(crate) fn endless(place: &str) -> ConnectError {
    let what = "gives one empty page after the other";
    ConnectError::data(place, what, "tell the agency; paging does not end there")
}

#[cfg(test)]
mod tests {
    use super::{of_login, of_search};

    #[test]
    fn codes_have_classes() {
        for (code, class) in [
            (1, "configuration"),
            (3, "transient"),
            (4, "configuration"),
            (10, "configuration"),
            (11, "configuration"),
            (12, "configuration"),
            (21, "configuration"),
            (32, "configuration"),
            (50, "configuration"),
            (51, "transient"),
            (52, "transient"),
            (53, "configuration"),
            (80, "transient"),
            (118, "configuration"),
        ] {
            let error = of_search("table t", code);
            assert_eq!(error.name(), class, "{code}");
            assert!(error.to_string().contains(&format!("(code {code})")));
        }
        for (code, class) in [
            (8, "configuration"),
            (32, "configuration"),
            (34, "configuration"),
            (49, "configuration"),
            (52, "transient"),
            (53, "configuration"),
        ] {
            assert_eq!(of_login("server s", code).name(), class, "{code}");
        }
    }
}
