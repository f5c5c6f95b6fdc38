//! `postern token`: looks into tokens. What is shown without a key set is never called verified.

mod inspect;
mod verification;

use std::io::Read as _;

use anyhow::{Context as _, ensure};
use clap::Subcommand;

use crate::{
    clock,
    exit::Exit,
    output::{self, OutputArgs},
};
use inspect::Inspected;
use verification::{Verification, VerifyArgs};

/// More than any token that a sidecar would accept; what comes on standard input is read no further.
const MAX_INPUT_BYTES: u64 = 64 * 1024;

/// `postern token …`.
#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Show a token's header and claims; verify them when told how.
    #[command(after_help = "Exits 0, or, where it was to be verified and does not, 1.\n\n\
        Examples:\n  \
        postern token inspect \"$TOKEN\"\n  \
        postern token inspect - < token.txt -o json\n  \
        postern token inspect \"$TOKEN\" --jwks http://127.0.0.1:8080/.well-known/jwks.json \\\n      \
        --issuer http://127.0.0.1:8080 --audience urn:postern:demo")]
    Inspect(InspectArgs),
}

#[derive(Debug, clap::Args)]
struct InspectArgs {
    /// The token, or `-` to read it from standard input.
    #[arg(value_name = "TOKEN|-")]
    token: String,
    #[command(flatten)]
    verify: VerifyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs `postern token …`.
pub async fn run(args: TokenArgs) -> anyhow::Result<Exit> {
    match args.command {
        TokenCommand::Inspect(args) => inspect(args).await,
    }
}

async fn inspect(args: InspectArgs) -> anyhow::Result<Exit> {
    let token = read_token(&args.token)?;
    let verification = args.verify.settle(&token, clock::now()).await?;
    let exit = match verification {
        Verification::Refused { .. } => Exit::No,
        Verification::NotVerified | Verification::Verified => Exit::Yes,
    };
    let Some(inspected) = Inspected::read(&token, verification) else {
        output::note("not a token: expected three parts in base64url, the first two JSON objects");
        return Ok(Exit::No);
    };
    output::print(args.output.output, &inspected)?;
    Ok(exit)
}

/// The claims that a token says it has; `None` when it isn't of a token's form. Proves nothing.
pub fn unverified_claims(token: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    Inspected::read(token, Verification::NotVerified).map(|inspected| inspected.claims)
}

/// A token from the command line, or from standard input for `-`. Spaces around it and `Bearer ` before it are dropped.
///
/// # Errors
/// When standard input can't be read, or nothing is left: the command that was to get a token failed, most likely.
pub fn read_token(argument: &str) -> anyhow::Result<String> {
    let text = if argument == "-" {
        let mut text = String::new();
        let mut input = std::io::stdin().lock().take(MAX_INPUT_BYTES);
        input
            .read_to_string(&mut text)
            .context("reading the token from standard input")?;
        text
    } else {
        argument.to_owned()
    };
    // Its end is left on here: of `Bearer ` alone nothing may remain.
    let text = text.trim_start();
    let text = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    ensure!(
        !text.is_empty(),
        "the token is empty; did the command that was to get it fail?"
    );
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_and_spaces_around_a_token_are_dropped() {
        for given in ["a.b.c", " a.b.c\n", "Bearer a.b.c", "Bearer  a.b.c "] {
            assert_eq!(read_token(given).unwrap(), "a.b.c", "{given:?}");
        }
    }
}
