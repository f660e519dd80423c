//! A node whose entries may leave for an archive.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rabt_audit::{
    AuditEvent, CheckpointVerifier, Entry, Export, ExportTrust, LogVerifier, Report, TILE,
    exported_bundle, verify_export,
};
use rabt_model::{Clock, ManualClock};
use rabt_policy::{AccessRequest, Caller, Method, Role};
use rabt_storage::{AuditLog, Storage};
use tempfile::TempDir;

use crate::enquiry::lookup_citizen;
use crate::oversight::{ArchivePlace, Cut, OversightError, confirm_archive, request_archive};
use crate::tests::node::{
    Fragile, MONA, OMAR, Tables, approver, by_national_id, folder, keys, memory, operator,
    register, request, setup, source,
};
use crate::{ErasureState, Services, Setup, ingest, link};

pub(super) const DAY: i64 = 86_400;

/// A node whose entries stay for 30 days, and the folder of its archives.
pub(super) struct World {
    pub(super) storage: Arc<Fragile>,
    tables: Tables,
    pub(super) clock: Arc<ManualClock>,
    pub(super) place: TempDir,
    pub(super) services: Arc<Services>,
}

impl World {
    /// Returns a node that was asked so often, 40 days ago.
    pub(super) async fn asked(times: usize) -> Self {
        let (storage, tables) = (memory().await, Tables::default());
        tables.set("registry", &[MONA, OMAR]);
        let now = "2026-06-01T10:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let place = TempDir::new().unwrap();
        let services = start(&storage, &tables, &clock, Some(place.path())).await;
        register(&services, folder("registry")).await;
        ingest(&services, &source("registry")).await.unwrap();
        link(&services).await.unwrap();
        let world = Self {
            storage,
            tables,
            clock,
            place,
            services,
        };
        world.ask(times).await;
        world.clock.advance(40 * DAY);
        world.ask(30).await;
        world
    }

    pub(super) async fn ask(&self, times: usize) {
        for _ in 0..times {
            let question = AccessRequest {
                at: self.clock.now(),
                ..request(Method::LookupCitizen, by_national_id(MONA[2]))
            };
            lookup_citizen(&self.services, question).await.unwrap();
        }
    }

    /// Ends the node and starts it again on what is there.
    pub(super) async fn again(mut self) -> Self {
        self.services.stop("a test").await;
        let place = Some(self.place.path());
        self.services = start(&self.storage, &self.tables, &self.clock, place).await;
        self
    }

    /// As [`World::again`], with settings that name no archive.
    pub(super) async fn again_without_place(mut self) -> Self {
        self.services.stop("a test").await;
        self.services = start(&self.storage, &self.tables, &self.clock, None).await;
        self
    }

    /// Writes an answer that the citizen is not told of before this time.
    pub(super) async fn withhold(&self, until: &str) {
        let log = self.log();
        let entries = log.entries(0, 1_000).await.unwrap().into_iter();
        let mut entries = entries.map(|(_, entry)| Entry::decode(&entry.body).unwrap());
        let is_answer = |entry: &Entry| matches!(entry.event, AuditEvent::Disclosed(_));
        let mut entry = entries.find(is_answer).unwrap();
        let AuditEvent::Disclosed(disclosed) = &mut entry.event else {
            panic!("not a disclosure");
        };
        disclosed.withheld_until = Some(until.parse().unwrap());
        entry.at = self.clock.now();
        let _durable = self.services.audit.record(entry, ()).await.unwrap();
    }

    pub(super) fn cut(&self, step: Option<Cut>) {
        *self.services.archiving.cut.lock().unwrap() = step;
    }

    pub(super) fn log(&self) -> Arc<dyn AuditLog> {
        self.storage.audit_log()
    }

    pub(super) async fn archived(&self) -> u64 {
        self.log().archived().await.unwrap().size
    }

    /// Asks for what is old to leave, as an officer; returns its number.
    pub(super) async fn request(&self) -> i64 {
        let asked = request_archive(&self.services, &officer(), None, "retention ended").await;
        asked.unwrap().number
    }

    pub(super) async fn confirm(&self, number: i64) -> Result<ErasureState, OversightError> {
        let done = confirm_archive(&self.services, &approver(), number).await;
        done.map(|done| done.state)
    }

    /// Returns the folders of archives, ascending.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.place.path()).unwrap();
        let mut folders: Vec<PathBuf> = folders.map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders
    }

    /// Checks the whole log: what is in the folders and what is in storage.
    pub(super) async fn verify(&self) -> Report {
        let log = self.log();
        let verifier = verifier();
        let mut check = LogVerifier::new(&verifier, log.checkpoints().await.unwrap());
        let mut leaf = 0;
        for folder in self.folders() {
            let found = sound(&folder);
            assert_eq!(found.first, leaf, "{}", folder.display());
            while leaf < found.size {
                let mut read = |file: &str| {
                    std::fs::read(folder.join(file)).map_err(|error| error.to_string())
                };
                let bodies = exported_bundle(&mut read, found.size, leaf).unwrap();
                let hashes = log.leaf_hashes(leaf, TILE).await.unwrap();
                for (body, hash) in bodies.iter().zip(hashes) {
                    check.entry(leaf, body, &hash);
                    leaf += 1;
                }
            }
        }
        assert_eq!(leaf, self.archived().await);
        for (leaf, entry) in log.entries(leaf, 100_000).await.unwrap() {
            check.entry(leaf, &entry.body, &entry.leaf_hash);
        }
        check.finish()
    }
}

async fn start(
    storage: &Arc<Fragile>,
    tables: &Tables,
    clock: &Arc<ManualClock>,
    place: Option<&Path>,
) -> Arc<Services> {
    let setup = Setup {
        clock: Arc::clone(clock) as _,
        archive: place.map(|place| ArchivePlace {
            folder: place.to_owned(),
            retention_days: 30,
        }),
        ..setup(storage, tables)
    };
    Services::start(setup).await.unwrap()
}

pub(super) fn verifier() -> CheckpointVerifier {
    keys().checkpoint.verifier().clone()
}

pub(super) fn officer() -> Caller {
    Caller {
        system: "officer-1".into(),
        role: Role::SecurityOfficer,
        ..operator()
    }
}

pub(super) fn auditor() -> Caller {
    Caller {
        system: "auditor-1".into(),
        role: Role::Auditor,
        ..operator()
    }
}

fn walk(path: &Path, below: &str, files: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name);
        }
    }
}

pub(super) fn checked(folder: &Path) -> Export {
    let mut files = BTreeSet::new();
    walk(folder, "", &mut files);
    let mut read = |file: &str| std::fs::read(folder.join(file)).map_err(|e| e.to_string());
    let verifier = verifier();
    let trust = ExportTrust {
        log: &verifier,
        witnesses: &[],
        time: None,
    };
    verify_export(&files, &mut read, trust)
}

pub(super) fn sound(folder: &Path) -> Export {
    let found = checked(folder);
    assert_eq!(found.problems, [], "{}", folder.display());
    found
}
