//! Why the edge could not be started.

use std::net::SocketAddr;
use std::path::PathBuf;

use rabt_model::ErrorClass;

/// Why the edge could not be started. Each says which setting or file to look at.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A file named under `tls` cannot be used.
    #[error("file {} under tls.{setting} cannot be used: {reason}", file.display())]
    TlsFile {
        /// The setting under `tls`.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it; never its content.
        reason: String,
    },
    /// Certificate and key, or the authorities, do not work together.
    #[error("tls settings do not work together: {0}")]
    Tls(String),
    /// An address cannot be listened on.
    #[error("address {address} cannot be listened on: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The compiled contract cannot be served by reflection.
    #[error("reflection cannot be built from the compiled contract: {0}")]
    Reflection(String),
}

impl ApiError {
    /// Returns the class of the error.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::TlsFile { .. } | Self::Tls(_) | Self::Listen { .. } => ErrorClass::Configuration,
            Self::Reflection(_) => ErrorClass::Defect,
        }
    }
}
