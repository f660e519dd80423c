//! How good the data of sources is, as rows for people and objects for programs.

use rabt_proto::connector as pb;
use serde::Serialize;

use crate::render::table;

/// The parts, from 0 to 100, and those of each column.
#[derive(Debug, Default, Serialize)]
pub(super) struct QualityView {
    score: Option<u32>,
    completeness: Option<u32>,
    validity: Option<u32>,
    freshness: Option<u32>,
    columns: Vec<ColumnView>,
}

#[derive(Debug, Serialize)]
struct ColumnView {
    stream: String,
    column: String,
    rows: u64,
    missing: u64,
    refused: u64,
    completeness: Option<u32>,
    validity: Option<u32>,
}

impl QualityView {
    /// Returns the quality of a source; one that tells of none has no parts.
    pub(super) fn of(source: &pb::Source) -> Self {
        let Some(quality) = &source.quality else {
            return Self::default();
        };
        Self {
            score: quality.score,
            completeness: quality.completeness,
            validity: quality.validity,
            freshness: quality.freshness,
            columns: quality.columns.iter().map(ColumnView::of).collect(),
        }
    }
}

impl ColumnView {
    fn of(column: &pb::ColumnQuality) -> Self {
        Self {
            stream: column.stream.clone(),
            column: column.column.clone(),
            rows: column.row_count,
            missing: column.missing_count,
            refused: column.refused_count,
            completeness: column.completeness,
            validity: column.validity,
        }
    }
}

/// Returns the tables for people: the parts of each source, and of one source its columns; nothing
/// when nothing is known.
pub(super) fn to_text(sources: &[(&str, &QualityView)]) -> String {
    let known: Vec<_> = sources
        .iter()
        .filter(|(_, quality)| quality.score.is_some())
        .collect();
    if known.is_empty() {
        return String::new();
    }
    let rows = known.iter().map(|(source, quality)| {
        vec![
            (*source).to_owned(),
            part(quality.score),
            part(quality.completeness),
            part(quality.validity),
            part(quality.freshness),
        ]
    });
    let head = ["source", "score", "completeness", "validity", "freshness"];
    let mut text = format!("\n{}", table(&head, rows));
    if let [(_, quality)] = known[..]
        && sources.len() == 1
    {
        let rows = quality.columns.iter().map(|column| {
            vec![
                column.stream.clone(),
                column.column.clone(),
                column.rows.to_string(),
                column.missing.to_string(),
                column.refused.to_string(),
                part(column.completeness),
                part(column.validity),
            ]
        });
        let head = [
            "stream",
            "column",
            "rows",
            "missing",
            "refused",
            "completeness",
            "validity",
        ];
        text.push('\n');
        text.push_str(&table(&head, rows));
    }
    text
}

fn part(part: Option<u32>) -> String {
    part.map_or_else(|| "-".to_owned(), |part| part.to_string())
}

#[cfg(test)]
mod tests {
    use rabt_proto::connector as pb;

    use super::{QualityView, to_text};

    fn view() -> QualityView {
        let column = pb::ColumnQuality {
            stream: "person".to_owned(),
            column: "TEL".to_owned(),
            row_count: 1_234,
            missing_count: 617,
            completeness: Some(50),
            ..Default::default()
        };
        let quality = pb::Quality {
            score: Some(50),
            completeness: Some(50),
            columns: vec![column],
            ..Default::default()
        };
        QualityView::of(&pb::Source {
            quality: Some(quality),
            ..Default::default()
        })
    }

    #[test]
    fn columns_are_shown_of_one_source() {
        let one = to_text(&[("tax", &view())]);
        assert!(
            one.contains("completeness") && one.contains("TEL") && one.contains("617"),
            "{one}"
        );
        let two = to_text(&[("tax", &view()), ("labour", &view())]);
        assert!(two.contains("labour") && !two.contains("TEL"), "{two}");
    }

    #[test]
    fn a_source_that_was_never_read_has_no_table() {
        assert_eq!(to_text(&[("tax", &QualityView::default())]), "");
    }
}
