//! The table of a plan, as the server knows it.

use rabt_connect::{ConnectError, Mode, Plan, nearest};

use crate::attribute::Described;
use crate::client::{Ask, Client, NO_ATTRIBUTE};
use crate::config::{Order, Search, Settings};
use crate::filter::{all, not, present};
use crate::order::By;
use crate::schema::Schema;

/// The name of an entry, which is a column though no attribute.
pub(crate) const DN: &str = "dn";

/// What tells entries apart for ever (RFC 4530).
pub(crate) const ENTRY_UUID: &str = "entryUUID";

/// The table of a plan.
pub(super) struct Table {
    /// `table persons`.
    pub(super) place: String,
    pub(super) search: Search,
}

impl Table {
    /// Returns the table of a plan, when the server knows its classes and columns.
    ///
    /// # Errors
    /// A configuration error that names what is missing, and what was probably meant.
    pub(super) async fn of(
        client: &mut Client,
        settings: &Settings,
        plan: &Plan,
        schema: Option<&Schema>,
    ) -> Result<Self, ConnectError> {
        let search = settings.search(&plan.table)?;
        let place = format!("table {}", plan.table);
        let table = Self { place, search };
        if plan.schema.is_some() {
            let what = "has a schema, and the tables of a directory have none";
            return Err(table.wrong(what, "leave out `schema` in `from`"));
        }
        table.must_be_known(schema)?;
        table.must_have_columns(plan, schema)?;
        if schema.is_none() && !settings.tables.contains_key(&plan.table) {
            table.must_exist(client).await?;
        }
        Ok(table)
    }

    fn wrong(&self, what: impl Into<String>, remedy: impl Into<String>) -> ConnectError {
        ConnectError::configuration(&self.place, what, remedy)
    }

    fn must_be_known(&self, schema: Option<&Schema>) -> Result<(), ConnectError> {
        let Some(schema) = schema else {
            return Ok(());
        };
        let mut unknown = self.search.classes.iter();
        let Some(class) = unknown.find(|class| schema.class(class).is_none()) else {
            return Ok(());
        };
        let remedy = match nearest(class, schema.class_names()) {
            Some(near) => format!("did you mean '{near}'?"),
            None => "compare it with what `rabt source propose` shows".to_owned(),
        };
        Err(self.wrong(
            format!("has an object class '{class}' that the server does not know"),
            remedy,
        ))
    }

    fn must_have_columns(&self, plan: &Plan, schema: Option<&Schema>) -> Result<(), ConnectError> {
        let cursor = match &plan.mode {
            Mode::Snapshot | Mode::Changes { .. } => None,
            Mode::Incremental { cursor, .. } => Some(cursor),
        };
        for column in plan.columns.iter().chain(&plan.key).chain(cursor) {
            if column.eq_ignore_ascii_case(DN) {
                continue;
            }
            let described = Described::parse(column);
            let (Some(described), Some(schema)) = (&described, schema) else {
                if described.is_none() {
                    let what = format!("has no column '{}'", column.escape_debug());
                    let remedy = "names of attributes are letters, digits and hyphens";
                    return Err(self.wrong(what, remedy));
                }
                continue;
            };
            if schema.attribute(&described.kind).is_none() {
                return Err(self.no_column(column, &described.kind, schema));
            }
        }
        Ok(())
    }

    fn no_column(&self, column: &str, kind: &str, schema: &Schema) -> ConnectError {
        let own = schema.attributes_of(&self.search.classes);
        let own: Vec<&str> = own.into_iter().map(|(name, _)| name).collect();
        let near = nearest(kind, own.iter().copied());
        let near = near.or_else(|| nearest(kind, schema.attribute_names().chain([DN])));
        let remedy = match near {
            Some(near) => format!("did you mean '{near}'?"),
            None if own.is_empty() => "compare it with what `rabt source propose` shows".to_owned(),
            None => format!("it has the columns {}", own.join(", ")),
        };
        self.wrong(format!("has no column '{column}'"), remedy)
    }

    /// Refuses a class that no entry has, where the server does not say which classes there are: a
    /// misspelt one would pass for an empty table.
    async fn must_exist(&self, client: &mut Client) -> Result<(), ConnectError> {
        if self.finds(client, self.search.entries()).await? {
            return Ok(());
        }
        let what = "has no entry, and the login may not read the server's schema to tell whether it exists";
        let remedy = "correct `from`, or list the table: [source.config.tables.NAME]";
        Err(self.wrong(what, remedy))
    }

