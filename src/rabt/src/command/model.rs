//! `rabt model`: try another linkage model before it is put to work, through a running server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use rabt_proto::linkage as pb;
use rabt_proto::linkage::linkage_service_client::LinkageServiceClient;
use serde::Serialize;

use super::block_on;
use crate::client::{Connection, refusal_with};
use crate::error::CommandError;
use crate::render::{Render, table};

/// Who asks unless `--as` says otherwise.
const USUAL_IDENTITY: &str = "operator";

/// How a model is put to work, for the help.
const SWITCH: &str = "\
To put the model to work, name its file as linkage.model in the configuration and start the node
again: everything is linked anew, ids are kept by the rules of merges and splits, and the change feed
tells what differs.";

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelArgs {
    /// Say what another model would make of the registry; nothing is changed.
    #[command(after_help = SWITCH)]
    Shadow(ShadowArgs),
}

/// `rabt model shadow`
#[derive(Debug, clap::Args)]
pub(crate) struct ShadowArgs {
    /// The model file.
    file: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

/// How the people of the registry would differ.
#[derive(Debug, Serialize)]
struct Differences {
    model: String,
    records: u64,
    citizens: u64,
    citizens_then: u64,
    moved_records: u64,
    merged_citizens: u64,
    split_citizens: u64,
    splits: u64,
    merges: u64,
    merge_distance: u64,
    links: u64,
    reviews: u64,
}

/// Runs `rabt model`.
pub(crate) fn run(args: ModelArgs, render: &Render) -> Result<ExitCode, CommandError> {
    match args {
        ModelArgs::Shadow(args) => block_on(Box::pin(shadow(args, render))),
    }
}

async fn shadow(args: ShadowArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let path = args.file.display();
    let model = std::fs::read_to_string(&args.file).map_err(|error| {
        CommandError::usage(
            format!("{path}: {error}"),
            "name a model file that can be read",
        )
    })?;
    let target = args.connection.target(USUAL_IDENTITY)?;
    let mut client = LinkageServiceClient::new(target.connect().await?);
    let answer = client.shadow_model(pb::ShadowModelRequest { model }).await;
    let answer = answer.map_err(|status| refusal_with(&status, remedy))?;
    let differences = Differences::of(&answer.into_inner());
    render.result(&differences, || differences.to_text());
    Ok(ExitCode::SUCCESS)
}

impl Differences {
    fn of(answer: &pb::ShadowModelResponse) -> Self {
        Self {
            model: answer.model.clone(),
            records: answer.records,
            citizens: answer.citizens,
            citizens_then: answer.citizens_then,
            moved_records: answer.moved_records,
            merged_citizens: answer.merged_citizens,
            split_citizens: answer.split_citizens,
            splits: answer.splits,
            merges: answer.merges,
            merge_distance: answer.splits + answer.merges,
            links: answer.links,
            reviews: answer.reviews,
        }
    }

    fn to_text(&self) -> String {
        let rows = [
            ("records / السجلات", self.records),
            ("citizens now / المواطنون الآن", self.citizens),
            ("citizens then / المواطنون بعدها", self.citizens_then),
            ("records that would move / سجلات تنتقل", self.moved_records),
            ("citizens merged / مواطنون يُدمجون", self.merged_citizens),
            ("citizens split / مواطنون يُفصلون", self.split_citizens),
            ("merge distance / مسافة الدمج", self.merge_distance),
            ("links / روابط", self.links),
            ("to be asked / للمراجعة", self.reviews),
        ];
        let rows = rows.map(|(what, count)| vec![what.to_owned(), count.to_string()]);
        let counts = table(&["what / البند", "count / العدد"], rows);
        format!("{counts}\nmodel {}; nothing was changed", self.model)
    }
}

fn remedy(reason: &str) -> &'static str {
    match reason {
        "NOT_PERMITTED" => "operators and approvers try models; check --as",
        "INVALID_REQUEST" => "correct the model file; docs/linkage.md describes it",
        _ => "try again; `rabt doctor` checks the node",
    }
}
