//! The command line, and what the process answers to whoever started it: 0 when it ended as it was told to, 1 when it
//! could not begin, 2 when its command line, configuration or data folder is wrong.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use postern_telemetry::log::{self, LogFormat};

use crate::config::Config;
use crate::process::{self, ProcessError};

/// Answers Envoy's ext_authz inside the pod: verifies the token, asks the policy, says yes or no.
#[derive(Debug, Parser)]
#[command(
    name = "postern-sidecar",
    version,
    after_help = "Example: postern-sidecar --config /etc/postern/sidecar.yaml"
)]
struct Args {
    /// The configuration file (YAML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs the process.
pub fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(error) = log::init(LogFormat::Auto, "sidecar") {
        return refuse(&error, 2);
    }
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => return refuse(&error, 2),
    };
    match process::run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ ProcessError::DataFolder(_)) => refuse(&error, 2),
        Err(error) => refuse(&error, 1),
    }
}

/// One line on standard error, for people, not in the form of the log.
#[expect(clippy::print_stderr, reason = "the process ends here, and this is why")]
fn refuse(error: &dyn std::error::Error, code: u8) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(code)
}
