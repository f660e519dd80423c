//! Whether a server and an account let changes be read, and where its log ends.

use std::collections::BTreeMap;
use std::time::Duration;

use rabt_connect::{ConnectError, Finding, Outcome, hex};
use sqlx::mysql::MySqlRow;
use sqlx::{Executor, MySqlConnection, Row};
use tokio::time::Instant;

use super::place::Spot;
use crate::fault::Doing;

/// Begins a transaction that sees one state of the tables, and notes where the log is then.
const SNAPSHOT: &str = "START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT";

/// Where the log was when the transaction began.
const SNAPSHOT_AT: &str = "SHOW SESSION STATUS LIKE 'binlog_snapshot_%'";

const VARIABLES: &str = "SHOW GLOBAL VARIABLES WHERE variable_name IN ('version', 'server_id', \
     'log_bin', 'binlog_format', 'binlog_row_image', 'binlog_row_metadata', 'log_slave_updates', \
     'gtid_slave_pos', 'wsrep_on', 'expire_logs_days', 'lower_case_table_names')";

const REPLICATES: &str = "SHOW GLOBAL STATUS LIKE 'slaves_running'";

/// Needs the right that [`FILTER_RIGHT`] names.
const FILTERS: &str = "SHOW MASTER STATUS";

/// Transactions of two phases that are prepared.
const PREPARED: &str = "XA RECOVER";

/// The files of the log, in their order.
const FILES: &str = "SHOW BINARY LOGS";

/// How long a moment without any is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

const GRANTS: &str = "SHOW GRANTS";

const DATABASE: &str = "SELECT DATABASE(), CURRENT_USER()";

/// Below so many days, a pause of the node over a weekend loses the log.
const DAYS: f64 = 3.0;

/// What a server says of its log.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) id: u64,
    variables: BTreeMap<String, String>,
    replicates: bool,
    /// Which databases are logged and which are not; nothing when the account may not know.
    filters: Option<(String, String)>,
    may_follow: bool,
    pub(super) account: String,
    database: String,
}

/// Returns what a check finds about changes.
pub(crate) async fn findings(connection: &mut MySqlConnection) -> Vec<Finding> {
    match Server::of(connection).await {
        Ok(server) => server.findings(),
        Err(error) => vec![Finding::of_error("log_bin", &error)],
    }
}

impl Server {
    pub(super) async fn of(connection: &mut MySqlConnection) -> Result<Self, ConnectError> {
        let doing = Doing::reading("the server's settings");
        Self::ask(connection)
            .await
            .map_err(|error| doing.fault(&error))
    }

    async fn ask(connection: &mut MySqlConnection) -> Result<Self, sqlx::Error> {
        let mut server = Self::default();
        for row in sqlx::query(VARIABLES).fetch_all(&mut *connection).await? {
            let name: String = row.try_get(0)?;
            server
                .variables
                .insert(name.to_lowercase(), row.try_get(1)?);
        }
        server.id = server.variable("server_id").parse().unwrap_or(0);
        let row = sqlx::query(REPLICATES)
            .fetch_optional(&mut *connection)
            .await?;
        let running = row.and_then(|row| row.try_get::<String, _>(1).ok());
        server.replicates = running.is_some_and(|running| running != "0");
        // A refusal is what is asked for here.
        if let Ok(row) = sqlx::query(FILTERS).fetch_optional(&mut *connection).await {
            let cell = |row: &MySqlRow, at| row.try_get::<String, _>(at).unwrap_or_default();
            let filters = row.as_ref().map(|row| (cell(row, 2), cell(row, 3)));
            server.filters = Some(filters.unwrap_or_default());
        }
        for row in sqlx::query(GRANTS).fetch_all(&mut *connection).await? {
            let grant: String = row.try_get(0)?;
            server.may_follow |= may_follow(&grant);
        }
        let row = sqlx::query(DATABASE).fetch_one(connection).await?;
        server.database = row.try_get::<Option<String>, _>(0)?.unwrap_or_default();
        server.account = account(&row.try_get::<String, _>(1)?);
        Ok(server)
    }

    fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    /// Says whether the names of tables differ in the case of their letters alone.
    pub(super) fn folds(&self) -> bool {
        self.variable("lower_case_table_names") != "0"
    }

    /// Refuses a server whose log cannot be read: the first thing that a check would find.
    pub(super) fn judge(&self) -> Result<(), ConnectError> {
        let failed = |finding: &Finding| finding.outcome == Outcome::Fail;
        let Some(finding) = self.findings().into_iter().find(failed) else {
            return Ok(());
        };
        let remedy = finding.remedy.unwrap_or_default();
        Err(ConnectError::configuration(
            "the server's log",
            format!("cannot be read: {}", finding.summary),
            remedy,
        ))
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![judge(
            "log_flavour",
            self.variable("version").to_lowercase().contains("mariadb"),
            "the server is MariaDB",
            "the server is not MariaDB, and no test has read the log of another",
            "set mode = \"incremental\" or \"snapshot\"".to_owned(),
        )];
        for (id, wanted, well, what) in SETTINGS {
            let is = self.variable(id).eq_ignore_ascii_case(wanted);
            let remedy = match id {
                "log_bin" => "write log_bin = binlog and server_id = 1 under [mysqld] in the server's configuration, then restart it".to_owned(),
                _ => format!(
                    "SET GLOBAL {id} = '{wanted}'; and write {id} = {wanted} under [mysqld], so that it stays; sessions that are open keep what they had",
                ),
            };
            findings.push(judge(id, is, well, what, remedy));
        }
        findings.extend(self.rights());
        findings.push(judge(
            "log_replica",
            !self.is_deaf(),
            "the log tells of everything that is written to the server",
            "the log does not tell of what comes from other servers",
            "write log_slave_updates = ON under [mysqld], then restart the server; or name the primary in [source.config]".to_owned(),
        ));
        findings.push(self.expiry());
        findings
    }

    fn rights(&self) -> Vec<Finding> {
        let mut findings = vec![judge(
            "log_rights",
            self.may_follow && self.filters.is_some(),
            "the account may read the log",
            "the account may not read the log, or not see how far it is",
            format!(
                "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO {};",
                self.account
            ),
        )];
        if self.filters.is_some() {
            findings.push(judge(
                "log_filter",
                self.hidden(&self.database).is_none(),
                "the database is in the log",
                "the server leaves the database out of its log",
                "take binlog_do_db and binlog_ignore_db out of the server's configuration, then restart it".to_owned(),
            ));
        }
        findings
    }

    /// Says whether changes reach the server that its log does not tell of.
    fn is_deaf(&self) -> bool {
        let replica = self.replicates
            || !self.variable("gtid_slave_pos").is_empty()
            || self.variable("wsrep_on") == "ON";
        replica && self.variable("log_slave_updates") != "ON"
    }

    fn expiry(&self) -> Finding {
        let id = "log_expiry";
        match self.variable("expire_logs_days").parse::<f64>() {
            Ok(days) if days > 0.0 && days < DAYS => Finding::warn(
                id,
                format!(
                    "the log is kept for {days} days; what is not read by then is read from the start"
                ),
                "SET GLOBAL expire_logs_days = 7; and write expire_logs_days = 7 under [mysqld]",
            ),
            Ok(days) if days > 0.0 => Finding::pass(id, format!("the log is kept for {days} days")),
            Ok(_) | Err(_) => Finding::pass(id, "the log is kept until somebody removes it"),
        }
    }

    /// Says why a database is not in the log.
    pub(super) fn hidden(&self, database: &str) -> Option<&'static str> {
        let (only, without) = self.filters.as_ref()?;
        let listed = |list: &str| list.split(',').any(|name| name.trim() == database);
        if listed(without) {
            return Some("is left out of the log by binlog_ignore_db");
        }
        (!only.is_empty() && !listed(only)).then_some("is not among binlog_do_db")
    }
}

