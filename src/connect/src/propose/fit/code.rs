//! Codes: sex, marital status, governorate.

use crate::propose::fit::{COMPARED, Case, ENOUGH};
use crate::propose::reason::{plain, share};
use crate::shape::{ColumnShapes, List, ListUse, ShortCode, list, percent};

/// Share of one sex among the rows of a code, in percent, from which the code stands for it.
const ONE_SEX: u32 = 85;

/// What a code stands for by the national ids of its rows; nothing when it is of both sexes or of too
/// few rows.
pub(in crate::propose) fn sex_of(code: &ShortCode) -> Option<&'static str> {
    let rows = code.men + code.women;
    if rows < ENOUGH {
        return None;
    }
    if percent(code.men, rows) >= ONE_SEX {
        Some("male")
    } else if percent(code.women, rows) >= ONE_SEX {
        Some("female")
    } else {
        None
    }
}

/// Says whether the codes of a column part the sexes, as the national ids of the rows tell.
pub(in crate::propose) fn parts_sexes(column: &ColumnShapes) -> bool {
    let counted: u32 = column.short_codes.iter().map(|code| code.values).sum();
    let sexes: Vec<_> = column.short_codes.iter().map(sex_of).collect();
    column.percent(counted) >= 90
        && sexes.iter().all(Option::is_some)
        && sexes.contains(&Some("male"))
        && sexes.contains(&Some("female"))
}

/// Returns how a list is used, when words of it occur that are not digits.
pub(in crate::propose) fn words_of(column: &ColumnShapes, wanted: List) -> Option<&ListUse> {
    let used = column.lists.iter().find(|used| used.list == wanted)?;
    let is_word = |word: &&str| !word.bytes().all(|byte| byte.is_ascii_digit());
    used.words.iter().any(is_word).then_some(used)
}

fn share_of(column: &ColumnShapes, wanted: List) -> u32 {
    let used = column.lists.iter().find(|used| used.list == wanted);
    used.map_or(0, |used| column.percent(used.values))
}

/// Returns how many codes a list has.
fn codes(wanted: List, words: &[&str]) -> usize {
    let families = list(wanted);
    let mut codes: Vec<&String> = families
        .flat_map(|family| words.iter().filter_map(move |word| family.words.get(*word)))
        .collect();
    codes.sort();
    codes.dedup();
    codes.len()
}

pub(super) fn sex(case: &mut Case, column: &ColumnShapes) {
    if parts_sexes(column) {
        let reason = plain(
            "each code stands for one sex in the national ids of its rows",
            "كل رمز يقابل نوعا واحدا في الأرقام القومية لصفوفه",
        );
        return case.add(90, reason);
    }
    let told = |code: &&ShortCode| code.men + code.women >= 2 * COMPARED;
    if column
        .short_codes
        .iter()
        .any(|code| told(&code) && sex_of(code).is_none())
    {
        let reason = plain(
            "a code is of men and of women",
            "أحد الرموز للرجال والنساء معا",
        );
        return case.add(-60, reason);
    }
    let known = share_of(column, List::Sex);
    let reason = share(known, "are codes of the sex", "رموز للنوع");
    let is_word = words_of(column, List::Sex).is_some();
    match known {
        90.. if is_word => case.add(55, reason),
        90.. if column.distinct == 2 => case.add(15, reason),
        _ if column.values >= ENOUGH => case.add(-40, reason),
        _ => {}
    }
}

pub(super) fn marital_status(case: &mut Case, column: &ColumnShapes) {
    let known = share_of(column, List::MaritalStatus);
    let reason = share(
        known,
        "are codes of the marital status",
        "رموز للحالة الاجتماعية",
    );
    let words = words_of(column, List::MaritalStatus);
    let several = words.is_some_and(|used| codes(List::MaritalStatus, &used.words) >= 2);
    match known {
        80.. if several => case.add(60, reason),
        95.. if (2..=4).contains(&column.distinct) => case.add(15, reason),
        _ if column.values >= ENOUGH => case.add(-40, reason),
        _ => {}
    }
}

pub(super) fn governorate(case: &mut Case, column: &ColumnShapes) {
    if !regions(case, column) && column.values >= ENOUGH {
        case.add(
            -30,
            plain("these are no known governorates", "ليست محافظات معروفة"),
        );
    }
    let compared = column.agreement.compared;
    let agreed = percent(column.agreement.governorate, compared);
    if compared >= COMPARED && agreed >= 25 {
        let reason = share(
            agreed,
            "are the governorate of birth in the national id",
            "هي محافظة الميلاد في الرقم القومي",
        );
        case.add(30, reason);
    }
}

pub(super) fn birth_place(case: &mut Case, column: &ColumnShapes) {
    regions(case, column);
    let compared = column.agreement.compared;
    let agreed = percent(column.agreement.governorate, compared);
    if compared >= COMPARED && agreed >= 80 {
        let reason = share(agreed, "agree with the national id", "تتفق مع الرقم القومي");
        case.add(30, reason);
    }
}

/// Adds that the values are governorates, by name or by number. Says whether they are.
fn regions(case: &mut Case, column: &ColumnShapes) -> bool {
    let named = share_of(column, List::Governorate);
    let numbered = column.percent_of_numbers(column.governorate_numbers);
    if named >= 70 {
        case.add(
            60,
            share(named, "are names of governorates", "أسماء محافظات"),
        );
    } else if numbered >= 95 {
        case.add(
            20,
            share(numbered, "are numbers of governorates", "أرقام محافظات"),
        );
    } else {
        return false;
    }
    true
}
