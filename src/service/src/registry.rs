//! What the registered sources say about themselves, read once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rabt_connect::{
    Agency, AgencyFolder, ConnectError, Problems, Secrets, Session, SourceSpec, Truth,
};
use rabt_linkage::Standing;
use rabt_model::{AgencyId, Attribute, Label, Profile, RecordId, SourceId, StreamId};
use rabt_policy::{Permit, Restricted};
use rabt_storage::{FolderState, Storage, StorageError, StoredFolder, Transaction};

/// The registered sources and agencies; replaced as a whole when one changes.
#[derive(Debug, Default)]
pub(crate) struct Registry(RwLock<Arc<Known>>);

/// The registry at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    sources: BTreeMap<SourceId, Arc<Registered>>,
    agencies: BTreeMap<AgencyId, (Label, u8)>,
    /// What streams are the record of truth for; those that are for nothing are left out.
    truths: BTreeMap<SourceId, Vec<(StreamId, Truth)>>,
    restricted: Restricted,
    /// Sources whose manifest does not load, and whose they are.
    unknown: BTreeMap<SourceId, AgencyId>,
}

/// One registered source.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) agency: AgencyId,
    pub(crate) spec: SourceSpec,
    base: PathBuf,
}

/// Marks the line of a stored manifest that says where relative paths start. It is a comment to
/// the manifest's parser, and the last line, so that line numbers stay those of the author.
const BASE: &str = "\n# base: ";

impl Registry {
    /// Reads every registered source. One whose manifest no longer loads is left out and logged.
    pub(crate) async fn load(storage: &dyn Storage) -> Result<Self, StorageError> {
        let registry = Self::default();
        registry.refresh(storage.snapshot().await?.as_mut()).await?;
        Ok(registry)
    }

