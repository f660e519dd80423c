use std::collections::{HashMap, HashSet};

use super::national_id::is_well_formed;
use super::{Population, Sex};

#[test]
fn the_same_numbers_give_the_same_people() {
    let first = Population::generate(3_000, 11);
    let again = Population::generate(3_000, 11);
    let other = Population::generate(3_000, 12);
    let ids = |all: &Population| -> Vec<u64> { all.iter().map(|(_, p)| p.national_id).collect() };
    assert_eq!(first.len(), 3_000);
    assert_eq!(ids(&first), ids(&again));
    assert_eq!(
        format!("{:?}", first.person(77)),
        format!("{:?}", again.person(77))
    );
    assert_ne!(ids(&first), ids(&other));
}

#[test]
fn national_ids_are_unique_and_agree_with_the_person() {
    let all = Population::generate(20_000, 5);
    let mut seen = HashSet::new();
    for (_, person) in all.iter() {
        let id = person.national_id;
        assert!(is_well_formed(id) && seen.insert(id));
        let digits = id.to_string();
        assert_eq!(
            &digits[1..7],
            &person.birth.strftime("%y%m%d").to_string(),
            "date of birth"
        );
        let odd = digits.as_bytes()[12] % 2 == 1;
        assert_eq!(odd, person.sex == Sex::Male);
    }
}

#[test]
fn chains_are_consistent_over_generations() {
    let all = Population::generate(20_000, 5);
    let (mut fathers, mut mothers, mut grandfathers, mut twins) = (0, 0, 0, 0);
    let mut days: HashMap<_, u32> = HashMap::new();
    for (_, person) in all.iter() {
        if let Some(father) = person.father_number.map(|n| all.person(n)) {
            assert_eq!(father.sex, Sex::Male);
            assert_eq!(person.chain, father.chain.child(person.chain.given));
            assert!(person.birth.year() - father.birth.year() >= 20);
            fathers += 1;
            grandfathers += usize::from(father.father_number.is_some());
        }
        if let Some(mother) = person.mother_number.map(|n| all.person(n)) {
            assert_eq!(mother.sex, Sex::Female);
            assert_eq!(person.mother, mother.chain);
            assert!(person.birth.year() - mother.birth.year() >= 17);
            mothers += 1;
        }
        *days.entry((person.household, person.birth)).or_default() += 1;
    }
    twins += days.values().filter(|count| **count > 1).count();
    assert!(fathers > 8_000, "{fathers}");
    assert!(mothers > 8_000, "{mothers}");
    assert!(grandfathers > 1_500, "{grandfathers}");
    assert!((40..250).contains(&twins), "{twins}");
}

#[test]
fn households_share_what_they_share() {
    let all = Population::generate(20_000, 9);
    let mut with_phone = 0_u32;
    let mut moved = 0_u32;
    let mut named = 0_u32;
    for (_, person) in all.iter() {
        with_phone += u32::from(person.household_phone.is_some());
        moved += u32::from(person.moved.is_some());
        named += u32::from(person.chain.family.is_some());
    }
    assert!((1_500..2_500).contains(&with_phone), "{with_phone}");
    assert!((2_100..2_700).contains(&moved), "{moved}");
    assert!((9_500..12_500).contains(&named), "{named}");
}
