//! One helper for all properties: how many cases they try.

use proptest::prelude::ProptestConfig;

/// Returns a configuration with the number of cases in `RABT_PROPTEST_CASES`, so that a soak run
/// can ask for a million; `few` when it is not set.
pub(crate) fn cases(few: u32) -> ProptestConfig {
    let asked = std::env::var("RABT_PROPTEST_CASES");
    let cases = asked.ok().and_then(|text| text.parse().ok());
    ProptestConfig::with_cases(cases.unwrap_or(few))
}
