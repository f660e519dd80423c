//! What entries do to cases of emergencies, in the file of the audit log.

use super::script::Script;
use crate::convert::{to_integer, to_micros};
use crate::row::CaseStep;

const OPEN: &str = "INSERT INTO audit_cases (leaf, agency, at, state, reviewer, text)
    VALUES (?, ?, ?, 'open', '', X'')";

const JUDGE: &str = "UPDATE audit_cases SET state = ?, reviewer = ?, text = ?, reviewed_at = ?
    WHERE leaf = ? AND state = 'open'";

/// Does to a case what an entry says.
pub(super) fn put(script: &mut Script, leaf: i64, step: &CaseStep) {
    match step {
        CaseStep::Open { agency, at } => {
            let case = script.add(OPEN).add(leaf);
            case.add(agency.as_str()).add(to_micros(*at));
        }
        // there is one log, whatever it is called
        CaseStep::Judge { case, .. } => {
            let judged = script.add(JUDGE).add(case.state.as_str());
            judged.add(case.reviewer.as_str()).add(case.text.as_slice());
            judged.add(case.reviewed_at.map(to_micros));
            judged.add(to_integer(case.leaf));
        }
    }
}
