//! What a server says of itself (RFC 4512, 5.1).

use super::Entry;

/// What is asked for.
pub(super) const ATTRIBUTES: [&str; 2] = ["supportedControl", "subschemaSubentry"];

/// The paged results control (RFC 2696).
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// Whether a server gives an answer page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Paging {
    /// It says so.
    Offered,
    /// It says what it can, and that is not among it.
    Missing,
    /// It does not say what it can.
    #[default]
    Untold,
}

/// What a server says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Root {
    pub(crate) paging: Paging,
    /// The entry that holds the schema.
    pub(crate) schema: Option<String>,
}

impl Root {
    pub(super) fn of(entry: &Entry) -> Self {
        let controls = entry.texts("supportedControl");
        let paging = match () {
            () if controls.is_empty() => Paging::Untold,
            () if controls.contains(&PAGED_RESULTS) => Paging::Offered,
            () => Paging::Missing,
        };
        let schema = entry.texts("subschemaSubentry");
        Self {
            paging,
            schema: schema.first().map(|text| (*text).to_owned()),
        }
    }
}
