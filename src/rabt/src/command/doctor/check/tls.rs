//! The certificates: are they there, do they work together, and until when.

use jiff::Timestamp;
use rabt_api::{Ending, Stage, Thing};
use rabt_model::{Clock, SystemClock};

use super::super::{Finding, Outcome};
use super::private;
use crate::app::Settled;

/// Runs every check of `[tls]`.
pub(super) fn all(settled: &Settled) -> Vec<Finding> {
    let files = settled.tls();
    let mut named = vec![
        ("tls.cert", &files.cert),
        ("tls.key", &files.key),
        ("tls.client_ca", &files.client_ca),
    ];
    named.extend(files.crl.iter().map(|path| ("tls.crl", path)));
    let mut findings = Vec::new();
    for (name, path) in named {
        if let Err(error) = std::fs::File::open(path) {
            let summary = format!("{}: {error}", path.display());
            findings.push(Finding::of(name, Outcome::Fail, summary, remedy(name)));
        }
    }
    let readable = findings.is_empty();
    findings.extend(private("tls.key", &files.key));
    if readable {
        findings.extend(examined(settled, SystemClock.now()));
    }
    findings
}

fn remedy(name: &str) -> &'static str {
    if name == "tls.crl" {
        return "name a revocation list that the node's user can read; a node that runs goes by the \
                last one it read, and starts no more without one";
    }
    "name a PEM file that the node's user can read; `rabt pki dev --out pki` makes certificates to \
     try with"
}

fn examined(settled: &Settled, now: Timestamp) -> Vec<Finding> {
    let examined = match rabt_api::examine(&settled.tls(), now) {
        Ok(examined) => examined,
        Err(error) => {
            let remedy = "see that tls.key is the key of tls.cert, that the lists are of the \
                          authorities in tls.client_ca, and that all but the lists are PEM";
            let summary = error.to_string();
            return vec![Finding::of("tls", Outcome::Fail, summary, remedy)];
        }
    };
    let mut findings = vec![Finding::pass(
        "tls",
        "certificate, key, authorities and revocation lists work together",
    )];
    let endings = examined.endings.iter();
    findings.extend(endings.map(|(ending, stage)| of_ending(ending, *stage, now)));
    findings.extend(examined.notes.into_iter().map(|note| {
        let remedy = "add the missing list, or take out what is no longer used";
        Finding::of("tls.crl", Outcome::Warn, note, remedy)
    }));
    findings
}

fn of_ending(ending: &Ending, stage: Stage, now: Timestamp) -> Finding {
    let check = match ending.thing {
        Thing::Server => "tls.cert",
        Thing::Authority => "tls.client_ca",
        Thing::List => "tls.crl",
    };
    let (thing, file, until) = (ending.thing.as_str(), ending.file.display(), ending.until);
    let days = ending.until.duration_since(now).as_hours() / 24;
    let (outcome, summary) = match stage {
        Stage::Far => (
            Outcome::Pass,
            format!("{file}: {thing} is good until {until}"),
        ),
        Stage::Early => (
            of_server(ending, Outcome::Fail),
            format!("{file}: the time of {thing} begins only at {}", ending.from),
        ),
        Stage::Month | Stage::Week | Stage::Day => (
            Outcome::Warn,
            format!("{file}: {thing} ends at {until}, {days} days from now"),
        ),
        Stage::Over => (
            of_server(ending, Outcome::Fail),
            format!("{file}: the time of {thing} ended at {until}"),
        ),
    };
    match outcome {
        Outcome::Pass => Finding::pass(check, summary),
        Outcome::Warn | Outcome::Fail => Finding::of(check, outcome, summary, next(ending.thing)),
    }
}

/// Nobody connects to a server whose certificate is not good; the others stop nobody.
fn of_server(ending: &Ending, outcome: Outcome) -> Outcome {
    match ending.thing {
        Thing::Server => outcome,
        Thing::Authority | Thing::List => Outcome::Warn,
    }
}

fn next(thing: Thing) -> &'static str {
    match thing {
        Thing::Server => {
            "renew it and put certificate and key in place; a running node takes them within a second"
        }
        Thing::Authority => {
            "put its successor beside it into tls.client_ca, before it signs for callers; take the \
             old one out when its last certificate has ended"
        }
        Thing::List => {
            "fetch the authority's next list and put it in place; the old one stays in force until \
             then, and knows nothing of later revocations"
        }
    }
}

#[cfg(test)]
mod tests {
    use rabt_api::{Ending, Stage, Thing};

    use super::{Outcome, of_ending};

    #[test]
    fn only_the_end_of_the_servers_own_certificate_stops_a_node() {
        let now = "2026-06-30T00:00:00Z".parse().unwrap();
        let outcome = |thing, stage| {
            let ending = Ending {
                setting: "cert",
                file: "file.pem".into(),
                thing,
                name: String::new(),
                from: "2026-01-01T00:00:00Z".parse().unwrap(),
                until: "2026-07-03T00:00:00Z".parse().unwrap(),
            };
            let finding = of_ending(&ending, stage, now);
            assert_eq!(finding.remedy.is_empty(), finding.outcome == Outcome::Pass);
            (finding.outcome, finding.summary)
        };
        for thing in [Thing::Server, Thing::Authority, Thing::List] {
            assert_eq!(outcome(thing, Stage::Far).0, Outcome::Pass);
            let (warned, summary) = outcome(thing, Stage::Week);
            assert_eq!(warned, Outcome::Warn);
            assert!(summary.contains("3 days from now"), "{summary}");
        }
        assert_eq!(outcome(Thing::Server, Stage::Over).0, Outcome::Fail);
        assert_eq!(outcome(Thing::Authority, Stage::Over).0, Outcome::Warn);
        assert_eq!(outcome(Thing::List, Stage::Over).0, Outcome::Warn);
    }
}
