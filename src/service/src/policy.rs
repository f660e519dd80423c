//! The policy in force, which an operator may replace while requests are under way.

use std::sync::{Arc, PoisonError, RwLock};

use rabt_policy::Policy;

/// Holds the current policy. A request is decided by one policy from start to end.
#[derive(Debug)]
pub struct PolicyHandle(RwLock<Arc<Policy>>);

impl PolicyHandle {
    /// Starts with this policy.
    pub fn new(policy: Policy) -> Self {
        Self(RwLock::new(Arc::new(policy)))
    }

    /// Returns the policy that is in force now.
    pub fn current(&self) -> Arc<Policy> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another policy in force for the requests that come from now on.
    pub(crate) fn replace(&self, policy: Policy) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
    }
}
