//! Old entries leave storage for an archive, as two people decide; what stays proves as before.
//!
//! Invariant: no entry leaves before its archive lies there in full and was read back and found whole, and it leaves
//! in the commit of the entry that says where it is. Whatever cuts it off between two steps, the next confirmation
//! goes on.

mod folder;

use std::path::PathBuf;
use std::sync::Arc;

use rabt_audit::{ArchiveMoved, AuditEvent, Entry, Hash, LogRead, Moved, Plan, TILE};
use rabt_model::Timestamp;
use rabt_policy::{Caller, Role};
use rabt_storage::{
    ArchiveStep, Archived, AuditLog, ErasureState, Removal, StorageError, StoredArchive,
};

use super::{OversightError, allow, checked_reason};
use crate::audited::Audited;
use crate::event;
use crate::services::Services;
use crate::transparency::is_withheld;

const PROPOSERS: [Role; 1] = [Role::SecurityOfficer];
const DECIDERS: [Role; 2] = [Role::SecurityOfficer, Role::Approver];
const READERS: [Role; 3] = [Role::SecurityOfficer, Role::Approver, Role::Auditor];

/// Entries that leave in one commit, at most; answers wait for as long as that takes.
const TOGETHER: u64 = if cfg!(test) { 2 * TILE } else { 256 * TILE };
/// Entries that are read at a time.
const PAGE: u64 = TILE;
const SECONDS_OF_A_DAY: i64 = 86_400;

/// That old entries leave storage, as it stands.
pub type Archive = StoredArchive;

/// Where entries go that leave storage, and how old they are then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivePlace {
    /// The folder that archives are made in.
    pub folder: PathBuf,
    /// Entries younger than so many days stay; 0 when every one does.
    pub retention_days: u32,
}

/// The archive of a running node.
#[derive(Debug, Default)]
pub(crate) struct Archiving {
    place: Option<ArchivePlace>,
    /// One is worked on at a time.
    turn: tokio::sync::Mutex<()>,
    /// Behind which step a test cuts it off.
    #[cfg(test)]
    pub(crate) cut: std::sync::Mutex<Option<Cut>>,
}

/// The steps behind which a test cuts an archive off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// That it is confirmed is durable.
    Confirmed,
    /// A part of a folder is written.
    HalfWritten,
    /// The folder was written and read back.
    Written,
    /// The folder is in its place.
    Named,
    /// Some of the entries have left.
    Removed,
}

impl Archiving {
    pub(crate) fn new(place: Option<ArchivePlace>) -> Self {
        Self {
            place,
            ..Self::default()
        }
    }

    /// Ends an archive behind one of its steps, when a test says so.
    #[cfg(test)]
    fn cut_at(&self, step: Cut) -> Result<(), crate::AuditError> {
        if *self.cut.lock().unwrap() == Some(step) {
            return Err(crate::AuditError::Stopped);
        }
        Ok(())
    }

    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "tests cut here"
    )]
    const fn cut_at(&self, _: Cut) -> Result<(), crate::AuditError> {
        Ok(())
    }
}

/// Asks for entries of before `cutoff` to leave storage, or when there is none of before the retention; a second
/// person has to confirm it.
///
/// # Errors
/// The caller's role does not allow it, the settings name no archive, the entries are too young, another archive
/// waits, or it could not be stored.
pub async fn request_archive(
    services: &Services,
    caller: &Caller,
    cutoff: Option<Timestamp>,
    reason: &str,
) -> Result<Audited<Archive>, OversightError> {
    allow(services, caller, "RequestArchive", &PROPOSERS).await?;
    let reason = checked_reason(reason)?;
    let at = services.clock.now();
    let oldest = retained_since(services, at)?;
    let cutoff = cutoff.unwrap_or(oldest);
    if cutoff > oldest {
        let problem = "must not be later than audit.retention_days allows; younger entries stay";
        return Err(OversightError::invalid("cutoff_time", problem));
    }
    let _turn = services.archiving.turn.lock().await;
    let last = services.storage.audit_log().archives(None, 1).await?;
    let last = last.first();
    if last.is_some_and(|last| is_open(last.state)) {
        let problem = "is asked already; confirm or withdraw the one that waits";
        return Err(OversightError::invalid("archive", problem));
    }
    let archive = StoredArchive {
        number: last.map_or(0, |last| last.number) + 1,
        cutoff,
        reason,
        state: ErasureState::Asked,
        proposer: event::person(caller),
        decider: String::new(),
        created_at: at,
        updated_at: at,
    };
    note(services, caller, archive, None).await
}

