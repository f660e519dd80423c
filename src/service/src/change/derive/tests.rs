use rabt_model::{
    Attribute, Attributed, Change, ChangeCause, ChangeKind, CitizenId, Profile, Provenance,
    RecordNumber, Rule, Timestamp, Value,
};
use rustc_hash::FxHashMap;

use super::{Deed, derive};

const ADDRESS: Attribute = Attribute::Address;

fn id(bits: u128) -> CitizenId {
    CitizenId::from_random(bits)
}

fn numbers(list: &[i64]) -> Vec<RecordNumber> {
    list.iter().copied().map(RecordNumber).collect()
}

/// A value and the day of its event; 0 when its source does not say.
fn profile(citizen: u128, values: &[(Attribute, &str, i64)]) -> Profile {
    let attributed = |(attribute, text, day): &(Attribute, &str, i64)| Attributed {
        attribute: attribute.clone(),
        value: Value::Text((*text).to_owned()).into(),
        provenance: Provenance {
            agency: "tax".parse().unwrap(),
            source: "tax".parse().unwrap(),
            stream: "person".parse().unwrap(),
            record: RecordNumber(1),
            column: String::new(),
            observed_at: Timestamp::default(),
            event_at: (*day > 0).then(|| Timestamp::from_second(day * 86_400).unwrap()),
        },
        rule: Rule::OnlyValue,
        disputed: false,
        supporters: 1,
    };
    Profile {
        citizen: id(citizen),
        values: values.iter().map(attributed).collect(),
        holdings: Vec::new(),
        composed_at: Timestamp::default(),
    }
}

/// A record that moves, by the numbers of the citizens; 0 for none.
fn moved(
    record: i64,
    from: u128,
    to: u128,
) -> (RecordNumber, Option<CitizenId>, Option<CitizenId>) {
    let known = |bits: u128| (bits > 0).then(|| id(bits));
    (RecordNumber(record), known(from), known(to))
}

/// What one commit is about; citizens who are known before are in `before`, told by change 7.
#[derive(Default)]
struct Case {
    moves: Vec<(RecordNumber, Option<CitizenId>, Option<CitizenId>)>,
    redirects: Vec<(CitizenId, CitizenId)>,
    emptied: Vec<CitizenId>,
    before: Vec<Profile>,
    after: Vec<Profile>,
    undone: FxHashMap<CitizenId, u64>,
    told: FxHashMap<RecordNumber, u64>,
}

impl Case {
    fn told(&self) -> Vec<Change> {
        derive(&Deed {
            cause: ChangeCause::Link,
            moves: self.moves.clone(),
            redirects: &self.redirects,
            emptied: &self.emptied,
            before: self
                .before
                .iter()
                .map(|profile| (profile.citizen, (profile, Some(7))))
                .collect(),
            after: self.after.iter().collect(),
            undone: &self.undone,
            told: &self.told,
        })
    }
}

/// Tells what changes when the values of citizen 1 do.
fn values(
    before: &[(Attribute, &str, i64)],
    after: &[(Attribute, &str, i64)],
) -> Vec<(ChangeKind, Vec<Attribute>, Option<u64>)> {
    let case = Case {
        before: vec![profile(1, before)],
        after: vec![profile(1, after)],
        ..Case::default()
    };
    let told = case.told().into_iter();
    told.map(|change| (change.kind, change.attributes, change.supersedes))
        .collect()
}

#[test]
fn each_kind_of_value_has_its_kind_of_change() {
    let name = Attribute::NameChain;
    let national = Attribute::national_id();
    let cases = [
        (name.clone(), ChangeKind::NameChanged),
        (Attribute::NameLatin, ChangeKind::NameChanged),
        (national, ChangeKind::IdentifierChanged),
        (ADDRESS, ChangeKind::Moved),
        (Attribute::Phone, ChangeKind::Updated),
        (Attribute::MaritalStatus, ChangeKind::Updated),
        (Attribute::DeathDate, ChangeKind::Corrected),
    ];
    for (attribute, kind) in cases {
        let told = values(
            &[(attribute.clone(), "a", 0)],
            &[(attribute.clone(), "b", 0)],
        );
        let supersedes = (kind == ChangeKind::Corrected).then_some(7);
        assert_eq!(told, [(kind, vec![attribute.clone()], supersedes)]);
        let more = values(&[], &[(attribute.clone(), "b", 0)]);
        let first = if attribute == Attribute::DeathDate {
            ChangeKind::Died
        } else {
            ChangeKind::Updated
        };
        assert_eq!(more, [(first, vec![attribute], None)]);
    }
    let same = [(name.clone(), "a", 1), (ADDRESS, "b", 0)];
    let other = [(ADDRESS, "b", 3), (name, "a", 0)];
    assert!(
        values(&same, &other).is_empty(),
        "neither order nor origin counts"
    );
}

