//! From "I have a database" to "linked": what an operator types first, and then only what the
//! commands themselves say.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rabt_tests::{Database, executable, mysql_url, skip};
use serde_json::Value;
use sqlx::Connection;
use tempfile::TempDir;

use crate::chinook::{script, without_programs};

/// A node with certificates of its own making. Dropping it kills the process.
struct Node {
    place: TempDir,
    process: Child,
    /// What was typed and said; `--no-capture` shows it.
    said: String,
}

impl Node {
    /// Makes certificates and settings as the documentation says, and serves.
    fn start() -> Self {
        let place = TempDir::new().unwrap();
        let pki = place.path().join("pki");
        run(Command::new(executable())
            .args(["pki", "dev", "--out"])
            .arg(&pki));
        let settings = place.path().join("rabt.toml");
        std::fs::write(
            &settings,
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             [tls]\ncert = \"pki/server.pem\"\nkey = \"pki/server.key\"\nclient_ca = \"pki/ca.pem\"\n\
             [secrets]\nfolder = \"passwords\"\n",
        )
        .unwrap();
        let mut process = Command::new(executable())
            .args(["serve", "--json", "--config"])
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(place.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut text = String::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            text.push_str(&line.unwrap());
            if let Ok(said) = serde_json::from_str::<Value>(&text) {
                let address = said["address"].as_str().unwrap();
                let (_, port) = address.rsplit_once(':').unwrap();
                let profile = pki.join("profile.toml");
                let old = std::fs::read_to_string(&profile).unwrap();
                let new = old.replace("localhost:7443", &format!("localhost:{port}"));
                std::fs::write(&profile, new).unwrap();
                break;
            }
        }
        Self {
            place,
            process,
            said: String::new(),
        }
    }

    /// Types a command; returns what was printed.
    fn type_in(&mut self, line: &str) -> String {
        let mut words = split(line).into_iter();
        assert_eq!(words.next().as_deref(), Some("rabt"), "{line}");
        let mut command = Command::new(executable());
        command.args(words).current_dir(self.place.path());
        command.env("RABT_PROFILE", self.place.path().join("pki/profile.toml"));
        let output = command.output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        // Writing into a text cannot fail.
        let _ = write!(self.said, "$ {line}\n{out}{err}\n");
        assert!(output.status.success(), "{}", self.said);
        format!("{out}{err}")
    }

    /// Types what the last command printed, and what that one printed, until one prints nothing to
    /// type; returns how many there were.
    fn follow(&mut self, printed: &str) -> usize {
        let mut waiting: Vec<String> = commands(printed);
        let mut typed = 0;
        while !waiting.is_empty() {
            typed += 1;
            assert!(typed < 20, "it never ends:\n{}", self.said);
            let line = waiting.remove(0);
            let printed = self.type_in(&line);
            let next = commands(&printed);
            if !next.is_empty() {
                waiting = next;
            }
        }
        typed
    }

    fn json(&mut self, line: &str) -> Value {
        serde_json::from_str(&self.type_in(line)).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        eprintln!("{}", self.said);
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the commands that stand alone on a line, indented.
fn commands(printed: &str) -> Vec<String> {
    let lines = printed
        .lines()
        .filter_map(|line| line.strip_prefix("  rabt "));
    lines.map(|line| format!("rabt {line}")).collect()
}

/// Splits at blanks outside of quotes, as a shell does.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A register as somebody made it long ago: odd names, Arabic columns, two tables of which one holds
/// people.
async fn odd_database(place: &Path) -> PathBuf {
    let path = place.join("سجل قديم.db");
    let sql = r#"
        CREATE TABLE "T_0042 (old)" ("الرقم القومي" TEXT, "اسم المواطن" TEXT, "ت الميلاد" TEXT, "SERIAL#" INTEGER PRIMARY KEY, "هاتف" TEXT);
        CREATE TABLE lookup_codes (code TEXT PRIMARY KEY, meaning TEXT);
        INSERT INTO lookup_codes VALUES ('A', 'active'), ('B', 'blocked');
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        INSERT INTO "T_0042 (old)"
        SELECT printf('2%02d%02d%02d01%05d', 60 + i % 40, 1 + i % 12, 1 + i % 28, 10000 + i * 7),
               CASE i % 4 WHEN 0 THEN 'محمد أحمد علي حسن' WHEN 1 THEN 'فاطمة محمود السيد' WHEN 2 THEN 'منى عبد الله إبراهيم' ELSE 'عمر خالد مصطفى' END,
               printf('%02d/%02d/19%02d', 1 + i % 28, 1 + i % 12, 60 + i % 40), i, printf('0100%07d', i * 13)
        FROM n;
    "#;
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_database_is_linked_by_what_the_commands_print() {
    let mut node = Node::start();
    let path = odd_database(node.place.path()).await;
    let first = format!(
        "rabt source new old-register --kind sqlite --set 'path={}'",
        path.display()
    );
    let printed = node.type_in(&first);
    let typed = node.follow(&printed);
    assert!(typed >= 5, "{}", node.said);
    let list = node.json("rabt source list --json");
    assert_eq!(list["sources"][0]["state"], "live", "{}", node.said);
    assert_eq!(list["sources"][0]["records"], 40, "{}", node.said);
    assert_eq!(
        list["sources"][0]["in_force"]["approver"],
        "platform:approver-1"
    );
    assert!(
        !node.said.contains("الله إبراهيم"),
        "no value is printed: {}",
        node.said
    );

    // every step can be taken back
    node.type_in("rabt source pause old-register");
    node.type_in("rabt source resume old-register");
    node.type_in("rabt source rewind old-register");
    node.type_in("rabt source export old-register --out again");
    let same = node.type_in("rabt source import again");
    assert!(same.contains("it is in force"), "{same}");
    node.type_in("rabt source start old-register --wait");
    node.type_in("rabt source retire old-register --forget");
    let list = node.json("rabt source list --json");
    assert_eq!(list["sources"][0]["state"], "retired");
    assert_eq!(list["sources"][0]["records"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sakila_is_linked_by_what_the_commands_print() {
    let Some(server) = mysql_url() else {
        return skip("MariaDB");
    };
    let (Some(schema), Some(data)) = (
        script("sakila/sakila-mariadb-schema.sql"),
        script("sakila/sakila-mariadb-data.sql"),
    ) else {
        return;
    };
    let database = Database::on(&server).await;
    database.run(&without_programs(&schema)).await;
    database.run(&without_programs(&data)).await;
    let mut node = Node::start();
    let folder = node.place.path().join("passwords");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("url"), database.url()).unwrap();
    let line = "rabt source new shop --kind mysql --set 'url={ secret = \"file:passwords/url\" }'";
    let printed = node.type_in(line);
    node.follow(&printed);
    let list = node.json("rabt source list --json");
    assert_eq!(list["sources"][0]["state"], "live", "{}", node.said);
    assert!(
        list["sources"][0]["records"].as_u64() > Some(590),
        "{}",
        node.said
    );
}
