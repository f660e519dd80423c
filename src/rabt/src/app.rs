//! The composition root: settings in, a running node out.
//!
//! Invariant: this is the only place that knows every part; no part knows this place.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rabt_api::{Bound, ServerConfig, TlsFiles};
use rabt_connect::{Kinds, Limits, Processes, SecretReach, Secrets};
use rabt_linkage::{LinkageModel, Survivorship};
use rabt_model::{Clock, SystemClock};
use rabt_policy::{Caller, Catalogue, EGYPT, Policy, Role};
use rabt_runtime::{BuildInfo, Drained, Shutdown};
use rabt_service::transparency::Portals;
use rabt_service::{ImageFile, Node, Pace, Pacing, Services, Setup, agreement};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tracing::{info, warn};

use crate::config::Config;
use crate::error::{CommandError, Exit, Fault};
use crate::keys;
use crate::secrets::SealedStore;

/// Settings and the folder that their relative paths start from.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    /// The settings.
    pub(crate) config: Config,
    /// The folder.
    pub(crate) base: PathBuf,
}

/// A node that runs: use cases inside, gRPC outside.
pub(crate) struct App {
    /// The use cases.
    pub(crate) services: Arc<Services>,
    shutdown: Shutdown,
    drain: Duration,
}

impl Settled {
    /// Returns a path of the settings as the process can open it.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// Returns the storage address with its path made absolute to the settings' folder.
    pub(crate) fn storage_url(&self) -> String {
        let url = &self.config.storage.url;
        match url.strip_prefix("sqlite://") {
            Some(path) => format!("sqlite://{}", self.path(Path::new(path)).display()),
            None => url.clone(),
        }
    }

    /// Returns who the node is; `process` is a random number.
    fn node(&self, process: i64) -> Node {
        let node = &self.config.node;
        Node {
            name: node.name.clone(),
            address: node.address.clone(),
            process,
            pace: Pace::default(),
        }
    }

    /// Returns how much is read at once by schedule, and for how long.
    pub(crate) fn pacing(&self) -> Pacing {
        let sources = &self.config.sources;
        Pacing {
            parallel: sources.parallel,
            deadline: Duration::from_secs(sources.deadline_s),
            idle: Duration::from_secs(sources.idle_s),
        }
    }

    /// Returns where an image of the directory is kept, with the key that seals it.
    fn image(&self) -> Result<Option<ImageFile>, CommandError> {
        let Config { storage, audit, .. } = &self.config;
        if storage.image.as_os_str().is_empty() {
            return Ok(None);
        }
        Ok(Some(ImageFile {
            path: self.path(&storage.image),
            key: keys::read_or_make_image(&self.path(&audit.keys))?,
        }))
    }

    /// Returns the kinds of source that this node reads, those of executables included.
    pub(crate) async fn kinds(&self) -> Kinds {
        let connectors = &self.config.connectors;
        let mut folders = Vec::new();
        if !connectors.folder.as_os_str().is_empty() {
            folders.push(self.path(&connectors.folder));
        }
        let own = std::env::current_exe().ok();
        folders.extend(own.as_deref().and_then(Path::parent).map(Path::to_owned));
        let processes = Processes {
            rabt: Some(OWN_EXECUTABLE.into()),
            folders,
            limits: Limits {
                memory: connectors.memory_mib.saturating_mul(1_024 * 1_024),
                ..Limits::default()
            },
        };
        kinds().in_processes(processes).with_executables().await
    }

    /// Returns the places that secrets of sources are resolved from.
    pub(crate) fn secrets(&self) -> Secrets {
        let secrets = &self.config.secrets;
        let has_folder = !secrets.folder.as_os_str().is_empty();
        let bounded = Secrets::new().within(SecretReach {
            env_prefix: secrets.env_prefix.clone(),
            folder: has_folder.then(|| self.path(&secrets.folder)),
        });
        match SealedStore::of(self) {
            Some(store) => bounded.with_store(Arc::new(store)),
            None => bounded,
        }
    }

