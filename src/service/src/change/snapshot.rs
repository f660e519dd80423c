//! Who was known at a place in the feed, page by page: what a reader starts from.
//!
//! Invariant: all pages of one snapshot are of the same place, whatever is committed meanwhile, and
//! the feed behind that place tells everything that the snapshot does not.

use rabt_model::{CitizenId, Profile};
use rabt_policy::{AccessRequest, DenialReason, Disclosure, Target};
use rabt_storage::RevisionPage;
use rustc_hash::FxHashSet;

use super::page::{reach, same_way};
use super::{past, token, veiled};
use crate::audited::Audited;
use crate::enquiry::{permit, refuse, release};
use crate::error::EnquiryError;
use crate::guard::Asked;
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

/// Discloses who is known among the next `limit` citizens, at most [`SNAPSHOT_PAGE`]. The first page, whose
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
    let permit = permit(services, request, None).await?;
    let key = services.audit.pseudonyms();
    let limit = limit.clamp(1, SNAPSHOT_PAGE);
    let way = veiled::way(services, &permit);
    let opened = token::open_page(key, &caller, page);
    if opened.is_none() && !page.is_empty() {
        return Err(refuse(services, permit.refuse(DenialReason::BadToken), None).await);
    }
    let (permit, pinned) = match opened {
        Some((before, pinned)) => {
            let permit = same_way(services, permit, &before).await?;
            (reach(services, permit, pinned.0).await?, Some(pinned))
        }
        None => (permit, None),
    };
    let mut tx = services.storage.snapshot().await?;
    let (sequence, after) = match pinned {
        Some(pinned) => pinned,
        None => (tx.last_change().await?, 0),
    };
    let RevisionPage { revisions, next } = tx.revisions_at(sequence, after, limit).await?;
    let profiles = as_composed(tx.as_mut(), &revisions).await?;
    let only_held = matches!(permit.subject(), Target::Feed(target) if target.only_held());
    // what an agency holds in a source that its agreement does not see is no reason to tell it of somebody
    let is_blind = services
        .registry
        .current()
        .hides_agency(&permit, &caller.agency);
    let held: FxHashSet<CitizenId> = if only_held && !is_blind {
        let citizens: Vec<CitizenId> = profiles.iter().map(|profile| profile.citizen).collect();
        let held = tx.agencies_of_citizens(&citizens).await?.into_iter();
        let theirs = held.filter(|(_, agency)| *agency == caller.agency);
        theirs.map(|(citizen, _)| citizen).collect()
    } else {
        FxHashSet::default()
    };
    drop(tx);
    let speaks = |profile: &Profile| {
        let theirs = profile.holdings.iter();
        let mut theirs = theirs.filter(|holding| holding.agency == caller.agency);
        held.contains(&profile.citizen) || theirs.next().is_some()
    };
    let mut flagged = Vec::with_capacity(profiles.len());
    for profile in profiles {
        if let Some(found) = past::seen(services, &permit, profile).await? {
            let held = speaks(&found.profile);
            flagged.push((found, held));
        }
    }
    let disclosure = permit.snapshot(sequence, flagged);
    let known = release(services, disclosure, Asked::default(), None).await?;
    Ok(SnapshotPage {
        known,
        // a place, not an id: the last one may be somebody whom the caller may not know
        next: next.map_or_else(String::new, |after| {
            token::seal_page(key, &caller, &way, (sequence, after))
        }),
        resume: token::seal(key, &caller, &way, sequence),
    })
}
