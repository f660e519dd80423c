//! Laws of what leaves a permit, over random agreements, people and masks.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use rabt_model::{Attribute, Pii, SourceId, Value};

use super::{
    all, attribute_id, attributed, found, known, other, past, pattern, policy, profile, released,
    request,
};
use crate::{Band, Claim, Content, Decision, FieldSet, Found, Method, Policy, Verdict};

/// Says whether a pattern covers an attribute, by text alone: the oracle of the field sets.
fn covers(patterns: &[String], attribute: &Attribute) -> bool {
    let id = attribute.to_string();
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(group) => id.starts_with(group),
            None => *pattern == id,
        })
}

proptest! {
    #[test]
    fn nothing_outside_the_maximum_is_ever_disclosed(
        maximum in prop::collection::btree_set(pattern(), 1..8),
        held in prop::collection::vec(attribute_id(), 0..20),
        mask in prop::option::of(prop::collection::vec(
            prop_oneof![attribute_id(), Just("name".to_owned()), Just("identifier".to_owned()), Just("facts.tax".to_owned())], 0..3)),
        method in prop::sample::select(&Method::ALL[..]),
    ) {
        let maximum: Vec<String> = maximum.into_iter().collect();
        let policy = policy(&maximum[..1], &maximum);
        let Decision::Permit(permit) = policy.decide(request(method, mask)) else { return Ok(()) };
        let values = || held.iter().map(|id| attributed(id, Value::Text("v".to_owned()))).collect();
        let allowed = permit.attributes().clone();
        let claims: Vec<Claim> = held.iter()
            .map(|id| Claim { attribute: id.clone(), value: Pii::new("v".to_owned()) })
            .collect();
        let disclosure = match method {
            Method::LookupCitizen | Method::GetCitizen | Method::BatchLookupCitizens => permit.disclose(found(profile(values()))),
            Method::SearchCitizens => permit.candidates(vec![(known(profile(values())), Band::Low), (known(profile(values())), Band::Low)]),
            Method::VerifyAttributes => permit.verify(found(profile(values())), &claims, &|_, _, _| true),
            Method::ListSourceReferences => permit.holdings(found(profile(values()))),
            Method::ExplainField => permit.explain(found(profile(values())), Vec::new(), &|_| Vec::new()),
            Method::ListCitizenRevisions => permit.revisions(found(profile(values())), vec![past(profile(values())), past(profile(values()))]),
            Method::ExportSnapshot => permit.snapshot(1, vec![(known(profile(values())), true)]),
            Method::ListChanges | Method::WatchChanges => permit.changes(Vec::new()),
        };
        for value in released(&disclosure) {
            prop_assert!(covers(&maximum, &value.attribute), "{} leaked", value.attribute);
            prop_assert!(allowed.contains(&value.attribute));
            prop_assert!(disclosure.facts().released().contains(&value.attribute));
        }
        if let Content::Verified(verdicts) = disclosure.content() {
            for (id, verdict) in verdicts {
                let attribute = id.parse().unwrap();
                prop_assert!(*verdict == Verdict::NotHeld || covers(&maximum, &attribute));
            }
        }
        for attribute in disclosure.facts().released() {
            prop_assert!(covers(&maximum, attribute));
            prop_assert!(!disclosure.facts().withheld().contains(attribute));
        }
    }

    /// Whoever finds people makes a mistake here: it hands whole profiles to every way out.
    #[test]
    fn nothing_of_a_source_that_the_agreement_does_not_see_is_ever_disclosed(
        held in prop::collection::vec((attribute_id(), 0..3_usize), 0..12),
        sees in prop::collection::btree_set(0..3_usize, 0..3),
        restricted in prop::collection::btree_set(0..3_usize, 0..4),
        holder in 0..3_usize,
        method in prop::sample::select(&Method::ALL[..]),
    ) {
        const SOURCES: [&str; 3] = ["clinic", "police", "tax"];
        let sees: Vec<&str> = sees.into_iter().map(|at| SOURCES[at]).collect();
        let terms = if sees.is_empty() { String::new() } else { format!("sees_restricted = {sees:?}\n") };
        let restricted: BTreeSet<SourceId> = restricted.into_iter().map(|at| SOURCES[at].parse().unwrap()).collect();
        let hidden = |source: &SourceId| restricted.contains(source) && !sees.contains(&source.as_str());
        let text = all().to_text().replacen("purposes", &format!("{terms}purposes"), 1);
        let policy = Policy::from_bundle(&text, "a.toml").unwrap();
        let mask = (method == Method::ExplainField).then(|| vec!["phone".to_owned()]);
        let Decision::Permit(permit) = policy.decide(request(method, mask)) else { return Ok(()) };
        let mut whole = profile(held.iter().map(|(id, at)| {
            let mut value = attributed(id, Value::Text("v".to_owned()));
            (value.provenance.source, value.provenance.agency) = (SOURCES[*at].parse().unwrap(), SOURCES[*at].parse().unwrap());
            value
        }).collect());
        let mut held_too = whole.holdings[0].clone();
        (held_too.source, held_too.agency) = (SOURCES[holder].parse().unwrap(), SOURCES[holder].parse().unwrap());
        whole.holdings[0].source = "registry".parse().unwrap();
        whole.holdings.push(held_too);
        let one = || Found { profile: whole.clone(), protected: false, restricted: Arc::new(restricted.clone()) };
        let others = held.iter().map(|(id, at)| {
            let mut other = other(id);
            let holder = &mut other.other.holders[0];
            (holder.source, holder.agency) = (SOURCES[*at].parse().unwrap(), SOURCES[*at].parse().unwrap());
            other
        }).collect();
        let claims: Vec<Claim> = held.iter()
            .map(|(id, _)| Claim { attribute: id.clone(), value: Pii::new("v".to_owned()) })
            .collect();
        let disclosure = match method {
            Method::LookupCitizen | Method::GetCitizen | Method::BatchLookupCitizens => permit.disclose(Some(one())),
            Method::SearchCitizens => permit.candidates(vec![(one(), Band::Low)]),
            Method::VerifyAttributes => permit.verify(Some(one()), &claims, &|_, _, _| true),
            Method::ListSourceReferences => permit.holdings(Some(one())),
            Method::ExplainField => permit.explain(Some(one()), others, &|_| Vec::new()),
            Method::ListCitizenRevisions => {
                let mut now = one();
                now.profile = profile(Vec::new());
                now.profile.holdings[0].source = "registry".parse().unwrap();
                permit.revisions(Some(now), vec![past(whole.clone())])
            }
            Method::ExportSnapshot => permit.snapshot(1, vec![(one(), true)]),
            Method::ListChanges | Method::WatchChanges => permit.changes(Vec::new()),
        };
        for value in released(&disclosure) {
            prop_assert!(!hidden(&value.provenance.source), "{} leaked", value.provenance.source);
        }
        let tells = held.iter().any(|(_, at)| hidden(&SOURCES[*at].parse().unwrap())) || hidden(&whole.holdings[1].source);
        match disclosure.content() {
            Content::Holdings { holdings, .. } => prop_assert!(holdings.iter().all(|held| !hidden(&held.source))),
            Content::Explained { others, .. } => {
                let mut holders = others.iter().flat_map(|other| &other.other.holders);
                prop_assert!(holders.all(|held| !hidden(&held.source)));
            }
            Content::Verified(_) | Content::Citizen { .. } => prop_assert!(!tells),
            Content::Absent | Content::Candidates(_) | Content::Changes(_) | Content::Snapshot(_) | Content::Revisions { .. } => {}
        }
    }

    #[test]
    fn field_sets_agree_with_their_patterns(
        left in prop::collection::vec(pattern(), 0..8),
        right in prop::collection::vec(pattern(), 0..8),
        id in attribute_id(),
    ) {
        let set = |patterns: &[String]| patterns.iter().fold(FieldSet::default(), |set, pattern| {
            set.union(&match pattern.strip_suffix(".*") {
                Some(group) => FieldSet::group(group).unwrap(),
                None => FieldSet::of(&pattern.parse().unwrap()),
            })
        });
        let attribute = id.parse().unwrap();
        let (a, b) = (set(&left), set(&right));
        let (in_left, in_right) = (covers(&left, &attribute), covers(&right, &attribute));
        prop_assert_eq!(a.contains(&attribute), in_left);
        prop_assert_eq!(a.union(&b).contains(&attribute), in_left || in_right);
        prop_assert_eq!(a.intersection(&b).contains(&attribute), in_left && in_right);
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert!(a.intersection(&b).is_subset_of(&a) && a.is_subset_of(&a.union(&b)));
    }
}