    /// Returns the linkage model, shipped or from a file.
    pub(crate) fn model(&self) -> Result<LinkageModel, CommandError> {
        let name = &self.config.linkage.model;
        if let Some(model) = LinkageModel::shipped(name) {
            return Ok(model);
        }
        let path = self.path(Path::new(name));
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let shipped = LinkageModel::SHIPPED.join(", ");
            let help = format!("linkage.model is one of {shipped}, or the path of a model file");
            CommandError::usage(format!("linkage model {}: {error}", path.display()), help)
        })?;
        LinkageModel::from_toml(&text).map_err(|errors| {
            let fault = |error: &dyn std::fmt::Display| Fault {
                message: format!("{}: {error}", path.display()),
                help: String::new(),
            };
            let faults = errors.iter().map(|error| fault(error)).collect();
            CommandError::many(Exit::Usage, faults)
        })
    }

    /// Returns the rules by which values are chosen, shipped or from a file.
    pub(crate) fn survivorship(&self) -> Result<Survivorship, CommandError> {
        let name = &self.config.linkage.survivorship;
        if name == SHIPPED_RULES {
            return Ok(Survivorship::default());
        }
        let path = self.path(Path::new(name));
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let help = "linkage.survivorship is \"shipped\", or the path of a TOML file of rules";
            let message = format!("survivorship rules {}: {error}", path.display());
            CommandError::usage(message, help)
        })?;
        Survivorship::from_toml(&text).map_err(|errors| {
            let fault = |error: &dyn std::fmt::Display| Fault {
                message: format!("{}:{error}", path.display()),
                help: String::new(),
            };
            let faults = errors.iter().map(|error| fault(error)).collect();
            CommandError::many(Exit::Usage, faults)
        })
    }

    /// Returns the text of the agreements' file; `None` when there is none.
    pub(crate) fn agreements(&self) -> Result<Option<String>, CommandError> {
        let path = self.path(&self.config.agreements.bundle);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let help = "agreements.bundle must be a TOML file that the node's user can read";
                let message = format!("{}: {error}", path.display());
                return Err(CommandError::usage(message, help));
            }
        };
        policy(&text, &path.display().to_string())?;
        Ok(Some(text))
    }

    /// Reads the catalogue of public services.
    pub(crate) fn catalogue(&self) -> Result<Catalogue, CommandError> {
        let name = self.config.agreements.services.as_str();
        if name == SHIPPED_SERVICES {
            return catalogue(EGYPT, name);
        }
        let path = self.path(Path::new(name));
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let help = "agreements.services must be \"egypt\" or a TOML file that the node's user can read";
            CommandError::usage(format!("{}: {error}", path.display()), help)
        })?;
        catalogue(&text, &path.display().to_string())
    }

    /// Makes the folder of the sources the current one: manifests that name no folder of their own
    /// start there. Every other path is absolute by now.
    fn enter_sources(&self) -> Result<(), CommandError> {
        let folder = self.path(&self.config.sources.base);
        std::env::set_current_dir(&folder).map_err(|error| {
            let help = "sources.base must be a folder that the node's user can read";
            CommandError::usage(format!("{}: {error}", folder.display()), help)
        })
    }

    /// Checks that the files of `[tls]` can be used, before anything is made or opened.
    pub(crate) fn check_tls(&self) -> Result<(), CommandError> {
        let tls = &self.config.tls;
        let mut files = vec![
            ("tls.cert", &tls.cert),
            ("tls.key", &tls.key),
            ("tls.client_ca", &tls.client_ca),
        ];
        files.extend(tls.crl.iter().map(|path| ("tls.crl", path)));
        let mut faults = Vec::new();
        for (setting, path) in files {
            let path = self.path(path);
            if let Err(error) = std::fs::File::open(&path) {
                faults.push(Fault {
                    message: format!("{setting}: {}: {error}", path.display()),
                    help: String::new(),
                });
            }
        }
        let Some(last) = faults.last_mut() else {
            let examined = rabt_api::examine(&self.tls(), SystemClock.now());
            let examined = examined.map_err(|error| CommandError::usage(error, TLS_HELP));
            return examined.map(|_| ());
        };
        TLS_HELP.clone_into(&mut last.help);
        Err(CommandError::many(Exit::Usage, faults))
    }

    /// Returns the files of `[tls]`.
    pub(crate) fn tls(&self) -> TlsFiles {
        let tls = &self.config.tls;
        TlsFiles {
            cert: self.path(&tls.cert),
            key: self.path(&tls.key),
            client_ca: self.path(&tls.client_ca),
            crl: tls.crl.iter().map(|path| self.path(path)).collect(),
        }
    }

    /// Returns the settings of the gRPC edge.
    pub(crate) fn server(&self) -> Result<ServerConfig, CommandError> {
        let Config { server, limits, .. } = &self.config;
        let address = |name: &str, text: &str| {
            text.parse().map_err(|_| {
                let message = format!("server.{name} is not an address");
                CommandError::usage(message, "write an IP address and a port")
            })
        };
        Ok(ServerConfig {
            listen: address("listen", &server.listen)?,
            admin_listen: address("admin_listen", &server.admin_listen)?,
            admin_mtls: server.admin_mtls,
            transparency_listen: match server.transparency_listen.as_str() {
                "" => None,
                text => Some(address("transparency_listen", text)?),
            },
            tls: self.tls(),
            limits: rabt_api::Limits {
                connections: limits.connections,
                connections_per_caller: limits.connections_per_caller,
                in_flight: limits.in_flight,
                in_flight_per_caller: limits.in_flight_per_caller,
                requests_per_second_per_caller: limits.requests_per_second_per_caller,
                burst_per_caller: limits.burst_per_caller,
                batches_in_flight: limits.batches_in_flight,
                watchers: limits.watchers,
                watchers_per_caller: limits.watchers_per_caller,
                message_bytes: limits.message_bytes,
                deadline_ms: limits.deadline_ms,
                slow_deadline_ms: limits.slow_deadline_ms,
                handshake_ms: limits.handshake_ms,
                drain_ms: limits.drain_ms,
            },
        })
    }
}

