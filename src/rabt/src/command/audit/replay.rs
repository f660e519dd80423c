//! `rabt audit replay`: was this what was answered, and would it be answered again?

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use prost::Message;
use rabt_audit::{
    AuditEvent, Entry, ExportTrust, Receipt, Salt, Side, exported_entry, verify_export,
};
use rabt_proto::audit as pb;
use rabt_proto::audit::replay_answer_request::Question;
use rabt_proto::citizen::{GetCitizenRequest, LookupCitizenRequest};
use serde::Serialize;

use super::{files, remote};
use crate::client::{Connection, refusal};
use crate::error::{CommandError, Exit};
use crate::exchange::Exchange;
use crate::keys;
use crate::render::Render;

/// `rabt audit replay`
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// File that `rabt citizen lookup --save` wrote.
    file: PathBuf,
    /// Folder that `rabt audit export` wrote, or receipt of the entry, instead of a running server; then
    /// nothing is asked again.
    #[arg(long, value_name = "PATH", requires = "public_key")]
    evidence: Option<PathBuf>,
    /// Public key of the log whose evidence it is.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Serialize)]
struct Replayed {
    leaf: u64,
    at: String,
    method: String,
    outcome: String,
    question_recorded: bool,
    answer_recorded: bool,
    /// Whether the digest of the answer can be made from the file.
    answer_checkable: bool,
    then: Option<Again>,
    now: Option<Again>,
}

#[derive(Serialize)]
struct Again {
    outcome: String,
    same: bool,
    obstacle: String,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    attribute: String,
    reason: String,
}

pub(super) async fn replay(args: &ReplayArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let exchange = Exchange::read(&args.file)?;
    let help = "save the answer again with --save; servers before this version gave no salt";
    let salt: Salt = exchange
        .salt
        .parse()
        .map_err(|error| CommandError::usage(format!("the salt in the file {error}"), help))?;
    let help = "name it by the leaf that the answer's header rabt-audit-leaf said";
    let leaf = exchange
        .leaf
        .ok_or_else(|| CommandError::usage("the file names no entry", help))?;
    let entry = match &args.evidence {
        Some(path) => from_files(path, args, leaf)?,
        None => from_server(args, leaf).await?,
    };
    if entry.event.method() != exchange.method {
        let problem = format!(
            "{}: is of {}, and entry {leaf} of {}",
            args.file.display(),
            exchange.method,
            entry.event.method()
        );
        let help = "give the file that was saved with this entry";
        return Err(CommandError::one(Exit::VerificationFailed, problem, help));
    }
    let digest = |side, bytes: Option<Vec<u8>>| bytes.map(|bytes| salt.digest(side, &bytes));
    let asked = digest(Side::Request, exchange.canonical_request());
    let told = digest(Side::Response, exchange.canonical_answer());
    let mut replayed = Replayed {
        leaf,
        at: entry.at.to_string(),
        method: entry.event.method().to_owned(),
        outcome: entry.event.outcome().to_owned(),
        question_recorded: asked.is_some() && asked == entry.request,
        answer_recorded: told.is_some() && told == entry.response,
        answer_checkable: exchange.has_digest(),
        then: None,
        now: None,
    };
    let answered = matches!(entry.event, AuditEvent::Disclosed(_));
    if args.evidence.is_none() && replayed.question_recorded && answered {
        ask_again(args, &exchange, (leaf, salt), &mut replayed).await?;
    }
    render.result(&replayed, || replayed.to_text());
    Ok(if replayed.question_recorded && replayed.answer_recorded {
        ExitCode::SUCCESS
    } else {
        Exit::VerificationFailed.into()
    })
}

async fn from_server(args: &ReplayArgs, leaf: u64) -> Result<Entry, CommandError> {
    let mut client = remote::connect(&args.connection).await?;
    let request = pb::ExportEvidenceRequest {
        from_leaf: leaf,
        to_leaf: leaf + 1,
        size: 0,
    };
    let told = client.export_evidence(request).await;
    let mut told = told.map_err(|status| refusal(&status))?.into_inner();
    let mut body = None;
    while let Some(message) = told.message().await.map_err(|status| refusal(&status))? {
        body = body.or_else(|| message.bodies.into_iter().next());
    }
    decoded(&body.unwrap_or_default())
}

