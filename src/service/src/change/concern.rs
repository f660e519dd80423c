//! Whom a change concerns: which agencies hold, or held, somebody or something it names.

use rabt_model::{AgencyId, Change, CitizenId, RecordNumber};
use rabt_storage::{StorageError, StoredChange, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

/// Which of some changes concern which agency. It is the same for every reader of the changes.
#[derive(Debug, Default)]
pub(super) struct Concerns(FxHashMap<AgencyId, FxHashSet<u64>>);

impl Concerns {
    /// Asks storage. What was told of somebody does not cease to concern an agency because its
    /// record has come to another citizen before it read that.
    pub(super) async fn find(
        tx: &mut dyn Transaction,
        page: &[StoredChange],
    ) -> Result<Self, StorageError> {
        let Some(first) = page.first() else {
            return Ok(Self::default());
        };
        let moved: Vec<RecordNumber> = page.iter().flat_map(|s| moved(&s.change)).collect();
        let owners = owners(tx, &moved).await?;
        let held = Held::find(tx, page, first.sequence).await?;
        let mut concerns = Self::default();
        for StoredChange {
            sequence, change, ..
        } in page
        {
            let records = moved_of(change, &owners);
            let citizens = named(change).flat_map(|citizen| held.at(citizen, *sequence));
            for agency in records.chain(citizens) {
                concerns.add(agency, *sequence);
            }
        }
        Ok(concerns)
    }

    /// Says whether a change concerns an agency.
    pub(super) fn of(&self, agency: &AgencyId, sequence: u64) -> bool {
        let theirs = self.0.get(agency);
        theirs.is_some_and(|theirs| theirs.contains(&sequence))
    }

    fn add(&mut self, agency: &AgencyId, sequence: u64) {
        if let Some(theirs) = self.0.get_mut(agency) {
            theirs.insert(sequence);
        } else {
            let theirs = FxHashSet::from_iter([sequence]);
            self.0.insert(agency.clone(), theirs);
        }
    }
}

/// Which agencies hold some citizens.
#[derive(Default)]
struct Held {
    /// Who is held now, or stands today in one who is.
    now: FxHashMap<CitizenId, FxHashSet<AgencyId>>,
    /// The last change by which a record of the agency left the citizen.
    until: FxHashMap<CitizenId, FxHashMap<AgencyId, u64>>,
}

impl Held {
    /// Asks storage about those whom a page names; what was left before `first` does not matter.
    async fn find(
        tx: &mut dyn Transaction,
        page: &[StoredChange],
        first: u64,
    ) -> Result<Self, StorageError> {
        let named: FxHashSet<CitizenId> = page.iter().flat_map(|s| named(&s.change)).collect();
        let named: Vec<CitizenId> = named.into_iter().collect();
        let today = stand_today(tx, &named).await?;
        let mut all: Vec<CitizenId> = named.iter().chain(today.values()).copied().collect();
        all.sort_unstable();
        all.dedup();
        let mut held = Self::default();
        for (citizen, agency) in tx.agencies_of_citizens(&all).await? {
            held.now.entry(citizen).or_default().insert(agency);
        }
        let later = tx.identity_changes(&all, first).await?;
        let left: Vec<RecordNumber> = later.iter().flat_map(|s| s.change.left.clone()).collect();
        let owners = owners(tx, &left).await?;
        for StoredChange {
            sequence, change, ..
        } in later
        {
            for agency in change.left.iter().filter_map(|record| owners.get(record)) {
                held.leave(change.citizen, agency, sequence);
            }
        }
        for (citizen, today) in today {
            held.follow(citizen, today);
        }
        Ok(held)
    }

    fn leave(&mut self, citizen: CitizenId, agency: &AgencyId, sequence: u64) {
        let until = self.until.entry(citizen).or_default();
        let last = until.entry(agency.clone()).or_default();
        *last = sequence.max(*last);
    }

    /// What is known of the one who stands for a citizen today is known of the citizen.
    fn follow(&mut self, citizen: CitizenId, today: CitizenId) {
        if let Some(agencies) = self.now.get(&today).cloned() {
            self.now.entry(citizen).or_default().extend(agencies);
        }
        for (agency, sequence) in self.until.get(&today).cloned().unwrap_or_default() {
            self.leave(citizen, &agency, sequence);
        }
    }

    /// Returns the agencies that hold a citizen now, or still did when a change was told.
    fn at(&self, citizen: CitizenId, sequence: u64) -> impl Iterator<Item = &AgencyId> {
        let until = self.until.get(&citizen).into_iter().flatten();
        let until = until.filter(move |(_, last)| **last > sequence);
        let now = self.now.get(&citizen).into_iter().flatten();
        now.chain(until.map(|(agency, _)| agency))
    }
}

/// Returns whose records these are.
async fn owners(
    tx: &mut dyn Transaction,
    records: &[RecordNumber],
) -> Result<FxHashMap<RecordNumber, AgencyId>, StorageError> {
    if records.is_empty() {
        return Ok(FxHashMap::default());
    }
    let owners = tx.agencies_of_records(records).await?;
    Ok(owners.into_iter().collect())
}

/// Returns who stands today for those of these citizens who were merged away.
async fn stand_today(
    tx: &mut dyn Transaction,
    citizens: &[CitizenId],
) -> Result<FxHashMap<CitizenId, CitizenId>, StorageError> {
    let profiles = tx.get_profiles(citizens).await?;
    let known: FxHashSet<CitizenId> = profiles.iter().map(|profile| profile.citizen).collect();
    let mut today = FxHashMap::default();
    for citizen in citizens.iter().filter(|citizen| !known.contains(citizen)) {
        let heir = tx.resolve(*citizen).await?;
        if let Some(heir) = heir.filter(|heir| heir != citizen) {
            today.insert(*citizen, heir);
        }
    }
    Ok(today)
}

fn named(change: &Change) -> impl Iterator<Item = CitizenId> {
    [Some(change.citizen), change.other].into_iter().flatten()
}

fn moved(change: &Change) -> impl Iterator<Item = RecordNumber> + '_ {
    change.joined.iter().chain(&change.left).copied()
}

fn moved_of<'a>(
    change: &'a Change,
    owners: &'a FxHashMap<RecordNumber, AgencyId>,
) -> impl Iterator<Item = &'a AgencyId> {
    moved(change).filter_map(|record| owners.get(&record))
}
