use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Actor, Conduct, End, Look, Pattern, STOPPED_FOR};

fn start() -> Timestamp {
    "2026-05-01T09:00:00Z".parse().unwrap()
}

/// An honest look of a clerk: another citizen and another case each time.
fn honest(number: u64, seconds: i64) -> Look {
    Look {
        at: start() + SignedDuration::from_secs(seconds),
        subject: u128::from(number),
        cohort: Some(number * 7),
        end: End::Found,
        case: Some(number),
        search: false,
        wide: false,
        emergency: false,
    }
}

/// What a look of a pattern is like, the `number`th of it.
fn of(pattern: Pattern, number: u64, seconds: i64) -> Look {
    let look = honest(number, seconds);
    match pattern {
        Pattern::Sequence => Look {
            cohort: Some(284_021_101),
            ..look
        },
        Pattern::Probing => Look {
            end: End::Absent,
            ..look
        },
        Pattern::Breadth => look,
        Pattern::Caseless => Look { case: None, ..look },
        Pattern::OneCase => Look {
            case: Some(1),
            ..look
        },
        Pattern::Repeated => Look {
            subject: 1,
            cohort: Some(1),
            ..look
        },
        Pattern::Guessing => Look {
            subject: 1,
            cohort: None,
            end: End::Wrong,
            ..look
        },
        Pattern::Searching => Look {
            search: true,
            cohort: None,
            ..look
        },
        Pattern::WideMasks => Look { wide: true, ..look },
        Pattern::Strangers => Look {
            end: End::Unrelated,
            ..look
        },
        Pattern::Protected => Look {
            end: End::Protected,
            ..look
        },
        Pattern::Emergencies => Look {
            emergency: true,
            ..look
        },
    }
}

#[test]
fn every_pattern_is_stopped_at_its_limit_and_not_before() {
    for pattern in Pattern::ALL {
        let (limit, within) = pattern.limit(Actor::Person);
        assert!(limit <= 50, "{pattern:?}");
        let pace = within.as_secs() / i64::try_from(limit).unwrap() - 1;
        let mut conduct = Conduct::new(Actor::Person);
        for number in 1..=limit {
            let look = of(
                pattern,
                number as u64,
                pace * i64::try_from(number).unwrap(),
            );
            let shown = conduct.note(look);
            let expected = (number == limit).then_some(pattern);
            assert_eq!(shown, expected, "{pattern:?} at look {number}");
        }
        let last = start() + SignedDuration::from_secs(pace * i64::try_from(limit).unwrap());
        assert!(conduct.is_stopped(last));
        assert!(!conduct.is_stopped(last + STOPPED_FOR), "it ends");
    }
}

#[test]
fn the_same_looks_further_apart_are_no_pattern() {
    for pattern in Pattern::ALL {
        let (limit, within) = pattern.limit(Actor::Person);
        let pace = within.as_secs() / i64::try_from(limit - 1).unwrap() + 1;
        let mut conduct = Conduct::new(Actor::Person);
        for number in 1..=limit {
            let look = of(
                pattern,
                number as u64,
                pace * i64::try_from(number).unwrap(),
            );
            assert_eq!(conduct.note(look), None, "{pattern:?} at look {number}");
        }
    }
}

#[test]
fn a_system_that_works_through_a_list_is_no_snoop() {
    let mut conduct = Conduct::new(Actor::System);
    for number in 1..20_000_u64 {
        // fifty a second, no case, everything asked for, one in three unknown
        let look = Look {
            case: None,
            wide: true,
            end: if number % 3 == 0 {
                End::Absent
            } else {
                End::Found
            },
            ..honest(number, i64::try_from(number / 50).unwrap())
        };
        assert_eq!(conduct.note(look), None, "look {number}");
    }
}

#[test]
fn a_clock_that_is_moved_back_hides_nothing() {
    let mut conduct = Conduct::new(Actor::Person);
    let mut shown = None;
    for number in 1..=3 {
        let back = -1_000_000 * i64::try_from(number).unwrap();
        shown = conduct.note(of(Pattern::Protected, number, back));
    }
    assert_eq!(shown, Some(Pattern::Protected));
}

proptest! {
    #[test]
    fn a_day_at_a_counter_is_no_pattern(
        looks in prop::collection::vec((60_i64..400, 0..20_u8, any::<bool>()), 1..200)
    ) {
        let mut conduct = Conduct::new(Actor::Person);
        let mut seconds = 0;
        for (number, (pause, end, wide)) in looks.into_iter().enumerate() {
            seconds += pause;
            let look = Look {
                end: if end == 0 { End::Absent } else { End::Found },
                // more than the default only now and then
                wide: wide && number % 4 == 0,
                ..honest(number as u64, seconds)
            };
            prop_assert_eq!(conduct.note(look), None);
        }
    }
}

#[test]
fn the_documentation_has_every_pattern_with_its_limit() {
    let text = include_str!("../../../../docs/policy.md");
    for pattern in Pattern::ALL {
        let (limit, within) = pattern.limit(Actor::Person);
        let within = match within.as_mins() {
            minutes @ 0..60 => format!("{minutes} min"),
            minutes => format!("{} h", minutes / 60),
        };
        let row = format!("| `{}` | {limit}", pattern.code());
        let row = text.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("{pattern:?} has no row, or another limit"));
        assert!(row.contains(&format!("| {within} |")), "{row}");
    }
}
