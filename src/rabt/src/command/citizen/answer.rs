//! Answers about citizens, as rows for people and objects for programs.

use std::fmt::Write;

use rabt_model::Label;
use rabt_proto::citizen as pb;
use rabt_proto::common;
use serde::Serialize;

mod other;

use super::value::{Row, instant, row, rows};
use crate::render::table;
use other::OtherRow;

/// A citizen, as far as the caller may see them.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    citizen: String,
    etag: String,
    values: Vec<Row>,
}

/// Citizens found by a search.
#[derive(Debug, Serialize)]
pub(super) struct Candidates {
    candidates: Vec<Candidate>,
    more: bool,
}

#[derive(Debug, Serialize)]
struct Candidate {
    band: &'static str,
    #[serde(flatten)]
    answer: Answer,
}

/// Where the values of an attribute come from.
#[derive(Debug, Serialize)]
pub(super) struct Explanations {
    citizen: String,
    attribute: String,
    values: Vec<ExplainedRow>,
    others: Vec<OtherRow>,
}

#[derive(Debug, Serialize)]
struct ExplainedRow {
    #[serde(flatten)]
    row: Row,
    steps: Vec<Label>,
}

/// What a citizen's profile was, the last revision first.
#[derive(Debug, Serialize)]
pub(super) struct Revisions {
    revisions: Vec<Past>,
}

#[derive(Debug, Serialize)]
struct Past {
    revision: u64,
    sequence: u64,
    recorded_at: String,
    ended_at: Option<String>,
    #[serde(flatten)]
    answer: Answer,
}

/// Whether claims are true.
#[derive(Debug, Serialize)]
pub(super) struct Verdicts {
    verdicts: Vec<VerdictRow>,
}

#[derive(Debug, Serialize)]
struct VerdictRow {
    attribute: String,
    verdict: &'static str,
}

impl Answer {
    /// Returns the rows of a citizen.
    pub(super) fn of(citizen: &common::Citizen) -> Self {
        let id = citizen.name.strip_prefix("citizens/");
        Self {
            citizen: id.unwrap_or(&citizen.name).to_owned(),
            etag: citizen.etag.clone(),
            values: rows(citizen),
        }
    }

    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        let shown = self.values.iter().map(|row| {
            vec![
                format!("{} / {}", row.label.en, row.label.ar),
                row.value.clone(),
                row.agency.clone(),
                row.source.clone(),
                day(&row.observed_at).to_owned(),
                row.rule_and_dispute(),
            ]
        });
        let head = ["attribute", "value", "agency", "source", "observed", "rule"];
        format!("citizen {}\n{}", self.citizen, table(&head, shown))
    }
}

impl Candidates {
    /// Returns the candidates of a page.
    pub(super) fn of(found: &pb::SearchCitizensResponse) -> Self {
        let candidate = |candidate: &pb::Candidate| Candidate {
            band: match candidate.band() {
                pb::ScoreBand::High => "high",
                pb::ScoreBand::Medium => "medium",
                pb::ScoreBand::Low => "low",
                pb::ScoreBand::Unspecified => "unknown",
            },
            answer: Answer::of(&candidate.citizen.clone().unwrap_or_default()),
        };
        Self {
            candidates: found.candidates.iter().map(candidate).collect(),
            more: !found.next_page_token.is_empty(),
        }
    }

    /// Returns one table a candidate.
    pub(super) fn to_text(&self) -> String {
        if self.candidates.is_empty() {
            return "nobody fits".to_owned();
        }
        let mut text = String::new();
        for candidate in &self.candidates {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}: {}\n", candidate.band, candidate.answer.to_text());
        }
        if self.more {
            text.push_str("there are more; give more criteria or a higher --limit\n");
        }
        text
    }
}

