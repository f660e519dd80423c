//! What a column may mean: finer than an attribute, because an attribute has parts, and with the
//! meanings that Rabt has no attribute for.

use rabt_model::{Attribute, Kin, Label};

macro_rules! meanings {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $en:literal, $ar:literal;)+) => {
        /// What a column may mean.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Meaning {
            $($(#[$doc])* $name,)+
        }

        impl Meaning {
            /// Every meaning; of two that fit alike, the first is taken.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the name in the dictionary.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)+
                }
            }

            /// Returns what people call it.
            pub(crate) fn label(self) -> Label {
                match self {
                    $(Self::$name => Label::new($en, $ar),)+
                }
            }
        }
    };
}

meanings! {
    /// The national id.
    NationalId = "national_id", "national id", "الرقم القومي";
    /// The number of a passport.
    Passport = "passport", "passport number", "رقم جواز السفر";
    /// The tax number.
    TaxNumber = "tax_number", "tax number", "الرقم الضريبي";
    /// The number of social insurance.
    SocialInsurance = "social_insurance", "social insurance number", "الرقم التأميني";
    /// The number of a driving licence.
    Licence = "licence", "licence number", "رقم الرخصة";
    /// The person's own name.
    GivenName = "given_name", "given name", "الاسم الأول";
    /// The father's name.
    FatherName = "father_name", "father's name", "اسم الأب";
    /// The grandfather's name.
    GrandfatherName = "grandfather_name", "grandfather's name", "اسم الجد";
    /// The family's name.
    FamilyName = "family_name", "family name", "اسم العائلة";
    /// The name without the given name.
    RestOfName = "rest_of_name", "rest of the name", "باقي الاسم";
    /// The whole name.
    FullName = "full_name", "full name", "الاسم الكامل";
    /// The mother's name.
    MotherName = "mother_name", "mother's name", "اسم الأم";
    /// The date of birth.
    BirthDate = "birth_date", "date of birth", "تاريخ الميلاد";
    /// The year of birth.
    BirthYear = "birth_year", "year of birth", "سنة الميلاد";
    /// The month of birth.
    BirthMonth = "birth_month", "month of birth", "شهر الميلاد";
    /// The day of birth.
    BirthDay = "birth_day", "day of birth", "يوم الميلاد";
    /// The date of death.
    DeathDate = "death_date", "date of death", "تاريخ الوفاة";
    /// The place of birth.
    BirthPlace = "birth_place", "place of birth", "محل الميلاد";
    /// The sex.
    Sex = "sex", "sex", "النوع";
    /// The marital status.
    MaritalStatus = "marital_status", "marital status", "الحالة الاجتماعية";
    /// The nationality.
    Nationality = "nationality", "nationality", "الجنسية";
    /// The governorate of the address.
    Governorate = "governorate", "governorate", "المحافظة";
    /// The district of the address.
    District = "district", "district or town", "المركز أو المدينة";
    /// The street of the address.
    Street = "street", "street", "الشارع";
    /// The address as free text.
    AddressText = "address_text", "address", "العنوان";
    /// A telephone number.
    Phone = "phone", "phone", "الهاتف";
    /// An e-mail address.
    Email = "email", "e-mail", "البريد الإلكتروني";
    /// Where a photograph is kept.
    Photo = "photo", "photograph", "الصورة";
    /// The father's number.
    FatherId = "father_id", "father's national id", "الرقم القومي للأب";
    /// The mother's number.
    MotherId = "mother_id", "mother's national id", "الرقم القومي للأم";
    /// The spouse's number.
    SpouseId = "spouse_id", "spouse's national id", "الرقم القومي للزوج";
    /// The guardian's number.
    GuardianId = "guardian_id", "guardian's national id", "الرقم القومي لولي الأمر";
    /// When the row was last changed.
    ChangedAt = "changed_at", "time of the last change", "وقت آخر تعديل";
    /// Somebody else's name, number or telephone.
    OtherPerson = "other_person", "something of another person", "ما يخص شخصا آخر";
    /// A date that is not of birth or death.
    OtherDate = "other_date", "another date", "تاريخ آخر";
    /// Something of an organisation, a service or the work of the agency.
    OtherThing = "other_thing", "something that is not part of who a person is", "ما ليس من هوية الشخص";
    /// A number of the agency's own.
    RowNumber = "row_number", "a number of the agency's own", "رقم داخلي للجهة";
}

