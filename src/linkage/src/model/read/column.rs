//! Reading the columns, and how common their values are.

use super::super::fields::{Fields, number};
use super::super::{ColumnSpec, ColumnType, Frequencies};
use super::{Columns, unique};

const COLUMN: [&str; 5] = ["id", "type", "synonyms", "many", "fill_from"];

/// Reads every `[[column]]`.
pub(super) fn read<'a>(file: &Fields<'a>) -> (Vec<ColumnSpec>, Columns<'a>) {
    let tables = file.tables("column");
    if tables.is_empty() && !file.has("column") {
        file.wrong(None, " lacks [[column]], what the records hold");
    }
    let mut known = Columns {
        ids: Vec::new(),
        kinds: Vec::new(),
    };
    let mut columns: Vec<ColumnSpec> = Vec::new();
    let mut all = Vec::new();
    for (number, table) in tables.into_iter().enumerate() {
        let (id, fields) = Fields::named(file.problems, "column", number, table, &COLUMN);
        unique(&fields, columns.iter().map(|c| c.id.as_str()), &id);
        let kind = fields.need_choice("type", &ColumnType::WORDS);
        known.ids.push(fields.text("id").unwrap_or_default());
        known.kinds.push(kind);
        columns.push(ColumnSpec {
            id,
            kind: kind.unwrap_or(ColumnType::Text),
            synonyms: fields
                .texts("synonyms")
                .into_iter()
                .map(str::to_owned)
                .collect(),
            fill_from: None,
            many: read_many(&fields, kind),
        });
        all.push(fields);
    }
    for ((fields, column), kind) in all.iter().zip(&mut columns).zip(&known.kinds) {
        column.fill_from = read_fill(fields, &known, *kind);
    }
    (columns, known)
}

fn read_many(fields: &Fields<'_>, kind: Option<ColumnType>) -> usize {
    let many = fields.whole("many").unwrap_or(1);
    if !(1..=4).contains(&many) {
        fields.wrong(Some("many"), format!("must be 1 to 4, not {many}"));
        return 1;
    }
    if many > 1 && kind.is_some_and(|kind| !kind.takes_many()) {
        fields.wrong(
            Some("many"),
            "above 1 is for the types digits, national_id and phone",
        );
    }
    many as usize
}

fn read_fill(fields: &Fields<'_>, known: &Columns<'_>, kind: Option<ColumnType>) -> Option<usize> {
    let from = known.read(fields, "fill_from")?;
    if known.kinds[from].is_some_and(|kind| kind != ColumnType::NationalId) {
        fields.wrong(Some("fill_from"), "must name a column of type national_id");
    } else if !matches!(kind, None | Some(ColumnType::Date | ColumnType::Sex)) {
        fields.wrong(Some("fill_from"), "is for columns of type date and sex");
    }
    Some(from)
}

const FREQUENCY: [&str; 3] = ["column", "values", "other"];

/// Reads every `[[term_frequency]]`; one place for each column.
pub(super) fn read_frequencies(file: &Fields<'_>, known: &Columns<'_>) -> Vec<Option<Frequencies>> {
    let mut all: Vec<Option<Frequencies>> = vec![None; known.ids.len()];
    for (number, table) in file.tables("term_frequency").into_iter().enumerate() {
        let place = format!("term_frequency number {}", number + 1);
        let fields = Fields::of(file.problems, place, table, &FREQUENCY);
        let column = known.need(&fields, "column");
        let values = read_shares(&fields);
        fields.need_number("other");
        let (Some(column), Some(other)) = (column, fields.share("other")) else {
            continue;
        };
        let Some(kind) = known.kinds[column] else {
            continue;
        };
        if !Frequencies::known_of(kind) {
            fields.wrong(
                Some("column"),
                "must be of type text, code, sex, digits, national_id, phone or date",
            );
        } else if all[column].is_some() {
            fields.wrong(Some("column"), "has a table of shares already");
        } else {
            all[column] = Some(Frequencies::of(kind, values, other));
        }
    }
    all
}

fn read_shares(fields: &Fields<'_>) -> Vec<(String, f64)> {
    let Some((table, _)) = fields.table("values") else {
        if !fields.has("values") {
            fields.wrong(None, " lacks 'values', the shares of the values");
        }
        return Vec::new();
    };
    let mut values = Vec::with_capacity(table.len());
    let mut sum = 0.0;
    for (key, value) in table {
        let name = key.get_ref().to_string();
        match number(value.get_ref()) {
            Some(share) if share > 0.0 && share <= 1.0 => {
                sum += share;
                values.push((name, share));
            }
            _ => fields.problems.add(
                Some(key.span()),
                format!(
                    "{}: '{name}' must have a share above 0 and at most 1",
                    fields.place
                ),
            ),
        }
    }
    // Shares are rounded when they are written, so their sum may be a little above 1.
    if sum > 1.001 {
        fields.wrong(
            Some("values"),
            format!("have shares that add up to {sum:.3}, above 1"),
        );
    }
    values
}
