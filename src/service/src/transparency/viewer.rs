//! Who looks, through which portal, and under which names the log knows them.

use rabt_audit::Pseudonym;
use rabt_model::{AgencyId, CitizenId, Pii, Scheme};
use rabt_policy::{Assurance, Caller};

use super::TransparencyError;
use crate::event;
use crate::oversight::identifiers;
use crate::services::Services;

/// Longest identifier of a request, bytes.
const LONGEST: usize = 128;

/// A system through which citizens look at their own file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// Whose it is.
    pub agency: AgencyId,
    /// Its name in the certificate.
    pub system: String,
}

/// Every portal; nobody is one unless the settings say so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portals(Vec<Portal>);

/// A citizen who looks, as the portal says.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Whose file it is.
    pub subject: Subject,
    /// How sure the portal is of it.
    pub assurance: Assurance,
    /// The portal's id of the request.
    pub request_id: String,
}

/// Whose file it is, unparsed until the caller is known to be a portal.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Whoever holds an identifier.
    Identifier {
        /// Its scheme.
        scheme: String,
        /// Its value.
        value: Pii<String>,
    },
    /// A citizen, by id.
    Citizen(String),
    /// Nobody was named.
    None,
}

/// Whose file it is.
#[derive(Debug)]
pub(super) struct Whose {
    /// The citizen as of today; `None` when nobody holds the identifier.
    pub(super) citizen: Option<CitizenId>,
    /// What the key of the person is found by.
    pub(super) name: Pseudonym,
    /// Everything that entries of any time call the person.
    pub(super) names: Vec<[u8; 32]>,
}

impl Portals {
    /// Reads the names of portals, each `agency:system`.
    ///
    /// # Errors
    /// The first that is not of this form.
    pub fn of(names: &[String]) -> Result<Self, String> {
        let portal = |name: &String| {
            let (agency, system) = name.split_once(':')?;
            let agency = agency.parse().ok()?;
            let is_name = !system.is_empty() && !system.contains(':');
            is_name.then(|| Portal {
                agency,
                system: system.to_owned(),
            })
        };
        let portals = names
            .iter()
            .map(|name| portal(name).ok_or_else(|| name.clone()));
        portals.collect::<Result<_, _>>().map(Self)
    }

    /// Says whether a caller is a portal.
    pub(super) fn contains(&self, caller: &Caller) -> bool {
        let mut portals = self.0.iter();
        portals.any(|portal| portal.agency == caller.agency && portal.system == caller.system)
    }
}

/// Finds whose file it is, or says which name leads to nobody. Somebody whom nobody knows has a history too:
/// of the questions about the identifier.
pub(super) async fn find(
    services: &Services,
    subject: &Subject,
) -> Result<Result<Whose, Pseudonym>, TransparencyError> {
    const FIELD: &str = "viewer";
    let invalid = |problem| TransparencyError::Invalid {
        field: FIELD,
        problem,
    };
    let keys = services.audit.pseudonyms();
    match subject {
        Subject::None => Err(invalid("must name a citizen")),
        Subject::Citizen(id) => {
            let id: CitizenId = id.parse().map_err(|_| invalid("must be a citizen's id"))?;
            let mut tx = services.storage.snapshot().await?;
            let today = tx.resolve(id).await?;
            drop(tx);
            match today {
                Some(today) => known(services, today, None).await.map(Ok),
                None => Ok(Err(keys.citizen(id))),
            }
        }
        Subject::Identifier { scheme, value } => {
            let scheme: Scheme = scheme
                .parse()
                .map_err(|_| invalid("must have an identifier with a scheme"))?;
            let text = value.expose();
            if text.trim().is_empty() || text.len() > LONGEST {
                return Err(invalid("must have an identifier with a value"));
            }
            let asked = event::identifier(keys, &scheme, text);
            match services.directory.by_identifier(scheme.as_str(), text) {
                Some(profile) => {
                    let whose = known(services, profile.citizen, Some(asked)).await?;
                    Ok(Ok(whose))
                }
                None => Ok(Ok(Whose {
                    citizen: None,
                    name: asked,
                    names: services.audit.names(&[asked]).await?,
                })),
            }
        }
    }
}

/// Gathers the names of a citizen: of every id that leads here today, and of the identifiers, which
/// entries name while they lead to nobody.
async fn known(
    services: &Services,
    citizen: CitizenId,
    asked: Option<Pseudonym>,
) -> Result<Whose, TransparencyError> {
    let keys = services.audit.pseudonyms();
    let mut tx = services.storage.snapshot().await?;
    let ids = tx.ids_of(citizen).await?;
    drop(tx);
    let mut names = vec![keys.citizen(citizen)];
    names.extend(ids.into_iter().map(|id| keys.citizen(id)));
    names.extend(asked);
    if let Some(profile) = services.directory.get(citizen) {
        names.extend(identifiers(services, &profile));
    }
    names.sort_unstable();
    names.dedup();
    let names = services.audit.names(&names).await?;
    Ok(Whose {
        citizen: Some(citizen),
        name: keys.citizen(citizen),
        names,
    })
}
