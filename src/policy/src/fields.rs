//! Sets of attributes: a few bits for the plain ones, sorted lists for identifiers and facts.

use std::fmt;

use rabt_model::{AgencyId, Attribute, FactName, Scheme};
use sha2::{Digest, Sha256};

/// A set of attributes. Identifiers of every scheme, or every fact of one agency, can be members without
/// being listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSet {
    plain: u16,
    schemes: Members<Scheme>,
    /// Ascending by agency; never an empty list of names.
    facts: Vec<(AgencyId, Members<FactName>)>,
}

/// Either all there can ever be, or a list in ascending order, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Members<T> {
    All,
    Only(Vec<T>),
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

impl<T: Ord + Clone> Members<T> {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Only(list) if list.is_empty())
    }

    fn contains(&self, member: &T) -> bool {
        match self {
            Self::All => true,
            Self::Only(list) => list.binary_search(member).is_ok(),
        }
    }

    fn insert(&mut self, member: T) {
        if let Self::Only(list) = self
            && let Err(place) = list.binary_search(&member)
        {
            list.insert(place, member);
        }
    }

    fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Only(left), Self::Only(right)) => {
                let mut both: Vec<T> = left.iter().chain(right).cloned().collect();
                both.sort_unstable();
                both.dedup();
                Self::Only(both)
            }
        }
    }

    fn intersection(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, members) | (members, Self::All) => members.clone(),
            (Self::Only(left), right) => {
                let common = left.iter().filter(|member| right.contains(member));
                Self::Only(common.cloned().collect())
            }
        }
    }
}

impl FieldSet {
    /// Returns the set of one attribute.
    pub fn of(attribute: &Attribute) -> Self {
        let mut set = Self::default();
        set.insert(attribute);
        set
    }

    /// Returns the members of a group: `name`, `mother`, `birth`, `death`, `identifier`, `facts.<agency>`.
    /// `None` when there is no such group.
    pub fn group(name: &str) -> Option<Self> {
        let mut set = Self::default();
        if name == "identifier" {
            set.schemes = Members::All;
            return Some(set);
        }
        if let Some(agency) = name.strip_prefix("facts.") {
            set.facts.push((agency.parse().ok()?, Members::All));
            return Some(set);
        }
        let members: &[Attribute] = match name {
            "name" => &[Attribute::NameChain, Attribute::NameLatin],
            "mother" => &[Attribute::MotherName],
            "birth" => &[Attribute::BirthDate, Attribute::BirthPlace],
            "death" => &[Attribute::DeathDate],
            _ => return None,
        };
        for attribute in members {
            set.insert(attribute);
        }
        Some(set)
    }

    /// Adds one attribute.
    pub fn insert(&mut self, attribute: &Attribute) {
        if let Attribute::Identifier(scheme) = attribute {
            self.schemes.insert(scheme.clone());
        } else if let Attribute::Fact(agency, name) = attribute {
            match self.facts.binary_search_by(|(held, _)| held.cmp(agency)) {
                Ok(place) => self.facts[place].1.insert(name.clone()),
                Err(place) => {
                    let names = Members::Only(vec![name.clone()]);
                    self.facts.insert(place, (agency.clone(), names));
                }
            }
        } else {
            self.plain |= plain_bit(attribute);
        }
    }

    /// Says whether the attribute is a member.
    pub fn contains(&self, attribute: &Attribute) -> bool {
        if let Attribute::Identifier(scheme) = attribute {
            return self.schemes.contains(scheme);
        }
        if let Attribute::Fact(agency, name) = attribute {
            let facts = self.facts.binary_search_by(|(held, _)| held.cmp(agency));
            return facts.is_ok_and(|place| self.facts[place].1.contains(name));
        }
        self.plain & plain_bit(attribute) != 0
    }

    /// Says whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.plain == 0 && self.schemes.is_empty() && self.facts.is_empty()
    }

    /// Returns what is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut facts = self.facts.clone();
        for (agency, names) in &other.facts {
            match facts.binary_search_by(|(held, _)| held.cmp(agency)) {
                Ok(place) => facts[place].1 = facts[place].1.union(names),
                Err(place) => facts.insert(place, (agency.clone(), names.clone())),
            }
        }
        Self {
            plain: self.plain | other.plain,
            schemes: self.schemes.union(&other.schemes),
            facts,
        }
    }

    /// Returns what is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut facts = Vec::new();
        for (agency, names) in &self.facts {
            let Ok(place) = other.facts.binary_search_by(|(held, _)| held.cmp(agency)) else {
                continue;
            };
            let common = names.intersection(&other.facts[place].1);
            if !common.is_empty() {
                facts.push((agency.clone(), common));
            }
        }
        Self {
            plain: self.plain & other.plain,
            schemes: self.schemes.intersection(&other.schemes),
            facts,
        }
    }

    /// Says whether every member is a member of `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.intersection(other) == *self
    }

    /// Returns the members as agreements write them, ascending: attribute ids, `identifier.*`,
    /// `facts.<agency>.*`.
    pub fn patterns(&self) -> Vec<String> {
        let mut patterns: Vec<String> = Attribute::plain()
            .filter(|attribute| self.contains(attribute))
            .map(|attribute| attribute.to_string())
            .collect();
        match &self.schemes {
            Members::All => patterns.push("identifier.*".to_owned()),
            Members::Only(list) => patterns.extend(list.iter().map(|s| format!("identifier.{s}"))),
        }
        for (agency, names) in &self.facts {
            match names {
                Members::All => patterns.push(format!("facts.{agency}.*")),
                Members::Only(list) => {
                    patterns.extend(list.iter().map(|name| format!("facts.{agency}.{name}")));
                }
            }
        }
        patterns.sort_unstable();
        patterns
    }

    /// Feeds the set to a hash, so that equal sets feed equal bytes and others do not.
    pub(crate) fn feed(&self, hash: &mut Sha256) {
        hash.update(self.plain.to_be_bytes());
        feed_members(&self.schemes, Scheme::as_str, hash);
        for (agency, names) in &self.facts {
            hash.update(agency.as_str());
            hash.update([0]);
            feed_members(names, FactName::as_str, hash);
        }
    }
}

