//! The register of processing: who processes what about citizens, why, and for how long.

use rabt_model::{Label, Timestamp};
use rabt_policy::{Caller, Channel, Method};

use super::{AgreementView, READERS, Standing, allow};
use crate::error::AgreementError;
use crate::services::Services;

/// The register at one moment, of what is in force and of nothing that is written down elsewhere.
#[derive(Debug, Clone)]
pub struct Register {
    /// When it was made.
    pub at: Timestamp,
    /// The revision of the policy in force.
    pub revision: String,
    /// One for each agreement in force or suspended, ascending by id.
    pub entries: Vec<Entry>,
}

/// One processing of citizens' data.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Id of the agreement.
    pub agreement: String,
    /// What people call it.
    pub title: Label,
    /// Where it stands.
    pub standing: Standing,
    /// Who receives the data, as people call it.
    pub recipient: Label,
    /// The recipient's systems.
    pub systems: Vec<String>,
    /// Which questions they may ask.
    pub methods: Vec<&'static str>,
    /// For which purposes.
    pub purposes: Vec<String>,
    /// On which legal bases.
    pub legal_bases: Vec<String>,
    /// For which public services, as people call them.
    pub services: Vec<Label>,
    /// Over which channels.
    pub channels: Vec<&'static str>,
    /// Which categories of data at most.
    pub categories: Vec<String>,
    /// Which restricted sources speak in the answers, by their ids or those of agencies.
    pub restricted_sources: Vec<String>,
    /// How many days the recipient may keep them, when that is agreed.
    pub retention_days: Option<u32>,
    /// First and last day of the agreement.
    pub period: String,
    /// Who handed the text in, and who approved it.
    pub signed: (String, String),
}

/// Returns the register of processing.
///
/// # Errors
/// Storage failed.
pub async fn export_register(
    services: &Services,
    caller: &Caller,
) -> Result<Register, AgreementError> {
    allow(services, caller, "ExportRegister", &READERS).await?;
    let at = services.clock.now();
    let mut tx = services.storage.snapshot().await?;
    let standing = tx.standing_agreements().await?;
    drop(tx);
    let held = standing.iter().filter(|version| version.state.is_held());
    let views = held.filter_map(|version| AgreementView::of(std::slice::from_ref(version), at));
    Ok(Register {
        at,
        revision: services.policy.current().revision().to_owned(),
        entries: views.map(|view| entry(services, &view)).collect(),
    })
}

fn entry(services: &Services, view: &AgreementView) -> Entry {
    let agreement = &view.agreement;
    let known = services.registry.current();
    let title = |code: &String| match services.catalogue.service(code) {
        Some(service) => service.title().clone(),
        None => Label::new(code, code),
    };
    let stored = &view.stored;
    Entry {
        agreement: agreement.id().to_string(),
        title: agreement.title().clone(),
        standing: view.standing,
        recipient: known.agency_label(agreement.agency()),
        systems: agreement.systems().to_vec(),
        methods: agreement.methods().map(Method::as_str).collect(),
        purposes: agreement.purposes().to_vec(),
        legal_bases: agreement.legal_bases().to_vec(),
        services: agreement.services().iter().map(title).collect(),
        channels: agreement.channels().map(Channel::as_str).collect(),
        categories: agreement.maximum_fields().patterns(),
        restricted_sources: agreement.terms().sees_restricted().to_vec(),
        retention_days: agreement.terms().retention_days(),
        period: agreement.period().to_string(),
        signed: (
            stored.author.clone(),
            stored.approver.clone().unwrap_or_default(),
        ),
    }
}
