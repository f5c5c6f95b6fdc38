//! `postern policy`: runs Rego as a sidecar would, on a folder, a bundle or a plan, with OPA's flags and exit codes, so that
//! what a pipeline does with `opa eval`, `opa test` and `opa bench` it can do with the machine that will answer in the mesh.

mod ask;
mod bench;
mod discover;
mod eval;
mod explain;
mod layout;
mod query;
mod source;
mod test;

use clap::Subcommand;

use crate::exit::Exit;

/// `postern policy …`.
#[derive(Debug, clap::Args)]
pub struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Evaluate a rule or a package, as `opa eval` does.
    #[command(
        after_help = "Exits 0, 1 where --fail or --fail-defined says so, 2 on any error. What the policy prints goes to standard \
        error.\n\n\
        Examples:\n  \
        postern policy eval -d policy -i input.json data.orders.authz.decision\n  \
        postern policy eval -b bundle.tar.gz -I -f raw data.orders.authz.decision < input.json\n  \
        postern policy eval --plan plan.json -d data.json -i input.json --fail data.orders.authz.allow"
    )]
    Eval(eval::EvalArgs),
    /// Run the rules that are called test_…, as `opa test` does.
    #[command(
        after_help = "Exits 0 when all tests pass, 2 when one fails, 1 when they can't be run.\n\n\
        Examples:\n  \
        postern policy test policy\n  \
        postern policy test policy -v -r 'orders.*denied'\n  \
        postern policy test -b bundle.tar.gz -f json"
    )]
    Test(test::TestArgs),
    /// Measure an evaluation, as `opa bench` does.
    #[command(
        after_help = "Exits 0, or 1 when the result is undefined or evaluating fails, or 2 when it can't be evaluated at all.\n\n\
        Examples:\n  \
        postern policy bench -d policy -i input.json data.orders.authz.decision\n  \
        postern policy bench -b bundle.tar.gz -i input.json data.orders.authz.decision -f gobench --count 5"
    )]
    Bench(bench::BenchArgs),
}

/// Runs `postern policy …`.
pub async fn run(args: PolicyArgs) -> anyhow::Result<Exit> {
    match args.command {
        PolicyCommand::Eval(args) => eval::run(&args).await,
        PolicyCommand::Test(args) => test::run(&args).await,
        PolicyCommand::Bench(args) => bench::run(&args).await,
    }
}