/// Writes the patterns, separated by spaces.
impl fmt::Display for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.patterns().join(" "))
    }
}

fn feed_members<T>(members: &Members<T>, text: impl Fn(&T) -> &str, hash: &mut Sha256) {
    match members {
        Members::All => hash.update([2]),
        Members::Only(list) => {
            for member in list {
                hash.update(text(member));
                hash.update([0]);
            }
            hash.update([1]);
        }
    }
}

/// Returns the attribute's own bit; none for identifiers and facts.
const fn plain_bit(attribute: &Attribute) -> u16 {
    match attribute {
        Attribute::NameChain => 1,
        Attribute::NameLatin => 1 << 1,
        Attribute::MotherName => 1 << 2,
        Attribute::BirthDate => 1 << 3,
        Attribute::BirthPlace => 1 << 4,
        Attribute::Sex => 1 << 5,
        Attribute::DeathDate => 1 << 6,
        Attribute::Nationality => 1 << 7,
        Attribute::MaritalStatus => 1 << 8,
        Attribute::Address => 1 << 9,
        Attribute::Phone => 1 << 10,
        Attribute::Email => 1 << 11,
        Attribute::Relation => 1 << 12,
        Attribute::PhotoReference => 1 << 13,
        Attribute::Identifier(_) | Attribute::Fact(..) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::FieldSet;
    use rabt_model::Attribute;

    fn set(patterns: &[&str]) -> FieldSet {
        patterns.iter().fold(FieldSet::default(), |set, pattern| {
            let one = match pattern.strip_suffix(".*") {
                Some(group) => FieldSet::group(group).unwrap(),
                None => FieldSet::of(&pattern.parse().unwrap()),
            };
            set.union(&one)
        })
    }

    #[test]
    fn every_plain_attribute_has_a_bit_of_its_own() {
        let mut all = FieldSet::default();
        for attribute in Attribute::plain() {
            assert!(!all.contains(&attribute), "{attribute} shares a bit");
            all.insert(&attribute);
            assert!(all.contains(&attribute));
        }
        assert_eq!(all.patterns().len(), Attribute::plain().count());
    }

    #[test]
    fn every_dotted_attribute_is_in_its_group_and_in_no_other() {
        for attribute in Attribute::plain() {
            let id = attribute.to_string();
            let group = id.split_once('.').map(|(group, _)| group);
            for name in [
                "name",
                "mother",
                "birth",
                "death",
                "identifier",
                "facts.tax",
            ] {
                let held = FieldSet::group(name).unwrap().contains(&attribute);
                assert_eq!(held, group == Some(name), "{id} in {name}");
            }
            assert!(
                group.is_none_or(|group| FieldSet::group(group).is_some()),
                "{id}"
            );
        }
    }

    #[test]
    fn groups_hold_their_members_and_nothing_else() {
        let names = set(&["name.*"]);
        assert_eq!(names.to_string(), "name.chain name.latin");
        let facts = set(&["facts.tax.*", "facts.tax.file_status"]);
        assert_eq!(facts.to_string(), "facts.tax.*");
        assert!(facts.contains(&"facts.tax.anything".parse().unwrap()));
        assert!(!facts.contains(&"facts.taxes.anything".parse().unwrap()));
        for nothing in ["", "n", "address", "facts", "facts.", "name.chain", "*"] {
            assert_eq!(FieldSet::group(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn intersections_and_subsets() {
        let wide = set(&["identifier.*", "facts.tax.*", "sex", "birth.*"]);
        let narrow = set(&[
            "identifier.passport",
            "facts.tax.a",
            "facts.pension.b",
            "sex",
        ]);
        let common = wide.intersection(&narrow);
        assert_eq!(common.to_string(), "facts.tax.a identifier.passport sex");
        assert_eq!(common, narrow.intersection(&wide));
        assert!(common.is_subset_of(&wide) && common.is_subset_of(&narrow));
        assert!(!narrow.is_subset_of(&wide) && !wide.is_subset_of(&narrow));
        assert!(FieldSet::default().is_subset_of(&narrow));
        assert!(set(&["sex"]).intersection(&set(&["phone"])).is_empty());
    }
}
