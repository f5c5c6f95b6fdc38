//! What can be typed: the commands, their flags and their help. Knows nothing of how they work.

use clap::{Parser, Subcommand};

use crate::{commands, dev};

/// Develop with Postern, ask it questions, build and push policy.
#[derive(Debug, Parser)]
#[command(
    name = "postern",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 yes, done · 1 no, refused · 2 wrong usage, or it could not be asked.\n\
                  Shell completions: `postern completions bash|zsh|fish|elvish|powershell`; man pages: `postern man DIR`."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, in the order of the help.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything on this machine: control plane, sidecar, upstream, Envoy.
    Dev(dev::DevArgs),
    /// Say how the control plane, the sidecar and the policy are.
    Status(commands::status::StatusArgs),
    /// Ask the sidecar what it would decide, as Envoy asks it.
    Check(commands::check::CheckArgs),
    /// Say why a sidecar decided as it did.
    Explain(commands::explain::ExplainArgs),
    /// Build, sign, verify, look into and push policy bundles.
    Bundle(commands::bundle::BundleArgs),
    /// OAuth clients.
    Client(commands::client::ClientArgs),
    /// Tokens.
    Token(commands::token::TokenArgs),
    /// The demo's upstream: answers what it saw. Started by `dev`.
    #[command(hide = true)]
    Upstream(dev::upstream::UpstreamArgs),
    /// Print a completion script.
    #[command(hide = true)]
    Completions(commands::plumbing::CompletionsArgs),
    /// Write man pages into a folder.
    #[command(hide = true)]
    Man(commands::plumbing::ManArgs),
}
