//! The report page of a run: one HTML file that needs nothing else, in Arabic and English.
//!
//! Invariant: every value of a record reaches the page escaped, and isolated from the direction of
//! the text around it.

mod chart;
mod collect;
mod command;
pub(super) mod data;
mod glossary;
mod page;
mod svg;
mod text;
mod view;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub(super) use command::{ReportArgs, run};
pub(crate) use data::Language;

use data::{Pair, ReportData, Thresholds};
use rabt_model::Label;

/// Returns the words for a comparison and for a level of it.
pub(crate) fn evidence_words(comparison: &str, level: &str) -> (Label, Label) {
    let label = |words: text::Text| Label::new(words.english, words.arabic);
    (
        label(glossary::thing(comparison)),
        label(glossary::level(level)),
    )
}

/// Returns the page. It is a whole HTML file that loads nothing.
fn render(data: &ReportData) -> String {
    page::render(data)
}

/// Returns the sum of one pair as a picture of its own, with the styles of the page.
pub(super) fn waterfall_svg(pair: &Pair, thresholds: &Thresholds, language: Language) -> String {
    const STYLE: &str = include_str!("../../../templates/link_report.css");
    let hidden = match language {
        Language::English => "ar",
        Language::Arabic => "en",
    };
    let picture = chart::waterfall(pair, thresholds).to_string();
    let picture = picture.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    let style = format!("<style><![CDATA[{STYLE}\n.{hidden} {{ display: none; }}]]></style>");
    picture.replacen("</title>", &format!("</title>{style}"), 1)
}
