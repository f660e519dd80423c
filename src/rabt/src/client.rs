//! The command line as a gRPC client: connecting, and what to say when the server says no.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rabt_proto::audit::oversight_service_client::OversightServiceClient;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status};
use tonic_types::{FieldViolation, StatusExt};

use crate::error::{CommandError, Exit, Fault};
use crate::profile::{Profile, ProfileContext};

/// Longest time to wait for a connection, and for an answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_mins(5);

/// Which server to ask, as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Connection {
    /// Client profile; `rabt demo` and `rabt pki dev` write one.
    #[arg(long, env = "RABT_PROFILE", value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Identity of the profile to ask as.
    #[arg(long = "as", value_name = "NAME")]
    identity: Option<String>,
    /// Server to ask, such as `https://rabt.example:7443`.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Authority that signed the server's certificate, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Client certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Key of the client certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

/// A connection's parameters, from the profile and the command line.
#[derive(Debug)]
pub(crate) struct Target {
    server: String,
    ca: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    /// What a question says about itself unless the command line says otherwise.
    pub(crate) context: ProfileContext,
    /// Whether the people are invented.
    pub(crate) demo: bool,
}

impl Connection {
    /// Puts profile and command line together; the command line wins. `usual` is the identity
    /// when none is named.
    pub(crate) fn target(&self, usual: &str) -> Result<Target, CommandError> {
        if let (Some(server), Some(ca), Some(certificate), Some(key)) =
            (&self.server, &self.ca, &self.cert, &self.key)
        {
            return Ok(Target {
                server: server.clone(),
                ca: ca.clone(),
                certificate: certificate.clone(),
                key: key.clone(),
                context: ProfileContext::default(),
                demo: false,
            });
        }
        let profile = Profile::read(self.profile.as_deref())?;
        let name = self.identity.as_deref().unwrap_or(usual);
        let identity = profile.identity(name)?;
        let or = |given: &Option<PathBuf>, known: &Path| given.as_deref().unwrap_or(known).into();
        Ok(Target {
            ca: or(&self.ca, &profile.ca),
            certificate: or(&self.cert, &identity.certificate),
            key: or(&self.key, &identity.key),
            context: identity.context.clone(),
            demo: profile.demo && self.server.is_none(),
            server: self.server.clone().unwrap_or(profile.server),
        })
    }

    /// Connects for what two people decide, as the usual identity unless another is named.
    pub(crate) async fn oversight(
        &self,
        usual: &str,
    ) -> Result<OversightServiceClient<Channel>, CommandError> {
        let target = self.target(usual)?;
        Ok(OversightServiceClient::new(target.connect().await?))
    }
}

impl Target {
    /// Connects with mutual TLS.
    pub(crate) async fn connect(&self) -> Result<Channel, CommandError> {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read(&self.ca)?))
            .identity(Identity::from_pem(
                read(&self.certificate)?,
                read(&self.key)?,
            ));
        let endpoint = Endpoint::from_shared(self.server.clone()).map_err(|_| {
            let help = "write it as https://HOST:PORT";
            CommandError::usage("the server's address cannot be read", help)
        })?;
        let endpoint = endpoint
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .tls_config(tls)
            .map_err(|error| {
                let help = "check --ca, --cert and --key: each must be a PEM file";
                CommandError::usage(format!("TLS: {}", chain(&error)), help)
            })?;
        endpoint.connect().await.map_err(|error| {
            let message = format!("{} cannot be reached: {}", self.server, chain(&error));
            let help = "see that `rabt serve` or `rabt demo` runs there, and that --ca is the \
                        authority of its certificate";
            CommandError::failed(message, help)
        })
    }
}

/// Returns what to tell the reader about the server's refusal.
pub(crate) fn refusal(status: &Status) -> CommandError {
    refusal_with(status, help_for)
}

