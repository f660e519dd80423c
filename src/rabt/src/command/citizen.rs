//! `rabt citizen`: ask a running server about a citizen.
//!
//! Invariant: a number about a person is sent in the body of a request and printed nowhere else.

mod answer;
mod subject;
mod value;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use rabt_model::Timestamp;
use rabt_proto::citizen as pb;
use rabt_proto::citizen::citizen_service_client::CitizenServiceClient;
use rabt_proto::common;
use tonic::Status;
use tonic::transport::Channel;

use self::answer::{Answer, Candidates, Explanations, Revisions, Verdicts};
pub(crate) use self::subject::{SubjectArgs, Who};
pub(crate) use self::value::{Row, instant, rows};
use super::assurance::Assurance;
use super::block_on;
use crate::client::{Connection, Target, refusal};
use crate::error::CommandError;
use crate::exchange::Exchange;
use crate::render::Render;

/// Who asks unless `--as` says otherwise: the tax agency's system of `rabt pki dev`.
pub(crate) const USUAL_IDENTITY: &str = "tax";

/// The questions.
#[derive(Debug, Subcommand)]
pub(crate) enum CitizenArgs {
    /// Show the citizen who holds a number, each value with its source.
    Lookup(LookupArgs),
    /// Find citizens by what is known of them.
    Search(SearchArgs),
    /// Show where the values of one attribute come from.
    Explain(ExplainArgs),
    /// Show what was known of a citizen, and when.
    Revisions(RevisionsArgs),
    /// Ask whether values are the citizen's, without seeing any.
    Verify(VerifyArgs),
}

/// What every question says about itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Asking {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Access agreement.
    #[arg(long, value_name = "ID")]
    agreement: Option<String>,
    /// Purpose code.
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// Legal basis code.
    #[arg(long, value_name = "CODE")]
    legal_basis: Option<String>,
    /// The caller's own reference of the case.
    #[arg(long = "case", value_name = "TEXT")]
    case_reference: Option<String>,
    /// The caller's id of the person on whose behalf it asks.
    #[arg(long, value_name = "ID")]
    end_user: Option<String>,
    /// How sure the caller is of that person.
    #[arg(long, value_name = "LEVEL", requires = "end_user")]
    assurance: Option<Assurance>,
    /// Why a citizen must be seen in an emergency whom the agreement keeps back; announced and reviewed.
    #[arg(long, value_name = "REASON", requires = "end_user")]
    break_glass: Option<String>,
    /// Entry of the catalogue of public services.
    #[arg(long, value_name = "CODE")]
    service: Option<String>,
    /// `portal`, `mobile_app`, `post_office`, `call_centre` or `system`.
    #[arg(long, value_name = "CODE")]
    channel: Option<String>,
}

/// `rabt citizen lookup`
#[derive(Debug, clap::Args)]
pub(crate) struct LookupArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Attributes to show, such as `name.*,birth.date`; the agreement's default set when absent.
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTES")]
    fields: Vec<String>,
    /// Show what was known at this time, such as `2026-01-31T12:00:00Z`.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// New file to save question and answer to, so that `rabt audit replay` can prove them later. It holds
    /// personal data.
    #[arg(long, value_name = "FILE", conflicts_with = "as_of")]
    save: Option<PathBuf>,
    #[command(flatten)]
    asking: Asking,
}

/// `rabt citizen revisions`
#[derive(Debug, clap::Args)]
pub(crate) struct RevisionsArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Attributes to show; the agreement's default set when absent.
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTES")]
    fields: Vec<String>,
    /// Only what was known at this time, such as `2026-01-31T12:00:00Z`.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Only values that were so at this time.
    #[arg(long, value_name = "TIME")]
    valid_at: Option<Timestamp>,
    #[command(flatten)]
    asking: Asking,
}

/// `rabt citizen search`
#[derive(Debug, clap::Args)]
pub(crate) struct SearchArgs {
    /// Name in Arabic or Latin letters, whole or in part.
    #[arg(long)]
    name: Option<String>,
    /// Date of birth, `YYYY-MM-DD`, or its year alone.
    #[arg(long, value_name = "DATE")]
    birth_date: Option<String>,
    /// Two-digit governorate code.
    #[arg(long, value_name = "CODE")]
    governorate: Option<String>,
    /// Telephone number.
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Attributes to show.
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTES")]
    fields: Vec<String>,
    /// Largest number of candidates, at most 50.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(i32).range(1..=50))]
    limit: i32,
    #[command(flatten)]
    asking: Asking,
}

