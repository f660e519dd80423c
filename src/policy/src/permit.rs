//! The permit: the only way from a profile to a disclosure.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rabt_model::{
    Attribute, Attributed, CitizenId, Label, PartialDate, Pii, Profile, Scheme, Value,
};
use sha2::{Digest, Sha256};

use crate::feed::FeedTarget;
use crate::gate::Gate;
use crate::{
    Candidate, Content, Denial, DenialReason, Disclosure, Explained, ExplainedOther, Facts,
    FieldSet, Found, Method, Outcome, SearchCriteria, Verdict,
};

/// That one question may be answered, and how far. Only [`Policy::decide`](crate::Policy::decide) makes one,
/// and answering consumes it. A permit answers only the question it was made for: the other ways to
/// disclose give [`Content::Absent`].
#[derive(Debug)]
pub struct Permit {
    pub(crate) fields: Arc<FieldSet>,
    pub(crate) target: Target,
    pub(crate) gate: Gate,
    pub(crate) wide: bool,
    pub(crate) facts: Facts,
}

/// How far a question is permitted.
pub(crate) struct Granted {
    pub(crate) fields: Arc<FieldSet>,
    pub(crate) target: Target,
    pub(crate) gate: Gate,
    /// Whether more is asked for than the agreement's default.
    pub(crate) wide: bool,
}

/// About whom the permitted question is, well formed.
#[derive(Debug, Clone)]
pub enum Target {
    /// The holder of an identifier.
    Identifier {
        /// The scheme.
        scheme: Scheme,
        /// The number as it arrived: not empty, at most 256 bytes, not yet checked against its scheme.
        value: Pii<String>,
    },
    /// A citizen.
    Citizen(CitizenId),
    /// Whoever fits.
    Criteria(Pii<SearchCriteria>),
    /// Everybody in a population.
    Feed(FeedTarget),
}

/// How well a candidate fits the criteria of a search; ordered from good to poor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// Every criterion is met exactly.
    High,
    /// Most criteria are met.
    Medium,
    /// Few criteria are met.
    Low,
}

/// A value that the caller believes to be the citizen's.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Attribute id, as it arrived. It must be in the request's `fields` too.
    pub attribute: String,
    /// The value as text.
    pub value: Pii<String>,
}

/// Says whether a held value and a claimed text are the same name, address or number after both are
/// standardised. Dates and equal texts never get here.
pub type Same<'a> = &'a dyn Fn(&Attribute, &Value, &str) -> bool;

impl Permit {
    pub(crate) fn new(granted: Granted, facts: Facts) -> Self {
        Self {
            fields: granted.fields,
            target: granted.target,
            gate: granted.gate,
            wide: granted.wide,
            facts,
        }
    }

    /// Returns about whom the question is: the only subject that may be looked up for it.
    pub const fn subject(&self) -> &Target {
        &self.target
    }

    /// Returns what an answer may hold.
    pub fn attributes(&self) -> &FieldSet {
        &self.fields
    }

    /// Says whether more was asked for than the agreement's default.
    pub const fn is_wide(&self) -> bool {
        self.wide
    }

    /// Returns what is known for the audit entry so far.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Turns the permit into a denial, for a rule that policy cannot know: an identifier that its scheme
    /// cannot have.
    pub fn refuse(self, reason: DenialReason) -> Denial {
        let mut facts = self.facts;
        facts.outcome = Outcome::Denied;
        Denial::new(reason, None, facts)
    }

    /// Discloses as much of the profile as is permitted; answers `LookupCitizen`, `GetCitizen` and
    /// `BatchLookupCitizens`.
    pub fn disclose(self, found: Option<Found>) -> Disclosure {
        let answers = matches!(
            self.facts.method,
            Method::LookupCitizen | Method::GetCitizen | Method::BatchLookupCitizens
        );
        let (permit, profile) = match self.admit(found.filter(|_| answers)) {
            Ok(admitted) => admitted,
            Err(nobody) => return *nobody,
        };
        let mut facts = permit.facts;
        let (citizen, values, etag) = keep(&permit.fields, profile, &mut facts);
        let content = Content::Citizen {
            citizen,
            values,
            etag,
        };
        seal(content, Outcome::Disclosed, facts)
    }

