//! The keys of text whose cells stand at places of a record.

use rabt_connect::ConfigFields;

use super::read_charset;
use crate::charset::Charset;

/// Longest record, in bytes or characters: two Mi, so that none is over 8 MiB.
const MOST_UNITS: u32 = 2 * 1024 * 1024;

/// What places are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes of the file.
    Bytes,
    /// Characters of its text.
    Characters,
}

/// Which blanks around a value are filling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trim {
    /// Those on both sides.
    Both,
    /// Those before it.
    Left,
    /// Those behind it.
    Right,
    /// None.
    Nothing,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Where it starts, from 0.
    pub(crate) start: usize,
    pub(crate) width: usize,
    pub(crate) trim: Trim,
}

/// How fixed-width text is written.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) charset: Charset,
    pub(crate) unit: Unit,
    pub(crate) columns: Vec<Column>,
    /// Length of a record without the end of its line.
    pub(crate) record_length: usize,
    /// Whether blanks at the end of a line may be missing.
    pub(crate) short_lines: bool,
    /// Whether each record is a line.
    pub(crate) line_ends: bool,
    /// Whether the first record is a heading.
    pub(crate) header: bool,
}

impl Trim {
    const WORDS: [&'static str; 4] = ["both", "left", "right", "none"];

    fn of(word: &str) -> Self {
        match word {
            "left" => Self::Left,
            "right" => Self::Right,
            "none" => Self::Nothing,
            _ => Self::Both,
        }
    }

    /// Returns a value without its filling.
    pub(crate) fn apply(self, text: &str) -> &str {
        match self {
            Self::Both => text.trim_matches(' '),
            Self::Left => text.trim_start_matches(' '),
            Self::Right => text.trim_end_matches(' '),
            Self::Nothing => text,
        }
    }
}

impl Layout {
    /// Returns what a position depends on: where records begin and what they are named.
    pub(super) fn written(&self) -> String {
        let mut written = format!(
            "fixed_width {} {:?} {} {} {} {}",
            self.charset.name(),
            self.unit,
            self.record_length,
            self.short_lines,
            self.line_ends,
            self.header
        );
        for column in &self.columns {
            let place = format!(" {}:{}:{}", column.start, column.width, column.name);
            written.push_str(&place);
        }
        written
    }
}

pub(super) fn read(fields: &ConfigFields<'_>) -> Option<Layout> {
    let charset = read_charset(fields);
    let unit = read_unit(fields);
    let trim = fields
        .has("trim")
        .then(|| fields.word("trim", &Trim::WORDS));
    let trim = trim.flatten().map_or(Trim::Both, Trim::of);
    let columns = read_columns(fields, trim);
    let given = fields.has("record_length");
    let given = given.then(|| fields.whole("record_length", 1, MOST_UNITS));
    let line_ends = fields.flag("line_ends", true);
    let short_lines = fields.flag("short_lines", false);
    let header = fields.flag("header", false);
    let (charset, unit, columns) = (charset?, unit?, columns?);
    let end = |column: &Column| column.start + column.width;
    let last = columns.iter().map(end).max().unwrap_or(0);
    let record_length = given.map_or(Some(last), |given| given.map(|given| given as usize))?;
    if record_length < last {
        let message = format!("is before the end of the last column, {last}");
        fields.wrong("record_length", message);
        return None;
    }
    if let Err((key, message)) = fits_together(charset, unit, line_ends, short_lines) {
        fields.wrong(key, message);
        return None;
    }
    Some(Layout {
        charset,
        unit,
        columns,
        record_length,
        short_lines,
        line_ends,
        header,
    })
}

fn fits_together(
    charset: Charset,
    unit: Unit,
    line_ends: bool,
    short_lines: bool,
) -> Result<(), (&'static str, &'static str)> {
    let of_bytes = unit == Unit::Bytes || charset.is_single_byte();
    if unit == Unit::Bytes && charset.wide().is_some() {
        return Err(("unit", "must be characters in this encoding"));
    }
    if !line_ends && !of_bytes {
        let message = "must be true where characters are counted that have several bytes";
        return Err(("line_ends", message));
    }
    if !line_ends && short_lines {
        return Err(("short_lines", "belongs to line_ends = true"));
    }
    Ok(())
}

fn read_unit(fields: &ConfigFields<'_>) -> Option<Unit> {
    if !fields.has("unit") {
        let message = "is missing: bytes or characters, whichever the widths count";
        fields.wrong("unit", message);
        return None;
    }
    match fields.word("unit", &["bytes", "characters"])? {
        "bytes" => Some(Unit::Bytes),
        _ => Some(Unit::Characters),
    }
}

fn read_columns(fields: &ConfigFields<'_>, trim: Trim) -> Option<Vec<Column>> {
    let items = fields.get("columns").and_then(toml::Value::as_array);
    let Some(items) = items.filter(|items| !items.is_empty()) else {
        let message = "must be a list: [{ name = \"NID\", start = 1, width = 14 }]";
        fields.wrong("columns", message);
        return None;
    };
    let mut columns: Vec<Column> = Vec::new();
    let mut next = 1;
    let mut is_right = true;
    for (index, item) in items.iter().enumerate() {
        let key = format!("columns[{index}]");
        let Some(table) = item.as_table() else {
            fields.wrong(&key, "must be { name, start, width }");
            is_right = false;
            continue;
        };
        let own = ConfigFields::new(table, format!("{key}."));
        let column = read_column(&own, next, trim);
        for problem in own.into_problems() {
            fields.note(problem);
        }
        let Some(column) = column else {
            is_right = false;
            continue;
        };
        next = u32::try_from(column.start + column.width + 1).unwrap_or(u32::MAX);
        if columns.iter().any(|other| other.name == column.name) {
            fields.wrong(&format!("{key}.name"), "is the name of another column too");
            is_right = false;
        }
        columns.push(column);
    }
    is_right.then_some(columns)
}

fn read_column(own: &ConfigFields<'_>, next: u32, trim: Trim) -> Option<Column> {
    const KEYS: [&str; 4] = ["name", "start", "width", "trim"];
    let mut is_known = true;
    for key in own.keys().filter(|key| !KEYS.contains(key)) {
        let problem = rabt_connect::Problem::of_key(key, "is not a known key");
        own.note(problem.suggest(key, KEYS));
        is_known = false;
    }
    for key in ["name", "width"] {
        if !own.has(key) {
            own.wrong(key, "is missing");
        }
    }
    let name = own.filled("name");
    let start = if own.has("start") {
        own.whole("start", 1, MOST_UNITS)
    } else {
        Some(next)
    };
    let width = own.whole("width", 1, MOST_UNITS);
    let trim = if own.has("trim") {
        own.word("trim", &Trim::WORDS).map(Trim::of)
    } else {
        Some(trim)
    };
    let (name, start, width, trim) = (name?, start?, width?, trim?);
    if start + width > MOST_UNITS + 1 {
        own.wrong(
            "width",
            format!("ends behind the longest record, {MOST_UNITS}"),
        );
        return None;
    }
    is_known.then(|| Column {
        name: name.to_owned(),
        start: start as usize - 1,
        width: width as usize,
        trim,
    })
}
