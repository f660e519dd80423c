//! Other rules of survivorship: every profile is composed again, in transactions that are each
//! complete in themselves. Who people are is not touched.
//!
//! Invariant: every commit moves a mark in storage on, so that after a kill the work goes on where
//! it stood; what is linked meanwhile is composed by the new rules already.

use rabt_linkage::Survivorship;
use rabt_model::{ChangeCause, CitizenId, RecordNumber};
use rabt_storage::{StorageError, Transaction};

use super::partition::Held;
use super::write::{self, Work};
use super::{Feed, LinkSummary, Linker, drain};
use crate::audited::Audited;
use crate::error::LinkError;
use crate::event;
use crate::services::Services;

/// The mark: the fingerprint of the rules that profiles are composed by, and behind it, while work
/// is under way, the last citizen that is done.
const MARK: &str = "survivorship";
/// Records whose profiles are composed in one transaction, about; few in tests, so that there are
/// several transactions.
const TRANSACTION: usize = if cfg!(test) { 3 } else { write::TRANSACTION };
/// Stands for rules that are nobody's, so that everything is composed again.
const STALE: &str = "stale";

/// Lets every profile be composed again with the next link, because ranks or records of truth
/// changed.
pub(crate) async fn make_stale(tx: &mut dyn Transaction) -> Result<(), StorageError> {
    tx.put_mark(MARK, STALE).await
}

/// Composes every profile by the rules in force, unless they all are.
pub(super) async fn recompose(
    services: &Services,
    mut linker: Linker,
    summary: &mut LinkSummary,
) -> Result<(Linker, Option<Audited<LinkSummary>>), LinkError> {
    let rules = services.rules.fingerprint();
    let Some((mut mark, after)) = begin(services, rules).await? else {
        return Ok((linker, None));
    };
    tracing::info!(fingerprint = rules, "profiles are composed by other rules");
    let clusters = linker.held.clusters_after(after);
    let mut audited = None;
    let mut rest = clusters.as_slice();
    while !rest.is_empty() {
        let (page, behind) = rest.split_at(page_length(rest));
        rest = behind;
        let _turn = services.turn.lock().await;
        // A record that changed since would be told as a change of the rules.
        (linker, _) = drain(services, linker, summary).await?;
        audited = Some(write(services, &mut linker, page, &mut mark, summary).await?);
    }
    let mut tx = services.storage.begin().await?;
    put_mark(tx.as_mut(), &mut mark, rules.to_owned()).await?;
    linker.tenure.hold(tx.as_mut()).await?;
    tx.commit().await?;
    Ok((linker, audited))
}

/// Moves the mark on, unless somebody else did since: profiles are stale again then, and the next link composes
/// them all.
async fn put_mark(
    tx: &mut dyn Transaction,
    last: &mut Option<String>,
    mark: String,
) -> Result<(), StorageError> {
    if tx.get_mark(MARK).await? == *last {
        tx.put_mark(MARK, &mark).await?;
        *last = Some(mark);
    }
    Ok(())
}

/// Returns the mark, and behind which citizen work begins; `None` when there is nothing to do.
async fn begin(
    services: &Services,
    rules: &str,
) -> Result<Option<(Option<String>, Option<CitizenId>)>, StorageError> {
    let mut tx = services.storage.snapshot().await?;
    let mark = tx.get_mark(MARK).await?;
    drop(tx);
    // Before there was a mark, there were the shipped rules alone.
    let shipped = Survivorship::default();
    let known = mark.as_deref().unwrap_or_else(|| shipped.fingerprint());
    if known == rules {
        return Ok(None);
    }
    let after = known.strip_prefix(rules).map(str::trim);
    let after = after.and_then(|citizen| citizen.parse().ok());
    Ok(Some((mark, after)))
}

fn page_length(clusters: &[(CitizenId, Vec<RecordNumber>)]) -> usize {
    let mut records = 0;
    let fitting = clusters.iter().take_while(|(_, members)| {
        records += members.len();
        records <= TRANSACTION
    });
    // A cluster larger than a page is a page of its own.
    fitting.count().max(1)
}

async fn write(
    services: &Services,
    linker: &mut Linker,
    page: &[(CitizenId, Vec<RecordNumber>)],
    mark: &mut Option<String>,
    summary: &mut LinkSummary,
) -> Result<Audited<LinkSummary>, LinkError> {
    let mut tx = services.storage.snapshot().await?;
    let mut work = Work::of(tx.as_mut(), linker, Feed::default(), TRANSACTION).await?;
    let pack = still(&linker.held, page);
    let step = work
        .decide(services, tx.as_mut(), linker, &pack, ChangeCause::Rules)
        .await?;
    drop(tx);
    let at = services.clock.now();
    let mut tx = services.storage.begin().await?;
    let place = step.write(tx.as_mut(), at).await?;
    if let Some((citizen, _)) = page.last() {
        let rules = services.rules.fingerprint();
        put_mark(tx.as_mut(), mark, format!("{rules} {citizen}")).await?;
    }
    summary.add(&step.summary());
    let entry = event::of_link(&step.summary(), services.model_fingerprint(), at);
    let told = services.audit.commit(tx, linker.tenure, entry, *summary);
    let audited = told.await?;
    step.publish(services, place, at);
    Ok(audited)
}

/// Leaves out the clusters that are not as they were: they have been composed since.
fn still(held: &Held, page: &[(CitizenId, Vec<RecordNumber>)]) -> super::partition::Pack {
    let still = page.iter().filter(|(_, members)| held.holds(members));
    super::partition::Pack {
        clusters: still.map(|(_, members)| members.clone()).collect(),
        departed: Vec::new(),
    }
}
