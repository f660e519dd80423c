//! Comparisons: their levels, as far as they map.

use super::Draft;
use super::condition::{self, DraftTest};
use super::schema::Schema;
use super::settings::{ComparisonSettings, FrequencySettings, LevelSettings};
use super::sql::parse;
use crate::model::{
    ColumnType, Comparison, ComparisonType, Frequencies, Grades, Predicate, Shares, TermFrequency,
    TestKind,
};

/// A comparison whose columns are known by name.
pub(super) struct DraftComparison<'a> {
    settings: &'a ComparisonSettings,
    null: Option<Draft>,
    /// Every level but the null level; `None` where it does not map.
    levels: Vec<(&'a LevelSettings, Option<When>)>,
}

/// When a level counts.
enum When {
    If(Draft),
    Else,
}

impl DraftComparison<'_> {
    pub(super) fn id(&self) -> &str {
        &self.settings.id
    }

    pub(super) fn for_each_test(&self, visit: &mut impl FnMut(&DraftTest)) {
        for (_, when) in &self.levels {
            if let Some(When::If(draft)) = when {
                draft.for_each(visit);
            }
        }
        if let Some(null) = &self.null {
            null.for_each(visit);
        }
    }
}

/// Reads the conditions of every comparison, and notes those that do not map.
pub(super) fn read_all<'a>(
    all: &'a [ComparisonSettings],
    notes: &mut Vec<String>,
) -> Vec<DraftComparison<'a>> {
    all.iter().map(|settings| read(settings, notes)).collect()
}

fn read<'a>(settings: &'a ComparisonSettings, notes: &mut Vec<String>) -> DraftComparison<'a> {
    let mut draft = DraftComparison {
        settings,
        null: None,
        levels: Vec::new(),
    };
    for level in &settings.levels {
        let when = if level.sql.trim().eq_ignore_ascii_case("else") {
            Ok(When::Else)
        } else {
            let condition = parse(&level.sql).and_then(|expr| condition::read(&expr));
            condition.map(When::If)
        };
        let when = match when {
            Ok(when) => Some(when),
            Err(reason) => {
                note(notes, settings, level, &reason);
                None
            }
        };
        match when {
            Some(When::If(condition)) if level.is_null => draft.null = Some(condition),
            _ if level.is_null => {}
            when => draft.levels.push((level, when)),
        }
    }
    draft
}

fn note(
    notes: &mut Vec<String>,
    settings: &ComparisonSettings,
    level: &LevelSettings,
    reason: &str,
) {
    let what = if level.is_null {
        "pairs without values are told by the engine's own rule"
    } else {
        "it counts as part of the level below"
    };
    let sql: Vec<&str> = level.sql.split_whitespace().collect();
    notes.push(format!(
        "comparison '{}' level '{}' does not map, {reason}; {what}: {}",
        settings.id,
        level.label,
        sql.join(" ")
    ));
}

/// Returns the comparisons of which a level maps.
pub(super) fn resolve_all(
    drafts: Vec<DraftComparison<'_>>,
    schema: &mut Schema,
    notes: &mut Vec<String>,
) -> Vec<Comparison> {
    let mut comparisons: Vec<Comparison> = Vec::new();
    for draft in drafts {
        let settings = draft.settings;
        let Some(mut comparison) = resolve(draft, schema, notes) else {
            notes.push(format!(
                "comparison '{}' is left out: no condition of it maps",
                settings.id
            ));
            continue;
        };
        let ids = comparisons.iter().map(|c| c.id.as_str());
        comparison.id = unique(&settings.id, ids);
        comparisons.push(comparison);
    }
    comparisons
}

fn resolve(
    draft: DraftComparison<'_>,
    schema: &mut Schema,
    notes: &mut Vec<String>,
) -> Option<Comparison> {
    let settings = draft.settings;
    let null = draft.null.and_then(|null| schema.resolve(&null).ok());
    let mut kept: Vec<Kept<'_>> = Vec::new();
    // What levels that do not map hold falls to the next that does.
    let mut carried = (0.0, 0.0);
    for (level, when) in draft.levels {
        let when = match when {
            Some(When::If(draft)) => match schema.resolve(&draft) {
                Ok(predicate) => Some(Some(predicate)),
                Err(reason) => {
                    note(notes, settings, level, &reason);
                    None
                }
            },
            Some(When::Else) => Some(None),
            None => None,
        };
        let (m, u) = (level.m.unwrap_or(0.0), level.u.unwrap_or(0.0));
        match when {
            None => carried = (carried.0 + m, carried.1 + u),
            Some(when) => {
                kept.push(Kept {
                    level,
                    when,
                    m: level.m.map(|m| m + carried.0),
                    u: level.u.map(|u| u + carried.1),
                });
                carried = (0.0, 0.0);
            }
        }
    }
    let conditions = kept.iter().filter(|kept| kept.when.is_some()).count();
    if conditions == 0 || conditions + 1 != kept.len() {
        return None;
    }
    Some(build(settings, kept, null, schema, notes))
}

