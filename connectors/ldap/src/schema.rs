//! What a server says of its attributes and object classes (RFC 4512, 4.1 and 4.2).

mod lex;
mod syntax;

use std::collections::{HashMap, HashSet};

use ldap3::Scope;
use rabt_connect::ConnectError;

use crate::client::{Ask, Client};
use lex::{Token, tokens};

pub(crate) use syntax::{Sort, Syntax};

/// How far a type may inherit; a circle ends here.
const DEEPEST: usize = 32;

/// The schema of a server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    attributes: Vec<Attribute>,
    classes: Vec<Class>,
    by_attribute: HashMap<String, usize>,
    by_class: HashMap<String, usize>,
    /// Whether some attribute says how it is ordered; the schema of Active Directory never does.
    tells_order: bool,
}

/// A type of attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attribute {
    oid: String,
    names: Vec<String>,
    parent: Option<String>,
    ordering: Option<String>,
    syntax: Option<String>,
    /// An entry has one value at most.
    pub(crate) single: bool,
    /// The server keeps it itself.
    pub(crate) operational: bool,
}

/// A class of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Class {
    oid: String,
    names: Vec<String>,
    parents: Vec<String>,
    /// No entry is of this class alone.
    pub(crate) is_abstract: bool,
    must: Vec<String>,
    may: Vec<String>,
}

impl Schema {
    /// Asks a server for its schema; nothing when the login may not read it.
    pub(crate) async fn of(client: &mut Client) -> Result<Option<Self>, ConnectError> {
        let Some(base) = client.root.schema.clone() else {
            return Ok(None);
        };
        let attributes = ["attributeTypes".to_owned(), "objectClasses".to_owned()];
        let ask = Ask {
            place: "the schema of the server",
            base: &base,
            scope: Scope::Base,
            // The entry is one that a search leaves out unless it is asked for by its class.
            filter: "(objectClass=subschema)".to_owned(),
            attributes: &attributes,
            names_only: false,
            limit: 1,
        };
        let page = match client.one_page(&ask).await {
            Ok(page) => page,
            Err(ConnectError::Configuration { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(entry) = page.entries.first() else {
            return Ok(None);
        };
        let schema = Self::new(entry.texts("attributeTypes"), entry.texts("objectClasses"));
        Ok((!schema.attributes.is_empty()).then_some(schema))
    }

    /// Returns the schema that descriptions make. One that cannot be understood is left out.
    pub(crate) fn new<'t>(
        attributes: impl IntoIterator<Item = &'t str>,
        classes: impl IntoIterator<Item = &'t str>,
    ) -> Self {
        let mut schema = Self::default();
        for attribute in attributes.into_iter().filter_map(Attribute::parse) {
            let at = schema.attributes.len();
            for name in attribute.names.iter().chain([&attribute.oid]) {
                schema
                    .by_attribute
                    .entry(name.to_ascii_lowercase())
                    .or_insert(at);
            }
            schema.tells_order |= attribute.ordering.is_some();
            schema.attributes.push(attribute);
        }
        for class in classes.into_iter().filter_map(Class::parse) {
            let at = schema.classes.len();
            for name in class.names.iter().chain([&class.oid]) {
                schema
                    .by_class
                    .entry(name.to_ascii_lowercase())
                    .or_insert(at);
            }
            schema.classes.push(class);
        }
        schema
    }

    /// Returns an attribute by any of its names, in any case.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        let at = self.by_attribute.get(&name.to_ascii_lowercase())?;
        self.attributes.get(*at)
    }

    /// Returns a class by any of its names, in any case.
    pub(crate) fn class(&self, name: &str) -> Option<&Class> {
        let at = self.by_class.get(&name.to_ascii_lowercase())?;
        self.classes.get(*at)
    }

    /// Returns the names of all attributes, the first of each.
    pub(crate) fn attribute_names(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(Attribute::name)
    }

    /// Returns the names of all classes, the first of each.
    pub(crate) fn class_names(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().map(Class::name)
    }

    /// Returns what kind of values an attribute has.
    pub(crate) fn syntax(&self, name: &str) -> Syntax {
        let told = self.inherited(name, |attribute| attribute.syntax.as_deref());
        told.map_or(Syntax::Other, Syntax::of)
    }

    /// Returns how a server orders the values of an attribute; nothing when it cannot be asked for
    /// values behind another.
    pub(crate) fn sort(&self, name: &str) -> Option<Sort> {
        let syntax = self.syntax(name);
        match self.inherited(name, |attribute| attribute.ordering.as_deref()) {
            Some(rule) => Sort::of_rule(rule, syntax),
            None if self.tells_order => None,
            None => Sort::of_syntax(syntax),
        }
    }

    fn inherited<'s>(
        &'s self,
        name: &str,
        told: impl Fn(&'s Attribute) -> Option<&'s str>,
    ) -> Option<&'s str> {
        let mut attribute = self.attribute(name)?;
        for _ in 0..DEEPEST {
            if let Some(told) = told(attribute) {
                return Some(told);
            }
            attribute = self.attribute(attribute.parent.as_deref()?)?;
        }
        None
    }

