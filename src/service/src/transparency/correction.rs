//! What citizens say is wrong, and what the agency that holds the record says to it.

use rabt_audit::{AuditEvent, CorrectionMoved, Entry};
use rabt_model::{Attribute, Label, Pii, Profile};
use rabt_policy::{Caller, Role};
use rabt_storage::{CorrectionState, StoredCorrection};

use super::{TransparencyError, Viewer, admit, missed, tell};
use crate::audited::Audited;
use crate::error::AuditError;
use crate::event;
use crate::operate;
use crate::services::Services;
use crate::vault::VaultError;

/// Longest text of a citizen or an agency, and longest reference, characters.
const LONGEST: usize = 2_000;
const LONGEST_REFERENCE: usize = 200;
/// Requests of one citizen that may wait for an answer.
const WAITING: usize = 20;

/// What a sealed text begins with, and the names of those that are.
const SEALED: &str = "sealed:";
const RECORD_KEY: &str = "record_key";
const WRONG: &str = "wrong";
const ANSWER: &str = "answer";

const ANSWERERS: [Role; 2] = [Role::Operator, Role::Approver];

/// What a citizen says is wrong.
#[derive(Debug, Clone)]
pub struct NewCorrection {
    /// Id of the attribute.
    pub attribute: String,
    /// What is wrong.
    pub wrong: Pii<String>,
    /// Reference of the evidence.
    pub evidence: String,
}

/// A request, and what people call the agency that has to answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The request.
    pub stored: StoredCorrection,
    /// What people call the agency.
    pub agency_label: Label,
}

/// Stores what a citizen says is wrong, for the agency whose record the value comes from.
///
/// # Errors
/// The caller is no portal or not sure enough, a text is missing or too long, nobody holds the attribute, too
/// many requests wait, or it could not be stored.
pub async fn create_correction(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
    new: NewCorrection,
) -> Result<Audited<Correction>, TransparencyError> {
    const METHOD: &str = "CreateCorrectionRequest";
    let whose = admit(services, caller, viewer, METHOD).await?;
    let attribute: Attribute = new
        .attribute
        .parse()
        .map_err(|_| invalid("attribute", "must be the id of an attribute"))?;
    check("wrong", new.wrong.expose(), 1..=LONGEST)?;
    check("evidence", &new.evidence, 0..=LONGEST_REFERENCE)?;
    let profile = whose
        .citizen
        .and_then(|citizen| services.directory.get(citizen));
    let found = profile.as_ref().and_then(|profile| {
        let origin = origin(profile, &attribute)?;
        Some((profile.citizen, origin))
    });
    let Some((citizen, origin)) = found else {
        let wanted = (whose.name, "value of this attribute");
        return Err(missed(services, caller, viewer, METHOD, wanted).await);
    };

    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    let waiting = tx.corrections_of(citizen).await?;
    let waiting = waiting
        .iter()
        .filter(|one| one.state == CorrectionState::Asked);
    if waiting.count() >= WAITING {
        return Err(TransparencyError::TooMany(WAITING));
    }
    let records = tx.get_records(&[origin.record]).await?;
    let key = records.first().map(|record| record.record.id.key.clone());
    let at = services.clock.now();
    let mut stored = StoredCorrection {
        number: 0,
        citizen,
        agency: origin.agency.clone(),
        source: origin.source.clone(),
        stream: origin.stream.clone(),
        record_key: key.unwrap_or_default(),
        attribute,
        wrong: new.wrong,
        evidence: new.evidence,
        state: CorrectionState::Asked,
        answer: String::new(),
        created_at: at,
        updated_at: at,
    };
    // the seals are for the number, so that is drawn first
    let unworded = StoredCorrection {
        record_key: Pii::default(),
        wrong: Pii::default(),
        ..stored.clone()
    };
    stored.number = tx.put_correction(&unworded).await?;
    let record_key = seal(services, &stored, RECORD_KEY, stored.record_key.expose());
    let wrong = seal(services, &stored, WRONG, stored.wrong.expose());
    tx.word_correction(stored.number, &record_key, &wrong)
        .await?;
    let entry = moved(services, caller, &stored);
    let answer = labelled(services, stored);
    Ok(services.audit.commit(tx, tenure, entry, answer).await?)
}

