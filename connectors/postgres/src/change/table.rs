//! Whether a server, a publication and a table let changes be read, and what to do when not.

use rabt_connect::{ConnectError, Finding, Outcome, Plan, Session};
use sqlx::{PgConnection, Row};

use crate::catalog::Relation;
use crate::fault::Doing;

/// What the server and the account allow, in the order of [`Server`].
const SERVER: &str = "SELECT current_setting('wal_level') = 'logical', pg_is_in_recovery(), \
       (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user), \
       current_user::text, \
       current_setting('max_replication_slots')::int8 - (SELECT count(*) FROM pg_replication_slots), \
       (SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'rabt\\_%'), \
       current_setting('max_slot_wal_keep_size', true), \
       (SELECT pubinsert AND pubupdate AND pubdelete FROM pg_publication WHERE pubname = $1), \
       (SELECT NOT coalesce((to_jsonb(p) ->> 'pubtruncate')::boolean, false) \
        FROM pg_publication p WHERE pubname = $1)";

/// Published tables without anything that tells their rows apart in the log, and those that the
/// account may not read.
const PUBLISHED: &str = "SELECT format('%I.%I', t.schemaname, t.tablename), \
       c.relreplident = 'n' OR (c.relreplident = 'd' AND NOT EXISTS \
         (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)), \
       NOT has_any_column_privilege(c.oid, 'SELECT') \
     FROM pg_publication_tables t \
     JOIN pg_class c ON c.oid = to_regclass(format('%I.%I', t.schemaname, t.tablename)) \
     WHERE t.pubname = $1 ORDER BY 1";

/// One table: its number, kind and replica identity, whether and with which columns it is published,
/// and the columns of its identity.
const TABLE: &str = "SELECT c.oid::int8, c.relkind::text, c.relreplident::text, \
       format('%I.%I', n.nspname, c.relname), t.tablename IS NOT NULL, \
       ARRAY(SELECT jsonb_array_elements_text(nullif(to_jsonb(t) -> 'attnames', 'null'))), \
       ARRAY(SELECT a.attname::text FROM pg_index i \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) \
         WHERE i.indrelid = c.oid AND CASE c.relreplident \
           WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END) \
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

/// What [`SERVER`] says.
struct Server {
    logical: bool,
    replica: bool,
    replication: bool,
    account: String,
    free_slots: i64,
    own_slots: i64,
    limit: Option<String>,
    publishes: Option<bool>,
    hides_truncate: Option<bool>,
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
        Ok(rows) => findings.extend(of_tables(&rows)),
        Err(error) => findings.push(Finding::of_error("replica_identity", &doing.fault(&error))),
    }
    findings
}

fn of_tables(rows: &[sqlx::postgres::PgRow]) -> [Finding; 2] {
    let named = |at: usize| -> Vec<String> {
        let bad = rows.iter().filter(|row| row.try_get(at).unwrap_or(true));
        bad.filter_map(|row| row.try_get(0).ok()).collect()
    };
    let (nameless, closed) = (named(1), named(2));
    let each = |names: &[String], before: &str, behind: &str| {
        let lines = names.iter().map(|name| format!("{before}{name}{behind};"));
        lines.collect::<Vec<_>>().join(" ")
    };
    let identity = "replica_identity";
    let rights = "published_rights";
    [
        if nameless.is_empty() {
            Finding::pass(identity, "every published table tells its rows apart")
        } else {
            let what = format!("the log cannot tell rows of {} apart", nameless.join(", "));
            let remedy = each(&nameless, "ALTER TABLE ", " REPLICA IDENTITY FULL");
            Finding::fail(identity, what, remedy)
        },
        if closed.is_empty() {
            Finding::pass(rights, "every published table may be read")
        } else {
            let what = format!("the account may not read {}", closed.join(", "));
            let remedy = each(&closed, "GRANT SELECT ON ", " TO rabt_reader");
            Finding::fail(rights, what, remedy)
        },
    ]
}

