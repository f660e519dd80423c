//! The edge on real use cases: a node with storage in memory and one agency, over loopback.

mod enquiries;
mod node;
mod operations;
pub(crate) mod pki;
