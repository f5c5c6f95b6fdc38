//! The command line: develop, ask, build and push policy.

#![forbid(unsafe_code)]
#![expect(unreachable_pub, reason = "a binary: nothing of it is an interface")]

mod cli;
#[cfg(test)]
mod cli_docs;
mod clock;
mod commands;
mod control_plane;
mod dev;
mod exit;
mod output;
mod policy;
mod sidecar_admin;
mod target;
mod time_text;
mod when;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("starting the runtime")),
    };
    let ended = runtime.block_on(run(cli.command));
    // A blocking read of a log or of standard input must not hold up the end.
    runtime.shutdown_background();
    ended.map_or_else(|error| failed(&error), ExitCode::from)
}

async fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Dev(args) => dev::run(args).await,
        Command::Status(args) => commands::status::run(args).await,
        Command::Check(args) => commands::check::run(args).await,
        Command::Explain(args) => commands::explain::run(args).await,
        Command::Bundle(args) => commands::bundle::run(args).await,
        Command::Policy(args) => commands::policy::run(args).await,
        Command::Client(args) => commands::client::run(args).await,
        Command::ApiKey(args) => commands::api_key::run(args).await,
        Command::Token(args) => commands::token::run(args).await,
        Command::Revoke(args) => commands::revoke::run(args).await,
        Command::Revocation(args) => commands::revoke::run_list(args).await,
        Command::Spiffe(args) => commands::spiffe::run(&args),
        Command::Upstream(args) => dev::upstream::run(args).await,
        Command::Completions(args) => commands::plumbing::completions(&args),
        Command::Man(args) => commands::plumbing::man(&args),
    }
}

/// What stopped a command from asking at all.
fn failed(error: &anyhow::Error) -> ExitCode {
    let bold_red = anstyle::AnsiColor::Red.on_default().bold();
    output::note(&format!(
        "{bold_red}error{bold_red:#}: {}",
        output::in_full(error)
    ));
    Exit::Usage.into()
}
