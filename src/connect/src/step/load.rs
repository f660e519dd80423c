//! Reading the steps of a mapping.

use std::collections::BTreeMap;

use crate::document::{Fields, Node};
use crate::step::{Calendar, Step};

/// Steps that stand alone, as a text.
const PLAIN: [&str; 6] = [
    "trim",
    "collapse_spaces",
    "nfc",
    "fold_case",
    "digits_ascii",
    "parse_partial_date",
];

/// Steps with a value, as a table of one key.
const WITH_VALUE: [&str; 11] = [
    "strip",
    "take",
    "split",
    "join",
    "replace",
    "null_if",
    "default",
    "parse_date",
    "lookup",
    "check",
    "pad_left",
];

/// Returns the step that a node describes, or notes what is wrong with it.
pub(crate) fn load(node: &Node<'_>) -> Option<Step> {
    if let Some(name) = node.as_text() {
        return load_plain(node, name);
    }
    if !node.is_table() {
        node.wrong("must be a step: a name in quotes, or a table such as { take = 3 }");
        return None;
    }
    let fields = node.fields()?;
    let entries: Vec<(&str, Node<'_>)> = fields.entries().collect();
    let [(name, value)] = entries.as_slice() else {
        node.wrong("must name one step; write one table for each step");
        return None;
    };
    match *name {
        "strip" => Some(Step::Strip(not_empty(value)?.to_owned())),
        "take" => at_least_one(value).map(Step::Take),
        "split" => load_split(value),
        "join" => value.text().map(|text| Step::Join(text.to_owned())),
        "replace" => load_replace(value),
        "null_if" => value.texts().map(Step::NullIf),
        "default" => not_empty(value).map(|text| Step::Default(text.to_owned())),
        "parse_date" => load_parse_date(value),
        "lookup" => load_lookup(value),
        "check" => load_check(value),
        "pad_left" => load_pad_left(value),
        plain if PLAIN.contains(&plain) => {
            node.wrong(format!("takes no value; write \"{plain}\""));
            None
        }
        unknown => {
            unknown_step(node, unknown);
            None
        }
    }
}

fn load_plain(node: &Node<'_>, name: &str) -> Option<Step> {
    let step = match name {
        "trim" => Step::Trim,
        "collapse_spaces" => Step::CollapseSpaces,
        "nfc" => Step::Nfc,
        "fold_case" => Step::FoldCase,
        "digits_ascii" => Step::DigitsAscii,
        "parse_partial_date" => Step::ParsePartialDate,
        needy if WITH_VALUE.contains(&needy) => {
            node.wrong(format!("'{needy}' needs a value: {{ {needy} = … }}"));
            return None;
        }
        unknown => {
            unknown_step(node, unknown);
            return None;
        }
    };
    Some(step)
}

fn unknown_step(node: &Node<'_>, name: &str) {
    let known = PLAIN.iter().chain(&WITH_VALUE).copied();
    node.wrong_word(format!("'{name}' is not a step"), name, known);
}

fn not_empty<'a>(node: &Node<'a>) -> Option<&'a str> {
    let text = node.text()?;
    if text.is_empty() {
        node.wrong("must not be empty");
        return None;
    }
    Some(text)
}

fn at_least_one(node: &Node<'_>) -> Option<usize> {
    let number = node.number(65_536)?;
    if number == 0 {
        node.wrong("must be at least 1");
        return None;
    }
    usize::try_from(number).ok()
}

fn load_split(node: &Node<'_>) -> Option<Step> {
    let fields = node.fields()?;
    fields.only(&["sep", "index"]);
    let separator = fields.required("sep").and_then(|sep| not_empty(&sep));
    let index = fields
        .required("index")
        .and_then(|index| index.number(1_000));
    Some(Step::Split {
        separator: separator?.to_owned(),
        index: usize::try_from(index?).ok()?,
    })
}

fn pairs(fields: &Fields<'_>) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut faultless = true;
    for (from, to) in fields.entries() {
        match to.text() {
            Some(to) => pairs.push((from.to_owned(), to.to_owned())),
            None => faultless = false,
        }
    }
    faultless.then_some(pairs)
}

fn load_replace(node: &Node<'_>) -> Option<Step> {
    let pairs = pairs(&node.fields()?)?;
    if pairs.is_empty() || pairs.iter().any(|(from, _)| from.is_empty()) {
        node.wrong("must name at least one text to replace, and none may be empty");
        return None;
    }
    Some(Step::Replace(pairs))
}

fn load_lookup(node: &Node<'_>) -> Option<Step> {
    let table: BTreeMap<String, String> = pairs(&node.fields()?)?.into_iter().collect();
    if table.is_empty() {
        node.wrong("must name at least one code");
        return None;
    }
    Some(Step::Lookup(table))
}

fn load_check(node: &Node<'_>) -> Option<Step> {
    let text = node.text()?;
    if text == "egypt_national_id" {
        return Some(Step::CheckNationalId);
    }
    let digits = text
        .strip_prefix("digits:")
        .and_then(|count| count.parse().ok())
        .filter(|count| (1..=64).contains(count));
    if digits.is_none() {
        let message = format!("'{text}' is not a check; there are egypt_national_id and digits:N");
        node.wrong_word(message, text, ["egypt_national_id"]);
    }
    digits.map(Step::CheckDigits)
}

fn load_pad_left(node: &Node<'_>) -> Option<Step> {
    let fields = node.fields()?;
    fields.only(&["width", "with"]);
    let width = fields
        .required("width")
        .and_then(|node| at_least_one(&node));
    let padding = fields.required("with")?;
    let mut characters = padding.text()?.chars();
    let (Some(character), None) = (characters.next(), characters.next()) else {
        padding.wrong("must be one character");
        return None;
    };
    Some(Step::PadLeft {
        width: width?,
        with: character,
    })
}

fn load_parse_date(node: &Node<'_>) -> Option<Step> {
    let fields = node.fields()?;
    fields.only(&["formats", "calendar", "unknown"]);
    let formats = fields.required("formats").and_then(|formats| {
        let Some(items) = formats.items().filter(|items| !items.is_empty()) else {
            formats.wrong("must be a list of at least one format such as \"%d/%m/%Y\"");
            return None;
        };
        let parsed: Vec<_> = items.iter().filter_map(Node::parsed).collect();
        (parsed.len() == items.len()).then_some(parsed)
    });
    let calendar = match fields.get("calendar") {
        None => Some(Calendar::Gregorian),
        Some(calendar) => load_calendar(&calendar),
    };
    let unknown = match fields.get("unknown") {
        None => Some(Vec::new()),
        Some(unknown) => unknown.texts(),
    };
    Some(Step::ParseDate {
        formats: formats?,
        calendar: calendar?,
        unknown: unknown?,
    })
}

fn load_calendar(node: &Node<'_>) -> Option<Calendar> {
    match node.text()? {
        "gregorian" => Some(Calendar::Gregorian),
        "hijri" => Some(Calendar::Hijri),
        other => {
            let message = format!("'{other}' is not a calendar; there are gregorian and hijri");
            node.wrong_word(message, other, ["gregorian", "hijri"]);
            None
        }
    }
}
