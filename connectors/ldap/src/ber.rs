//! Messages of LDAP as they lie on the wire: just enough of BER to tell which of them the library can
//! take.
//!
//! The library reads what is nested by calling itself, waits for ever for a part that ends outside of
//! what holds it, and panics at results of another shape than RFC 4511 says. None of these messages
//! reaches it.

/// Deepest nesting of a message; an entry has six.
const DEEPEST: u32 = 10;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0A;
const BOOLEAN: u8 = 0x01;
const SEQUENCE: u8 = 0x30;
const CONTROLS: u8 = 0xA0;
const REFERRALS: u8 = 0xA3;

/// The answer to a login.
const BIND: u8 = 0x61;
/// The end of a search.
const DONE: u8 = 0x65;
/// The answer to an extended request.
pub(crate) const EXTENDED: u8 = 0x78;
/// What a search can be answered with: an entry, the end, a reference and an announcement.
const FOUND: [u8; 4] = [0x64, DONE, 0x73, 0x79];

/// A value with its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'b> {
    pub(crate) tag: u8,
    pub(crate) content: &'b [u8],
}

/// The head of a value: how long it is itself, and how long what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) own: usize,
    pub(crate) content: usize,
}

/// Returns the head that bytes begin with; nothing when it is not whole yet.
///
/// # Errors
/// When no more bytes can make a head of it: a tag of several bytes, a length without a number or of
/// more than four bytes.
pub(crate) fn head(bytes: &[u8]) -> Result<Option<Head>, ()> {
    let [tag, length, rest @ ..] = bytes else {
        return Ok(None);
    };
    if tag & 0x1F == 0x1F {
        return Err(());
    }
    if *length < 0x80 {
        let content = usize::from(*length);
        return Ok(Some(Head { own: 2, content }));
    }
    let count = usize::from(*length - 0x80);
    if !(1..=4).contains(&count) {
        return Err(());
    }
    let Some(digits) = rest.get(..count) else {
        return Ok(None);
    };
    let number = digits
        .iter()
        .fold(0, |number, digit| (number << 8) | usize::from(*digit));
    Ok(Some(Head {
        own: 2 + count,
        content: number,
    }))
}

/// Returns the values that stand one behind the other; nothing when they do not fill the bytes.
pub(crate) fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements = Vec::new();
    while let [tag, ..] = bytes {
        let head = head(bytes).ok()??;
        let end = head.own.checked_add(head.content)?;
        let content = bytes.get(head.own..end)?;
        elements.push(Element { tag: *tag, content });
        bytes = &bytes[end..];
    }
    Some(elements)
}

/// Returns the operation of a message that the library can take; nothing when it cannot.
pub(crate) fn operation(message: &[u8]) -> Option<Element<'_>> {
    let [whole] = elements(message)?[..] else {
        return None;
    };
    if whole.tag != SEQUENCE || !is_nested(whole.content, DEEPEST) {
        return None;
    }
    let parts = elements(whole.content)?;
    let (id, operation, rest) = match parts.as_slice() {
        [id, operation, rest @ ..] => (id, *operation, rest),
        _ => return None,
    };
    let numbered = id.tag == INTEGER && (1..=4).contains(&id.content.len());
    // Some servers write the name of an announcement behind it; the library leaves it out.
    let ends_well = match rest {
        [] => true,
        [last] => last.tag == 0x8A || (last.tag == CONTROLS && are_controls(last.content)),
        _ => false,
    };
    let known = match operation.tag {
        BIND | DONE | EXTENDED => is_result(operation.content),
        other => FOUND.contains(&other),
    };
    (numbered && ends_well && known).then_some(operation)
}

/// Returns the number of a message and the tag of its operation.
pub(crate) fn outline(message: &[u8]) -> Option<(&[u8], u8)> {
    let whole = *elements(message)?.first()?;
    match elements(whole.content)?[..] {
        [id, operation, ..] => Some((id.content, operation.tag)),
        _ => None,
    }
}

/// Returns the tags that a request may be answered with.
pub(crate) const fn answers(request: u8) -> &'static [u8] {
    match request {
        0x60 => &[BIND],
        0x63 => &FOUND,
        0x77 => &[EXTENDED],
        _ => &[],
    }
}

/// Returns the code of a result.
pub(crate) fn code(result: Element<'_>) -> Option<u32> {
    let parts = elements(result.content)?;
    let first = parts.first().filter(|part| part.tag == ENUMERATED)?;
    let digits = first.content.iter();
    Some(digits.fold(0, |code, digit| (code << 8) | u32::from(*digit)))
}

/// Returns the cookie of the control that an answer to a paged search ends with.
pub(crate) fn cookie(control: &[u8]) -> Option<Vec<u8>> {
    let [whole] = elements(control)?[..] else {
        return None;
    };
    match elements(whole.content)?[..] {
        [size, cookie] if size.tag == INTEGER && cookie.tag == OCTETS => {
            Some(cookie.content.to_vec())
        }
        _ => None,
    }
}

/// Says whether everything that is nested fills what holds it.
fn is_nested(bytes: &[u8], deepest: u32) -> bool {
    let Some(elements) = elements(bytes) else {
        return false;
    };
    let mut nested = elements.iter().filter(|element| element.tag & 0x20 != 0);
    nested.all(|element| deepest > 0 && is_nested(element.content, deepest - 1))
}

fn is_result(content: &[u8]) -> bool {
    let Some(parts) = elements(content) else {
        return false;
    };
    let [code, matched, text, rest @ ..] = parts.as_slice() else {
        return false;
    };
    let is_code = code.tag == ENUMERATED && (1..=4).contains(&code.content.len());
    is_code && is_text(*matched) && is_text(*text) && rest.iter().copied().all(is_rest)
}

/// Says whether a part of a result behind its text is one that RFC 4511 knows.
fn is_rest(part: Element<'_>) -> bool {
    match part.tag {
        REFERRALS => {
            let places = elements(part.content).unwrap_or_default();
            places.into_iter().all(is_text)
        }
        0x8A => std::str::from_utf8(part.content).is_ok(),
        0x87 | 0x8B => true,
        _ => false,
    }
}

fn is_text(part: Element<'_>) -> bool {
    part.tag == OCTETS && std::str::from_utf8(part.content).is_ok()
}

fn are_controls(content: &[u8]) -> bool {
    let Some(controls) = elements(content) else {
        return false;
    };
    controls.into_iter().all(|control| {
        let parts = elements(control.content).unwrap_or_default();
        let Some((kind, rest)) = parts.split_first() else {
            return false;
        };
        let tags: Vec<u8> = rest.iter().map(|part| part.tag).collect();
        let known = match tags.as_slice() {
            [] | [OCTETS] => true,
            [BOOLEAN] | [BOOLEAN, OCTETS] => !rest[0].content.is_empty(),
            _ => false,
        };
        control.tag == SEQUENCE && is_text(*kind) && known
    })
}

#[cfg(test)]
mod tests;
