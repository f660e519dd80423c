//! `rabt pki`: certificates for development.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use rabt_model::{Clock, SystemClock};
use serde::Serialize;

use crate::error::CommandError;
use crate::pki;
use crate::profile::Profile;
use crate::render::{Render, table};

/// What to make.
#[derive(Debug, Subcommand)]
pub(crate) enum PkiArgs {
    /// Make an authority, a server certificate, five people and three agency systems. For
    /// development only: the authority's key lies beside them.
    Dev {
        /// Folder for the files; it must not hold earlier ones.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Further name or address that the server is reached by.
        #[arg(long = "host", value_name = "NAME")]
        hosts: Vec<String>,
        /// Server that the client profile points to.
        #[arg(long, default_value = "https://localhost:7443", value_name = "URL")]
        server: String,
    },
}

#[derive(Serialize)]
struct Made {
    ca: PathBuf,
    server: pki::Pair,
    callers: Vec<MadeCaller>,
    profile: PathBuf,
}

#[derive(Serialize)]
struct MadeCaller {
    name: &'static str,
    uri: &'static str,
    #[serde(flatten)]
    files: pki::Pair,
}

/// Runs `rabt pki`.
pub(crate) fn run(args: PkiArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let PkiArgs::Dev { out, hosts, server } = args;
    let made = pki::make(&out, &hosts, SystemClock.now()).map_err(|error| {
        let help = "give --out a folder that is empty or does not exist yet, and names as --host";
        CommandError::failed(error, help)
    })?;
    let path = out.join("profile.toml");
    Profile::of_pki(&made, server, false)
        .relative_to(&out)
        .write(&path)?;

    let callers = made
        .callers
        .into_iter()
        .map(|(identity, files)| MadeCaller {
            name: identity.name,
            uri: identity.uri,
            files,
        });
    let made = Made {
        ca: made.ca,
        server: made.server,
        callers: callers.collect(),
        profile: path,
    };
    render.result(&made, || text(&made));
    Ok(ExitCode::SUCCESS)
}

fn text(made: &Made) -> String {
    let row = |name: &str, uri: &str, files: &pki::Pair| {
        let certificate = files.certificate.display().to_string();
        vec![name.to_owned(), uri.to_owned(), certificate]
    };
    let mut rows = vec![row("server", "", &made.server)];
    for caller in &made.callers {
        rows.push(row(caller.name, caller.uri, &caller.files));
    }
    let table = table(&["name", "who", "certificate"], rows);
    let (ca, profile) = (made.ca.display(), made.profile.display());
    format!("{table}\nauthority: {ca}\nclient profile: {profile}")
}
