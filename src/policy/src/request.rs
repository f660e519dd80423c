//! A question as it arrives: who asks, what, about whom, and why. Nothing in it has been checked.

use rabt_model::{AgencyId, Pii, Timestamp};

/// The asking system, as its certificate names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The organisation.
    pub agency: AgencyId,
    /// The organisation's system, or the id of the person when the certificate is a person's.
    pub system: String,
    /// What the certificate is for. Only systems can be party to an access agreement.
    pub role: Role,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A system of an agency.
    System,
    /// A person who runs the node.
    Operator,
    /// A person who approves what an operator prepares.
    Approver,
    /// A person who reviews links.
    Clerk,
    /// A person who checks the audit log.
    Auditor,
    /// A person who looks after certificates, keys and what is out of the ordinary.
    SecurityOfficer,
}

/// One question about one person, or one search.
#[derive(Debug, Clone)]
pub struct AccessRequest {
    /// Who asks.
    pub caller: Caller,
    /// Which question.
    pub method: Method,
    /// Why, and for whom.
    pub context: RequestContext,
    /// The mask: attribute ids or groups, unparsed. `None` and an empty list mean the agreement's default
    /// set. `VerifyAttributes` and `ExplainField` need one: the attributes asked about.
    pub fields: Option<Vec<String>>,
    /// About whom, unparsed until the caller is known to be permitted.
    pub subject: Subject,
    /// When the question arrived.
    pub at: Timestamp,
}

/// The questions that can be asked about citizens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Who holds this identifier?
    LookupCitizen,
    /// Who is this citizen?
    GetCitizen,
    /// Who holds these identifiers? Each item is one request.
    BatchLookupCitizens,
    /// Who fits these criteria?
    SearchCitizens,
    /// Are these values right?
    VerifyAttributes,
    /// Which agencies hold records?
    ListSourceReferences,
    /// Where do the values of this attribute come from?
    ExplainField,
    /// What was this citizen's profile before?
    ListCitizenRevisions,
    /// What happened to citizens since?
    ListChanges,
    /// What happens to citizens, as it happens?
    WatchChanges,
    /// Who was known at a place in the feed?
    ExportSnapshot,
}

/// The circumstances of a question, as the caller states them. An empty text means "not stated".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    /// Id of the agreement.
    pub agreement: String,
    /// Code of the purpose.
    pub purpose: String,
    /// Code of the legal basis.
    pub legal_basis: String,
    /// The caller's reference of the case, at most 128 characters.
    pub case_reference: String,
    /// On whose behalf the system asks.
    pub end_user: Option<EndUser>,
    /// Id of the organisation that the caller represents.
    pub represented_party: String,
    /// Code of the public service.
    pub service: String,
    /// Code of the channel, as in [`Channel`].
    pub channel: String,
    /// The caller's id of the request, at most 64 characters.
    pub request_id: String,
    /// Why the caller must see a citizen in an emergency whom the gate keeps back, at most 256
    /// characters.
    pub break_glass: String,
}

/// A person at the calling agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndUser {
    /// The caller's stable id of the person.
    pub id: Pii<String>,
    /// How sure the caller is of them.
    pub assurance: Assurance,
}

/// How sure the caller is of its end user, as in eIDAS; ordered from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Assurance {
    /// Not said.
    #[default]
    None,
    /// Self-asserted.
    Low,
    /// Verified with a second factor.
    Substantial,
    /// Verified in person, or with a qualified certificate.
    High,
}

/// Where the end user and the public service meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A web portal.
    Portal,
    /// An application on a phone.
    MobileApp,
    /// A post office counter.
    PostOffice,
    /// A telephone call. Verifies, never reveals.
    CallCentre,
    /// A process without a person.
    System,
}

