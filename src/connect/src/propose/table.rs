//! What is proposed for one table.

use std::collections::BTreeSet;
use std::time::Duration;

use rabt_model::Label;

use crate::connector::{Capabilities, Mode, Table};
use crate::propose::candidate::candidates;
use crate::propose::columns::{Decided, Open, decide};
use crate::propose::fit::Declared;
use crate::propose::line::{Columns, Line};
use crate::propose::meaning::Meaning;
use crate::propose::naming::{Naming, names_people};
use crate::propose::{ColumnProposal, TableProposal, reason, steps};
use crate::shape::{ColumnShapes, FORMATS, TableShapes};
use crate::step::Step;
use crate::survey::Surveyed;

/// What a table of people adds to a column that is only called a name.
const OF_PEOPLE: i32 = 15;
/// Sampled rows from which it means something that no two are equal.
const ENOUGH_ROWS: u32 = 30;
/// Points from the name that make a number a key.
const KEY: i32 = 20;
/// How far back an incremental read goes for transactions that commit late.
const LAG: Duration = Duration::from_mins(15);

/// Proposes for one table.
pub(super) fn propose(surveyed: &Surveyed, capabilities: Capabilities) -> TableProposal {
    let table = &surveyed.table;
    let shapes = surveyed.shapes.as_ref();
    let naming = Naming::of(table.columns.iter().map(|column| column.name.as_str()));
    let people = if names_people(&table.name) {
        OF_PEOPLE
    } else {
        0
    };
    let mut open: Vec<Open<'_>> = table
        .columns
        .iter()
        .map(|column| {
            let shapes = shapes_of(shapes, &column.name);
            Open {
                name: &column.name,
                shapes,
                candidates: candidates(&naming, column, shapes, people),
            }
        })
        .collect();
    let decided = decide(&mut open);
    let columns = Columns {
        open: &open,
        decided: &decided,
    };
    let verdict = Verdict::of(&decided, people > 0);
    let (lines, used) = if verdict.holds {
        columns.lines()
    } else {
        (Vec::new(), BTreeSet::new())
    };
    let (key, key_reason) = key(table, shapes, &naming);
    let (mode, mode_reason) = mode(table, &columns, &key, capabilities);
    let proposals = open.iter().zip(&decided).enumerate();
    TableProposal {
        schema: table.schema.clone(),
        name: table.name.clone(),
        holds_persons: verdict.holds,
        score: verdict.score,
        reasons: verdict.reasons,
        columns: proposals
            .map(|(place, (open, one))| column(open, one, used.contains(&place), verdict.holds))
            .collect(),
        event_at: event_at(&columns, &lines),
        lines,
        key,
        key_reason,
        mode,
        mode_reason,
    }
}

fn shapes_of<'s>(shapes: Option<&'s TableShapes>, name: &str) -> Option<&'s ColumnShapes> {
    shapes?.columns.iter().find(|column| column.name == name)
}

fn column(open: &Open<'_>, one: &Decided, used: bool, of_persons: bool) -> ColumnProposal {
    let meaning = one.meaning.filter(|_| used);
    let mut reasons = one.reasons.clone();
    if meaning.is_none() && one.meaning.is_some_and(|m| m.attribute(false).is_some()) {
        let why = if of_persons {
            reason::plain("other columns say it better", "أعمدة أخرى أفضل دلالة عليه")
        } else {
            reason::plain("the table holds no people", "الجدول لا يخص أشخاصا")
        };
        reasons.insert(0, why);
    }
    ColumnProposal {
        name: open.name.to_owned(),
        attribute: meaning.and_then(|meaning| meaning.attribute(one.is_latin)),
        part: meaning.and_then(part),
        score: one.score,
        reasons,
    }
}

fn part(meaning: Meaning) -> Option<&'static str> {
    let of_date = [
        (Meaning::BirthYear, "year"),
        (Meaning::BirthMonth, "month"),
        (Meaning::BirthDay, "day"),
    ];
    let of_date = of_date.into_iter().find(|(one, _)| *one == meaning);
    meaning
        .address_part()
        .or_else(|| meaning.relation())
        .or_else(|| meaning.kin().map(rabt_model::Kin::as_str))
        .or_else(|| of_date.map(|(_, part)| part))
}

/// Whether a table holds people, and why.
struct Verdict {
    holds: bool,
    score: u8,
    reasons: Vec<Label>,
}

impl Verdict {
    /// People have a name or a number, and something to tell them apart by.
    fn of(decided: &[Decided], of_people: bool) -> Self {
        let has = |wanted: Meaning| decided.iter().any(|one| one.meaning == Some(wanted));
        let mut reasons = Vec::new();
        let mut score: u32 = 0;
        let is_named = [Meaning::FullName, Meaning::GivenName].into_iter().any(has);
        let is_numbered = has(Meaning::NationalId);
        let mut note = |there: bool, points: u32, en: &str, ar: &str| {
            if there {
                score += points;
                reasons.push(reason::plain(en, ar));
            }
        };
        note(is_named, 35, "a row has a person's name", "في الصف اسم شخص");
        note(
            is_numbered,
            40,
            "a row has a national id",
            "في الصف رقم قومي",
        );
        note(
            of_people,
            10,
            "the name of the table is a word for people",
            "اسم الجدول كلمة تدل على أشخاص",
        );
        let further = |meaning: &&Meaning| {
            let counts = meaning.attribute(false).is_some_and(|attribute| {
                attribute != rabt_model::Attribute::NameChain
                    && attribute != rabt_model::Attribute::national_id()
            });
            counts && has(**meaning)
        };
        let further: Vec<Label> = Meaning::ALL
            .iter()
            .filter(further)
            .map(|m| m.label())
            .collect();
        let count = u32::try_from(further.len()).unwrap_or(u32::MAX);
        if count > 0 {
            let joined = reason::joined(&further);
            reasons.push(Label::new(
                format!("it also has {}", joined.en.replace(';', ",")),
                format!("وفيه أيضا {}", joined.ar.replace('؛', "،")),
            ));
        }
        let holds = (is_named || is_numbered) && (is_named && is_numbered || count > 0);
        if !holds {
            reasons.push(reason::plain(
                "there is no person's name or number with something to tell people apart by",
                "لا يوجد اسم شخص أو رقمه مع ما يميز الأشخاص",
            ));
        }
        let score = (score + count.min(10) * 5).min(99);
        Self {
            holds,
            score: u8::try_from(score).unwrap_or(0),
            reasons,
        }
    }
}

