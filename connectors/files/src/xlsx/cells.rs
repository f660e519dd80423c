//! The cells of a sheet, row by row.

use quick_xml::events::BytesStart;
use rabt_connect::{ConnectError, Fault, MAX_CELL_BYTES};

use super::strings::{read_text, tidy};
use super::styles::Shown;
use super::value::{iso, number};
use super::xml::{Node, Xml, attribute};
use super::{MOST_COLUMNS, MOST_ROWS};

/// Most bytes of text of a row: 8 MiB.
const MAX_ROW_BYTES: usize = 8 * 1024 * 1024;

/// A cell with a value, as it is kept until its row is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// A text that the workbook shares, by its number.
    Shared(u32),
    /// A text of its own.
    Own(String),
    /// A value that cannot be read.
    Fault(Fault),
}

/// A row: its number from 1, and its cells with a value by their columns from 1, in order.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) cells: Vec<(u32, Held)>,
}

/// A sheet that is read.
pub(crate) struct Cells {
    xml: Xml,
    styles: Vec<Shown>,
    is_1904: bool,
    row: u32,
    is_inside: bool,
    /// The text of a cell, kept so that its room is used again.
    text: String,
}

/// What a cell says of itself.
struct Told {
    kind: Kind,
    shown: Shown,
    column: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    /// Without a word it is a number too, and some writers put texts there.
    Unsaid,
    Shared,
    Inline,
    /// A text that a formula gave.
    Text,
    Truth,
    Date,
    Error,
    Unknown,
}

enum Next {
    Row(Option<String>),
    Sheet,
    Outside,
    End,
    Other,
}

impl Cells {
    pub(super) const fn new(xml: Xml, styles: Vec<Shown>, is_1904: bool) -> Self {
        Self {
            xml,
            styles,
            is_1904,
            row: 0,
            is_inside: false,
            text: String::new(),
        }
    }

    /// Reads the next row that is written in the sheet; false behind the last one.
    pub(crate) fn next(&mut self, into: &mut Row) -> Result<bool, ConnectError> {
        loop {
            let is_inside = self.is_inside;
            let next = match self.xml.next()? {
                Node::Start(element) => match element.local_name().as_ref() {
                    "row" if is_inside => {
                        Next::Row(attribute(&element, "r").map(std::borrow::Cow::into_owned))
                    }
                    "sheetData" => Next::Sheet,
                    _ => Next::Other,
                },
                Node::End(element) if element.local_name().as_ref() == "sheetData" => Next::Outside,
                Node::Eof => Next::End,
                Node::End(_) | Node::Text(_) | Node::Character(_) | Node::Other => Next::Other,
            };
            match next {
                Next::Row(number) => {
                    self.row = self.number_of_row(number.as_deref())?;
                    into.number = self.row;
                    into.cells.clear();
                    self.read_row(into)?;
                    return Ok(true);
                }
                Next::Sheet => self.is_inside = true,
                Next::Outside => self.is_inside = false,
                // The end of the part is read too, so that its checksum is compared.
                Next::End => return Ok(false),
                Next::Other => {}
            }
        }
    }

    /// Returns the number of a row; they grow, so that a position can be found again.
    fn number_of_row(&self, told: Option<&str>) -> Result<u32, ConnectError> {
        let number = match told {
            Some(number) => number.parse().unwrap_or(0),
            None => self.row + 1,
        };
        if number <= self.row || number > MOST_ROWS {
            let what = format!("has a row behind row {} with a wrong number", self.row);
            return Err(self.xml.damaged(&what));
        }
        Ok(number)
    }

    fn read_row(&mut self, into: &mut Row) -> Result<(), ConnectError> {
        let mut last = 0;
        let mut bytes = 0;
        loop {
            let (row, styles) = (self.row, &self.styles);
            let told = match self.xml.next()? {
                Node::Start(element) if element.local_name().as_ref() == "c" => {
                    Some(told(&element, row, last, styles))
                }
                Node::Start(_) => None,
                Node::End(element) if element.local_name().as_ref() == "row" => return Ok(()),
                Node::End(_) | Node::Text(_) | Node::Character(_) | Node::Other | Node::Eof => {
                    continue;
                }
            };
            let Some(told) = told else {
                self.xml.skip()?;
                continue;
            };
            let told = told.filter(|told| told.column > last && told.column <= MOST_COLUMNS);
            let Some(told) = told else {
                let what = format!("has a cell in row {row} at a wrong place");
                return Err(self.xml.damaged(&what));
            };
            last = told.column;
            let Some(held) = self.read_cell(&told)? else {
                continue;
            };
            if let Held::Own(text) = &held {
                bytes += text.len();
            }
            if bytes > MAX_ROW_BYTES {
                let what = format!("has over 8 MiB in row {row}");
                return Err(self.xml.damaged(&what));
            }
            into.cells.push((told.column, held));
        }
    }

