//! What a workbook consists of: its sheets, its date system, and where its parts are.

use std::collections::BTreeMap;
use std::path::Path;

use rabt_connect::{ConnectError, nearest};

use super::package::{Package, damaged};
use super::strings::Strings;
use super::xml::{Node, Xml, attribute};
use super::{Cells, styles};

/// Largest part with the list of sheets or of parts, unpacked: 8 MiB.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Most sheets of a workbook.
const MAX_SHEETS: usize = 10_000;

/// A workbook whose sheets are known.
pub(crate) struct Workbook {
    package: Package,
    sheets: Vec<Sheet>,
    is_1904: bool,
    styles: Option<String>,
    strings: Option<String>,
}

struct Sheet {
    name: String,
    part: String,
    is_hidden: bool,
}

/// A part that another one refers to.
struct Relation {
    /// The last word of its type: `worksheet`.
    kind: String,
    part: String,
}

impl Workbook {
    /// Opens a workbook and reads the list of its sheets.
    pub(crate) fn open(path: &Path, head: &[u8], place: &str) -> Result<Self, ConnectError> {
        let package = Package::open(path, head, place)?;
        let main = main_part(&package)?;
        let relations = relations(&package, &relations_of(&main), folder_of(&main))?;
        let part_of = |kind: &str| {
            let mut relations = relations.values();
            let relation = relations.find(|relation| relation.kind == kind);
            relation.map(|relation| relation.part.clone())
        };
        let (styles, strings) = (part_of("styles"), part_of("sharedStrings"));
        let mut workbook = Self {
            package,
            sheets: Vec::new(),
            is_1904: false,
            styles,
            strings,
        };
        workbook.read_sheets(&main, &relations)?;
        Ok(workbook)
    }

    fn read_sheets(
        &mut self,
        main: &str,
        relations: &BTreeMap<String, Relation>,
    ) -> Result<(), ConnectError> {
        let mut xml = Xml::open(&self.package, main, MAX_BYTES)?;
        loop {
            match xml.next()? {
                Node::Start(element) => match element.local_name().as_ref() {
                    "workbookPr" => {
                        // An extension has an element of this name without the attribute.
                        if let Some(value) = attribute(&element, "date1904") {
                            self.is_1904 = matches!(value.as_ref(), "1" | "true");
                        }
                    }
                    "sheet" => {
                        let id = attribute(&element, "id").unwrap_or_default();
                        let relation = relations.get(id.as_ref());
                        // Charts and dialogues are sheets without cells.
                        let relation = relation.filter(|relation| relation.kind == "worksheet");
                        let name = attribute(&element, "name");
                        let is_hidden = attribute(&element, "state")
                            .is_some_and(|state| state.as_ref() != "visible");
                        if let (Some(relation), Some(name)) = (relation, name) {
                            self.sheets.push(Sheet {
                                name: name.into_owned(),
                                part: relation.part.clone(),
                                is_hidden,
                            });
                        }
                    }
                    _ => {}
                },
                Node::Eof => break,
                Node::End(_) | Node::Text(_) | Node::Character(_) | Node::Other => {}
            }
            if self.sheets.len() > MAX_SHEETS {
                return Err(xml.damaged("has over 10,000 sheets"));
            }
        }
        Ok(())
    }

    /// Returns the names of the sheets that are not hidden.
    pub(crate) fn sheets(&self) -> impl Iterator<Item = &str> {
        let shown = self.sheets.iter().filter(|sheet| !sheet.is_hidden);
        shown.map(|sheet| sheet.name.as_str())
    }

    /// Returns what tells this content from another.
    pub(crate) fn fingerprint(&self) -> String {
        self.package.fingerprint()
    }

