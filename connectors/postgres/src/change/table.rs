//! Whether a server, a publication and a table let changes be read, and what to do when not.

use rabt_connect::{ConnectError, Finding, Outcome, Plan, Session};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::server::{Server, quoted};
use crate::catalog::Relation;
use crate::fault::Doing;

/// Published tables: whether they are without anything that tells their rows apart in the log, may not be
/// read, have heirs, a filter on their rows, row security for the account, or a list of columns.
const PUBLISHED: &str = "SELECT format('%I.%I', t.schemaname, t.tablename), \
       c.relreplident = 'n' OR (c.relreplident = 'd' AND NOT EXISTS \
         (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)), \
       NOT has_any_column_privilege(c.oid, 'SELECT'), \
       c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhparent = c.oid), \
       to_jsonb(t) ->> 'rowfilter' IS NOT NULL, \
       row_security_active(c.oid), \
       coalesce(jsonb_array_length(nullif(to_jsonb(t) -> 'attnames', 'null')) < \
         (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 \
            AND NOT a.attisdropped AND coalesce(to_jsonb(a) ->> 'attgenerated', '') = ''), false) \
     FROM pg_publication_tables t \
     JOIN pg_class c ON c.oid = to_regclass(format('%I.%I', t.schemaname, t.tablename)) \
     WHERE t.pubname = $1 ORDER BY 1";

/// One table: its number, kind and replica identity, whether and with which columns it is published,
/// the columns of its identity, and why its log tells of other rows than a reading sees: of those of
/// tables that inherit from it, of a filter of the publication, or of row security.
const TABLE: &str = "SELECT c.oid::int8, c.relkind::text, c.relreplident::text, \
       format('%I.%I', n.nspname, c.relname), t.tablename IS NOT NULL, \
       ARRAY(SELECT jsonb_array_elements_text(nullif(to_jsonb(t) -> 'attnames', 'null'))), \
       ARRAY(SELECT a.attname::text FROM pg_index i \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) \
         WHERE i.indrelid = c.oid AND CASE c.relreplident \
           WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END), \
       CASE WHEN c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhparent = c.oid) \
           THEN 'heirs' \
         WHEN to_jsonb(t) ->> 'rowfilter' IS NOT NULL THEN 'filter' \
         WHEN row_security_active(c.oid) THEN 'security' END \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_publication_tables t \
       ON t.pubname = $2 AND t.schemaname = n.nspname AND t.tablename = c.relname \
     WHERE c.oid = to_regclass($1)";

/// A table whose changes are read.
#[derive(Debug)]
pub(super) struct Table {
    /// The number that it keeps for life.
    pub(super) number: u32,
}

/// Returns the publication of a source.
pub(super) fn publication(session: &Session) -> Result<&str, ConnectError> {
    session.optional_text("publication")?.ok_or_else(|| {
        let remedy = "run CREATE PUBLICATION rabt FOR TABLE <its tables> at the source as their owner, and \
                      write publication = \"rabt\"";
        ConnectError::configuration("source.config.publication", "is missing", remedy)
    })
}

/// Returns what a check finds about changes.
pub(crate) async fn findings(connection: &mut PgConnection, publication: &str) -> Vec<Finding> {
    let doing = Doing::reading("the catalog");
    let server = match Server::of(connection, publication).await {
        Ok(server) => server,
        Err(error) => return vec![Finding::of_error("wal_level", &doing.fault(&error))],
    };
    let mut findings = server.findings(publication, "<the tables of its streams>");
    match sqlx::query(PUBLISHED)
        .bind(publication)
        .fetch_all(connection)
        .await
    {
        Ok(rows) => findings.extend(of_tables(&rows, publication, &server.account)),
        Err(error) => findings.push(Finding::of_error("replica_identity", &doing.fault(&error))),
    }
    findings
}

