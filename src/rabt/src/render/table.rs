//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table, TableComponent};

/// Returns a table as text. The widest column is folded when the terminal is too narrow and says
/// so in `COLUMNS`.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_style(TableComponent::HeaderLines, '─')
        .set_style(TableComponent::MiddleHeaderIntersections, '─')
        .set_header(head);
    let columns = std::env::var("COLUMNS").ok();
    if let Some(width) = columns.and_then(|text| text.parse().ok()) {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn shows_arabic_and_latin() {
        let text = table(
            &["attribute", "value"],
            [vec!["Name / الاسم".to_owned(), "محمد حسن".to_owned()]],
        );
        assert!(text.contains("محمد حسن"), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}
