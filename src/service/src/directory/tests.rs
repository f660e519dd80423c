use rabt_model::{
    Address, Attribute, Attributed, CitizenId, Holding, Kin, Name, NamePart, Pii, Profile,
    Provenance, RecordNumber, Rule, Timestamp, Value,
};

use super::{Directory, Key};

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
    directory.put(&mona);
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
    directory.put(&profile(1, "28402110100011"));
    directory.put(&profile(1, "28402110100029"));
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
    assert!(directory.keys.is_empty());
}

#[test]
fn an_identifier_of_two_citizens_is_ambiguous_unless_one_is_undisputed() {
    let directory = Directory::default();
    directory.put(&profile(1, "28402110100011"));
    let mut other = profile(2, "28402110100011");
    directory.put(&other);
    let lookup = || directory.by_identifier("national_id", "28402110100011");
    assert_eq!(lookup(), None);
    assert_eq!(directory.ambiguous_lookups(), 1);
    other.values[1].disputed = true;
    directory.put(&other);
    assert_eq!(lookup().map(|p| p.citizen.bits()), Some(1));
}

#[test]
fn a_merged_citizen_leads_to_the_survivor() {
    let directory = Directory::default();
    let survivor = profile(1, "28402110100011");
    directory.put(&survivor);
    directory.put(&profile(2, "28402110100029"));
    directory.redirect(CitizenId::from_random(2), survivor.citizen);
    let found = directory.get(CitizenId::from_random(2));
    assert_eq!(found.map(|p| p.citizen), Some(survivor.citizen));
    assert_eq!(directory.get(CitizenId::from_random(3)), None);
}
