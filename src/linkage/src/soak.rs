//! One helper for all properties: how many cases they try.

use proptest::prelude::ProptestConfig;

/// Returns a configuration with the number of cases in `RABT_PROPTEST_CASES`, so that a soak run
/// can ask for a million; `few` when it is not set.
pub(crate) fn cases(few: u32) -> ProptestConfig {
    at_most(few, u32::MAX)
}

/// As [`cases`], never more than `most`: for properties of which one case is a whole run of the
/// engine, so that a million of them would take days and reach nothing that thousands do not.
pub(crate) fn at_most(few: u32, most: u32) -> ProptestConfig {
    let asked = std::env::var("RABT_PROPTEST_CASES");
    let cases = asked.ok().and_then(|text| text.parse().ok());
    let cases = cases.unwrap_or(few).min(most);
    let usual = ProptestConfig::with_cases(cases);
    ProptestConfig {
        // what strategies throw away grows with what they make
        max_local_rejects: usual.max_local_rejects.max(cases.saturating_mul(16)),
        max_global_rejects: usual.max_global_rejects.max(cases),
        ..usual
    }
}