/// Lists what a citizen, under whatever id, said is wrong; the last one first.
///
/// # Errors
/// The caller is no portal or not sure enough, or the entry did not become durable.
pub async fn list_corrections(
    services: &Services,
    caller: &Caller,
    viewer: &Viewer,
) -> Result<Audited<Vec<Correction>>, TransparencyError> {
    const METHOD: &str = "ListCorrectionRequests";
    let whose = admit(services, caller, viewer, METHOD).await?;
    let mut found = Vec::new();
    if let Some(citizen) = whose.citizen {
        let mut tx = services.storage.snapshot().await?;
        let mut ids = tx.ids_of(citizen).await?;
        ids.push(citizen);
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            found.extend(tx.corrections_of(id).await?);
        }
    }
    found.sort_by_key(|stored| std::cmp::Reverse(stored.number));
    // the key of a row is between the agency and its own people
    let found = found.into_iter().map(|stored| {
        let mut opened = open(services, stored)?;
        opened.record_key = Pii::default();
        Ok(labelled(services, opened))
    });
    let found: Vec<Correction> = found.collect::<Result<_, AuditError>>()?;
    tell(
        services,
        caller,
        viewer,
        (METHOD, "corrections"),
        &whose,
        found,
    )
    .await
}

/// Lists the requests about records of the caller's own agency, at most `limit` below the number `before`.
///
/// # Errors
/// The caller's role does not allow it, or the entry did not become durable.
pub async fn list_agency_corrections(
    services: &Services,
    caller: &Caller,
    before: Option<i64>,
    limit: u32,
) -> Result<Audited<Vec<Correction>>, TransparencyError> {
    allow(services, caller, "ListAgencyCorrections").await?;
    let mut tx = services.storage.snapshot().await?;
    let found = tx.corrections_for(&caller.agency, before, limit).await?;
    drop(tx);
    let mut citizens: Vec<_> = found.iter().map(|stored| stored.citizen).collect();
    citizens.sort_unstable();
    citizens.dedup();
    let found = found
        .into_iter()
        .map(|stored| Ok(labelled(services, open(services, stored)?)));
    let found: Vec<Correction> = found.collect::<Result<_, AuditError>>()?;
    let read = event::Clerical::of("list_corrections");
    let entry = event::of_review(services, caller, &read, &citizens, services.clock.now());
    Ok(services.audit.record(entry, found).await?)
}

/// Answers a request about a record of the caller's own agency.
///
/// # Errors
/// The caller's role does not allow it, there is no such request or it was answered, or it could not be
/// stored.
pub async fn answer_correction(
    services: &Services,
    caller: &Caller,
    number: i64,
    (state, answer): (CorrectionState, &str),
) -> Result<Audited<Correction>, TransparencyError> {
    const UNKNOWN: TransparencyError = TransparencyError::NotFound("request to this agency");
    allow(services, caller, "AnswerCorrection").await?;
    if state == CorrectionState::Asked {
        return Err(invalid("state", "must be CORRECTED or REFUSED"));
    }
    check("answer", answer, 0..=LONGEST)?;
    let tenure = services.lead.tenure()?;
    let mut tx = services.storage.begin().await?;
    let stored = tx.get_correction(number).await?.ok_or(UNKNOWN)?;
    if stored.agency != caller.agency {
        return Err(UNKNOWN);
    }
    let at = services.clock.now();
    let sealed = seal(services, &stored, ANSWER, answer);
    if !tx.answer_correction(number, state, &sealed, at).await? {
        return Err(TransparencyError::Answered);
    }
    let stored = StoredCorrection {
        state,
        answer: answer.to_owned(),
        updated_at: at,
        ..open(services, stored)?
    };
    let entry = moved(services, caller, &stored);
    let answered = labelled(services, stored);
    Ok(services.audit.commit(tx, tenure, entry, answered).await?)
}

