//! `postern bundle`: makes policy bundles, signs them, looks into them, pushes them. Where they are refused, it says why
//! and exits 1.

mod build;
mod files;
mod inspect;
mod keys;
mod push;
mod sequence;
mod sign;
mod verify;

use clap::Subcommand;

use crate::exit::Exit;

/// `postern bundle …`.
#[derive(Debug, clap::Args)]
pub struct BundleArgs {
    #[command(subcommand)]
    command: BundleCommand,
}

#[derive(Debug, Subcommand)]
enum BundleCommand {
    /// Compile a folder of Rego and pack it into a bundle.
    #[command(after_help = "Exits 0, or, where the policy is wrong, 1.\n\n\
        Examples:\n  \
        postern bundle build policy -e orders/authz/decision -o orders.tar.gz\n  \
        postern bundle build policy -e orders/authz/decision --revision v7 \\\n      \
        --signing-key signing.pem --key-id prod -o orders.tar.gz")]
    Build(build::BuildArgs),
    /// Sign a bundle, in the place of any signature that it has.
    #[command(after_help = "Example:\n  \
        postern bundle sign orders.tar.gz --signing-key signing.pem --key-id prod\n\n\
        To go back to an older bundle, sign it again and push it: sidecars take what it holds as the newest.\n\n\
        A key for it:\n  \
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signing.pem\n  \
        openssl pkey -in signing.pem -pubout -out signing.pub.pem")]
    Sign(sign::SignArgs),
    /// Check that a bundle is signed with a key, unchanged, and can run.
    #[command(after_help = "Exits 0 when it is good, 1 when it is refused.\n\n\
        Example:\n  postern bundle verify orders.tar.gz --key signing.pub.pem --key-id prod")]
    Verify(verify::VerifyArgs),
    /// Show what is in a bundle.
    #[command(after_help = "Examples:\n  \
        postern bundle inspect orders.tar.gz\n  \
        postern bundle inspect orders.tar.gz -o json | jq -r .revision")]
    Inspect(inspect::InspectArgs),
    /// Publish a bundle at the control plane.
    #[command(
        after_help = "Exits 0 once it is served, or, where the control plane refuses it, 1.\n\n\
        Example:\n  postern bundle push orders.tar.gz --name demo"
    )]
    Push(push::PushArgs),
}

/// Runs `postern bundle …`.
pub async fn run(args: BundleArgs) -> anyhow::Result<Exit> {
    match args.command {
        BundleCommand::Build(args) => build::run(&args).await,
        BundleCommand::Sign(args) => sign::run(&args),
        BundleCommand::Verify(args) => verify::run(&args),
        BundleCommand::Inspect(args) => inspect::run(&args),
        BundleCommand::Push(args) => push::run(&args).await,
    }
}
