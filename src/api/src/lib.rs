//! The gRPC edge: from a socket to a use case and back.
//!
//! Invariant: this crate translates and holds no rule. What leaves about citizens is an audited
//! disclosure or, to clerks, an audited task; there is no other way to a profile here.

mod agreement_service;
mod audit_service;
mod authn;
mod change_service;
mod citizen_service;
mod config;
mod connector_service;
mod convert;
mod error;
mod health;
mod limit;
mod linkage_service;
mod listen;
mod oversight_service;
mod page;
mod refusal;
mod request;
mod server;
mod stack;
mod status;
mod tls;
mod transparency_service;
mod wire;

#[cfg(test)]
mod tests;

pub use config::{Limits, ServerConfig, TlsFiles};
pub use error::ApiError;
pub use server::{Bound, serve};
pub use tls::{Ending, Examined, Reload, Stage, Thing, examine};