    async fn finds(&self, client: &mut Client, filter: String) -> Result<bool, ConnectError> {
        let attributes = [NO_ATTRIBUTE.to_owned()];
        let ask = Ask::of(&self.place, &self.search, &attributes).with_filter(filter);
        let page = client.one_page(&ask.first(1)).await?;
        Ok(!page.entries.is_empty())
    }

    /// Refuses an attribute that a login may see but not search by: everything would seem to be gone.
    pub(super) async fn must_find(
        &self,
        client: &mut Client,
        by: &By,
        filter: &str,
    ) -> Result<(), ConnectError> {
        let entries = self.search.entries();
        let found = self
            .finds(client, all([entries.clone(), filter.to_owned()]))
            .await?;
        if found || !self.finds(client, entries).await? {
            return Ok(());
        }
        Err(self.not_found_by(&by.attribute))
    }

    pub(super) fn not_found_by(&self, attribute: &str) -> ConnectError {
        let what = format!("has entries that are not found by '{attribute}'");
        let remedy = "ask the agency for the right to search by it, or set `order` to another attribute or to \"none\"";
        self.wrong(what, remedy)
    }

    /// Says whether there are entries without a cursor value. What the server keeps itself, all have.
    pub(super) async fn has_absent(
        &self,
        client: &mut Client,
        by: &By,
    ) -> Result<bool, ConnectError> {
        if by.is_kept {
            return Ok(false);
        }
        let filter = [self.search.entries(), not(&present(&by.attribute))];
        self.finds(client, all(filter)).await
    }

    pub(super) fn no_cursor(&self, cursor: &str) -> ConnectError {
        let what = format!("has entries without a value in the cursor '{cursor}'");
        let remedy = "choose a cursor that every entry has and the login may read, such as modifyTimestamp, or set mode = \"snapshot\"";
        self.wrong(what, remedy)
    }

    /// Returns what the ranges go by; nothing when the table is read in one. `begun` is the attribute
    /// that a read began with.
    pub(super) fn order(
        &self,
        plan: &Plan,
        schema: Option<&Schema>,
        begun: Option<&str>,
    ) -> Result<Option<By>, ConnectError> {
        if let Mode::Incremental { cursor, .. } = &plan.mode {
            let by = by(schema, cursor);
            return by.map(Some).ok_or_else(|| {
                let what = format!("cannot be asked for what has changed by '{cursor}'");
                let remedy = "choose a cursor that the server orders, such as modifyTimestamp, or set mode = \"snapshot\"";
                self.wrong(what, remedy)
            });
        }
        let named = match (&self.search.order, begun) {
            (_, Some(begun)) => Some(begun),
            (Order::By(attribute), None) => Some(attribute.as_str()),
            (Order::Any | Order::None, None) => None,
        };
        if let Some(attribute) = named {
            return by(schema, attribute).map(Some).ok_or_else(|| {
                let what = format!("cannot be read in ranges of '{attribute}'");
                let remedy = "set `order` to an attribute that the server orders, or to \"none\"";
                self.wrong(what, remedy)
            });
        }
        if self.search.order == Order::None || plan.key.is_empty() {
            return Ok(None);
        }
        let key = plan.key.iter().map(String::as_str);
        Ok(key.chain([ENTRY_UUID]).find_map(|name| by(schema, name)))
    }
}

/// Returns ranges by an attribute, when the server orders it.
fn by(schema: Option<&Schema>, name: &str) -> Option<By> {
    let schema = schema?;
    let attribute = schema.attribute(name)?;
    let sort = schema.sort(name)?;
    let tie = schema.sort(ENTRY_UUID).filter(|_| attribute.single);
    let is_tie = attribute.name().eq_ignore_ascii_case(ENTRY_UUID);
    Some(By {
        // As the server calls it in its answers.
        attribute: attribute.name().to_owned(),
        sort,
        tie: tie.filter(|_| !is_tie).map(|_| ENTRY_UUID.to_owned()),
        is_kept: attribute.operational,
    })
}
