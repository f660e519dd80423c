//! The keys of `[source.config]`.

use rabt_connect::ConfigKey;

/// The keys: of the source, of the ways to log in, and of its tables.
pub(crate) const KEYS: [ConfigKey; 35] = [
    required(
        "url",
        "the address that the paths of tables start from, https://api.agency.example/v1",
    ),
    required(
        "paging",
        "how pages follow each other: none, offset, page, cursor, link or next",
    ),
    key(
        "rows",
        "JSON pointer of the list of rows, as in /data/items; the answer itself when it is left out",
    ),
    key(
        "tables",
        "the tables to discover and to check, a table of keys for each: path and any key from `rows` on that is its own",
    ),
    key(
        "auth",
        "none (the default), api-key, bearer, basic or oauth2",
    ),
    secret("key", "the key of auth = \"api-key\""),
    key("key_header", "the header that takes the key"),
    key(
        "key_param",
        "the query parameter that takes the key, instead of a header",
    ),
    secret("token", "the token of auth = \"bearer\""),
    key("user", "the account of auth = \"basic\""),
    secret("password", "the account's password"),
    key("token_url", "where auth = \"oauth2\" gets its tokens"),
    key("client_id", "the name of the client at token_url"),
    secret("client_secret", "the client's secret at token_url"),
    key(
        "client_auth",
        "where the client's secret goes: basic (the default, a header) or form",
    ),
    key("scopes", "a list of the scopes to ask for"),
    key("headers", "further headers, a table of texts; no secrets"),
    key(
        "query",
        "query parameters that are always sent, a table of texts; no secrets",
    ),
    key(
        "since",
        "query parameters that ask for what has changed, with {cursor} for the last value, that value included",
    ),
    key(
        "fields_param",
        "the query parameter that takes the names of the wanted columns, joined by commas",
    ),
    key(
        "optional",
        "a list of the columns that rows leave out when there is no value",
    ),
    key(
        "offset_param",
        "paging = \"offset\": the parameter of the rows to leave out, offset when it is left out",
    ),
    key(
        "page_param",
        "paging = \"page\": the parameter of the page's number, page when it is left out",
    ),
    key(
        "first_page",
        "paging = \"page\": the number of the first page, 0 or 1 (the default)",
    ),
    key(
        "cursor_param",
        "paging = \"cursor\": the parameter of the cursor, cursor when it is left out",
    ),
    key(
        "next",
        "paging = \"cursor\" or \"next\": JSON pointer of the next cursor or address",
    ),
    key(
        "size_param",
        "the parameter of the page's size, limit when it is left out",
    ),
    key(
        "page_size",
        "rows of a page, 500 when it is left out; without it, cursor, link and next let the server choose",
    ),
    key(
        "last_page",
        "paging = \"offset\" or \"page\": empty (the default) when an empty page ends them; short when one with fewer rows does; missing when the server answers 404 behind the last",
    ),
    key(
        "total",
        "JSON pointer of the number of all rows, to tell how far reading is",
    ),
    key(
        "ca",
        "a PEM file with the one authority to trust, instead of the public ones",
    ),
    key(
        "encoding",
        "what the text of the answers is in, when the server does not say it or says it wrongly: windows-1256, utf-8",
    ),
    key(
        "connect_timeout",
        "longest wait for a connection, 10s when it is left out",
    ),
    key(
        "timeout",
        "longest wait for a page, 60s when it is left out; protect.statement_timeout can only shorten it",
    ),
    key(
        "max_page_mib",
        "the largest page in MiB, 32 when it is left out",
    ),
];

const fn key(name: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey {
        name,
        required: false,
        secret: false,
        doc,
    }
}

const fn required(name: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey {
        required: true,
        ..key(name, doc)
    }
}

const fn secret(name: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey {
        secret: true,
        ..key(name, doc)
    }
}
