//! The fields of a settings file.

use serde_json::Value;

use crate::model::ModelError;

/// What is read of a settings file.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) link_type: String,
    pub(super) prior: Option<f64>,
    source_column: Option<String>,
    pub(super) comparisons: Vec<ComparisonSettings>,
    /// The SQL of each rule, and the columns that it takes member by member.
    pub(super) blocking: Vec<(String, Vec<String>)>,
}

/// One comparison.
#[derive(Debug)]
pub(super) struct ComparisonSettings {
    pub(super) id: String,
    pub(super) levels: Vec<LevelSettings>,
}

/// One level of a comparison.
#[derive(Debug)]
pub(super) struct LevelSettings {
    pub(super) sql: String,
    pub(super) label: String,
    pub(super) is_null: bool,
    pub(super) m: Option<f64>,
    pub(super) u: Option<f64>,
    pub(super) frequency: Option<FrequencySettings>,
}

/// The adjustment of a level for the frequency of its value.
#[derive(Debug)]
pub(super) struct FrequencySettings {
    pub(super) column: String,
    pub(super) weight: f64,
    pub(super) least: f64,
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let list = value.get(key).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// Reads a probability; a level that training never saw has a sentence in its place.
fn probability(value: &Value, key: &str) -> Option<f64> {
    let number = value.get(key)?.as_f64()?;
    (0.0..=1.0).contains(&number).then_some(number)
}

impl Settings {
    pub(super) fn read(json: &str) -> Result<Self, ModelError> {
        let value: Value = serde_json::from_str(json).map_err(|error| ModelError {
            line: Some(error.line()),
            message: format!("the settings are not JSON: {error}"),
        })?;
        if list(&value, "comparisons").is_empty() {
            return Err(ModelError::of(
                "the settings have no 'comparisons'; give the file that save_model_to_json wrote",
            ));
        }
        let comparisons = list(&value, "comparisons").iter().enumerate();
        let prior = probability(&value, "probability_two_random_records_match");
        Ok(Self {
            link_type: text(&value, "link_type").unwrap_or_else(|| "dedupe_only".to_owned()),
            prior: prior.filter(|prior| *prior > 0.0 && *prior < 1.0),
            source_column: text(&value, "source_dataset_column_name"),
            comparisons: comparisons
                .map(|(at, value)| comparison(at, value))
                .collect(),
            blocking: list(&value, "blocking_rules_to_generate_predictions")
                .iter()
                .filter_map(blocking)
                .collect(),
        })
    }

    /// Returns the column that tells a record's source, where sources matter.
    pub(super) fn source(&self) -> Option<&str> {
        let matters = self.link_type.starts_with("link");
        matters.then(|| self.source_column.as_deref().unwrap_or("source_dataset"))
    }
}

fn comparison(at: usize, value: &Value) -> ComparisonSettings {
    let id = text(value, "output_column_name").or_else(|| text(value, "comparison_description"));
    ComparisonSettings {
        id: id.unwrap_or_else(|| format!("comparison {}", at + 1)),
        levels: list(value, "comparison_levels").iter().map(level).collect(),
    }
}

fn level(value: &Value) -> LevelSettings {
    let number = |key: &str| value.get(key).and_then(Value::as_f64);
    let column = text(value, "tf_adjustment_column");
    LevelSettings {
        sql: text(value, "sql_condition").unwrap_or_default(),
        label: text(value, "label_for_charts").unwrap_or_default(),
        is_null: value.get("is_null_level") == Some(&Value::Bool(true)),
        m: probability(value, "m_probability"),
        u: probability(value, "u_probability"),
        frequency: column.map(|column| FrequencySettings {
            column,
            weight: number("tf_adjustment_weight")
                .unwrap_or(1.0)
                .clamp(0.0, 1.0),
            least: number("tf_minimum_u_value").unwrap_or(0.0).clamp(0.0, 1.0),
        }),
    }
}

/// Reads a rule, which is a text or a table.
fn blocking(value: &Value) -> Option<(String, Vec<String>)> {
    if let Some(sql) = value.as_str() {
        return Some((sql.to_owned(), Vec::new()));
    }
    let columns = list(value, "arrays_to_explode").iter();
    let columns = columns.filter_map(|column| column.as_str().map(str::to_owned));
    Some((text(value, "blocking_rule")?, columns.collect()))
}
