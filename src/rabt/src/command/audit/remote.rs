//! The log through a running server.

use std::process::ExitCode;

use rabt_model::Timestamp;
use rabt_proto::audit as pb;
use rabt_proto::audit::audit_service_client::AuditServiceClient;
use serde::Serialize;
use tonic::transport::Channel;

use super::view::Events;
use super::{
    CheckpointArgs, ListArgs, ProofArgs, TailArgs, USUAL_IDENTITY, Which, WitnessArgs, hex,
};
use crate::client::{Connection, refusal};
use crate::error::CommandError;
use crate::render::Render;

/// Entries of a page.
const PAGE: u32 = 1_000;

pub(super) async fn list(args: &ListArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection).await?;
    let order = if args.oldest_first {
        pb::EventOrder::OldestFirst
    } else {
        pb::EventOrder::NewestFirst
    };
    let filter = Some(args.which.filter()?);
    let (mut events, mut page_token) = (Vec::new(), String::new());
    let wanted = args.limit as usize;
    while events.len() < wanted {
        let left = u32::try_from(wanted - events.len()).unwrap_or(PAGE);
        let request = pb::ListEventsRequest {
            filter: filter.clone(),
            order: order.into(),
            page_size: i32::try_from(left.min(PAGE)).unwrap_or_default(),
            page_token,
        };
        let page = client.list_events(request).await;
        let page = page.map_err(|status| refusal(&status))?.into_inner();
        events.extend(page.events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let shown = Events::of(&events);
    render.result(&shown, || shown.to_text());
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn tail(args: &TailArgs, render: &Render) -> Result<ExitCode, CommandError> {
    if render.is_json() && args.count.is_none() {
        let help = "say with --count how many entries the object holds";
        let message = "a tail without end is not one object";
        return Err(CommandError::usage(message, help));
    }
    let request = pb::TailEventsRequest {
        filter: Some(args.which.filter()?),
        from_leaf: args.from,
        heartbeat_seconds: 10,
    };
    let mut client = connect(&args.connection).await?;
    let response = client.tail_events(request).await;
    let mut messages = response.map_err(|status| refusal(&status))?.into_inner();
    let (mut seen, mut next) = (Vec::new(), args.from);
    let mut left = args.count.unwrap_or(usize::MAX);
    let mut ended = Ok(());
    while left > 0 {
        let message = tokio::select! {
            message = messages.message() => message,
            _ = tokio::signal::ctrl_c() => break,
        };
        let mut message = match message {
            Ok(Some(message)) => message,
            Ok(None) => break,
            Err(status) => {
                ended = Err(refusal(&status));
                break;
            }
        };
        next = Some(message.next_leaf);
        if message.events.len() >= left {
            message.events.truncate(left);
            next = message.events.last().map(|event| event.leaf + 1);
        }
        left -= message.events.len();
        if render.is_json() {
            seen.extend(message.events);
        } else if !message.events.is_empty() {
            let shown = Events::of(&message.events);
            render.result(&shown, || shown.to_text());
        }
    }
    if render.is_json() {
        let shown = Events::of(&seen);
        render.result(&shown, || shown.to_text());
    }
    if let Some(next) = next {
        render.note(format!("go on with --from {next}"));
    }
    ended.map(|()| ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Head {
    checkpoint: String,
    size: u64,
    root: String,
    verifier_key: String,
}

pub(super) async fn checkpoint(
    args: &CheckpointArgs,
    render: &Render,
) -> Result<ExitCode, CommandError> {
    let request = pb::GetCheckpointRequest {
        size: args.size.unwrap_or(0),
        witnessed: args.witnessed,
    };
    let got = connect(&args.connection)
        .await?
        .get_checkpoint(request)
        .await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    let shown = Head {
        checkpoint: got.checkpoint,
        size: got.size,
        root: hex(&got.root),
        verifier_key: got.verifier_key,
    };
    // as the bytes of a file that --checkpoint takes: a line feed at its end, which printing adds
    render.result(&shown, || shown.checkpoint.trim_end().to_owned());
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Proof {
    leaf: Option<u64>,
    from: Option<u64>,
    size: u64,
    leaf_hash: Option<String>,
    hashes: Vec<String>,
}

pub(super) async fn proof(args: &ProofArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection).await?;
    let size = args.size.unwrap_or(0);
    let texts = |hashes: &[Vec<u8>]| hashes.iter().map(|hash| hex(hash)).collect();
    let shown = if let Some(leaf) = args.leaf {
        let request = pb::GetInclusionProofRequest { leaf, size };
        let got = client.get_inclusion_proof(request).await;
        let got = got.map_err(|status| refusal(&status))?.into_inner();
        Proof {
            leaf: Some(leaf),
            from: None,
            size: got.size,
            leaf_hash: Some(hex(&got.leaf_hash)),
            hashes: texts(&got.hashes),
        }
    } else {
        let from_size = args.from.unwrap_or(0);
        let request = pb::GetConsistencyProofRequest {
            from_size,
            to_size: size,
        };
        let got = client.get_consistency_proof(request).await;
        let got = got.map_err(|status| refusal(&status))?.into_inner();
        Proof {
            leaf: None,
            from: Some(from_size),
            size: got.to_size,
            leaf_hash: None,
            hashes: texts(&got.hashes),
        }
    };
    render.result(&shown, || {
        let leaf = shown.leaf_hash.iter();
        let lines = leaf.chain(&shown.hashes).map(String::as_str);
        let lines: Vec<&str> = lines.collect();
        format!("in {} entries\n{}", shown.size, lines.join("\n"))
    });
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn witness(args: &WitnessArgs, render: &Render) -> Result<ExitCode, CommandError> {
    #[derive(Serialize)]
    struct Witnessed {
        checkpoint: String,
    }
    let request = pb::AddWitnessSignatureRequest {
        size: args.size,
        line: args.line.clone(),
    };
    let mut client = connect(&args.connection).await?;
    let got = client.add_witness_signature(request).await;
    let got = got.map_err(|status| refusal(&status))?.into_inner();
    let checkpoint = got.checkpoint;
    let shown = Witnessed { checkpoint };
    render.result(&shown, || shown.checkpoint.trim_end().to_owned());
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn connect(
    connection: &Connection,
) -> Result<AuditServiceClient<Channel>, CommandError> {
    let target = connection.target(USUAL_IDENTITY)?;
    let client = AuditServiceClient::new(target.connect().await?);
    Ok(client.max_decoding_message_size(64 << 20))
}

impl Which {
    fn filter(&self) -> Result<pb::EventFilter, CommandError> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Ok(pb::EventFilter {
            start_time: time(self.since.as_deref())?,
            end_time: time(self.until.as_deref())?,
            kind: text(&self.kind),
            agency: text(&self.agency),
            agreement: text(&self.agreement),
            method: text(&self.method),
            outcome: text(&self.outcome),
        })
    }
}

fn time(text: Option<&str>) -> Result<Option<prost_types::Timestamp>, CommandError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let at: Timestamp = text.parse().map_err(|_| {
        let help = "write it as 2026-06-01T00:00:00Z";
        CommandError::usage(format!("`{text}` is not a time"), help)
    })?;
    Ok(Some(prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }))
}
