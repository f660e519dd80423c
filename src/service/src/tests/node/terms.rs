//! Who may ask what at the node of the tests.

/// Agreements of a hospital that may see nearly everything, and of a tax office that follows the feed.
pub(in crate::tests) const BUNDLE: &str = r#"
schema = 1
[[agreement]]
id = "AG-1"
title = { en = "Hospital admission", ar = "دخول المستشفى" }
agency = "health"
systems = ["hospital"]
methods = ["LookupCitizen", "GetCitizen", "BatchLookupCitizens", "SearchCitizens", "VerifyAttributes", "ListSourceReferences", "ExplainField", "ListCitizenRevisions", "ListChanges", "WatchChanges", "ExportSnapshot"]
purposes = ["admission"]
legal_bases = ["law-1"]
services = ["care"]
channels = ["system"]
fields = { default = ["name.chain", "birth.date"], maximum = ["name.chain", "birth.date", "identifier.national_id", "phone"] }
exempt_purposes = ["admission"]
feed = { events = ["born", "died", "moved", "name_changed", "identifier_changed", "updated", "corrected", "merged", "split", "holdings", "annulled"], population = "all" }
period = { from = "2026-01-01", until = "2026-12-31" }

[[agreement]]
id = "AG-2"
title = { en = "Tax files", ar = "ملفات الضرائب" }
agency = "tax"
systems = ["desk"]
methods = ["ListChanges", "WatchChanges", "ExportSnapshot"]
purposes = ["admission"]
legal_bases = ["law-1"]
services = ["care"]
channels = ["system"]
fields = { default = ["name.chain"], maximum = ["name.chain"] }
feed = { events = ["born", "merged", "split", "name_changed", "updated", "annulled", "holdings"], population = "held" }
period = { from = "2026-01-01", until = "2026-12-31" }
"#;

/// The one public service of the tests.
pub(in crate::tests) const SERVICES: &str = r#"
[[service]]
id = "care"
title = { en = "Care", ar = "رعاية" }
agency = "health"
channels = ["system", "portal", "call_centre"]
legal_bases = ["law-1"]
fields = ["name.*", "birth.*", "identifier.*", "phone", "address", "sex", "mother.name"]
"#;