/// `rabt citizen explain`
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// Attribute to explain, such as `birth.date`.
    attribute: String,
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    asking: Asking,
}

/// `rabt citizen verify`
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// What is claimed, such as `birth.date=1990-01-31`; may be given again.
    #[arg(long = "claim", value_name = "ATTRIBUTE=VALUE", required = true)]
    claims: Vec<String>,
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    asking: Asking,
}

/// Runs `rabt citizen`.
pub(crate) fn run(args: CitizenArgs, render: &Render) -> Result<ExitCode, CommandError> {
    match args {
        CitizenArgs::Lookup(args) => block_on(Box::pin(lookup(args, render))),
        CitizenArgs::Search(args) => block_on(Box::pin(search(args, render))),
        CitizenArgs::Explain(args) => block_on(Box::pin(explain(args, render))),
        CitizenArgs::Revisions(args) => block_on(Box::pin(revisions(args, render))),
        CitizenArgs::Verify(args) => block_on(Box::pin(verify(args, render))),
    }
}

async fn lookup(args: LookupArgs, render: &Render) -> Result<ExitCode, CommandError> {
    if args.as_of.is_some() {
        let args = RevisionsArgs {
            subject: args.subject,
            fields: args.fields,
            as_of: args.as_of,
            valid_at: None,
            asking: args.asking,
        };
        return revisions(args, render).await;
    }
    let target = args.asking.connection.target(USUAL_IDENTITY)?;
    let who = args.subject.resolve(target.demo, render)?;
    let context = args.asking.context(&target);
    let mut client = connect(&target).await?;
    let asked = exchange(&mut client, context, who, mask(args.fields));
    let (exchange, answered) = asked.await;
    if let Some(file) = &args.save {
        exchange.save(file)?;
    }
    let citizen = answered.map_err(|status| refusal(&status))?;
    let answer = Answer::of(&citizen);
    render.result(&answer, || answer.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn search(args: SearchArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let target = args.asking.connection.target(USUAL_IDENTITY)?;
    let birth_date = args.birth_date.as_deref().map(subject::date).transpose()?;
    let request = pb::SearchCitizensRequest {
        context: Some(args.asking.context(&target)),
        criteria: Some(pb::SearchCriteria {
            name: args.name.unwrap_or_default(),
            birth_date,
            governorate: args.governorate.unwrap_or_default(),
            phone: args.phone.unwrap_or_default(),
            identifier: None,
        }),
        read_mask: mask(args.fields),
        page_size: args.limit,
        page_token: String::new(),
    };
    let mut client = connect(&target).await?;
    let response = client.search_citizens(request).await;
    let found = response.map_err(|status| refusal(&status))?.into_inner();
    let candidates = Candidates::of(&found);
    render.result(&candidates, || candidates.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn explain(args: ExplainArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let target = args.asking.connection.target(USUAL_IDENTITY)?;
    let who = args.subject.resolve(target.demo, render)?;
    let context = args.asking.context(&target);
    let mut client = connect(&target).await?;
    let name = name_of(&mut client, &context, who).await?;
    let request = pb::ExplainFieldRequest {
        context: Some(context),
        name: name.clone(),
        attribute: args.attribute.clone(),
    };
    let response = client.explain_field(request).await;
    let explained = response.map_err(|status| refusal(&status))?.into_inner();
    let explanations = Explanations::of(&name, &args.attribute, &explained);
    render.result(&explanations, || explanations.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn revisions(args: RevisionsArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let target = args.asking.connection.target(USUAL_IDENTITY)?;
    let who = args.subject.resolve(target.demo, render)?;
    let context = args.asking.context(&target);
    let mut client = connect(&target).await?;
    let name = name_of(&mut client, &context, who).await?;
    let request = pb::ListCitizenRevisionsRequest {
        context: Some(context),
        name,
        read_mask: mask(args.fields),
        recorded_at: args.as_of.map(timestamp),
        valid_at: args.valid_at.map(timestamp),
    };
    let response = client.list_citizen_revisions(request).await;
    let found = response.map_err(|status| refusal(&status))?.into_inner();
    let revisions = Revisions::of(&found);
    render.result(&revisions, || revisions.to_text());
    Ok(ExitCode::SUCCESS)
}

/// Returns the name of a citizen; a number is looked up first, under the same agreement.
async fn name_of(
    client: &mut CitizenServiceClient<Channel>,
    context: &common::RequestContext,
    who: Who,
) -> Result<String, CommandError> {
    match who {
        Who::Name(name) => Ok(name),
        number @ Who::Number(_) => {
            let citizen = ask_citizen(client, context.clone(), number, None).await?;
            Ok(citizen.name)
        }
    }
}

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }
}

async fn verify(args: VerifyArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let target = args.asking.connection.target(USUAL_IDENTITY)?;
    let claims: Result<Vec<_>, _> = args.claims.iter().map(|text| claim(text)).collect();
    let who = args.subject.resolve(target.demo, render)?;
    let request = pb::VerifyAttributesRequest {
        context: Some(args.asking.context(&target)),
        subject: Some(match who {
            Who::Name(name) => pb::verify_attributes_request::Subject::Name(name),
            Who::Number(number) => pb::verify_attributes_request::Subject::Identifier(number),
        }),
        claims: claims?,
    };
    let mut client = connect(&target).await?;
    let response = client.verify_attributes(request).await;
    let verified = response.map_err(|status| refusal(&status))?.into_inner();
    let verdicts = Verdicts::of(&verified);
    render.result(&verdicts, || verdicts.to_text());
    Ok(ExitCode::SUCCESS)
}

async fn connect(target: &Target) -> Result<CitizenServiceClient<Channel>, CommandError> {
    Ok(CitizenServiceClient::new(target.connect().await?))
}

async fn ask_citizen(
    client: &mut CitizenServiceClient<Channel>,
    context: common::RequestContext,
    who: Who,
    read_mask: Option<prost_types::FieldMask>,
) -> Result<common::Citizen, CommandError> {
    let (_, answered) = exchange(client, context, who, read_mask).await;
    answered.map_err(|status| refusal(&status))
}

/// Asks for a citizen; returns also what can be saved of it.
async fn exchange(
    client: &mut CitizenServiceClient<Channel>,
    context: common::RequestContext,
    who: Who,
    read_mask: Option<prost_types::FieldMask>,
) -> (Exchange, Result<common::Citizen, Status>) {
    match who {
        Who::Number(identifier) => {
            let request = pb::LookupCitizenRequest {
                context: Some(context),
                identifier: Some(identifier),
                read_mask,
            };
            let answered = client.lookup_citizen(request.clone()).await;
            let exchange = Exchange::of("LookupCitizen", &request, &answered);
            let citizen = answered.map(|response| response.into_inner().citizen);
            (exchange, citizen.map(Option::unwrap_or_default))
        }
        Who::Name(name) => {
            let request = pb::GetCitizenRequest {
                context: Some(context),
                name,
                read_mask,
            };
            let answered = client.get_citizen(request.clone()).await;
            let exchange = Exchange::of("GetCitizen", &request, &answered);
            let citizen = answered.map(|response| response.into_inner().citizen);
            (exchange, citizen.map(Option::unwrap_or_default))
        }
    }
}

pub(crate) fn mask(paths: Vec<String>) -> Option<prost_types::FieldMask> {
    (!paths.is_empty()).then_some(prost_types::FieldMask { paths })
}

fn claim(text: &str) -> Result<pb::AttributeClaim, CommandError> {
    let (attribute, value) = text.split_once('=').ok_or_else(|| {
        CommandError::usage(
            "a --claim has no \"=\"",
            "write it as ATTRIBUTE=VALUE, such as birth.date=1990-01-31",
        )
    })?;
    Ok(pb::AttributeClaim {
        attribute: attribute.trim().to_owned(),
        value: value.trim().to_owned(),
    })
}

impl Asking {
    /// Returns the context of a question; the command line wins over the profile.
    pub(crate) fn context(&self, target: &Target) -> common::RequestContext {
        let known = &target.context;
        let or = |given: &Option<String>, known: &String| given.as_ref().unwrap_or(known).clone();
        common::RequestContext {
            agreement: or(&self.agreement, &known.agreement),
            purpose: or(&self.purpose, &known.purpose),
            legal_basis: or(&self.legal_basis, &known.legal_basis),
            case_reference: or(&self.case_reference, &known.case_reference),
            end_user: self.end_user.as_ref().map(|id| common::EndUser {
                id: id.clone(),
                assurance: self.assurance.map_or(0, |level| level.code().into()),
            }),
            break_glass: self.break_glass.clone().unwrap_or_default(),
            represented_party: String::new(),
            service: or(&self.service, &known.service),
            channel: or(&self.channel, &known.channel),
            request_id: String::new(),
        }
    }
}
