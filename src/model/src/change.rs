//! What can happen to a citizen, as the change feed tells it.

use crate::{Attribute, CitizenId, RecordNumber};

/// What kind of thing happened. The order is the one in which they are told within a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Records of the citizen turned out to be another's.
    Split,
    /// A citizen who was not known, or who had been annulled, is known now.
    Born,
    /// Two citizens turned out to be one.
    Merged,
    /// Records about the citizen came or went; who they are stays.
    Holdings,
    /// A date of death became known.
    Died,
    /// An address took another's place.
    Moved,
    /// A name took another's place.
    NameChanged,
    /// A number took the place of another of its scheme.
    IdentifierChanged,
    /// Anything else about the citizen became known, changed or ceased.
    Updated,
    /// What was told before was wrong.
    Corrected,
    /// No record says any more that there is such a citizen.
    Annulled,
}

/// Why something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeCause {
    /// Records came, changed, and were linked.
    Link,
    /// Records disappeared at their source.
    Deletion,
    /// A person decided.
    Decision,
    /// Values are chosen by other rules than before.
    Rules,
}

/// Whom a change is told, where sources are restricted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum View {
    /// Everybody.
    #[default]
    Every,
    /// Who sees every source.
    Whole,
    /// Who does not: what happened as the records of the other sources have it.
    Open,
}

/// One thing that happened to a citizen. It names attributes and records, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// To whom: of a merge, the citizen who goes on; of a split, the one who gave records.
    pub citizen: CitizenId,
    /// The other citizen: of a merge, the one who was merged away; of a split, the one who took
    /// records.
    pub other: Option<CitizenId>,
    /// The attributes that changed, ascending.
    pub attributes: Vec<Attribute>,
    /// Records that came to the citizen, ascending.
    pub joined: Vec<RecordNumber>,
    /// Records that left the citizen, ascending.
    pub left: Vec<RecordNumber>,
    /// Why.
    pub cause: ChangeCause,
    /// The earlier change that this one takes the place of.
    pub supersedes: Option<u64>,
    /// Whom it is told.
    pub view: View,
}

impl ChangeKind {
    /// Every kind, in the order in which they are told within a commit.
    pub const ALL: [Self; 11] = [
        Self::Split,
        Self::Born,
        Self::Merged,
        Self::Holdings,
        Self::Died,
        Self::Moved,
        Self::NameChanged,
        Self::IdentifierChanged,
        Self::Updated,
        Self::Corrected,
        Self::Annulled,
    ];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Born => "born",
            Self::Merged => "merged",
            Self::Holdings => "holdings",
            Self::Died => "died",
            Self::Moved => "moved",
            Self::NameChanged => "name_changed",
            Self::IdentifierChanged => "identifier_changed",
            Self::Updated => "updated",
            Self::Corrected => "corrected",
            Self::Annulled => "annulled",
        }
    }

    /// Returns the kind of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Returns the kind's own bit.
    pub const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// Returns what people call the kind.
    pub fn label(self) -> crate::Label {
        let (en, ar) = match self {
            Self::Split => ("Split", "فصل"),
            Self::Born => ("First known", "قيد لأول مرة"),
            Self::Merged => ("Merged", "دمج"),
            Self::Holdings => ("Records came or went", "تغيّرت السجلات"),
            Self::Died => ("Died", "وفاة"),
            Self::Moved => ("Moved", "تغيير العنوان"),
            Self::NameChanged => ("Name changed", "تغيير الاسم"),
            Self::IdentifierChanged => ("Number changed", "تغيير رقم"),
            Self::Updated => ("Updated", "تحديث"),
            Self::Corrected => ("Corrected", "تصحيح"),
            Self::Annulled => ("Annulled", "إلغاء القيد"),
        };
        crate::Label::new(en, ar)
    }
}

impl ChangeCause {
    const ALL: [Self; 4] = [Self::Link, Self::Deletion, Self::Decision, Self::Rules];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Deletion => "deletion",
            Self::Decision => "decision",
            Self::Rules => "rules",
        }
    }

    /// Returns the cause of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }
}

impl View {
    /// Every view.
    pub const ALL: [Self; 3] = [Self::Every, Self::Whole, Self::Open];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::Whole => "whole",
            Self::Open => "open",
        }
    }

    /// Returns the view of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.code() == code)
    }

    /// Says whether it is told to somebody who sees every source, or to somebody who does not.
    pub const fn is_for(self, sees_all: bool) -> bool {
        match self {
            Self::Every => true,
            Self::Whole => sees_all,
            Self::Open => !sees_all,
        }
    }
}

impl Change {
    /// Returns a change that names nothing but its kind, its citizen and its cause.
    pub const fn new(kind: ChangeKind, citizen: CitizenId, cause: ChangeCause) -> Self {
        Self {
            kind,
            citizen,
            other: None,
            attributes: Vec::new(),
            joined: Vec::new(),
            left: Vec::new(),
            cause,
            supersedes: None,
            view: View::Every,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ChangeKind, View};

    #[test]
    fn codes_round_trip_and_bits_differ() {
        let mut bits = 0_u16;
        for kind in ChangeKind::ALL {
            assert_eq!(ChangeKind::from_code(kind.code()), Some(kind));
            assert_eq!(bits & kind.bit(), 0);
            bits |= kind.bit();
        }
        assert_eq!(ChangeKind::from_code("x"), None);
        for view in View::ALL {
            assert_eq!(View::from_code(view.code()), Some(view));
        }
        assert_eq!(View::from_code("x"), None);
    }
}
