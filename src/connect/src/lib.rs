//! Reading agencies: the contract of a kind of source, the messages it sends, the manifest and the
//! mapping that turn an agency's rows into source records.
//!
//! Invariant: a connector sends text and holds no policy; every decision about a value is a named
//! step of a mapping.

#[cfg(feature = "testkit")]
pub mod compliance;
mod config_fields;
mod connector;
mod cursor;
mod document;
mod error;
mod fold;
mod hex;
mod inside;
mod kinds;
mod manifest;
mod mapping;
mod message;
mod preview;
mod problem;
mod process;
mod propose;
mod schedule;
mod secret;
mod shape;
mod step;
mod survey;

pub use config_fields::ConfigFields;
pub use connector::{
    Capabilities, ColumnInfo, ConfigKey, Connector, Description, Filter, Finding, Mode, Outcome,
    Plan, Protect, Session, Table,
};
pub use cursor::lowered;
pub use error::ConnectError;
pub use hex::hex;
pub use inside::refuse_outside;
pub use kinds::{Kinds, Processes};
pub use manifest::{
    Agency, AgencyFolder, Deletes, Guard, Isolation, OnDrift, SourceSpec, StreamSpec, Truth,
};
pub use mapping::{Mapped, Mapping, MappingContext, RejectReason, Rejection};
pub use message::{
    Acknowledgements, Batch, BatchBuilder, Cell, Deleted, Estimate, Fault, Identity, Inlet,
    MAX_BATCH_BYTES, MAX_CELL_BYTES, Message, Outlet, Position, READ_ANEW,
};
pub use preview::{Example, RejectedCount, StreamPreview, preview};
pub use problem::{Problem, Problems, nearest};
pub use process::{Limits, PREFIX, Program, Remote, ServeError, serve};
pub use propose::{
    Body, ColumnProposal, FolderText, Line, NewAgency, Proposal, TableProposal, propose,
};
pub use schedule::{Schedule, Times, Timetable, Window};
pub use secret::{
    SecretName, SecretNameError, SecretReach, SecretStore, SecretStoreError, Secrets,
};
pub use shape::{
    Agreement, ColumnShapes, DateUse, List, ListUse, Registry, Shape, ShapeCollector, ShortCode,
    TableShapes, Tail,
};
pub use step::{Calendar, DateFormat, DateFormatError, Step};
pub use survey::{Sampling, Surveyed, sample, survey};
