//! How a table is cut into pages, and where the rows of a page are.

use rabt_connect::ConfigFields;

use std::collections::BTreeSet;

use crate::pointer::Pointer;

/// The keys that a table may set for itself; the source's own values are what it otherwise has.
pub(super) const TABLE_KEYS: [&str; 16] = [
    "path",
    "rows",
    "optional",
    "query",
    "since",
    "fields_param",
    "paging",
    "offset_param",
    "page_param",
    "first_page",
    "cursor_param",
    "next",
    "size_param",
    "page_size",
    "last_page",
    "total",
];

/// The keys that describe the paging: a table that sets `paging` has none of the source's.
pub(super) const PAGING_KEYS: [&str; 9] = [
    "paging",
    "offset_param",
    "page_param",
    "first_page",
    "cursor_param",
    "next",
    "size_param",
    "page_size",
    "last_page",
];

const KINDS: [&str; 6] = ["none", "offset", "page", "cursor", "link", "next"];

/// Rows of a page, when the configuration does not say.
const PAGE_SIZE: u32 = 500;

/// What stands for the cursor in `since`.
pub(crate) const CURSOR: &str = "{cursor}";

/// Where a table is and how it is read.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The path behind the base address; the name of the table when there is none.
    pub(crate) path: Option<String>,
    /// Where the list of rows is.
    pub(crate) rows: Pointer,
    /// Where the number of all rows is, if anywhere.
    pub(crate) total: Option<Pointer>,
    /// Columns that a row may leave out to say that there is no value.
    pub(crate) optional: BTreeSet<String>,
    /// Sent with every request.
    pub(crate) query: Vec<(String, String)>,
    /// Sent to ask for what has changed; [`CURSOR`] is the place of the cursor.
    pub(crate) since: Vec<(String, String)>,
    /// Takes the names of the planned columns.
    pub(crate) fields_param: Option<String>,
    /// How the pages follow each other.
    pub(crate) paging: Paging,
    /// How many rows a page has, where the server is told.
    pub(crate) size: Option<Size>,
    /// What tells the last page, where pages are counted.
    pub(crate) last: Last,
}

/// What tells the last page, where pages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// The page behind it is empty.
    Empty,
    /// It has fewer rows than were asked for, or the page behind it is empty.
    Short,
    /// The page behind it is not there (404), or is empty.
    Missing,
}

/// How pages follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Paging {
    /// There is one page.
    None,
    /// By the number of rows before a page.
    Offset { param: String },
    /// By the number of the page.
    Page { param: String, first: u64 },
    /// By a text in the page before.
    Cursor { param: String, next: Pointer },
    /// By the `Link` header.
    Link,
    /// By an address in the page before.
    Next { next: Pointer },
}

/// How many rows a page has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) param: String,
    pub(crate) rows: u32,
}

/// Returns what a table's fields say; mistakes are noted in them.
pub(super) fn read(fields: &ConfigFields<'_>) -> Option<Endpoint> {
    let rows = pointer(fields, "rows");
    let total = pointer(fields, "total");
    let kind = if fields.has("paging") {
        fields.word("paging", &KINDS)
    } else {
        fields.wrong("paging", format!("is missing: one of {}", KINDS.join(", ")));
        None
    };
    let paging = kind.and_then(|kind| paging(fields, kind));
    let counted = matches!(kind, Some("offset" | "page"));
    let since = fields.pairs("since");
    if !since.is_empty() && !since.iter().any(|(_, value)| value.contains(CURSOR)) {
        let message = "nowhere says {cursor}, as in { updated_from = \"{cursor}\" }";
        fields.wrong("since", message);
    }
    let path = fields.text("path").map(|path| path.trim_matches('/'));
    if path.is_some_and(|path| path.contains(['?', '#'])) {
        fields.wrong("path", "holds a '?' or '#'; write the query in `query`");
    }
    Some(Endpoint {
        path: path.map(str::to_owned),
        rows: rows.unwrap_or_default(),
        total,
        optional: fields
            .texts("optional")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        query: fields.pairs("query"),
        since,
        fields_param: param(fields, "fields_param"),
        size: size(fields, counted),
        last: match fields.word("last_page", &["empty", "short", "missing"]) {
            Some("short") => Last::Short,
            Some("missing") => Last::Missing,
            _ => Last::Empty,
        },
        paging: paging?,
    })
}

fn paging(fields: &ConfigFields<'_>, kind: &str) -> Option<Paging> {
    let belongs: [(&str, &[&str]); 6] = [
        ("offset_param", &["offset"]),
        ("page_param", &["page"]),
        ("first_page", &["page"]),
        ("cursor_param", &["cursor"]),
        ("next", &["cursor", "next"]),
        ("last_page", &["offset", "page"]),
    ];
    for (key, kinds) in belongs {
        if fields.has(key) && !kinds.contains(&kind) {
            let kinds = kinds.join("\" or \"");
            fields.wrong(key, format!("belongs to paging = \"{kinds}\""));
        }
    }
    let named = |key, default: &str| param(fields, key).unwrap_or_else(|| default.to_owned());
    match kind {
        "none" => Some(Paging::None),
        "offset" => Some(Paging::Offset {
            param: named("offset_param", "offset"),
        }),
        "page" => Some(Paging::Page {
            param: named("page_param", "page"),
            first: fields.whole("first_page", 0, 1).unwrap_or(1).into(),
        }),
        "cursor" => Some(Paging::Cursor {
            param: named("cursor_param", "cursor"),
            next: next(fields, "where a page holds the cursor of the next one")?,
        }),
        "next" => Some(Paging::Next {
            next: next(fields, "where a page holds the address of the next one")?,
        }),
        _ => Some(Paging::Link),
    }
}

fn next(fields: &ConfigFields<'_>, because: &str) -> Option<Pointer> {
    if !fields.has("next") {
        fields.wrong(
            "next",
            format!("is missing: {because}, as in \"/meta/next\""),
        );
        return None;
    }
    pointer(fields, "next")
}

/// Returns how many rows the server is asked for: always where pages are counted, elsewhere only
/// when the configuration says how many.
fn size(fields: &ConfigFields<'_>, counted: bool) -> Option<Size> {
    let param = param(fields, "size_param").unwrap_or_else(|| "limit".to_owned());
    let rows = fields.whole("page_size", 1, 100_000);
    if !counted && rows.is_none() {
        return None;
    }
    let rows = rows.unwrap_or(PAGE_SIZE);
    Some(Size { param, rows })
}

fn param(fields: &ConfigFields<'_>, key: &str) -> Option<String> {
    let name = fields.text(key)?;
    if name.is_empty() {
        fields.wrong(key, "is empty");
        return None;
    }
    Some(name.to_owned())
}

fn pointer(fields: &ConfigFields<'_>, key: &str) -> Option<Pointer> {
    let text = fields.text(key)?;
    let pointer = Pointer::parse(text);
    if pointer.is_none() {
        let message =
            "is not a JSON pointer: it is empty or begins with '/', as in \"/data/items\"";
        fields.wrong(key, message);
    }
    pointer
}
