//! The executable of Rabt: the node, and the commands of the people who run it.

mod app;
mod client;
mod command;
mod config;
mod error;
mod exchange;
mod keys;
mod meter;
mod outside;
mod pki;
mod process;
mod profile;
mod render;
mod secrets;

use std::process::ExitCode;

use clap::Parser;

use crate::command::Cli;
use crate::render::Render;

/// What one thread allocates another one drops, rows and answers alike, which the system's allocator
/// is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let render = Render::new(cli.json);
    match command::run(cli, &render) {
        Ok(code) => code,
        Err(error) => {
            render.error(&error);
            error.exit().into()
        }
    }
}
