//! Reading `record_of_truth` of a stream.

use rabt_model::Attribute;

use crate::document::Node;
use crate::manifest::Truth;
use crate::mapping::Mapping;

/// The word for the person itself.
const PERSON: &str = "person";

/// Reads `true`, which is the person and everything the stream says, or a list of attributes, in
/// which `person` may stand. Without a mapping, its problems are noted, and nothing is checked by
/// it.
pub(super) fn load(node: &Node<'_>, mapping: Option<&Mapping>) -> Option<Truth> {
    let mut mapped: Vec<Attribute> = Vec::new();
    for attribute in mapping.into_iter().flat_map(Mapping::attributes) {
        if !mapped.contains(attribute) {
            mapped.push(attribute.clone());
        }
    }
    match node.flag() {
        Some(false) => return Some(Truth::default()),
        Some(true) => {
            return Some(Truth {
                person: true,
                attributes: mapped,
            });
        }
        None => {}
    }
    let Some(items) = node.items() else {
        node.wrong("must be true, or a list such as [\"person\", \"birth.date\"]");
        return None;
    };
    let mut truth = Truth::default();
    let mut faultless = true;
    for item in &items {
        let Some(word) = item.text() else {
            faultless = false;
            continue;
        };
        if word == PERSON {
            truth.person = true;
            continue;
        }
        let attribute = word.parse::<Attribute>().ok();
        if let Some(attribute) =
            attribute.filter(|known| mapping.is_none() || mapped.contains(known))
        {
            truth.attributes.push(attribute);
            continue;
        }
        let known: Vec<String> = mapped.iter().map(ToString::to_string).collect();
        let known = known.iter().map(String::as_str).chain([PERSON]);
        let message = format!("'{word}' is no attribute that the stream's mapping fills");
        item.wrong_word(message, word, known);
        faultless = false;
    }
    faultless.then_some(truth)
}
