//! `postern revoke`: tokens that are valid no more, at every sidecar within a second. `postern revocation`: what is on that
//! list, and how to take something off it.

mod entry;
mod list;
mod which;

use postern_proto::token::v1::{RevokeTokenRequest, token_service_client::TokenServiceClient};

use crate::{
    clock,
    control_plane::{self, TargetArgs},
    exit::Exit,
    output::{self, OutputArgs},
    when::{self, Moment},
};
use entry::{Entry, Revoked};
pub use list::{RevocationArgs, run as run_list};
use which::WhichArgs;

/// `postern revoke`.
#[derive(Debug, clap::Args)]
pub struct RevokeArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// The issuer (`iss`) of the tokens [default: the control plane's own].
    #[arg(long, value_name = "URL", conflicts_with = "token")]
    issuer: Option<String>,
    /// Only tokens that were issued before this time: `now`, 2026-11-24T16:12:40Z, or seconds since the epoch [default:
    /// whenever they were issued].
    #[arg(long, value_name = "TIME", value_parser = when::moment)]
    issued_before: Option<Moment>,
    /// How long the entry lives, as long as the tokens can at least: 30m, 12h, 7d [default: a day and five minutes, the
    /// longest that the control plane's own tokens live; ten years for --key-id].
    #[arg(long, value_name = "SPAN", value_parser = when::span)]
    expires_in: Option<i64>,
    /// Why, for whoever reads the list.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs `postern revoke`.
pub async fn run(args: RevokeArgs) -> anyhow::Result<Exit> {
    let now = clock::now().0;
    let chosen = args.which.settle()?;
    let request = RevokeTokenRequest {
        issuer: chosen.issuer.or(args.issuer).unwrap_or_default(),
        which: Some(chosen.which),
        issued_before: args.issued_before.map_or(0, |moment| moment.end(now)),
        expires_at: args.expires_in.map_or(0, |seconds| now.saturating_add(seconds)),
        reason: args.reason.unwrap_or_default(),
    };
    let channel = control_plane::connect(&args.target.target()?).await?;
    let answer = TokenServiceClient::new(channel)
        .revoke_token(request)
        .await
        .map_err(control_plane::refused)?;
    let entry = Entry::from(answer.into_inner().revocation.unwrap_or_default());
    output::print(args.output.output, &Revoked { entry, now })?;
    Ok(Exit::Yes)
}
