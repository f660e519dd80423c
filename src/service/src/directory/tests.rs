use rabt_model::{
    Address, Attribute, Attributed, CitizenId, Holding, Kin, Name, NamePart, Pii, Profile,
    Provenance, RecordNumber, Rule, Timestamp, Value,
};

use super::dictionary::Dictionary;
use super::{Directory, Imaged, Key};
use crate::compose::Open;

const AT: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn attributed(attribute: Attribute, value: Value, record: i64) -> Attributed {
    Attributed {
        attribute,
        value: Pii::new(value),
        provenance: Provenance {
            agency: "civil-registry".parse().unwrap(),
            source: "civil-registry".parse().unwrap(),
            stream: "person".parse().unwrap(),
            record: RecordNumber(record),
            column: "COL".into(),
            observed_at: AT,
            event_at: Some(AT),
        },
        rule: Rule::Majority,
        disputed: false,
        supporters: 3,
    }
}

fn profile(number: u128, national_id: &str) -> Profile {
    let chain = Name::of_parts(vec![
        NamePart {
            kin: Kin::Given,
            text: "منى".into(),
        },
        NamePart {
            kin: Kin::Family,
            text: "حسن".into(),
        },
    ]);
    let address = Address {
        governorate: Some("01".into()),
        ..Address::default()
    };
    let date = "1984-02-11".parse().unwrap();
    Profile {
        citizen: CitizenId::from_random(number),
        values: vec![
            attributed(Attribute::NameChain, Value::Name(chain), 7),
            attributed(Attribute::national_id(), Value::Text(national_id.into()), 7),
            attributed(Attribute::BirthDate, Value::Date(date), 7),
            attributed(Attribute::Address, Value::Address(address), 7),
        ],
        holdings: vec![Holding {
            agency: "civil-registry".parse().unwrap(),
            source: "civil-registry".parse().unwrap(),
            stream: "person".parse().unwrap(),
            record: RecordNumber(7),
            observed_at: AT,
        }],
        composed_at: AT,
    }
}

#[test]
fn a_profile_comes_back_as_it_was_put() {
    let directory = Directory::default();
    let mona = profile(1, "28402110100011");
    directory.put(&mona, &Open::Same);
    assert_eq!(directory.get(mona.citizen), Some(mona.clone()));
    let found = directory.by_identifier("national_id", "٢٨٤٠٢١١ ٠١٠٠٠١١");
    assert_eq!(found, Some(mona.clone()));
    assert_eq!(directory.by_identifier("passport", "28402110100011"), None);
    let region = Key::region(1984, "01").unwrap();
    assert_eq!(directory.all_by(&region, 9).len(), 1);
    assert_eq!(directory.len(), 1);
}

#[test]
fn a_changed_profile_leaves_no_old_key() {
    let directory = Directory::default();
    directory.put(&profile(1, "28402110100011"), &Open::Same);
    directory.put(&profile(1, "28402110100029"), &Open::Same);
    assert_eq!(
        directory.by_identifier("national_id", "28402110100011"),
        None
    );
    assert!(
        directory
            .by_identifier("national_id", "28402110100029")
            .is_some()
    );
    directory.remove(CitizenId::from_random(1));
    assert!(directory.is_empty());
    assert!(!directory.whole.has_keys());
}

#[test]
fn an_identifier_of_two_citizens_is_ambiguous_unless_one_is_undisputed() {
    let directory = Directory::default();
    directory.put(&profile(1, "28402110100011"), &Open::Same);
    let mut other = profile(2, "28402110100011");
    directory.put(&other, &Open::Same);
    let lookup = || directory.by_identifier("national_id", "28402110100011");
    assert_eq!(lookup(), None);
    assert_eq!(directory.ambiguous_lookups(), 1);
    other.values[1].disputed = true;
    directory.put(&other, &Open::Same);
    assert_eq!(lookup().map(|p| p.citizen.bits()), Some(1));
}

#[test]
fn a_merged_citizen_leads_to_the_survivor() {
    let directory = Directory::default();
    let survivor = profile(1, "28402110100011");
    directory.put(&survivor, &Open::Same);
    directory.put(&profile(2, "28402110100029"), &Open::Same);
    directory.redirect(CitizenId::from_random(2), survivor.citizen);
    let found = directory.get(CitizenId::from_random(2));
    assert_eq!(found.map(|p| p.citizen), Some(survivor.citizen));
    assert_eq!(directory.get(CitizenId::from_random(3)), None);
}

