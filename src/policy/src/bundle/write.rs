//! Writes agreements as bundles have them. What is read of the text is what was written.

use std::fmt::Write as _;

use rabt_model::ChangeKind;

use crate::{Agreement, Assurance, Channel, Dormant, Method, Policy, PublicService, Terms};

/// What every bundle begins with.
const HEAD: &str = "schema = 1\n";

impl Policy {
    /// Returns a bundle of the agreements, ascending by id; equal agreements give equal texts.
    pub fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        if self.agreements().is_empty() {
            text.push_str("agreement = []\n");
        }
        for service in self.services().services() {
            text.push('\n');
            write_service(&mut text, service);
        }
        let agreements = self.agreements();
        for agreement in agreements {
            text.push('\n');
            write(&mut text, agreement);
        }
        for dormant in self.dormant() {
            text.push('\n');
            write_dormant(&mut text, dormant);
        }
        text
    }
}

impl Agreement {
    /// Returns a bundle of this agreement alone.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        write(&mut text, self);
        text
    }
}

fn write(text: &mut String, agreement: &Agreement) {
    let (title, period) = (agreement.title(), agreement.period());
    let methods: Vec<&str> = agreement.methods().map(Method::as_str).collect();
    let channels: Vec<&str> = agreement.channels().map(Channel::as_str).collect();
    text.push_str("[[agreement]]\n");
    line(text, "id", &quoted(agreement.id().as_str()));
    let (en, ar) = (quoted(&title.en), quoted(&title.ar));
    line(text, "title", &format!("{{ en = {en}, ar = {ar} }}"));
    line(text, "agency", &quoted(agreement.agency().as_str()));
    line(text, "systems", &list(agreement.systems()));
    line(text, "methods", &list(&methods));
    line(text, "purposes", &list(agreement.purposes()));
    line(text, "legal_bases", &list(agreement.legal_bases()));
    line(text, "services", &list(agreement.services()));
    line(text, "channels", &list(&channels));
    let (from, until) = (period.from(), period.until());
    let period = format!("{{ from = \"{from}\", until = \"{until}\" }}");
    line(text, "period", &period);
    if agreement.minimum_assurance() != Assurance::None {
        let level = quoted(agreement.minimum_assurance().as_str());
        line(text, "minimum_assurance", &level);
    }
    write_terms(text, agreement.terms());
    let maximum = list(&agreement.maximum_fields().patterns());
    let default = agreement.default_fields().patterns();
    let fields = if default.is_empty() {
        format!("{{ maximum = {maximum} }}")
    } else {
        format!("{{ default = {}, maximum = {maximum} }}", list(&default))
    };
    line(text, "fields", &fields);
    if let Some(feed) = agreement.feed() {
        let kinds: Vec<&str> = feed.kinds().map(ChangeKind::code).collect();
        let (kinds, population) = (list(&kinds), quoted(feed.population().as_str()));
        let feed = format!("{{ events = {kinds}, population = {population} }}");
        line(text, "feed", &feed);
    }
}

fn write_dormant(text: &mut String, dormant: &Dormant) {
    text.push_str("[[dormant]]\n");
    line(text, "id", &quoted(dormant.id.as_str()));
    line(text, "agency", &quoted(dormant.agency.as_str()));
    line(text, "systems", &list(&dormant.systems));
}

fn write_service(text: &mut String, service: &PublicService) {
    let title = service.title();
    let channels: Vec<&str> = service.channels().map(Channel::as_str).collect();
    text.push_str("[[service]]\n");
    line(text, "id", &quoted(service.id()));
    let (en, ar) = (quoted(&title.en), quoted(&title.ar));
    line(text, "title", &format!("{{ en = {en}, ar = {ar} }}"));
    line(text, "agency", &quoted(service.agency().as_str()));
    line(text, "channels", &list(&channels));
    line(text, "legal_bases", &list(service.legal_bases()));
    if service.minimum_assurance() != Assurance::None {
        let level = quoted(service.minimum_assurance().as_str());
        line(text, "minimum_assurance", &level);
    }
    line(text, "fields", &list(&service.fields().patterns()));
}

fn write_terms(text: &mut String, terms: &Terms) {
    if !terms.exempt_purposes().is_empty() {
        line(text, "exempt_purposes", &list(terms.exempt_purposes()));
    }
    if !terms.sees_restricted().is_empty() {
        line(text, "sees_restricted", &list(terms.sees_restricted()));
    }
    let flags = [
        ("sees_protected", terms.sees_protected()),
        ("break_glass", terms.allows_break_glass()),
    ];
    for (key, set) in flags {
        if set {
            line(text, key, "true");
        }
    }
    let days = [
        ("retention_days", terms.retention_days()),
        ("withhold_days", terms.withhold_days()),
    ];
    for (key, days) in days {
        if let Some(days) = days {
            line(text, key, &days.to_string());
        }
    }
    let budget = terms.budget();
    let limits = [
        ("per_day", budget.per_day),
        ("per_end_user", budget.per_end_user),
        ("end_users", budget.end_users),
    ];
    let limits: Vec<String> = limits
        .iter()
        .filter_map(|(key, limit)| limit.map(|limit| format!("{key} = {limit}")))
        .collect();
    if !limits.is_empty() {
        line(text, "budget", &format!("{{ {} }}", limits.join(", ")));
    }
}

fn line(text: &mut String, key: &str, value: &str) {
    let _ = writeln!(text, "{key} = {value}");
}

fn list(texts: &[impl AsRef<str>]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