    /// Becomes what one state of storage holds, all at once.
    pub(crate) async fn refresh(&self, tx: &mut dyn Transaction) -> Result<(), StorageError> {
        let mut known = Known::default();
        let mut folders: BTreeMap<(String, String), BTreeSet<SourceId>> = BTreeMap::new();
        let mut agencies = BTreeSet::new();
        let mut owners: BTreeMap<SourceId, AgencyId> = BTreeMap::new();
        for source in tx.list_sources().await? {
            owners.insert(source.id.clone(), source.agency.clone());
            agencies.insert(source.agency);
            let texts = (source.manifest, source.mapping);
            folders.entry(texts).or_default().insert(source.id);
        }
        for ((manifest, mapping), sources) in folders {
            // A source that a later folder left out keeps the text that it was read by, in which its
            // neighbours are as they were then.
            let added = known.add(&manifest, &mapping, |id| sources.contains(id));
            if let Err(problems) = added {
                let source = sources.first();
                tracing::error!(?source, %problems, "a registered manifest does not load");
                // what it says of itself is not known, so it may say that it is restricted
                for source in sources {
                    let owner = owners.remove(&source).map(|owner| (source.clone(), owner));
                    known.unknown.extend(owner);
                    Arc::make_mut(&mut known.restricted).insert(source);
                }
            }
        }
        for agency in agencies {
            let versions = tx.folders(&agency).await?;
            let approved = |folder: &&StoredFolder| folder.state == FolderState::Approved;
            if let Some(folder) = versions.iter().find(approved) {
                // one that does not load has been logged with its sources
                let _ = known.add(&folder.manifest, &folder.mapping, |_| false);
            }
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        Ok(())
    }

    /// Adds the sources of an agency's folder, in place of earlier ones of the same ids.
    pub(crate) fn add(&self, manifest: &str, mapping: &str) -> Result<(), Problems> {
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut known = Known::clone(&slot);
        known.add(manifest, mapping, |_| true)?;
        *slot = Arc::new(known);
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Standing for Known {
    /// Agencies that are not registered rank in the middle.
    fn rank(&self, agency: &AgencyId) -> u8 {
        self.agencies.get(agency).map_or(50, |(_, rank)| *rank)
    }

    fn is_record_of_truth(&self, record: &RecordId, attribute: &Attribute) -> bool {
        let streams = self.truths.get(&record.source).into_iter().flatten();
        let mut truths = streams.filter(|(stream, _)| *stream == record.stream);
        truths.any(|(_, truth)| truth.attributes.contains(attribute))
    }
}

impl Known {
    /// Adds what a folder says of its agency, and of the sources that are `wanted`.
    fn add(
        &mut self,
        manifest: &str,
        mapping: &str,
        wanted: impl Fn(&SourceId) -> bool,
    ) -> Result<(), Problems> {
        let agency = AgencyFolder::load(&[("manifest.toml", manifest), ("mapping.toml", mapping)])?;
        let base = base_of(manifest);
        self.agencies
            .insert(agency.id.clone(), (agency.name, agency.rank));
        for spec in agency.sources {
            if !wanted(&spec.id) {
                continue;
            }
            let truths = truths(&spec);
            if truths.is_empty() {
                self.truths.remove(&spec.id);
            } else {
                self.truths.insert(spec.id.clone(), truths);
            }
            self.unknown.remove(&spec.id);
            let restricted = Arc::make_mut(&mut self.restricted);
            if spec.restricted {
                restricted.insert(spec.id.clone());
            } else {
                restricted.remove(&spec.id);
            }
            let registered = Registered {
                agency: agency.id.clone(),
                spec,
                base: base.clone(),
            };
            self.sources
                .insert(registered.spec.id.clone(), Arc::new(registered));
        }
        Ok(())
    }

    /// Returns the sources that speak only where an agreement names them.
    pub(crate) const fn restricted(&self) -> &Restricted {
        &self.restricted
    }

    /// Returns the restricted sources, ascending.
    pub(crate) fn restricted_list(&self) -> Vec<SourceId> {
        self.restricted.iter().cloned().collect()
    }

    /// Says whether a restricted source holds somebody, or speaks in their profile.
    pub(crate) fn touches(&self, profile: &Profile) -> bool {
        if self.restricted.is_empty() {
            return false;
        }
        let is_restricted = |source| self.restricted.contains(source);
        let mut holdings = profile.holdings.iter();
        let mut values = profile.values.iter();
        holdings.any(|holding| is_restricted(&holding.source))
            || values.any(|value| is_restricted(&value.provenance.source))
    }

    /// Says whether a source of an agency is restricted.
    pub(crate) fn is_restricted(&self, agency: &AgencyId) -> bool {
        let mut sources = self.restricted.iter();
        sources.any(|source| self.owner(source) == Some(agency))
    }

    /// Says whether an agency has a restricted source that a permit does not see.
    pub(crate) fn hides_agency(&self, permit: &Permit, agency: &AgencyId) -> bool {
        let mut sources = self.restricted.iter();
        sources.any(|source| {
            self.owner(source) == Some(agency) && permit.hides(&self.restricted, agency, source)
        })
    }

    /// Says whether a permit sees every source that is restricted.
    pub(crate) fn is_all_seen(&self, permit: &Permit) -> bool {
        let mut sources = self.restricted.iter();
        sources.all(|source| {
            let owner = self.owner(source);
            owner.is_some_and(|agency| !permit.hides(&self.restricted, agency, source))
        })
    }

    fn owner(&self, source: &SourceId) -> Option<&AgencyId> {
        let registered = self.sources.get(source);
        let owner = registered.map(|registered| &registered.agency);
        owner.or_else(|| self.unknown.get(source))
    }

    /// Returns the streams that hold each person once.
    pub(crate) fn registers(&self) -> BTreeSet<(SourceId, StreamId)> {
        let streams = self.truths.iter().flat_map(|(source, streams)| {
            let once = streams.iter().filter(|(_, truth)| truth.person);
            once.map(move |(stream, _)| (source.clone(), stream.clone()))
        });
        streams.collect()
    }

    /// Says whether an agency's folder lets values be chosen, and seen, as before: a new agency has none yet.
    pub(crate) fn ranks_alike(&self, agency: &Agency) -> bool {
        if agency
            .sources
            .iter()
            .any(|spec| self.unknown.contains_key(&spec.id))
        {
            return false;
        }
        let Some((_, rank)) = self.agencies.get(&agency.id) else {
            return true;
        };
        let alike = |spec: &SourceSpec| {
            let before = self.truths.get(&spec.id).map_or(&[][..], Vec::as_slice);
            attributes(before) == attributes(&truths(spec))
                && self.restricted.contains(&spec.id) == spec.restricted
        };
        *rank == agency.rank && agency.sources.iter().all(alike)
    }

    pub(crate) fn source(&self, id: &SourceId) -> Option<Arc<Registered>> {
        self.sources.get(id).map(Arc::clone)
    }

    pub(crate) fn sources(&self) -> Vec<SourceId> {
        self.sources.keys().cloned().collect()
    }

    /// Returns what people call an agency; its id when it is not registered here.
    pub(crate) fn agency_label(&self, agency: &AgencyId) -> Label {
        let known = self.agencies.get(agency).map(|(label, _)| label.clone());
        known.unwrap_or_else(|| Label::new(agency.as_str(), agency.as_str()))
    }

    /// Returns the columns that say which row takes a row's place, joined by `+`.
    pub(crate) fn replacement_column(&self, source: &SourceId, stream: &StreamId) -> String {
        let registered = self.sources.get(source);
        let mut streams = registered
            .into_iter()
            .flat_map(|source| &source.spec.streams);
        let spec = streams.find(|spec| spec.id == *stream);
        spec.map_or_else(String::new, |spec| spec.mapping.replaced_by().join("+"))
    }

    /// Returns the steps that made values of an attribute out of a column.
    pub(crate) fn lineage(
        &self,
        source: &SourceId,
        stream: &StreamId,
        attribute: &Attribute,
        column: &str,
    ) -> Vec<Label> {
        let Some(registered) = self.sources.get(source) else {
            return Vec::new();
        };
        let mut streams = registered.spec.streams.iter();
        let spec = streams.find(|spec| spec.id == *stream);
        spec.map_or_else(Vec::new, |spec| spec.mapping.lineage(attribute, column))
    }
}

fn truths(spec: &SourceSpec) -> Vec<(StreamId, Truth)> {
    let streams = spec.streams.iter();
    let marked = streams.filter(|stream| stream.truth != Truth::default());
    marked
        .map(|stream| (stream.id.clone(), stream.truth.clone()))
        .collect()
}

fn attributes(truths: &[(StreamId, Truth)]) -> Vec<(&StreamId, &[Attribute])> {
    let named = truths
        .iter()
        .filter(|(_, truth)| !truth.attributes.is_empty());
    named
        .map(|(stream, truth)| (stream, truth.attributes.as_slice()))
        .collect()
}

impl Registered {
    /// Returns a source as a manifest with this base says, whether it is in force or not.
    pub(crate) fn of(agency: &AgencyId, spec: SourceSpec, manifest: &str) -> Self {
        Self {
            agency: agency.clone(),
            spec,
            base: base_of(manifest),
        }
    }

    /// Returns a session with its secrets put in, as they are now.
    pub(crate) fn session(&self, secrets: &Secrets) -> Result<Session, ConnectError> {
        let config = secrets.resolve(&self.spec.config, &self.agency, &self.base)?;
        let session = Session::new(self.spec.id.clone(), config, &self.base);
        Ok(Session {
            protect: self.spec.protect,
            ..session
        })
    }
}

/// Returns the text of a manifest that remembers where its relative paths start.
pub(crate) fn with_base(manifest: &str, base: &Path) -> Option<String> {
    let base = base.display().to_string();
    // A line break would end the comment and let the path speak as the manifest.
    if base.chars().any(char::is_control) {
        return None;
    }
    Some(format!("{}{BASE}{base}\n", manifest.trim_end()))
}

/// Returns the text of a manifest as it was handed in.
pub(crate) fn without_base(manifest: &str) -> String {
    match manifest.rsplit_once(BASE) {
        Some((text, _)) => format!("{text}\n"),
        None => manifest.to_owned(),
    }
}

/// Returns where the relative paths of a manifest start.
pub(crate) fn base_of(manifest: &str) -> PathBuf {
    let marked = manifest.rsplit_once(BASE).map(|(_, base)| base.trim_end());
    marked.map(PathBuf::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{base_of, with_base, without_base};

    #[test]
    fn a_manifest_remembers_its_base() {
        let manifest = with_base("schema = 1\n", Path::new("/data/my agencies")).unwrap();
        assert_eq!(base_of(&manifest), PathBuf::from("/data/my agencies"));
        assert_eq!(base_of("schema = 1\n"), PathBuf::new());
        assert!(manifest.starts_with("schema = 1\n"));
        assert_eq!(without_base(&manifest), "schema = 1\n");
        assert_eq!(without_base("schema = 1"), "schema = 1");
        let hostile = Path::new("/data/x\n[source]\nkind = \"files\"");
        assert_eq!(with_base("schema = 1\n", hostile), None);
    }
}