/// As [`refusal`], with the remedies of a command for the reasons it knows better.
pub(crate) fn refusal_with(status: &Status, help_for: fn(&str) -> &'static str) -> CommandError {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone());
    let reason = reason.unwrap_or_else(|| format!("{:?}", status.code()));
    let denied = [Code::PermissionDenied, Code::Unauthenticated];
    let exit = if denied.contains(&status.code()) {
        Exit::NotPermitted
    } else if status.code() == Code::InvalidArgument {
        Exit::Usage
    } else {
        Exit::Failed
    };
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.clone());
    let violations = violations.unwrap_or_default();
    if violations.is_empty() {
        let message = format!("the server answers {reason}: {}", status.message());
        return CommandError::one(exit, message, help_for(&reason));
    }
    let fault = |violation: FieldViolation| Fault {
        message: format!("{}: {}", violation.field, violation.description),
        help: String::new(),
    };
    let mut faults: Vec<Fault> = violations.into_iter().map(fault).collect();
    if let Some(last) = faults.last_mut() {
        help_for(&reason).clone_into(&mut last.help);
    }
    CommandError::many(exit, faults)
}

/// Returns the usual remedy for a reason; empty when there is none.
pub(crate) fn help_for(reason: &str) -> &'static str {
    match reason {
        "NOT_PERMITTED" => {
            "either the agreement does not allow this question, or there is no such person: the \
             answer is the same; check --as, --agreement, --purpose and the fields asked for"
        }
        "AGREEMENT_NOT_ACTIVE" => {
            "the agreement is not in force now: before or after its period, suspended, ended or not activated; ask \
             whoever runs the node"
        }
        "STEP_UP_REQUIRED" => "the end user must sign in with a higher assurance",
        "CRITERIA_TOO_WEAK" => {
            "give name and date of birth, or name, year of birth and governorate, or name and phone"
        }
        "BAD_IDENTIFIER" => "check the digits; a national id has 14",
        "ALREADY_EXISTS" => "`rabt source import` hands it in as the next version",
        "CONFIGURATION" => "correct the manifest or mapping and try again",
        "SECOND_PERSON_REQUIRED" => "ask as another person: --as approver",
        "ETAG_MISMATCH" => "look again, then name the version you saw",
        "NOT_LEADING" => "name that node with --server, or another --profile",
        "SOURCE_UNREACHABLE" => "see that the agency's database runs and lets this node in",
        "SEQUENCE_EXPIRED" => {
            "the node's storage is older than this token, or what your agreement sees of the feed is another; take a \
             snapshot, or begin without --resume"
        }
        "QUOTA_EXCEEDED" => "end another watch of this identity, or list changes instead",
        "Unimplemented" => {
            "this address does not serve it; portals of citizens have one of their own, \
             server.transparency_listen: name it with --server"
        }
        "OVERLOADED" | "Unavailable" => "try again in a moment",
        "Unknown" => "the connection ended; the server refuses certificates it does not know",
        _ => "",
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|error| {
        let help = "name the file with --ca, --cert or --key, or another --profile";
        CommandError::usage(format!("{}: {error}", path.display()), help)
    })
}

/// Returns an error with its causes: the outermost one alone says only "transport error".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let line = inner.to_string();
        if !text.contains(&line) {
            text = format!("{text}: {line}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

    use super::refusal;
    use crate::error::Exit;

    #[test]
    fn a_refusal_shows_the_reason_and_its_exit_code() {
        let details = ErrorDetails::with_error_info("NOT_PERMITTED", "rabt", []);
        let status = Status::with_error_details(Code::PermissionDenied, "not permitted", details);
        let error = refusal(&status);
        assert_eq!(error.exit(), Exit::NotPermitted);
        assert_eq!(
            error.faults()[0].message,
            "the server answers NOT_PERMITTED: not permitted"
        );
        assert!(error.faults()[0].help.contains("--agreement"));
        assert_eq!(refusal(&Status::internal("x")).exit(), Exit::Failed);
    }

    #[test]
    fn every_problem_of_a_manifest_is_a_line_of_its_own() {
        let violations = vec![
            FieldViolation::new("manifest.toml:2", "unknown key"),
            FieldViolation::new("mapping.toml:7", "unknown step"),
        ];
        let details = ErrorDetails::with_bad_request(violations);
        let status = Status::with_error_details(Code::InvalidArgument, "2 problems", details);
        let error = refusal(&status);
        assert_eq!(error.exit(), Exit::Usage);
        assert_eq!(error.faults()[1].message, "mapping.toml:7: unknown step");
    }
}
