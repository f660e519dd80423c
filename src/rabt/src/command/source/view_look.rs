//! What was seen of a source, as rows for people and objects for programs.

use std::fmt::Write;

use rabt_proto::connector as pb;
use serde::Serialize;

use crate::render::table;

/// The findings of a check.
#[derive(Debug, Serialize)]
pub(super) struct Findings {
    findings: Vec<FindingView>,
}

#[derive(Debug, Serialize)]
struct FindingView {
    id: String,
    outcome: &'static str,
    summary: String,
    remedy: String,
}

/// The tables of a source.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tables {
    tables: Vec<TableView>,
}

#[derive(Debug, Serialize)]
struct TableView {
    table: String,
    key: Vec<String>,
    estimated_rows: Option<u64>,
    sampled_rows: Option<u32>,
    refusal: String,
    columns: Vec<ColumnView>,
}

#[derive(Debug, Serialize)]
struct ColumnView {
    column: String,
    declared_type: String,
    nullable: bool,
    absent: u32,
    distinct: u32,
    shapes: Vec<(String, u32)>,
}

/// What would become of a source's rows.
#[derive(Debug, Serialize)]
pub(super) struct PreviewView {
    streams: Vec<StreamView>,
    forecast: ForecastView,
}

#[derive(Debug, Serialize)]
struct StreamView {
    stream: String,
    rows: u64,
    skipped: u64,
    rejected: u64,
    rejections: Vec<RejectionView>,
    examples: Vec<Vec<ValueView>>,
}

#[derive(Debug, Serialize)]
struct RejectionView {
    column: String,
    reason: String,
    field_only: bool,
    count: u64,
}

#[derive(Debug, Serialize)]
struct ValueView {
    attribute: String,
    column: String,
    before: String,
    after: String,
    steps_en: Vec<String>,
    steps_ar: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ForecastView {
    link: u64,
    review: u64,
    new: u64,
    ambiguous: u64,
    crowded: u64,
}

impl Findings {
    /// Returns the findings as they were answered.
    pub(super) fn of(findings: &[pb::Finding]) -> Self {
        let view = |finding: &pb::Finding| FindingView {
            id: finding.id.clone(),
            outcome: match finding.outcome() {
                pb::Outcome::Unspecified => "unknown",
                pb::Outcome::Pass => "pass",
                pb::Outcome::Warn => "warn",
                pb::Outcome::Fail => "fail",
            },
            summary: finding.summary.clone(),
            remedy: finding.remedy.clone(),
        };
        Self {
            findings: findings.iter().map(view).collect(),
        }
    }

    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        let rows = self.findings.iter().map(|one| {
            let outcome = one.outcome.to_owned();
            vec![
                outcome,
                one.id.clone(),
                one.summary.clone(),
                one.remedy.clone(),
            ]
        });
        table(&["", "check", "finding", "remedy"], rows)
    }
}

impl Tables {
    /// Takes some tables.
    pub(super) fn take(&mut self, tables: &[pb::Table]) {
        self.tables.extend(tables.iter().map(TableView::of));
    }

    /// Returns the table for people: a line for each column.
    pub(super) fn to_text(&self) -> String {
        if self.tables.is_empty() {
            return "no table can be read; see the account's rights, and --schema".to_owned();
        }
        let rows = self.tables.iter().flat_map(|one| {
            let named = one.columns.iter().map(|column| {
                let key = if one.key.contains(&column.column) {
                    "key"
                } else {
                    ""
                };
                let absent = match one.sampled_rows {
                    Some(rows) if rows > 0 => format!("{} %", column.absent * 100 / rows),
                    Some(_) | None => String::new(),
                };
                vec![
                    one.table.clone(),
                    column.column.clone(),
                    key.to_owned(),
                    column.declared_type.clone(),
                    absent,
                    column.looks(),
                ]
            });
            named.collect::<Vec<_>>()
        });
        let text = table(
            &["table", "column", "", "type", "absent", "looks like"],
            rows,
        );
        let refused = self.tables.iter().filter(|one| !one.refusal.is_empty());
        let refused: Vec<String> = refused
            .map(|one| format!("\n{}: {}", one.table, one.refusal))
            .collect();
        format!("{text}{}\n{} tables", refused.concat(), self.tables.len())
    }
}

