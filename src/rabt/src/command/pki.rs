//! `rabt pki`: certificates for development.

use std::path::{Path, PathBuf};
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
    /// Add a certificate to the revocation list of a development authority.
    Revoke {
        /// The certificate, PEM.
        #[arg(value_name = "CERT")]
        certificate: PathBuf,
        /// Folder of the authority, instead of the certificate's.
        #[arg(long, value_name = "DIR")]
        pki: Option<PathBuf>,
    },
}

#[derive(Serialize)]
struct Made {
    ca: PathBuf,
    crl: PathBuf,
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
    match args {
        PkiArgs::Dev { out, hosts, server } => make(&out, &hosts, server, render),
        PkiArgs::Revoke { certificate, pki } => revoke(&certificate, pki, render),
    }
}

fn revoke(
    certificate: &Path,
    folder: Option<PathBuf>,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let beside = || certificate.parent().map(Path::to_owned).unwrap_or_default();
    let folder = folder.unwrap_or_else(beside);
    let revoked = pki::revoke(&folder, certificate, SystemClock.now()).map_err(|error| {
        let help = "give a certificate that `rabt pki dev` made, and --pki its folder with ca.pem \
                    and ca.key; another authority makes its lists itself";
        CommandError::failed(error, help)
    })?;
    render.result(&revoked, || {
        let pki::Revocation {
            list,
            serial,
            earlier,
            revoked,
        } = &revoked;
        let (done, list) = (
            if *earlier { "was already" } else { "is now" },
            list.display(),
        );
        format!(
            "certificate {serial} {done} revoked, one of {revoked} in {list}\n\
             a node refuses it within a second when tls.crl names that list"
        )
    });
    Ok(ExitCode::SUCCESS)
}

fn make(
    out: &Path,
    hosts: &[String],
    server: String,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let made = pki::make(out, hosts, SystemClock.now()).map_err(|error| {
        let help = "give --out a folder that is empty or does not exist yet, and names as --host";
        CommandError::failed(error, help)
    })?;
    let path = out.join("profile.toml");
    Profile::of_pki(&made, server, false)
        .relative_to(out)
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
        crl: out.join(pki::LIST),
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
    let (ca, crl, profile) = (
        made.ca.display(),
        made.crl.display(),
        made.profile.display(),
    );
    format!("{table}\nauthority: {ca}\nrevocation list: {crl}\nclient profile: {profile}")
}
