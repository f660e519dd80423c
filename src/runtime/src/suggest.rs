//! "Did you mean": the known word nearest to a misspelt one.

/// Returns the word of `known` that `text` most likely stands for, or nothing when none is near.
/// Words that differ only in case or in `-` against `_` are always near.
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(text);
    let mut best: Option<(usize, &str)> = None;
    for word in known {
        let distance = strsim::osa_distance(&wanted, &fold(word));
        let limit = (wanted.chars().count().max(word.chars().count()) / 3).max(1);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, word));
        }
    }
    best.map(|(_, word)| word)
}

fn fold(text: &str) -> String {
    text.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_the_near_and_refuses_the_far() {
        let known = ["address", "admin_address", "certificate"];
        assert_eq!(nearest("adress", known), Some("address"));
        assert_eq!(nearest("ADMIN-ADDRESS", known), Some("admin_address"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }
}