/// A level that maps, with the shares of those above it that do not.
struct Kept<'a> {
    level: &'a LevelSettings,
    when: Option<Predicate>,
    m: Option<f64>,
    u: Option<f64>,
}

fn build(
    settings: &ComparisonSettings,
    kept: Vec<Kept<'_>>,
    null: Option<Predicate>,
    schema: &mut Schema,
    notes: &mut Vec<String>,
) -> Comparison {
    let count = kept.len();
    let mut names = vec!["absent".to_owned()];
    let mut shares = vec![Shares::NEUTRAL];
    let mut frequencies = vec![None];
    let mut when = Vec::new();
    let mut untrained = false;
    for (at, kept) in kept.into_iter().enumerate() {
        let label = kept.level.label.trim();
        let label = if label.is_empty() { "level" } else { label };
        names.push(unique(label, names.iter().map(String::as_str)));
        untrained |= kept.m.is_none() || kept.u.is_none();
        shares.push(Shares {
            m: held(kept.m.unwrap_or_else(|| start(at, count))),
            u: Some(held(kept.u.unwrap_or_else(|| start(count - 1 - at, count)))),
            kin: None,
        });
        let frequency = kept.level.frequency.as_ref();
        frequencies.push(frequency.and_then(|f| frequency_of(settings, f, schema, notes)));
        when.push(kept.when);
    }
    if untrained {
        notes.push(format!(
            "comparison '{}' has levels without m or u: they start from guesses; train the model",
            settings.id
        ));
    }
    let (mut grades, columns) = Grades::of(null, when);
    if is_own_rule(&grades, &columns) {
        grades.absent_when = None;
    }
    let mut comparison = Comparison {
        id: settings.id.clone(),
        kind: ComparisonType::Graded,
        columns,
        weights: Vec::new(),
        shares,
        frequencies,
        names,
        grades: Some(grades),
    };
    comparison.weigh_levels();
    comparison
}

/// Says whether a null level says what the engine says by itself: the one column is absent.
fn is_own_rule(grades: &Grades, columns: &[usize]) -> bool {
    let [column] = columns else {
        return false;
    };
    match &grades.absent_when {
        Some(Predicate::Test(test)) => {
            test.kind == TestKind::Absent && test.column == *column && !grades.of_absence
        }
        _ => false,
    }
}

/// Returns the share a level starts from where there is none: the first level has nearly all the
/// pairs of one person, the last nearly all those of strangers.
fn start(at: usize, count: usize) -> f64 {
    let others = u32::try_from(count.saturating_sub(1).max(1)).map_or(1.0, f64::from);
    if at == 0 { 0.95 } else { 0.05 / others }
}

/// Holds a share within what a model may have.
const fn held(share: f64) -> f64 {
    share.clamp(1e-12, 1.0)
}

fn frequency_of(
    settings: &ComparisonSettings,
    frequency: &FrequencySettings,
    schema: &mut Schema,
    notes: &mut Vec<String>,
) -> Option<TermFrequency> {
    schema.add(&frequency.column, ColumnType::Text);
    let column = schema.index(&frequency.column)?;
    let kind = schema.columns()[column].kind;
    let place = format!("comparison '{}'", settings.id);
    if !Frequencies::known_of(kind) {
        notes.push(format!(
            "{place}: term frequencies of '{}', a {}, are not counted",
            frequency.column,
            kind.word()
        ));
        return None;
    }
    notes.push(format!(
        "{place}: the term frequencies of '{}' are not part of settings: train the model, or write \
         a [[term_frequency]]; until then nothing is adjusted",
        frequency.column
    ));
    Some(TermFrequency::of(column, frequency.weight, frequency.least))
}

/// Returns a name that is not taken.
pub(super) fn unique<'a>(wanted: &str, taken: impl Iterator<Item = &'a str>) -> String {
    let taken: Vec<&str> = taken.collect();
    let is_taken = |name: &str| taken.contains(&name);
    if !is_taken(wanted) {
        return wanted.to_owned();
    }
    let numbered = (2_u32..).map(|n| format!("{wanted} ({n})"));
    let mut free = numbered.filter(|name| !is_taken(name));
    free.next().unwrap_or_else(|| wanted.to_owned())
}
