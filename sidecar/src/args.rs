//! The command line, and what the process answers to whoever started it: 0 when it ended as it was told to, 1 when it
//! could not begin (or no route takes the request that was asked about), 2 when its command line, configuration or data
//! folder is wrong.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use postern_telemetry::log::{self, LogFormat};

use crate::config::Config;
use crate::opa::{self, DropInError};
use crate::process::{self, ProcessError};
use crate::routes_test::{self, Question};

/// Answers Envoy's ext_authz inside the pod: verifies who calls, asks the policy, says yes or no.
#[derive(Debug, Parser)]
#[command(
    name = "postern-sidecar",
    version,
    after_help = "Examples:\n  \
    postern-sidecar --config /etc/postern/sidecar.yaml\n  \
    postern-sidecar --config sidecar.yaml check-config\n  \
    postern-sidecar --config sidecar.yaml routes test 'POST https://orders.example/orders/7'"
)]
struct Args {
    /// The configuration file (YAML).
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs; what happens where no command is given. With arguments it runs as OPA with the Envoy plugin would with them.
    Run {
        /// OPA's own.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        opa: Vec<String>,
    },
    /// Reads the configuration, says whether it can be run with, and ends: 0 if so, 2 if not.
    CheckConfig,
    /// Asks about routes.
    Routes {
        #[command(subcommand)]
        command: RoutesCommand,
    },
}

#[derive(Debug, Subcommand)]
enum RoutesCommand {
    /// Says which route a request meets and why: 0 when one takes it, 1 when none does.
    #[command(
        after_help = "Examples:\n  postern-sidecar --config sidecar.yaml routes test 'POST https://orders.example/orders/7'\n  \
                      postern-sidecar --config sidecar.yaml routes test '/health' --header 'host: orders.example' --context tier=gold\n  \
                      postern-sidecar --config sidecar.yaml routes test --request check.json"
    )]
    Test(Question),
}

/// Runs the process.
pub fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Command::Run { opa }) = &args.command
        && !opa.is_empty()
    {
        return run_as_opa(opa);
    }
    let Some(file) = args.config else {
        let missing = "--config FILE is missing; expected the configuration file (YAML)";
        Args::command()
            .error(ErrorKind::MissingRequiredArgument, missing)
            .exit();
    };
    let config = match Config::load(&file) {
        Ok(config) => config,
        Err(error) => return refuse(&error, 2),
    };
    match args.command.unwrap_or(Command::Run { opa: Vec::new() }) {
        Command::Run { .. } => run(config),
        Command::CheckConfig => say(&summary(&file, &config), 0),
        Command::Routes {
            command: RoutesCommand::Test(question),
        } => match routes_test::answer(&question, &config.routes, &file) {
            Ok(answer) => say(&answer.to_string(), u8::from(!answer.taken())),
            Err(error) => refuse(&error, 2),
        },
    }
}

fn run(config: Config) -> ExitCode {
    if let Err(error) = log::init(LogFormat::Auto, "sidecar") {
        return refuse(&error, 2);
    }
    match process::run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ ProcessError::DataFolder(_)) => refuse(&error, 2),
        Err(error) => refuse(&error, 1),
    }
}

fn run_as_opa(args: &[String]) -> ExitCode {
    let plan = match opa::plan(args) {
        Ok(plan) => plan,
        Err(error) => return refuse(&error, 2),
    };
    let (format, filter) = opa::logging(&plan);
    if let Err(error) = log::init_unless_said(format, "sidecar", filter) {
        return refuse(&error, 2);
    }
    match opa::run(&plan) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ DropInError::DataFolder(_)) => refuse(&error, 2),
        Err(error) => refuse(&error, 1),
    }
}

fn summary(file: &Path, config: &Config) -> String {
    let policy = match &config.policy {
        Some(policy) => format!("policy {}", policy.plan.name),
        None => "no policy".to_owned(),
    };
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    format!(
        "{}: good: {}, {}, {policy}",
        file.display(),
        count(config.routes.iter().count(), "route"),
        count(config.issuers.len(), "issuer"),
    )
}

/// The answer on standard output.
fn say(text: &str, code: u8) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => ExitCode::from(code),
        // Whoever read it has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(code),
        Err(error) => refuse(&error, 1),
    }
}

/// One line on standard error, for people, not in the form of the log.
#[expect(clippy::print_stderr, reason = "the process ends here, and this is why")]
fn refuse(error: &dyn std::error::Error, code: u8) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(code)
}