/// About whom a question is asked. Texts are as they arrived.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The holder of an identifier.
    Identifier {
        /// Text of the scheme, such as `national_id`.
        scheme: String,
        /// The number.
        value: Pii<String>,
    },
    /// A citizen, by the text of the citizen id.
    Citizen(String),
    /// Whoever fits.
    Criteria(Pii<Criteria>),
    /// Everybody in the agreement's population, and these kinds of change; none means all that
    /// the agreement names.
    Feed(Vec<String>),
    /// Nobody was named; every method refuses this once the caller is permitted.
    None,
}

/// What is known of the person searched for. Texts are as they arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Criteria {
    /// A name in Arabic or Latin letters, whole or in part.
    pub name: Option<String>,
    /// A date of birth: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// A year of birth: `YYYY`.
    pub birth_year: Option<String>,
    /// Two-digit governorate code.
    pub governorate: Option<String>,
    /// A telephone number.
    pub phone: Option<String>,
}

impl Role {
    /// The roles that a person's certificate may name; a system is no person.
    pub const OF_PEOPLE: [Self; 5] = [
        Self::Operator,
        Self::Approver,
        Self::Clerk,
        Self::Auditor,
        Self::SecurityOfficer,
    ];

    /// Returns the role's name as certificates write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Clerk => "clerk",
            Self::Auditor => "auditor",
            Self::SecurityOfficer => "security-officer",
        }
    }
}

impl Method {
    /// Every method, in the order of the service definition.
    pub const ALL: [Self; 11] = [
        Self::LookupCitizen,
        Self::GetCitizen,
        Self::BatchLookupCitizens,
        Self::SearchCitizens,
        Self::VerifyAttributes,
        Self::ListSourceReferences,
        Self::ExplainField,
        Self::ListCitizenRevisions,
        Self::ListChanges,
        Self::WatchChanges,
        Self::ExportSnapshot,
    ];

    /// Returns the method's name as agreements and the service definition write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LookupCitizen => "LookupCitizen",
            Self::GetCitizen => "GetCitizen",
            Self::BatchLookupCitizens => "BatchLookupCitizens",
            Self::SearchCitizens => "SearchCitizens",
            Self::VerifyAttributes => "VerifyAttributes",
            Self::ListSourceReferences => "ListSourceReferences",
            Self::ExplainField => "ExplainField",
            Self::ListCitizenRevisions => "ListCitizenRevisions",
            Self::ListChanges => "ListChanges",
            Self::WatchChanges => "WatchChanges",
            Self::ExportSnapshot => "ExportSnapshot",
        }
    }

    /// Says whether answers of this method hold the values of a mask.
    pub const fn reads_mask(self) -> bool {
        matches!(
            self,
            Self::LookupCitizen
                | Self::GetCitizen
                | Self::BatchLookupCitizens
                | Self::SearchCitizens
                | Self::ListCitizenRevisions
                | Self::ListChanges
                | Self::WatchChanges
                | Self::ExportSnapshot
        )
    }

    /// Says whether the question is about everybody in the agreement's population.
    pub const fn reads_feed(self) -> bool {
        matches!(
            self,
            Self::ListChanges | Self::WatchChanges | Self::ExportSnapshot
        )
    }

    pub(crate) const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 5] = [
        Self::Portal,
        Self::MobileApp,
        Self::PostOffice,
        Self::CallCentre,
        Self::System,
    ];

    /// Returns the channel's code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::MobileApp => "mobile_app",
            Self::PostOffice => "post_office",
            Self::CallCentre => "call_centre",
            Self::System => "system",
        }
    }

    /// Returns the channel of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == code)
    }

    /// Says whether answers over this channel may only say whether values are right.
    pub const fn verifies_only(self) -> bool {
        matches!(self, Self::CallCentre)
    }

    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Assurance {
    /// Every level, from weak to strong.
    pub const ALL: [Self; 4] = [Self::None, Self::Low, Self::Substantial, Self::High];

    /// Returns the level's code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Substantial => "substantial",
            Self::High => "high",
        }
    }
}
