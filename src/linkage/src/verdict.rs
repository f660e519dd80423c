//! Verdicts: two thresholds, three answers.

use crate::model::LinkageModel;
use crate::weight::MatchWeight;

/// What is held of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// One person.
    Link,
    /// A person must look.
    Review,
    /// Two people, or nothing to say.
    NonLink,
}

/// Judges a pair by the model's thresholds.
pub fn judge(model: &LinkageModel, weight: MatchWeight) -> Verdict {
    if weight.0 >= model.decision.link {
        Verdict::Link
    } else if weight.0 >= model.decision.review {
        Verdict::Review
    } else {
        Verdict::NonLink
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, judge};
    use crate::model::LinkageModel;
    use crate::weight::MatchWeight;

    #[test]
    fn thresholds_belong_to_the_upper_band() {
        let model = LinkageModel::shipped("egypt").unwrap();
        let at = |weight| judge(&model, MatchWeight(weight));
        assert_eq!(at(model.decision.link), Verdict::Link);
        assert_eq!(at(model.decision.link - 1), Verdict::Review);
        assert_eq!(at(model.decision.review), Verdict::Review);
        assert_eq!(at(model.decision.review - 1), Verdict::NonLink);
    }
}
