//! The tables of a directory: object classes with their attributes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ldap3::Scope;
use rabt_connect::{ColumnInfo, ConnectError, Filter, Session, Table};

use crate::attribute::Described;
use crate::client::{Ask, Client};
use crate::config::{Search, Settings, of_session};
use crate::read::{DN, ENTRY_UUID};
use crate::schema::Schema;

/// Entries whose classes are looked at.
const MOST_ENTRIES: usize = 2_000;

/// Classes that are told of.
const MOST_CLASSES: usize = 500;

/// Classes of one entry that are looked at.
const MOST_OF_ONE: usize = 50;

/// Entries of a table whose attributes are looked at.
const MOST_ROWS: usize = 200;

/// Columns that are told of one table.
const MOST_COLUMNS: usize = 1_000;

/// Columns that the server keeps of every entry.
const KEPT: [&str; 3] = [ENTRY_UUID, "createTimestamp", "modifyTimestamp"];

/// Classes that say how an entry is used, not what it is of.
const NO_TABLES: [&str; 8] = [
    "alias",
    "dcobject",
    "extensibleobject",
    "glue",
    "referral",
    "subentry",
    "subschema",
    "top",
];

/// Attributes that are no columns: the classes themselves, and what logins are checked by.
const NO_COLUMNS: [&str; 9] = [
    "authpassword",
    "krbprincipalkey",
    "ntpwdhistory",
    "objectclass",
    "sambalmpassword",
    "sambantpassword",
    "sambapasswordhistory",
    "unicodepwd",
    "userpassword",
];

/// Returns the tables that are listed, or, when none is, the classes of the entries below the base,
/// ordered by name. A table that cannot be read as it is configured does not hide the others; `check`
/// tells of it.
pub(crate) async fn discover(
    session: &Session,
    filter: &Filter,
) -> Result<Vec<Table>, ConnectError> {
    let settings = of_session(session)?;
    let mut client = Client::open(&settings).await?;
    let schema = Schema::of(&mut client).await?.unwrap_or_default();
    let searches = if settings.tables.is_empty() {
        classes(&mut client, &settings, &schema).await?
    } else {
        settings.tables.clone()
    };
    let mut tables = Vec::new();
    let mut wrong = None;
    for (name, search) in searches.iter().filter(|(name, _)| filter.wants(None, name)) {
        match table(&mut client, name, search, &schema).await {
            Ok(table) => tables.push(table),
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    client.close().await;
    match wrong {
        Some(error) if tables.is_empty() => Err(error),
        Some(_) | None => Ok(tables),
    }
}

/// Returns a search for each class of the first entries below the base. What a class inherits from is
/// no table of its own when each of its entries is of that class: a person who is an `inetOrgPerson`.
async fn classes(
    client: &mut Client,
    settings: &Settings,
    schema: &Schema,
) -> Result<BTreeMap<String, Search>, ConnectError> {
    let search = settings.everything();
    let attributes = ["objectClass".to_owned()];
    let mut pages = Ask::of("the base", search, &attributes).pages();
    // The sets of classes that an entry has: directories have few of them.
    let mut sets: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut seen = 0;
    'pages: while let Some(page) = pages.next(client).await? {
        for entry in &page.entries {
            let texts = entry.texts("objectClass").into_iter().take(MOST_OF_ONE);
            let names = texts.map(|text| schema.class(text).map_or(text, |class| class.name()));
            let names: BTreeSet<String> = names.map(str::to_owned).collect();
            known.extend(names.iter().cloned());
            sets.insert(names);
            seen += 1;
            if seen >= MOST_ENTRIES || known.len() >= MOST_CLASSES {
                break 'pages;
            }
        }
    }
    let names: BTreeSet<&String> = known.iter().take(MOST_CLASSES).collect();
    let is_table = |name: &&&String| {
        let is_abstract = schema.class(name).is_some_and(|class| class.is_abstract);
        let is_use = NO_TABLES.contains(&name.to_ascii_lowercase().as_str());
        let is_name = crate::attribute::is_name(name);
        is_name && !is_abstract && !is_use && !is_all_of_another(name, &names, &sets, schema)
    };
    let tables = names.iter().filter(is_table).map(|name| {
        let search = Search {
            classes: vec![(*name).clone()],
            ..search.clone()
        };
        ((*name).clone(), search)
    });
    Ok(tables.collect())
}

fn is_all_of_another(
    name: &str,
    names: &BTreeSet<&String>,
    sets: &BTreeSet<BTreeSet<String>>,
    schema: &Schema,
) -> bool {
    let covers = |other: &String| {
        let inherits = || {
            let parents = schema.with_parents(std::slice::from_ref(other));
            parents.iter().any(|class| class.is_called(name))
        };
        other != name
            && sets
                .iter()
                .all(|set| !set.contains(name) || set.contains(other))
            && inherits()
    };
    names.iter().any(|other| covers(other))
}

async fn table(
    client: &mut Client,
    name: &str,
    search: &Search,
    schema: &Schema,
) -> Result<Table, ConnectError> {
    let place = format!("table {name}");
    let mut columns = Columns::default();
    for (attribute, is_needed) in schema.attributes_of(&search.classes) {
        columns.add(attribute, schema, !is_needed);
    }
    let attributes = ["*".to_owned()];
    let ask = Ask {
        names_only: true,
        ..Ask::of(&place, search, &attributes)
    };
    let mut pages = ask.pages();
    let mut seen = 0;
    while let Some(page) = pages.next(client).await? {
        for (name, _) in page.entries.iter().flat_map(|entry| &entry.attributes) {
            if let Some(named) = Described::parse(name) {
                let options = named.options.iter().map(|option| format!(";{option}"));
                let name = [named.kind.clone()].into_iter().chain(options);
                columns.add(&name.collect::<String>(), schema, true);
            }
        }
        seen += page.entries.len();
        if seen >= MOST_ROWS || search.scope == Scope::Base {
            break;
        }
    }
    columns.list.push(ColumnInfo {
        name: DN.to_owned(),
        declared_type: "DN".to_owned(),
        nullable: false,
    });
    for name in KEPT {
        if schema.attribute(name).is_some() {
            columns.add(name, schema, false);
        }
    }
    Ok(Table {
        schema: None,
        name: name.to_owned(),
        columns: columns.list,
        key: Vec::new(),
        estimated_rows: None,
    })
}

/// The columns of a table, each once.
#[derive(Default)]
struct Columns {
    list: Vec<ColumnInfo>,
    names: HashSet<String>,
}

impl Columns {
    fn add(&mut self, name: &str, schema: &Schema, nullable: bool) {
        let small = name.to_ascii_lowercase();
        let kind = small.split(';').next().unwrap_or_default();
        if NO_COLUMNS.contains(&kind) || self.list.len() >= MOST_COLUMNS {
            return;
        }
        if self.names.insert(small.clone()) {
            self.list.push(ColumnInfo {
                name: name.to_owned(),
                declared_type: schema.syntax(kind).name().to_owned(),
                nullable,
            });
        }
    }
}