const KIN: [(Meaning, Kin); 4] = [
    (Meaning::GivenName, Kin::Given),
    (Meaning::FatherName, Kin::Father),
    (Meaning::GrandfatherName, Kin::Grandfather),
    (Meaning::FamilyName, Kin::Family),
];

const ADDRESS_PARTS: [(Meaning, &str); 4] = [
    (Meaning::Governorate, "governorate"),
    (Meaning::District, "district"),
    (Meaning::Street, "street"),
    (Meaning::AddressText, "text"),
];

const RELATIONS: [(Meaning, &str); 4] = [
    (Meaning::FatherId, "father"),
    (Meaning::MotherId, "mother"),
    (Meaning::SpouseId, "spouse"),
    (Meaning::GuardianId, "guardian"),
];

fn find<T: Copy>(meaning: Meaning, table: &[(Meaning, T)]) -> Option<T> {
    let found = table.iter().find(|(one, _)| *one == meaning);
    found.map(|(_, value)| *value)
}

impl Meaning {
    /// Returns the meaning of a name in the dictionary.
    pub(crate) fn of(id: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|meaning| meaning.as_str() == id)
    }

    /// Returns the attribute, in the script that names are in; nothing where there is none.
    pub(crate) fn attribute(self, is_latin: bool) -> Option<Attribute> {
        Some(match self {
            Self::NationalId => Attribute::national_id(),
            Self::Passport => identifier("passport")?,
            Self::TaxNumber => identifier("tax")?,
            Self::SocialInsurance => identifier("social_insurance")?,
            Self::Licence => identifier("licence")?,
            Self::GivenName
            | Self::FatherName
            | Self::GrandfatherName
            | Self::FamilyName
            | Self::RestOfName
            | Self::FullName => {
                if is_latin {
                    Attribute::NameLatin
                } else {
                    Attribute::NameChain
                }
            }
            Self::MotherName => Attribute::MotherName,
            Self::BirthDate | Self::BirthYear | Self::BirthMonth | Self::BirthDay => {
                Attribute::BirthDate
            }
            Self::DeathDate => Attribute::DeathDate,
            Self::BirthPlace => Attribute::BirthPlace,
            Self::Sex => Attribute::Sex,
            Self::MaritalStatus => Attribute::MaritalStatus,
            Self::Nationality => Attribute::Nationality,
            Self::Governorate | Self::District | Self::Street | Self::AddressText => {
                Attribute::Address
            }
            Self::Phone => Attribute::Phone,
            Self::Email => Attribute::Email,
            Self::Photo => Attribute::PhotoReference,
            Self::FatherId | Self::MotherId | Self::SpouseId | Self::GuardianId => {
                Attribute::Relation
            }
            Self::ChangedAt
            | Self::OtherPerson
            | Self::OtherDate
            | Self::OtherThing
            | Self::RowNumber => return None,
        })
    }

    /// Returns the slot of a name chain.
    pub(crate) fn kin(self) -> Option<Kin> {
        find(self, &KIN)
    }

    /// Returns the part of an address.
    pub(crate) fn address_part(self) -> Option<&'static str> {
        find(self, &ADDRESS_PARTS)
    }

    /// Returns the kind of a relation.
    pub(crate) fn relation(self) -> Option<&'static str> {
        find(self, &RELATIONS)
    }

    /// Says whether several columns of a table may mean this.
    pub(crate) const fn is_many(self) -> bool {
        matches!(
            self,
            Self::Phone
                | Self::Email
                | Self::OtherPerson
                | Self::OtherDate
                | Self::OtherThing
                | Self::RowNumber
        )
    }
}

fn identifier(scheme: &str) -> Option<Attribute> {
    scheme.parse().ok().map(Attribute::Identifier)
}
