//! Whether the certificate of an open connection still holds.
//!
//! Invariant: what is asked here is what the handshake asks, by the same verifier, of the same chain.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rabt_model::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use tracing::warn;

use super::{Tls, ending};

/// Longest sleep until a certificate's end, so that a clock that is set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// The certificate of the other end of one connection.
pub(crate) struct Standing {
    tls: Arc<Tls>,
    /// Leaf first, as it came in the handshake.
    chain: Vec<CertificateDer<'static>>,
    until: Timestamp,
    /// The generation of trust that the chain was last verified with.
    verified: AtomicU64,
    refused: AtomicBool,
}

impl Standing {
    /// Returns the standing after a handshake with the trust of this generation; `None` for a chain
    /// that cannot be read, which no handshake takes.
    pub(super) fn new(
        tls: Arc<Tls>,
        chain: &[CertificateDer<'_>],
        generation: u64,
    ) -> Option<Self> {
        Some(Self {
            tls,
            until: ending::until(chain.first()?)?,
            chain: chain.iter().map(|one| one.clone().into_owned()).collect(),
            verified: AtomicU64::new(generation),
            refused: AtomicBool::new(false),
        })
    }

    /// Says whether the certificate holds. Costs two numbers unless trust has changed.
    pub(crate) fn holds(&self) -> bool {
        if self.refused.load(Ordering::Relaxed) {
            return false;
        }
        let now = self.tls.clock.now();
        if now >= self.until {
            return self.refuse("it has ended");
        }
        let generation = self.tls.generation();
        generation == self.verified.load(Ordering::Relaxed) || self.verify(now)
    }

    /// Completes when the certificate no longer holds.
    pub(crate) async fn ended(&self) {
        let mut changes = self.tls.subscribe();
        while self.holds() {
            let left = self.until.duration_since(self.tls.clock.now());
            let left = Duration::try_from(left).unwrap_or_default();
            // A change is followed at once; when there can be no more, the sleeps go on.
            tokio::select! {
                Ok(()) = changes.changed() => {}
                () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {}
            }
        }
    }

    fn verify(&self, now: Timestamp) -> bool {
        let (verifier, generation) = self.tls.trust();
        let Some((leaf, between)) = self.chain.split_first() else {
            return self.refuse("there is none");
        };
        match verifier.verify_client_cert(leaf, between, unix(now)) {
            Ok(_) => {
                self.verified.store(generation, Ordering::Relaxed);
                true
            }
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn refuse(&self, reason: &str) -> bool {
        if !self.refused.swap(true, Ordering::Relaxed) {
            let serial = self.chain.first().and_then(serial).unwrap_or_default();
            warn!(
                reason,
                serial, "the certificate of an open connection no longer holds"
            );
        }
        false
    }
}

/// Returns the number that the authority gave a certificate, as revocation lists show it.
fn serial(certificate: &CertificateDer<'_>) -> Option<String> {
    use x509_parser::prelude::{FromDer, X509Certificate};
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.raw_serial_as_string())
}

/// Returns a time as the library takes it.
pub(super) fn unix(time: Timestamp) -> UnixTime {
    let seconds = u64::try_from(time.as_second()).unwrap_or_default();
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}
