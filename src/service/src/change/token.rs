//! Resume tokens: a place in the feed, sealed for one caller.
//!
//! Invariant: a token works for the caller that it was given to and for nobody else, on every node
//! that has the same key, also after a restart.

use rabt_audit::PseudonymKey;
use rabt_policy::Caller;

/// Length of a seal.
const SEAL: usize = 24;
/// Length of the word for a way.
const WAY: usize = 8;

/// Returns the token of the place behind a change, in a way of reading: see [`way`](super::veiled::way).
pub(super) fn seal(key: &PseudonymKey, caller: &Caller, way: &str, sequence: u64) -> String {
    let place = format!("{sequence:016x}{way}");
    let seal = seal_of(key, caller, &place);
    format!("{place}{seal}")
}

/// Returns the way and the place of a token; `None` when it was not given to this caller.
pub(super) fn open(key: &PseudonymKey, caller: &Caller, token: &str) -> Option<(String, u64)> {
    let place = unsealed(key, caller, token)?;
    let (sequence, way) = place.split_at_checked(16)?;
    let is_way = way.is_empty() || way.len() == WAY;
    let sequence = u64::from_str_radix(sequence, 16).ok()?;
    is_way.then(|| (way.to_owned(), sequence))
}

/// Returns the token of the page of a snapshot behind a place among the citizens.
pub(super) fn seal_page(
    key: &PseudonymKey,
    caller: &Caller,
    way: &str,
    (sequence, after): (u64, u64),
) -> String {
    let place = format!("{sequence:016x}{after:016x}{way}");
    let seal = seal_of(key, caller, &place);
    format!("{place}{seal}")
}

/// Returns the way and the place of a token of [`seal_page`].
pub(super) fn open_page(
    key: &PseudonymKey,
    caller: &Caller,
    token: &str,
) -> Option<(String, (u64, u64))> {
    let place = unsealed(key, caller, token)?;
    let (sequence, rest) = place.split_at_checked(16)?;
    let (after, way) = rest.split_at_checked(16)?;
    let is_way = way.is_empty() || way.len() == WAY;
    let sequence = u64::from_str_radix(sequence, 16).ok()?;
    let after = u64::from_str_radix(after, 16).ok()?;
    is_way.then(|| (way.to_owned(), (sequence, after)))
}

/// Returns what is before the seal of a token, when that fits.
fn unsealed<'t>(key: &PseudonymKey, caller: &Caller, token: &'t str) -> Option<&'t str> {
    let place = token.len().checked_sub(SEAL)?;
    let (place, seal) = token.split_at_checked(place)?;
    (seal == seal_of(key, caller, place)).then_some(place)
}

fn seal_of(key: &PseudonymKey, caller: &Caller, place: &str) -> String {
    let role = caller.role.as_str();
    let text = format!("{}\u{1f}{role}\u{1f}{place}", caller.system);
    let seal = key.token(&caller.agency, &text).to_string();
    seal.get(..SEAL).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use rabt_audit::PseudonymKey;
    use rabt_policy::{Caller, Role};

    use super::{open, open_page, seal, seal_page};

    fn caller(system: &str) -> Caller {
        Caller {
            agency: "tax".parse().unwrap(),
            system: system.to_owned(),
            role: Role::System,
        }
    }

    #[test]
    fn tokens_are_bound_to_their_caller_and_their_place() {
        let key = PseudonymKey::new(&[1; 32]);
        let desk = caller("desk");
        let token = seal(&key, &desk, "", 7);
        assert_eq!(open(&key, &desk, &token), Some((String::new(), 7)));
        let other = seal(&key, &desk, "0a0b0c0d", 7);
        assert_eq!(open(&key, &desk, &other), Some(("0a0b0c0d".to_owned(), 7)));
        assert_eq!(open(&key, &desk, &other.replace("0a0b0c0d", "")), None);
        assert_eq!(open(&key, &caller("portal"), &token), None);
        assert_eq!(open(&PseudonymKey::new(&[2; 32]), &desk, &token), None);
        let forged = format!("{:016x}{}", 8, &token[16..]);
        for wrong in ["", "7", "م", &forged] {
            assert_eq!(open(&key, &desk, wrong), None);
        }
        let page = seal_page(&key, &desk, "", (7, 9));
        let opened = open_page(&key, &desk, &page);
        assert_eq!(opened, Some((String::new(), (7, 9))));
        assert_eq!(open(&key, &desk, &page), None);
        assert_eq!(open_page(&key, &caller("portal"), &page), None);
        assert_eq!(open_page(&key, &desk, &token), None);
    }
}