/// The settings that rows can be told by, each with what it must be and the two findings.
const SETTINGS: [(&str, &str, &str, &str); 4] = [
    (
        "log_bin",
        "ON",
        "the server keeps a binary log",
        "the server keeps no binary log",
    ),
    (
        "binlog_format",
        "ROW",
        "the log tells of rows",
        "the log tells of statements, not of rows",
    ),
    (
        "binlog_row_image",
        "FULL",
        "the log tells of whole rows",
        "the log tells of parts of rows",
    ),
    (
        "binlog_row_metadata",
        "FULL",
        "the log names columns",
        "the log does not name columns",
    ),
];

fn judge(id: &'static str, good: bool, well: &str, what: &str, remedy: String) -> Finding {
    if good {
        Finding::pass(id, well)
    } else {
        Finding::fail(id, what, remedy)
    }
}

/// Says whether a line of `SHOW GRANTS` lets the log be read.
fn may_follow(grant: &str) -> bool {
    let Some((rights, place)) = grant
        .strip_prefix("GRANT ")
        .and_then(|grant| grant.split_once(" ON "))
    else {
        return false;
    };
    place.starts_with("*.*")
        && rights
            .split(", ")
            .any(|right| matches!(right, "REPLICATION SLAVE" | "ALL PRIVILEGES"))
}

/// Returns an account as statements write it.
fn account(current: &str) -> String {
    let quoted = |name: &str| format!("'{}'", name.replace('\'', "''"));
    match current.rsplit_once('@') {
        Some((user, host)) => format!("{}@{}", quoted(user), quoted(host)),
        None => quoted(current),
    }
}

/// Lets a connection see one state of the tables; returns where the log is in it.
pub(super) async fn snapshot(connection: &mut MySqlConnection) -> Result<Spot, ConnectError> {
    let doing = Doing::reading("the server's log");
    let begun = connection.execute(SNAPSHOT).await;
    begun.map_err(|error| doing.fault(&error))?;
    let rows = sqlx::query(SNAPSHOT_AT).fetch_all(connection).await;
    let rows = rows.map_err(|error| doing.fault(&error))?;
    let value = |name: &str| {
        let named = |row: &&MySqlRow| {
            let found = row.try_get::<String, _>(0);
            found.is_ok_and(|found| found.eq_ignore_ascii_case(name))
        };
        rows.iter()
            .find(named)
            .and_then(|row| row.try_get::<String, _>(1).ok())
    };
    let file = value("binlog_snapshot_file").filter(|file| !file.is_empty());
    let offset = value("binlog_snapshot_position").and_then(|offset| offset.parse().ok());
    match (file, offset) {
        (Some(file), Some(offset)) => Ok(Spot { file, offset }),
        _ => Err(ConnectError::configuration(
            "the server's log",
            "does not say where a snapshot lies in it",
            "see that log_bin is ON, with `rabt source check`",
        )),
    }
}

/// Returns where the log ends now.
pub(super) async fn end_of_log(connection: &mut MySqlConnection) -> Result<Spot, ConnectError> {
    let spot = snapshot(connection).await?;
    let doing = Doing::reading("the server's log");
    let ended = connection.execute("COMMIT").await;
    ended.map_err(|error| doing.fault(&error))?;
    Ok(spot)
}

/// Returns the names of the transactions of two phases that are prepared, as the log writes them. One has
/// its end in the log a little before it leaves the list, and its beginning before it enters it.
pub(crate) async fn prepared(
    connection: &mut MySqlConnection,
) -> Result<Vec<String>, ConnectError> {
    let doing = Doing::reading("the server's log");
    let rows = sqlx::raw_sql(PREPARED).fetch_all(connection).await;
    let name = |row: &MySqlRow| -> Result<String, sqlx::Error> {
        let number = |at| row.try_get_unchecked::<i64, _>(at);
        let data: &[u8] = row.try_get_unchecked(3)?;
        // A name has 128 bytes at most, and its own number 32 bits.
        let length = |at| Ok::<_, sqlx::Error>(u8::try_from(number(at)?).unwrap_or_default());
        let own = i32::try_from(number(0)?).unwrap_or_default();
        let parts = [&own.to_le_bytes()[..], &[length(1)?, length(2)?], data];
        Ok(hex(&parts.concat()))
    };
    let names = rows.and_then(|rows| rows.iter().map(name).collect());
    names.map_err(|error| doing.fault(&error))
}

