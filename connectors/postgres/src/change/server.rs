//! Whether a server and an account let changes be read.

use rabt_connect::Finding;
use sqlx::{PgConnection, Row};

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

/// What [`SERVER`] says.
pub(super) struct Server {
    logical: bool,
    replica: bool,
    replication: bool,
    pub(super) account: String,
    free_slots: i64,
    own_slots: i64,
    limit: Option<String>,
    publishes: Option<bool>,
    hides_truncate: Option<bool>,
}

impl Server {
    pub(super) async fn of(
        connection: &mut PgConnection,
        publication: &str,
    ) -> Result<Self, sqlx::Error> {
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
    pub(super) fn findings(&self, publication: &str, tables: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut judge = |id, good: bool, well: &str, what: &str, remedy: String| {
            findings.push(if good {
                Finding::pass(id, well)
            } else {
                Finding::fail(id, what, remedy)
            });
        };
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

/// Returns a name as statements write it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
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
