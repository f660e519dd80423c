//! Why a question was not answered.

use std::fmt;

use rabt_model::{ErrorClass, Label};

use crate::Facts;

/// A question that is not answered. To a caller a denial of permission is opaque; the reason is for the
/// audit log and for people at the node.
#[derive(Debug, Clone)]
pub struct Denial {
    reason: DenialReason,
    place: Option<String>,
    facts: Facts,
}

/// Which rule refused. The codes are stable: they stand in audit entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DenialReason {
    /// No agreement has this id.
    UnknownAgreement,
    /// The agreement is not in force: it is suspended, has ended, or is approved and not yet activated.
    NotActive,
    /// The caller is not a system that the agreement names.
    NotParty,
    /// The agreement is not in force at the time of the question.
    Period,
    /// The agreement does not name the method.
    Method,
    /// The agreement does not name the purpose.
    Purpose,
    /// The agreement does not name the legal basis.
    LegalBasis,
    /// The agreement does not name the public service.
    Service,
    /// The agreement does not name the channel.
    Channel,
    /// The channel verifies values and does not reveal them.
    ChannelVerifiesOnly,
    /// The agreement has no emergencies, or nobody answers for this one.
    BreakGlass,
    /// The end user's assurance is weaker than the agreement asks for.
    Assurance,
    /// The mask names an attribute outside the agreement's maximum.
    Fields,
    /// The mask names something that is no attribute, is too long, or is missing where one is needed.
    BadMask,
    /// The circumstances are malformed: a reference that is too long or holds control characters.
    BadContext,
    /// The subject is missing, malformed, or not one that the method takes.
    BadSubject,
    /// The identifier cannot be one of its scheme.
    BadIdentifier,
    /// The criteria would match too many people.
    CriteriaTooWeak,
    /// The request names a kind of change that there is not.
    BadKind,
    /// The token is not one that was given to the caller.
    BadToken,
    /// The place in the feed is not there any more.
    Expired,
    /// The caller watches the feed as often at once as it may.
    Quota,
    /// As many citizens were disclosed today as the agreement allows.
    Budget,
    /// The caller did what no honest work shows, and is stopped for a while.
    Conduct,
}