impl Server {
    async fn of(connection: &mut PgConnection, publication: &str) -> Result<Self, sqlx::Error> {
        let row = sqlx::query(SERVER)
            .bind(publication)
            .fetch_one(connection)
            .await?;
        Ok(Self {
            logical: row.try_get(0)?,
            replica: row.try_get(1)?,
            replication: row.try_get::<Option<bool>, _>(2)?.unwrap_or_default(),
            account: row.try_get(3)?,
            free_slots: row.try_get(4)?,
            own_slots: row.try_get(5)?,
            limit: row.try_get(6)?,
            publishes: row.try_get(7)?,
            hides_truncate: row.try_get(8)?,
        })
    }

    /// Returns the findings; `tables` are those that the publication is to have.
    fn findings(&self, publication: &str, tables: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut judge = |id, good: bool, well: &str, what: &str, remedy: String| {
            findings.push(if good {
                Finding::pass(id, well)
            } else {
                Finding::fail(id, what, remedy)
            });
        };
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        judge(
            "wal_level",
            self.logical,
            "the log holds what changes need",
            "the server's log does not hold what changes need",
            "ALTER SYSTEM SET wal_level = 'logical'; then restart the server".to_owned(),
        );
        judge(
            "primary",
            !self.replica,
            "the server is no replica",
            "the server is a replica",
            "name the primary in [source.config], or set mode = \"incremental\"".to_owned(),
        );
        judge(
            "replication",
            self.replication,
            "the account may read the log",
            "the account may not read the log",
            format!("ALTER ROLE {} REPLICATION;", quoted(&self.account)),
        );
        judge(
            "slots",
            self.free_slots > 0 || self.own_slots > 0,
            "the server has a slot to give",
            "every replication slot of the server is taken",
            "ALTER SYSTEM SET max_replication_slots = 20; then restart the server".to_owned(),
        );
        judge(
            "publication",
            self.publishes == Some(true),
            "the publication tells of every change",
            if self.publishes.is_none() {
                "the publication does not exist"
            } else {
                "the publication does not tell of inserts, updates and deletes alike"
            },
            if self.publishes.is_none() {
                format!(
                    "CREATE PUBLICATION {} FOR TABLE {tables};",
                    quoted(publication)
                )
            } else {
                format!(
                    "ALTER PUBLICATION {} SET (publish = 'insert, update, delete, truncate');",
                    quoted(publication)
                )
            },
        );
        if self.hides_truncate == Some(true) {
            findings.push(Finding::warn(
                "truncate",
                "the publication does not tell when a table is emptied",
                format!(
                    "ALTER PUBLICATION {} SET (publish = 'insert, update, delete, truncate');",
                    quoted(publication)
                ),
            ));
        }
        // `-1` is no limit; servers before 13 have none at all.
        findings.push(match self.limit.as_deref() {
            None | Some("-1") => Finding::warn(
                "slot_limit",
                "nothing but slot_budget keeps a slot from filling the server's disk while Rabt is away",
                "ALTER SYSTEM SET max_slot_wal_keep_size = '8GB'; SELECT pg_reload_conf();",
            ),
            Some(limit) => Finding::pass("slot_limit", format!("a slot keeps {limit} at most")),
        });
        findings
    }
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
}

impl Facts {
    fn of(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            number: row.try_get(0)?,
            kind: row.try_get(1)?,
            identity_kind: row.try_get(2)?,
            name: row.try_get(3)?,
            published: row.try_get(4)?,
            published_columns: row.try_get(5)?,
            identity: row.try_get(6)?,
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
}

#[cfg(test)]
mod tests {
    use super::Server;
    use rabt_connect::Outcome;

    #[test]
    fn every_lack_has_a_remedy_to_paste() {
        let server = Server {
            logical: false,
            replica: true,
            replication: false,
            account: "rab\"t".into(),
            free_slots: 0,
            own_slots: 0,
            limit: Some("-1".into()),
            publishes: None,
            hides_truncate: None,
        };
        let findings = server.findings("rabt", "public.persons");
        assert!(
            findings
                .iter()
                .all(|finding| finding.outcome != Outcome::Pass)
        );
        let remedies: Vec<&str> = findings
            .iter()
            .filter_map(|f| f.remedy.as_deref())
            .collect();
        assert!(
            remedies.contains(&"ALTER ROLE \"rab\"\"t\" REPLICATION;"),
            "{remedies:?}"
        );
        assert!(remedies.contains(&"CREATE PUBLICATION \"rabt\" FOR TABLE public.persons;"));
    }
}
