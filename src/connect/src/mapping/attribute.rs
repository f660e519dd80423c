//! Which codes an attribute takes.

use rabt_model::Attribute;

use crate::document::Node;
use crate::mapping::{AddressPart, Input};
use crate::step::Step;

/// The kinds of relation.
pub(super) const RELATIONS: [&str; 5] = ["father", "mother", "spouse", "child", "guardian"];

const SEXES: &[&str] = &["male", "female"];
const MARITAL_STATUSES: &[&str] = &["single", "married", "divorced", "widowed"];

impl AddressPart {
    pub(super) const ALL: [Self; 4] = [Self::Governorate, Self::District, Self::Street, Self::Text];

    /// Returns the part's name as mappings write it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Governorate => "governorate",
            Self::District => "district",
            Self::Street => "street",
            Self::Text => "text",
        }
    }
}

impl Input {
    /// Says whether the steps end in a date.
    pub(super) fn makes_date(&self) -> bool {
        self.tail
            .last()
            .or(self.head.last())
            .is_some_and(Step::makes_date)
    }

    /// Returns every step in its order, without the join.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.head.iter().chain(&self.tail)
    }
}

/// Returns the codes that an attribute takes, when they are a closed list.
pub(super) const fn codes(attribute: &Attribute) -> Option<&'static [&'static str]> {
    match attribute {
        Attribute::Sex => Some(SEXES),
        Attribute::MaritalStatus => Some(MARITAL_STATUSES),
        Attribute::NameChain
        | Attribute::NameLatin
        | Attribute::MotherName
        | Attribute::Identifier(_)
        | Attribute::BirthDate
        | Attribute::BirthPlace
        | Attribute::DeathDate
        | Attribute::Nationality
        | Attribute::Address
        | Attribute::Phone
        | Attribute::Email
        | Attribute::Relation
        | Attribute::PhotoReference
        | Attribute::Fact(..) => None,
    }
}

/// Notes every target of a last lookup that is not a code of the attribute.
pub(super) fn check_lookups(
    input: &Input,
    codes: &'static [&'static str],
    node: &Node<'_>,
) -> Option<()> {
    let Some(Step::Lookup(table)) = input.steps().last() else {
        return Some(());
    };
    let mut faultless = true;
    for target in table.values() {
        if !codes.contains(&target.as_str()) {
            let message = format!("'{target}' must be one of {}", codes.join(", "));
            node.wrong_word(message, target, codes.iter().copied());
            faultless = false;
        }
    }
    faultless.then_some(())
}

/// Notes every target of a last lookup that is not a two-digit code.
pub(super) fn check_governorates(input: &Input, node: &Node<'_>) -> Option<()> {
    let Some(Step::Lookup(table)) = input.steps().last() else {
        return Some(());
    };
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_digit());
    let wrong: Vec<&String> = table.values().filter(|code| !is_code(code)).collect();
    for target in &wrong {
        let message = "must be a two-digit governorate code, as in the national id";
        node.wrong(format!("'{target}' {message}"));
    }
    wrong.is_empty().then_some(())
}