/// Lists archives of this node's log, at most `limit` below the number `before`, the last one first.
///
/// # Errors
/// The caller's role does not allow it, or the entry did not become durable.
pub async fn list_archives(
    services: &Services,
    caller: &Caller,
    before: Option<i64>,
    limit: u32,
) -> Result<Audited<Vec<Archive>>, OversightError> {
    allow(services, caller, "ListArchives", &READERS).await?;
    let found = services.storage.audit_log().archives(before, limit).await?;
    let read = LogRead {
        actor: event::actor(caller),
        leaves: None,
        method: "ListArchives".to_owned(),
    };
    let entry = Entry::new(services.clock.now(), AuditEvent::LogRead(read));
    Ok(services.audit.record(entry, found).await?)
}

/// Lets the entries leave, as a second person. That it is confirmed is durable before the first entry leaves, and it
/// goes on when the caller goes away.
///
/// # Errors
/// The caller's role does not allow it, the caller asked for it, there is no such archive or it was decided, the
/// archive cannot be written or is not whole, or it could not be stored; then it may be confirmed again, which goes
/// on from where it stopped.
pub async fn confirm_archive(
    services: &Arc<Services>,
    caller: &Caller,
    number: i64,
) -> Result<Audited<Archive>, OversightError> {
    allow(services, caller, "ConfirmArchive", &DECIDERS).await?;
    let (services, caller) = (Arc::clone(services), caller.clone());
    let tasks = services.tasks.clone();
    let moved = tasks.spawn(async move { archive(&services, &caller, number).await });
    moved.await.map_err(|_| crate::AuditError::Stopped)?
}

/// Takes an archive back, or refuses it: also one that was confirmed and was cut off. What left by it until then stays
/// in its archive.
///
/// # Errors
/// The caller's role does not allow it, there is no such archive or it was decided, or it could not be stored.
pub async fn withdraw_archive(
    services: &Services,
    caller: &Caller,
    number: i64,
) -> Result<Audited<Archive>, OversightError> {
    allow(services, caller, "WithdrawArchive", &DECIDERS).await?;
    let _turn = services.archiving.turn.lock().await;
    let archive = find(services, number).await?;
    if !is_open(archive.state) {
        return Err(OversightError::Decided);
    }
    decide(services, caller, archive, ErasureState::Withdrawn).await
}

async fn archive(
    services: &Services,
    caller: &Caller,
    number: i64,
) -> Result<Audited<Archive>, OversightError> {
    let _turn = services.archiving.turn.lock().await;
    let mut archive = find(services, number).await?;
    if !is_open(archive.state) {
        return Err(OversightError::Decided);
    }
    if archive.proposer == event::person(caller) {
        let problem = "another person with the role security-officer or approver must confirm it";
        return Err(OversightError::SecondPerson(problem));
    }
    // what was confirmed may wait while the settings change, and still nothing young leaves
    let cutoff = archive
        .cutoff
        .min(retained_since(services, services.clock.now())?);
    if archive.state == ErasureState::Asked {
        let confirmed = decide(services, caller, archive, ErasureState::Confirmed).await?;
        archive = confirmed.into_inner();
    }
    services.archiving.cut_at(Cut::Confirmed)?;
    while move_out(services, caller, &archive, cutoff).await? {
        services.archiving.cut_at(Cut::Removed)?;
    }
    decide(services, caller, archive, ErasureState::Done).await
}

/// Lets the oldest entries leave, as many as do together; returns whether there were any.
async fn move_out(
    services: &Services,
    caller: &Caller,
    archive: &Archive,
    cutoff: Timestamp,
) -> Result<bool, OversightError> {
    let log = services.storage.audit_log();
    let from = log.archived().await?.size;
    let now = services.clock.now();
    let Some((to, before)) = reach(log.as_ref(), from, (cutoff, now)).await? else {
        return Ok(false);
    };
    let origin = services.audit.verifier().origin().to_owned();
    let (tree, tiles) = (Plan::root(to), Plan::tiles_before(from));
    let root = services.prover.hashes(&origin, log.as_ref(), &tree).await?;
    let root = root.first().copied().unwrap_or_default();
    let tiles = services
        .prover
        .hashes(&origin, log.as_ref(), &tiles)
        .await?;
    let wanted = folder::Wanted {
        from,
        to,
        root,
        tiles,
    };
    let name = folder::put(services, log.as_ref(), &wanted).await?;
    services.archiving.cut_at(Cut::Named)?;
    // an entry that says that they left must not come behind another one
    if log.archived().await?.size != from {
        return Ok(true);
    }
    let removal = Removal {
        from,
        to,
        before,
        folder: name.clone(),
    };
    let moved = Moved {
        folder: name,
        from,
        root,
        to,
    };
    note(services, caller, archive.clone(), Some((moved, removal))).await?;
    tracing::info!(from, to, "entries of the audit log left for the archive");
    Ok(true)
}

