//! An entry as it came.

use std::fmt;

use ldap3::asn1::{PL, StructureTag};

/// An entry: its name, and its attributes as they are called by the server. `Debug` shows neither a
/// name nor a value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) dn: Vec<u8>,
    pub(crate) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// Returns the entry that a message holds; nothing when it holds another thing.
    pub(crate) fn of(message: StructureTag) -> Option<Self> {
        let mut parts = parts(message)?.into_iter();
        let dn = bytes(parts.next()?)?;
        let listed = parts.next().and_then(self::parts)?;
        let mut attributes = Vec::with_capacity(listed.len());
        for attribute in listed {
            let mut parts = self::parts(attribute)?.into_iter();
            let name = String::from_utf8(bytes(parts.next()?)?).ok()?;
            let values = parts.next().and_then(self::parts)?;
            let values = values.into_iter().map(bytes).collect::<Option<_>>()?;
            attributes.push((name, values));
        }
        Some(Self { dn, attributes })
    }

    /// Returns about how many bytes of memory the entry takes.
    pub(crate) fn size(&self) -> usize {
        let value = |value: &Vec<u8>| size_of::<Vec<u8>>() + value.len();
        let attribute = |(name, values): &(String, Vec<Vec<u8>>)| {
            let own = size_of::<(String, Vec<Vec<u8>>)>() + name.len();
            own + values.iter().map(value).sum::<usize>()
        };
        let attributes = self.attributes.iter().map(attribute);
        size_of::<Self>() + self.dn.len() + attributes.sum::<usize>()
    }

    /// Returns the values of an attribute that are text, by its plain name in any case.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        let named = self
            .attributes
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let values = named.flat_map(|(_, values)| values);
        values
            .filter_map(|value| std::str::from_utf8(value).ok())
            .collect()
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("attributes", &self.attributes.len())
            .finish_non_exhaustive()
    }
}

fn parts(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn bytes(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}
