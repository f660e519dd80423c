//! One page of the feed: decide, read, tell, audit, in this order.

use rabt_policy::{AccessRequest, Content, DenialReason, Disclosure, Happening, Permit, Target};
use rabt_storage::{Storage, StorageError, StoredChange, Transaction};

use super::concern::Concerns;
use super::recent::{Block, Place};
use super::{token, veiled};
use crate::audited::Audited;
use crate::enquiry::{permit, refuse, release};
use crate::error::EnquiryError;
use crate::guard::Asked;
use crate::services::Services;

/// Most changes of one page.
pub const CHANGE_PAGE: u32 = 500;

/// Changes that are read at most for one page, so that a caller who may see few of them does not
/// hold up a request.
const READ: usize = 5_000;

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
    let permit = permit(services, request, None).await?;
    let way = veiled::way(services, &permit);
    let (permit, after) = place(services, permit, resume).await?;
    let pulled = pull(services, permit, after, limit).await?;
    let told = release(services, pulled.told, Asked::default(), None).await?;
    let key = services.audit.pseudonyms();
    Ok(ChangePage {
        told,
        resume: token::seal(key, &caller, &way, pulled.last),
        end: pulled.end,
    })
}

/// Returns the permit and the place that a token stands for.
///
/// # Errors
/// The audited refusal of a token of somebody else, or of a feed that was longer.
pub(super) async fn place(
    services: &Services,
    permit: Permit,
    resume: &str,
) -> Result<(Permit, u64), EnquiryError> {
    if resume.is_empty() {
        return Ok((permit, 0));
    }
    let caller = permit.facts().caller();
    let Some((way, place)) = token::open(services.audit.pseudonyms(), caller, resume) else {
        return Err(refuse(services, permit.refuse(DenialReason::BadToken), None).await);
    };
    let permit = same_way(services, permit, &way).await?;
    let permit = reach(services, permit, place).await?;
    Ok((permit, place))
}

/// Returns the permit when the caller is told what it was told when it got a token; whoever sees more, or less,
/// begins anew with a snapshot.
pub(super) async fn same_way(
    services: &Services,
    permit: Permit,
    way: &str,
) -> Result<Permit, EnquiryError> {
    if veiled::way(services, &permit) == way {
        return Ok(permit);
    }
    Err(refuse(services, permit.refuse(DenialReason::Expired), None).await)
}

/// Returns the permit when the feed reaches a place.
pub(super) async fn reach(
    services: &Services,
    permit: Permit,
    place: u64,
) -> Result<Permit, EnquiryError> {
    let mut tx = services.storage.snapshot().await?;
    let last = tx.last_change().await?;
    drop(tx);
    if place > last {
        return Err(refuse(services, permit.refuse(DenialReason::Expired), None).await);
    }
    Ok(permit)
}

/// Reads the feed in storage behind a place.
pub(super) async fn pull(
    services: &Services,
    permit: Permit,
    after: u64,
    limit: u32,
) -> Result<Pulled, EnquiryError> {
    let mut page = Page::new(services, permit, after, limit);
    page.read_storage(services.storage.as_ref()).await?;
    Ok(page.finish())
}

/// As [`pull`], from memory as far as the end of the feed is kept there.
pub(super) async fn pull_recent(
    services: &Services,
    permit: Permit,
    after: u64,
) -> Result<Pulled, EnquiryError> {
    let mut page = Page::new(services, permit, after, CHANGE_PAGE);
    let storage = services.storage.as_ref();
    while page.wants_more() {
        match services.feed.behind(page.last) {
            Place::Head => page.end = true,
            Place::In(block) => page.read_block(storage, &block).await?,
            Place::Before => {
                let _turn = services.feed.reader().await;
                page.read_storage(storage).await?;
                if page.end {
                    services.feed.learn(page.last);
                }
                break;
            }
        }
    }
    Ok(page.finish())
}

