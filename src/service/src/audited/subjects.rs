//! Under which names the log knows persons.
//!
//! Invariant: an entry names a person by a hash under a random key of the person's own, which is durable no
//! later than the entry. When the key is destroyed nothing leads from the person to the entry or back: neither
//! the node's keys nor the rest of the log.

use std::sync::Arc;

use dashmap::DashMap;
use rabt_audit::Pseudonym;
use rabt_storage::{AuditLog, SubjectKey};
use rustc_hash::FxHashMap;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio_util::task::TaskTracker;

use crate::error::AuditError;
use crate::vault::Vault;

/// Names that are kept in memory; about 100 bytes each.
const KEPT: usize = 1_000_000;
/// What the seal of a person's key is for.
const OF_SUBJECT: &[u8] = b"rabt/subject-key/";

/// The keys of persons, as far as they are in use.
pub(crate) struct Subjects {
    log: Arc<dyn AuditLog>,
    vault: Arc<Vault>,
    /// By what the key is found by in storage, which the node's own key makes of a person.
    known: DashMap<[u8; 32], Known>,
    /// Held while a key that is not durable yet is on its way; alone while keys are destroyed.
    erasing: Arc<RwLock<()>>,
    tasks: TaskTracker,
}

/// A name in the log.
#[derive(Clone)]
struct Known {
    pseudonym: Pseudonym,
    /// The key, until it is durable.
    pending: Option<SubjectKey>,
}

/// The keys that must be durable with an entry.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) keys: Vec<SubjectKey>,
    /// Goes with the keys until they are durable, whether or not somebody still waits.
    pub(crate) held: Option<OwnedRwLockReadGuard<()>>,
}

impl std::fmt::Debug for Subjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl Subjects {
    pub(crate) fn new(log: Arc<dyn AuditLog>, vault: Arc<Vault>, tasks: TaskTracker) -> Self {
        Self {
            log,
            vault,
            known: DashMap::default(),
            erasing: Arc::default(),
            tasks,
        }
    }

    /// Puts the names of the log in the place of those that the node's key makes of persons. Who has no key
    /// gets one; it must be stored no later than the entry.
    pub(crate) async fn rename(&self, persons: &mut [Pseudonym]) -> Result<Pending, AuditError> {
        let mut durable = true;
        let mut named = Vec::with_capacity(persons.len());
        for person in persons.iter() {
            let known = self.known.get(&person.0);
            durable &= known.as_ref().is_some_and(|known| known.pending.is_none());
            named.extend(known.map(|known| known.pseudonym));
        }
        if durable {
            persons.copy_from_slice(&named);
            return Ok(Pending::default());
        }
        let held = Arc::clone(&self.erasing).read_owned().await;
        let learnt = self.learn(persons).await?;
        let mut keys = Vec::new();
        for person in persons.iter_mut() {
            if let Some(known) = learnt.get(&person.0) {
                keys.extend(known.pending.clone());
                *person = known.pseudonym;
            }
        }
        Ok(Pending {
            keys,
            held: Some(held),
        })
    }

    /// Makes keys durable by themselves, ahead of entries that are committed with a change.
    pub(crate) async fn store(self: &Arc<Self>, pending: Pending) -> Result<(), AuditError> {
        if pending.keys.is_empty() {
            return Ok(());
        }
        let subjects = Arc::clone(self);
        // a request that goes away leaves no commit under way behind a lock that is free again
        let stored = self.tasks.spawn(async move {
            subjects.log.put_subject_keys(&pending.keys).await?;
            subjects.settle(&pending.keys);
            drop(pending);
            Ok(())
        });
        stored.await.map_err(|_| AuditError::Stopped)?
    }

