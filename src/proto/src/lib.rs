//! The messages, servers and clients of the public contract, generated from `proto/`.
//!
//! Invariant: nothing here is written by hand but this page.

#[allow(clippy::all, clippy::pedantic, rustdoc::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/rabt.rs"));
}

#[allow(clippy::all, clippy::pedantic, rustdoc::all)]
mod generated_source {
    include!(concat!(env!("OUT_DIR"), "/source.rs"));
}

/// Package `rabt.agreement.v1`: who may ask what.
pub use generated::rabt::agreement::v1 as agreement;
/// Package `rabt.audit.v1`: the evidence of what was asked, answered and done.
pub use generated::rabt::audit::v1 as audit;
/// Package `rabt.change.v1`: what happened to citizens.
pub use generated::rabt::change::v1 as change;
/// Package `rabt.citizen.v1`: questions about citizens.
pub use generated::rabt::citizen::v1 as citizen;
/// Package `rabt.connector.v1`: sources and their runs.
pub use generated::rabt::connector::v1 as connector;
/// Package `rabt.linkage.v1`: what clerks are asked and decide.
pub use generated::rabt::linkage::v1 as linkage;
/// Package `rabt.transparency.v1`: what citizens see of what others see of them.
pub use generated::rabt::transparency::v1 as transparency;
/// Package `rabt.type.v1`: the citizen, the context of a question, the origin of a value.
pub use generated::rabt::r#type::v1 as common;
/// Package `rabt.source.v1`: what a node says to a process that reads a source, and what it answers.
pub use generated_source::rabt::source::v1 as source;

/// The encoded `google.protobuf.FileDescriptorSet` of the contract and all it imports; for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/rabt.descriptors"));
