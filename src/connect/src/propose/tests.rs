mod people;
mod random;

use super::{Body, Proposal, TableProposal, propose};
use crate::connector::{Capabilities, Mode};
use crate::manifest::AgencyFolder;
use crate::mapping::{Mapped, MappingContext};
use crate::step::Step;
use people::{Made, agency, made};

const BOTH: Capabilities = Capabilities {
    snapshot: true,
    incremental: true,
    changes: false,
};

fn one(made: &Made) -> TableProposal {
    let mut proposal = propose(&[made.surveyed()], BOTH);
    proposal.tables.remove(0)
}

/// Returns attribute and part of a column, as `name.chain/given`.
fn meaning(table: &TableProposal, column: &str) -> String {
    let found = table.columns.iter().find(|one| one.name == column).unwrap();
    let attribute = found.attribute.as_ref().map(ToString::to_string);
    match (attribute, found.part) {
        (None, _) => "-".to_owned(),
        (Some(attribute), None) => attribute,
        (Some(attribute), Some(part)) => format!("{attribute}/{part}"),
    }
}

fn steps_of<'t>(table: &'t TableProposal, attribute: &str) -> &'t [Step] {
    let line = table
        .lines
        .iter()
        .find(|line| line.attribute.to_string() == attribute);
    match &line.unwrap().body {
        Body::Value { steps, .. } => steps,
        Body::Address(_) | Body::Relation(..) => panic!("{attribute} is one value"),
    }
}

/// Maps the rows by the folder that is written.
fn map(made: &Made, proposal: &Proposal) -> Mapped {
    let folder = proposal.to_folder(&agency()).expect("a table holds people");
    let loaded = AgencyFolder::load(&folder.files());
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}\n{}", folder.mapping));
    let source = &loaded.sources[0];
    let stream = &source.streams[0];
    let context = MappingContext {
        source: &source.id,
        agency: &loaded.id,
        stream: &stream.id,
        key: &stream.key,
        cursor: stream.cursor(),
        observed_at: "2026-01-15T08:00:00Z".parse().unwrap(),
    };
    stream.mapping.apply(&made.batch(), &context)
}

#[test]
fn an_old_register_is_mapped_without_edits() {
    let made = made(
        "TBL_REG1",
        &[
            "SEQ", "NM1", "NM2", "NM3", "NM4", "NO_Q", "BRTH_DT", "SX_CD", "MOB1", "GOV_NM",
            "UPD_TS",
        ],
        |person| {
            vec![
                person.number(),
                person.given(),
                person.father(),
                person.grandfather(),
                person.family(),
                person.national_id(),
                person.born("%d/%m/%Y"),
                if person.male() { "10" } else { "20" }.to_owned(),
                person.phone(),
                person.governorate(),
                person.changed(),
            ]
        },
    );
    let table = one(&made);
    assert!(table.holds_persons && table.score > 80, "{table:#?}");
    let meanings: Vec<String> = made.names().map(|name| meaning(&table, name)).collect();
    assert_eq!(
        meanings,
        [
            "-",
            "name.chain/given",
            "name.chain/father",
            "name.chain/grandfather",
            "name.chain/family",
            "identifier.national_id",
            "birth.date",
            "sex",
            "phone",
            "address/governorate",
            "-",
        ]
    );
    assert_eq!(table.key, ["SEQ"]);
    assert!(matches!(&table.mode, Mode::Incremental { cursor, .. } if cursor == "UPD_TS"));
    let proposal = Proposal {
        tables: vec![table],
    };
    let mapped = map(&made, &proposal);
    assert_eq!((mapped.records.len(), mapped.rejections.len()), (60, 0));
    for (record, person) in mapped.records.iter().zip(people::all()) {
        let line = |id: &str| {
            let attribute = id.parse().unwrap();
            let mut values = record.values_of(&attribute);
            values.next().map(|value| value.value.expose().to_line())
        };
        assert_eq!(line("birth.date"), Some(person.born("%Y-%m-%d")));
        let sex = if person.male() { "male" } else { "female" };
        assert_eq!(line("sex").as_deref(), Some(sex));
    }
    let folder = proposal.to_folder(&agency()).unwrap();
    insta::assert_snapshot!("manifest", folder.manifest);
    insta::assert_snapshot!("mapping", folder.mapping);
}

