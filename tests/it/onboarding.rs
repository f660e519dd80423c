//! From "I have a database" to "linked": what an operator types first, and then only what the
//! commands themselves say.

use std::path::{Path, PathBuf};

use rabt_tests::{Database, mysql_url, skip};
use sqlx::Connection;

use crate::chinook::{script, without_programs};
use crate::node::Node;

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