    /// Returns the attributes of classes and of what they inherit from, each once, those that an
    /// entry must have with `true`.
    pub(crate) fn attributes_of(&self, classes: &[String]) -> Vec<(&str, bool)> {
        let mut found: Vec<(&str, bool)> = Vec::new();
        let mut seen = HashSet::new();
        for class in self.with_parents(classes) {
            let must = class.must.iter().map(|name| (name, true));
            let may = class.may.iter().map(|name| (name, false));
            for (name, is_needed) in must.chain(may) {
                let name = self.attribute(name).map_or(name.as_str(), Attribute::name);
                if seen.insert(name.to_ascii_lowercase()) {
                    found.push((name, is_needed));
                }
            }
        }
        found
    }

    /// Returns classes and what they inherit from, each once, the nearest first.
    pub(crate) fn with_parents(&self, classes: &[String]) -> Vec<&Class> {
        let mut found: Vec<&Class> = Vec::new();
        let mut open: Vec<&Class> = classes.iter().filter_map(|name| self.class(name)).collect();
        while !open.is_empty() {
            let parents = open.iter().flat_map(|class| &class.parents);
            let parents: Vec<&Class> = parents.filter_map(|name| self.class(name)).collect();
            let new = |class: &&Class| !found.iter().any(|known| known.oid == class.oid);
            let fresh: Vec<&Class> = open.into_iter().filter(new).collect();
            if fresh.is_empty() {
                break;
            }
            for class in fresh {
                if !found.iter().any(|known| known.oid == class.oid) {
                    found.push(class);
                }
            }
            open = parents;
        }
        found
    }
}

impl Attribute {
    /// Returns the name that servers write.
    pub(crate) fn name(&self) -> &str {
        self.names.first().unwrap_or(&self.oid)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut attribute = Self::default();
        for (key, values) in described(text, &mut attribute.oid)? {
            let first = || values.first().cloned();
            match key.as_str() {
                "NAME" => attribute.names = values,
                "SUP" => attribute.parent = first(),
                "ORDERING" => attribute.ordering = first(),
                "SYNTAX" => attribute.syntax = first(),
                "SINGLE-VALUE" => attribute.single = true,
                "USAGE" => {
                    let usage = first().unwrap_or_default();
                    attribute.operational = !usage.eq_ignore_ascii_case("userApplications");
                }
                _ => {}
            }
        }
        Some(attribute)
    }
}

impl Class {
    /// Returns the name that servers write.
    pub(crate) fn name(&self) -> &str {
        self.names.first().unwrap_or(&self.oid)
    }

    /// Says whether this is the class of a name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let names = self.names.iter().chain([&self.oid]);
        names.into_iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut class = Self::default();
        for (key, values) in described(text, &mut class.oid)? {
            match key.as_str() {
                "NAME" => class.names = values,
                "SUP" => class.parents = values,
                "ABSTRACT" => class.is_abstract = true,
                "MUST" => class.must = values,
                "MAY" => class.may = values,
                _ => {}
            }
        }
        Some(class)
    }
}

/// Returns the keys of a description with their values, and its identifier.
fn described(text: &str, oid: &mut String) -> Option<Vec<(String, Vec<String>)>> {
    let mut tokens = tokens(text)?.into_iter().peekable();
    if tokens.next() != Some(Token::Open) {
        return None;
    }
    let Some(Token::Word(identifier)) = tokens.next() else {
        return None;
    };
    *oid = identifier;
    let mut keys: Vec<(String, Vec<String>)> = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Close => return Some(keys),
            Token::Word(key) => {
                let mut values = Vec::new();
                match tokens.peek() {
                    Some(Token::Open) => {
                        tokens.next();
                        loop {
                            match tokens.next()? {
                                Token::Close => break,
                                Token::Open => return None,
                                Token::Word(value) | Token::Quoted(value) => values.push(value),
                            }
                        }
                    }
                    Some(Token::Quoted(_)) => values.extend(tokens.next().and_then(Token::text)),
                    Some(Token::Word(_)) if takes_word(&key) => {
                        values.extend(tokens.next().and_then(Token::text));
                    }
                    Some(Token::Word(_) | Token::Close) | None => {}
                }
                keys.push((key, values));
            }
            Token::Open | Token::Quoted(_) => return None,
        }
    }
    None
}

/// Says whether a word behind a key is its value; behind any other key it is the next key.
fn takes_word(key: &str) -> bool {
    const KEYS: [&str; 9] = [
        "NAME", "SUP", "EQUALITY", "ORDERING", "SUBSTR", "SYNTAX", "USAGE", "MUST", "MAY",
    ];
    KEYS.contains(&key)
}

#[cfg(test)]
mod tests;
