//! Edit distance where only "at most one slip" matters.

/// Says whether `left` and `right` are equal but for one element replaced, left out, put in, or
/// two neighbours swapped.
pub(crate) fn within_one_edit<T: PartialEq>(left: &[T], right: &[T]) -> bool {
    let (short, long) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same_start = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let rest = &short[same_start..];
    let other = &long[same_start..];
    if short.len() < long.len() {
        return rest == &other[1..];
    }
    if rest.is_empty() || rest[1..] == other[1..] {
        return true;
    }
    rest.len() >= 2 && rest[0] == other[1] && rest[1] == other[0] && rest[2..] == other[2..]
}

#[cfg(test)]
mod tests {
    use super::within_one_edit;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(crate::soak::cases(500))]

        #[test]
        fn agrees_with_the_library(left in "[abc]{0,7}", right in "[abc]{0,7}") {
            let (a, b): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
            prop_assert_eq!(within_one_edit(&a, &b), strsim::osa_distance(&left, &right) <= 1);
            prop_assert_eq!(within_one_edit(&a, &b), within_one_edit(&b, &a));
        }
    }
}