#[test]
fn what_was_never_so_is_corrected_and_what_became_so_is_told() {
    let at = |text: &'static str, day| [(ADDRESS, text, day)];
    let kind = |before: &[_], after: &[_]| values(before, after)[0].0;
    assert_eq!(kind(&at("a", 5), &at("b", 6)), ChangeKind::Moved);
    assert_eq!(kind(&at("a", 5), &at("b", 5)), ChangeKind::Corrected);
    assert_eq!(kind(&at("a", 5), &at("b", 4)), ChangeKind::Corrected);
    assert_eq!(kind(&at("a", 5), &at("b", 0)), ChangeKind::Moved);
    let second = [(ADDRESS, "a", 5), (ADDRESS, "b", 1)];
    assert_eq!(kind(&at("a", 5), &second), ChangeKind::Updated);
    assert_eq!(kind(&second, &at("a", 5)), ChangeKind::Updated);
    let dead = [(Attribute::DeathDate, "1984-02-11", 1)];
    assert_eq!(kind(&dead, &[]), ChangeKind::Corrected);
}

#[test]
fn who_comes_goes_and_returns_is_told_with_the_records() {
    let mut case = Case {
        moves: vec![
            moved(1, 0, 5),
            moved(2, 0, 5),
            moved(3, 6, 0),
            moved(4, 8, 0),
        ],
        emptied: vec![id(6)],
        before: vec![profile(6, &[]), profile(8, &[])],
        ..Case::default()
    };
    case.undone.insert(id(5), 3);
    let told = case.told();
    let kinds: Vec<ChangeKind> = told.iter().map(|change| change.kind).collect();
    let expected = [ChangeKind::Born, ChangeKind::Holdings, ChangeKind::Annulled];
    assert_eq!(kinds, expected);
    assert_eq!(
        (&told[0].joined, told[0].supersedes),
        (&numbers(&[1, 2]), Some(3))
    );
    assert_eq!((told[1].citizen, &told[1].left), (id(8), &numbers(&[4])));
    assert_eq!(
        (&told[2].left, told[2].supersedes),
        (&numbers(&[3]), Some(7))
    );
}

#[test]
fn a_merge_names_the_records_that_came_with_it() {
    let case = Case {
        moves: vec![moved(1, 2, 1), moved(2, 2, 1), moved(3, 2, 4)],
        redirects: vec![(id(2), id(1))],
        emptied: vec![id(2)],
        before: vec![profile(1, &[]), profile(2, &[]), profile(4, &[])],
        ..Case::default()
    };
    let told = case.told();
    assert_eq!(told.len(), 2, "who is merged is not annulled");
    assert_eq!(
        (told[0].kind, &told[0].left),
        (ChangeKind::Split, &numbers(&[3]))
    );
    assert_eq!(
        (told[1].kind, &told[1].joined),
        (ChangeKind::Merged, &numbers(&[1, 2]))
    );
    assert_eq!((told[1].citizen, told[1].other), (id(1), Some(id(2))));
}

#[test]
fn a_split_takes_back_what_was_told() {
    let mut case = Case {
        moves: vec![moved(3, 1, 9)],
        before: vec![profile(1, &[(ADDRESS, "a", 1)])],
        after: vec![profile(1, &[(ADDRESS, "b", 9)]), profile(9, &[])],
        ..Case::default()
    };
    let supersedes = |case: &Case| -> Vec<_> {
        let told = case.told();
        assert_eq!(told[0].kind, ChangeKind::Split);
        assert_eq!(told[1].kind, ChangeKind::Corrected, "nobody moved");
        told.iter().map(|change| change.supersedes).collect()
    };
    assert_eq!(supersedes(&case), [Some(7), Some(7)]);
    case.told.insert(RecordNumber(3), 4);
    assert_eq!(supersedes(&case), [Some(4), Some(4)]);
    case.undone.insert(id(9), 5);
    assert_eq!(supersedes(&case), [Some(5), Some(5)]);
}