impl Explanations {
    /// Returns the explanations of an attribute.
    pub(super) fn of(name: &str, attribute: &str, answer: &pb::ExplainFieldResponse) -> Self {
        let explained = |one: &pb::FieldExplanation| ExplainedRow {
            row: row(&one.attribute, one.value.clone(), one.provenance.as_ref()),
            steps: one
                .sentences
                .iter()
                .map(|sentence| Label::new(&sentence.en, &sentence.ar))
                .collect(),
        };
        Self {
            citizen: name.strip_prefix("citizens/").unwrap_or(name).to_owned(),
            attribute: attribute.to_owned(),
            values: answer.explanations.iter().map(explained).collect(),
            others: answer.others.iter().map(OtherRow::of).collect(),
        }
    }

    /// Returns a paragraph for each value.
    pub(super) fn to_text(&self) -> String {
        if self.values.is_empty() {
            return format!("no agency holds a value of {}", self.attribute);
        }
        let mut text = String::new();
        for ExplainedRow { row, steps } in &self.values {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{} / {}: {}\n  from {} ({}, column {}), record {}, observed {}\n  rule: {}, \
                 held by {} record(s)",
                row.label.en,
                row.label.ar,
                row.value,
                row.agency,
                row.source,
                row.column,
                row.record,
                day(&row.observed_at),
                row.rule_and_dispute(),
                row.supporters,
            );
            for step in steps {
                let _ = writeln!(text, "  - {} / {}", step.en, step.ar);
            }
        }
        text.extend(self.others.iter().map(OtherRow::to_text));
        text
    }
}

impl Revisions {
    /// Returns the revisions of an answer.
    pub(super) fn of(found: &pb::ListCitizenRevisionsResponse) -> Self {
        let revision = |one: &pb::CitizenRevision| Past {
            revision: one.revision,
            sequence: one.sequence,
            recorded_at: instant(one.record_time.as_ref()).unwrap_or_default(),
            ended_at: instant(one.end_time.as_ref()),
            answer: Answer::of(&one.citizen.clone().unwrap_or_default()),
        };
        Self {
            revisions: found.revisions.iter().map(revision).collect(),
        }
    }

    /// Returns one table a revision.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for one in &self.revisions {
            let end = one.ended_at.as_deref().unwrap_or("now");
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "revision {} of change {}, known from {} until {end}\n{}",
                one.revision,
                one.sequence,
                one.recorded_at,
                one.answer.to_text()
            );
        }
        text
    }
}

impl Verdicts {
    /// Returns the verdicts in the order of the claims.
    pub(super) fn of(answer: &pb::VerifyAttributesResponse) -> Self {
        let verdict = |one: &pb::AttributeVerdict| VerdictRow {
            attribute: one.attribute.clone(),
            verdict: match one.verdict() {
                pb::Verdict::Match => "match",
                pb::Verdict::NoMatch => "no match",
                pb::Verdict::NotHeld => "not held",
                pb::Verdict::Unspecified => "unknown",
            },
        };
        Self {
            verdicts: answer.verdicts.iter().map(verdict).collect(),
        }
    }

    /// Returns the table for people.
    pub(super) fn to_text(&self) -> String {
        let rows = self.verdicts.iter();
        table(
            &["attribute", "verdict"],
            rows.map(|row| vec![row.attribute.clone(), row.verdict.to_owned()]),
        )
    }
}

/// Returns the day of an RFC 3339 instant.
fn day(instant: &str) -> &str {
    instant.get(..10).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use rabt_proto::common;

    use super::Answer;

    #[test]
    fn shows_values_with_their_source() {
        let provenance = common::Provenance {
            agency: "civil-registry".to_owned(),
            source: "civil-registry".to_owned(),
            rule: common::SurvivorshipRule::Majority.into(),
            observed_at: Some(prost_types::Timestamp {
                seconds: 1_767_225_600,
                nanos: 0,
            }),
            disputed: true,
            ..Default::default()
        };
        let citizen = common::Citizen {
            name: format!("citizens/{}", "0".repeat(26)),
            birth_date: Some(common::AttributedDate {
                value: Some(common::PartialDate {
                    year: 1990,
                    month: 1,
                    day: 0,
                }),
                provenance: Some(provenance),
            }),
            ..Default::default()
        };
        let text = Answer::of(&citizen).to_text();
        for part in [
            "Date of birth / تاريخ الميلاد",
            "1990-01",
            "civil-registry",
            "2026-01-01",
            "majority, disputed",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