/// A page that is being filled.
struct Page<'s> {
    services: &'s Services,
    permit: Permit,
    sees_all: bool,
    limit: usize,
    happenings: Vec<Happening>,
    last: u64,
    looked: usize,
    end: bool,
    /// Whether there is something to tell that has no place any more.
    full: bool,
}

impl<'s> Page<'s> {
    fn new(services: &'s Services, permit: Permit, after: u64, limit: u32) -> Self {
        Self {
            services,
            sees_all: services.registry.current().is_all_seen(&permit),
            permit,
            limit: limit.clamp(1, CHANGE_PAGE) as usize,
            happenings: Vec::new(),
            last: after,
            looked: 0,
            end: false,
            full: false,
        }
    }

    /// Says whether the page is not full, the feed goes on and not enough was looked at.
    fn wants_more(&self) -> bool {
        let room = !self.full && self.happenings.len() < self.limit;
        room && !self.end && self.looked < READ
    }

    async fn read_storage(&mut self, storage: &dyn Storage) -> Result<(), StorageError> {
        let mut tx = storage.snapshot().await?;
        while self.wants_more() {
            // a caller of small pages costs no more questions than one of large ones
            let changes = tx.changes_after(self.last, CHANGE_PAGE).await?;
            let end = changes.len() < CHANGE_PAGE as usize;
            let concerns = if self.only_held() {
                Some(Concerns::find(tx.as_mut(), &changes).await?)
            } else {
                None
            };
            let changes = self.part_of(tx.as_mut(), changes).await?;
            self.add(changes, concerns.as_ref());
            self.end = end && !self.full;
        }
        Ok(())
    }

    async fn read_block(
        &mut self,
        storage: &dyn Storage,
        block: &Block,
    ) -> Result<(), StorageError> {
        let concerns = if self.only_held() {
            Some(block.concerns(storage).await?)
        } else {
            None
        };
        let last = self.last;
        let news = block.changes.iter().filter(|stored| stored.sequence > last);
        let mut news: Vec<StoredChange> = news.cloned().collect();
        if !self.sees_all {
            let mut tx = storage.snapshot().await?;
            news = self.part_of(tx.as_mut(), news).await?;
        }
        self.add(news, concerns);
        Ok(())
    }

    /// Leaves of changes what may be told to the caller.
    async fn part_of(
        &self,
        tx: &mut dyn Transaction,
        changes: Vec<StoredChange>,
    ) -> Result<Vec<StoredChange>, StorageError> {
        if self.sees_all {
            return Ok(changes);
        }
        veiled::part_of(self.services, tx, changes).await
    }

    fn only_held(&self) -> bool {
        matches!(self.permit.subject(), Target::Feed(target) if target.only_held())
    }

    /// Looks at changes, up to the first one that has no place on the page any more.
    fn add(&mut self, changes: Vec<StoredChange>, concerns: Option<&Concerns>) {
        self.looked += changes.len();
        let agency = self.permit.facts().caller().agency.clone();
        let registry = self.services.registry.current();
        // what an agency holds in a source that its agreement does not see is no reason to tell it of somebody
        let concerns = concerns.filter(|_| !registry.hides_agency(&self.permit, &agency));
        for stored in changes {
            let sequence = stored.sequence;
            let (known, change) = (&self.services.directory, &stored.change);
            let happening = Happening {
                sees_all: self.sees_all,
                protected: self.services.protection.touches(known, change),
                sequence,
                recorded_at: stored.recorded_at,
                change: stored.change,
                held: concerns.is_some_and(|concerns| concerns.of(&agency, sequence)),
            };
            if self.permit.tells(&happening) {
                if self.happenings.len() == self.limit {
                    self.full = true;
                    return;
                }
                self.happenings.push(happening);
            }
            self.last = sequence;
        }
    }

    fn finish(self) -> Pulled {
        Pulled {
            told: self.permit.changes(self.happenings),
            last: self.last,
            end: self.end,
        }
    }
}

/// Says whether nothing is told.
pub(super) fn is_silent(told: &Disclosure) -> bool {
    matches!(told.content(), Content::Changes(changes) if changes.is_empty())
}
