mod grammar;

use super::{Imported, import_splink};
use crate::model::{ColumnType, Definite, LinkageModel, Sources, Take};

fn import(json: &str) -> (LinkageModel, Imported) {
    let imported = import_splink(json).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let model = LinkageModel::from_toml(&imported.toml).unwrap();
    (model, imported)
}

fn has_note(imported: &Imported, words: &[&str]) {
    let found = imported
        .notes
        .iter()
        .any(|note| words.iter().all(|word| note.contains(word)));
    assert!(found, "{words:?} in {:#?}", imported.notes);
}

#[test]
fn a_trained_model_keeps_its_shares() {
    let (model, imported) = import(include_str!(
        "../../../tests/fixtures/splink/registers.json"
    ));
    let name = &model.comparisons[0];
    assert_eq!(
        name.levels(),
        [
            "absent",
            "Exact match on name",
            "Jaro-Winkler distance of name >= 0.92",
            "Jaro-Winkler distance of name >= 0.8",
            "All other comparisons",
        ]
    );
    assert!((name.shares[1].m - 0.7).abs() < 1e-12);
    assert_eq!(name.shares[3].u, Some(0.02));
    let odds: f64 = 0.0005 / 0.9995;
    assert!((f64::from(model.decision.prior) / 1024.0 - odds.log2()).abs() < 0.001);
    assert_eq!(model.columns[model.source.unwrap()].id, "register");
    assert_eq!(model.rules[0].verdict, Definite::NonMatch);
    assert_eq!(model.rules[0].sources, Some(Sources::Same));
    let kind = |id: &str| model.columns[model.column(id).unwrap()].kind;
    assert_eq!(kind("founded"), ColumnType::Date);
    assert_eq!(kind("tax_no"), ColumnType::Text);
    assert!(imported.toml.contains("test = \"days\", at_most = 60.0"));
    has_note(&imported, &["city", "term frequencies"]);
    assert!(
        !imported
            .notes
            .iter()
            .any(|note| note.contains("does not map"))
    );
}

#[test]
fn the_library_of_comparisons_maps_but_for_what_is_named() {
    let (model, imported) = import(include_str!("../../../tests/fixtures/splink/people.json"));
    let kind = |id: &str| model.columns[model.column(id).unwrap()].kind;
    assert_eq!(kind("dob"), ColumnType::Date);
    assert_eq!(kind("lat_lon"), ColumnType::Point);
    assert_eq!(kind("languages"), ColumnType::Set);
    assert_eq!(kind("tags"), ColumnType::Set);
    assert_eq!(kind("income"), ColumnType::Number);
    assert_eq!(model.column("lat"), None);
    assert_eq!(model.column("embedding"), None);
    for text in [
        "{ column = \"first_name\", other = \"surname\", both_ways = true, test = \"equal\" }",
        "{ column = \"lat_lon\", test = \"distance_km\", at_most = 10.0 }",
        "{ column = \"languages\", test = \"overlap\", at_least = 2.0 }",
        "{ column = \"dob\", test = \"levenshtein\", at_most = 1.0 }",
        "{ column = \"dob\", test = \"days\", at_most = 3652.0 }",
        "{ column = \"income\", test = \"difference\", at_most = 5.0 }",
        "test = \"overlap_share\", at_least = 1.0 }",
        "absent_when = { all = [{ column = \"first_name\", test = \"absent\" }",
    ] {
        assert!(imported.toml.contains(text), "{text} in\n{}", imported.toml);
    }
    has_note(&imported, &["comparison 'email'", "regexp_extract"]);
    has_note(&imported, &["comparison 'embedding' is left out"]);
    has_note(&imported, &["lat_lon", "latitude,longitude"]);
    has_note(&imported, &["keeps its equalities only", "levenshtein"]);
    has_note(
        &imported,
        &["blocking rule is left out", "l.email = r.email or"],
    );
    let takes: Vec<Vec<Take>> = model
        .blocking
        .iter()
        .map(|rule| rule.parts.iter().map(|part| part.take).collect())
        .collect();
    assert_eq!(
        takes,
        [
            vec![Take::Whole, Take::Whole],
            vec![Take::Prefix(3), Take::Year],
            vec![Take::Prefix(2)],
            vec![Take::Whole],
        ]
    );
}

