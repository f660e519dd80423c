//! Values in the log: they read as those that a statement selects.

use super::Agency;
use super::mirror::{Mirror, changes};

/// Reads the rows of a table by a statement, then the same rows written again by the log.
async fn both(name: &str, columns: &str, rows: &[&str], setup: &str) -> Option<()> {
    let definition = format!("{setup} CREATE TABLE person (id bigint PRIMARY KEY, {columns})");
    let agency = Agency::with(name, &definition).await?;
    let names: Vec<&str> = columns
        .split('\n')
        .filter_map(|line| line.trim().split(' ').next())
        .filter(|name| !name.is_empty())
        .collect();
    let insert = |from: usize| {
        let one = |(at, row): (usize, &&str)| {
            format!(
                "INSERT INTO person ({}) VALUES ({}, {row});",
                list(&names),
                from + at
            )
        };
        let all: Vec<String> = rows.iter().enumerate().map(one).collect();
        format!(
            "SET SESSION sql_mode = ''; SET NAMES utf8mb4; {}",
            all.join(" ")
        )
    };
    agency.run(&insert(1)).await;
    let mut all = vec!["id"];
    all.extend(&names);
    let (session, plan) = (agency.logging(), changes("person", &["id"], &all));
    let mut mirror = Mirror::default();
    let selected = mirror.news(&session, &plan).await;
    agency.run(&insert(101)).await;
    let logged = mirror.news(&session, &plan).await;
    let behind = |lines: &[String]| -> Vec<String> {
        let line = |line: &String| line.split_once('|').unwrap().1.to_owned();
        lines.iter().map(line).collect()
    };
    let (selected, logged) = (behind(&selected), behind(&logged));
    assert_eq!(selected.len(), rows.len());
    for (selected, logged) in selected.iter().zip(&logged) {
        let pairs = selected.split('|').zip(logged.split('|'));
        for ((selected, logged), name) in pairs.zip(&names) {
            assert_eq!(logged, selected, "the column {name}");
        }
    }
    assert_eq!(logged, selected);
    Some(())
}

fn list(names: &[&str]) -> String {
    format!("id, {}", names.join(", "))
}

#[tokio::test]
async fn numbers() {
    both(
        "value_numbers",
        "tiny tinyint,
         utiny tinyint unsigned,
         small smallint,
         usmall smallint unsigned,
         medium mediumint,
         umedium mediumint unsigned,
         plain int,
         uplain int unsigned,
         big bigint,
         ubig bigint unsigned,
         filled int(6) unsigned zerofill,
         ufilled tinyint unsigned zerofill,
         flag boolean,
         paid decimal(20,4),
         whole decimal(30,0),
         part decimal(5,5),
         wide decimal(65,30),
         zpaid decimal(8,2) zerofill,
         share float,
         exact double,
         bits bit(1),
         more bit(64),
         some bit(11),
         born year",
        &[
            "-128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295,
             -9223372036854775808, 18446744073709551615, 42, 7, true, -0.5, 123456789012345678901234567890,
             0.00001, 12345678901234567890123456789012345.000000000000000000000000000001, 3.5, 0.1, 1e300,
             b'1', b'1111111111111111111111111111111111111111111111111111111111111111', b'10000000001', 1984",
            "127, 0, 32767, 0, 8388607, 8388608, 2147483647, 2147483648, 9223372036854775807,
             9223372036854775808, 0, 0, false, 1234567890123456.7891, -7, -0.12345, -0.000000000000000000000000000001,
             0, -1.5e-10, 0.1, b'0', b'0', b'0', 0",
            "0, 1, 0, 1, -1, 1, 0, 1, 0, 1, 1234567, 255, NULL, 0, 0, 0, 0, 123.45, 3.4e38, -0.0, b'1', b'1', b'1', 2155",
            "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
             NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1901",
        ],
        "",
    )
    .await;
}

#[tokio::test]
async fn times() {
    both(
        "value_times",
        "born date,
         seen datetime,
         exact datetime(6),
         tenth datetime(1),
         stamp timestamp NULL,
         finer timestamp(6) NULL,
         third timestamp(3) NULL,
         span time,
         longer time(6),
         half time(2)",
        &[
            "'1984-02-11', '2024-02-29 23:59:59', '2024-03-01 10:00:00.000001', '2024-03-01 10:00:00.9',
             '2024-03-01 10:00:00', '2038-01-19 03:14:07.999999', '1970-01-01 00:00:01.5', '10:00:00',
             '-838:59:59.000000', '00:00:00.05'",
            "'0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00',
             '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '00:00:00', '00:00:00', '-00:00:00.01'",
            "'9999-12-31', '1000-01-01', '9999-12-31 23:59:59.999999', '0001-01-01', '2000-01-01', '2000-01-01',
             '2000-01-01', '838:59:59', '-00:00:00.000001', '-01:02:03.40'",
            "'2024-00-00', '2024-12-00 01:02:03', '0000-12-31', NULL, NULL, NULL, NULL, '-100:00:01', '99:59:59.5', NULL",
        ],
        "SET time_zone = '+02:00';",
    )
    .await;
}

