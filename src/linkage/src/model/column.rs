//! What a model says of columns.

/// What kind of thing a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// A chain of names.
    Name,
    /// Words.
    Text,
    /// A number compared digit by digit.
    Digits,
    /// An Egyptian national id.
    NationalId,
    /// A telephone number.
    Phone,
    /// A date.
    Date,
    /// A code of a short list.
    Code,
    /// Male or female, however it is written.
    Sex,
    /// House number and street.
    Address,
    /// A quantity, compared by its difference.
    Number,
    /// A place on the ground: latitude and longitude in degrees.
    Point,
    /// Words without an order.
    Set,
}

impl ColumnType {
    /// The words for it in a model file.
    pub(super) const WORDS: [(&'static str, Self); 12] = [
        ("name", Self::Name),
        ("text", Self::Text),
        ("digits", Self::Digits),
        ("national_id", Self::NationalId),
        ("phone", Self::Phone),
        ("date", Self::Date),
        ("code", Self::Code),
        ("sex", Self::Sex),
        ("address", Self::Address),
        ("number", Self::Number),
        ("point", Self::Point),
        ("set", Self::Set),
    ];

    /// Returns the word for it in a model file.
    pub(super) fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, kind)| *kind == self);
        found.map_or("text", |(word, _)| word)
    }

    /// Returns the number of words of a card that one value takes.
    pub(crate) const fn width(self) -> usize {
        match self {
            Self::Name => crate::standardise::name::CHAIN,
            Self::Digits | Self::NationalId | Self::Phone | Self::Number | Self::Point => 2,
            Self::Text | Self::Code | Self::Sex | Self::Date | Self::Set => 1,
            Self::Address => 2,
        }
    }

    /// Says whether a record may have several values, separated by U+001F.
    pub(crate) const fn takes_many(self) -> bool {
        matches!(self, Self::Digits | Self::NationalId | Self::Phone)
    }

    /// Returns the first type of those whose values can be equal to values of this one.
    pub(crate) const fn family(self) -> Self {
        match self {
            Self::Text | Self::Code | Self::Sex => Self::Text,
            Self::Digits | Self::NationalId | Self::Phone => Self::Digits,
            Self::Name | Self::Date | Self::Address => self,
            Self::Number | Self::Point | Self::Set => self,
        }
    }

    /// Says whether its values are compared letter by letter.
    pub(crate) const fn is_spelt(self) -> bool {
        !matches!(self, Self::Number | Self::Point | Self::Set)
    }
}

/// One column of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name in the model; an attribute id when the model serves the registry.
    pub id: String,
    /// What it holds.
    pub kind: ColumnType,
    /// Other names under which files may hold it.
    pub synonyms: Vec<String>,
    /// The index of the national id column whose embedded value fills a gap.
    pub fill_from: Option<usize>,
    /// How many values a record may have.
    pub many: usize,
}