#[test]
fn the_national_id_settles_what_names_leave_open() {
    let made = made("x", &["a", "b", "c", "d"], |person| {
        vec![
            person.national_id(),
            person.born("%m/%d/%Y"),
            if person.male() { "م" } else { "ث" }.to_owned(),
            person.full(),
        ]
    });
    let table = one(&made);
    assert_eq!(meaning(&table, "a"), "identifier.national_id");
    assert_eq!(meaning(&table, "b"), "birth.date");
    assert_eq!(meaning(&table, "c"), "sex");
    let dates = format!("{:?}", steps_of(&table, "birth.date"));
    assert!(dates.contains("%m/%d/%Y"), "{dates}");
    assert_eq!(
        map(
            &made,
            &Proposal {
                tables: vec![table]
            }
        )
        .rejections
        .len(),
        0
    );
}

#[test]
fn who_is_meant_decides() {
    let made = made(
        "students",
        &[
            "id",
            "name",
            "nid",
            "father_nid",
            "guardian_phone",
            "school_name",
            "issue_date",
        ],
        |person| {
            vec![
                person.number(),
                person.full(),
                person.national_id(),
                person.next().national_id(),
                person.phone(),
                "مدرسة النصر".to_owned(),
                "2020-01-02".to_owned(),
            ]
        },
    );
    let table = one(&made);
    let meanings: Vec<String> = made.names().map(|name| meaning(&table, name)).collect();
    assert_eq!(
        meanings,
        [
            "-",
            "name.chain",
            "identifier.national_id",
            "relation/father",
            "-",
            "-",
            "-"
        ]
    );
    map(
        &made,
        &Proposal {
            tables: vec![table],
        },
    );
}

#[test]
fn hijri_dates_and_dates_in_parts_are_read() {
    let made = made(
        "persons",
        &["name", "تاريخ الميلاد الهجري", "y", "m"],
        |person| {
            vec![
                person.full(),
                "24/12/1407".to_owned(),
                String::new(),
                String::new(),
            ]
        },
    );
    let dates = format!("{:?}", steps_of(&one(&made), "birth.date"));
    assert!(dates.contains("Hijri"), "{dates}");
    let made = self::made(
        "persons",
        &["name", "birth_day", "birth_month", "birth_year"],
        |person| {
            vec![
                person.full(),
                person.born("%d"),
                person.born("%m"),
                person.born("%Y"),
            ]
        },
    );
    let table = one(&made);
    assert_eq!(meaning(&table, "birth_month"), "birth.date/month");
    let mapped = map(
        &made,
        &Proposal {
            tables: vec![table],
        },
    );
    let first = &mapped.records[0];
    let attribute = "birth.date".parse().unwrap();
    let born = first.values_of(&attribute).next().unwrap();
    assert_eq!(
        born.value.expose().to_line(),
        people::all()[0].born("%Y-%m-%d")
    );
}

#[test]
fn tables_without_people_are_left_alone() {
    let made = made(
        "invoice",
        &["invoice_id", "total", "issue_date"],
        |person| vec![person.number(), "12.50".to_owned(), "2020-01-02".to_owned()],
    );
    let table = one(&made);
    assert!(!table.holds_persons && table.lines.is_empty());
    assert!(
        table
            .columns
            .iter()
            .all(|column| column.attribute.is_none())
    );
    assert!(
        table
            .columns
            .iter()
            .all(|column| !column.reasons.is_empty())
    );
    let proposal = Proposal {
        tables: vec![table],
    };
    assert_eq!(proposal.to_folder(&agency()), None);
}

#[test]
fn without_a_sample_the_names_are_enough_to_begin() {
    let mut made = made(
        "citizens",
        &["full_name", "national_id", "sex", "dob"],
        |person| vec![person.full()],
    );
    made.sampled = false;
    let table = one(&made);
    assert_eq!(meaning(&table, "national_id"), "identifier.national_id");
    let proposal = Proposal {
        tables: vec![table],
    };
    let folder = proposal.to_folder(&agency()).unwrap();
    assert!(AgencyFolder::load(&folder.files()).is_ok());
}

#[test]
fn a_proposal_holds_no_value() {
    let made = made(
        "citizens",
        &["full_name", "national_id", "phone"],
        |person| vec![person.full(), person.national_id(), person.phone()],
    );
    let proposal = propose(&[made.surveyed()], BOTH);
    let folder = proposal.to_folder(&agency()).unwrap();
    let shown = format!("{proposal:?}{}{}", folder.manifest, folder.mapping);
    for person in people::all() {
        for value in [person.full(), person.national_id(), person.phone()] {
            assert!(!shown.contains(&value));
        }
    }
}