#[tokio::test]
async fn texts_of_every_character_set() {
    let columns = "plain varchar(40) CHARACTER SET utf8mb4,
         three varchar(40) CHARACTER SET utf8mb3,
         western varchar(40) CHARACTER SET latin1,
         arabic varchar(40) CHARACTER SET cp1256,
         slavic char(40) CHARACTER SET cp1251,
         ascii varchar(40) CHARACTER SET ascii,
         wide varchar(40) CHARACTER SET utf16,
         chinese varchar(40) CHARACTER SET gbk,
         uca varchar(40) CHARACTER SET utf8mb4 COLLATE uca1400_ai_ci,
         note mediumtext CHARACTER SET latin1,
         tiny tinytext CHARACTER SET cp1256,
         fixed char(10),
         grade enum('أ','ب','ج') CHARACTER SET cp1256,
         city enum('Zürich','Genève') CHARACTER SET latin1,
         tags set('قمح','شعير','x') CHARACTER SET utf8mb4,
         doc json,
         own uuid,
         ip inet6,
         raw binary(6),
         more varbinary(20),
         photo blob,
         place point";
    both(
        "value_texts",
        columns,
        &[
            "'منى 😀', 'منى', 'Müller', 'منى', 'Привет', 'a', 'منى 😀', '中文', 'منى 😀', 'é€', 'ھ', 'ab  ', 'ب', 'Genève',
             'قمح,x', '{\"a\": 1.50, \"b\":[]}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '::1', x'616200000000', x'6162',
             'text', ST_GeomFromText('POINT(1 2)')",
            "'', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '{}', NULL, NULL, '', '', '', NULL",
            "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
             x'ff00', x'00ff', x'c3', NULL",
        ],
        "",
    )
    .await;
}

#[tokio::test]
async fn every_byte_of_single_byte_character_sets() {
    let sets = [
        "latin1", "cp1256", "cp1251", "cp850", "latin5", "hebrew", "greek", "latin2", "cp1257",
        "koi8r",
    ];
    let columns: Vec<String> = sets
        .iter()
        .map(|set| format!("{set} text CHARACTER SET {set}"))
        .collect();
    // Without what parts cells and lines here.
    let all: Vec<u8> = (1..=u8::MAX).filter(|byte| *byte != b'|').collect();
    let all = rabt_connect::hex(&all);
    let row: Vec<String> = sets
        .iter()
        .map(|set| format!("CONVERT(x'{all}' USING {set})"))
        .collect();
    let row = row.join(", ");
    both("value_bytes", &columns.join(",\n"), &[&row], "").await;
}

#[tokio::test]
async fn columns_that_are_computed_are_read_again() {
    let Some(agency) = Agency::with(
        "value_computed",
        "CREATE TABLE person (id int PRIMARY KEY, name text, half varchar(9) AS (left(name, 1)) VIRTUAL,
           kept varchar(9) AS (left(name, 2)) STORED)",
    )
    .await
    else {
        return;
    };
    let (session, plan) = (
        agency.logging(),
        changes("person", &["id"], &["half", "id", "kept"]),
    );
    let mut mirror = Mirror::default();
    mirror.read(&session, &plan).await.unwrap();
    agency
        .run("INSERT INTO person (id, name) VALUES (1, 'abc')")
        .await;
    assert_eq!(mirror.news(&session, &plan).await, ["+a|1|ab"]);
}

#[tokio::test]
async fn keys_read_as_those_of_a_statement() {
    for (name, kind, one, two) in [
        ("key_bytes", "binary(4)", "x'01000000'", "x'01020000'"),
        ("key_varbytes", "varbinary(4)", "x'0100'", "x'ff'"),
        ("key_decimal", "decimal(9,2)", "1.50", "-0.25"),
        ("key_date", "date", "'2024-01-02'", "'1999-12-31'"),
        (
            "key_text",
            "varchar(9) CHARACTER SET cp1256",
            "'منى'",
            "'علي'",
        ),
        ("key_enum", "enum('b','a')", "'a'", "'b'"),
        ("key_bits", "bit(9)", "b'101'", "b'100000000'"),
    ] {
        let Some(agency) = Agency::with(
            name,
            &format!("CREATE TABLE person (k {kind} PRIMARY KEY, share double)"),
        )
        .await
        else {
            return;
        };
        let write = format!("SET NAMES utf8mb4; INSERT INTO person VALUES ({one}, 0.5)");
        agency.run(&write).await;
        let (session, plan) = (agency.logging(), changes("person", &["k"], &["k", "share"]));
        let mut mirror = Mirror::default();
        let first = mirror.news(&session, &plan).await;
        // `share` is read again by the key.
        agency.run("UPDATE person SET share = 0.25").await;
        let again = mirror.news(&session, &plan).await;
        assert_eq!(again, [first[0].replace("|0.5", "|0.25")], "{name}");
        agency
            .run(&format!("SET NAMES utf8mb4; UPDATE person SET k = {two}"))
            .await;
        let moved = mirror.news(&session, &plan).await;
        let key = first[0].trim_start_matches('+').split('|').next().unwrap();
        assert_eq!(moved[0], format!("-{key}"), "{name}: {moved:?}");
        let mut anew = Mirror::default();
        assert_eq!(anew.news(&session, &plan).await, moved[1..], "{name}");
    }
}
