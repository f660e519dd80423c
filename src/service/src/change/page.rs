//! One page of the feed: decide, read, tell, audit, in this order.

use rabt_model::{AgencyId, CitizenId, RecordNumber};
use rabt_policy::{
    AccessRequest, Caller, Content, Disclosure, FeedTarget, Happening, Permit, Target,
};
use rabt_storage::{StorageError, StoredChange, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};

use super::token;
use crate::audited::Audited;
use crate::enquiry::{permit, release};
use crate::error::EnquiryError;
use crate::services::Services;

/// Most changes of one page.
pub const CHANGE_PAGE: u32 = 500;

/// Changes that are read at most for one page, so that a caller who may see few of them does not
/// hold up a request.
const READ: u32 = 5_000;

/// A page of the feed.
#[derive(Debug)]
pub struct ChangePage {
    /// What is told; its content is [`Content::Changes`], perhaps none.
    pub told: Audited<Disclosure>,
    /// Where the next page begins.
    pub resume: String,
    /// Whether nothing has happened behind it yet.
    pub end: bool,
}

/// What was read of the feed, before its entry is durable.
pub(super) struct Pulled {
    pub(super) told: Disclosure,
    /// The last change that was looked at.
    pub(super) last: u64,
    pub(super) end: bool,
}

/// Tells what happened behind a place of the feed, at most `limit` changes and [`CHANGE_PAGE`].
/// An empty token is the beginning.
///
/// # Errors
/// The audited denial; a token of somebody else, or of a feed that was longer; or a failure that
/// kept the answer from being audited.
pub async fn list_changes(
    services: &Services,
    request: AccessRequest,
    resume: &str,
    limit: u32,
) -> Result<ChangePage, EnquiryError> {
    let caller = request.caller.clone();
    let permit = permit(services, request).await?;
    let after = place(services, &caller, resume)?;
    let pulled = pull(services, permit, after, limit).await?;
    let told = release(services, pulled.told, None).await?;
    Ok(ChangePage {
        told,
        resume: token::seal(services.audit.pseudonyms(), &caller, pulled.last),
        end: pulled.end,
    })
}

/// Returns the place that a token stands for.
pub(super) fn place(
    services: &Services,
    caller: &Caller,
    resume: &str,
) -> Result<u64, EnquiryError> {
    if resume.is_empty() {
        return Ok(0);
    }
    let place = token::open(services.audit.pseudonyms(), caller, resume);
    place.ok_or(EnquiryError::BadToken)
}

/// Reads changes until a page is full, the feed ends or enough was looked at.
pub(super) async fn pull(
    services: &Services,
    permit: Permit,
    after: u64,
    limit: u32,
) -> Result<Pulled, EnquiryError> {
    let limit = limit.clamp(1, CHANGE_PAGE);
    let Target::Feed(target) = *permit.subject() else {
        let told = permit.changes(Vec::new());
        return Ok(Pulled {
            told,
            last: after,
            end: true,
        });
    };
    let mut tx = services.storage.snapshot().await?;
    if after > tx.last_change().await? {
        return Err(EnquiryError::Expired);
    }
    let mut happenings = Vec::new();
    let (mut last, mut looked, mut end) = (after, 0, false);
    while happenings.len() < limit as usize && looked < READ && !end {
        // a caller of small pages costs no more questions than one of large ones
        let page = tx.changes_after(last, CHANGE_PAGE).await?;
        looked += CHANGE_PAGE;
        end = page.len() < CHANGE_PAGE as usize;
        let seen = happen(tx.as_mut(), &permit, target, page).await?;
        for (happening, counts) in seen {
            if counts && happenings.len() == limit as usize {
                end = false;
                break;
            }
            last = happening.sequence;
            if counts {
                happenings.push(happening);
            }
        }
    }
    Ok(Pulled {
        told: permit.changes(happenings),
        last,
        end,
    })
}

