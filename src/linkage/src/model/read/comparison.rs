//! Reading comparisons of the named types; graded ones are read in `graded`.

mod graded;

use super::super::fields::Fields;
use super::super::problem::suggestion;
use super::super::{Comparison, ComparisonType, Frequencies, Shares, TermFrequency};
use super::{Columns, unique};

/// The most comparisons of a model.
const MOST: usize = crate::comparison::MOST;

/// Reads every `[[comparison]]`; also returns the names of all, of those that are wrong too.
pub(super) fn read(
    file: &Fields<'_>,
    known: &Columns<'_>,
    frequencies: &[Option<Frequencies>],
) -> (Vec<Comparison>, Vec<String>) {
    let tables = file.tables("comparison");
    if tables.is_empty() && !file.has("comparison") {
        file.wrong(
            None,
            " lacks [[comparison]], so nothing tells records apart",
        );
    }
    if tables.len() > MOST {
        let message = format!(" has {} comparisons; the most is {MOST}", tables.len());
        file.wrong(None, message);
    }
    let mut comparisons: Vec<Comparison> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (number, table) in tables.into_iter().enumerate() {
        let kind = table.0.get("type").and_then(|kind| kind.get_ref().as_str());
        let graded = kind == Some("graded");
        let fields: &[&str] = if graded { &graded::FIELDS } else { &NAMED };
        let (id, fields) = Fields::named(file.problems, "comparison", number, table, fields);
        unique(&fields, names.iter().map(String::as_str), &id);
        names.push(id.clone());
        let comparison = if graded {
            graded::read(&fields, id, known, frequencies)
        } else {
            read_named(&fields, id, known, frequencies)
        };
        let Some(comparison) = comparison else {
            continue;
        };
        let once = matches!(
            comparison.kind,
            ComparisonType::Given | ComparisonType::Father | ComparisonType::Lineage
        );
        if once && comparisons.iter().any(|c| c.kind == comparison.kind) {
            let kind = comparison.kind.word();
            fields.wrong(Some("type"), format!("'{kind}' may stand once in a model"));
        }
        comparisons.push(comparison);
    }
    (comparisons, names)
}

const NAMED: [&str; 4] = ["id", "type", "columns", "levels"];

fn read_named(
    fields: &Fields<'_>,
    id: String,
    known: &Columns<'_>,
    frequencies: &[Option<Frequencies>],
) -> Option<Comparison> {
    let kind = fields.need_choice("type", &ComparisonType::WORDS);
    let columns = read_columns(fields, known, kind);
    // Wrong columns do not hide what is wrong with the levels.
    let (kind, columns) = (kind?, columns.unwrap_or_default());
    let names = kind.levels();
    let mut comparison = Comparison {
        id,
        kind,
        columns,
        weights: Vec::new(),
        shares: vec![Shares::NEUTRAL; names.len()],
        frequencies: vec![None; names.len()],
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        grades: None,
    };
    let Some(levels) = fields.table("levels") else {
        if !fields.has("levels") {
            fields.wrong(None, format!(" lacks 'levels': {}", names[1..].join(", ")));
        }
        return None;
    };
    let levels = Fields::any(fields.problems, fields.place.clone(), levels);
    read_levels(&levels, &mut comparison, frequencies);
    comparison.weigh_levels();
    Some(comparison)
}

fn read_columns(
    fields: &Fields<'_>,
    known: &Columns<'_>,
    kind: Option<ComparisonType>,
) -> Option<Vec<usize>> {
    let names = fields.texts("columns");
    if names.is_empty() {
        fields.wrong(None, " names no column");
        return None;
    }
    let found: Vec<Option<usize>> = names
        .iter()
        .map(|id| known.find(fields, "columns", id))
        .collect();
    let columns: Vec<usize> = found.into_iter().collect::<Option<_>>()?;
    let kind = kind?;
    let types = kind.column_types();
    if columns.len() > types.len() {
        let message = format!("of type {} are at most {}", kind.word(), types.len());
        fields.wrong(Some("columns"), message);
        return None;
    }
    for (column, allowed) in columns.iter().zip(types) {
        let kind_of = known.kinds[*column]?;
        if !allowed.contains(&kind_of) {
            let allowed: Vec<&str> = allowed.iter().map(|kind| kind.word()).collect();
            let message = format!(
                "'{}' is of type {}; a comparison of type {} compares: {}",
                known.ids[*column],
                kind_of.word(),
                kind.word(),
                allowed.join(", ")
            );
            fields.wrong(Some("columns"), message);
            return None;
        }
    }
    Some(columns)
}

fn read_levels(
    levels: &Fields<'_>,
    comparison: &mut Comparison,
    frequencies: &[Option<Frequencies>],
) {
    let known = &comparison.kind.levels()[1..];
    for (key, _) in levels.table {
        let name = key.get_ref().as_ref();
        if !known.contains(&name) {
            let hint = suggestion(name, known.iter().copied());
            let message = format!(
                "{} has no level '{name}'; its levels are: {}{hint}",
                levels.place,
                known.join(", ")
            );
            levels.problems.add(Some(key.span()), message);
        }
    }
    for (index, name) in known.iter().enumerate() {
        let Some(table) = levels.table(name) else {
            if !levels.has(name) {
                levels.wrong(None, format!(" lacks level '{name}'"));
            }
            continue;
        };
        let place = format!("{} level '{name}'", levels.place);
        let allowed: &[&str] = if comparison.kind.takes_frequency(name) {
            &["m", "u", "kin", "term_frequency"]
        } else {
            &["m", "u", "kin"]
        };
        let level = Fields::of(levels.problems, place, table, allowed);
        let place = index + 1;
        let Some(shares) = read_shares(&level) else {
            continue;
        };
        if level.flag("term_frequency") == Some(true)
            && let Some(column) = comparison.columns.first().copied()
        {
            comparison.frequencies[place] = Some(TermFrequency::of(column, 1.0, 0.0));
        }
        comparison.shares[place] = shares;
        check_level(&level, comparison, place, frequencies);
    }
}

/// Reads the shares of a level.
fn read_shares(level: &Fields<'_>) -> Option<Shares> {
    level.need_number("m");
    let (u, kin) = (level.share("u"), level.share("kin"));
    let m = level.share("m")?;
    let right = u.is_some() == level.has("u") && kin.is_some() == level.has("kin");
    right.then_some(Shares { m, u, kin })
}

/// Notes what is wrong with the shares of a level that are each right.
fn check_level(
    level: &Fields<'_>,
    comparison: &Comparison,
    place: usize,
    frequencies: &[Option<Frequencies>],
) {
    let shares = comparison.shares[place];
    if comparison.kind != ComparisonType::Graded && comparison.columns.is_empty() {
        // Which rarity there is depends on the column, and that is a problem noted already.
        return;
    }
    if let Some(fault) = comparison.fault(place, &shares) {
        level.wrong(None, format!(": {fault}"));
    }
    if let (Some(frequency), None) = (&comparison.frequencies[place], shares.u)
        && frequencies[frequency.column].is_none()
    {
        level.wrong(
            None,
            " lacks 'u', and there is no [[term_frequency]] of its column to stand in for it",
        );
    }
}