/// HAPI: a person could have one identifier of a kind.
#[test]
fn complaint_a_person_is_found_by_each_of_several_numbers_of_a_kind() {
    let directory = Directory::default();
    let mut person = profile(1, "28402110100028");
    let passport = Attribute::Identifier("passport".parse().unwrap());
    for number in ["A12345678", "A87654321"] {
        let value = Value::Text(number.into());
        person.values.push(attributed(passport.clone(), value, 7));
    }
    directory.put(&person, &Open::Same);
    for number in ["A12345678", "A87654321"] {
        let found = directory.by_identifier("passport", number);
        assert_eq!(found.map(|found| found.citizen), Some(person.citizen));
    }
}

fn image(directory: &Directory) -> Vec<u8> {
    let imaged = Imaged {
        step: 9,
        process: -3,
        restricted: vec!["clinic".parse().unwrap()],
    };
    directory
        .write_image(&imaged, Vec::new(), (&[1; 32], [2; 19]), &|| Ok(()))
        .unwrap()
}

fn opened(image: &[u8]) -> std::io::Result<(Directory, Imaged)> {
    Directory::read_image(image, &[1; 32])
}

#[test]
fn an_image_gives_back_every_citizen_and_every_key() {
    let directory = Directory::default();
    let ids: Vec<String> = (0..3_000).map(|n| format!("{n:014}")).collect();
    for (number, id) in (0_u128..).zip(&ids) {
        directory.put(&profile(number, id), &Open::Same);
    }
    let (again, imaged) = opened(&image(&directory)).unwrap();
    assert_eq!((imaged.step, imaged.process), (9, -3));
    assert_eq!(again.len(), directory.len());
    for id in &ids {
        let found = again.by_identifier("national_id", id);
        assert_eq!(found, directory.by_identifier("national_id", id));
        assert!(found.is_some());
    }
    let birth = Key::births("1984-02-11".parse().unwrap()).remove(0);
    assert_eq!(again.all_by(&birth, usize::MAX).len(), ids.len());
    again.put(&profile(1, "29999999999999"), &Open::Same);
    assert_eq!(again.by_identifier("national_id", &ids[1]), None);
}

/// What restricted sources are known to say is kept apart, and keys lead to either.
#[test]
fn what_is_seen_without_restricted_sources_is_kept_beside() {
    let directory = Directory::default();
    let (whole, open) = (profile(1, "28402110100011"), profile(1, "28402110100029"));
    directory.put(&whole, &Open::Less(Box::new(open.clone())));
    directory.put(&profile(2, "28402110100037"), &Open::Nobody);
    let (again, imaged) = opened(&image(&directory)).unwrap();
    assert_eq!(imaged.restricted, ["clinic".parse().unwrap()]);
    for directory in [&directory, &again] {
        assert_eq!(directory.get(whole.citizen), Some(whole.clone()));
        assert_eq!(directory.open(whole.citizen), Some(open.clone()));
        let nobody = directory.open(CitizenId::from_random(2)).unwrap();
        assert_eq!((nobody.values, nobody.holdings), (Vec::new(), Vec::new()));
        for id in ["28402110100011", "28402110100029"] {
            let key = Key::identifier("national_id", id).unwrap();
            let found = directory.all_by_either(&key, 9);
            assert_eq!(found, std::slice::from_ref(&whole), "{id}");
        }
    }
    directory.put(&whole, &Open::Same);
    assert_eq!(directory.open(whole.citizen), None);
    directory.put(&whole, &Open::Nobody);
    directory.redirect(whole.citizen, CitizenId::from_random(2));
    assert_eq!(directory.open(whole.citizen), None);
    directory.remove(CitizenId::from_random(2));
    assert!(directory.open_contents().is_empty());
}

#[test]
fn an_empty_directory_has_an_image() {
    let (again, _) = opened(&image(&Directory::default())).unwrap();
    assert!(again.is_empty());
}

#[test]
fn a_damaged_image_is_refused_and_says_so() {
    let directory = Directory::default();
    directory.put(&profile(1, "28402110100028"), &Open::Same);
    let whole = image(&directory);
    for length in 0..whole.len() {
        assert!(opened(&whole[..length]).is_err(), "cut at {length}");
    }
    let mut other = whole.clone();
    other[0] ^= 1;
    let problem = opened(&other).unwrap_err().to_string();
    assert_eq!(problem, "it is not of this kind, or of another release");
    let problem = Directory::read_image(whole.as_slice(), &[9; 32]).unwrap_err();
    let told = "it was changed or cut off, or sealed with another key";
    assert_eq!(problem.to_string(), told);
}

/// Whoever changes the packed form changes the version in the label of images with it.
#[test]
fn the_packed_form_is_that_of_the_version_of_images() {
    let packed = super::pack::pack(&profile(1, "28402110100028"), &Dictionary::default());
    insta::assert_snapshot!(data_encoding::HEXLOWER.encode(&packed));
}
