//! Deciding between columns: a person has one date of birth, and a name has a place in the chain.

use std::collections::BTreeMap;

use rabt_model::Label;

use crate::propose::candidate::Candidate;
use crate::propose::meaning::Meaning;
use crate::propose::reason;
use crate::shape::ColumnShapes;

/// Mean number of words, in tenths, below which a name is one word.
const ONE_WORD: u32 = 16;
/// The same, below which a name is not whole when the rest of it stands elsewhere.
const NOT_WHOLE: u32 = 26;

/// Points from which the name itself says that a name is whole.
const CALLED_WHOLE: i32 = 57;

/// What was decided of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decided {
    /// The meaning; nothing when none fits well enough, or another column has it.
    pub(super) meaning: Option<Meaning>,
    pub(super) score: u8,
    pub(super) reasons: Vec<Label>,
    /// Whether names in it are in Latin letters.
    pub(super) is_latin: bool,
}

/// A column before the decision.
pub(super) struct Open<'a> {
    pub(super) name: &'a str,
    pub(super) shapes: Option<&'a ColumnShapes>,
    pub(super) candidates: Vec<Candidate>,
}

impl Open<'_> {
    /// Says whether names in the column are in Latin letters: by its values, else by its name.
    fn is_latin(&self) -> bool {
        match self
            .shapes
            .filter(|shapes| shapes.arabic + shapes.latin > 0)
        {
            Some(shapes) => shapes.latin > shapes.arabic,
            None => self.name.is_ascii(),
        }
    }

    fn words(&self) -> Option<u32> {
        let shapes = self.shapes.filter(|shapes| shapes.values > 0)?;
        Some(shapes.words_in_ten())
    }

    fn best(&self) -> Option<Meaning> {
        let best = self.candidates.first().filter(|best| best.is_enough());
        best.map(|best| best.meaning)
    }
}

/// Decides for all columns of a table.
pub(super) fn decide(columns: &mut [Open<'_>]) -> Vec<Decided> {
    find_given_names(columns);
    let mut order: Vec<(i32, usize, usize)> = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        for (rank, candidate) in column.candidates.iter().enumerate() {
            if candidate.is_enough() {
                order.push((-candidate.points, place, rank));
            }
        }
    }
    order.sort_unstable();
    let mut decided: Vec<Option<Decided>> = columns.iter().map(|_| None).collect();
    let mut taken: BTreeMap<(Meaning, bool), usize> = BTreeMap::new();
    for (_, place, rank) in order {
        if decided[place].is_some() {
            continue;
        }
        let column = &columns[place];
        let candidate = &column.candidates[rank];
        let is_latin = column.is_latin();
        let script = candidate.meaning.kin().is_some() || is_own_name(candidate.meaning);
        let slot = (candidate.meaning, script && is_latin);
        if let Some(other) = taken.get(&slot).filter(|_| !candidate.meaning.is_many()) {
            // The next best meaning of a column that came second is hardly ever right.
            decided[place] = Some(left_out(column, candidate, columns[*other].name, is_latin));
            continue;
        }
        taken.insert(slot, place);
        decided[place] = Some(Decided {
            meaning: Some(candidate.meaning),
            score: candidate.score(),
            reasons: candidate.reasons.clone(),
            is_latin,
        });
    }
    let open = columns.iter().zip(decided);
    open.map(|(column, decided)| decided.unwrap_or_else(|| unknown(column)))
        .collect()
}

const fn is_own_name(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::FullName | Meaning::RestOfName)
}

/// A column that is only called `name` is the given name where the rest of the name stands in others.
fn find_given_names(columns: &mut [Open<'_>]) {
    for place in 0..columns.len() {
        if columns[place].best() != Some(Meaning::FullName) {
            continue;
        }
        let is_latin = columns[place].is_latin();
        let others = columns
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place);
        let of_script = others.filter(|(_, column)| column.is_latin() == is_latin);
        let meanings: Vec<Meaning> = of_script.filter_map(|(_, column)| column.best()).collect();
        let has = |meaning| meanings.contains(&meaning);
        let words = columns[place].words().unwrap_or(NOT_WHOLE);
        let best = columns[place].candidates.first();
        let is_whole = best.is_some_and(|best| best.named >= CALLED_WHOLE);
        let in_parts = has(Meaning::FatherName) || has(Meaning::FamilyName);
        let is_given = !has(Meaning::GivenName)
            && (has(Meaning::RestOfName) && words < NOT_WHOLE
                || has(Meaning::FamilyName) && !is_whole
                || in_parts && words < ONE_WORD);
        if is_given && let Some(best) = columns[place].candidates.first_mut() {
            best.meaning = Meaning::GivenName;
            best.reasons.push(reason::plain(
                "the rest of the name stands in other columns",
                "باقي الاسم في أعمدة أخرى",
            ));
        }
    }
}

fn left_out(column: &Open<'_>, candidate: &Candidate, other: &str, is_latin: bool) -> Decided {
    let label = candidate.meaning.label();
    let why = Label::new(
        format!("the column '{other}' fits {} better", label.en),
        format!("العمود '{other}' أنسب لمعنى {}", label.ar),
    );
    let mut reasons = vec![why];
    reasons.extend(
        column
            .candidates
            .first()
            .map(|best| best.reasons.clone())
            .unwrap_or_default(),
    );
    Decided {
        meaning: None,
        score: candidate.score(),
        reasons,
        is_latin,
    }
}

fn unknown(column: &Open<'_>) -> Decided {
    let mut reasons = Vec::new();
    let best = column.candidates.first();
    match best {
        Some(best) if best.meaning.attribute(false).is_none() => {
            reasons.extend(best.reasons.clone());
        }
        Some(best) => {
            let label = best.meaning.label();
            reasons.push(Label::new(
                format!("perhaps {}, but the evidence is not enough", label.en),
                format!("ربما {}، لكن الأدلة غير كافية", label.ar),
            ));
            reasons.extend(best.reasons.clone());
        }
        None => reasons.push(reason::plain(
            "neither the name nor the values say what it is",
            "لا الاسم ولا القيم تدل على معناه",
        )),
    }
    Decided {
        meaning: None,
        score: best.map_or(0, Candidate::score),
        reasons,
        is_latin: false,
    }
}
