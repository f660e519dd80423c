//! Mutual TLS: who we are, and whose clients we talk to. Both may change while we serve.
//!
//! Invariant: a peer whose certificate does not hold (no configured authority signed it, it is
//! revoked, or its time has not come or is over) never gets past the handshake, and is told nothing
//! more when it ceases to hold later. There is no optional client authentication. What does not load
//! changes nothing.

mod ending;
mod examine;
mod file;
mod kept;
mod standing;
mod trust;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rabt_model::Clock;
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls::time_provider::TimeProvider;
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::ending::Herald;
pub use self::ending::{Ending, Stage, Thing};
pub use self::examine::{Examined, examine};
use self::file::{Authorities, Lists, Served};
use self::kept::Kept;
pub(crate) use self::standing::Standing;
use crate::{ApiError, TlsFiles};

/// How often the files are looked at. What is revoked must be refused within a second.
const LOOK: Duration = Duration::from_millis(250);

/// The TLS settings in force, and the files they come from.
#[derive(Debug)]
pub(crate) struct Tls {
    clock: Arc<dyn Clock>,
    source: Mutex<Source>,
    in_force: watch::Sender<InForce>,
    /// That of [`InForce`], where each request reads it.
    generation: AtomicU64,
}

/// Makes a node look at its certificate files now.
#[derive(Debug, Clone, Default)]
pub struct Reload(Arc<Notify>);

/// What handshakes go by.
#[derive(Debug, Clone)]
struct InForce {
    server: Arc<rustls::ServerConfig>,
    verifier: Arc<dyn ClientCertVerifier>,
    /// How often trust has changed.
    generation: u64,
}

/// The parts of the settings, each read from its own files.
#[derive(Debug)]
struct Source {
    files: TlsFiles,
    served: Kept<Served>,
    authorities: Kept<Authorities>,
    lists: Vec<(PathBuf, Kept<Lists>)>,
    endings: Vec<Ending>,
    herald: Herald,
}

/// What a look at the files has found changed.
#[derive(Debug, Clone, Copy, Default)]
struct Changed {
    served: bool,
    trust: bool,
}

