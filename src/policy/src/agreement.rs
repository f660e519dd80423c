//! An access agreement: who may ask what, why, over which channel, until when.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use rabt_model::{AgencyId, AgreementId, ChangeKind, Label};

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
