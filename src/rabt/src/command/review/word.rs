//! Codes and words of both languages for what the contract enumerates.

use rabt_model::{Judgement, Label, ReviewKind};
use rabt_proto::linkage as pb;

/// A code for programs and what people call it.
pub(super) type Word = (&'static str, Label);

/// Returns why something is asked.
pub(super) fn kind(kind: pb::ReviewKind) -> Word {
    let kind = match kind {
        pb::ReviewKind::Band => ReviewKind::Band,
        pb::ReviewKind::Ambiguous => ReviewKind::Ambiguous,
        pb::ReviewKind::Conflict => ReviewKind::Conflict,
        pb::ReviewKind::Unspecified => return unknown(),
    };
    (kind.code(), kind.label())
}

/// Returns what was said.
pub(super) fn judgement(judgement: pb::Judgement) -> Word {
    let judgement = match judgement {
        pb::Judgement::Same => Judgement::Same,
        pb::Judgement::Different => Judgement::Different,
        pb::Judgement::Ignore => Judgement::Ignore,
        pb::Judgement::Unspecified => return unknown(),
    };
    (judgement.code(), judgement.label())
}

/// Returns where a decision stands.
pub(super) fn state(state: pb::DecisionState) -> Word {
    let (code, en, ar) = match state {
        pb::DecisionState::Proposed => ("proposed", "Waits for a second person", "بانتظار شخص ثانٍ"),
        pb::DecisionState::Standing => ("standing", "In force", "نافذ"),
        pb::DecisionState::UndoProposed => (
            "undo_proposed",
            "In force; undoing it waits for a second person",
            "نافذ، والتراجع عنه بانتظار شخص ثانٍ",
        ),
        pb::DecisionState::Undone => ("undone", "Undone", "جرى التراجع عنه"),
        pb::DecisionState::Withdrawn => ("withdrawn", "Withdrawn", "مسحوب"),
        pb::DecisionState::Unspecified => return unknown(),
    };
    (code, Label::new(en, ar))
}

/// Returns how a decision came about.
pub(super) fn origin(origin: pb::DecisionOrigin) -> Word {
    let (code, en, ar) = match origin {
        pb::DecisionOrigin::Task => ("task", "Answer to a task", "إجابة عن مهمة"),
        pb::DecisionOrigin::Merge => ("merge", "Merge", "دمج"),
        pb::DecisionOrigin::Split => ("split", "Split", "فصل"),
        pb::DecisionOrigin::Agency => ("agency", "Word of an agency", "إفادة جهة"),
        pb::DecisionOrigin::Unspecified => return unknown(),
    };
    (code, Label::new(en, ar))
}

/// Returns what the thresholds make of a weight.
pub(super) fn verdict(verdict: pb::LinkVerdict) -> Word {
    let (code, en, ar) = match verdict {
        pb::LinkVerdict::Link => ("link", "Link", "ربط"),
        pb::LinkVerdict::Review => ("review", "Review", "مراجعة"),
        pb::LinkVerdict::NonLink => ("non_link", "No link", "لا ربط"),
        pb::LinkVerdict::Unspecified => return unknown(),
    };
    (code, Label::new(en, ar))
}

/// Returns both languages in one line.
pub(super) fn both(label: &Label) -> String {
    if label.en == label.ar {
        return label.en.clone();
    }
    format!("{} / {}", label.en, label.ar)
}

/// Returns the part of a resource name behind its last slash.
pub(super) fn id(name: &str) -> String {
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Returns a text as a terminal may show it: without signs that would steer it.
pub(super) fn plain(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(plain).collect()
}

fn unknown() -> Word {
    ("unknown", Label::new("Unknown", "غير معروف"))
}