/// Settings of one comparison with one condition.
fn of_condition(sql: &str) -> String {
    let level = |sql: &str, m: f64, u: f64| {
        serde_json::json!({ "sql_condition": sql, "label_for_charts": sql,
            "m_probability": m, "u_probability": u })
    };
    serde_json::json!({
        "link_type": "dedupe_only",
        "probability_two_random_records_match": 0.01,
        "comparisons": [{ "output_column_name": "x", "comparison_levels": [
            level("\"a_l\" = \"a_r\"", 0.6, 0.01), level(sql, 0.3, 0.09), level("ELSE", 0.1, 0.9),
        ]}],
        "blocking_rules_to_generate_predictions": ["l.a = r.a"],
    })
    .to_string()
}

#[test]
fn hand_written_conditions_map() {
    for (sql, expected) in [
        (
            "levenshtein(a_l, a_r) < 3",
            "test = \"levenshtein\", at_most = 2.0",
        ),
        (
            "0.9 <= jaro_similarity(a_l, a_r)",
            "test = \"jaro\", at_least = 0.9",
        ),
        (
            "jaccard(lower(a_r), lower(a_l)) > 0.5",
            "test = \"jaccard\", at_least = 0.5000000000000001",
        ),
        (
            "substr(a_l, 1, 3) = substr(a_r, 1, 3)",
            "test = \"prefix\", at_least = 3.0",
        ),
        (
            "abs(date_diff('day', b_l::date, b_r::date)) <= 1",
            "test = \"days\", at_most = 1.0",
        ),
        (
            "abs(datediff('month', b_l, b_r)) <= 6",
            "test = \"months\", at_most = 6.0",
        ),
        (
            "abs(b_l - b_r) <= 2.5",
            "test = \"difference\", at_most = 2.5",
        ),
        (
            "list_has_any(b_l, b_r)",
            "test = \"overlap\", at_least = 1.0",
        ),
        (
            "b_l = a_r",
            "column = \"b\", other = \"a\", test = \"equal\"",
        ),
        (
            "b_l = b_r and c_l = c_r and c_l <> ''",
            "not = { column = \"c\", test = \"absent\" }",
        ),
        (
            "not (b_l = b_r)",
            "not = { column = \"b\", test = \"equal\" }",
        ),
        (
            "b_l = b_r and a_l is null and a_r is null",
            "test = \"both_absent\"",
        ),
        (
            "b_l = b_r and a_l is not null and a_r is not null",
            "not = { column = \"a\", test = \"absent\" }",
        ),
        (
            "abs(b_l - b_r) / greatest(b_l, b_r) <= 0.1",
            "test = \"relative_difference\", at_most = 0.1",
        ),
    ] {
        let (_, imported) = import(&of_condition(sql));
        assert!(imported.toml.contains(expected), "{sql}: {}", imported.toml);
        assert!(
            !imported.notes.iter().any(|n| n.contains("does not map")),
            "{sql}"
        );
    }
}

#[test]
fn a_test_that_becomes_symmetric_is_named() {
    let (_, one_way) = import(&of_condition("b_l = a_r"));
    has_note(
        &one_way,
        &["comparison 'x'", "'b' of one record", "either way round"],
    );
    let (_, both) = import(&of_condition("b_l = a_r and b_r = a_l"));
    assert!(both.toml.contains("both_ways = true"));
    assert!(!both.notes.iter().any(|note| note.contains("way round")));
}

#[test]
fn what_does_not_map_is_named_and_counts_below() {
    for sql in [
        "soundex(a_l) = soundex(a_r)",
        "a_l = 'x' and a_r = 'x'",
        "starts_with(a_l, a_r)",
        "a_l is null",
        "hamming(a_l, a_r) <= 2",
        "levenshtein(a_l, b_l) <= 2",
        "levenshtein(a_l, a_r) >= 2",
        "b_l",
        "list_max(list_transform(a_l, x -> x)) > 1",
        "a_l = a_r; drop table people",
    ] {
        let (model, imported) = import(&of_condition(sql));
        has_note(&imported, &["comparison 'x' level", "does not map", sql]);
        let comparison = &model.comparisons[0];
        assert_eq!(comparison.levels().len(), 3, "{sql}");
        let last = comparison.shares[2];
        assert!((last.m - 0.4).abs() < 1e-9 && (last.u.unwrap() - 0.99).abs() < 1e-9);
    }
}

#[test]
fn what_is_no_settings_file_is_refused() {
    for (json, message) in [
        ("{", "not JSON"),
        ("[]", "no 'comparisons'"),
        ("{\"comparisons\": []}", "no 'comparisons'"),
        (
            "{\"comparisons\": [{\"comparison_levels\": [{\"sql_condition\": 7}]}]}",
            "no comparison of the settings maps",
        ),
    ] {
        let errors = import_splink(json).unwrap_err();
        assert!(errors[0].message.contains(message), "{json}: {errors:?}");
    }
}
