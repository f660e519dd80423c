//! A TOML text that is read once and whose every mistake is noted with its line.
//!
//! Invariant: reading goes on after a mistake, so that one run reports them all.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::Problem;

/// A text and the problems found in it so far.
pub(crate) struct Document<'t> {
    file: &'t str,
    line_starts: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
}

/// A value in a document.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    document: &'a Document<'a>,
    value: &'a DeValue<'a>,
    start: usize,
    path: String,
}

/// A table in a document; `finish` reports the keys that nobody asked for.
pub(crate) struct Fields<'a> {
    node: Node<'a>,
    table: &'a DeTable<'a>,
}

impl<'t> Document<'t> {
    /// Parses a text. Every syntax error becomes a problem; with any, there is no table.
    pub(crate) fn parse(file: &'t str, text: &'t str) -> (Self, Option<Spanned<DeValue<'t>>>) {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0)
            .chain(newlines.map(|(index, _)| index + 1))
            .collect();
        let document = Self {
            file,
            line_starts,
            problems: RefCell::default(),
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        let faultless = errors.is_empty();
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            document.note(start, Problem::of_key("", error.message()));
        }
        let span = table.span();
        let root = Spanned::new(span, DeValue::Table(table.into_inner()));
        (document, faultless.then_some(root))
    }

    /// Returns the node of the whole document.
    pub(crate) fn root<'a>(&'a self, value: &'a Spanned<DeValue<'t>>) -> Node<'a>
    where
        't: 'a,
    {
        Node {
            document: self,
            value: value.get_ref(),
            start: 0,
            path: String::new(),
        }
    }

    /// Returns the problems, in the order of their lines.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems
    }

    fn note(&self, start: usize, problem: Problem) {
        let line = self.line_starts.partition_point(|at| *at <= start);
        self.problems.borrow_mut().push(Problem {
            file: self.file.to_owned(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            ..problem
        });
    }
}

impl<'a> Node<'a> {
    /// Returns the dotted path of the value.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Notes what is wrong with the value.
    pub(crate) fn wrong(&self, message: impl Into<String>) {
        self.note(Problem::of_key(&self.path, message));
    }

    /// Notes what is wrong, and which word was probably meant.
    pub(crate) fn wrong_word<'w>(
        &self,
        message: impl Into<String>,
        word: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) {
        self.note(Problem::of_key(&self.path, message).suggest(word, known));
    }

    /// Notes a problem at the place of the value, with the problem's own key.
    pub(crate) fn note(&self, problem: Problem) {
        self.document.note(self.start, problem);
    }

    /// Returns the text, or notes that it is none.
    pub(crate) fn text(&self) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong("must be a text in quotes");
        }
        text
    }

    /// Returns the text when the value is one, and notes nothing otherwise.
    pub(crate) fn as_text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// Returns the flag when the value is one, and notes nothing otherwise.
    pub(crate) fn flag(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// Returns the text parsed as `P`, or notes why it is not one.
    pub(crate) fn parsed<P>(&self) -> Option<P>
    where
        P: std::str::FromStr<Err: std::fmt::Display>,
    {
        match self.text()?.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.wrong(error.to_string());
                None
            }
        }
    }

    /// Returns the whole number when it lies in `0..=most`, or notes that it does not.
    pub(crate) fn number(&self, most: u32) -> Option<u32> {
        let number = match self.value {
            DeValue::Integer(integer) => {
                let digits = integer.as_str().replace('_', "");
                u32::from_str_radix(&digits, integer.radix()).ok()
            }
            DeValue::String(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let number = number.filter(|number| *number <= most);
        if number.is_none() {
            self.wrong(format!("must be a whole number from 0 to {most}"));
        }
        number
    }

    /// Returns the one text or the list of texts, or notes that it is neither.
    pub(crate) fn one_or_many(&self) -> Option<Vec<String>> {
        if let Some(text) = self.value.as_str() {
            return Some(vec![text.to_owned()]);
        }
        self.texts()
    }

    /// Returns the list of texts, or notes that it is none.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        let Some(items) = self.items() else {
            self.wrong("must be a text or a list of texts");
            return None;
        };
        let texts: Vec<String> = items
            .iter()
            .filter_map(|item| item.text().map(str::to_owned))
            .collect();
        (texts.len() == items.len()).then_some(texts)
    }

    /// Returns the items when the value is a list, and notes nothing otherwise.
    pub(crate) fn items(&self) -> Option<Vec<Node<'a>>> {
        let items = self.value.as_array()?;
        let child = |(index, item): (usize, &'a Spanned<DeValue<'a>>)| Node {
            document: self.document,
            value: item.get_ref(),
            start: item.span().start,
            path: format!("{}[{index}]", self.path),
        };
        Some(items.iter().enumerate().map(child).collect())
    }

    /// Says whether the value is a table.
    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// Returns the table, or notes that it is none.
    pub(crate) fn fields(&self) -> Option<Fields<'a>> {
        let Some(table) = self.value.as_table() else {
            self.wrong("must be a table");
            return None;
        };
        Some(Fields {
            node: self.clone(),
            table,
        })
    }
}

impl<'a> Fields<'a> {
    /// Returns the node of the table itself.
    pub(crate) const fn node(&self) -> &Node<'a> {
        &self.node
    }

    /// Returns every key with its value, in the order of the text.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> + '_ {
        self.table.iter().map(|(key, value)| {
            let name: &'a str = key.get_ref().as_ref();
            let path = if self.node.path.is_empty() {
                name.to_owned()
            } else {
                format!("{}.{name}", self.node.path)
            };
            let node = Node {
                document: self.node.document,
                value: value.get_ref(),
                start: key.span().start,
                path,
            };
            (name, node)
        })
    }

    /// Returns the value of a key, if it is there.
    pub(crate) fn get(&self, name: &str) -> Option<Node<'a>> {
        self.entries()
            .find(|(key, _)| *key == name)
            .map(|(_, node)| node)
    }

    /// Returns the value of a key, or notes that it is missing.
    pub(crate) fn required(&self, name: &str) -> Option<Node<'a>> {
        let node = self.get(name);
        if node.is_none() {
            self.node.wrong(format!("has no '{name}'"));
        }
        node
    }

    /// Notes every key that is not one of `known`.
    pub(crate) fn only(&self, known: &[&str]) {
        for (key, node) in self.entries() {
            if !known.contains(&key) {
                node.wrong_word("is not a known key", key, known.iter().copied());
            }
        }
    }
}
