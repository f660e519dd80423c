//! Whether a held value and a claimed text say the same after both are standardised.

use rabt_model::{Attribute, Value};

use crate::directory::Key;

/// Dates and equal texts are judged by policy and never get here.
pub(super) fn same(attribute: &Attribute, held: &Value, claim: &str) -> bool {
    match (attribute, held) {
        (Attribute::Identifier(scheme), Value::Text(text)) => {
            let key = |text| Key::identifier(scheme.as_str(), text);
            key(text).is_some() && key(text) == key(claim)
        }
        (Attribute::Phone, Value::Text(text)) => {
            Key::phone(text).is_some() && Key::phone(text) == Key::phone(claim)
        }
        (_, Value::Name(name)) => {
            let words = rabt_linkage::name_key(&name.text);
            !words.is_empty() && words == rabt_linkage::name_key(claim)
        }
        (_, Value::Address(address)) => {
            let parts = [
                &address.governorate,
                &address.district,
                &address.street,
                &address.text,
            ];
            let whole = address.to_line();
            let known = parts.into_iter().filter_map(|part| part.as_deref());
            known.chain([whole.as_str()]).any(|part| alike(part, claim))
        }
        (_, Value::Text(_) | Value::Relation(_)) => alike(&held.to_line(), claim),
        (_, Value::Date(_)) => false,
    }
}

/// Equal but for case, script of digits, punctuation and white space.
fn alike(held: &str, claim: &str) -> bool {
    let (held, claim) = (fold(held), fold(claim));
    !held.is_empty() && held == claim
}

fn fold(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let mut words = String::with_capacity(text.len());
    // compatibility forms turn presentation forms of Arabic letters into letters
    for c in text.nfkc().flat_map(char::to_lowercase) {
        match c {
            '\u{660}'..='\u{669}' => words.extend(ascii(c, '\u{660}')),
            '\u{6f0}'..='\u{6f9}' => words.extend(ascii(c, '\u{6f0}')),
            c if c.is_alphanumeric() => words.push(c),
            _ if words.ends_with(' ') || words.is_empty() => {}
            _ => words.push(' '),
        }
    }
    words.truncate(words.trim_end().len());
    words
}

fn ascii(c: char, zero: char) -> Option<char> {
    char::from_digit(u32::from(c) - u32::from(zero), 10)
}

#[cfg(test)]
mod tests {
    use rabt_model::{Address, Attribute, Name, Value};

    use super::same;

    #[test]
    fn spelling_does_not_decide() {
        let id = Value::Text("29001011234567".into());
        assert!(same(&Attribute::national_id(), &id, "٢٩٠٠١٠١١٢٣٤٥٦٧"));
        assert!(!same(&Attribute::national_id(), &id, "29001011234568"));
        let name = Value::Name(Name::whole("أحمد محمود"));
        assert!(same(&Attribute::NameChain, &name, "احمد  محمود"));
        assert!(!same(&Attribute::NameChain, &name, "محمود"));
        let address = Value::Address(Address {
            street: Some("12 Tahrir St.".into()),
            ..Address::default()
        });
        assert!(same(&Attribute::Address, &address, "١٢ tahrir st"));
        assert!(!same(&Attribute::Address, &address, ""));
        let phone = Value::Text("01012345678".into());
        assert!(same(&Attribute::Phone, &phone, "+20 10 1234 5678"));
    }
}
