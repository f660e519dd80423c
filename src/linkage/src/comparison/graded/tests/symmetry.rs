use proptest::prelude::*;

use super::{TYPES, model_of};
use crate::comparison::score;
use crate::standardise::Standardised;

fn value() -> impl Strategy<Value = (usize, String)> {
    let text = prop_oneof![
        "[ab ]{0,4}",
        "-?[0-9]{0,3}(\\.[0-9])?",
        Just("NaN".to_owned()),
        Just("inf".to_owned()),
        (1..13_u32, 1..29_u32).prop_map(|(m, d)| format!("1999-{m:02}-{d:02}")),
        (-95..95_i32, -190..190_i32).prop_map(|(a, b)| format!("{a},{b}")),
        "[abc](\\|[abc]){0,3}",
        "\\PC{0,6}",
    ];
    (0..2 * TYPES.len(), text)
}

/// A test of a type that fits it, of one column or of two.
fn predicate() -> impl Strategy<Value = String> {
    let leaf = (0..13_usize, any::<bool>(), any::<bool>()).prop_map(|(at, two, both)| {
        let (kind, test) = [
            ("text", "jaro_winkler\", at_least = 0.8"),
            ("text", "levenshtein\", at_most = 1"),
            ("text", "jaccard\", at_least = 0.3"),
            ("code", "prefix\", at_least = 2"),
            ("digits", "damerau_levenshtein\", at_most = 1"),
            ("date", "months\", at_most = 2"),
            ("date", "jaro\", at_least = 0.9"),
            ("number", "relative_difference\", at_most = 0.2"),
            ("point", "distance_km\", at_most = 500"),
            ("set", "overlap_share\", at_least = 0.5"),
            ("name", "same_skeleton\""),
            ("address", "equal\""),
            ("phone", "one_absent\""),
        ][at];
        let other = if two {
            format!(", other = \"{kind}2\", both_ways = {both}")
        } else {
            String::new()
        };
        format!("{{ column = \"{kind}\"{other}, test = \"{test} }}")
    });
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| format!("{{ not = {part} }}")),
            prop::collection::vec(inner.clone(), 1..3)
                .prop_map(|parts| format!("{{ all = [{}] }}", parts.join(", "))),
            prop::collection::vec(inner, 1..3)
                .prop_map(|parts| format!("{{ any = [{}] }}", parts.join(", "))),
        ]
    })
}

proptest! {
    #![proptest_config(crate::soak::cases(300))]

    #[test]
    fn both_sides_are_alike(
        predicate in predicate(),
        left in prop::collection::vec(value(), 0..8),
        right in prop::collection::vec(value(), 0..8),
    ) {
        let model = model_of(&predicate);
        let record = |values: &[(usize, String)]| -> Vec<(usize, String)> { values.to_vec() };
        let mut batches = Vec::new();
        for records in [[record(&left), record(&right)], [record(&right), record(&left)]] {
            let mut data = Standardised::new(&model);
            for (at, values) in records.iter().enumerate() {
                let mut cells = vec![None; model.columns.len()];
                for (column, value) in values {
                    cells[*column] = Some(value.as_str());
                }
                data.push(&model, &at.to_string(), &cells);
            }
            batches.push(data);
        }
        prop_assert_eq!(score(&model, &batches[0], 0, 1), score(&model, &batches[1], 0, 1));
        prop_assert_eq!(score(&model, &batches[0], 0, 1), score(&model, &batches[0], 1, 0));
    }
}