/// Returns the key of a table: the declared one, else a number of its own that no two rows share.
fn key(table: &Table, shapes: Option<&TableShapes>, naming: &Naming) -> (Vec<String>, Label) {
    if !table.key.is_empty() {
        let why = reason::plain("the primary key", "المفتاح الأساسي");
        return (table.key.clone(), why);
    }
    let Some(shapes) = shapes.filter(|shapes| shapes.rows >= ENOUGH_ROWS) else {
        let why = reason::plain(
            "no declared key, and too few rows to find one",
            "لا مفتاح معرف، والصفوف أقل من أن تدل على مفتاح",
        );
        return (Vec::new(), why);
    };
    let is_key = |name: &str| {
        let readings = naming.read(name);
        readings.iter().any(|reading| {
            let is_number = reading.meaning.attribute(false).is_none()
                || reading.meaning == Meaning::NationalId;
            is_number && reading.meaning != Meaning::ChangedAt && reading.points >= KEY
        })
    };
    let single = shapes
        .columns
        .iter()
        .find(|c| c.is_unique() && is_key(&c.name));
    if let Some(single) = single {
        let why = reason::plain(
            "no declared key; no two sampled rows have the same",
            "لا مفتاح معرف؛ ولا يتكرر في صفين من العينة",
        );
        return (vec![single.name.clone()], why);
    }
    if let Some((left, right)) = shapes.unique_pairs.first() {
        let why = reason::plain(
            "no declared key; no two sampled rows have the same pair",
            "لا مفتاح معرف؛ ولا يتكرر الزوج في صفين من العينة",
        );
        let names = [left, right].map(|place| shapes.columns[*place].name.clone());
        return (names.to_vec(), why);
    }
    let why = reason::plain(
        "no declared key, and none was found: rows are known by their content",
        "لا مفتاح معرف ولم يعثر على مفتاح: تعرف الصفوف بمحتواها",
    );
    (Vec::new(), why)
}

/// Returns how to read a table: by its changes where a column that only grows says when they were.
fn mode(
    table: &Table,
    columns: &Columns<'_>,
    key: &[String],
    capabilities: Capabilities,
) -> (Mode, Label) {
    let snapshot = |en: &str, ar: &str| (Mode::Snapshot, reason::plain(en, ar));
    if !capabilities.incremental {
        return snapshot(
            "the kind reads whole tables",
            "هذا النوع يقرأ الجداول كاملة",
        );
    }
    if key.is_empty() {
        return snapshot(
            "an incremental read needs a key",
            "القراءة التزايدية تحتاج إلى مفتاح",
        );
    }
    let Some(place) = changed(columns) else {
        return snapshot(
            "no column says when a row was last changed",
            "لا عمود يدل على وقت آخر تعديل",
        );
    };
    let name = columns.open[place].name;
    let info = table.columns.iter().find(|column| column.name == name);
    let grows = columns.open[place].shapes.is_some_and(|shapes| {
        let declared = info.map_or(Declared::Other, |info| Declared::of(&info.declared_type));
        shapes.absent() == 0 && shapes.values > 0 && (declared == Declared::Date || sorts(shapes))
    });
    if !grows {
        return snapshot(
            "the time of the last change is missing in rows, or does not sort as a text",
            "وقت آخر تعديل ناقص في صفوف أو لا يرتب كنص",
        );
    }
    let why = Label::new(
        format!("'{name}' says when a row was last changed; deleted rows need a snapshot"),
        format!("'{name}' يدل على وقت آخر تعديل؛ والصفوف المحذوفة تحتاج قراءة كاملة"),
    );
    let mode = Mode::Incremental {
        cursor: name.to_owned(),
        lag: Some(LAG),
    };
    (mode, why)
}

/// Says whether dates sort as texts: the year first, in digits.
fn sorts(shapes: &ColumnShapes) -> bool {
    let ways: Vec<&str> = shapes
        .dates
        .iter()
        .map(|used| FORMATS[used.format].pattern)
        .collect();
    matches!(ways.as_slice(), [one] if one.starts_with("%Y"))
}

/// Returns the place of the column that says when a row was last changed.
fn changed(columns: &Columns<'_>) -> Option<usize> {
    let is_changed = |one: &Decided| one.meaning == Some(Meaning::ChangedAt);
    columns.decided.iter().position(is_changed)
}

fn event_at(columns: &Columns<'_>, lines: &[Line]) -> Option<(String, Vec<Step>)> {
    if lines.is_empty() {
        return None;
    }
    let place = changed(columns)?;
    let steps = steps::event_at(columns.open[place].shapes?)?;
    Some((columns.open[place].name.to_owned(), steps))
}