/// Returns the findings of [`PUBLISHED`]. Which columns a stream wants is known to its reading alone, so
/// a list of columns, which spares the agency much, is only told of.
fn of_tables(rows: &[PgRow], publication: &str, account: &str) -> Vec<Finding> {
    let bad = |at: usize| -> Vec<String> {
        let found = rows.iter().filter(|row| row.try_get(at).unwrap_or(true));
        found.filter_map(|row| row.try_get(0).ok()).collect()
    };
    let judge = |id, at: usize, well: &str, what: &str, remedy: &dyn Fn(&String) -> String| {
        let names = bad(at);
        if names.is_empty() {
            return Finding::pass(id, well);
        }
        let what = what.replace("{}", &names.join(", "));
        let lines: Vec<String> = names.iter().map(remedy).collect();
        Finding::fail(id, what, lines.join(" "))
    };
    let partly = bad(6);
    let listed = match partly.as_slice() {
        [] => "every published table is told of with all its columns".to_owned(),
        _ => format!(
            "a list says which columns of {} are told of",
            partly.join(", ")
        ),
    };
    vec![
        judge(
            "replica_identity",
            1,
            "every published table tells its rows apart",
            "the log cannot tell rows of {} apart",
            &|name| format!("ALTER TABLE {name} REPLICA IDENTITY FULL;"),
        ),
        judge(
            "published_rights",
            2,
            "every published table may be read",
            "the account may not read {}",
            &|name| format!("GRANT SELECT ON {name} TO rabt_reader;"),
        ),
        judge(
            "inheritance",
            3,
            "no published table has others that inherit from it",
            "the log of {} does not tell of the rows of the tables that inherit from it",
            &|name| format!("read {name} with mode = \"incremental\" or \"snapshot\";"),
        ),
        judge(
            "row_filter",
            4,
            "every row of the published tables is told of",
            "the publication has a filter that hides rows of {}",
            &|name| unfiltered(publication, name),
        ),
        judge(
            "row_security",
            5,
            "no row security hides rows of the published tables from the account",
            "the log tells of every row of {}, also of those that row security hides from the account",
            &|_| sees_all(account),
        ),
        Finding::pass("published_columns", listed),
    ]
}

/// Returns the statements that take the filter off a published table.
fn unfiltered(publication: &str, name: &str) -> String {
    let publication = quoted(publication);
    format!(
        "ALTER PUBLICATION {publication} DROP TABLE {name}; ALTER PUBLICATION {publication} ADD TABLE {name};"
    )
}

/// Returns what lets an account see every row, or the log alone.
fn sees_all(account: &str) -> String {
    let account = quoted(account);
    format!(
        "ALTER ROLE {account} BYPASSRLS; or read it with mode = \"incremental\" or \"snapshot\";"
    )
}

impl Table {
    /// Returns the table of a plan when its changes can be read.
    pub(super) async fn find(
        connection: &mut PgConnection,
        publication: &str,
        plan: &Plan,
        relation: &Relation,
    ) -> Result<Self, ConnectError> {
        let doing = Doing::reading(format!("table {}", plan.table));
        let server = Server::of(connection, publication).await;
        let server = server.map_err(|error| doing.fault(&error))?;
        let query = sqlx::query(TABLE).bind(&relation.quoted).bind(publication);
        let row = query.fetch_one(connection).await;
        let facts = row.and_then(|row| Facts::of(&row));
        let facts = facts.map_err(|error| doing.fault(&error))?;
        let findings = server.findings(publication, &facts.name);
        // A slot may be this stream's own; making one says so when there is none left.
        let failed = |finding: &&Finding| finding.outcome == Outcome::Fail && finding.id != "slots";
        if let Some(Finding {
            summary, remedy, ..
        }) = findings.iter().find(failed)
        {
            let remedy = remedy.as_deref().unwrap_or_default();
            return Err(ConnectError::configuration(
                "change capture",
                summary,
                remedy,
            ));
        }
        facts.judge(plan, relation, publication)?;
        facts.judge_rows(plan, publication, &server.account)?;
        let number = u32::try_from(facts.number);
        let number = number.map_err(|_| ConnectError::defect("postgres", "an oid is too large"))?;
        Ok(Self { number })
    }
}

