//! A shadow run: what another model would make of the registry, before it is put to work.

use std::sync::Arc;

use rabt_audit::{AuditEvent, Entry, ModelShadowed};
use rabt_linkage::evaluation::evaluate;
use rabt_linkage::{Index, LinkageModel, continue_identity};
use rabt_model::{CitizenId, RecordNumber};
use rabt_policy::{Caller, Role};
use rustc_hash::{FxHashMap, FxHashSet};

use super::partition::{Held, Partition};
use super::{PAGE, batch_of, with_index};
use crate::audited::Audited;
use crate::error::{OperateError, Problem};
use crate::event;
use crate::operate::refuse;
use crate::services::Services;

/// How the people of the registry would differ under another model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shadow {
    /// Fingerprint of the other model.
    pub model: String,
    /// Records compared.
    pub records: u64,
    /// Citizens now.
    pub citizens: u64,
    /// Citizens under the other model.
    pub citizens_then: u64,
    /// Records that would belong to another citizen.
    pub moved_records: u64,
    /// Citizens who would turn out to be another one.
    pub merged_citizens: u64,
    /// Citizens whose records would be parted.
    pub split_citizens: u64,
    /// Splits on the shortest way from the people now to those then.
    pub splits: u64,
    /// Merges on that way.
    pub merges: u64,
    /// Pairs that would be links.
    pub links: u64,
    /// Pairs that a clerk would be asked about.
    pub reviews: u64,
}

/// Links all records by another model, under the decisions in force, and says what would differ.
/// Nothing is changed. It needs as much memory again as the linker.
///
/// # Errors
/// The model has problems, the caller's role does not allow it, or a failure.
pub async fn shadow_model(
    services: &Services,
    caller: &Caller,
    text: &str,
) -> Result<Audited<Shadow>, OperateError> {
    let roles = [Role::Operator, Role::Approver];
    if let Some(refusal) = refuse(services, caller, "ShadowModel", &roles).await? {
        return Err(OperateError::NotPermitted(refusal));
    }
    let model = LinkageModel::from_toml(text).map_err(|problems| {
        let problems = problems.into_iter().map(|problem| Problem {
            file: "model.toml".to_owned(),
            line: problem.line.unwrap_or(0),
            message: problem.message,
            suggestion: None,
        });
        OperateError::Problems(problems.collect())
    })?;
    let shadow = compare(services, Arc::new(model)).await?;
    let told = ModelShadowed {
        actor: event::actor(caller),
        model: shadow.model.clone(),
        moved: shadow.moved_records,
        records: shadow.records,
    };
    let entry = Entry::new(services.clock.now(), AuditEvent::ModelShadowed(told));
    Ok(services.audit.record(entry, shadow).await?)
}

async fn compare(services: &Services, model: Arc<LinkageModel>) -> Result<Shadow, OperateError> {
    let mut tx = services.storage.snapshot().await?;
    let memberships = tx.memberships().await?;
    let registers = services.registry.current().registers();
    let mut index = Index::with_registers(Arc::clone(&model), registers);
    for (number, judgement, pairs) in tx.decisions_in_force().await? {
        index.decide(number, judgement, &pairs);
    }
    let mut shadow = Shadow {
        model: model.fingerprint().to_owned(),
        ..Shadow::default()
    };
    let mut after = RecordNumber(i64::MIN);
    loop {
        let page = tx.records_after(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.number;
        shadow.records += page.len() as u64;
        index = with_index(services, index, move |index| {
            index.stage(&batch_of(&page));
        })
        .await?
        .0;
    }
    drop(tx);
    let (_, linked) = with_index(services, index, |index| index.link(&[])).await?;
    shadow.links = linked.links;
    shadow.reviews = linked.reviews;
    let mut partition = Partition::default();
    partition.report(linked.clusters);
    differ(partition, &memberships, &mut shadow);
    Ok(shadow)
}

/// Counts the differences between the people now and the clusters then.
fn differ(partition: Partition, memberships: &[(RecordNumber, CitizenId)], shadow: &mut Shadow) {
    let held = Held::from_memberships(memberships);
    let now: FxHashSet<CitizenId> = memberships.iter().map(|(_, citizen)| *citizen).collect();
    shadow.citizens = now.len() as u64;
    let changed = partition.into_changed(&held, &FxHashSet::default());
    let mut numbers: FxHashMap<CitizenId, u64> = FxHashMap::default();
    let mut parts: FxHashMap<CitizenId, FxHashSet<usize>> = FxHashMap::default();
    let mut pieces: Vec<(u64, u64)> = Vec::new();
    for (place, members) in changed.iter().enumerate() {
        for citizen in members.iter().filter_map(|record| held.of(*record)) {
            let next = numbers.len() as u64;
            let number = *numbers.entry(citizen).or_insert(next);
            parts.entry(citizen).or_default().insert(place);
            pieces.push((number, place as u64));
        }
    }
    let distance = evaluate(pieces.into_iter()).merge_distance();
    (shadow.splits, shadow.merges) = (distance.splits, distance.merges);
    shadow.split_citizens = parts.values().filter(|places| places.len() > 1).count() as u64;
    shadow.citizens_then = shadow.citizens - parts.len() as u64 + changed.len() as u64;
    let mut made_up = 0;
    let mut mint = || {
        made_up += 1;
        CitizenId::from_random(made_up)
    };
    let change = continue_identity(&changed, &|record| held.of(record), &|_| None, &mut mint);
    let moved = change.assign.iter();
    let moved = moved.filter(|(record, _)| held.of(*record).is_some());
    shadow.moved_records = moved.count() as u64;
    shadow.merged_citizens = change.redirects.len() as u64;
}
