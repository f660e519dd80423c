//! Mappings from text to records.

use rabt_model::{AgencyId, Attribute, Kin, SourceId, StreamId, Timestamp, Value};

use super::{Mapped, Mapping, MappingContext, RejectReason};
use crate::document::Document;
use crate::message::{Batch, BatchBuilder, Cell, Fault};

struct Host {
    source: SourceId,
    agency: AgencyId,
    stream: StreamId,
    key: Vec<String>,
    cursor: Option<String>,
}

fn host(key: &[&str]) -> Host {
    Host {
        source: "electricity-giza".parse().unwrap(),
        agency: "electricity".parse().unwrap(),
        stream: "person".parse().unwrap(),
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        cursor: None,
    }
}

impl Host {
    fn context(&self) -> MappingContext<'_> {
        MappingContext {
            source: &self.source,
            agency: &self.agency,
            stream: &self.stream,
            key: &self.key,
            cursor: self.cursor.as_deref(),
            observed_at: "2026-06-01T00:00:00Z".parse::<Timestamp>().unwrap(),
        }
    }

    fn apply(&self, mapping: &Mapping, batch: &Batch) -> Mapped {
        let mapped = mapping.apply(batch, &self.context());
        let whole_rows = mapped.rejections.iter().filter(|r| !r.field_only).count();
        let skipped = usize::try_from(mapped.skipped).unwrap();
        assert_eq!(mapped.records.len() + whole_rows + skipped, batch.rows());
        mapped
    }
}

