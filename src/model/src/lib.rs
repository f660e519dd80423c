//! The vocabulary of Rabt: names for the things every other crate talks about.
//!
//! Invariant: this crate does no I/O, knows no async runtime and decides nothing.

mod attribute;
mod change;
mod class;
mod clock;
mod date;
mod id;
mod label;
mod pii;
mod profile;
mod record;
mod review;
mod value;

pub use attribute::{Attribute, ParseAttributeError, Sensitivity};
pub use change::{Change, ChangeCause, ChangeKind, View};
pub use class::ErrorClass;
pub use clock::{Clock, ManualClock, SystemClock};
pub use date::{ParseDateError, PartialDate};
pub use id::{
    AgencyId, AgreementId, CitizenId, FactName, IdError, RecordId, RecordNumber, RunId, Scheme,
    SourceId, StreamId,
};
pub use jiff::Timestamp;
pub use label::Label;
pub use pii::Pii;
pub use profile::{
    Attributed, GoldenRecord, GoldenValue, Holding, OtherValue, Profile, Provenance, Rule,
};
pub use record::{RecordValue, SourceRecord};
pub use review::{DecisionNumber, Judgement, RecordPair, ReviewKind, TaskNumber};
pub use value::{Address, Kin, Name, NamePart, Relation, Value};
