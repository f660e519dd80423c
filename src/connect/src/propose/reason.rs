//! Why something is proposed, in both languages.

use rabt_model::Label;

use crate::propose::meaning::Meaning;

/// Returns what the name of a column says.
pub(super) fn named(name: &str, meaning: Meaning) -> Label {
    let label = meaning.label();
    Label::new(
        format!("the name '{name}' says {}", label.en),
        format!("الاسم '{name}' يدل على {}", label.ar),
    )
}

/// Returns a reason with a share: `98 % have the structure of a national id`.
pub(super) fn share(percent: u32, en: &str, ar: &str) -> Label {
    Label::new(format!("{percent} % {en}"), format!("{percent}٪ {ar}"))
}

/// Returns a reason of two fixed texts.
pub(super) fn plain(en: &str, ar: &str) -> Label {
    Label::new(en, ar)
}

/// Puts reasons into one line.
pub(super) fn joined(reasons: &[Label]) -> Label {
    let texts = |of: fn(&Label) -> &str, mark: &str| {
        let texts: Vec<&str> = reasons.iter().map(of).collect();
        texts.join(mark)
    };
    Label::new(
        texts(|label| &label.en, "; "),
        texts(|label| &label.ar, "؛ "),
    )
}