    /// Discloses the candidates of a search, in the given order; answers `SearchCitizens`.
    pub fn candidates(self, found: Vec<(Found, Band)>) -> Disclosure {
        if self.facts.method != Method::SearchCitizens {
            return self.absent();
        }
        let mut found = found;
        found.retain(|(found, _)| self.keeps_back(found).is_none());
        let mut facts = self.facts;
        let mut candidates = Vec::with_capacity(found.len());
        for (Found { profile, .. }, band) in found {
            let (citizen, values, etag) = keep(&self.fields, profile, &mut facts);
            candidates.push(Candidate {
                citizen,
                values,
                etag,
                band,
            });
        }
        seal(Content::Candidates(candidates), Outcome::Candidates, facts)
    }

    /// Says which claims are right; answers `VerifyAttributes`. A claim about an attribute that the permit
    /// does not hold counts as not held.
    ///
    /// A date is right when it says no more than a held date does and what it says is so: `1984` is right
    /// for 11 February 1984, and not the other way round. Text is right when it is equal but for white space
    /// around it; otherwise `same` decides.
    pub fn verify(self, found: Option<Found>, claims: &[Claim], same: Same<'_>) -> Disclosure {
        let answers = self.facts.method == Method::VerifyAttributes;
        let (permit, profile) = match self.admit(found.filter(|_| answers)) {
            Ok(admitted) => admitted,
            Err(nobody) => return *nobody,
        };
        let mut facts = permit.facts;
        let mut verdicts = Vec::with_capacity(claims.len());
        for claim in claims {
            let Ok(attribute) = claim.attribute.parse::<Attribute>() else {
                verdicts.push((claim.attribute.clone(), Verdict::NotHeld));
                continue;
            };
            let verdict = if permit.fields.contains(&attribute) {
                facts.released.push(attribute.clone());
                judge(&profile, &attribute, claim.value.expose(), same)
            } else {
                facts.withheld.push(attribute.clone());
                Verdict::NotHeld
            };
            verdicts.push((claim.attribute.clone(), verdict));
        }
        facts.subjects.push(profile.citizen);
        seal(Content::Verified(verdicts), Outcome::Verified, facts)
    }

    /// Says which agencies hold records, without their content; answers `ListSourceReferences`.
    pub fn holdings(self, found: Option<Found>) -> Disclosure {
        let answers = self.facts.method == Method::ListSourceReferences;
        let (permit, profile) = match self.admit(found.filter(|_| answers)) {
            Ok(admitted) => admitted,
            Err(nobody) => return *nobody,
        };
        let mut facts = permit.facts;
        facts.subjects.push(profile.citizen);
        let content = Content::Holdings {
            citizen: profile.citizen,
            holdings: profile.holdings,
        };
        seal(content, Outcome::Holdings, facts)
    }

    /// Explains where the values of the asked-for attribute come from, and which others records
    /// hold; answers `ExplainField`. `lineage` is asked for the sentences of permitted values only.
    pub fn explain(
        self,
        found: Option<Found>,
        others: Vec<ExplainedOther>,
        lineage: &dyn Fn(&Attributed) -> Vec<Label>,
    ) -> Disclosure {
        let answers = self.facts.method == Method::ExplainField;
        let restricted = found.as_ref().map(|found| Arc::clone(&found.restricted));
        let restricted = restricted.unwrap_or_default();
        let (permit, profile) = match self.admit(found.filter(|_| answers)) {
            Ok(admitted) => admitted,
            Err(nobody) => return *nobody,
        };
        let hidden = |other: &ExplainedOther| {
            let mut holders = other.other.holders.iter();
            holders.any(|holder| permit.gate.hides_origin(&restricted, holder))
        };
        let mut others = others;
        others.retain(|other| permit.fields.contains(&other.other.attribute) && !hidden(other));
        let mut facts = permit.facts;
        let citizen = profile.citizen;
        facts.subjects.push(citizen);
        let mut explained = Vec::new();
        for value in profile.values {
            if permit.fields.contains(&value.attribute) {
                facts.released.push(value.attribute.clone());
                let sentences = lineage(&value);
                explained.push(Explained { value, sentences });
            }
        }
        let attributes = others.iter().map(|other| other.other.attribute.clone());
        facts.released.extend(attributes);
        let content = Content::Explained {
            citizen,
            values: explained,
            others,
        };
        seal(content, Outcome::Explained, facts)
    }

