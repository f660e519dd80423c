//! Filters as text, with every value escaped (RFC 4515).

use ldap3::ldap_escape;

/// Returns the filter of entries that have a value.
pub(crate) fn equals(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", ldap_escape(value))
}

/// Returns the filter of entries with a value that is this one or one behind it.
pub(crate) fn at_least(attribute: &str, value: &str) -> String {
    format!("({attribute}>={})", ldap_escape(value))
}

/// Returns the filter of entries that have the attribute.
pub(crate) fn present(attribute: &str) -> String {
    format!("({attribute}=*)")
}

/// Returns the filter of entries that another one does not take.
pub(crate) fn not(filter: &str) -> String {
    format!("(!{filter})")
}

/// Returns the filter of entries that each of these takes.
pub(crate) fn all(filters: impl IntoIterator<Item = String>) -> String {
    joined('&', filters)
}

/// Returns the filter of entries that one of these takes.
pub(crate) fn any(filters: impl IntoIterator<Item = String>) -> String {
    joined('|', filters)
}

fn joined(sign: char, filters: impl IntoIterator<Item = String>) -> String {
    let mut filters: Vec<String> = filters.into_iter().collect();
    match filters.len() {
        1 => filters.remove(0),
        _ => format!("({sign}{})", filters.concat()),
    }
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::{ASNTag, PL, StructureTag};
    use proptest::prelude::*;

    use super::{all, any, at_least, equals, not, present};

    #[test]
    fn filters_are_joined() {
        let one = equals("uid", "a*)(b\\\0");
        assert_eq!(one, "(uid=a\\2a\\29\\28b\\5c\\00)");
        let both = all([one.clone(), not(&present("sn"))]);
        assert_eq!(both, format!("(&{one}(!(sn=*)))"));
        assert_eq!(any([one.clone()]), one);
    }

    /// Returns the value that a filter of one comparison compares with.
    fn value_of(filter: &str) -> Vec<u8> {
        let tag: StructureTag = ldap3::parse_filter(filter).unwrap().into_structure();
        let PL::C(parts) = tag.payload else {
            panic!("a comparison has parts")
        };
        let PL::P(value) = &parts[1].payload else {
            panic!("a value has no parts")
        };
        assert_eq!(parts.len(), 2);
        value.clone()
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_comparison(value in any_text()) {
            prop_assert_eq!(value_of(&equals("a", &value)), value.as_bytes());
            prop_assert_eq!(value_of(&at_least("a", &value)), value.as_bytes());
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof!["\\PC*", "[()*\\\\\0&|!=<>~a]{0,12}"]
    }

    #[test]
    fn a_name_cannot_be_smuggled() {
        assert!(crate::attribute::Described::parse("uid=*)(a").is_none());
    }
}
