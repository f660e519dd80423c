//! What is seen of a database before it is read, as it is answered.

use rabt_model::{Label, StreamId};
use rabt_proto::connector as pb;
use rabt_service::Forecast;
use rabt_service::operate::{
    ColumnShapes, Example, Finding, Outcome, Previewed, Proposed, RejectedCount, Shape,
    StreamPreview, Surveyed,
};

use super::label;
use super::source::folder;

/// Columns after which a message of a discovery ends: about a hundred bytes each.
const COLUMNS: usize = 5_000;

pub(crate) fn finding(finding: &Finding) -> pb::Finding {
    let outcome = match finding.outcome {
        Outcome::Pass => pb::Outcome::Pass,
        Outcome::Warn => pb::Outcome::Warn,
        Outcome::Fail => pb::Outcome::Fail,
    };
    pb::Finding {
        id: finding.id.to_owned(),
        outcome: outcome.into(),
        summary: finding.summary.clone(),
        remedy: finding.remedy.clone().unwrap_or_default(),
    }
}

/// Returns the messages of a discovery: some tables each, none of them too large to take.
pub(crate) fn pages(tables: &[Surveyed]) -> Vec<pb::DiscoverSourceResponse> {
    let mut pages = Vec::new();
    let mut page = pb::DiscoverSourceResponse::default();
    let mut columns = 0;
    for surveyed in tables {
        columns += surveyed.table.columns.len() + 1;
        page.tables.push(table(surveyed));
        if columns >= COLUMNS {
            columns = 0;
            pages.push(std::mem::take(&mut page));
        }
    }
    if !page.tables.is_empty() {
        pages.push(page);
    }
    pages
}

fn table(surveyed: &Surveyed) -> pb::Table {
    let table = &surveyed.table;
    let shapes = surveyed.shapes.as_ref();
    let columns = table.columns.iter().map(|column| {
        let seen = shapes.and_then(|shapes| {
            let mut seen = shapes.columns.iter();
            seen.find(|seen| seen.name == column.name)
        });
        pb::Column {
            name: column.name.clone(),
            declared_type: column.declared_type.clone(),
            nullable: column.nullable,
            absent_count: seen.map_or(0, ColumnShapes::absent),
            distinct_count: seen.map_or(0, |seen| seen.distinct),
            shapes: seen.map_or_else(Vec::new, |seen| seen.shapes.iter().map(shape).collect()),
        }
    });
    pb::Table {
        schema: table.schema.clone().unwrap_or_default(),
        name: table.name.clone(),
        key: table.key.clone(),
        estimated_row_count: table.estimated_rows,
        columns: columns.collect(),
        sampled_row_count: shapes.map(|shapes| shapes.rows),
        refusal: surveyed
            .refused
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

fn shape(shape: &Shape) -> pb::Shape {
    pb::Shape {
        pattern: shape.pattern.clone(),
        count: shape.values,
    }
}

pub(crate) fn proposed(proposed: &Proposed) -> pb::ProposeSourceResponse {
    let tables = proposed.proposal.of_persons().map(|table| {
        let columns = table.columns.iter().map(|column| pb::ColumnProposal {
            name: column.name.clone(),
            attribute: column
                .attribute
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            part: column.part.unwrap_or_default().to_owned(),
            score: column.score.into(),
            reasons: labels(&column.reasons),
        });
        pb::TableProposal {
            schema: table.schema.clone().unwrap_or_default(),
            name: table.name.clone(),
            score: table.score.into(),
            reasons: labels(&table.reasons),
            columns: columns.collect(),
            key: table.key.clone(),
        }
    });
    let text = proposed.text.clone();
    let (manifest, mapping) = text
        .map(|text| (text.manifest, text.mapping))
        .unwrap_or_default();
    pb::ProposeSourceResponse {
        table_count: u32::try_from(proposed.proposal.tables.len()).unwrap_or(u32::MAX),
        tables: tables.collect(),
        manifest,
        mapping,
        folder: proposed.folder.as_ref().map(folder),
    }
}

pub(crate) fn previewed(previewed: &Previewed) -> pb::PreviewSourceResponse {
    let streams = previewed.streams.iter();
    pb::PreviewSourceResponse {
        streams: streams
            .map(|(stream, seen)| stream_preview(stream, seen))
            .collect(),
        forecast: Some(forecast(&previewed.forecast)),
    }
}

fn stream_preview(stream: &StreamId, seen: &StreamPreview) -> pb::StreamPreview {
    let example = |values: &Vec<Example>| pb::Example {
        values: values.iter().map(example_value).collect(),
    };
    let rejection = |count: &RejectedCount| pb::RejectionCount {
        reason: count.reason.to_owned(),
        count: count.count,
        stream: stream.to_string(),
        column: count.column.clone(),
        field_only: count.field_only,
    };
    pb::StreamPreview {
        stream: stream.to_string(),
        row_count: seen.rows,
        skipped_count: seen.skipped,
        rejected_count: seen.rejected_rows,
        rejections: seen.rejections.iter().map(rejection).collect(),
        examples: seen.examples.iter().map(example).collect(),
    }
}

fn example_value(value: &Example) -> pb::ExampleValue {
    pb::ExampleValue {
        attribute: value.attribute.to_string(),
        column: value.column.clone(),
        before: value.before.clone(),
        after: value.after.clone(),
        steps: labels(&value.steps),
    }
}

fn forecast(forecast: &Forecast) -> pb::Forecast {
    pb::Forecast {
        link_count: forecast.links,
        review_count: forecast.reviews,
        new_count: forecast.new,
        ambiguous_count: forecast.ambiguous,
        crowded_count: forecast.crowded,
    }
}

fn labels(labels: &[Label]) -> Vec<rabt_proto::common::Label> {
    labels.iter().map(label).collect()
}
