//! The canonical person: what can be known about a citizen, and how sensitive it is.

use std::fmt;
use std::str::FromStr;

use crate::{AgencyId, FactName, Label, Scheme};

/// One thing that can be known about a person.
///
/// Text forms are dotted: `birth.date`, `identifier.national_id`, `facts.tax.file_status`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// The name chain as written in Arabic (`name.chain`), many.
    NameChain,
    /// The name in Latin letters (`name.latin`), many.
    NameLatin,
    /// The mother's name (`mother.name`).
    MotherName,
    /// A number under a scheme (`identifier.<scheme>`), many.
    Identifier(Scheme),
    /// The date of birth, perhaps in part (`birth.date`).
    BirthDate,
    /// The place of birth (`birth.place`).
    BirthPlace,
    /// `male` or `female` (`sex`).
    Sex,
    /// The date of death (`death.date`).
    DeathDate,
    /// ISO 3166 code of the nationality (`nationality`).
    Nationality,
    /// `single`, `married`, `divorced` or `widowed` (`marital_status`).
    MaritalStatus,
    /// An address (`address`), many.
    Address,
    /// A telephone number (`phone`), many.
    Phone,
    /// An e-mail address (`email`), many.
    Email,
    /// A tie to another person (`relation`), many.
    Relation,
    /// Where a photograph is kept (`photo_reference`).
    PhotoReference,
    /// Anything else an agency holds and its mapping names (`facts.<agency>.<name>`).
    Fact(AgencyId, FactName),
}

/// How much harm a disclosure of an attribute can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sensitivity {
    /// Identifies or describes a person.
    Personal,
    /// Opens doors elsewhere: numbers, photographs, facts of an agency.
    High,
}

/// The text is not the id of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an attribute")]
pub struct ParseAttributeError;

const PLAIN: [(&str, Attribute); 14] = [
    ("name.chain", Attribute::NameChain),
    ("name.latin", Attribute::NameLatin),
    ("mother.name", Attribute::MotherName),
    ("birth.date", Attribute::BirthDate),
    ("birth.place", Attribute::BirthPlace),
    ("sex", Attribute::Sex),
    ("death.date", Attribute::DeathDate),
    ("nationality", Attribute::Nationality),
    ("marital_status", Attribute::MaritalStatus),
    ("address", Attribute::Address),
    ("phone", Attribute::Phone),
    ("email", Attribute::Email),
    ("relation", Attribute::Relation),
    ("photo_reference", Attribute::PhotoReference),
];

impl Attribute {
    /// Returns the attribute of the national id.
    ///
    /// # Panics
    /// Never: the scheme's name is a constant that parses.
    #[expect(
        clippy::unwrap_used,
        reason = "a constant that parses; a test covers it"
    )]
    pub fn national_id() -> Self {
        Self::Identifier("national_id".parse().unwrap())
    }

    /// Returns every attribute that is not an identifier or a fact.
    pub fn plain() -> impl Iterator<Item = Self> {
        PLAIN.iter().map(|(_, attribute)| attribute.clone())
    }

    /// Says whether a profile may hold several values of this attribute.
    pub const fn is_many(&self) -> bool {
        matches!(
            self,
            Self::NameChain
                | Self::NameLatin
                | Self::Identifier(_)
                | Self::Address
                | Self::Phone
                | Self::Email
                | Self::Relation
        )
    }

    /// Returns how sensitive the attribute is.
    pub const fn sensitivity(&self) -> Sensitivity {
        match self {
            Self::Identifier(_) | Self::PhotoReference | Self::Fact(..) | Self::Relation => {
                Sensitivity::High
            }
            Self::NameChain
            | Self::NameLatin
            | Self::MotherName
            | Self::BirthDate
            | Self::BirthPlace
            | Self::Sex
            | Self::DeathDate
            | Self::Nationality
            | Self::MaritalStatus
            | Self::Address
            | Self::Phone
            | Self::Email => Sensitivity::Personal,
        }
    }

    /// Returns what people call the attribute.
    pub fn label(&self) -> Label {
        let (en, ar) = match self {
            Self::NameChain => ("Name", "الاسم"),
            Self::NameLatin => ("Name in Latin letters", "الاسم بالحروف اللاتينية"),
            Self::MotherName => ("Mother's name", "اسم الأم"),
            Self::BirthDate => ("Date of birth", "تاريخ الميلاد"),
            Self::BirthPlace => ("Place of birth", "محل الميلاد"),
            Self::Sex => ("Sex", "النوع"),
            Self::DeathDate => ("Date of death", "تاريخ الوفاة"),
            Self::Nationality => ("Nationality", "الجنسية"),
            Self::MaritalStatus => ("Marital status", "الحالة الاجتماعية"),
            Self::Address => ("Address", "العنوان"),
            Self::Phone => ("Phone", "الهاتف"),
            Self::Email => ("E-mail", "البريد الإلكتروني"),
            Self::Relation => ("Relation", "صلة القرابة"),
            Self::PhotoReference => ("Photograph", "الصورة"),
            Self::Identifier(scheme) => return identifier_label(scheme),
            Self::Fact(agency, name) => {
                return Label::new(format!("{name} ({agency})"), format!("{name} ({agency})"));
            }
        };
        Label::new(en, ar)
    }
}

fn identifier_label(scheme: &Scheme) -> Label {
    match scheme.as_str() {
        "national_id" => Label::new("National id", "الرقم القومي"),
        "passport" => Label::new("Passport number", "رقم جواز السفر"),
        "tax" => Label::new("Tax number", "الرقم الضريبي"),
        "social_insurance" => Label::new("Social insurance number", "الرقم التأميني"),
        "licence" => Label::new("Driving licence number", "رقم رخصة القيادة"),
        other => Label::new(format!("Identifier ({other})"), format!("رقم ({other})")),
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((id, _)) = PLAIN.iter().find(|(_, attribute)| attribute == self) {
            return f.write_str(id);
        }
        if let Self::Identifier(scheme) = self {
            return write!(f, "identifier.{scheme}");
        }
        if let Self::Fact(agency, name) = self {
            return write!(f, "facts.{agency}.{name}");
        }
        Ok(())
    }
}

impl FromStr for Attribute {
    type Err = ParseAttributeError;
    fn from_str(text: &str) -> Result<Self, ParseAttributeError> {
        if let Some((_, attribute)) = PLAIN.iter().find(|(id, _)| *id == text) {
            return Ok(attribute.clone());
        }
        if let Some(scheme) = text.strip_prefix("identifier.") {
            return scheme
                .parse()
                .map(Self::Identifier)
                .map_err(|_| ParseAttributeError);
        }
        let fact = text
            .strip_prefix("facts.")
            .and_then(|rest| rest.split_once('.'));
        let (agency, name) = fact.ok_or(ParseAttributeError)?;
        let agency = agency.parse().map_err(|_| ParseAttributeError)?;
        let name = name.parse().map_err(|_| ParseAttributeError)?;
        Ok(Self::Fact(agency, name))
    }
}

impl serde::Serialize for Attribute {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Attribute {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Attribute, ParseAttributeError};

    #[test]
    fn ids_round_trip() {
        let mut all: Vec<Attribute> = Attribute::plain().collect();
        all.push(Attribute::national_id());
        all.push("facts.tax.file_status".parse().unwrap());
        for attribute in all {
            assert_eq!(attribute.to_string().parse(), Ok(attribute));
        }
        assert_eq!("name".parse::<Attribute>(), Err(ParseAttributeError));
        assert_eq!("facts.tax".parse::<Attribute>(), Err(ParseAttributeError));
    }
}