/// Returns up to which leaf entries leave, and when the youngest of them was written: whole tiles of entries of before
/// `cutoff`, none behind an emergency that is open or an entry that a citizen may not see yet, and never the last entry.
async fn reach(
    log: &dyn AuditLog,
    from: u64,
    (cutoff, now): (Timestamp, Timestamp),
) -> Result<Option<(u64, Timestamp)>, OversightError> {
    let open = log.cases(None, true, None, 1).await?;
    let open = open.first().map_or(u64::MAX, |case| case.leaf);
    let last = log.size().await?.saturating_sub(1);
    let end = open.min(last).min(from + TOGETHER);
    let (mut to, mut youngest) = (from, None);
    while to + TILE <= end {
        let page = log.entries(to, PAGE).await?;
        let (mut within, mut withheld) = (youngest, false);
        for (leaf, stored) in &page {
            let entry = Entry::decode(&stored.body).map_err(|error| {
                let problem = format!("leaf {leaf}: the entry {error}; verify the log");
                OversightError::NotAudited(crate::AuditError::Unusable(problem))
            })?;
            within = within.max(Some(entry.at));
            withheld |= is_withheld(&entry.event, now);
        }
        let old = within.is_some_and(|at| at < cutoff);
        if page.len() as u64 != TILE || !old || withheld {
            break;
        }
        (to, youngest) = (to + TILE, within);
    }
    Ok(youngest.map(|at| (to, at)))
}

/// Returns since when entries are kept in any case.
fn retained_since(services: &Services, now: Timestamp) -> Result<Timestamp, OversightError> {
    let place = services.archiving.place.as_ref();
    let days = place.map_or(0, |place| place.retention_days);
    if days == 0 {
        let problem = "cannot be made: set audit.archive and audit.retention_days";
        return Err(OversightError::invalid("archive", problem));
    }
    let seconds = now.as_second() - i64::from(days) * SECONDS_OF_A_DAY;
    let since = Timestamp::from_second(seconds);
    since.map_err(|_| OversightError::invalid("archive", "is older than time"))
}

const fn is_open(state: ErasureState) -> bool {
    matches!(state, ErasureState::Asked | ErasureState::Confirmed)
}

async fn find(services: &Services, number: i64) -> Result<Archive, OversightError> {
    // one waits at a time, and it is the last one
    let last = services.storage.audit_log().archives(None, 1).await?;
    let last = last.into_iter().next();
    match last.filter(|last| (1..=last.number).contains(&number)) {
        Some(last) if last.number == number => Ok(last),
        Some(_) => Err(OversightError::Decided),
        None => Err(OversightError::NotFound("archive")),
    }
}

async fn decide(
    services: &Services,
    caller: &Caller,
    archive: Archive,
    state: ErasureState,
) -> Result<Audited<Archive>, OversightError> {
    let person = match state {
        // whoever lets it go on did not decide it
        ErasureState::Done => archive.decider.clone(),
        ErasureState::Asked | ErasureState::Confirmed | ErasureState::Withdrawn => {
            event::person(caller)
        }
    };
    let decided = StoredArchive {
        state,
        decider: person,
        updated_at: services.clock.now(),
        ..archive
    };
    note(services, caller, decided, None).await
}

/// Stores where an archive stands, and what leaves by it, with the entry that says so.
async fn note(
    services: &Services,
    caller: &Caller,
    archive: Archive,
    moved: Option<(Moved, Removal)>,
) -> Result<Audited<Archive>, OversightError> {
    let (moved, removes) = moved.unzip();
    let told = ArchiveMoved {
        actor: event::actor(caller),
        archive: archive.number,
        cutoff: archive.cutoff.to_string(),
        moved,
        proposer: archive.proposer.clone(),
        reason: archive.reason.clone(),
        state: archive.state.as_str().to_owned(),
    };
    let entry = Entry::new(services.clock.now(), AuditEvent::ArchiveMoved(told));
    let step = ArchiveStep {
        archive: archive.clone(),
        removes,
    };
    Ok(services.audit.record_archive(entry, step, archive).await?)
}

/// Says where an entry is that is not in storage any more.
///
/// # Errors
/// Storage failed.
pub(crate) async fn where_is(
    log: &dyn AuditLog,
    leaf: u64,
) -> Result<Option<String>, StorageError> {
    let archived = log.archived().await?;
    Ok((leaf < archived.size).then(|| {
        format!(
            "is in the archive: {}; ask whoever keeps the archive, and check what they give with `rabt audit verify`",
            place(&archived)
        )
    }))
}

/// Says which entries are in the archive, and where the last of them are.
pub(crate) fn place(archived: &Archived) -> String {
    let Archived { size, folder, .. } = archived;
    format!("the entries before leaf {size} are there, the last of them in its folder {folder}")
}

/// The root of a tree, as an archive is compared with.
pub(crate) type Root = Hash;