/// Returns the files of the log up to one, that one first.
pub(super) async fn files_back_from(
    file: &str,
    connection: &mut MySqlConnection,
) -> Result<Vec<String>, ConnectError> {
    let doing = Doing::reading("the server's log");
    let rows = sqlx::query(FILES).fetch_all(connection).await;
    let names = rows.and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect());
    let mut names: Vec<String> = names.map_err(|error| doing.fault(&error))?;
    let end = names.iter().position(|name| name == file);
    names.truncate(end.map_or(0, |at| at + 1));
    names.reverse();
    Ok(names)
}

/// Returns where the log ends at a moment at which no transaction of two phases is prepared: whatever is
/// prepared later lies behind it, but for one that the server was just preparing. Such a moment is waited
/// for a while.
pub(super) async fn settled_end_of_log(
    connection: &mut MySqlConnection,
) -> Result<Spot, ConnectError> {
    let started = Instant::now();
    loop {
        let spot = end_of_log(connection).await?;
        if prepared(connection).await?.is_empty() {
            return Ok(spot);
        }
        if started.elapsed() > PATIENCE {
            return Err(ConnectError::transient(
                "the server's log",
                "has a transaction of two phases that is prepared and does not end, so that a reading cannot begin",
                "see XA RECOVER; its program ends it, or XA COMMIT or XA ROLLBACK by hand",
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::{Server, account, may_follow};
    use rabt_connect::Outcome;

    fn server(variables: &[(&str, &str)]) -> Server {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Server {
            variables: variables.iter().map(owned).collect(),
            account: account("rabt_reader@%"),
            ..Server::default()
        }
    }

    #[test]
    fn every_lack_has_a_remedy_to_paste() {
        let mut server = server(&[("version", "8.0.36"), ("wsrep_on", "ON")]);
        server.filters = Some((String::new(), "tax,land".into()));
        server.database = "land".into();
        let findings = server.findings();
        let failed = findings.iter().filter(|f| f.outcome == Outcome::Fail);
        let failed: Vec<&str> = failed.map(|finding| finding.id).collect();
        assert_eq!(
            failed,
            [
                "log_flavour",
                "log_bin",
                "binlog_format",
                "binlog_row_image",
                "binlog_row_metadata",
                "log_rights",
                "log_filter",
                "log_replica",
            ]
        );
        let remedies: Vec<&str> = findings
            .iter()
            .filter_map(|f| f.remedy.as_deref())
            .collect();
        assert!(
            remedies
                .contains(&"GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO 'rabt_reader'@'%';"),
            "{remedies:?}"
        );
        assert!(server.judge().is_err());
    }

    #[test]
    fn a_short_expiry_is_warned_of() {
        for (days, outcome) in [
            ("0.5", Outcome::Warn),
            ("0.000000", Outcome::Pass),
            ("10", Outcome::Pass),
        ] {
            let server = server(&[("expire_logs_days", days)]);
            assert_eq!(server.expiry().outcome, outcome, "{days}");
        }
    }

    #[test]
    fn filters_are_understood() {
        let mut server = Server::default();
        assert_eq!(server.hidden("tax"), None);
        server.filters = Some(("tax,land".into(), String::new()));
        assert_eq!(server.hidden("tax"), None);
        assert!(server.hidden("health").is_some());
        server.filters = Some((String::new(), "tax".into()));
        assert!(server.hidden("tax").is_some());
    }

    #[test]
    fn grants_are_understood() {
        assert!(may_follow(
            "GRANT SELECT, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `r`@`%`"
        ));
        assert!(may_follow(
            "GRANT ALL PRIVILEGES ON *.* TO `r`@`%` WITH GRANT OPTION"
        ));
        assert!(!may_follow(
            "GRANT REPLICATION SLAVE ADMIN ON *.* TO `r`@`%`"
        ));
        assert!(!may_follow("GRANT ALL PRIVILEGES ON `d`.* TO `r`@`%`"));
    }
}