    /// Opens a sheet by its name, hidden or not, or the first that is not hidden.
    ///
    /// # Errors
    /// A configuration error when there is none of that name.
    pub(crate) fn cells(&self, name: Option<&str>) -> Result<Cells, ConnectError> {
        let place = &self.package.place;
        let sheet = match name {
            Some(name) => self.sheets.iter().find(|sheet| sheet.name == name),
            None => self.sheets.iter().find(|sheet| !sheet.is_hidden),
        };
        let Some(sheet) = sheet else {
            let Some(name) = name else {
                return Err(damaged(place, "has no sheet that is not hidden"));
            };
            let names: Vec<&str> = self
                .sheets
                .iter()
                .map(|sheet| sheet.name.as_str())
                .collect();
            let remedy = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("it has {}", names.join(", ")),
            };
            let what = format!("has no sheet '{name}'");
            return Err(ConnectError::configuration(place.clone(), what, remedy));
        };
        let styles = match &self.styles {
            Some(part) if self.package.has(part) => styles::read(&self.package, part)?,
            Some(_) | None => Vec::new(),
        };
        let xml = Xml::open(&self.package, &sheet.part, super::package::MAX_PART_BYTES)?;
        Ok(Cells::new(xml, styles, self.is_1904))
    }

    /// Reads the texts that cells share, of at most `limit` bytes.
    pub(crate) fn strings(&self, limit: u64) -> Result<Strings, ConnectError> {
        match &self.strings {
            Some(part) if self.package.has(part) => Strings::read(&self.package, part, limit),
            Some(_) | None => Ok(Strings::default()),
        }
    }
}

/// Returns the part that holds the list of sheets.
fn main_part(package: &Package) -> Result<String, ConnectError> {
    const ROOT: &str = "_rels/.rels";
    let place = &package.place;
    if !package.has(ROOT) {
        let what = if package.has("mimetype") {
            "is an OpenDocument file"
        } else {
            "is a zip archive and no workbook"
        };
        return Err(damaged(place, what));
    }
    let relations = relations(package, ROOT, "")?;
    let mut relations = relations.into_values();
    let main = relations.find(|relation| relation.kind == "officeDocument");
    let main = main.ok_or_else(|| damaged(place, "is an office document without a main part"))?;
    let is_xml = Path::new(&main.part)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("xml"));
    if !is_xml {
        return Err(damaged(place, "is a binary workbook"));
    }
    Ok(main.part)
}

fn folder_of(part: &str) -> &str {
    part.rfind('/').map_or("", |at| &part[..at])
}

/// Returns the part that says what a part refers to.
fn relations_of(part: &str) -> String {
    let folder = folder_of(part);
    let name = part[folder.len()..].trim_start_matches('/');
    let between = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{between}_rels/{name}.rels")
}

fn relations(
    package: &Package,
    part: &str,
    folder: &str,
) -> Result<BTreeMap<String, Relation>, ConnectError> {
    let mut xml = Xml::open(package, part, MAX_BYTES)?;
    let mut relations = BTreeMap::new();
    loop {
        match xml.next()? {
            Node::Start(element) if element.local_name().as_ref() == "Relationship" => {
                let of = |name| attribute(&element, name);
                if let (Some(id), Some(kind), Some(target)) = (of("Id"), of("Type"), of("Target")) {
                    let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                    let part = resolve(folder, &target);
                    relations.insert(id.into_owned(), Relation { kind, part });
                }
            }
            Node::Eof => return Ok(relations),
            Node::Start(_) | Node::End(_) | Node::Text(_) | Node::Character(_) | Node::Other => {}
        }
    }
}

/// Returns the name of a part that is written from a folder on.
fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "." | "" => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::{folder_of, relations_of, resolve};

    #[test]
    fn parts_are_found_from_where_they_are_named() {
        assert_eq!(folder_of("xl/workbook.xml"), "xl");
        assert_eq!(
            relations_of("xl/workbook.xml"),
            "xl/_rels/workbook.xml.rels"
        );
        assert_eq!(relations_of("workbook.xml"), "_rels/workbook.xml.rels");
        for (folder, target, expected) in [
            ("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            (
                "xl",
                "/xl/worksheets/sheet1.xml",
                "xl/worksheets/sheet1.xml",
            ),
            ("xl", "../other/sheet1.xml", "other/sheet1.xml"),
            ("", "./xl/workbook.xml", "xl/workbook.xml"),
            ("", "../../a.xml", "a.xml"),
        ] {
            assert_eq!(resolve(folder, target), expected);
        }
    }
}