impl TableView {
    fn of(one: &pb::Table) -> Self {
        let columns = one.columns.iter().map(|column| ColumnView {
            column: column.name.clone(),
            declared_type: column.declared_type.clone(),
            nullable: column.nullable,
            absent: column.absent_count,
            distinct: column.distinct_count,
            shapes: column
                .shapes
                .iter()
                .map(|s| (s.pattern.clone(), s.count))
                .collect(),
        });
        Self {
            table: named(&one.schema, &one.name),
            key: one.key.clone(),
            estimated_rows: one.estimated_row_count,
            sampled_rows: one.sampled_row_count,
            refusal: one.refusal.clone(),
            columns: columns.collect(),
        }
    }
}

impl ColumnView {
    /// Returns the shapes that most values have.
    fn looks(&self) -> String {
        let shapes = self.shapes.iter().take(3);
        let shapes: Vec<&str> = shapes.map(|(pattern, _)| pattern.as_str()).collect();
        shapes.join("  ")
    }
}

impl PreviewView {
    /// Returns a preview as it was answered.
    pub(super) fn of(seen: &pb::PreviewSourceResponse) -> Self {
        let forecast = seen.forecast.unwrap_or_default();
        Self {
            streams: seen.streams.iter().map(StreamView::of).collect(),
            forecast: ForecastView {
                link: forecast.link_count,
                review: forecast.review_count,
                new: forecast.new_count,
                ambiguous: forecast.ambiguous_count,
                crowded: forecast.crowded_count,
            },
        }
    }

    /// Returns the text for people.
    pub(super) fn to_text(&self) -> String {
        let streams: Vec<String> = self.streams.iter().map(StreamView::to_text).collect();
        let ForecastView {
            link,
            review,
            new,
            ambiguous,
            crowded,
        } = &self.forecast;
        // Writing into a text cannot fail.
        let mut text = format!(
            "{}\n\nLinking would join {link} records to citizens who are known, ask a clerk about \
             {review}, and make {new} new citizens.",
            streams.join("\n\n")
        );
        if *ambiguous > 0 {
            let _ = write!(
                text,
                "\nAlarm: {ambiguous} records fit several citizens, who might become one by it."
            );
        }
        if *crowded > 0 {
            let _ = write!(
                text,
                "\nAlarm: {crowded} citizens would be joined by several of these rows: either the table \
                 holds people several times, or different people look alike."
            );
        }
        text
    }
}

impl StreamView {
    fn of(seen: &pb::StreamPreview) -> Self {
        let rejection = |one: &pb::RejectionCount| RejectionView {
            column: one.column.clone(),
            reason: one.reason.clone(),
            field_only: one.field_only,
            count: one.count,
        };
        let value = |one: &pb::ExampleValue| ValueView {
            attribute: one.attribute.clone(),
            column: one.column.clone(),
            before: one.before.clone(),
            after: one.after.clone(),
            steps_en: one.steps.iter().map(|step| step.en.clone()).collect(),
            steps_ar: one.steps.iter().map(|step| step.ar.clone()).collect(),
        };
        let examples = seen.examples.iter();
        Self {
            stream: seen.stream.clone(),
            rows: seen.row_count,
            skipped: seen.skipped_count,
            rejected: seen.rejected_count,
            rejections: seen.rejections.iter().map(rejection).collect(),
            examples: examples
                .map(|one| one.values.iter().map(value).collect())
                .collect(),
        }
    }

    fn to_text(&self) -> String {
        let mut text = format!(
            "stream {}: {} rows read, {} left out, {} refused",
            self.stream, self.rows, self.skipped, self.rejected
        );
        for one in &self.rejections {
            let what = if one.field_only {
                "values left out"
            } else {
                "rows refused"
            };
            let column = if one.column.is_empty() {
                "the row"
            } else {
                &one.column
            };
            let _ = write!(text, "\n  {} {what}: {column}: {}", one.count, one.reason);
        }
        let values = self.examples.iter().flatten().map(|value| {
            vec![
                value.attribute.clone(),
                value.column.clone(),
                value.before.clone(),
                value.after.clone(),
            ]
        });
        let examples = table(&["attribute", "column", "in the source", "here"], values);
        format!("{text}\n{examples}")
    }
}

/// Returns the name of a table with its schema.
pub(super) fn named(schema: &str, name: &str) -> String {
    match schema {
        "" => name.to_owned(),
        schema => format!("{schema}.{name}"),
    }
}
