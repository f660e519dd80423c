//! Who may see what, as a table for people.

use std::fmt::Write as _;

use rabt_model::{Attribute, ChangeKind};

use crate::{Agreement, Channel, Method, Policy};

/// What a cell says, from the strongest right to none.
const DEFAULT: &str = "sees";
const ON_REQUEST: &str = "may ask";
const VERIFIES: &str = "verifies";
const NOTHING: &str = "-";

impl Policy {
    /// Returns a text that says who may see what: each agreement with its conditions, then a table of
    /// attributes by agreements. Equal policies give equal texts.
    pub fn matrix(&self) -> String {
        let agreements = self.agreements();
        let mut text = "Who may see what · من يرى ماذا\n".to_owned();
        for agreement in &agreements {
            text.push('\n');
            describe(&mut text, agreement);
        }
        text.push('\n');
        tabulate(&mut text, &agreements);
        let _ = write!(
            text,
            "\n{DEFAULT}: in every answer · في كل إجابة\n{ON_REQUEST}: when the request names it · عند \
             الطلب\n{VERIFIES}: only whether a value is right · للتحقق فقط\n{NOTHING}: never · ممنوع\n"
        );
        text
    }
}

fn describe(text: &mut String, agreement: &Agreement) {
    let title = agreement.title();
    let methods: Vec<&str> = agreement.methods().map(Method::as_str).collect();
    let channels: Vec<&str> = agreement.channels().map(Channel::as_str).collect();
    let rows = [
        ("agency", agreement.agency().to_string()),
        ("systems", agreement.systems().join(", ")),
        ("methods", methods.join(", ")),
        ("purposes", agreement.purposes().join(", ")),
        ("legal bases", agreement.legal_bases().join(", ")),
        ("services", agreement.services().join(", ")),
        ("channels", channels.join(", ")),
        (
            "end user",
            agreement.minimum_assurance().as_str().to_owned(),
        ),
        ("in force", agreement.period().to_string()),
    ];
    let mut rows = rows.to_vec();
    if let Some(feed) = agreement.feed() {
        let kinds: Vec<&str> = feed.kinds().map(ChangeKind::code).collect();
        let of = feed.population().as_str();
        rows.push(("feed", format!("{} of {of}", kinds.join(", "))));
    }
    let _ = writeln!(text, "{}  {} · {}", agreement.id(), title.en, title.ar);
    for (name, value) in rows {
        let _ = writeln!(text, "  {name:<12} {value}");
    }
}

/// Writes one row for each plain attribute and for each pattern that any agreement names.
fn tabulate(text: &mut String, agreements: &[&Agreement]) {
    let mut rows: Vec<String> = Attribute::plain().map(|plain| plain.to_string()).collect();
    for agreement in agreements {
        rows.extend(agreement.maximum_fields().patterns());
        rows.extend(agreement.default_fields().patterns());
    }
    rows.sort_unstable();
    rows.dedup();
    let width = rows.iter().map(String::len).max().unwrap_or(0);
    let _ = write!(text, "{:<width$}", "");
    for agreement in agreements {
        let _ = write!(text, "  {:<8}", agreement.id().as_str());
    }
    end_line(text);
    for row in rows {
        let _ = write!(text, "{row:<width$}");
        for agreement in agreements {
            let column = agreement.id().as_str().len();
            let _ = write!(
                text,
                "  {:<8}",
                format!("{:<column$}", cell(agreement, &row))
            );
        }
        end_line(text);
    }
}

/// Says what an agreement allows of a row: an attribute id or a pattern.
fn cell(agreement: &Agreement, row: &str) -> &'static str {
    let covered = |patterns: Vec<String>| {
        patterns.iter().any(|pattern| {
            let group = pattern.strip_suffix('*');
            pattern == row || group.is_some_and(|group| row.starts_with(group))
        })
    };
    if !covered(agreement.maximum_fields().patterns()) {
        NOTHING
    } else if !agreement.reveals() {
        VERIFIES
    } else if covered(agreement.default_fields().patterns()) {
        DEFAULT
    } else {
        ON_REQUEST
    }
}

fn end_line(text: &mut String) {
    text.truncate(text.trim_end().len());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use crate::{DEMO_BUNDLE, Policy};

    #[test]
    fn matrix_of_the_demonstration() {
        let policy = Policy::from_bundle(DEMO_BUNDLE, "demo.toml").unwrap();
        insta::assert_snapshot!("demo_matrix", policy.matrix());
    }
}