fn load(text: &str) -> Result<Mapping, Vec<String>> {
    let agency: AgencyId = "electricity".parse().unwrap();
    let (document, root) = Document::parse("mapping.toml", text);
    let mapping = root.as_ref().and_then(|root| {
        let fields = document.root(root).fields()?;
        super::load(&fields, Some(&agency)).pop()?.mapping
    });
    let problems = document.into_problems();
    match mapping {
        Some(mapping) if problems.is_empty() => Ok(mapping),
        _ => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

fn batch(columns: &[&str], rows: &[&[Cell<'_>]]) -> Batch {
    let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut builder = BatchBuilder::new(names);
    for row in rows {
        builder.push_row(row.iter().copied());
    }
    builder.take()
}

fn t(text: &str) -> Cell<'_> {
    Cell::Text(text)
}

fn lines(mapped: &Mapped, row: usize) -> Vec<String> {
    let values = mapped.records[row].values.iter();
    values
        .map(|v| format!("{}={}", v.attribute, v.value.expose().to_line()))
        .collect()
}

fn reasons(mapped: &Mapped) -> Vec<(String, &'static str, bool)> {
    let rejections = mapped.rejections.iter();
    rejections
        .map(|r| (r.column.clone(), r.reason.code(), r.field_only))
        .collect()
}

const WHOLE: &str = r#"
[person]
"name.chain" = { from = ["F", "S", "L"], as = ["given", "father", "family"], steps = ["trim", "collapse_spaces"] }
"identifier.national_id" = { from = "NID", steps = ["digits_ascii", "trim", { check = "egypt_national_id" }], on_reject = "keep" }
"birth.date" = { from = ["Y", "M", "D"], steps = [{ join = "-" }, "parse_partial_date"] }
"sex" = { from = "SEX", steps = [{ lookup = { "1" = "male", "2" = "female" } }] }
"address" = { governorate = { from = "GOV", steps = [{ pad_left = { width = 2, with = "0" } }] }, street = { from = "STR", steps = ["trim"] } }
"phone" = [ { from = "T1", steps = ["trim"] }, { from = "T2", steps = ["trim"] } ]
"facts.electricity.class" = { from = "CLS" }
"relation" = { kind = "father", from = "FNID" }
[person.event_at]
from = "UPD"
[person.only]
column = "ST"
in = ["A", "P"]
"#;

const COLUMNS: [&str; 17] = [
    "ID", "F", "S", "L", "NID", "Y", "M", "D", "SEX", "GOV", "STR", "T1", "T2", "CLS", "FNID",
    "UPD", "ST",
];

#[rustfmt::skip]
fn good<'a>() -> [Cell<'a>; 17] {
    [t("7"), t(" محمد "), t("علي"), t("حسن  الدين"), t("٢٩٠٠١٠١٠١١٢٣٤٥"), t("1990"), t("1"), t("1"),
     t("1"), t("1"), t("5 شارع النيل"), t("0100"), t(" "), t("gold"), Cell::Null,
     t("2024-05-01 10:00:00"), t("A")]
}

#[test]
fn a_row_becomes_a_record() {
    let mapping = load(WHOLE).unwrap();
    let mapped = host(&["ID"]).apply(&mapping, &batch(&COLUMNS, &[&good()]));
    assert_eq!(reasons(&mapped), []);
    assert_eq!(
        lines(&mapped, 0),
        [
            "name.chain=محمد علي حسن الدين",
            "identifier.national_id=29001010112345",
            "birth.date=1990-01-01",
            "sex=male",
            "address=5 شارع النيل، 01",
            "phone=0100",
            "facts.electricity.class=gold",
        ]
    );
    let record = &mapped.records[0];
    assert_eq!(record.id.key.expose(), "7");
    assert_eq!(record.values[0].column, "F+S+L");
    assert_eq!(record.event_at.unwrap().to_string(), "2024-05-01T10:00:00Z");
    let Value::Name(name) = record.values[0].value.expose() else {
        panic!("a name");
    };
    assert_eq!(name.parts[2].kin, Kin::Family);
    let mut columns = COLUMNS.to_vec();
    columns.retain(|column| *column != "ID");
    columns.sort_unstable();
    assert_eq!(mapping.columns().collect::<Vec<_>>(), columns);
}

#[test]
fn a_wrong_id_is_kept_and_reported() {
    let mapping = load(WHOLE).unwrap();
    let mut row = good();
    row[4] = t(" ١٢٣ ");
    row[8] = t("9");
    let mapped = host(&["ID"]).apply(&mapping, &batch(&COLUMNS, &[&row]));
    assert!(lines(&mapped, 0).contains(&"identifier.national_id=123".to_owned()));
    assert!(!lines(&mapped, 0).iter().any(|line| line.starts_with("sex")));
    assert_eq!(
        reasons(&mapped),
        [
            ("NID".to_owned(), "bad_national_id", true),
            ("SEX".to_owned(), "not_in_list", true),
        ]
    );
}

#[test]
fn dates_of_parts_never_lose_a_part_in_the_middle() {
    let mapping = load(WHOLE).unwrap();
    let mut no_day = good();
    no_day[7] = Cell::Null;
    let mut no_month = good();
    (no_month[0], no_month[6]) = (t("8"), Cell::Null);
    let mut nothing = good();
    (nothing[0], nothing[5], nothing[6], nothing[7]) = (t("9"), Cell::Null, t(""), Cell::Null);
    let rows: [&[Cell<'_>]; 3] = [&no_day, &no_month, &nothing];
    let mapped = host(&["ID"]).apply(&mapping, &batch(&COLUMNS, &rows));
    assert!(lines(&mapped, 0).contains(&"birth.date=1990-01".to_owned()));
    assert_eq!(reasons(&mapped), [("Y+M+D".to_owned(), "bad_date", true)]);
}

#[test]
fn rows_are_skipped_by_only() {
    let mapping = load(WHOLE).unwrap();
    let mut other = good();
    other[16] = t("X");
    let mut null = good();
    null[16] = Cell::Null;
    let mapped = host(&["ID"]).apply(&mapping, &batch(&COLUMNS, &[&other, &null]));
    assert_eq!((mapped.records.len(), mapped.skipped), (0, 2));
}

const SMALL: &str = r#"
[person]
"name.chain" = { from = "N", on_reject = "row" }
"phone" = { from = "T", on_reject = "keep" }
"#;

#[test]
fn keys_are_missing_doubled_or_composite() {
    let mapping = load(SMALL).unwrap();
    let columns = ["A", "B", "N", "T"];
    let x = t("x");
    let rows: [&[Cell<'_>]; 6] = [
        &[t("1"), t("2"), x, x],
        &[t("1"), t("2"), t("later"), x],
        &[t("1"), Cell::Null, x, x],
        &[t("1"), t(" "), x, x],
        &[t("1\u{1f}2"), t("2"), x, x],
        &[t("12"), t("2"), x, x],
    ];
    let mapped = host(&["A", "B"]).apply(&mapping, &batch(&columns, &rows));
    let keys: Vec<&String> = mapped.records.iter().map(|r| r.id.key.expose()).collect();
    assert_eq!(keys, ["1\u{1f}2", "12\u{1f}2"]);
    let codes: Vec<&str> = mapped.rejections.iter().map(|r| r.reason.code()).collect();
    assert_eq!(
        codes,
        ["duplicate_key", "missing_key", "missing_key", "bad_key"]
    );
    assert_eq!(mapped.rejections[0].column, "A+B");
    assert_ne!(mapped.rejections[1].key, mapped.rejections[3].key);
}

#[test]
fn a_table_without_a_key_is_keyed_by_content() {
    let mapping = load(SMALL).unwrap();
    let rows: [&[Cell<'_>]; 4] = [
        &[t("a"), t("")],
        &[t("a"), Cell::Null],
        &[t("b"), t("")],
        &[t("a"), t("")],
    ];
    let mapped = host(&[]).apply(&mapping, &batch(&["N", "T"], &rows));
    assert_eq!(mapped.records.len(), 3);
    assert!(mapped.records.iter().all(|r| r.id.key.expose().len() == 32));
    assert_eq!(mapped.rejections[0].reason, RejectReason::DuplicateKey);
}

#[test]
fn hostile_cells_are_rejections() {
    let mapping = load(SMALL).unwrap();
    let long = "x".repeat(1_000_000);
    let rows: [&[Cell<'_>]; 8] = [
        &[t("1"), t(&long), t("x")],
        &[t("2"), t("a\0b"), t("x")],
        &[t("3"), t("n"), t(&long)],
        &[t("4"), t("n"), Cell::Unreadable(Fault::Binary)],
        &[t("5"), t("n"), Cell::Unchanged],
        &[t("6"), t("n"), Cell::Unreadable(Fault::RaggedRow)],
        &[t("7"), Cell::Null, t("")],
        &[Cell::Unreadable(Fault::NotText), t("n"), t("x")],
    ];
    let mapped = host(&["ID"]).apply(&mapping, &batch(&["ID", "N", "T"], &rows));
    let n = |code, field_only| ("N".to_owned(), code, field_only);
    let p = |code, field_only| ("T".to_owned(), code, field_only);
    assert_eq!(
        reasons(&mapped),
        [
            n("too_long", false),
            n("nul_byte", false),
            p("too_long", true),
            p("binary", true),
            p("unchanged", false),
            p("ragged_row", false),
            (String::new(), "no_value", false),
            ("ID".to_owned(), "missing_key", false),
        ]
    );
    assert_eq!(lines(&mapped, 0), ["name.chain=n"]);
}

#[test]
fn a_batch_without_the_columns_is_rejected_row_by_row() {
    let mapping = load(WHOLE).unwrap();
    let mapped = host(&["ID"]).apply(&mapping, &batch(&["ID"], &[&[t("1")]]));
    assert_eq!(reasons(&mapped), [("ST".to_owned(), "no_column", false)]);
}

#[test]
fn the_hash_follows_content_version_and_key_alone() {
    let mapping = load(SMALL).unwrap();
    let hash = |host: &Host, cells: [Cell<'_>; 4]| {
        let batch = batch(&["ID", "V", "N", "T"], &[&cells]);
        host.apply(&mapping, &batch).records[0].content_hash
    };
    let plain = host(&["ID"]);
    let base = hash(&plain, [t("1"), t("v"), t("ab"), t("c")]);
    assert_eq!(base, hash(&plain, [t("1"), t("w"), t("ab"), t("c")]));
    assert_ne!(base, hash(&plain, [t("2"), t("v"), t("ab"), t("c")]));
    assert_ne!(base, hash(&plain, [t("1"), t("v"), t("a"), t("bc")]));
    assert_ne!(base, hash(&plain, [t("1"), t("v"), t("ab"), Cell::Null]));
    let versioned = Host {
        cursor: Some("V".to_owned()),
        ..host(&["ID"])
    };
    let first = hash(&versioned, [t("1"), t("v"), t("ab"), t("c")]);
    assert_ne!(first, hash(&versioned, [t("1"), t("w"), t("ab"), t("c")]));
}

#[test]
fn lineage_tells_what_was_done() {
    let mapping = load(WHOLE).unwrap();
    let lineage = mapping.lineage(&Attribute::national_id(), "NID");
    let english: Vec<&str> = lineage.iter().map(|label| label.en.as_str()).collect();
    assert_eq!(
        english,
        [
            "is read from NID",
            "Arabic digits are written as 0 to 9",
            "spaces at both ends are removed",
            "must have the structure of a national id",
            "a value that is refused is kept as it was written",
        ]
    );
    let chain = mapping.lineage(&Attribute::NameChain, "F+S+L");
    assert_eq!(chain.len(), 5);
    assert!(chain.iter().all(|label| !label.ar.is_empty()));
    let date = mapping.lineage(&Attribute::BirthDate, "Y+M+D");
    assert_eq!(date[1].en, "the columns are joined with '-'");
    assert!(mapping.lineage(&Attribute::Sex, "nothing").is_empty());
}

#[test]
fn mistakes_are_told_with_their_lines() {
    let problems = load(
        r#"
[person]
"name.chian" = { from = "N" }
"name.chain" = { from = ["A", "B"] }
"name.latin" = { from = ["A", "B"], as = ["given", "fathr"] }
"mother.name" = { from = ["A", "B"], as = ["given"], steps = ["trimm"] }
"birth.date" = { from = "D", steps = ["trim"] }
"death.date" = { from = "D", steps = [{ parse_date = { formats = ["%d/%q/%Y"], calender = "hijri" } }] }
"sex" = { from = "S", steps = [{ lookup = { "1" = "man" } }], on_reject = "drop" }
"marital_status" = [ { from = "S" } ]
"phone" = { from = "T", step = ["trim"] }
"email" = { from = "T", steps = [{ check = "egypt_nationalid" }, "take", { trim = 1, nfc = 2 }] }
"facts.water.x" = { from = "T" }
"identifier.national_id" = { from = 7 }
"address" = { city = { from = "C" } }
"relation" = { kind = "fater", from = "R" }
name = { from = "N" }
"photo_reference" = { from = "P", steps = [{ parse_date = { formats = ["%Y%m%d"] } }, "trim"] }
"#,
    )
    .unwrap_err();
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn a_row_may_name_the_row_that_takes_its_place() {
    let text = "[person]\nreplaced_by = [\"TO_A\", \"TO_B\"]\n\"sex\" = { from = \"SEX\" }\n";
    let mapping = load(text).unwrap();
    assert!(mapping.columns().any(|column| column == "TO_A"));
    let columns = ["A", "B", "SEX", "TO_A", "TO_B"];
    let row = |a, to_a, to_b| [t(a), t("1"), t("male"), to_a, to_b];
    let rows = [
        row("1", Cell::Null, t(" ")),
        row("2", t("1"), t("1")),
        row("3", t("3"), t("1")),
        row("4", t("1"), Cell::Null),
        row("5", t("1\u{1f}"), t("1")),
        row("6", Cell::Unchanged, t("1")),
    ];
    let rows: Vec<&[Cell<'_>]> = rows.iter().map(<[Cell<'_>; 5]>::as_slice).collect();
    let mapped = host(&["A", "B"]).apply(&mapping, &batch(&columns, &rows));
    let said: Vec<Option<&str>> = mapped
        .records
        .iter()
        .map(|record| record.replaced_by.as_ref().map(|key| key.expose().as_str()))
        .collect();
    assert_eq!(said, [None, Some("1\u{1f}1"), None, None, None]);
    let reasons: Vec<(RejectReason, bool)> = mapped
        .rejections
        .iter()
        .map(|rejection| (rejection.reason, rejection.field_only))
        .collect();
    assert_eq!(
        reasons,
        [
            (RejectReason::ReplacedByItself, true),
            (RejectReason::BadReplacement, true),
            (RejectReason::BadReplacement, true),
            (RejectReason::Unchanged, false),
        ]
    );
    assert_eq!(mapped.rejections[0].column, "TO_A+TO_B");
    let [silent, saying] = [&mapped.records[0], &mapped.records[1]];
    assert_ne!(silent.content_hash, saying.content_hash);
}

#[test]
fn among_changes_the_last_row_of_a_key_counts() {
    let text =
        "[person]\n\"sex\" = { from = \"S\" }\n[person.only]\ncolumn = \"A\"\nin = [\"1\"]\n";
    let mapping = load(text).unwrap();
    let rows: [&[Cell<'_>]; 6] = [
        &[t("1"), t("male"), t("1")],
        &[t("2"), t("male"), t("1")],
        &[t("1"), t("female"), t("1")],
        &[t("2"), t("male"), t("0")],
        &[t("3"), t("male"), t("0")],
        &[t("3"), t("male"), t("1")],
    ];
    let batch = batch(&["K", "S", "A"], &rows);
    let host = host(&["K"]);
    let context = host.context();
    let mapped = mapping.apply_changes(&batch, &context);
    assert_eq!(mapped.rejections, []);
    let keys: Vec<&str> = mapped
        .records
        .iter()
        .map(|r| r.id.key.expose().as_str())
        .collect();
    assert_eq!(keys, ["1", "2", "3"]);
    assert_eq!(lines(&mapped, 0), ["sex=female"]);
    let left_out: Vec<&str> = mapped
        .left_out
        .iter()
        .map(|key| key.expose().as_str())
        .collect();
    assert_eq!((left_out, mapped.skipped), (vec!["2"], 2));
    let keys = mapping.keys(&batch, &context);
    assert_eq!(keys.len(), 4, "of the rows that are not left out");
}
