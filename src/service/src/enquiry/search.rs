//! Finds the citizens who fit what is known of a person.
//!
//! A birth date, a year with a governorate or a telephone number leads to few profiles; the name
//! then says how well each fits.

use std::cmp::Reverse;

use rabt_model::{Attribute, PartialDate, Profile, Value};
use rabt_policy::{Band, Found, Permit, SearchCriteria};
use rabt_storage::StorageError;
use rustc_hash::FxHashSet;

use super::view::view;
use crate::directory::Key;
use crate::registry::Known;
use crate::services::Services;

/// Most citizens that a search returns.
pub const HIT_CAP: usize = 20;
/// Most profiles that are compared under one key.
const CANDIDATES: usize = 10_000;

/// How well one profile fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fit {
    band: Band,
    words: usize,
    anchors: usize,
}

/// Returns who fits as far as a permit sees them, best first, at most [`HIT_CAP`].
pub(super) async fn search(
    services: &Services,
    permit: &Permit,
    criteria: &SearchCriteria,
) -> Result<Vec<(Found, Band)>, StorageError> {
    let words = rabt_linkage::name_key(&criteria.name);
    let known = services.registry.current();
    let mut looked = FxHashSet::default();
    let mut hits: Vec<(Fit, Profile)> = Vec::new();
    for key in anchors(criteria) {
        for whole in candidates(services, &known, &key) {
            if looked.contains(&whole.citizen) {
                continue;
            }
            let profile = if known.hides_some(permit, &whole) {
                let seen = view(services, permit, whole).await?.profile;
                // who is found by what is hidden, or of whom nothing is seen, is not among those who fit
                if known.hides_some(permit, &seen) || !key.leads_to(&seen) {
                    continue;
                }
                seen
            } else if !known.restricted().is_empty() && !key.leads_to(&whole) {
                // it leads to what others see of them
                continue;
            } else {
                whole
            };
            looked.insert(profile.citizen);
            if let Some(fit) = fit(&profile, criteria, &words) {
                hits.push((fit, profile));
            }
        }
    }
    let order = |fit: &Fit| (fit.band, Reverse(fit.words), Reverse(fit.anchors));
    hits.sort_by_key(|(fit, profile)| (order(fit), profile.citizen));
    hits.truncate(HIT_CAP);
    let found = hits.into_iter();
    let found = found.map(|(fit, profile)| (services.found_in_part(profile), fit.band));
    Ok(found.collect())
}

fn candidates(services: &Services, known: &Known, key: &Key) -> Vec<Profile> {
    if known.restricted().is_empty() {
        services.directory.all_by(key, CANDIDATES)
    } else {
        services.directory.all_by_either(key, CANDIDATES)
    }
}

/// Returns the keys that lead to everybody who may fit.
fn anchors(criteria: &SearchCriteria) -> Vec<Key> {
    let mut keys = Vec::new();
    if let Some(birth) = criteria.birth {
        if birth.is_whole() {
            keys.extend(Key::births(birth));
        } else if let Some(governorate) = &criteria.governorate {
            keys.extend(Key::region(birth.year(), governorate));
        }
    }
    keys.extend(criteria.phone.as_deref().and_then(Key::phone));
    keys
}

/// Judges one profile; `None` when fewer than half of the words of the name are in any of its
/// names.
fn fit(profile: &Profile, criteria: &SearchCriteria, words: &[String]) -> Option<Fit> {
    let (exact, alike) = best_name(profile, words);
    if alike == 0 || alike * 2 < words.len() {
        return None;
    }
    let checks = [
        criteria.birth.map(|birth| fits_birth(profile, birth)),
        criteria
            .governorate
            .as_deref()
            .map(|code| lives_in(profile, code)),
        criteria
            .phone
            .as_deref()
            .map(|phone| has_phone(profile, phone)),
    ];
    let given = checks.iter().flatten().count();
    let anchors = checks.iter().flatten().filter(|fits| **fits).count();
    let band = if anchors < given {
        Band::Low
    } else if exact == words.len() && exact >= 2 {
        Band::High
    } else {
        Band::Medium
    };
    Some(Fit {
        band,
        words: exact + alike,
        anchors,
    })
}

/// Returns how many words of the question the best of the profile's names holds: exactly, and
/// exactly or by the consonants that both scripts keep.
fn best_name(profile: &Profile, words: &[String]) -> (usize, usize) {
    let mut best = (0, 0);
    for attributed in &profile.values {
        let Value::Name(name) = attributed.value.expose() else {
            continue;
        };
        if attributed.attribute == Attribute::MotherName {
            continue;
        }
        let (exact, alike) = count_words(rabt_linkage::name_key(&name.text), words);
        if (alike, exact) > (best.1, best.0) {
            best = (exact, alike);
        }
    }
    best
}

/// Each word of the name answers for one word of the question.
fn count_words(mut held: Vec<String>, words: &[String]) -> (usize, usize) {
    let mut left = Vec::new();
    for word in words {
        match held.iter().position(|own| own == word) {
            Some(place) => drop(held.remove(place)),
            None => left.push(rabt_linkage::name_skeleton(word)),
        }
    }
    let exact = words.len() - left.len();
    let mut alike = exact;
    let mut skeletons: Vec<String> = held
        .iter()
        .map(|word| rabt_linkage::name_skeleton(word))
        .collect();
    for word in left.iter().filter(|skeleton| skeleton.chars().count() >= 2) {
        if let Some(place) = skeletons.iter().position(|own| own == word) {
            skeletons.swap_remove(place);
            alike += 1;
        }
    }
    (exact, alike)
}

fn fits_birth(profile: &Profile, asked: PartialDate) -> bool {
    profile.values.iter().any(|attributed| {
        let Value::Date(held) = attributed.value.expose() else {
            return false;
        };
        let month = asked.month().is_none() || held.month() == asked.month();
        let day = asked.day().is_none() || held.day() == asked.day();
        attributed.attribute == Attribute::BirthDate && held.year() == asked.year() && month && day
    })
}

fn lives_in(profile: &Profile, code: &str) -> bool {
    profile
        .values
        .iter()
        .any(|attributed| match attributed.value.expose() {
            Value::Address(address) => address.governorate.as_deref() == Some(code),
            Value::Text(_) | Value::Date(_) | Value::Name(_) | Value::Relation(_) => false,
        })
}

fn has_phone(profile: &Profile, phone: &str) -> bool {
    let asked = Key::phone(phone);
    profile
        .values
        .iter()
        .any(|attributed| match attributed.value.expose() {
            Value::Text(held) => {
                attributed.attribute == Attribute::Phone && Key::phone(held) == asked
            }
            Value::Date(_) | Value::Name(_) | Value::Address(_) | Value::Relation(_) => false,
        })
}
