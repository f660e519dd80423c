//! The catalogue of public services: what each is for, over which channels, and how much it needs.

use std::sync::Arc;

use rabt_model::{AgencyId, Label};

use crate::bundle::read::{Reader, Table};
use crate::bundle::{read_assurance, read_channels, read_title};
use crate::{Assurance, Channel, FieldSet, Problem};

/// The services that come with the product.
pub const EGYPT: &str = include_str!("../catalogue/egypt.toml");

const KEYS: [&str; 7] = [
    "id",
    "title",
    "agency",
    "channels",
    "legal_bases",
    "minimum_assurance",
    "fields",
];

/// The services of a country, ascending by id. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(Arc<[PublicService]>);

/// One public service. A question that is asked for it keeps its rules and those of the agreement.
#[derive(Debug, Clone)]
pub struct PublicService {
    id: String,
    title: Label,
    agency: AgencyId,
    channels: u8,
    legal_bases: Vec<String>,
    minimum_assurance: Assurance,
    fields: FieldSet,
}

impl Catalogue {
    /// Reads a catalogue. `file` is the name that problems are reported under.
    ///
    /// # Errors
    /// Every problem of the text, in the order of its lines.
    pub fn from_text(text: &str, file: &str) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let table = reader.parse(text);
        let mut services = Vec::new();
        if let Some(table) = &table {
            let top = Table::new(table.get_ref(), 0, "the catalogue");
            reader.refuse_unknown(top, &["schema", "service"]);
            reader.schema(top);
            services = read_services(&mut reader, top);
        }
        let problems = reader.finish();
        if !problems.is_empty() {
            return Err(problems);
        }
        services.sort_unstable_by(|left, right| left.id.cmp(&right.id));
        Ok(Self(services.into()))
    }

    /// Returns the services, ascending by id.
    pub fn services(&self) -> &[PublicService] {
        &self.0
    }

    /// Returns the service of this id.
    pub fn service(&self, id: &str) -> Option<&PublicService> {
        let place = self
            .0
            .binary_search_by(|service| service.id.as_str().cmp(id));
        place.ok().map(|place| &self.0[place])
    }

    /// Returns the services of these ids.
    pub(crate) fn only(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let wanted = self.0.iter().filter(|service| wanted(&service.id));
        Self(wanted.cloned().collect())
    }

    pub(crate) fn of(mut services: Vec<PublicService>) -> Self {
        services.sort_unstable_by(|left, right| left.id.cmp(&right.id));
        Self(services.into())
    }
}

impl PublicService {
    /// Returns the service's code.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns what people call it.
    pub const fn title(&self) -> &Label {
        &self.title
    }

    /// Returns who offers it.
    pub const fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// Returns over which channels it is offered.
    pub fn channels(&self) -> impl Iterator<Item = Channel> + '_ {
        let offered = |channel: &Channel| self.has_channel(*channel);
        Channel::ALL.into_iter().filter(offered)
    }

    /// Returns on which legal bases, ascending.
    pub fn legal_bases(&self) -> &[String] {
        &self.legal_bases
    }

    /// Returns how sure one must be of the end user.
    pub const fn minimum_assurance(&self) -> Assurance {
        self.minimum_assurance
    }

    /// Returns what may be needed for it at most.
    pub const fn fields(&self) -> &FieldSet {
        &self.fields
    }

    pub(crate) const fn has_channel(&self, channel: Channel) -> bool {
        self.channels & channel.bit() != 0
    }
}

/// Reads every `[[service]]` of a table.
pub(crate) fn read_services(reader: &mut Reader<'_>, top: Table<'_>) -> Vec<PublicService> {
    let mut services: Vec<PublicService> = Vec::new();
    for (at, table) in reader.tables(top, "service") {
        let table = Table::new(table, at, "the service");
        let Some(service) = read_service(reader, table) else {
            continue;
        };
        if services.iter().any(|held| held.id == service.id) {
            reader.report(at, format!("service `{}` is defined twice", service.id));
        }
        services.push(service);
    }
    services
}

fn read_service(reader: &mut Reader<'_>, table: Table<'_>) -> Option<PublicService> {
    reader.refuse_unknown(table, &KEYS);
    let id = reader.code(table, "id");
    let title = read_title(reader, table);
    let form = "must be lower-case letters, digits, '-' or '_', starting with a letter";
    let agency = reader.parsed(table, "agency", form);
    let channels = read_channels(reader, table);
    let legal_bases = reader.codes(table, "legal_bases");
    let minimum_assurance = read_assurance(reader, table);
    let fields = reader.field_set(table, "fields");
    Some(PublicService {
        id: id?,
        title: title?,
        agency: agency?,
        channels: channels?,
        legal_bases: legal_bases?,
        minimum_assurance: minimum_assurance?,
        fields: fields?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Catalogue, EGYPT};

    #[test]
    fn the_shipped_services_have_rules_of_their_own() {
        let catalogue = Catalogue::from_text(EGYPT, "egypt.toml").unwrap();
        assert!(catalogue.services().len() >= 24);
        let rules = |service: &super::PublicService| {
            format!(
                "{} {:?} {:?} {}",
                service.channels, service.legal_bases, service.minimum_assurance, service.fields
            )
        };
        let distinct: BTreeSet<String> = catalogue.services().iter().map(rules).collect();
        assert_eq!(distinct.len(), catalogue.services().len());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let text = EGYPT.replacen("channels = [\"portal\",", "channels = [\"portals\",", 1);
        let problems = Catalogue::from_text(&text, "egypt.toml").unwrap_err();
        let first = problems[0].to_string();
        assert!(
            first.starts_with("egypt.toml:9: `portals` is not a channel"),
            "{first}"
        );
        let twice = format!("{EGYPT}{}", &EGYPT[EGYPT.find("[[").unwrap()..]);
        let problems = Catalogue::from_text(&twice, "egypt.toml").unwrap_err();
        assert!(
            problems[0].message.ends_with("is defined twice"),
            "{problems:?}"
        );
    }
}
