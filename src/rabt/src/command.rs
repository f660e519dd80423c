//! The commands, one file each.

mod agreement;
mod assurance;
mod audit;
mod change;
mod citizen;
mod completions;
mod config;
mod demo;
mod doctor;
mod emergency;
mod link;
mod model;
mod pki;
mod review;
mod secret;
mod serve;
mod source;
mod storage;
mod transparency;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use rabt_storage::Storage;

use crate::app::Settled;
use crate::config::Telemetry;
use crate::error::CommandError;
use crate::render::Render;

pub(crate) use audit::read_stamp_roots;

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong command, setting or manifest, 3 not permitted, 4 verification failed.

Settings come from --config, RABT_CONFIG, ./rabt.toml or /etc/rabt/rabt.toml, and from variables
named RABT__SECTION__KEY; RABT_LOG sets what is logged.";

/// Reads agencies' databases, links their records, answers agencies about citizens.
#[derive(Debug, Parser)]
#[command(name = "rabt", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// See the whole of it: make invented agencies, read, link, compare with the truth, serve.
    Demo(demo::DemoArgs),
    /// Run the node.
    Serve(ConfigFile),
    /// Ask a running server about citizens.
    #[command(subcommand)]
    Citizen(Box<citizen::CitizenArgs>),
    /// Follow what happens to citizens, through a running server.
    #[command(subcommand)]
    Change(Box<change::ChangeArgs>),
    /// Register and read agencies' databases through a running server.
    #[command(subcommand)]
    Source(Box<source::SourceArgs>),
    /// Say who may ask what, and see what may be asked, through a running server.
    #[command(subcommand)]
    Agreement(Box<agreement::AgreementArgs>),
    /// Answer what the evidence leaves open, and decide who is one person, through a running server.
    #[command(subcommand)]
    Review(Box<review::ReviewArgs>),
    /// Try another linkage model on the registry, through a running server.
    #[command(subcommand)]
    Model(Box<model::ModelArgs>),
    /// Link records of files, without a server.
    #[command(subcommand)]
    Link(link::LinkArgs),
    /// Read the audit log, take it away, and prove that nobody changed it.
    #[command(subcommand)]
    Audit(Box<audit::AuditArgs>),
    /// Work off the looks for which somebody claimed an emergency, through a running server.
    #[command(subcommand)]
    Emergency(Box<emergency::EmergencyArgs>),
    /// See what others see of a citizen, as a portal, and answer what citizens say is wrong.
    #[command(subcommand)]
    Transparency(Box<transparency::TransparencyArgs>),
    /// Say what state storage is in.
    #[command(subcommand)]
    Storage(storage::StorageArgs),
    /// Check and show the settings.
    #[command(subcommand)]
    Config(config::ConfigArgs),
    /// Check whether a node would start here, and is well.
    Doctor(doctor::DoctorArgs),
    /// Keep the secrets of sources sealed.
    #[command(subcommand)]
    Secret(secret::SecretArgs),
    /// Make certificates for development.
    #[command(subcommand)]
    Pki(pki::PkiArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
}

/// Where the settings are.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigFile {
    /// Settings file.
    #[arg(long, env = "RABT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Which storage a command reads.
#[derive(Debug, clap::Args)]
pub(crate) struct StorageAt {
    #[command(flatten)]
    file: ConfigFile,
    /// Storage to read instead of the settings' storage.url.
    #[arg(long, value_name = "URL")]
    storage: Option<String>,
}

impl ConfigFile {
    /// Loads the settings.
    fn settle(&self) -> Result<Settled, CommandError> {
        let (loaded, _) = crate::config::load(self.config.as_deref())?;
        // Absolute, so that the node may change its current folder.
        let base = loaded.base.canonicalize().map_err(|error| {
            CommandError::usage(format!("{}: {error}", loaded.base.display()), "")
        })?;
        Ok(Settled {
            config: loaded.settings,
            base,
        })
    }
}