    /// Reads the value of the cell that was just entered, and leaves it. A formula without a value was
    /// never calculated, so there is a value and it is not known.
    fn read_cell(&mut self, told: &Told) -> Result<Option<Held>, ConnectError> {
        enum Part {
            Formula,
            Value,
            Inline,
            Other,
            End,
            Between,
        }
        self.text.clear();
        let (mut has_formula, mut has_value) = (false, false);
        loop {
            let part = match self.xml.next()? {
                Node::Start(element) => match element.local_name().as_ref() {
                    "f" => Part::Formula,
                    "v" if told.kind != Kind::Inline => Part::Value,
                    "is" if told.kind == Kind::Inline => Part::Inline,
                    _ => Part::Other,
                },
                Node::End(_) | Node::Eof => Part::End,
                Node::Text(_) | Node::Character(_) | Node::Other => Part::Between,
            };
            match part {
                Part::Formula => {
                    has_formula = true;
                    self.xml.skip()?;
                }
                Part::Value => {
                    self.text.clear();
                    has_value = true;
                    self.xml.text(&mut self.text)?;
                    if told.kind == Kind::Text {
                        tidy(&mut self.text, 0, true);
                    }
                }
                Part::Inline => {
                    self.text.clear();
                    has_value = true;
                    read_text(&mut self.xml, &mut self.text)?;
                }
                Part::Other => self.xml.skip()?,
                Part::Between => {}
                Part::End => break,
            }
        }
        let may_be_empty = matches!(told.kind, Kind::Text | Kind::Inline);
        if !has_value || (self.text.is_empty() && !may_be_empty) {
            return Ok(has_formula.then_some(Held::Fault(Fault::ErrorCell)));
        }
        self.value(told).map(Some)
    }

    fn value(&self, told: &Told) -> Result<Held, ConnectError> {
        let own = |text: Result<String, Fault>| text.map_or_else(Held::Fault, Held::Own);
        Ok(match told.kind {
            Kind::Number => own(number(&self.text, told.shown, self.is_1904)),
            Kind::Unsaid => match number(&self.text, told.shown, self.is_1904) {
                Err(Fault::NotText) => own(self.own_text()),
                shown => own(shown),
            },
            Kind::Shared => {
                let Ok(index) = self.text.trim().parse() else {
                    let what = format!("refers to no shared text in row {}", self.row);
                    return Err(self.xml.damaged(&what));
                };
                Held::Shared(index)
            }
            Kind::Text | Kind::Inline => own(self.own_text()),
            Kind::Truth => match self.text.trim() {
                "1" | "true" => Held::Own("TRUE".to_owned()),
                "0" | "false" => Held::Own("FALSE".to_owned()),
                _ => Held::Fault(Fault::NotText),
            },
            Kind::Date => Held::Own(iso(&self.text)),
            Kind::Error => Held::Fault(Fault::ErrorCell),
            Kind::Unknown => Held::Fault(Fault::NotText),
        })
    }

    fn own_text(&self) -> Result<String, Fault> {
        if self.text.len() > MAX_CELL_BYTES {
            return Err(Fault::TooLong);
        }
        Ok(self.text.clone())
    }
}

/// Returns what a cell says of itself; nothing when it is in another row.
fn told(element: &BytesStart<'_>, row: u32, last: u32, styles: &[Shown]) -> Option<Told> {
    let mut told = Told {
        kind: Kind::Unsaid,
        shown: styles.first().copied().unwrap_or_default(),
        column: last + 1,
    };
    let mut attributes = element.attributes();
    for attribute in attributes.with_checks(false).filter_map(Result::ok) {
        let value = attribute.value.as_ref();
        match attribute.key.as_ref() {
            "r" => {
                let (column, own_row) = place(value)?;
                told.column = (own_row == row).then_some(column)?;
            }
            "s" => {
                let style: usize = value.parse().ok()?;
                told.shown = styles.get(style).copied().unwrap_or_default();
            }
            "t" => told.kind = Kind::of(value),
            _ => {}
        }
    }
    Some(told)
}

impl Kind {
    fn of(word: &str) -> Self {
        match word {
            "n" => Self::Number,
            "s" => Self::Shared,
            "inlineStr" => Self::Inline,
            "str" => Self::Text,
            "b" => Self::Truth,
            "d" => Self::Date,
            "e" => Self::Error,
            _ => Self::Unknown,
        }
    }
}

/// Returns column and row of a place such as `B5`; nothing when there is no such place.
fn place(text: &str) -> Option<(u32, u32)> {
    let at = text.find(|c: char| !c.is_ascii_alphabetic())?;
    let (letters, digits) = text.split_at(at);
    if letters.is_empty() || letters.len() > 3 || !digits.bytes().all(|d| d.is_ascii_digit()) {
        return None;
    }
    let letter = |letter: u8| u32::from(letter.to_ascii_uppercase() - b'A') + 1;
    let column = letters.bytes().fold(0, |sum, next| sum * 26 + letter(next));
    Some((column, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places_are_read_or_refused() {
        for (text, expected) in [
            ("A1", Some((1, 1))),
            ("XFD1048576", Some((16_384, 1_048_576))),
            ("b5", Some((2, 5))),
            ("A4294967298", None),
            ("A99999999999", None),
            ("AAAAAAAA1", None),
            ("1", None),
            ("A", None),
            ("A-1", None),
            ("A+1", None),
            ("أ1", None),
            ("", None),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
    }
}
