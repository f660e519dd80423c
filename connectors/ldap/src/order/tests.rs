use proptest::prelude::*;

use super::{Bound, By, Keys, Range};
use crate::client::Entry;
use crate::schema::Sort;

fn by(tie: bool) -> By {
    By {
        attribute: "seen".to_owned(),
        sort: Sort::Number,
        tie: tie.then(|| "entryUUID".to_owned()),
        is_kept: false,
    }
}

fn entry(seen: &[u32], tie: usize) -> Entry {
    let values = |texts: Vec<String>| texts.into_iter().map(String::into_bytes).collect();
    let seen: Vec<String> = seen.iter().map(ToString::to_string).collect();
    let attributes = vec![
        ("SEEN".to_owned(), values(seen)),
        ("entryUUID".to_owned(), values(vec![format!("u{tie:05}")])),
    ];
    Entry {
        dn: Vec::new(),
        attributes,
    }
}

fn ranges(entries: &[Entry], by: &By, from: Option<Bound>, rows: u32) -> Vec<Range> {
    let mut keys = Keys::new(by.clone());
    for entry in entries {
        keys.note(entry);
    }
    keys.ranges(from, rows)
}

#[test]
fn bounds_are_filters() {
    let by = by(true);
    assert_eq!(by.from(&Bound::at("7")), "(seen>=7)");
    let tied = Bound {
        value: "7".to_owned(),
        tie: Some("u)1".to_owned()),
    };
    assert_eq!(
        by.from(&tied),
        "(|(&(seen>=7)(!(seen=7)))(&(seen=7)(entryUUID>=u\\291)))"
    );
}

#[test]
fn equal_values_are_parted_by_the_tie_alone() {
    let entries: Vec<Entry> = (0..10).map(|at| entry(&[7], at)).collect();
    assert_eq!(ranges(&entries, &by(true), None, 3).len(), 4);
    assert_eq!(ranges(&entries, &by(false), None, 3).len(), 1);
    assert_eq!(ranges(&[], &by(true), None, 3).len(), 1);
}

#[test]
fn many_values_are_thinned() {
    let entries: Vec<Entry> = (0..450_000).map(|at| entry(&[at], 0)).collect();
    let ranges = ranges(&entries, &by(false), None, 10_000);
    assert!((43..=47).contains(&ranges.len()), "{}", ranges.len());
}

#[test]
fn strange_values_are_no_bounds() {
    let by = By {
        attribute: "seen".to_owned(),
        sort: Sort::Text { fold: true },
        tie: None,
        is_kept: false,
    };
    let text = |text: &str| Entry {
        dn: Vec::new(),
        attributes: vec![("seen".to_owned(), vec![text.as_bytes().to_vec()])],
    };
    let entries = ["a", "منى", "b c", "d"].map(text);
    let ranges = ranges(&entries, &by, None, 1);
    assert_eq!(ranges.len(), 2);
    assert!(ranges.iter().all(|range| by.holds(range, &entries[1])));
    assert!(!by.holds(&ranges[1], &entries[0]));
}

proptest! {
    /// As a server with numbers sees it, every entry is in one range.
    #[test]
    fn each_entry_is_in_one_range(
        seen in prop::collection::vec(prop::collection::vec(0_u32..20, 1..3), 0..60),
        rows in 1_u32..8,
        tie in any::<bool>(),
        from in prop::option::of(0_u32..20),
    ) {
        // Ties are only asked for where an attribute has one value.
        let seen = seen.into_iter().map(|mut values| {
            if tie {
                values.truncate(1);
            }
            values
        });
        let entries: Vec<Entry> = seen.enumerate().map(|(at, values)| entry(&values, at)).collect();
        let by = by(tie);
        let from = from.map(|from| Bound::at(&from.to_string()));
        let wanted = |entry: &&Entry| is_behind(&by, entry, from.as_ref());
        let wanted: Vec<Entry> = entries.iter().filter(wanted).cloned().collect();
        let ranges = ranges(&wanted, &by, from, rows);
        for entry in &wanted {
            let is_in = |range: &&Range| {
                is_behind(&by, entry, range.from.as_ref())
                    && range.to.as_ref().is_none_or(|to| !is_behind(&by, entry, Some(to)))
            };
            let inside: Vec<&Range> = ranges.iter().filter(is_in).collect();
            prop_assert_eq!(inside.len(), 1);
            prop_assert!(by.holds(inside[0], entry));
            let others = ranges.iter().filter(|range| *range != inside[0]);
            prop_assert!(others.into_iter().all(|range| !by.holds(range, entry)));
        }
    }
}

/// Evaluates the filter of a bound as RFC 4511 says.
fn is_behind(by: &By, entry: &Entry, bound: Option<&Bound>) -> bool {
    let Some(bound) = bound else {
        return true;
    };
    let least: u32 = bound.value.parse().unwrap();
    let values: Vec<u32> = entry
        .texts(&by.attribute)
        .iter()
        .map(|v| v.parse().unwrap())
        .collect();
    let behind = values.iter().any(|value| *value >= least);
    let Some(tie) = &bound.tie else {
        return behind;
    };
    let same = values.contains(&least);
    let after = entry.texts("entryUUID")[0] >= tie.as_str();
    (behind && !same) || (same && after)
}