impl StorageAt {
    /// Opens storage that is there already; a command that reads must not make an empty one.
    async fn open(&self) -> Result<(Arc<dyn Storage>, Settled), CommandError> {
        let help = "name it with --storage URL or --config FILE";
        let settled = self.file.settle()?;
        let url = self.storage.clone();
        let url = url.unwrap_or_else(|| settled.storage_url());
        if let Some(path) = url.strip_prefix("sqlite://")
            && !Path::new(path).is_file()
        {
            let message = format!("{path}: there is no storage");
            return Err(CommandError::usage(message, help));
        }
        let opened = rabt_storage::open_as(&url, &settled.config.audit.origin).await;
        let storage = opened.map_err(|error| CommandError::failed(error, help))?;
        Ok((storage, settled))
    }
}

/// Runs the command that was given.
pub(crate) fn run(cli: Cli, render: &Render) -> Result<ExitCode, CommandError> {
    match cli.command {
        Command::Demo(args) => demo::run(args, render),
        Command::Serve(file) => serve::run(&file, render),
        Command::Link(args) => link::run(&args, render),
        Command::Audit(args) => audit::run(&args, render),
        Command::Emergency(args) => emergency::run(&args, render),
        Command::Transparency(args) => transparency::run(*args, render),
        Command::Storage(args) => storage::run(&args, render),
        Command::Doctor(args) => doctor::run(&args, render),
        Command::Citizen(args) => citizen::run(*args, render),
        Command::Change(args) => change::run(*args, render),
        Command::Source(args) => source::run(*args, render),
        Command::Agreement(args) => agreement::run(*args, render),
        Command::Review(args) => review::run(*args, render),
        Command::Model(args) => model::run(*args, render),
        Command::Config(args) => config::run(&args, render),
        Command::Secret(args) => secret::run(&args, render),
        Command::Pki(args) => pki::run(args, render),
        Command::Completions(args) => Ok(completions::run(&args, render)),
    }
}

/// Starts logging as the settings say.
pub(crate) fn start_telemetry(telemetry: &Telemetry) -> Result<(), CommandError> {
    let wrong = |error| {
        let help = "write a filter such as \"info\" or \"info,rabt_api=debug\"";
        CommandError::usage(error, help)
    };
    let format = telemetry.format.parse().map_err(wrong)?;
    let over = std::env::var("RABT_LOG").ok();
    rabt_runtime::start_telemetry(format, &telemetry.level, over.as_deref()).map_err(wrong)
}

/// Runs asynchronous work to its end.
pub(crate) fn block_on<T>(
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime
        .map_err(|error| CommandError::failed(format!("no threads can be started: {error}"), ""))?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help() {
        let mut command = Cli::command().term_width(100).version("VERSION");
        command.build();
        let mut text = String::new();
        write_help(&mut command, &mut text);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn every_kind_of_the_executable_is_offered() {
        for command in ["serve", "propose", "new"] {
            let mut rabt = Cli::command();
            let source = rabt.find_subcommand_mut("source").unwrap();
            let command = source.find_subcommand_mut(command).unwrap();
            let help = command.render_long_help().to_string();
            for kind in crate::app::kinds().names() {
                assert!(help.contains(kind), "{kind}: {help}");
            }
        }
        let other = ["rabt", "source", "serve", "nonsense"];
        assert!(Cli::command().try_get_matches_from(other).is_err());
    }

    /// Writes the help of a command and of all commands below it.
    fn write_help(command: &mut clap::Command, text: &mut String) {
        if command.get_name() == "help" {
            return;
        }
        let help = command.render_long_help();
        writeln!(
            text,
            "$ {}\n{help}",
            command.get_bin_name().unwrap_or("rabt")
        )
        .unwrap();
        for inner in command.get_subcommands_mut() {
            write_help(inner, text);
        }
    }
}
