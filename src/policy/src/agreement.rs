//! An access agreement: who may ask what, why, over which channel, until when.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use rabt_model::{AgencyId, AgreementId, ChangeKind, Label};

use crate::rule::Rule;
use crate::{Assurance, Channel, FieldSet, Method};

/// One agreement of a bundle, checked. Whatever it does not list, it does not allow.
#[derive(Debug, Clone)]
pub struct Agreement {
    pub(crate) id: AgreementId,
    pub(crate) title: Label,
    pub(crate) agency: AgencyId,
    /// This and every list below: ascending, each once.
    pub(crate) systems: Vec<String>,
    /// Bits of [`Method::bit`].
    pub(crate) methods: u16,
    pub(crate) purposes: Vec<String>,
    pub(crate) legal_bases: Vec<String>,
    pub(crate) services: Vec<String>,
    /// Bits of [`Channel::bit`].
    pub(crate) channels: u8,
    pub(crate) default: Arc<FieldSet>,
    pub(crate) maximum: Arc<FieldSet>,
    pub(crate) period: Period,
    pub(crate) minimum_assurance: Assurance,
    /// Given exactly when a method reads the feed.
    pub(crate) feed: Option<FeedTerms>,
    pub(crate) terms: Terms,
    /// By service, in the order of `services`.
    pub(crate) rules: Vec<Rule>,
}

/// What an agreement says besides who may ask what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    pub(crate) exempt_purposes: Vec<String>,
    pub(crate) sees_protected: bool,
    /// Ids of sources, or of agencies for all of their sources.
    pub(crate) sees_restricted: Arc<[String]>,
    pub(crate) break_glass: bool,
    pub(crate) budget: Budget,
    pub(crate) retention_days: Option<u32>,
    pub(crate) withhold_days: Option<u32>,
}

/// How many citizens may be disclosed under an agreement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// In a day of UTC, to all systems together; no limit when absent.
    pub per_day: Option<u64>,
    /// In a day of UTC, to one end user; no limit when absent.
    pub per_end_user: Option<u64>,
    /// To how many end users in a day of UTC; no limit when absent.
    pub end_users: Option<u64>,
}

impl Terms {
    /// Returns for which purposes a citizen may be asked about of whom the caller's agency holds no
    /// record, ascending.
    pub fn exempt_purposes(&self) -> &[String] {
        &self.exempt_purposes
    }

    /// Says whether protected citizens may be disclosed.
    pub const fn sees_protected(&self) -> bool {
        self.sees_protected
    }

    /// Returns which restricted sources may speak in answers: their ids, or those of agencies for all
    /// of their sources; ascending.
    pub fn sees_restricted(&self) -> &[String] {
        &self.sees_restricted
    }

    /// Says whether a person may go round the gate in an emergency, announced and reviewed.
    pub const fn allows_break_glass(&self) -> bool {
        self.break_glass
    }

    /// Returns how many citizens may be disclosed.
    pub const fn budget(&self) -> Budget {
        self.budget
    }

    /// Returns how many days the receiver may keep what it was told, when that is agreed.
    pub const fn retention_days(&self) -> Option<u32> {
        self.retention_days
    }

    /// Returns for how many days a look is withheld from the citizen it is about.
    pub const fn withhold_days(&self) -> Option<u32> {
        self.withhold_days
    }
}

/// What an agreement allows of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedTerms {
    /// Bits of [`ChangeKind::bit`].
    pub(crate) kinds: u16,
    pub(crate) population: Population,
}

/// About whom an agreement lets the feed tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Population {
    /// Citizens about whom the caller's agency holds a record.
    Held,
    /// Every citizen.
    All,
}

impl Population {
    /// Every population, from narrow to wide.
    pub const ALL: [Self; 2] = [Self::Held, Self::All];

    /// Returns the population's code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::All => "all",
        }
    }
}

impl FeedTerms {
    /// Returns which kinds of change are told.
    pub fn kinds(self) -> impl Iterator<Item = ChangeKind> {
        let told = move |kind: &ChangeKind| self.kinds & kind.bit() != 0;
        ChangeKind::ALL.into_iter().filter(told)
    }

    /// Returns about whom.
    pub const fn population(self) -> Population {
        self.population
    }
}

/// The days on which an agreement is in force: from 00:00 UTC of the first to 24:00 UTC of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    from: Date,
    until: Date,
    start: Timestamp,
    end: Timestamp,
}

impl Agreement {
    /// Returns the agreement's id.
    pub const fn id(&self) -> &AgreementId {
        &self.id
    }

    /// Returns what people call the agreement.
    pub const fn title(&self) -> &Label {
        &self.title
    }

    /// Returns whose systems may ask.
    pub const fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// Returns which systems may ask, ascending.
    pub fn systems(&self) -> &[String] {
        &self.systems
    }

    /// Returns what they may ask, in the order of the service definition.
    pub fn methods(&self) -> impl Iterator<Item = Method> + '_ {
        Method::ALL
            .into_iter()
            .filter(|method| self.allows_method(*method))
    }

    /// Returns what for, ascending.
    pub fn purposes(&self) -> &[String] {
        &self.purposes
    }

    /// Returns on which legal bases, ascending.
    pub fn legal_bases(&self) -> &[String] {
        &self.legal_bases
    }

    /// Returns for which public services, ascending.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// Returns over which channels.
    pub fn channels(&self) -> impl Iterator<Item = Channel> + '_ {
        Channel::ALL
            .into_iter()
            .filter(|channel| self.channels & channel.bit() != 0)
    }

    /// Returns what an answer holds when the question has no mask.
    pub fn default_fields(&self) -> &FieldSet {
        &self.default
    }

    /// Returns what a mask may name at most.
    pub fn maximum_fields(&self) -> &FieldSet {
        &self.maximum
    }

    /// Returns when the agreement is in force.
    pub const fn period(&self) -> Period {
        self.period
    }

    /// Returns how sure the caller must be of its end user.
    pub const fn minimum_assurance(&self) -> Assurance {
        self.minimum_assurance
    }

    /// Returns what the agreement allows of the feed, when it allows any of it.
    pub const fn feed(&self) -> Option<FeedTerms> {
        self.feed
    }

    /// Returns what the agreement says besides who may ask what.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Says whether the agreement allows any method, over any channel, that reveals values.
    pub fn reveals(&self) -> bool {
        let reads = self.methods & !Method::VerifyAttributes.bit() != 0;
        reads && self.channels().any(|channel| !channel.verifies_only())
    }

    pub(crate) const fn allows_method(&self, method: Method) -> bool {
        self.methods & method.bit() != 0
    }
}

impl Period {
    /// Returns the period of these days, both inclusive; `None` when it would end before it starts, or
    /// when a day is outside the years that instants can name.
    pub fn of_days(from: Date, until: Date) -> Option<Self> {
        let after = until.tomorrow().ok()?;
        let start = Offset::UTC
            .to_timestamp(from.to_datetime(jiff::civil::Time::midnight()))
            .ok()?;
        let end = Offset::UTC
            .to_timestamp(after.to_datetime(jiff::civil::Time::midnight()))
            .ok()?;
        (from <= until).then_some(Self {
            from,
            until,
            start,
            end,
        })
    }

    /// Returns the first day.
    pub const fn from(&self) -> Date {
        self.from
    }

    /// Returns the last day.
    pub const fn until(&self) -> Date {
        self.until
    }

    /// Says whether the period is over at the instant.
    pub fn is_over(&self, at: Timestamp) -> bool {
        self.end <= at
    }

    /// Says whether the instant is in the period.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.until)
    }
}
