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
    /// Evaluate, test and measure policy, with the machine that sidecars have.
    Policy(commands::policy::PolicyArgs),
    /// OAuth clients.
    Client(commands::client::ClientArgs),
    /// API keys.
    ApiKey(commands::api_key::ApiKeyArgs),
    /// Tokens.
    Token(commands::token::TokenArgs),
    /// Revoke tokens, of any issuer that sidecars trust: one, or all that have something in common.
    #[command(
        after_help = "Every sidecar that is connected refuses the tokens within a second. An entry that is there already for the\n\
        same tokens is widened, never narrowed.\n\n\
        Examples:\n  \
        postern revoke --token \"$TOKEN\"\n  \
        postern revoke --jti 6f1c2b9a-3d4e-4f50-8a61-0c9d7e5b1a23\n  \
        postern revoke --claim sub=bob --issued-before now --issuer https://login.example.com\n  \
        postern revoke --key-id 2026-11 --issuer https://login.example.com --reason 'the key leaked'"
    )]
    Revoke(commands::revoke::RevokeArgs),
    /// What is revoked.
    Revocation(commands::revoke::RevocationArgs),
    /// SPIFFE identities.
    Spiffe(commands::spiffe::SpiffeArgs),
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
