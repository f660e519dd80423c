//! Entries as a server loads them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Entries, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Ldif {
    text: String,
}

impl Ldif {
    /// Adds an entry; every value is written as base64, whatever it holds.
    pub(super) fn entry<V: AsRef<[u8]>>(&mut self, dn: &str, attributes: &[(&str, V)]) {
        self.line("dn", dn.as_bytes());
        for (name, value) in attributes {
            self.line(name, value.as_ref());
        }
        self.text.push('\n');
    }

    fn line(&mut self, name: &str, value: &[u8]) {
        let value = STANDARD.encode(value);
        writeln!(self.text, "{name}:: {value}").unwrap();
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