    pub(crate) fn absent(self) -> Disclosure {
        seal(Content::Absent, Outcome::Absent, self.facts)
    }
}

/// Takes the permitted values out of a profile and notes what was released and what was not.
pub(crate) fn keep(
    fields: &FieldSet,
    profile: Profile,
    facts: &mut Facts,
) -> (CitizenId, Vec<Attributed>, String) {
    let mut values = profile.values;
    values.retain(|value| {
        let permitted = fields.contains(&value.attribute);
        let noted = if permitted {
            &mut facts.released
        } else {
            &mut facts.withheld
        };
        if noted.last() != Some(&value.attribute) {
            noted.push(value.attribute.clone());
        }
        permitted
    });
    facts.subjects.push(profile.citizen);
    let etag = etag(profile.citizen, fields, &values);
    (profile.citizen, values, etag)
}

/// Returns what changes with what is disclosed, and with nothing else: not with what is not seen, and not
/// when a record is read again. 12 bytes of SHA-256, hexadecimal. It is in answers that were told, which are compared
/// with what they would be today: a test holds three of them to what they were.
fn etag(citizen: CitizenId, fields: &FieldSet, values: &[Attributed]) -> String {
    let mut etag = Sha256::new();
    etag.update(citizen.bits().to_be_bytes());
    fields.feed(&mut etag);
    let mut content = Bytes(Vec::with_capacity(128 * values.len()));
    for value in values {
        let origin = &value.provenance;
        (&value.attribute, value.value.expose(), value.rule).hash(&mut content);
        (value.disputed, value.supporters).hash(&mut content);
        (
            &origin.agency,
            &origin.source,
            &origin.stream,
            origin.record,
        )
            .hash(&mut content);
        (&origin.column, origin.event_at).hash(&mut content);
    }
    etag.update(&content.0);
    hexadecimal(&etag.finalize()[..12])
}

/// Collects what is hashed: a digest takes many bytes at once faster than few at a time. Numbers have one order of
/// bytes, and lengths one width, on every machine.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_u128(&mut self, number: u128) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    /// Of no meaning: the bytes are asked for.
    fn finish(&self) -> u64 {
        0
    }
}

pub(crate) fn seal(content: Content, outcome: Outcome, mut facts: Facts) -> Disclosure {
    for noted in [&mut facts.released, &mut facts.withheld] {
        noted.sort_unstable();
        noted.dedup();
    }
    facts.outcome = outcome;
    Disclosure::new(content, facts)
}

fn judge(profile: &Profile, attribute: &Attribute, claim: &str, same: Same<'_>) -> Verdict {
    let mut verdict = Verdict::NotHeld;
    for held in &profile.values {
        if held.attribute != *attribute {
            continue;
        }
        if agrees(attribute, held.value.expose(), claim.trim(), same) {
            return Verdict::Match;
        }
        verdict = Verdict::NoMatch;
    }
    verdict
}

fn agrees(attribute: &Attribute, held: &Value, claim: &str, same: Same<'_>) -> bool {
    match held {
        _ if claim.is_empty() => false,
        Value::Date(date) => claim.parse().is_ok_and(|claim| says_no_more(claim, *date)),
        Value::Text(text) => text.trim() == claim || same(attribute, held, claim),
        Value::Name(_) | Value::Address(_) | Value::Relation(_) => same(attribute, held, claim),
    }
}

fn says_no_more(claim: PartialDate, held: PartialDate) -> bool {
    claim.year() == held.year()
        && (claim.month().is_none() || claim.month() == held.month())
        && (claim.day().is_none() || claim.day() == held.day())
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests;