impl Settled {
    /// Returns the systems through which citizens look at their own file.
    fn portals(&self) -> Result<Portals, CommandError> {
        Portals::of(&self.config.transparency.portals).map_err(|name| {
            let message = format!("transparency.portals: `{name}` names no system");
            CommandError::usage(message, "write each as \"agency:system\"")
        })
    }
}

impl App {
    /// Opens storage and starts the use cases; nothing listens yet.
    pub(crate) async fn start(settled: &Settled) -> Result<Self, CommandError> {
        settled.enter_sources()?;
        let model = settled.model()?;
        let rules = settled.survivorship()?;
        let agreements = settled.agreements()?;
        let audit = &settled.config.audit;
        let folder = settled.path(&audit.keys);
        let keys = keys::read_or_make(&folder, &audit.origin, &audit.witnesses)?;
        let storage = rabt_storage::open_as(&settled.storage_url(), &audit.origin)
            .await
            .map_err(|error| {
                CommandError::failed(error, "see storage.url in the settings, and `rabt doctor`")
            })?;
        let mut random = StdRng::from_os_rng();
        let setup = Setup {
            node: settled.node(random.random()),
            storage,
            clock: Arc::new(SystemClock),
            kinds: settled.kinds().await,
            secrets: settled.secrets(),
            model: Arc::new(model),
            rules: Arc::new(rules),
            policy: policy(NO_AGREEMENTS, "built-in agreements")?,
            catalogue: settled.catalogue()?,
            keys,
            random,
            image: settled.image()?,
            portals: settled.portals()?,
            archive: settled.archive(),
            version: BuildInfo::current().version.to_owned(),
        };
        let services = Services::start(setup)
            .await
            .map_err(|error| CommandError::failed(error, "see `rabt doctor`"))?;
        let app = Self {
            services,
            shutdown: Shutdown::new(),
            drain: Duration::from_millis(settled.config.limits.drain_ms),
        };
        if !app.services.leads() {
            info!("another node leads; this one follows it, with the agreements in force there");
        } else if let Some(text) = agreements {
            app.activate(&text).await?;
        } else {
            warn!("there is no file of agreements; those that were handed in stay in force");
        }
        Ok(app)
    }

    /// Puts the agreements of the node's own file in force, in the node's name.
    async fn activate(&self, text: &str) -> Result<(), CommandError> {
        let caller = node_caller()?;
        let imported = agreement::import_agreements(&self.services, &caller, text).await;
        let revision = imported.map_err(|error| {
            let help = "mend the file that agreements.bundle names";
            CommandError::failed(error, help)
        })?;
        info!(revision = %*revision, "agreements are in force");
        Ok(())
    }

    /// Listens for agencies and for operators.
    pub(crate) async fn listen(&self, settled: &Settled) -> Result<Bound, CommandError> {
        let server = settled.server()?;
        let services = Arc::clone(&self.services);
        rabt_api::serve(services, server, self.shutdown.token())
            .await
            .map_err(|error| CommandError::usage(error, TLS_HELP))
    }

