//! `rabt serve`: run the node until it is told to end.

use std::process::ExitCode;

use rabt_runtime::Drained;
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
}

/// Runs the node.
pub(crate) fn run(file: &ConfigFile, render: &Render) -> Result<ExitCode, CommandError> {
    let settled = file.settle()?;
    settled.check_tls()?;
    start_telemetry(&settled.config.telemetry)?;
    block_on(Box::pin(serve(settled, render)))
}

async fn serve(settled: Settled, render: &Render) -> Result<ExitCode, CommandError> {
    let app = App::start(&settled).await?;
    app.shutdown()
        .watch_signals()
        .map_err(|error| CommandError::failed(error, ""))?;
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
    };
    render.result(&ready, || {
        let Ready {
            address,
            admin_address,
            citizens,
        } = &ready;
        format!("serving {citizens} citizens on {address}, health on {admin_address}")
    });
    finish_links(&app);
    match app.run_until_drained(bound).await {
        Drained::Complete => Ok(ExitCode::SUCCESS),
        Drained::Abandoned(tasks) => {
            warn!(tasks, "ended before all requests were answered");
            Ok(Exit::Failed.into())
        }
    }
}

/// Links what an earlier process read and did not link before it was killed.
fn finish_links(app: &App) {
    let services = std::sync::Arc::clone(&app.services);
    app.shutdown().spawn(async move {
        let stopping = services.stopping();
        tokio::select! {
            linked = rabt_service::link(&services) => {
                if let Err(error) = linked {
                    error!(%error, "linking failed");
                }
            }
            () = stopping.cancelled() => {}
        }
    });
}