    /// Notes that keys are durable.
    pub(crate) fn settle<'a>(&self, keys: impl IntoIterator<Item = &'a SubjectKey>) {
        for key in keys {
            if let Some(mut known) = self.known.get_mut(&key.name) {
                known.pending = None;
            }
        }
    }

    /// Returns every name that the log knows these persons by: under all their keys, and, in entries of
    /// before there were any, under the node's own.
    pub(crate) async fn names(&self, persons: &[Pseudonym]) -> Result<Vec<[u8; 32]>, AuditError> {
        let mut names: Vec<[u8; 32]> = persons.iter().map(|person| person.0).collect();
        let stored = self.log.subject_keys(&names).await?;
        let known = names.iter().filter_map(|name| {
            let known = self.known.get(name)?;
            Some(known.pseudonym.0)
        });
        let known: Vec<[u8; 32]> = known.collect();
        for key in &stored {
            names.push(self.open(key)?.0);
        }
        names.extend(known);
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Destroys the keys of these persons; returns how many there were.
    pub(crate) async fn erase(&self, persons: &[Pseudonym]) -> Result<u64, AuditError> {
        let names: Vec<[u8; 32]> = persons.iter().map(|person| person.0).collect();
        let alone = self.erasing.write().await;
        let erased = self.log.delete_subject_keys(&names).await;
        // after a failure too: nobody knows what is durable, and storage is asked again
        for name in &names {
            self.known.remove(name);
        }
        drop(alone);
        let erased = erased?;
        if let Err(error) = self.log.scrub_subject_keys().await {
            let remedy = "they go when the database is tidied up: VACUUM subject_keys, or on SQLite a restart";
            tracing::warn!(%error, remedy, "keys are destroyed and may still stand in free pages or in the journal");
        }
        Ok(erased)
    }

    /// Returns how many keys these persons have.
    pub(crate) async fn count(&self, persons: &[Pseudonym]) -> Result<u64, AuditError> {
        let names: Vec<[u8; 32]> = persons.iter().map(|person| person.0).collect();
        Ok(self.log.subject_keys(&names).await?.len() as u64)
    }

    /// Forgets what is in memory: another node destroyed keys. Waits for keys that are on their way.
    pub(crate) async fn forget(&self) {
        let _alone = self.erasing.write().await;
        self.known.clear();
    }

    /// Returns what is known of every one of these persons, who have a key from now on.
    async fn learn(&self, persons: &[Pseudonym]) -> Result<FxHashMap<[u8; 32], Known>, AuditError> {
        let (mut learnt, mut unknown) = (FxHashMap::default(), Vec::new());
        for person in persons {
            match self.known.get(&person.0) {
                Some(known) => drop(learnt.insert(person.0, known.clone())),
                None => unknown.push(person.0),
            }
        }
        if unknown.is_empty() {
            return Ok(learnt);
        }
        unknown.sort_unstable();
        unknown.dedup();
        let mut stored = FxHashMap::default();
        for key in self.log.subject_keys(&unknown).await? {
            // two nodes may have made one each at the same moment
            stored.entry(key.name).or_insert(key);
        }
        if self.known.len() + unknown.len() > KEPT {
            self.known.retain(|_, known| known.pending.is_some());
        }
        for name in unknown {
            let new = match stored.remove(&name) {
                Some(key) => Known {
                    pseudonym: self.open(&key)?,
                    pending: None,
                },
                None => self.make(name),
            };
            // somebody else may have been first
            let known = self.known.entry(name).or_insert(new).clone();
            learnt.insert(name, known);
        }
        Ok(learnt)
    }

    fn make(&self, name: [u8; 32]) -> Known {
        let mut key = [0; 32];
        self.vault.fill(&mut key);
        let sealed = self.vault.seal(&place(name), &key);
        Known {
            pseudonym: Pseudonym::of_key(&key),
            pending: Some(SubjectKey { name, sealed }),
        }
    }

    fn open(&self, key: &SubjectKey) -> Result<Pseudonym, AuditError> {
        let opened = self.vault.unseal(&place(key.name), &key.sealed)?;
        let opened = <[u8; 32]>::try_from(opened).map_err(|_| crate::VaultError::Damaged)?;
        Ok(Pseudonym::of_key(&opened))
    }
}

fn place(name: [u8; 32]) -> Vec<u8> {
    [OF_SUBJECT, &name].concat()
}
