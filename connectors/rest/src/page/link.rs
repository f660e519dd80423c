//! The `Link` header (RFC 8288).

use http::{HeaderMap, header};

/// Returns the target of the first link whose relation is `next`.
pub(super) fn next(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::LINK).iter();
    values
        .filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
        .find_map(next_of)
}

fn next_of(mut rest: &str) -> Option<&str> {
    while let Some(start) = rest.find('<') {
        let (target, behind) = rest[start + 1..].split_once('>')?;
        let (is_next, after) = parameters(behind);
        if is_next {
            return Some(target.trim());
        }
        rest = after;
    }
    None
}

/// Reads the parameters of a link up to the comma behind them. Says whether its relation is
/// `next`, and returns what follows.
fn parameters(text: &str) -> (bool, &str) {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    let (own, rest) = text.split_at(end.unwrap_or(text.len()));
    let relation = split(own).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_rel = name.trim().eq_ignore_ascii_case("rel");
        is_rel.then(|| value.trim().trim_matches('"'))
    });
    let is_next = relation.is_some_and(|relation| {
        let mut words = relation.split_ascii_whitespace();
        words.any(|word| word.eq_ignore_ascii_case("next"))
    });
    (is_next, rest)
}

/// Splits at the semicolons that are not in quotes.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c: char| {
        quoted ^= c == '"';
        c == ';' && !quoted
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::next;

    fn of(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("link", HeaderValue::from_static(value));
        }
        next(&headers).map(str::to_owned)
    }

    #[test]
    fn the_next_link_is_found() {
        let cases: [(&[&'static str], Option<&str>); 10] = [
            (
                &["<https://h/p?page=2>; rel=\"next\""],
                Some("https://h/p?page=2"),
            ),
            (&["<a>; rel=prev, <b?x=1,2;3>; rel=next"], Some("b?x=1,2;3")),
            (
                &["<a>; title=\"x, <y>; rel=next\"; rel=\"last\", <b>; rel=\"first NEXT\""],
                Some("b"),
            ),
            (&["<a>; rel=last", "<b>;rel=next"], Some("b")),
            (&["<a>; rel=\"prev\"; rel=\"next\""], None),
            (&["<a>; rel=nextpage"], None),
            (&["<a"], None),
            (&["rel=next"], None),
            (&[""], None),
            (&[], None),
        ];
        for (values, expected) in cases {
            assert_eq!(of(values).as_deref(), expected, "{values:?}");
        }
    }
}
