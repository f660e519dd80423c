//! The keys that an operator can write.

use rabt_connect::ConfigKey;

/// The keys of `[source.config]`.
pub(crate) const KEYS: [ConfigKey; 15] = [
    ConfigKey {
        required: true,
        ..key(
            "url",
            "the server: ldaps://HOST, or ldap://HOST; with :PORT when it is not 636 or 389",
        )
    },
    ConfigKey {
        required: true,
        ..key(
            "base",
            "the entry that tables lie below, as a distinguished name: ou=people,dc=agency,dc=example",
        )
    },
    key(
        "start_tls",
        "true to encrypt an ldap:// connection by StartTLS before the login",
    ),
    key(
        "bind_dn",
        "the account to log in with; without it, nobody logs in",
    ),
    ConfigKey {
        secret: true,
        ..key("password", "the account's password")
    },
    key(
        "scope",
        "how deep tables go: sub (the default), one for the entries right below the base, base for the base alone",
    ),
    key(
        "filter",
        "which entries of a table to take, as a filter in parentheses: (employeeType=active)",
    ),
    key(
        "tables",
        "the tables to discover and to check, [source.config.tables.NAME], with class, base, scope, filter and order of their own",
    ),
    key(
        "order",
        "the attribute whose ranges a snapshot is read by, or none; chosen among the key and entryUUID when it is left out",
    ),
    key(
        "join",
        "what stands between the values of an attribute that has several, \"; \" when it is left out",
    ),
    key(
        "base64",
        "a list of attributes of bytes that are sent as base64, such as objectGUID",
    ),
    key(
        "page_size",
        "entries of a page, 500 when it is left out; not above the server's size limit",
    ),
    key(
        "ca",
        "a PEM file with the one authority to trust, instead of the public ones",
    ),
    key(
        "connect_timeout",
        "longest wait for a connection, 10s when it is left out",
    ),
    key(
        "timeout",
        "longest wait for a page, 60s when it is left out; protect.statement_timeout can only shorten it",
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
