//! What a caller may ask, as the decision has it.

use std::sync::Arc;

use jiff::Timestamp;
use rabt_model::{AgreementId, Label};

use crate::rule::Rule;
use crate::{Agreement, Assurance, Caller, Channel, FieldSet, Method, Period, Policy, Role, Terms};

/// What a caller may ask for one service over one channel. A question is permitted exactly when a
/// permission has its agreement, service and channel, lists its method, purpose and legal basis, asks for
/// no more assurance than it brings, and its mask is within `maximum`.
#[derive(Debug, Clone)]
pub struct Permission {
    /// Under which agreement.
    pub agreement: AgreementId,
    /// What people call the agreement.
    pub title: Label,
    /// For which public service.
    pub service: String,
    /// Over which channel.
    pub channel: Channel,
    /// Which questions; never none.
    pub methods: Vec<Method>,
    /// For which purposes.
    pub purposes: Vec<String>,
    /// On which legal bases; never none.
    pub legal_bases: Vec<String>,
    /// How sure the caller must be of its end user.
    pub minimum_assurance: Assurance,
    /// What an answer holds when the question has no mask.
    pub default: Arc<FieldSet>,
    /// What a mask may name.
    pub maximum: Arc<FieldSet>,
    /// When the agreement is in force.
    pub period: Period,
    /// What else the agreement says.
    pub terms: Terms,
}

impl Policy {
    /// Returns what a caller may ask at an instant, ascending by agreement, service and channel.
    pub fn permissions(&self, caller: &Caller, at: Timestamp) -> Vec<Permission> {
        let mut permissions = Vec::new();
        for agreement in self.agreements() {
            let party = caller.role == Role::System
                && caller.agency == agreement.agency
                && agreement.systems.contains(&caller.system);
            if !party || !agreement.period.contains(at) {
                continue;
            }
            for (service, rule) in agreement.rules() {
                let channels = rule.channels();
                permissions.extend(
                    channels.filter_map(|channel| permission(agreement, service, rule, channel)),
                );
            }
        }
        permissions
    }
}

fn permission(
    agreement: &Agreement,
    service: &str,
    rule: &Rule,
    channel: Channel,
) -> Option<Permission> {
    let may = |method: &Method| !channel.verifies_only() || *method == Method::VerifyAttributes;
    let methods: Vec<Method> = agreement.methods().filter(may).collect();
    if methods.is_empty() || rule.legal_bases().is_empty() {
        return None;
    }
    Some(Permission {
        agreement: agreement.id.clone(),
        title: agreement.title.clone(),
        service: service.to_owned(),
        channel,
        methods,
        purposes: agreement.purposes.clone(),
        legal_bases: rule.legal_bases().to_vec(),
        minimum_assurance: rule.minimum_assurance(),
        default: Arc::clone(rule.default()),
        maximum: Arc::clone(rule.maximum()),
        period: agreement.period,
        terms: agreement.terms.clone(),
    })
}

#[cfg(test)]
mod tests;
