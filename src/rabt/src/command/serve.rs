//! `rabt serve`: run the node until it is told to end.

use std::process::ExitCode;

use rabt_api::Reload;
use rabt_runtime::{Drained, Hangups};
use rabt_service::{Pacing, Stamping};
use serde::Serialize;
use tracing::{error, warn};

use super::{ConfigFile, block_on, start_telemetry};
use crate::app::{App, Settled};
use crate::error::{CommandError, Exit};
use crate::render::Render;

#[derive(Serialize)]
struct Ready {
    address: String,
    admin_address: String,
    citizens: usize,
    leads: bool,
}

/// Runs the node.
pub(crate) fn run(file: &ConfigFile, render: &Render) -> Result<ExitCode, CommandError> {
    let settled = file.settle()?;
    settled.check_tls()?;
    start_telemetry(&settled.config.telemetry)?;
    block_on(Box::pin(serve(settled, render)))
}

async fn serve(settled: Settled, render: &Render) -> Result<ExitCode, CommandError> {
    let stamping = settled.stamping()?;
    let app = App::start(&settled).await?;
    app.shutdown()
        .watch_signals()
        .map_err(|error| CommandError::failed(error, ""))?;
    let hangups = Hangups::watch().map_err(|error| CommandError::failed(error, ""))?;
    let bound = match app.listen(&settled).await {
        Ok(bound) => bound,
        Err(error) => {
            app.stop(None, "the addresses cannot be listened on").await;
            return Err(error);
        }
    };
    let ready = Ready {
        address: bound.addr.to_string(),
        admin_address: bound.admin_addr.to_string(),
        citizens: app.services.citizens(),
        leads: app.services.leads(),
    };
    render.result(&ready, || {
        let Ready {
            address,
            admin_address,
            citizens,
            leads,
        } = &ready;
        let follows = if *leads { "" } else { "; another node leads" };
        format!("serving {citizens} citizens on {address}, health on {admin_address}{follows}")
    });
    reload_on_hangup(&app, hangups, bound.reload.clone());
    finish_links(&app);
    if let Some(stamping) = stamping {
        stamp_checkpoints(&app, stamping);
    }
    if settled.config.sources.scheduled {
        read_by_schedule(&app, settled.pacing());
    }
    match app.run_until_drained(bound).await {
        Drained::Complete => Ok(ExitCode::SUCCESS),
        Drained::Abandoned(tasks) => {
            warn!(tasks, "ended before all requests were answered");
            Ok(Exit::Failed.into())
        }
    }
}

/// Looks at the certificate files at once when an operator says so; the node does it by itself soon
/// after each change.
fn reload_on_hangup(app: &App, mut hangups: Hangups, reload: Reload) {
    let ending = app.shutdown().token();
    app.shutdown().spawn(async move {
        loop {
            tokio::select! {
                () = hangups.next() => reload.now(),
                () = ending.cancelled() => return,
            }
        }
    });
}

/// Reads sources by their schedules, whenever this node leads. The drain waits for no reading: each
/// goes on from its last checkpoint at the next start.
fn read_by_schedule(app: &App, pacing: Pacing) {
    let services = std::sync::Arc::clone(&app.services);
    let ending = app.shutdown().token();
    app.shutdown().spawn(async move {
        tokio::select! {
            () = rabt_service::keep_schedules(&services, pacing) => {}
            () = ending.cancelled() => {}
        }
    });
}

/// Gets time stamps over the checkpoints of this node's log. The drain waits for no reply.
fn stamp_checkpoints(app: &App, stamping: Stamping) {
    let services = std::sync::Arc::clone(&app.services);
    let ending = app.shutdown().token();
    app.shutdown().spawn(async move {
        tokio::select! {
            () = rabt_service::keep_stamps(&services, stamping) => {}
            () = ending.cancelled() => {}
        }
    });
}

/// Links what an earlier leader read and did not link before it was killed, whenever this node
/// begins to lead.
fn finish_links(app: &App) {
    let services = std::sync::Arc::clone(&app.services);
    let ending = app.shutdown().token();
    app.shutdown().spawn(async move {
        let stopping = services.stopping();
        let links = async {
            loop {
                // the drain waits for a link that is under way, not for one that may come
                tokio::select! {
                    () = services.until_leads(true) => {}
                    () = ending.cancelled() => return,
                }
                if let Err(error) = rabt_service::link(&services).await {
                    error!(%error, "linking failed");
                }
                tokio::select! {
                    () = services.until_leads(false) => {}
                    () = ending.cancelled() => return,
                }
            }
        };
        tokio::select! {
            () = links => {}
            () = stopping.cancelled() => {}
        }
    });
}