/// What [`TABLE`] says.
struct Facts {
    number: i64,
    kind: String,
    identity_kind: String,
    name: String,
    published: bool,
    published_columns: Vec<String>,
    identity: Vec<String>,
    other_rows: Option<String>,
}

impl Facts {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            number: row.try_get(0)?,
            kind: row.try_get(1)?,
            identity_kind: row.try_get(2)?,
            name: row.try_get(3)?,
            published: row.try_get(4)?,
            published_columns: row.try_get(5)?,
            identity: row.try_get(6)?,
            other_rows: row.try_get(7)?,
        })
    }

    fn judge(
        &self,
        plan: &Plan,
        relation: &Relation,
        publication: &str,
    ) -> Result<(), ConnectError> {
        let place = format!("table {}", plan.table);
        let wrong = |what: String, remedy: String| {
            Err(ConnectError::configuration(place.clone(), what, remedy))
        };
        let Self { name, .. } = self;
        if self.kind != "r" && self.kind != "p" {
            let remedy = "read the table behind it, or set mode = \"incremental\" or \"snapshot\"";
            return wrong(
                "is no table, and only tables have changes".into(),
                remedy.into(),
            );
        }
        if !self.published {
            let remedy = match self.kind.as_str() {
                "p" => format!(
                    "ALTER PUBLICATION \"{publication}\" SET (publish_via_partition_root = true); \
                     ALTER PUBLICATION \"{publication}\" ADD TABLE {name};"
                ),
                _ => format!("ALTER PUBLICATION \"{publication}\" ADD TABLE {name};"),
            };
            return wrong(format!("is not in the publication {publication}"), remedy);
        }
        let listed = |column: &&String| {
            self.published_columns.is_empty() || self.published_columns.contains(column)
        };
        if let Some(column) = plan.columns.iter().find(|column| !listed(column)) {
            let what = format!("is published without its column '{column}'");
            let mut all: Vec<String> = plan.columns.iter().chain(&self.identity).cloned().collect();
            all.sort();
            all.dedup();
            let all = all.join("\", \"");
            let remedy =
                format!("ALTER PUBLICATION \"{publication}\" SET TABLE {name} (\"{all}\");");
            return wrong(what, remedy);
        }
        let told = |column: &String| self.identity_kind == "f" || self.identity.contains(column);
        if let Some(column) = plan.key.iter().find(|column| !told(column)) {
            let what = format!("does not tell in its log which '{column}' a row had that is gone");
            let remedy = format!(
                "take the primary key as `key` of the stream, or ALTER TABLE {name} REPLICA IDENTITY FULL;"
            );
            return wrong(what, remedy);
        }
        if plan.key.is_empty() || !relation.is_unique(&plan.key) {
            let what = "has a key that the catalog does not promise to be unique";
            let remedy = "take the columns of a primary key or unique index as `key` of the stream";
            return wrong(what.into(), remedy.into());
        }
        Ok(())
    }

    /// Refuses a table of which the log tells other rows than a reading sees: changes would be missed, or
    /// rows told of that the account may not see.
    fn judge_rows(
        &self,
        plan: &Plan,
        publication: &str,
        account: &str,
    ) -> Result<(), ConnectError> {
        let (what, remedy) = match self.other_rows.as_deref() {
            None => return Ok(()),
            Some("heirs") => (
                "has other tables that inherit from it, and its log does not tell of their rows",
                "set mode = \"incremental\" or \"snapshot\"".to_owned(),
            ),
            Some("filter") => (
                "is published with a filter that hides rows",
                unfiltered(publication, &self.name),
            ),
            Some(_) => (
                "has row security that hides rows from the account, and its log tells of all of them",
                sees_all(account),
            ),
        };
        let place = format!("table {}", plan.table);
        Err(ConnectError::configuration(place, what, remedy))
    }
}
