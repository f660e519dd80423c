//! The gRPC edge: from a socket to a use case and back.
//!
//! Invariant: this crate translates and holds no rule. What leaves is an audited disclosure; a
//! profile cannot be named here.

mod authn;
mod change_service;
mod citizen_service;
mod config;
mod connector_service;
mod convert;
mod error;
mod health;
mod limit;
mod listen;
mod page;
mod request;
mod server;
mod stack;
mod status;
mod tls;

#[cfg(test)]
mod tests;

pub use config::{Limits, ServerConfig, TlsFiles};
pub use error::ApiError;
pub use server::{Bound, serve};