    /// Returns what ends the node.
    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Waits for a signal, lets requests in work finish, and stops the use cases.
    pub(crate) async fn run_until_drained(self, bound: Bound) -> Drained {
        self.shutdown.started().await;
        let cause = "signal";
        self.stop(Some(bound), cause).await
    }

    /// Ends the node now.
    pub(crate) async fn stop(self, bound: Option<Bound>, cause: &str) -> Drained {
        if let Some(bound) = bound {
            self.shutdown.spawn(async move {
                // The task only fails when it panicked, which has been reported.
                let _ = bound.task.await;
            });
        }
        let drained = self.shutdown.drain(self.drain).await;
        self.services.stop(cause).await;
        drained
    }
}

const TLS_HELP: &str = "see [server] and [tls] in the settings, and `rabt doctor`; `rabt pki dev` makes certificates to \
     try with, and a revocation list";

/// The file that this process was started from, also when another one has taken its name since: a
/// kind in a process of its own is always of the same version.
const OWN_EXECUTABLE: &str = "/proc/self/exe";

/// The setting that means the shipped rules.
const SHIPPED_RULES: &str = "shipped";

/// The setting that means the shipped public services.
const SHIPPED_SERVICES: &str = "egypt";

/// Agreements that allow nothing.
const NO_AGREEMENTS: &str = "schema = 1\nagreement = []\n";

/// Returns the kinds of source that are part of this executable.
pub(crate) fn kinds() -> Kinds {
    Kinds::new()
        .with(Arc::new(rabt_connector_sqlite::Sqlite))
        .with(Arc::new(rabt_connector_files::Files))
        .with(Arc::new(rabt_connector_postgres::Postgres))
        .with(Arc::new(rabt_connector_mysql::Mysql))
        .with(Arc::new(rabt_connector_rest::Rest))
        .with(Arc::new(rabt_connector_ldap::Ldap))
}

/// Returns who the node is when it acts by itself.
pub(crate) fn node_caller() -> Result<Caller, CommandError> {
    let agency = "platform".parse();
    Ok(Caller {
        agency: agency.map_err(|error| CommandError::failed(error, ""))?,
        system: "node".to_owned(),
        role: Role::Operator,
    })
}

fn policy(text: &str, file: &str) -> Result<Policy, CommandError> {
    Policy::from_bundle(text, file).map_err(faults)
}

fn catalogue(text: &str, file: &str) -> Result<Catalogue, CommandError> {
    Catalogue::from_text(text, file).map_err(faults)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn faults(problems: Vec<rabt_policy::Problem>) -> CommandError {
    let fault = |problem: &rabt_policy::Problem| Fault {
        message: problem.to_string(),
        help: String::new(),
    };
    CommandError::many(Exit::Usage, problems.iter().map(fault).collect())
}

#[cfg(test)]
mod tests {
    use super::{Config, NO_AGREEMENTS, Settled, kinds, policy};

    #[test]
    fn the_built_in_agreements_allow_nothing() {
        assert!(
            policy(NO_AGREEMENTS, "built in")
                .unwrap()
                .agreements()
                .is_empty()
        );
    }

    #[test]
    fn a_node_opens_nothing_of_its_own_to_manifests_unless_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "hunter2").unwrap();
        let mut settled = Settled {
            config: Config::default(),
            base: folder.path().to_owned(),
        };
        let resolve = |settled: &Settled, reference: &str| {
            let config = format!("password = {{ secret = '{reference}' }}");
            let secrets = settled.secrets();
            let agency = "tax".parse().unwrap();
            secrets.resolve(&config.parse().unwrap(), &agency, folder.path())
        };
        let error = resolve(&settled, "env:PATH").unwrap_err().to_string();
        assert!(error.contains("RABT_SECRET_PATH"), "{error}");
        let error = resolve(&settled, "file:key").unwrap_err().to_string();
        assert!(error.contains("secrets.folder"), "{error}");

        settled.config.secrets.env_prefix = "PAT".to_owned();
        settled.config.secrets.folder = ".".into();
        assert!(resolve(&settled, "env:PATH").is_ok());
        let read = resolve(&settled, "file:key").unwrap();
        assert_eq!(read["password"].as_str(), Some("hunter2"));
    }

    #[test]
    fn every_kind_is_registered() {
        let names: Vec<&str> = kinds().names().collect();
        assert_eq!(
            names,
            ["files", "ldap", "mysql", "postgres", "rest", "sqlite"]
        );
    }
}