impl DenialReason {
    /// Every reason, in the order in which the rules are tried.
    pub const ALL: [Self; 24] = [
        Self::UnknownAgreement,
        Self::NotActive,
        Self::NotParty,
        Self::Period,
        Self::Method,
        Self::Purpose,
        Self::LegalBasis,
        Self::Service,
        Self::Channel,
        Self::ChannelVerifiesOnly,
        Self::BreakGlass,
        Self::Assurance,
        Self::Fields,
        Self::BadMask,
        Self::BadContext,
        Self::BadSubject,
        Self::BadIdentifier,
        Self::CriteriaTooWeak,
        Self::BadKind,
        Self::BadToken,
        Self::Expired,
        Self::Quota,
        Self::Budget,
        Self::Conduct,
    ];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownAgreement => "UNKNOWN_AGREEMENT",
            Self::NotActive => "AGREEMENT_NOT_ACTIVE",
            Self::NotParty => "NOT_PARTY",
            Self::Period => "PERIOD",
            Self::Method => "METHOD",
            Self::Purpose => "PURPOSE",
            Self::LegalBasis => "LEGAL_BASIS",
            Self::Service => "SERVICE",
            Self::Channel => "CHANNEL",
            Self::ChannelVerifiesOnly => "CHANNEL_VERIFIES_ONLY",
            Self::BreakGlass => "BREAK_GLASS",
            Self::Assurance => "ASSURANCE",
            Self::Fields => "FIELDS",
            Self::BadMask => "BAD_MASK",
            Self::BadContext => "BAD_CONTEXT",
            Self::BadSubject => "BAD_SUBJECT",
            Self::BadIdentifier => "BAD_IDENTIFIER",
            Self::CriteriaTooWeak => "CRITERIA_TOO_WEAK",
            Self::BadKind => "BAD_KIND",
            Self::BadToken => "BAD_TOKEN",
            Self::Expired => "EXPIRED",
            Self::Quota => "QUOTA",
            Self::Budget => "BUDGET",
            Self::Conduct => "CONDUCT",
        }
    }

    /// Returns what the caller is told. Only a party to an agreement learns more than "not permitted".
    pub const fn class(self) -> ErrorClass {
        match self {
            Self::UnknownAgreement
            | Self::NotParty
            | Self::Method
            | Self::Purpose
            | Self::LegalBasis
            | Self::Service
            | Self::Channel
            | Self::ChannelVerifiesOnly
            | Self::BreakGlass
            | Self::Fields => ErrorClass::NotPermitted,
            Self::NotActive | Self::Period => ErrorClass::AgreementNotActive,
            Self::Assurance => ErrorClass::StepUpRequired,
            Self::BadMask
            | Self::BadContext
            | Self::BadSubject
            | Self::BadKind
            | Self::BadToken => ErrorClass::InvalidRequest,
            Self::BadIdentifier => ErrorClass::BadIdentifier,
            Self::CriteriaTooWeak => ErrorClass::CriteriaTooWeak,
            Self::Expired => ErrorClass::SequenceExpired,
            Self::Quota => ErrorClass::QuotaExceeded,
            Self::Budget | Self::Conduct => ErrorClass::DisclosureBudgetExceeded,
        }
    }

    /// Returns the reason as people at the node read it.
    pub fn label(self) -> Label {
        let (en, ar) = match self {
            Self::UnknownAgreement => ("No such agreement", "لا يوجد اتفاق بهذا الرقم"),
            Self::NotActive => (
                "The agreement is suspended, has ended, or is not activated yet",
                "الاتفاق موقوف أو منتهٍ أو لم يُفعَّل بعد",
            ),
            Self::NotParty => (
                "The calling system is not a party to the agreement",
                "النظام الطالب ليس طرفًا في الاتفاق",
            ),
            Self::Period => (
                "The agreement is not in force at this time",
                "الاتفاق غير سارٍ في هذا الوقت",
            ),
            Self::Method => (
                "The agreement does not allow this operation",
                "الاتفاق لا يسمح بهذه العملية",
            ),
            Self::Purpose => (
                "The agreement does not name this purpose",
                "الاتفاق لا يذكر هذا الغرض",
            ),
            Self::LegalBasis => (
                "The agreement does not name this legal basis",
                "الاتفاق لا يذكر هذا السند القانوني",
            ),
            Self::Service => (
                "The agreement does not name this public service",
                "الاتفاق لا يذكر هذه الخدمة",
            ),
            Self::Channel => (
                "The agreement does not name this channel",
                "الاتفاق لا يذكر هذه القناة",
            ),
            Self::ChannelVerifiesOnly => (
                "This channel verifies values and does not reveal them",
                "هذه القناة للتحقق من البيانات لا للاطلاع عليها",
            ),
            Self::BreakGlass => (
                "The agreement has no emergencies, or no person answers for this one",
                "الاتفاق لا يتيح حالات الطوارئ، أو لا يوجد شخص مسؤول عنها",
            ),
            Self::Assurance => (
                "The end user must sign in with a higher assurance",
                "يلزم أن يسجل المستخدم الدخول بمستوى توثيق أعلى",
            ),
            Self::Fields => (
                "The request names data outside the agreement",
                "الطلب يشمل بيانات خارج نطاق الاتفاق",
            ),
            Self::BadMask => (
                "The list of requested data is malformed",
                "قائمة البيانات المطلوبة غير صحيحة",
            ),
            Self::BadContext => (
                "The circumstances of the request are malformed",
                "بيانات سياق الطلب غير صحيحة",
            ),
            Self::BadSubject => (
                "The request does not name its subject properly",
                "الطلب لا يحدد صاحب البيانات تحديدًا صحيحًا",
            ),
            Self::BadIdentifier => (
                "The identifier cannot be one of its scheme",
                "الرقم لا يصلح أن يكون من هذا النوع",
            ),
            Self::CriteriaTooWeak => (
                "The search criteria would match too many people",
                "معايير البحث تنطبق على عدد كبير من الأشخاص",
            ),
            Self::BadKind => (
                "The request names a kind of change that there is not",
                "الطلب يذكر نوع تغيير غير معروف",
            ),
            Self::BadToken => (
                "The token was not given to this caller",
                "الرمز لم يُعطَ لهذا الطالب",
            ),
            Self::Expired => (
                "The feed does not go on at this place for the caller",
                "سجل التغييرات لا يستمر من هذا الموضع لهذا الطالب",
            ),
            Self::Quota => (
                "The caller watches the feed as often at once as it may",
                "الطالب يتابع التغييرات بالعدد المسموح به في وقت واحد",
            ),
            Self::Budget => (
                "As many people were disclosed today as the agreement allows",
                "بلغ عدد الأشخاص المفصح عن بياناتهم اليوم الحد المسموح به في الاتفاق",
            ),
            Self::Conduct => (
                "The caller is stopped for a while for what it asked",
                "أُوقف الطالب مؤقتًا بسبب نمط استعلاماته",
            ),
        };
        Label::new(en, ar)
    }
}

