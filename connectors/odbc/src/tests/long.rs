//! Values of every length, through sets of rows and one by one: none is cut, none is lost.

use rabt_connect::{MAX_CELL_BYTES, Plan, Session};

use super::agency::{Agency, Driver};
use super::equal::{plan, read};
use crate::Odbc;

/// Lengths around the room that a text has at first, and around what the contract takes.
const LENGTHS: [usize; 12] = [
    0, 1, 253, 254, 255, 382, 383, 384, 385, 10_000, 65_536, 65_537,
];

/// Texts of one, two and four bytes a letter; the last has two units of UTF-16 each, so that one stands
/// across every border.
fn texts() -> Vec<String> {
    let mut texts = Vec::new();
    for length in LENGTHS {
        texts.push("x".repeat(length));
        texts.push("م".repeat(length / 2));
        texts.push(format!("y{}", "👩".repeat(length / 4)));
    }
    // Short ones in between, so that a set holds both.
    let short = (0..300).map(|number| format!("short {number}"));
    texts.extend(short);
    texts
}

fn shown(text: &str) -> String {
    if text.len() > MAX_CELL_BYTES {
        "<too_long>".to_owned()
    } else {
        text.to_owned()
    }
}

fn session(agency: &Agency, fetch: &str) -> Session {
    let config = agency.config_with(&[("fetch", fetch)]);
    Session::new("tax".parse().unwrap(), config, "/")
}

/// Returns lengths and beginnings: a failure that shows all of every text helps nobody.
fn brief(rows: &[Vec<String>]) -> Vec<String> {
    let cell = |cell: &String| format!("{}:{:.12}", cell.len(), cell);
    let row = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join("|");
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn values_of_every_length_arrive_whole() {
    for driver in [Driver::Sqlite, Driver::Postgres, Driver::Mariadb] {
        let Some(agency) = Agency::new(driver) else {
            continue;
        };
        // SQLite holds what it likes in a column of three characters.
        let (note, name) = match driver {
            Driver::Sqlite => ("varchar(3)", "integer"),
            Driver::Postgres => ("text", "varchar(70000)"),
            Driver::Mariadb => ("mediumtext", "longtext"),
        };
        let encoding = match driver {
            Driver::Mariadb => " CHARACTER SET utf8mb4",
            Driver::Sqlite | Driver::Postgres => "",
        };
        agency.run(&format!(
            "CREATE TABLE people (id bigint PRIMARY KEY, kind bigint, note {note}, name {name}){encoding}"
        ));
        let texts = texts();
        let mut expected = Vec::new();
        let mut rows = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            // The other column is long elsewhere.
            let other = &texts[(number * 7 + 20) % texts.len()];
            let (id, kind) = (number.to_string(), (number % 3).to_string());
            expected.push(vec![id.clone(), shown(text), shown(other)]);
            rows.push([id, kind, text.clone(), other.clone()].map(Some).to_vec());
        }
        let table = rabt_connect::compliance::NewTable::new(
            "people",
            &["id#", "kind#", "note", "name"],
            &["id"],
        );
        agency.insert_rows(&table, &rows);
        let columns = ["id", "note", "name"];
        for fetch in ["sets", "rows"] {
            for (key, chunk) in [
                (&["id"][..], 2),
                (&["id"], 1_000),
                (&["kind"], 50),
                (&[], 50),
            ] {
                let plan = Plan {
                    chunk_rows: chunk,
                    ..plan("people", &columns, key)
                };
                let (mut found, _) = read(&Odbc, &session(&agency, fetch), &plan, None).await;
                if key != ["id"] {
                    found.sort_by_key(|row| row[0].parse::<usize>().unwrap());
                }
                assert!(
                    found == expected,
                    "{driver:?} {fetch} {key:?}: {:#?}",
                    brief(&found)
                );
            }
        }
    }
}