/// Returns a text as it is stored.
fn seal(services: &Services, stored: &StoredCorrection, field: &str, text: &str) -> String {
    let sealed = services.vault.seal(&place(stored, field), text.as_bytes());
    format!("{SEALED}{}", data_encoding::BASE64.encode(&sealed))
}

/// Opens the texts of a request; one of before texts were sealed is as it was.
fn open(services: &Services, stored: StoredCorrection) -> Result<StoredCorrection, AuditError> {
    let text = |field: &str, text: &str| -> Result<String, AuditError> {
        let Some(sealed) = text.strip_prefix(SEALED) else {
            return Ok(text.to_owned());
        };
        let sealed = data_encoding::BASE64.decode(sealed.as_bytes());
        let sealed = sealed.map_err(|_| VaultError::Damaged)?;
        let opened = match services.vault.unseal(&place(&stored, field), &sealed) {
            Err(VaultError::Damaged) => {
                let before = place_of_before(&stored, field);
                services.vault.unseal(&before, &sealed)
            }
            opened => opened,
        }?;
        Ok(String::from_utf8_lossy(&opened).into_owned())
    };
    let record_key = text(RECORD_KEY, stored.record_key.expose())?;
    let wrong = text(WRONG, stored.wrong.expose())?;
    let answer = text(ANSWER, &stored.answer)?;
    Ok(StoredCorrection {
        record_key: Pii::new(record_key),
        wrong: Pii::new(wrong),
        answer,
        ..stored
    })
}

/// Returns what a sealed text belongs to: this column of this row.
fn place(stored: &StoredCorrection, field: &str) -> Vec<u8> {
    let citizen = stored.citizen.bits().to_be_bytes();
    let number = stored.number.to_be_bytes();
    let column = [b"rabt/corrections/", field.as_bytes(), b"/"].concat();
    [column.as_slice(), &number, &citizen].concat()
}

/// Returns what a text belongs to that an earlier release sealed: any row of the citizen. A text that was sealed since
/// does not open by it.
fn place_of_before(stored: &StoredCorrection, field: &str) -> Vec<u8> {
    let citizen = stored.citizen.bits().to_be_bytes();
    [b"rabt/correction/", field.as_bytes(), b"/", &citizen].concat()
}

async fn allow(
    services: &Services,
    caller: &Caller,
    method: &str,
) -> Result<(), TransparencyError> {
    match operate::refuse(services, caller, method, &ANSWERERS).await? {
        None => Ok(()),
        Some(refusal) => Err(TransparencyError::NotPermitted(refusal)),
    }
}

/// Returns where the value of an attribute comes from.
fn origin<'a>(profile: &'a Profile, attribute: &Attribute) -> Option<&'a rabt_model::Provenance> {
    let value = profile
        .values
        .iter()
        .find(|value| value.attribute == *attribute);
    value.map(|value| &value.provenance)
}

fn moved(services: &Services, caller: &Caller, stored: &StoredCorrection) -> Entry {
    let moved = CorrectionMoved {
        actor: event::actor(caller),
        attribute: stored.attribute.clone(),
        correction: stored.number,
        state: stored.state.as_str().to_owned(),
        subjects: vec![services.audit.pseudonyms().citizen(stored.citizen)],
    };
    Entry::new(stored.updated_at, AuditEvent::CorrectionMoved(moved))
}

fn labelled(services: &Services, stored: StoredCorrection) -> Correction {
    Correction {
        agency_label: services.registry.current().agency_label(&stored.agency),
        stored,
    }
}

fn check(
    field: &'static str,
    text: &str,
    length: std::ops::RangeInclusive<usize>,
) -> Result<(), TransparencyError> {
    if !length.contains(&text.trim().chars().count()) {
        let problem = match field {
            "evidence" => "must not be longer than 200 characters",
            "answer" => "must not be longer than 2,000 characters",
            _ => "must say what is wrong, in 2,000 characters at most",
        };
        return Err(invalid(field, problem));
    }
    Ok(())
}

const fn invalid(field: &'static str, problem: &'static str) -> TransparencyError {
    TransparencyError::Invalid { field, problem }
}