impl Denial {
    pub(crate) fn new(reason: DenialReason, place: Option<String>, facts: Facts) -> Self {
        Self {
            reason,
            place,
            facts,
        }
    }

    /// Returns what the caller is told.
    pub const fn class(&self) -> ErrorClass {
        self.reason.class()
    }

    /// Returns which rule refused; for the audit log, not for the caller.
    pub const fn reason(&self) -> DenialReason {
        self.reason
    }

    /// Returns which part of the request is wrong, such as `fields[2]`, when the class is not
    /// [`ErrorClass::NotPermitted`].
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// Returns what the audit entry says about the decision.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }
}

/// Writes what the caller may read: never the reason of a denial of permission, never a value.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            DenialReason::NotActive | DenialReason::Period => {
                "the agreement is not in force at this time"
            }
            DenialReason::Assurance => "the end user must sign in with a higher assurance",
            DenialReason::BadMask => {
                "the mask must name attributes, such as birth.date, or groups, such as name"
            }
            DenialReason::BadContext => {
                "the context must be short, printable text: case_reference up to 128 characters, \
                 request_id and represented_party up to 64"
            }
            DenialReason::BadSubject => "the request must name its subject in a form of the method",
            DenialReason::BadIdentifier => "the identifier cannot be one of its scheme",
            DenialReason::CriteriaTooWeak => {
                "the search needs an identifier; or name and date of birth; or name, year of birth \
                 and governorate; or phone and name"
            }
            DenialReason::BadKind => "kinds must hold kinds of change",
            DenialReason::BadToken => {
                "the token is not one that was given to this caller; start again without it"
            }
            DenialReason::Expired => {
                "the feed does not go on at this place, because storage is older or because you are told \
                 another part of it now; start again from a snapshot"
            }
            DenialReason::Quota => {
                "this caller watches as often at once as it may; end a watch, or list changes"
            }
            DenialReason::Budget => {
                "as many people were disclosed today as the agreement allows; it begins anew at \
                 midnight UTC"
            }
            DenialReason::Conduct => {
                "too many questions of a kind; they are answered again in an hour"
            }
            DenialReason::UnknownAgreement
            | DenialReason::NotParty
            | DenialReason::Method
            | DenialReason::Purpose
            | DenialReason::LegalBasis
            | DenialReason::Service
            | DenialReason::Channel
            | DenialReason::ChannelVerifiesOnly
            | DenialReason::BreakGlass
            | DenialReason::Fields => return f.write_str("not permitted"),
        })?;
        match &self.place {
            Some(place) => write!(f, " (at {place})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Denial {}
