//! A folder that nobody has described is proposed, and what is proposed reads it.

use rabt_connect::{AgencyFolder, Connector, Filter, NewAgency, Sampling, propose, survey};
use rabt_model::Label;
use rust_xlsxwriter::Workbook;

use super::{Folder, place, read, session};
use crate::Files;

const PEOPLE: u32 = 40;

/// A person: number, name, national id.
fn person(number: u32) -> [String; 3] {
    const NAMES: [&str; 5] = [
        "محمد أحمد علي",
        "منى حسن سعيد",
        "علي محمود",
        "فاطمة إبراهيم",
        "سارة يوسف",
    ];
    let name = NAMES[number as usize % NAMES.len()];
    [
        number.to_string(),
        name.to_owned(),
        format!("2{:02}010101{number:04}7", number + 10),
    ]
}

fn workbook() -> Vec<u8> {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Notes").unwrap();
    let people = workbook.add_worksheet().set_name("People").unwrap();
    people.write_row(0, 0, ["SEQ", "FULL_NAME", "NID"]).unwrap();
    for number in 1..=PEOPLE {
        let [_, name, nid] = person(number);
        people.write_number(number, 0, number).unwrap();
        people.write_string(number, 1, &name).unwrap();
        people
            .write_number(number, 2, nid.parse::<f64>().unwrap())
            .unwrap();
    }
    workbook.save_to_buffer().unwrap()
}

fn records() -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 1..=PEOPLE {
        let [seq, name, nid] = person(number);
        let (name, _, _) = encoding_rs::WINDOWS_1256.encode(&name);
        bytes.extend(format!("{seq:>6}").bytes());
        bytes.extend(name.iter());
        bytes.resize(bytes.len() + 20 - name.len(), b' ');
        bytes.extend(format!("{nid}\r\n").bytes());
    }
    bytes
}

async fn proposed(folder: &Folder, config: &str) {
    let session = session(folder, config);
    let sampling = Sampling::usual(2026);
    let surveyed = survey(&Files, &session, &Filter::default(), sampling, None).await;
    let proposal = propose(&surveyed.unwrap(), Files.describe().capabilities);
    let written = proposal
        .to_folder(&NewAgency {
            id: "civil".parse().unwrap(),
            name: Label::new("Civil", "مدني"),
            steward: "data@civil.example".to_owned(),
            agreement: "AG-SUPPLY-001".parse().unwrap(),
            kind: "files".to_owned(),
            config: session.config.clone(),
        })
        .expect("a table holds people");
    let agency = AgencyFolder::load(&written.files());
    let agency = agency.unwrap_or_else(|problems| panic!("{problems}\n{}", written.manifest));
    let source = &agency.sources[0];
    let problems = Files.validate(&source.config);
    assert!(problems.is_empty(), "{problems:?}");
    let stream = &source.streams[0];
    assert_eq!(stream.key, ["SEQ"]);
    for attribute in ["identifier.national_id", "name.chain"] {
        assert!(written.mapping.contains(attribute), "{}", written.mapping);
    }
    let mut plan = stream.plan(1_000);
    plan.columns = ["SEQ", "FULL_NAME", "NID"].map(str::to_owned).to_vec();
    let (rows, _) = read(folder, config, &plan, None).await.unwrap();
    let expected: Vec<_> = (1..=PEOPLE).map(person).collect();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn a_sheet_of_a_workbook_is_proposed() {
    let folder = place(&[("register.xlsx", workbook().as_slice())]);
    proposed(&folder, "path = '.'\nformat = 'xlsx'").await;
}

#[tokio::test]
async fn records_of_fixed_width_are_proposed() {
    let folder = place(&[("register.txt", records().as_slice())]);
    let config = "path = '.'\nformat = 'fixed_width'\nunit = 'bytes'\nencoding = 'windows-1256'\n\
                  columns = [{ name = 'SEQ', width = 6 }, { name = 'FULL_NAME', width = 20 }, \
                  { name = 'NID', width = 14 }]";
    proposed(&folder, config).await;
}
