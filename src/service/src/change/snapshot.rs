//! Who was known at a place in the feed, page by page: what a reader starts from.
//!
//! Invariant: all pages of one snapshot are of the same place, whatever is committed meanwhile, and
//! the feed behind that place tells everything that the snapshot does not.

use rabt_model::{CitizenId, Profile};
use rabt_policy::{AccessRequest, Disclosure, Target};
use rustc_hash::FxHashSet;

use super::token;
use crate::audited::Audited;
use crate::enquiry::{permit, release};
use crate::error::EnquiryError;
use crate::link::as_composed;
use crate::services::Services;

/// Most citizens of one page.
pub const SNAPSHOT_PAGE: u32 = 500;

/// A page of a snapshot.
#[derive(Debug)]
pub struct SnapshotPage {
    /// The citizens; its content is [`rabt_policy::Content::Snapshot`].
    pub known: Audited<Disclosure>,
    /// The token of the next page; empty when this is the last.
    pub next: String,
    /// Where the feed goes on from the snapshot.
    pub resume: String,
}

/// Discloses who is known, at most `limit` citizens and [`SNAPSHOT_PAGE`]. The first page, whose
/// token is empty, pins the place in the feed.
///
/// # Errors
/// As [`list_changes`](super::list_changes).
pub async fn export_snapshot(
    services: &Services,
    request: AccessRequest,
    page: &str,
    limit: u32,
) -> Result<SnapshotPage, EnquiryError> {
    let caller = request.caller.clone();
    let permit = permit(services, request).await?;
    let key = services.audit.pseudonyms();
    let limit = limit.clamp(1, SNAPSHOT_PAGE);
    let mut tx = services.storage.snapshot().await?;
    let (sequence, after) = if page.is_empty() {
        (tx.last_change().await?, 0)
    } else {
        token::open_page(key, &caller, page).ok_or(EnquiryError::BadToken)?
    };
    if sequence > tx.last_change().await? {
        return Err(EnquiryError::Expired);
    }
    let placed = tx.revisions_at(sequence, after, limit).await?;
    let full = placed.len() == limit as usize;
    // a place, not an id: the last one may be somebody whom the caller may not know
    let last = placed.last().map(|(place, _)| *place);
    let revisions: Vec<_> = placed.into_iter().map(|(_, revision)| revision).collect();
    let profiles = as_composed(tx.as_mut(), &revisions).await?;
    let only_held = matches!(permit.subject(), Target::Feed(target) if target.only_held());
    let held: FxHashSet<CitizenId> = if only_held {
        let citizens: Vec<CitizenId> = profiles.iter().map(|profile| profile.citizen).collect();
        let held = tx.citizens_of_agency(&caller.agency, &citizens).await?;
        held.into_iter().collect()
    } else {
        FxHashSet::default()
    };
    drop(tx);
    let speaks = |profile: &Profile| {
        let theirs = profile.holdings.iter();
        let mut theirs = theirs.filter(|holding| holding.agency == caller.agency);
        held.contains(&profile.citizen) || theirs.next().is_some()
    };
    let flagged = profiles.into_iter().map(|profile| {
        let held = speaks(&profile);
        (profile, held)
    });
    let disclosure = permit.snapshot(sequence, flagged.collect());
    let known = release(services, disclosure, None).await?;
    let next = last.filter(|_| full);
    Ok(SnapshotPage {
        known,
        next: next.map_or_else(String::new, |after| {
            token::seal_page(key, &caller, sequence, after)
        }),
        resume: token::seal(key, &caller, sequence),
    })
}
