//! Where the next page is.

use http::HeaderMap;
use rabt_connect::ConnectError;
use url::{Position, Url};

use crate::config::{Last, Paging};
use crate::json::{Value, value};
use crate::page::{At, Opening, link};

/// What was asked for.
#[derive(Clone)]
pub(crate) struct Asked {
    /// Which page.
    pub(crate) at: At,
    /// Its address, without credentials.
    pub(crate) url: Url,
    /// The query parameter of the API key, which a server may repeat in its links.
    pub(crate) secret_param: Option<String>,
}

/// What is known of a page that its successor depends on.
pub(super) struct Next<'p> {
    pub(super) opening: &'p Opening,
    pub(super) json: &'p str,
    pub(super) headers: &'p HeaderMap,
    pub(super) rows: u64,
}

impl Next<'_> {
    /// Returns where the next page is; nothing behind the last.
    ///
    /// # Errors
    /// A configuration error when it is at another server, or cannot be understood.
    pub(super) fn find(&self) -> Result<Option<At>, ConnectError> {
        let endpoint = &self.opening.endpoint;
        let at = &self.opening.asked.at;
        match &endpoint.paging {
            Paging::None => self.must_be_all(),
            Paging::Offset { .. } => Ok(self.counted().then(|| {
                let before = if let At::Offset(rows) = at { *rows } else { 0 };
                At::Offset(before + self.rows)
            })),
            Paging::Page { first, .. } => Ok(self.counted().then(|| {
                let number = if let At::Page(number) = at {
                    *number
                } else {
                    *first
                };
                At::Page(number + 1)
            })),
            Paging::Cursor { next, .. } => self.cursor(next.find(self.json)),
            Paging::Next { next } => match next.find(self.json).map(value) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::Text(target)) if target.is_empty() || target == "false" => Ok(None),
                Some(Value::Text(target)) => self.link(&target).map(Some),
                Some(Value::Unreadable(_)) => Err(self.wrong("an address that is no text")),
            },
            Paging::Link => match link::next(self.headers) {
                None => Ok(None),
                Some(target) => self.link(target).map(Some),
            },
        }
    }

    /// Says whether a page of a counted paging is not the last. The server may give fewer rows than
    /// were asked for, so only an empty page is surely the last, unless the operator knows better.
    fn counted(&self) -> bool {
        let endpoint = &self.opening.endpoint;
        let asked = endpoint
            .size
            .as_ref()
            .map_or(1, |size| u64::from(size.rows));
        self.rows > 0 && !(endpoint.last == Last::Short && self.rows < asked)
    }

    fn cursor(&self, json: Option<&str>) -> Result<Option<At>, ConnectError> {
        let cursor = match json.map(value) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Unreadable(_)) => return Err(self.wrong("a cursor that is no text")),
            Some(Value::Text(cursor)) => cursor,
        };
        if cursor.is_empty() || cursor == "false" {
            return Ok(None);
        }
        let next = At::Cursor(cursor.into_owned());
        // Some servers answer the last cursor with itself and nothing else.
        let ended = self.rows == 0 && next == self.opening.asked.at;
        Ok((!ended).then_some(next))
    }

    fn link(&self, target: &str) -> Result<At, ConnectError> {
        let asked = &self.opening.asked;
        let url = asked
            .url
            .join(target)
            .map_err(|_| self.wrong("an address that is none"))?;
        if url.origin() != asked.url.origin() {
            let what = "names a next page at another server, and that is not followed";
            let remedy = "ask the agency to write its links with the address in `url`, or choose another `paging`";
            return Err(ConnectError::configuration(
                &self.opening.place,
                what,
                remedy,
            ));
        }
        Ok(At::Link {
            path: url[Position::BeforePath..Position::AfterPath].to_owned(),
            query: without(&url, asked.secret_param.as_deref()),
        })
    }

    fn must_be_all(&self) -> Result<Option<At>, ConnectError> {
        if link::next(self.headers).is_none() {
            return Ok(None);
        }
        let what = "has further pages, and paging = \"none\" would leave them out";
        let remedy = "set paging = \"link\"";
        Err(ConnectError::configuration(
            &self.opening.place,
            what,
            remedy,
        ))
    }

    fn wrong(&self, what: &str) -> ConnectError {
        let what = format!("names its next page by {what}");
        let remedy = "check `next` against the agency's description";
        ConnectError::configuration(&self.opening.place, what, remedy)
    }
}

/// Returns the query of an address without one parameter: a key must not come into a position.
fn without(url: &Url, secret: Option<&str>) -> Option<String> {
    let query = url.query()?;
    let Some(secret) = secret else {
        return Some(query.to_owned());
    };
    let kept = query.split('&').filter(|pair| {
        let mut parsed = url::form_urlencoded::parse(pair.as_bytes());
        parsed.next().is_none_or(|(name, _)| name != secret)
    });
    Some(kept.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn a_key_is_taken_out_of_a_link() {
        let url = "https://h/p?a=1&k=hunter2&b=%D9%85&k=2".parse().unwrap();
        assert_eq!(without(&url, Some("k")).as_deref(), Some("a=1&b=%D9%85"));
        assert_eq!(without(&url, None), url.query().map(str::to_owned));
    }
}