fn from_files(path: &Path, args: &ReplayArgs, leaf: u64) -> Result<Entry, CommandError> {
    let help = "give --public-key the file log.pub of the node whose log it is";
    let key = args.public_key.as_deref();
    let key = key.ok_or_else(|| CommandError::usage("the public key is missing", help))?;
    let verifier = keys::read_verifier(key)?;
    let unsound = |problem: &dyn std::fmt::Display| {
        let message = format!("{}: {problem}", path.display());
        let help = "see `rabt audit verify`";
        CommandError::one(Exit::VerificationFailed, message, help)
    };
    if path.is_file() {
        let text = std::fs::read_to_string(path).map_err(|error| unsound(&error))?;
        let receipt = Receipt::from_text(&text).map_err(|error| unsound(&error))?;
        if receipt.index != leaf {
            return Err(unsound(&format_args!(
                "is the receipt of leaf {}",
                receipt.index
            )));
        }
        return receipt.verify(&verifier).map_err(|error| unsound(&error));
    }
    let mut known = BTreeSet::new();
    files::walk(path, "", &mut known)?;
    let mut read = |file: &str| std::fs::read(path.join(file)).map_err(|error| error.to_string());
    let trust = ExportTrust {
        log: &verifier,
        witnesses: &[],
        time: None,
    };
    let found = verify_export(&known, &mut read, trust);
    if let Some(problem) = found.problems.first() {
        return Err(unsound(problem));
    }
    let body = exported_entry(&mut read, found.size, leaf);
    decoded(&body.map_err(|error| unsound(&error))?)
}

fn decoded(body: &[u8]) -> Result<Entry, CommandError> {
    Entry::decode(body).map_err(|error| {
        let help = "see `rabt audit verify`";
        CommandError::failed(format!("the entry {error}"), help)
    })
}

async fn ask_again(
    args: &ReplayArgs,
    exchange: &Exchange,
    (leaf, salt): (u64, Salt),
    replayed: &mut Replayed,
) -> Result<(), CommandError> {
    let request = exchange.canonical_request().unwrap_or_default();
    let request = request.as_slice();
    let question = match exchange.method.as_str() {
        "LookupCitizen" => LookupCitizenRequest::decode(request).map(Question::LookupCitizen),
        "GetCitizen" => GetCitizenRequest::decode(request).map(Question::GetCitizen),
        _ => return Ok(()),
    };
    let request = pb::ReplayAnswerRequest {
        leaf,
        salt: salt.0.to_vec(),
        question: question.ok(),
    };
    let mut client = remote::connect(&args.connection).await?;
    let got = client.replay_answer(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    replayed.then = got.then.map(Again::of);
    replayed.now = got.now.map(Again::of);
    Ok(())
}

impl Again {
    fn of(again: pb::ReplayedAnswer) -> Self {
        let differences = again.differences.into_iter();
        Self {
            outcome: again.outcome,
            same: again.same,
            obstacle: again.obstacle,
            differences: differences
                .map(|one| Difference {
                    attribute: one.attribute,
                    reason: one.reason,
                })
                .collect(),
        }
    }

    fn to_text(&self) -> String {
        if !self.obstacle.is_empty() {
            return format!("cannot be said: {}", self.obstacle);
        }
        if self.same {
            return "the same".to_owned();
        }
        let mut text = format!("not the same; it ends in {}", self.outcome);
        for Difference { attribute, reason } in &self.differences {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {attribute}: {reason}");
        }
        text
    }
}

impl Replayed {
    fn to_text(&self) -> String {
        let Self {
            leaf,
            at,
            method,
            outcome,
            ..
        } = self;
        let word = |recorded| if recorded { "is" } else { "is NOT" };
        let mut text = format!(
            "entry {leaf} of {at}: {method}, {outcome}\n\
             the question {} the one that was recorded\n\
             the answer {} the one that was recorded",
            word(self.question_recorded),
            if self.answer_checkable {
                word(self.answer_recorded)
            } else {
                "cannot be checked to be"
            },
        );
        for (when, again) in [("as of then", &self.then), ("now", &self.now)] {
            if let Some(again) = again {
                // Writing to a String cannot fail.
                let _ = write!(text, "\nasked again {when}: {}", again.to_text());
            }
        }
        text
    }
}
