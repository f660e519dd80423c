//! What an agreement and a public service allow together.

use std::sync::Arc;

use crate::{Agreement, Assurance, Catalogue, Channel, FieldSet, Method, PublicService};

/// The rule of one service of an agreement. Without an entry in the catalogue it is the agreement's own.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Bits of [`Channel::bit`].
    channels: u8,
    /// Ascending.
    legal_bases: Vec<String>,
    minimum_assurance: Assurance,
    default: Arc<FieldSet>,
    maximum: Arc<FieldSet>,
}

impl Rule {
    fn own(agreement: &Agreement) -> Self {
        Self {
            channels: agreement.channels,
            legal_bases: agreement.legal_bases.clone(),
            minimum_assurance: agreement.minimum_assurance,
            default: Arc::clone(&agreement.default),
            maximum: Arc::clone(&agreement.maximum),
        }
    }

    fn of(agreement: &Agreement, service: &PublicService) -> Self {
        let own = Self::own(agreement);
        let bases = own.legal_bases.into_iter();
        let offered = service.channels().map(Channel::bit);
        Self {
            channels: own.channels & offered.fold(0, |bits, bit| bits | bit),
            legal_bases: bases
                .filter(|basis| service.legal_bases().contains(basis))
                .collect(),
            minimum_assurance: own.minimum_assurance.max(service.minimum_assurance()),
            default: Arc::new(own.default.intersection(service.fields())),
            maximum: Arc::new(own.maximum.intersection(service.fields())),
        }
    }

    /// Says whether a question may come over a channel.
    pub(crate) const fn has_channel(&self, channel: Channel) -> bool {
        self.channels & channel.bit() != 0
    }

    pub(crate) fn channels(&self) -> impl Iterator<Item = Channel> + '_ {
        let allowed = |channel: &Channel| self.has_channel(*channel);
        Channel::ALL.into_iter().filter(allowed)
    }

    pub(crate) fn legal_bases(&self) -> &[String] {
        &self.legal_bases
    }

    pub(crate) const fn minimum_assurance(&self) -> Assurance {
        self.minimum_assurance
    }

    pub(crate) const fn default(&self) -> &Arc<FieldSet> {
        &self.default
    }

    pub(crate) const fn maximum(&self) -> &Arc<FieldSet> {
        &self.maximum
    }
}

impl Agreement {
    /// Takes over what the services of a catalogue allow.
    pub(crate) fn settle(&mut self, catalogue: &Catalogue) {
        let rule = |code: &String| match catalogue.service(code) {
            Some(service) => Rule::of(self, service),
            None => Rule::own(self),
        };
        self.rules = self.services.iter().map(rule).collect();
    }

    /// Returns the rule of one of the agreement's services.
    pub(crate) fn rule(&self, service: &str) -> Option<&Rule> {
        let services = self.services.iter();
        let mut rules = services.zip(&self.rules);
        rules
            .find(|(listed, _)| *listed == service)
            .map(|(_, rule)| rule)
    }

    /// Returns each service of the agreement with its rule.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.services.iter().map(String::as_str).zip(&self.rules)
    }
}

impl Catalogue {
    /// Returns what of an agreement no question could ever use: services that are not here, or that
    /// allow none of its channels, legal bases or fields.
    pub fn objections(&self, agreement: &Agreement) -> Vec<String> {
        let mut objections = Vec::new();
        for code in agreement.services() {
            let Some(service) = self.service(code) else {
                objections.push(format!(
                    "`services` holds `{code}`, which is not in the catalogue of services"
                ));
                continue;
            };
            let rule = Rule::of(agreement, service);
            let reads = Method::ALL.into_iter().any(|method| {
                agreement.allows_method(method) && method != Method::ListSourceReferences
            });
            let empty = [
                (rule.channels == 0, "channels"),
                (rule.legal_bases.is_empty(), "legal bases"),
                (reads && rule.maximum.is_empty(), "fields"),
            ];
            for (is_empty, what) in empty {
                if is_empty {
                    objections.push(format!(
                        "service `{code}` has none of the agreement's {what}; see the catalogue of \
                         services"
                    ));
                }
            }
        }
        objections
    }
}
