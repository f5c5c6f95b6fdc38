//! `postern-control-plane`: reads its arguments, starts the process, says how it ended. Everything else is elsewhere:
//!
//! - `config`: the configuration file, each key documented where it is declared.
//! - `app`: the wiring of all services, the only place that knows every one.
//! - `http`, `grpc`: a router for each side, with `credentials` as the gate in front of it.
//! - `request`: correlation id, trace context, log line and metrics of every request on both sides.
//! - `sync`: the stream that sidecars follow; `upkeep`: what is forgotten and renewed from time to time.
//! - `listener`, `limits`, `admission`: sockets, how many, for whom; `health`, `metrics`: what operators look at.
//!
//! Both sides speak plaintext, and are meant for loopback or for a mesh that encrypts.

mod admission;
mod app;
mod config;
mod credentials;
mod grpc;
mod health;
mod http;
mod limits;
mod listener;
mod metrics;
mod request;
mod sync;
mod upkeep;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use postern_store::DatabaseError;
use postern_telemetry::log::{self, LogFormat};

use crate::app::StartError;
use crate::config::Settings;

/// Postern's control plane: issues tokens, registers clients, publishes policy.
#[derive(Debug, Parser)]
#[command(name = "postern-control-plane", version, about)]
#[command(
    after_help = "Exit codes: 0 stopped by a signal, 1 failed, 2 can't start with this configuration or data.\n\
    POSTERN_LOG narrows the log, `POSTERN_LOG=debug` say."
)]
struct Arguments {
    /// The configuration, a YAML file; relative paths in it start from its folder
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = log::init(LogFormat::Auto, "control-plane") {
        return fail(&error, 2);
    }
    let settings = match Settings::load(&arguments.config) {
        Ok(settings) => settings,
        Err(error) => return fail(&error, 2),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, 1),
    };
    match runtime.block_on(app::run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ (StartError::Folder(_) | StartError::Database(DatabaseError::Newer { .. }))) => {
            fail(&error, 2)
        }
        Err(error) => fail(&error, 1),
    }
}

/// The one line for whoever started the process; it stands on standard error whatever the log's filter is.
fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "the last word of a process that can't go on")]
    {
        eprintln!("postern-control-plane: {error}");
    }
    ExitCode::from(code)
}