/// Says of each change whether the caller's agency holds somebody it names, and whether it counts
/// for the page.
async fn happen(
    tx: &mut dyn Transaction,
    permit: &Permit,
    target: FeedTarget,
    page: Vec<StoredChange>,
) -> Result<Vec<(Happening, bool)>, StorageError> {
    let agency = &permit.facts().caller().agency;
    let held = if target.only_held() {
        Held::find(tx, agency, &page).await?
    } else {
        Held::default()
    };
    let seen = page.into_iter().map(|stored| {
        let held = held.concerns(&stored);
        let change = stored.change;
        let happening = Happening {
            sequence: stored.sequence,
            recorded_at: stored.recorded_at,
            change,
            held,
        };
        let counts = permit.tells(&happening);
        (happening, counts)
    });
    Ok(seen.collect())
}

/// What an agency holds of that which some changes name.
#[derive(Default)]
struct Held {
    records: FxHashSet<RecordNumber>,
    /// Citizens who are held now, or stand today in one who is.
    citizens: FxHashSet<CitizenId>,
    /// For a citizen who is not: the last change by which a record of the agency left them.
    until: FxHashMap<CitizenId, u64>,
}

impl Held {
    /// Asks storage. What was told of somebody does not cease to concern an agency because its
    /// record has come to another citizen before it read that.
    async fn find(
        tx: &mut dyn Transaction,
        agency: &AgencyId,
        page: &[StoredChange],
    ) -> Result<Self, StorageError> {
        let moved: Vec<RecordNumber> = page.iter().flat_map(|s| moved(&s.change)).collect();
        let mut held = Self::default();
        held.records
            .extend(tx.records_of_agency(agency, &moved).await?);
        let named: FxHashSet<CitizenId> = page.iter().flat_map(|s| named(&s.change)).collect();
        let named: Vec<CitizenId> = named.into_iter().collect();
        let today = stand_today(tx, &named).await?;
        let mut all: Vec<CitizenId> = named.iter().chain(today.values()).copied().collect();
        all.sort_unstable();
        all.dedup();
        held.citizens
            .extend(tx.citizens_of_agency(agency, &all).await?);
        all.retain(|citizen| !held.citizens.contains(citizen));
        let later = tx.identity_changes(&all).await?;
        let left: Vec<RecordNumber> = later
            .iter()
            .flat_map(|stored| stored.change.left.iter().copied())
            .collect();
        let theirs = tx.records_of_agency(agency, &left).await?;
        let theirs: FxHashSet<RecordNumber> = theirs.into_iter().collect();
        for StoredChange {
            sequence, change, ..
        } in later
        {
            if change.left.iter().any(|record| theirs.contains(record)) {
                held.until.insert(change.citizen, sequence);
            }
        }
        for (citizen, today) in today {
            if held.citizens.contains(&today) {
                held.citizens.insert(citizen);
            } else if let Some(until) = held.until.get(&today).copied() {
                let own = held.until.entry(citizen).or_default();
                *own = until.max(*own);
            }
        }
        Ok(held)
    }

    fn concerns(&self, stored: &StoredChange) -> bool {
        let was = |citizen: &CitizenId| self.until.get(citizen) > Some(&stored.sequence);
        named(&stored.change).any(|citizen| self.citizens.contains(&citizen) || was(&citizen))
            || moved(&stored.change).any(|record| self.records.contains(&record))
    }
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

fn named(change: &rabt_model::Change) -> impl Iterator<Item = CitizenId> {
    [Some(change.citizen), change.other].into_iter().flatten()
}

fn moved(change: &rabt_model::Change) -> impl Iterator<Item = RecordNumber> + '_ {
    change.joined.iter().chain(&change.left).copied()
}

/// Says whether nothing is told.
pub(super) fn is_silent(told: &Disclosure) -> bool {
    matches!(told.content(), Content::Changes(changes) if changes.is_empty())
}