impl Reload {
    /// Looks now.
    pub fn now(&self) {
        self.0.notify_one();
    }
}

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: &TlsFiles, clock: Arc<dyn Clock>) -> Result<Self, ApiError> {
        let mut source = Source::load(files)?;
        let verifier = source.verifier()?;
        let server = server_config(source.served.value(), &verifier, &clock)?;
        source.tell_coverage();
        source.tell_endings(clock.now());
        let in_force = InForce {
            server: Arc::new(server),
            verifier,
            generation: 0,
        };
        Ok(Self {
            clock,
            source: Mutex::new(source),
            in_force: watch::Sender::new(in_force),
            generation: AtomicU64::new(0),
        })
    }

    /// Returns the settings for the next handshake and the generation of its trust.
    pub(crate) fn current(&self) -> (Arc<rustls::ServerConfig>, u64) {
        let current = self.in_force.borrow();
        (Arc::clone(&current.server), current.generation)
    }

    /// Returns the standing of a peer after a handshake with the trust of `generation`.
    pub(crate) fn standing(
        self: &Arc<Self>,
        chain: &[CertificateDer<'_>],
        generation: u64,
    ) -> Option<Standing> {
        Standing::new(Arc::clone(self), chain, generation)
    }

    /// Looks at the files from time to time, and when it is told to, until `stop`.
    pub(crate) async fn keep(self: Arc<Self>, reload: Reload, stop: CancellationToken) {
        loop {
            let must = tokio::select! {
                () = stop.cancelled() => return,
                () = reload.0.notified() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            // Files may lie on a disk that does not answer; requests must not wait for it.
            let tls = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || tls.look(must)).await;
            if let Err(error) = looked {
                error!(%error, "the look at the certificate files was broken off");
            }
        }
    }

    /// Looks at the files and puts in force what has changed.
    fn look(&self, must: bool) {
        let now = self.clock.now();
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = source.look(now, must);
        if changed.served || changed.trust {
            if let Err(error) = self.put_in_force(&source, changed) {
                error!(%error, "what was in force stays in force");
            }
            source.note_endings();
        } else if must {
            info!("certificate files were looked at, nothing has changed");
        }
        source.tell_endings(now);
    }

    fn put_in_force(&self, source: &Source, changed: Changed) -> Result<(), ApiError> {
        let mut next = self.in_force.borrow().clone();
        if changed.trust {
            next.verifier = source.verifier()?;
            next.generation += 1;
        }
        let server = server_config(source.served.value(), &next.verifier, &self.clock)?;
        next.server = Arc::new(server);
        let generation = next.generation;
        // The number first: who is woken by the change must find it changed.
        self.generation.store(generation, Ordering::Release);
        self.in_force.send_replace(next);
        info!(
            certificate = changed.served,
            trust = changed.trust,
            "certificate files have changed and are in force"
        );
        Ok(())
    }

    fn trust(&self) -> (Arc<dyn ClientCertVerifier>, u64) {
        let current = self.in_force.borrow();
        (Arc::clone(&current.verifier), current.generation)
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn subscribe(&self) -> watch::Receiver<InForce> {
        self.in_force.subscribe()
    }
}

impl Source {
    fn load(files: &TlsFiles) -> Result<Self, ApiError> {
        let served = vec![files.cert.clone(), files.key.clone()];
        let served = Kept::load(served, || file::served(files))?;
        let authorities = vec![files.client_ca.clone()];
        let authorities = Kept::load(authorities, || file::authorities(&files.client_ca))?;
        let mut lists = Vec::with_capacity(files.crl.len());
        for path in &files.crl {
            let read = || read_lists(path, authorities.value());
            lists.push((path.clone(), Kept::load(vec![path.clone()], read)?));
        }
        let mut source = Self {
            files: files.clone(),
            served,
            authorities,
            lists,
            endings: Vec::new(),
            herald: Herald::default(),
        };
        source.note_endings();
        Ok(source)
    }

    fn look(&mut self, now: rabt_model::Timestamp, must: bool) -> Changed {
        let files = &self.files;
        let served = self.served.look(now, must, || file::served(files));
        let authorities = &mut self.authorities;
        let mut trust = authorities.look(now, must, || file::authorities(&files.client_ca));
        for (path, kept) in &mut self.lists {
            trust |= kept.look(now, must, || read_lists(path, authorities.value()));
        }
        if trust {
            self.tell_coverage();
        }
        Changed { served, trust }
    }

    /// Returns what judges clients. A list that an authority's name and not its signature is on, as
    /// when the authority's certificate was replaced and its list not yet, is left out: it would
    /// refuse every caller of the new certificate.
    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, ApiError> {
        let authorities = self.authorities.value();
        let mut usable = Vec::new();
        for (path, lists) in &self.lists {
            for list in lists.value() {
                if trust::issuer(list, authorities) == trust::Issuer::Forged {
                    let file = path.display();
                    error!(%file, "the list is not of the authorities in force, and counts for none");
                } else {
                    usable.push(list.clone());
                }
            }
        }
        trust::verifier(authorities, usable)
    }

    fn note_endings(&mut self) {
        let lists: Vec<(&Path, &Lists)> = self.each_list().collect();
        let (served, authorities) = (self.served.value(), self.authorities.value());
        self.endings = ending::endings(&self.files, served, authorities, &lists);
    }

    fn tell_endings(&mut self, now: rabt_model::Timestamp) {
        self.herald.tell(&self.endings, now);
    }

    /// Tells what lists do not cover, when there are any.
    fn tell_coverage(&self) {
        for note in self.coverage() {
            warn!("{note}");
        }
    }

    /// Returns what lists do not cover, and which cover nothing here.
    fn coverage(&self) -> Vec<String> {
        let authorities = self.authorities.value();
        let mut notes = Vec::new();
        for (path, lists) in self.each_list() {
            let of_others = |list: &_| trust::issuer(list, authorities) == trust::Issuer::Other;
            if lists.iter().any(of_others) {
                notes.push(format!(
                    "{}: no authority of tls.client_ca issued a list in it; it counts only for \
                     authorities between, whose certificates callers send along",
                    path.display()
                ));
            }
        }
        let lists: Vec<&Lists> = self.each_list().map(|(_, lists)| lists).collect();
        if !lists.is_empty() {
            for name in trust::without_list(authorities, &lists) {
                notes.push(format!(
                    "the authority {name:?} of tls.client_ca has no list in tls.crl; none of its \
                     certificates counts as revoked"
                ));
            }
        }
        notes
    }

    fn each_list(&self) -> impl Iterator<Item = (&Path, &Lists)> {
        let lists = self.lists.iter();
        lists.map(|(path, lists)| (path.as_path(), lists.value()))
    }
}

fn read_lists(file: &Path, authorities: &Authorities) -> Result<Lists, ApiError> {
    let lists = file::lists(file)?;
    trust::check(file, &lists, authorities)?;
    Ok(lists)
}

fn server_config(
    served: &Served,
    verifier: &Arc<dyn ClientCertVerifier>,
    clock: &Arc<dyn Clock>,
) -> Result<rustls::ServerConfig, ApiError> {
    let failed = |error: rustls::Error| ApiError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let time = Arc::new(Time(Arc::clone(clock)));
    let mut config = rustls::ServerConfig::builder_with_details(provider, time)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_client_cert_verifier(Arc::clone(verifier))
        .with_single_cert(served.chain.clone(), served.key.clone_key())
        .map_err(failed)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // A resumed session would skip the check of the client's certificate.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// The node's clock, for handshakes.
#[derive(Debug)]
struct Time(Arc<dyn Clock>);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        Some(standing::unix(self.0.now()))
    }
}
